//! The outcome table of `send`: every kind of reply at every verb, and what a script is told of it. Each
//! cell is a run of the real binary against a server that misbehaves at that one place (hazard 66).

use crate::support::mailbox::Mailbox;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::support::smtpd::Smtpd;
use crate::world;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Exit code, status of the receipt, status of the recipient.
type MessageReport = (i32, &'static str, &'static str);

const DONE: MessageReport = (0, "accepted", "accepted");
/// The server said: not now.
const LATER: MessageReport = (75, "deferred", "skipped");
/// It said so of the recipient, or of the message for it.
const DEFERRED: MessageReport = (75, "deferred", "deferred");
/// The line was lost, or nothing came.
const LOST: MessageReport = (75, "failed", "skipped");
const REFUSED: MessageReport = (69, "refused", "skipped");
const SPURNED: MessageReport = (69, "refused", "refused");
const NOBODY: MessageReport = (67, "refused", "refused");
const NO_ENTRY: MessageReport = (77, "failed", "skipped");
const GARBLED: MessageReport = (76, "failed", "skipped");
const UNKNOWN: MessageReport = (79, "unknown", "unknown");

/// What comes instead of a good reply.
#[derive(Clone, Copy, Debug)]
enum Sent {
    /// A reply, on one line and on several.
    Reply(&'static str),
    /// The end of the connection.
    Closed,
    /// A reset.
    Reset,
    /// Nothing, ever.
    Silence,
}

use Sent::{Closed, Reply, Reset, Silence};

const GARBAGE: Sent = Reply("\u{fffd} no reply");
const BUSY: Sent = Reply("421 4.3.2 closing");

/// A row: where, then each reply with what is told.
struct Row {
    verb: &'static str,
    cells: &'static [(Sent, MessageReport)],
}

/// Up to the login the same holds for every way to send.
const OPENING: &[Row] = &[
    Row {
        verb: "",
        cells: &[
            (Reply("220 fine"), DONE),
            (Reply("354 go"), GARBLED),
            (Reply("450 4.3.2 later"), LATER),
            (Reply("554 5.3.2 no"), REFUSED),
            (BUSY, LATER),
            (GARBAGE, GARBLED),
            (Closed, LOST),
            (Reset, LOST),
            (Silence, LOST),
        ],
    },
    Row {
        verb: "EHLO",
        cells: &[
            // Nothing is offered, so no login either; and so behind HELO.
            (Reply("250 hello"), REFUSED),
            (Reply("502 5.5.1 what"), REFUSED),
            (Reply("354 go"), GARBLED),
            (Reply("450 4.3.2 later"), LATER),
            (BUSY, LATER),
            (GARBAGE, GARBLED),
            (Closed, LOST),
            (Reset, LOST),
            (Silence, LOST),
        ],
    },
    Row {
        verb: "AUTH",
        cells: &[
            (Reply("354 go"), GARBLED),
            (Reply("334 !"), GARBLED),
            (Reply("454 4.7.0 later"), LATER),
            (Reply("535 5.7.8 no"), NO_ENTRY),
            (Reply("534 5.7.9 not so"), NO_ENTRY),
            (Reply("500 5.5.2 what"), REFUSED),
            (Reply("504 5.5.4 not that"), REFUSED),
            (BUSY, LATER),
            (GARBAGE, GARBLED),
            (Closed, LOST),
            (Reset, LOST),
            (Silence, LOST),
        ],
    },
];

/// Only where the connection is to be upgraded.
const UPGRADE: &[Row] = &[Row {
    verb: "STARTTLS",
    cells: &[
        (Reply("250 fine"), GARBLED),
        (Reply("354 go"), GARBLED),
        (Reply("454 4.7.0 later"), LATER),
        (Reply("502 5.5.1 no"), REFUSED),
        (BUSY, LATER),
        (GARBAGE, GARBLED),
        (Closed, LOST),
        (Reset, LOST),
        (Silence, LOST),
    ],
}];

/// The envelope, where the content has not left.
const ENVELOPE: &[Row] = &[
    Row {
        verb: "MAIL",
        cells: &[
            (Reply("354 go"), GARBLED),
            (Reply("451 4.3.0 later"), LATER),
            (Reply("550 5.7.1 no"), REFUSED),
            (BUSY, LATER),
            (GARBAGE, GARBLED),
            (Closed, LOST),
            (Reset, LOST),
            (Silence, LOST),
        ],
    },
    Row {
        verb: "RCPT",
        cells: &[
            (Reply("354 go"), GARBLED),
            (Reply("450 4.2.1 later"), DEFERRED),
            (Reply("452 4.5.3 too many recipients"), DEFERRED),
            (Reply("550 5.1.1 no"), NOBODY),
            (BUSY, DEFERRED),
            (GARBAGE, GARBLED),
            (Closed, LOST),
            (Reset, LOST),
            (Silence, LOST),
        ],
    },
    Row {
        verb: "DATA",
        cells: &[
            (Reply("250 what"), GARBLED),
            (Reply("334 what"), GARBLED),
            (Reply("451 4.3.0 later"), DEFERRED),
            (Reply("554 5.7.1 no"), SPURNED),
            (BUSY, DEFERRED),
            (GARBAGE, GARBLED),
            (Closed, LOST),
            (Reset, LOST),
            (Silence, LOST),
        ],
    },
];

/// The envelope, where the content is in its flight: only a refusal tells that it was not taken.
const ONE_FLIGHT: &[Row] = &[
    Row {
        verb: "MAIL",
        cells: &[
            (Reply("354 go"), UNKNOWN),
            (Reply("451 4.3.0 later"), LATER),
            (Reply("550 5.7.1 no"), REFUSED),
            (BUSY, LATER),
            (GARBAGE, UNKNOWN),
            (Closed, UNKNOWN),
            (Reset, UNKNOWN),
            (Silence, UNKNOWN),
        ],
    },
    Row {
        verb: "RCPT",
        cells: &[
            (Reply("354 go"), UNKNOWN),
            (Reply("450 4.2.1 later"), DEFERRED),
            (Reply("550 5.1.1 no"), NOBODY),
            (BUSY, DEFERRED),
            (GARBAGE, UNKNOWN),
            (Closed, UNKNOWN),
            (Reset, UNKNOWN),
            (Silence, UNKNOWN),
        ],
    },
];

/// Behind the content, however it went.
const VERDICT: &[Row] = &[
    Row {
        verb: ".",
        cells: &[
            (Reply("250 2.0.0 taken"), DONE),
            (Reply("251 2.0.0 taken"), DONE),
            (Reply("354 more"), UNKNOWN),
            (Reply("452 4.3.1 full"), DEFERRED),
            (Reply("552 5.3.4 large"), SPURNED),
            (Reply("554 5.7.1 spam"), SPURNED),
            (BUSY, DEFERRED),
            (GARBAGE, UNKNOWN),
            (Closed, UNKNOWN),
            (Reset, UNKNOWN),
            (Silence, UNKNOWN),
        ],
    },
    Row {
        verb: "QUIT",
        cells: &[
            (Reply("221 bye"), DONE),
            (Reply("354 go"), DONE),
            (Reply("450 stay"), DONE),
            (Reply("502 what"), DONE),
            (BUSY, DONE),
            (GARBAGE, DONE),
            (Closed, DONE),
            (Reset, DONE),
            (Silence, DONE),
        ],
    },
];

/// How the server is to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    LockStep,
    Pipelined,
    OneFlight,
    Upgraded,
}

