//! Random and hostile input through everything that composes or passes on a message, to servers that read
//! strictly and to servers that accept any line end. Each gets exactly one message, with the named recipients
//! and the given header fields, and nothing else on the wire. Or postie refuses before it connects, and the
//! servers get nothing.
//!
//! `POSTIE_PROPERTY_SECONDS` is how long each of these tests runs (3), `POSTIE_PROPERTY_SEED` the seed to
//! start with; a failure names the seed that repeats it.

use crate::support::random::Random;
use crate::support::recorder::{MachineLink, Record, Seen, SessionMode};
use mail_parser::{MessageParser, MimeHeaders as _};
use postie::codec::smtp::EhloName;
use postie::mail::addresses::{self, Entry};
use postie::mail::compose::{Composition, Part, PartSource, compose};
use postie::mail::fix::mend;
use postie::mail::raw::{Raw, Supplied};
use postie::mail::{Mailbox, Outgoing};
use postie::net::{Endpoint, Limits, Security, Wire};
use postie::smtp::Opening;
use postie::words::{Address, Exit};
use postie::work::send::{Options, Report, SendJob, send};
use std::io::{Cursor, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a property is tried: `VARIABLES_SECONDS` and `VARIABLES_SEED` of the environment, else this long.
pub struct Span {
    pub variables: &'static str,
    pub seconds: u64,
}

/// Runs `one` with one seed after the other, for the time of these tests.
pub fn repeat(test: &str, one: impl FnMut(&mut Random) -> bool) {
    repeat_in(&Span { variables: "POSTIE_PROPERTY", seconds: 3 }, test, one);
}

/// Runs `one` with one seed after the other until the time is over, and returns how often.
pub fn repeat_in(span: &Span, test: &str, mut one: impl FnMut(&mut Random) -> bool) {
    let number = |what: &str| {
        let value = std::env::var(format!("{}_{what}", span.variables)).ok();
        value.and_then(|value| value.parse::<u64>().ok())
    };
    let end = Instant::now() + Duration::from_secs(number("SECONDS").unwrap_or(span.seconds));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let first = number("SEED").unwrap_or(now % 1_000_000_000);
    let (mut runs, mut sent) = (0u64, 0u64);
    while runs == 0 || Instant::now() < end {
        let seed = first + runs;
        let named = Named { test, variables: span.variables, seed };
        sent += u64::from(one(&mut Random::new(seed)));
        std::mem::forget(named);
        runs += 1;
    }
    // Not by the macros, whose output the test harness hides.
    let _ = writeln!(std::io::stderr(), "{test}: {runs} inputs from seed {first}, {sent} of them sent");
}

/// Names the seed if it is dropped by a failure.
struct Named<'a> {
    test: &'a str,
    variables: &'a str,
    seed: u64,
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        let Named { test, variables, seed } = self;
        let _ = writeln!(std::io::stderr(), "{test}: {variables}_SEED={seed} repeats it");
    }
}

/// A server that announces a random set of extensions.
pub fn manner(random: &mut Random, lax: bool) -> SessionMode {
    let all = ["PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING"];
    SessionMode { lax, extensions: all.into_iter().filter(|_| !random.once_in(3)).collect() }
}

/// Sends a message to a server of that manner, in memory.
fn transmit(outgoing: &mut Outgoing, manner: &SessionMode) -> (Report, Record) {
    let record = Arc::<Mutex<Record>>::default();
    let endpoint = Endpoint {
        host: "localhost".into(),
        port: 25,
        security: Security::None,
        carries_secret: false,
        allow_plaintext_auth: false,
        proxy: None,
    };
    let connect = || {
        let link = MachineLink::new(manner, Arc::clone(&record));
        Ok(Wire::new(Box::new(link), "localhost:25", Limits::default(), None))
    };
    let (name, limits, options) =
        (EhloName::domain("client.example.org").unwrap(), Limits::default(), Options::default());
    let opening = Opening { endpoint: &endpoint, tls: None, login: None, name: Some(&name) };
    let job = SendJob { opening, login: None, connect: &connect, limits: &limits, options: &options };
    let report = send(&job, outgoing, &mut |_| {});
    let record = record.lock().unwrap().clone();
    (report, record)
}

