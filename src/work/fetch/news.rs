//! Waiting for new mail in one folder of an IMAP server, by IDLE.

use crate::codec::imap::MailboxName;
use crate::imap::{Authenticated, Heard, News, NotIdling, Parking};
use crate::words::Failure;
use std::time::{Duration, Instant};

/// How long one IDLE lasts: less than a router keeps a silent connection, and than a server keeps a silent client
/// (`RFC 2177 §3`: half an hour).
pub(super) const RENEWAL: Duration = Duration::from_secs(9 * 60);

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

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// When something is to be done in any case.
    pub due: Option<Instant>,
    /// How long to wait for more, once there is some.
    pub burst: Duration,
    /// How long one IDLE lasts: [`RENEWAL`].
    pub renewal: Duration,
}

/// Waits on the parked session, which is parked again where it goes on. `is_unsure_again`: nothing is gained by saying
/// so once more.
pub(super) fn await_news(
    parking: &Parking,
    folder: &MailboxName,
    times: Times,
    is_unsure_again: bool,
) -> Wake {
    let Times { due, burst, renewal } = times;
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
        let until = Instant::now() + renewal;
        let heard = match idling.wait(due.map_or(until, |due| due.min(until)), burst, doubt) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sasl::Credentials;
    use crate::imap::{ImapLogin, Method, NotAuthenticated};
    use crate::net::{Endpoint, Limits, Security, dial};
    use crate::words::{Kind, Secret};
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread::JoinHandle;

    /// A server for one connection. `idle` says what it answers to the nth IDLE, and to the DONE after it; none: it
    /// falls silent for good. At the end it gives the commands that it got, less their tags.
    fn serve(idle: fn(usize) -> (&'static str, Option<&'static str>)) -> (u16, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
            let (mut heard, mut idled, mut idle_tag) = (Vec::new(), 0, String::new());
            client.write_all(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n").unwrap();
            while let Some(Ok(line)) = lines.next() {
                let (tag, command) = line.split_once(' ').unwrap_or(("", &line));
                heard.push(command.to_owned());
                let ok = format!("{tag} OK done\r\n");
                let answer = match command.split(' ').next() {
                    Some("LOGIN") => format!("{tag} OK [CAPABILITY IMAP4rev1 IDLE] welcome\r\n"),
                    Some("EXAMINE") => {
                        format!("* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 2]\r\n{ok}")
                    }
                    Some("UID") => format!("* SEARCH 1\r\n{ok}"),
                    Some("IDLE") => {
                        (idled, idle_tag) = (idled + 1, tag.to_owned());
                        idle(idled).0.to_owned()
                    }
                    Some("DONE") => match idle(idled).1 {
                        Some(status) => format!("{idle_tag} {status}\r\n"),
                        None => continue,
                    },
                    _ => ok,
                };
                let _ = client.write_all(answer.as_bytes());
            }
            heard
        });
        (port, served)
    }

    fn logged_in(port: u16, limits: &Limits) -> Authenticated {
        let endpoint = Endpoint {
            host: "127.0.0.1".into(),
            port,
            security: Security::None,
            carries_secret: true,
            allow_plaintext_auth: false,
            proxy: None,
        };
        let mut session = NotAuthenticated::greet(dial(&endpoint, None, limits, None).unwrap()).unwrap();
        session.capability().unwrap();
        let secret = Secret::new(b"secret".to_vec());
        let credentials = Credentials { user: "ana".into(), secret, host: endpoint.host.clone(), port };
        let login = ImapLogin {
            credentials,
            is_token: false,
            method: Some(Method::Login),
            plaintext: true,
            helper: None,
            verdict: None,
        };
        session.login(&login).unwrap().0
    }

    fn wait(session: Authenticated, renewal: Duration) -> (Wake, Parking) {
        let parking = Parking::default();
        session.park(&parking);
        let times = Times { due: None, burst: Duration::from_millis(1), renewal };
        (await_news(&parking, &MailboxName::inbox(), times, true), parking)
    }

    #[test]
    fn idle_is_renewed_in_time_and_the_mailbox_is_looked_at_again_each_time() {
        let silent_twice = |nth| match nth {
            1 | 2 => ("+ idling\r\n", Some("OK done")),
            _ => ("+ idling\r\n* 2 EXISTS\r\n", Some("OK done")),
        };
        let (port, served) = serve(silent_twice);
        let began = Instant::now();
        let (wake, parking) = wait(logged_in(port, &Limits::default()), Duration::from_millis(30));
        assert!(matches!(wake, Wake::News), "{wake:?}");
        assert!(began.elapsed() >= Duration::from_millis(60));
        // It is the same session that goes on.
        Authenticated::from_parking(&parking).unwrap().logout();
        drop(parking);
        let round = ["EXAMINE INBOX", "UID SEARCH ALL", "IDLE", "DONE"];
        let wanted: Vec<&str> = ["LOGIN ana \"secret\""]
            .into_iter()
            .chain(round)
            .chain(round)
            .chain(round)
            .chain(["LOGOUT"])
            .collect();
        let heard = served.join().unwrap();
        assert_eq!(heard.iter().filter(|line| *line != "CAPABILITY").collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_dead_line_is_found_when_idle_is_renewed() {
        let dead_at_second = |nth| ("+ idling\r\n", (nth == 1).then_some("OK done"));
        let (port, served) = serve(dead_at_second);
        let limits = Limits { timeout: Duration::from_millis(200), ..Limits::default() };
        let (wake, parking) = wait(logged_in(port, &limits), Duration::from_millis(30));
        let Wake::Lost(failure) = wake else { panic!("{wake:?}") };
        assert_eq!(failure.kind(), Kind::Timeout, "{failure}");
        assert!(parking.is_empty(), "nothing more is said on it");
        assert_eq!(served.join().unwrap().iter().filter(|line| *line == "IDLE").count(), 2);
    }

    #[test]
    fn idle_lasts_less_long_than_a_server_keeps_a_silent_client() {
        // `RFC 2177 §3`; routers forget a connection sooner.
        assert!(RENEWAL < Duration::from_secs(29 * 60) && RENEWAL >= Duration::from_secs(60));
    }
}
