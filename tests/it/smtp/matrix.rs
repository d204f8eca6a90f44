//! Every kind of reply at every verb, and the outcome for a script (hazards 65 to 68), as one table. Each
//! cell is a few runs of the real binary against a server that misbehaves at that point only.

use crate::support::mailbox::Mailbox;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Event, Mode};
use crate::support::smtpd::Smtpd;
use crate::world;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A row is a way to send and a verb. A column is what comes instead of a good reply; `gone` is every end of
/// the connection, and silence. A cell is a word of [`MEANINGS`], or `-` if the combination does not occur.
const TABLE: &str = "
way       verb      2yz      354      4yz      421      5yz      500      502      504      garbage  gone
pipelined greeting  done     garbled  later    later    refused  refused  refused  refused  garbled  lost
pipelined EHLO      lacks    garbled  later    later    lacks    lacks    lacks    lacks    garbled  lost
helo      HELO      done     garbled  later    later    refused  refused  refused  refused  garbled  lost
upgraded  STARTTLS  garbled  garbled  later    later    lacks    lacks    lacks    lacks    garbled  lost
pipelined AUTH      -        garbled  later    later    unlet    lacks    lacks    lacks    garbled  lost
login     AUTH      -        garbled  later    later    unlet    lacks    lacks    lacks    garbled  lost
login     Username: -        garbled  later    later    unlet    lacks    lacks    lacks    garbled  lost
login     Password: -        garbled  later    later    unlet    lacks    lacks    lacks    garbled  lost
lockstep  MAIL      -        garbled  later    later    refused  refused  refused  refused  garbled  lost
lockstep  RCPT      -        garbled  deferred deferred nobody   nobody   nobody   nobody   garbled  lost
lockstep  DATA      garbled  -        deferred deferred spurned  spurned  spurned  spurned  garbled  lost
lockstep  .         done     unknown  deferred deferred spurned  spurned  spurned  spurned  unknown  unknown
lockstep  QUIT      done     done     done     done     done     done     done     done     done     done
pipelined MAIL      -        garbled  later    later    refused  refused  refused  refused  garbled  lost
pipelined RCPT      -        garbled  deferred deferred nobody   nobody   nobody   nobody   garbled  lost
pipelined DATA      garbled  -        deferred deferred spurned  spurned  spurned  spurned  garbled  lost
pipelined .         done     unknown  deferred deferred spurned  spurned  spurned  spurned  unknown  unknown
pipelined QUIT      done     done     done     done     done     done     done     done     done     done
oneflight MAIL      -        unknown  later    later    refused  refused  refused  refused  unknown  unknown
oneflight RCPT      -        unknown  deferred deferred nobody   nobody   nobody   nobody   unknown  unknown
oneflight BDAT      done     unknown  deferred deferred spurned  again    again    spurned  unknown  unknown
oneflight QUIT      done     done     done     done     done     done     done     done     done     done
chunks    BDAT      done     unknown  deferred deferred spurned  again    again    spurned  unknown  unknown
withheld  RSET      stopped  stopped  stopped  stopped  stopped  stopped  stopped  stopped  stopped  stopped
";

/// Replies that have a column of their own.
const FURTHER: &str = "
pipelined greeting  later    221 closing
pipelined AUTH      garbled  334 !
pipelined AUTH      unlet    534 5.7.9 not so
pipelined RCPT      deferred 452 4.5.3 too many recipients
pipelined DATA      garbled  334 what
pipelined .         spurned  552 5.3.4 large
pipelined .         deferred 452 4.3.1 full
oneflight BDAT      again    503 5.5.1 bad sequence
";

/// Exit code, kind of the failure, status of the receipt, status of the first recipient, whether it may be
/// tried again; and how many sessions there were.
struct Meaning(i32, &'static str, &'static str, &'static str, &'static str, usize);

const MEANINGS: &[(&str, Meaning)] = &[
    ("done", Meaning(0, "", "accepted", "accepted", "", 1)),
    // The server does not know BDAT: DATA, in another session.
    ("again", Meaning(0, "", "accepted", "accepted", "", 2)),
    // A temporary refusal of the recipient or of the message, or a lost connection.
    ("later", Meaning(75, "deferred", "deferred", "skipped", "safe", 1)),
    ("deferred", Meaning(75, "deferred", "deferred", "deferred", "safe", 1)),
    ("lost", Meaning(75, "network", "failed", "skipped", "safe", 1)),
    // A permanent refusal.
    ("refused", Meaning(69, "rejected", "refused", "skipped", "never", 1)),
    ("lacks", Meaning(69, "missing", "refused", "skipped", "never", 1)),
    ("spurned", Meaning(69, "rejected", "refused", "refused", "never", 1)),
    ("nobody", Meaning(67, "recipient", "refused", "refused", "never", 1)),
    ("stopped", Meaning(67, "recipient", "refused", "skipped", "never", 1)),
    ("unlet", Meaning(77, "auth", "failed", "skipped", "never", 1)),
    ("garbled", Meaning(76, "protocol", "failed", "skipped", "never", 1)),
    ("unknown", Meaning(79, "unknown", "unknown", "unknown", "may_duplicate", 1)),
];

