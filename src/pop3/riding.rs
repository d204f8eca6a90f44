//! The listings, sent in one flight with what ends the login: it saves a round trip a session. Some servers
//! announce PIPELINING and lose what comes so, or a part of it: one program takes the login and another the
//! rest, and what the first has read ahead is gone. So only commands that change nothing ride, and their
//! answers must begin to come soon behind that to the login; else the session is given up, and the same is
//! asked for in another, in which the login goes out alone. A server that only takes its time has it there.

use super::{Authorization, Connection, Transaction};
use crate::mailbox::Remedy;
use crate::words::{Failure, Stage};
use std::time::Duration;

/// How long an answer to what rode may take to begin, at least.
const GRACE: Duration = Duration::from_secs(1);
/// The same in round trips: a loss on the way and its repair fit in.
const GRACE_ROUND_TRIPS: u32 = 8;

impl Authorization {
    /// Whether the listings may ride. Where UIDL is not announced its refusal would mean nothing; where the
    /// server wants time between two logins, the second session would be refused.
    pub(super) fn may_ride(&self) -> bool {
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
    /// Waits for the first octet of the next answer, if it is one to what rode, as long as that may take. The
    /// rest of it has all the time that answers have.
    pub(super) fn expect_soon(&mut self, stage: Stage) -> Result<(), Failure> {
        let dialogue = &mut self.dialogue;
        if !self.riding || !dialogue.wire.ahead().is_empty() {
            return Ok(());
        }
        dialogue.wire.begin_within(dialogue.grace());
        dialogue.wire.fill().map_err(|error| dialogue.lost(stage, &error))
    }

    /// What rode has failed.
    pub(super) fn unseat(&mut self) -> Remedy {
        self.dialogue.wire.note("what went out with the login has no answer: once more, behind it");
        Remedy::NothingBehindLogin
    }
}
