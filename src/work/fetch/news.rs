//! Waiting for new mail in one folder of an IMAP server, by IDLE.

use crate::codec::imap::MailboxName;
use crate::imap::{Authenticated, Heard, News, NotIdling, Parking};
use crate::words::Failure;
use std::time::{Duration, Instant};

/// How long one IDLE lasts: less than a router keeps a silent connection, and than a server keeps a silent client
/// (`RFC 2177 §3`: half an hour).
const RENEWAL: Duration = Duration::from_secs(9 * 60);

/// How long to wait for more once the server tells of new mail, or of what may be new mail; each time it was none,
/// twice as long.
pub(super) const BURST: Duration = Duration::from_millis(300);
const LONGEST_BURST: Duration = Duration::from_secs(60);

/// The next longer wait.
pub(super) fn longer(burst: Duration) -> Duration {
    LONGEST_BURST.min(burst * 2)
}

/// Why the wait has ended.
#[derive(Debug)]
pub(super) enum Wake {
    /// There is new mail.
    News,
    /// Whether there is cannot be told: the session has not listed the folder.
    Unsure,
    /// The time has come.
    Due,
    /// The run has to end.
    Over,
    /// The session was lost, or its server wants no more of it.
    Lost(Failure),
    /// The server does not idle, or refuses to.
    NoIdle(Option<Failure>),
    /// No session is parked.
    NoSession,
}

/// Waits on the parked session, which is parked again where it goes on. `due`: when something is to be done in any
/// case. `burst`: how long to wait for more, once there is some. `is_unsure_again`: nothing is gained by saying so
/// once more.
pub(super) fn await_news(
    parking: &Parking,
    folder: &MailboxName,
    due: Option<Instant>,
    burst: Duration,
    is_unsure_again: bool,
) -> Wake {
    let Some(mut session) = Authenticated::from_parking(parking) else { return Wake::NoSession };
    let mut doubt = BURST;
    loop {
        if !session.capabilities().idle {
            session.logout();
            return Wake::NoIdle(None);
        }
        let mut mailbox = match session.examine(folder) {
            Ok(mailbox) => mailbox,
            Err(refused) => return Wake::Lost(refused.failure),
        };
        let known = match mailbox.news() {
            Ok(News::Yes) => Some(Wake::News),
            Ok(News::Unknown) if !is_unsure_again => Some(Wake::Unsure),
            Ok(News::Untold) => {
                mailbox.leave().logout();
                return Wake::NoIdle(None);
            }
            Ok(News::No | News::Unknown) => None,
            Err(failure) => return Wake::Lost(failure),
        };
        if let Some(known) = known {
            mailbox.leave().park(parking);
            return known;
        }
        let mut idling = match mailbox.idle() {
            Ok(idling) => idling,
            Err(NotIdling(failure)) => return Wake::NoIdle(Some(failure)),
        };
        let renewal = Instant::now() + RENEWAL;
        let heard = match idling.wait(due.map_or(renewal, |due| due.min(renewal)), burst, doubt) {
            Ok(Heard::Halt(_)) => return Wake::Over,
            Ok(heard) => heard,
            Err(failure) => return Wake::Lost(failure),
        };
        session = match idling.done() {
            Ok(session) => session,
            Err(failure) => return Wake::Lost(failure),
        };
        let wake = match heard {
            Heard::More => Wake::News,
            Heard::Due if due.is_some_and(|due| Instant::now() >= due) => Wake::Due,
            Heard::ReaderGone | Heard::Halt(_) => {
                session.logout();
                return Wake::Over;
            }
            // What has come is seen when the folder is opened again.
            Heard::Due => {
                doubt = BURST;
                continue;
            }
            Heard::Perhaps => {
                doubt = longer(doubt);
                continue;
            }
        };
        session.park(parking);
        return wake;
    }
}