/// Sends it to a strict server and a lax one, and returns what arrived: the same for both, or nothing.
#[track_caller]
fn sent(random: &mut Random, outgoing: &mut Outgoing) -> Option<Seen> {
    let strict = manner(random, false);
    let lax = SessionMode { lax: true, ..strict.clone() };
    let mut arrived = Vec::new();
    for manner in [strict, lax] {
        let (report, record) = transmit(outgoing, &manner);
        assert_eq!(record.violations, [""; 0], "{manner:?}\n{:#?}", record.messages);
        let taken = report.exit == Exit::Ok;
        assert!(taken || manner.may_be_lacking(report.exit.code()), "{manner:?}: {:?}", report.failures);
        assert_eq!(record.messages.len(), usize::from(taken), "{manner:?}: {:?}", report.failures);
        arrived.extend(record.messages);
    }
    assert!(arrived.is_empty() || (arrived.len() == 2 && arrived[0] == arrived[1]), "{arrived:#?}");
    arrived.pop()
}

/// A list of people in any form that users may write, and the addresses in it.
pub fn people(random: &mut Random) -> (String, Vec<String>) {
    let (mut texts, mut named) = (Vec::new(), Vec::new());
    for _ in 0..1 + random.below(3) {
        let user = format!("u{}", random.below(100_000));
        let address = format!("{user}@x.org");
        let (text, found) = match random.below(9) {
            0 => (format!("\"Doe, J\" <{address}>"), address),
            1 => (format!("J\u{f6}rg \u{2603} <{address}>"), address),
            2 => (format!("{address} (comment, a@b <c@d>)"), address),
            3 => (format!("team: A <{address}>, b{address};"), address.clone() + " b" + &address),
            4 => (format!("\"{user} >odd\"@x.org"), format!("\"{user} >odd\"@x.org")),
            5 => (format!("{user}@b\u{fc}cher.example"), format!("{user}@xn--bcher-kva.example")),
            6 => (format!("<@a.example,@b.example:{address}>"), address),
            7 if random.once_in(3) => (format!("{user}\u{e4}@x.org"), format!("{user}\u{e4}@x.org")),
            _ => (address.clone(), address),
        };
        texts.push(text);
        match found.split_once(" b").filter(|_| !found.starts_with('"')) {
            Some((one, other)) => named.extend([one.to_owned(), format!("b{other}")]),
            None => named.push(found),
        }
    }
    (texts.join(if random.once_in(2) { ", " } else { "," }), named)
}

/// The same, sometimes with something hostile in it; then it is not known whom it names.
pub fn odd_people(random: &mut Random, hostile_once_in: usize) -> (String, Option<Vec<String>>) {
    let (mut text, named) = people(random);
    if !random.once_in(hostile_once_in) {
        return (text, Some(named));
    }
    let at = (0..=random.below(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.insert_str(at, &random.text(3, 1));
    (text, None)
}

/// The names of the fields of a header, in lower case and sorted. Every line must belong to one.
#[track_caller]
pub fn names(content: &[u8]) -> Vec<String> {
    let end = memchr::memmem::find(content, b"\r\n\r\n").map_or(content.len(), |end| end + 2);
    let header = String::from_utf8_lossy(&content[..end]).into_owned();
    let mut names = Vec::new();
    for line in header.split_terminator("\r\n").filter(|line| !line.starts_with([' ', '\t'])) {
        let (name, _) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}\n{header}"));
        let name = name.trim_end();
        assert!(!name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic()), "{line:?}");
        names.push(name.to_lowercase());
    }
    names.sort();
    names
}

