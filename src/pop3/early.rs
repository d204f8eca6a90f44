//! Early listings: UIDL and LIST in one flight with the last command of the login, which saves a round trip.
//!
//! Some servers announce PIPELINING and still lose all or a part of what follows the login: one program takes
//! the login and another the rest, and what the first has read ahead is gone. So only commands that change
//! nothing are sent early, and their answers must begin soon after that to the login. Else the session is given
//! up and repeated with the login alone, where the answers may take as long as any.

use super::{Authorization, Connection, Transaction};
use crate::mailbox::Remedy;
use crate::words::{Failure, Stage};
use std::time::Duration;

/// The shortest time an early command's answer may take to begin.
const GRACE: Duration = Duration::from_secs(1);
/// The same in round trips: enough for a lost packet to be sent again.
const GRACE_ROUND_TRIPS: u32 = 8;

impl Authorization {
    /// Whether the listings may be sent early. Not if UIDL is not announced: the server may refuse it for other
    /// reasons. Not if the server wants time between two logins: a second session would be refused.
    pub(super) fn may_list_early(&self) -> bool {
        let capabilities = &self.dialogue.capabilities;
        capabilities.pipelining && capabilities.uidl && capabilities.login_delay == 0 && !self.alone
    }
}

impl Connection {
    fn grace(&self) -> Duration {
        GRACE.max(self.round_trip.saturating_mul(GRACE_ROUND_TRIPS)).min(self.wire.limits().timeout)
    }
}

impl Transaction {
    /// Waits a short time for the first octet of the next answer, if its command was sent early. The rest of the
    /// answer may take as long as any.
    pub(super) fn expect_soon(&mut self, stage: Stage) -> Result<(), Failure> {
        let dialogue = &mut self.dialogue;
        if !self.listed_early || !dialogue.wire.ahead().is_empty() {
            return Ok(());
        }
        dialogue.wire.begin_within(dialogue.grace());
        dialogue.wire.fill().map_err(|error| dialogue.lost(stage, &error))
    }

    pub(super) fn early_listings_failed(&mut self) -> Remedy {
        self.dialogue.wire.note("no answer to the commands sent with the login: once more, after it");
        Remedy::LoginAlone
    }
}
