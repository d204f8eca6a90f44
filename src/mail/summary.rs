//! What a row of a listing shows of a message: date, people, subject. The only importer of mail-parser
//! beside the address reader.
//!
//! Only the header is parsed, of bounded size; what is read here decides nothing about delivery.

use super::guard::guarded;
use mail_parser::{Address as Parsed, HeaderValue, Message, MessageParser};

/// The most octets of a header that are looked at.
pub const MAX_HEADER: usize = 256 * 1024;
/// The most people of one header field that are shown.
const MAX_PEOPLE: usize = 1000;

/// A person in From or To.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The display name, decoded.
    pub name: Option<String>,
    /// The address, as it stands there.
    pub address: Option<String>,
}

/// What the header says, decoded; nothing in it can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// RFC 3339.
    pub date: Option<String>,
    /// The authors.
    pub from: Vec<Person>,
    /// The recipients.
    pub to: Vec<Person>,
    /// The subject.
    pub subject: Option<String>,
    /// Without angle brackets.
    pub message_id: Option<String>,
}

impl Summary {
    /// Reads a header (with or without what follows it), whatever it holds.
    pub fn of(header: &[u8]) -> Summary {
        let header = &header[..header.len().min(MAX_HEADER)];
        // A fault in the parser must not stop a fetch: the message counts, not its header.
        guarded(|| MessageParser::default().parse_headers(header).map(|message| read(&message)))
            .flatten()
            .unwrap_or_default()
    }
}

fn read(message: &Message<'_>) -> Summary {
    Summary {
        date: message.date().filter(|date| date.is_valid()).map(mail_parser::DateTime::to_rfc3339),
        from: people(message.from()),
        to: people(message.to()),
        subject: message.subject().map(str::to_owned),
        message_id: match message.header("Message-ID") {
            Some(HeaderValue::Text(id)) => Some(id.trim().to_owned()),
            Some(HeaderValue::TextList(ids)) => ids.first().map(|id| id.trim().to_owned()),
            _ => None,
        },
    }
}

fn people(parsed: Option<&Parsed<'_>>) -> Vec<Person> {
    let each = parsed.into_iter().flat_map(Parsed::iter).take(MAX_PEOPLE);
    each.map(|one| Person { name: one.name().map(str::to_owned), address: one.address().map(str::to_owned) })
        .filter(|person| *person != Person::default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_header_is_read_and_decoded() {
        let header = b"From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\nTo: \"Doe, J\" <d@example.org>, x@example.org\n\
            Subject: =?iso-8859-1?q?Gr=FC=DFe?=\nDate: Mon, 1 Sep 2025 10:00:00 +0200\nMessage-ID: <a@b>\n\nbody";
        let summary = Summary::of(header);
        assert_eq!(
            summary.from,
            [Person { name: Some("Jörg".into()), address: Some("j@example.org".into()) }]
        );
        assert_eq!(summary.to.len(), 2);
        assert_eq!(summary.to[0].name.as_deref(), Some("Doe, J"));
        assert_eq!(summary.subject.as_deref(), Some("Grüße"));
        assert_eq!(summary.date.as_deref(), Some("2025-09-01T10:00:00+02:00"));
        assert_eq!(summary.message_id.as_deref(), Some("a@b"));
    }

    #[test]
    fn anything_at_all_is_survived() {
        for header in
            [&b""[..], b"\n", b"no colon", b"\xff\xfe", b"Subject:", b"From: <", b"From: \"", b"Date: 99"]
        {
            let _ = Summary::of(header);
        }
        let _ = Summary::of(&b"(".repeat(300_000));
        let _ = Summary::of(&[b"From: ".to_vec(), b"a@b,".repeat(100_000)].concat());
        let _ = Summary::of(&[b"Subject: ".to_vec(), b"=?utf-8?q?".repeat(50_000)].concat());
    }
}