/// The recipients that a server got, without angle brackets; nothing else may be there.
#[track_caller]
pub fn recipients(seen: &Seen) -> Vec<String> {
    let inner = |path: &String| {
        let inner = path.strip_prefix('<').and_then(|path| path.strip_suffix('>'));
        inner.unwrap_or_else(|| panic!("RCPT TO:{path}")).to_owned()
    };
    let found: Vec<String> = seen.recipients.iter().map(inner).collect();
    for path in &found {
        assert!(Address::parse(path).is_ok_and(|address| address.as_str() == path), "{path}");
    }
    found
}

/// The first of each address, in order.
pub fn distinct(all: &[String]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    all.iter().filter(|one| seen.insert((*one).clone())).cloned().collect()
}

/// Text as a reader sees it: only LF ends a line.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").trim_end_matches('\n').to_owned()
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Whether it contains something that must be refused, not left out.
fn breaks(text: &str) -> bool {
    text.contains(['\r', '\n', '\0'])
}

/// The texts of a letter that are single lines of its header.
fn one_line(letter: &Composition) -> Vec<String> {
    let parts = letter.parts.iter().flat_map(|part| [&part.name, &part.content_type, &part.cid]);
    let subject = letter.subject.clone().map(|subject| String::from_utf8(subject).unwrap());
    let ids = [&letter.message_id, &letter.in_reply_to, &letter.references];
    let others = ids.into_iter().chain(parts).flatten().chain(&letter.headers).cloned();
    subject.into_iter().chain(others).collect()
}

type Compare = (Composition, Vec<String>, Option<Vec<String>>);

/// A letter, the names of its fields, and its recipients if they are known. `None` if a list of people is
/// invalid.
fn letter(random: &mut Random) -> Option<Compare> {
    let odd = random.one(&[2, 8, 40, 1_000_000]);
    let mut fields: Vec<String> =
        ["date", "from", "message-id", "mime-version", "content-type"].map(str::to_owned).into();
    let mut all = Some(Vec::new());
    let mut list = |random: &mut Random, always: bool, known: bool| -> Option<Vec<Entry>> {
        if !always && random.once_in(2) {
            return Some(Vec::new());
        }
        let (text, named) = odd_people(random, odd);
        if known {
            all = all.take().zip(named).map(|(mut all, named)| {
                all.extend(named);
                all
            });
        }
        let list = addresses::parse(&text).ok()?;
        assert!(!breaks(&text), "taken: {text:?}");
        Some(list)
    };
    let to = list(random, true, true)?;
    let (cc, bcc) = (list(random, false, true)?, list(random, false, true)?);
    let reply_to = list(random, false, false)?;
    let from = match random.once_in(3) {
        true => addresses::single(&odd_people(random, odd).0).ok()?,
        false => addresses::single("Ana <ana@example.org>").ok()?,
    };
    let maybe = |random: &mut Random, pieces: usize| random.once_in(2).then(|| random.text(pieces, odd));
    let headers: Vec<String> = (0..random.below(3))
        .map(|number| {
            let name = random.one(&["X-Note", "Auto-Submitted", "Precedence", "X-N"]).to_owned();
            let name =
                if random.once_in(odd) { name + &random.text(2, 1) } else { format!("{name}{number}") };
            format!("{name}: {}", random.text(6, odd))
        })
        .collect();
    let parts = (0..random.below(3)).map(|number| Part {
        source: PartSource::Octets(Cursor::new(random.octets(20, 3))),
        path: "-".into(),
        name: random.once_in(2).then(|| random.text(4, odd)),
        content_type: random.once_in(4).then(|| format!("application/x{}", random.text(1, odd))),
        cid: random.once_in(3).then(|| format!("id{number}{}", random.text(1, odd))),
    });
    let parts: Vec<Part> = parts.collect();
    let letter = Composition {
        subject: maybe(random, 12).map(String::into_bytes),
        message_id: random.once_in(3).then(|| format!("id{}@x.org", random.text(1, odd))),
        in_reply_to: random.once_in(4).then(|| format!("<a{}@x.org>", random.text(1, odd))),
        references: random.once_in(4).then(|| format!("<a@b> <c{}@d>", random.text(1, odd))),
        date: None,
        text: maybe(random, 40).map(String::into_bytes),
        html: random.once_in(3).then(|| random.text(20, odd).into_bytes()),
        charset: None,
        from,
        to,
        cc,
        bcc,
        reply_to,
        headers,
        parts,
    };
    let given = [
        (!letter.to.is_empty() || letter.cc.is_empty(), "to"),
        (!letter.cc.is_empty(), "cc"),
        (!letter.reply_to.is_empty(), "reply-to"),
        (letter.subject.is_some(), "subject"),
        (letter.in_reply_to.is_some(), "in-reply-to"),
        (letter.references.is_some(), "references"),
        (letter.parts.is_empty() && letter.html.is_none(), "content-transfer-encoding"),
    ];
    fields.extend(given.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned()));
    fields.extend(
        letter.headers.iter().filter_map(|line| Some(line.split_once(':')?.0.trim_end().to_lowercase())),
    );
    fields.sort();
    Some((letter, fields, all))
}

