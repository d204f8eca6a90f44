//! IMAP: no octets make the readers fail; in which pieces they come changes nothing; what is written is read as
//! it was meant.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::codec::imap::{
    Assembly, Capabilities, Command, InternalDate, Literals, MAX_LINE, MailboxName, NextRead, Response, SearchScanner,
    Tags, UidSet, utf7,
};

fuzz_target!(|data: &[u8]| {
    let whole = hear(data, usize::MAX);
    assert_eq!(whole, hear(data, 1 + data.len() % 5));
    search(data);
    sets(data);
    names(data);
    if let Some(date) = InternalDate::parse(data) {
        assert_eq!(InternalDate::parse(date.to_string().as_bytes()), Some(date));
    }
    let capabilities = Capabilities::parse(data);
    assert!(capabilities.words.len() <= 1000);
});

/// The responses in `data`, written down, up to what is none.
fn hear(data: &[u8], piece: usize) -> Vec<String> {
    let mut assembly = Assembly::new();
    let (mut heard, mut rest) = (Vec::new(), data);
    while let Some(feed) = rest.iter().position(|octet| *octet == b'\n') {
        let line = rest[..feed].strip_suffix(b"\r").unwrap_or(&rest[..feed]);
        rest = &rest[feed + 1..];
        if line.len() > MAX_LINE {
            break;
        }
        let octets = match assembly.line(line) {
            Err(malformed) => {
                heard.push(malformed.to_string());
                break;
            }
            Ok(NextRead::Done) => {
                heard.push(match assembly.response() {
                    Ok(response) => describe(&response),
                    Err(malformed) => malformed.to_string(),
                });
                continue;
            }
            Ok(NextRead::Literal { octets }) => {
                let literal = &rest[..usize::try_from(octets).unwrap_or(usize::MAX).min(rest.len())];
                literal.chunks(piece).for_each(|piece| assembly.literal(piece));
                octets
            }
            Ok(NextRead::Body { octets }) => {
                heard.push(format!("{:?}", assembly.so_far()));
                octets
            }
        };
        let Some(behind) = usize::try_from(octets).ok().and_then(|octets| rest.get(octets..)) else { break };
        rest = behind;
    }
    heard
}

fn describe(response: &Response<'_>) -> String {
    if let Response::Fetch(items) = response {
        assert_ne!(items.uid, Some(0));
        let _ = items.flags.map(|flags| flags.contains("\\Seen"));
    }
    format!("{response:?}")
}

/// A line is scanned alike in one piece and octet by octet.
fn search(data: &[u8]) {
    let run = |piece: usize| {
        let (mut scanner, mut found) = (SearchScanner::new(), Vec::new());
        for octets in data.chunks(piece) {
            match scanner.push(octets, |first, last| found.push((first, last))) {
                Ok(taken) => assert!(taken == octets.len() || scanner.ended()),
                Err(_) => return (found, None),
            }
        }
        (found, Some(scanner.ended()))
    };
    let whole = run(data.len().max(1));
    assert_eq!(whole, run(1));
    assert!(whole.0.iter().all(|(first, last)| 0 < *first && first <= last));
}

fn sets(data: &[u8]) {
    if let Ok(set) = UidSet::parse(data) {
        assert_eq!(UidSet::parse(set.to_string().as_bytes()), Ok(set.clone()));
        assert!(set.ranges().windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        let (head, tail) = set.split_at(data.len() as u64);
        assert_eq!(head.len() + tail.len(), set.len());
        assert_eq!(set.without(&head), tail);
    }
}

/// A name that is sent is the name that a server reads, and holds no second command.
fn names(data: &[u8]) {
    if let Some(name) = utf7::decode(data) {
        assert_eq!(utf7::encode(&name).as_bytes(), data);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(utf7::decode(utf7::encode(text).as_bytes()).as_deref(), Some(text));
    }
    let Some(mailbox) = MailboxName::new(data) else { return };
    let parts = Command::select(&mailbox).parts(Tags::default().fresh(), Literals::Awaited);
    let mut assembly = Assembly::new();
    for (at, part) in parts.iter().enumerate() {
        let line = part.line.expose();
        assert!(!line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
        // As a row of LIST it must read as the same name.
        let line = match line.strip_prefix(b"p1 SELECT ") {
            Some(name) if at == 0 => [b"* LIST () \"/\" ", name].concat(),
            _ => line.to_vec(),
        };
        assembly.literal(part.literal.expose());
        let next = assembly.line(&line);
        assert_eq!(next.is_ok_and(|next| next == NextRead::Done), !part.awaits);
    }
    let Ok(Response::List(row)) = assembly.response() else { panic!("no row of LIST") };
    assert_eq!(&*row.name, data);
}