/// What comes instead of a good reply.
#[derive(Clone, Debug)]
enum Instead {
    /// A reply of one line or more, and its code.
    Reply(String, String),
    /// Something that is not a reply.
    Garbage(&'static str),
    /// The end of the connection, after these octets.
    Gone(&'static str, End),
}

/// What a column means at a verb.
fn column(name: &str, verb: &str) -> Vec<Instead> {
    let reply = match name {
        "garbage" => {
            let lines = ["\u{fffd} no reply", "huh", "-", "2", "199 what", "250-one\r\n550 another"];
            return lines.map(Instead::Garbage).to_vec();
        }
        "gone" => {
            let ends = [End::Close, End::Truncate, End::Reset, End::Stall].map(|end| Instead::Gone("", end));
            return [&ends[..], &[Instead::Gone("250-half an ans", End::Close)]].concat();
        }
        "2yz" if verb == "greeting" => "220 fine",
        "2yz" => "250 2.0.0 fine",
        "354" => "354 go",
        "4yz" => "450 4.3.2 later",
        "421" => "421 4.3.2 closing",
        "5yz" if verb.starts_with("AUTH") || verb.ends_with(':') => "535 5.7.8 no",
        "5yz" => "550 5.7.1 no",
        "500" => "500 5.5.2 what",
        "502" => "502 5.5.1 not here",
        "504" => "504 5.5.4 not so",
        _ => panic!("{name} is no column"),
    };
    replies(reply)
}

/// A reply on one line, and on several.
fn replies(line: &str) -> Vec<Instead> {
    let (code, text) = line.split_at(3);
    let several = format!("{code}-{}\r\n{line}", text.trim());
    [line.to_owned(), several].map(|reply| Instead::Reply(reply, code.to_owned())).to_vec()
}

impl Instead {
    fn act(&self) -> Act {
        match self {
            Instead::Reply(lines, code) if code == "421" => {
                Act::Then(format!("{lines}\r\n").into_bytes(), End::Close)
            }
            Instead::Reply(lines, _) => Act::reply(lines),
            Instead::Garbage(line) => Act::reply(line),
            Instead::Gone(octets, end) => Act::Then(octets.as_bytes().to_vec(), *end),
        }
    }

    fn is_silence(&self) -> bool {
        matches!(self, Instead::Gone(_, End::Stall))
    }
}

/// A server for one of the ways to send, which counts the contents that it gets.
fn server(way: &str, verb: &str, act: Act, contents: &Arc<AtomicUsize>) -> Smtpd {
    let contents = Arc::clone(contents);
    let (own, verb) = (way.to_owned(), if verb == "greeting" { "" } else { verb }.to_owned());
    let hook = move |event: &Event<'_>| {
        contents.fetch_add(usize::from(event.verb == "."), Ordering::SeqCst);
        match event.verb {
            this if this == verb => act.clone(),
            "EHLO" if own == "helo" => Act::reply("500 what"),
            "RCPT" if own == "withheld" && event.line.contains("cy@") => Act::reply("550 5.1.1 nobody"),
            _ => Act::Normal,
        }
    };
    let setup = Smtpd::for_mailbox(&Mailbox::default()).hook(hook);
    match way {
        "pipelined" | "withheld" => setup,
        "helo" => setup.without("AUTH"),
        "login" => setup.without("AUTH").with("AUTH LOGIN"),
        "upgraded" => setup.mode(Mode::Upgrade),
        "lockstep" => setup.mode(Mode::Plain).without("PIPELINING"),
        "oneflight" => setup.with("CHUNKING"),
        "chunks" => setup.without("PIPELINING").with("CHUNKING"),
        _ => panic!("{way} is no way"),
    }
    .start()
}

/// Runs one cell.
fn cell(way: &str, verb: &str, instead: &Instead, word: &str) {
    let found = MEANINGS.iter().find(|(name, _)| *name == word);
    let Meaning(exit, kind, status, recipient, retry, sessions) = found.expect("a word of the table").1;
    let cell = format!("{way} {verb} {instead:?} {word}");
    let dots = Arc::<AtomicUsize>::default();
    let server = server(way, verb, instead.act(), &dots);
    let world = world();
    let url = if way == "helo" { server.url().replace("ana@", "") } else { server.url() };
    // After the content, the reply has ten minutes, whatever --timeout is.
    let timeout = if instead.is_silence() { "1s" } else { "1h" };
    let mut run = world.at_url_within(timeout, &url, "send").args(["-f", "ana@example.org"]);
    if instead.is_silence() && exit == 79 {
        run = run.args(["--max-time", "2s"]);
    }
    // Only what is safe to try again is tried again.
    if retry != "safe" {
        run = run.args(["--retry-for", "30s"]);
    }
    if way == "withheld" {
        run = run.arg("-t").arg("cy@example.org");
    }
    let outcome = run.args(["--message-id", "<once@example.org>", "bob@example.org"]).stdin("text\n").go();
    assert_eq!(outcome.code, Some(exit), "{cell}: {}\n{}", outcome.out(), outcome.err());
    let receipts = outcome.of_type("receipt");
    assert_eq!(receipts.len(), 1, "{cell}");
    assert_eq!(receipts[0]["status"], status, "{cell}: {}", receipts[0]);
    assert_eq!(receipts[0]["recipients"][0]["status"], recipient, "{cell}: {}", receipts[0]);
    assert_eq!(receipts[0]["attempts"], sessions, "{cell}");
    assert!(receipts[0]["message_id"].is_string(), "{cell}");
    assert_eq!(outcome.summary()["exit"], exit, "{cell}");
    let errors = outcome.of_type("error");
    assert_eq!(errors.len(), usize::from(exit != 0), "{cell}: {errors:?}");
    for error in errors {
        let kind = if kind == "network" && instead.is_silence() { "timeout" } else { kind };
        assert_eq!((&error["exit"], &error["kind"]), (&exit.into(), &kind.into()), "{cell}: {error}");
        assert_eq!(error["retry"], retry, "{cell}: {error}");
        // After HELO, and after an accepted recipient, the failure concerns something else.
        if let Instead::Reply(_, code) = instead
            && (verb != "EHLO" || matches!(&code[..1], "3" | "4"))
            && verb != "RSET"
        {
            assert_eq!(error["reply"]["code"].to_string(), *code, "{cell}: {error}");
        }
    }
    // One login and one message in each session; the content was sent if it had to be, and once in each way.
    let journals = server.journals();
    assert_eq!(journals.len(), sessions, "{cell}");
    for journal in &journals {
        for once in ["AUTH", "MAIL", "DATA", "BDAT", "QUIT"] {
            assert!(journal.count(once) <= 1, "{cell}: {:?}", journal.commands);
        }
        assert!(journal.violations.is_empty(), "{cell}: {:?}", journal.violations);
    }
    let chunks: usize = journals.iter().map(|journal| journal.count("BDAT")).sum();
    let left = dots.load(Ordering::SeqCst).max(chunks);
    let may_have = way == "oneflight" && matches!(verb, "MAIL" | "RCPT");
    assert!(
        left == usize::from(exit == 0 || matches!(verb, "." | "BDAT")) || (may_have && left == 1),
        "{cell}"
    );
    // After a refusal the client sends QUIT, unless it was sent in the flight; after something that is not a
    // reply it sends nothing.
    let goodbyes: usize = journals.iter().map(|journal| journal.count("QUIT")).sum();
    let rides = way == "oneflight" || (way == "pipelined" && matches!(verb, "." | "QUIT"));
    let closing = |code: &str| matches!(code, "221" | "421") || code.starts_with('3');
    let refused = matches!(instead, Instead::Reply(_, code) if !closing(code));
    // A malformed challenge is answered with `*`, and the session continues.
    let cancelled = verb == "AUTH" && matches!(instead, Instead::Reply(_, code) if code == "334");
    let polite = verb == "QUIT" || cancelled || (refused && !matches!(word, "garbled" | "unknown"));
    assert!(rides || goodbyes == usize::from(polite), "{cell}: {goodbyes}");
}

/// Runs the rows of these ways, each in a thread: most of the time is spent waiting for replies that do not
/// come.
fn check(ways: &[&str]) {
    let mut lines = TABLE.lines().filter(|line| !line.is_empty());
    let columns: Vec<&str> = lines.next().unwrap().split_whitespace().skip(2).collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split_whitespace().collect()).collect();
    std::thread::scope(|scope| {
        for row in rows.iter().filter(|row| ways.contains(&row[0])) {
            assert_eq!(row.len(), columns.len() + 2, "{row:?}");
            scope.spawn(|| {
                for (name, word) in columns.iter().zip(&row[2..]).filter(|(_, word)| **word != "-") {
                    column(name, row[1]).iter().for_each(|instead| cell(row[0], row[1], instead, word));
                }
            });
        }
    });
    for line in FURTHER.lines().filter(|line| ways.iter().any(|way| line.starts_with(way))) {
        let mut words = line.split_whitespace();
        let [way, verb, word] = [(); 3].map(|()| words.next().unwrap());
        let reply = words.collect::<Vec<_>>().join(" ");
        replies(&reply).iter().for_each(|instead| cell(way, verb, instead, word));
    }
}

#[test]
fn every_reply_at_every_verb_has_its_outcome_in_lock_step() {
    check(&["lockstep", "chunks", "helo"]);
}

#[test]
fn every_reply_at_every_verb_has_its_outcome_with_pipelining() {
    check(&["pipelined", "withheld"]);
}

#[test]
fn every_reply_at_every_verb_has_its_outcome_with_the_content_in_the_flight() {
    check(&["oneflight"]);
}

#[test]
fn every_reply_at_every_verb_has_its_outcome_up_to_the_login() {
    check(&["upgraded", "login"]);
}