#[test]
fn a_composed_message_arrives_as_one_message_at_the_named_recipients() {
    repeat("composed", |random| {
        let Some((letter, fields, named)) = letter(random) else { return false };
        let subject = letter.subject.clone().map(|subject| String::from_utf8(subject).unwrap());
        let (text, html) = (letter.text.clone(), letter.html.is_some());
        let attached: Vec<Vec<u8>> = letter
            .parts
            .iter()
            .filter_map(|part| match &part.source {
                PartSource::Octets(octets) if part.cid.is_none() => Some(octets.get_ref().clone()),
                _ => None,
            })
            .collect();
        let mut bcc = letter.bcc.iter().flat_map(Entry::mailboxes).map(|one| one.address.to_string());
        let bcc = bcc.find(|address| {
            let lists = [&letter.to, &letter.cc, &letter.reply_to];
            !lists.into_iter().flatten().flat_map(Entry::mailboxes).any(|one| one.address.as_str() == address)
        });
        let sender = letter.from.address.to_string();
        let lines = one_line(&letter);
        let Ok(mut outgoing) = compose(letter, None) else { return false };
        assert!(!lines.iter().any(|line| breaks(line)), "taken: {lines:?}");
        let known = outgoing.envelope.recipients.iter().map(ToString::to_string).collect::<Vec<_>>();
        let Some(seen) = sent(random, &mut outgoing) else { return false };
        let shown = String::from_utf8_lossy(&seen.content).into_owned();
        assert_eq!(names(&seen.content), fields, "{shown}");
        assert_eq!(recipients(&seen), named.map_or(known, |named| distinct(&named)), "{shown}");
        assert!(seen.mail.starts_with(&format!("<{sender}>")), "{}", seen.mail);
        let (header, _) = shown.split_once("\r\n\r\n").unwrap();
        if let Some(address) = bcc.filter(|address| address.len() > 6 && !address.starts_with("ana@")) {
            assert!(!header.contains(&format!("<{address}>")), "{address} is hidden\n{header}");
        }
        let parsed = MessageParser::default().parse(&seen.content).unwrap();
        if let Some(subject) = subject.filter(|subject| !subject.contains("=?")) {
            assert_eq!(words(parsed.subject().unwrap_or_default()), words(&subject), "{shown}");
        }
        if let Some(text) = text.filter(|text| !(text.is_empty() && html)) {
            let text = String::from_utf8(text).unwrap();
            assert_eq!(plain(&parsed.body_text(0).unwrap()), plain(&text), "{shown}");
        }
        let files = parsed
            .attachments()
            .filter(|part| part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment));
        let files: Vec<Vec<u8>> = files.map(|part| part.contents().to_vec()).collect();
        assert_eq!(files, attached, "{shown}");
        true
    });
}