impl Way {
    fn server(self, act: Act, verb: &'static str, dots: &Arc<AtomicUsize>) -> Smtpd {
        let dots = Arc::clone(dots);
        let hook = move |event: &crate::support::pop3d::Event<'_>| {
            dots.fetch_add(usize::from(event.verb == "."), Ordering::SeqCst);
            if event.verb == verb { act.clone() } else { Act::Normal }
        };
        let setup = Smtpd::for_mailbox(&Mailbox::default()).hook(hook);
        match self {
            Way::LockStep => setup.mode(Mode::Plain).without("PIPELINING").start(),
            Way::Pipelined => setup.start(),
            Way::OneFlight => setup.with("CHUNKING").start(),
            Way::Upgraded => setup.mode(Mode::Upgrade).start(),
        }
    }
}

/// The ways to send one reply.
fn acts(sent: Sent) -> Vec<Act> {
    let ending = |end| vec![Act::Then(Vec::new(), end)];
    match sent {
        Closed => ending(End::Close),
        Reset => ending(End::Reset),
        Silence => ending(End::Stall),
        Reply(line) => {
            let (code, text) = line.split_at(3);
            let several = format!("{code}-{}\r\n{line}\r\n", text.trim());
            [format!("{line}\r\n"), several]
                .into_iter()
                .map(|octets| match code {
                    "421" => Act::Then(octets.into_bytes(), End::Close),
                    _ => Act::Reply(octets.into_bytes()),
                })
                .collect()
        }
    }
}

fn check(way: Way, rows: &[Row]) {
    for row in rows {
        for (sent, told) in row.cells {
            acts(*sent).into_iter().for_each(|act| cell(way, row.verb, act, *sent, *told));
        }
    }
}

/// Runs one cell.
fn cell(way: Way, verb: &'static str, act: Act, sent: Sent, told: MessageReport) {
    let (exit, status, recipient) = told;
    let cell = format!("{way:?}, {verb:?} answered by {act:?}");
    let dots = Arc::<AtomicUsize>::default();
    let server = way.server(act, verb, &dots);
    let world = world();
    // Behind the content a reply has ten minutes whatever --timeout is.
    let timeout = if matches!(sent, Silence) { "1s" } else { "20s" };
    let mut run = world.at_url_within(timeout, &server.url(), "send").args(["-f", "ana@example.org"]);
    if matches!(sent, Silence) && exit == 79 {
        run = run.args(["--max-time", "2s"]);
    }
    let outcome = run.args(["--message-id", "<once@example.org>", "bob@example.org"]).stdin("text\n").go();
    assert_eq!(outcome.code, Some(exit), "{cell}: {}\n{}", outcome.out(), outcome.err());
    let receipts = outcome.of_type("receipt");
    assert_eq!(receipts.len(), 1, "{cell}");
    assert_eq!(receipts[0]["status"], status, "{cell}: {}", receipts[0]);
    assert_eq!(receipts[0]["recipients"][0]["status"], recipient, "{cell}: {}", receipts[0]);
    assert_eq!(receipts[0]["attempts"], 1, "{cell}");
    assert_eq!(outcome.summary()["exit"], exit, "{cell}");
    let errors = outcome.of_type("error");
    assert_eq!(errors.len(), usize::from(exit != 0), "{cell}: {errors:?}");
    for error in errors {
        assert_eq!(error["exit"], exit, "{cell}");
        let retry = match exit {
            79 => "may_duplicate",
            75 => "safe",
            _ => "never",
        };
        assert_eq!(error["retry"], retry, "{cell}: {error}");
        if let Reply(line) = sent
            && line.as_bytes()[0].is_ascii_digit()
            && (verb != "EHLO" || matches!(&line[..1], "3" | "4"))
        {
            assert_eq!(error["reply"]["code"].to_string(), line[..3], "{cell}: {error}");
        }
    }
    // One connection, one login, one message, whatever came of it.
    let journals = server.journals();
    assert_eq!(journals.len(), 1, "{cell}");
    for once in ["AUTH", "MAIL", "RCPT", "DATA", "BDAT", "QUIT"] {
        assert!(journals[0].count(once) <= 1, "{cell}: {:?}", journals[0].commands);
    }
    assert_eq!(dots.load(Ordering::SeqCst), usize::from(matches!(verb, "." | "QUIT") || exit == 0), "{cell}");
    assert!(journals[0].violations.is_empty(), "{cell}: {:?}", journals[0].violations);
}

#[test]
fn every_reply_at_every_verb_of_the_opening_has_its_outcome() {
    check(Way::Pipelined, OPENING);
}

#[test]
fn every_reply_to_starttls_has_its_outcome() {
    check(Way::Upgraded, UPGRADE);
}

#[test]
fn every_reply_in_lock_step_has_its_outcome() {
    check(Way::LockStep, ENVELOPE);
    check(Way::LockStep, VERDICT);
}

#[test]
fn every_reply_to_a_pipelined_envelope_has_its_outcome() {
    check(Way::Pipelined, ENVELOPE);
    check(Way::Pipelined, VERDICT);
}

#[test]
fn every_reply_to_a_flight_with_content_has_its_outcome() {
    check(Way::OneFlight, ONE_FLIGHT);
    check(Way::OneFlight, VERDICT);
}