/// A complete message: its header, its body, who gets it, and which fields arrive.
fn raw(random: &mut Random) -> (Vec<u8>, Vec<u8>, Vec<String>, Vec<String>) {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut all = Vec::new();
    for name in ["To", "Cc", "BCC", "Bcc "] {
        if name == "To" || random.once_in(2) {
            let (text, named) = people(random);
            all.extend(named);
            fields.push((name.to_owned(), text));
        }
    }
    for name in ["From", "Date", "Message-ID", "Subject", "X-Odd", "Return-Path", "Content-Length"] {
        let value = match name {
            "From" => "Ana <ana@example.org>".to_owned(),
            "Date" => "Mon, 01 Sep 2025 10:00:00 +0000".to_owned(),
            "Message-ID" => "<m@x.org>".to_owned(),
            _ => random.text(10, 4).replace(['\r', '\n', '\0'], "|"),
        };
        if random.once_in(2) || name == "From" {
            fields.push((name.to_owned(), value));
        }
    }
    let mut arriving: Vec<String> = fields.iter().map(|(name, _)| name.trim().to_lowercase()).collect();
    arriving.retain(|name| !["bcc", "return-path", "content-length"].contains(&name.as_str()));
    for name in ["date", "message-id"] {
        if !arriving.iter().any(|has| has == name) {
            arriving.push(name.to_owned());
        }
    }
    arriving.sort();
    let mut header = Vec::new();
    for (name, value) in &fields {
        let end = random.one(&["\n", "\r\n"]);
        let fold = if random.once_in(3) { format!("{end}\t") } else { " ".into() };
        header.extend_from_slice(format!("{name}:{fold}{value}{end}").as_bytes());
    }
    (header, random.octets(30, 4), all, arriving)
}

/// The body as it must arrive; `None` if it must be refused.
pub fn carried(body: &[u8]) -> Option<Vec<u8>> {
    let lines = String::from_utf8(
        body.iter().flat_map(|octet| char::from(*octet).to_string().into_bytes()).collect(),
    );
    let text = lines.unwrap().replace("\r\n", "\n");
    if text.contains(['\r', '\0']) {
        return None;
    }
    let text = if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" };
    let octets = text.replace('\n', "\r\n").chars().map(|c| c as u8).collect();
    Some(octets)
}

#[test]
fn a_raw_message_arrives_as_one_message_or_is_refused() {
    repeat("raw", |random| {
        let (header, body, named, fields) = raw(random);
        let (mends, blank) = (random.once_in(2), random.one(&["\n", "\r\n"]));
        let input = [&header[..], blank.as_bytes(), &body].concat();
        let mut reader = input.as_slice();
        let from: Option<Mailbox> = None;
        let beside = Supplied { from, mends, ..Supplied::default() };
        let wanted = carried(&body);
        let of_line = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).len();
        let is_long = |octets: &[u8]| octets.split(|octet| *octet == b'\n').any(|line| of_line(line) > 998);
        let long = wanted.as_ref().is_some_and(|body| is_long(body)) || is_long(&header);
        let built = Raw::read(&mut reader, "-").and_then(|raw| raw.complete(beside));
        let shown = input.escape_ascii().to_string();
        let mut outgoing = match (built, &wanted) {
            (Ok(outgoing), Some(_)) if mends => match mend(outgoing) {
                Ok((outgoing, _)) => outgoing,
                Err(_) => return false,
            },
            (Ok(outgoing), Some(_)) => outgoing,
            (Err(_), None) => return false,
            (Err(failure), Some(_)) => {
                assert!(long, "{failure}: {shown}");
                return false;
            }
            (Ok(_), None) => panic!("taken: {shown}"),
        };
        let Some(seen) = sent(random, &mut outgoing) else { return false };
        assert_eq!(recipients(&seen), distinct(&named), "{shown}");
        assert!(seen.mail.starts_with("<ana@example.org>"), "{}", seen.mail);
        let mut got = names(&seen.content);
        if mends {
            got.retain(|name| !name.starts_with("content-") && name != "mime-version");
        }
        assert_eq!(got, fields, "{shown}");
        let end = memchr::memmem::find(&seen.content, b"\r\n\r\n").unwrap() + 4;
        if !mends {
            assert_eq!(&seen.content[end..], wanted.unwrap_or_default(), "{shown}");
        }
        true
    });
}
