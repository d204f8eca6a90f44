//! The fields of a message that `list` shows: date, people, subject. Nothing here decides about delivery.

use super::guard::guarded;
use super::read::charset::Reading;
use super::read::header::{Header, unfolded};
use super::read::people::people;
use super::read::{date, words};

pub(crate) use super::read::header::MAX_HEADER;
pub(crate) use super::read::people::Person;

/// The decoded fields; a stranger wrote them, so none can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// RFC 3339; `None` for a date that is not valid.
    pub date: Option<String>,
    pub from: Vec<Person>,
    pub to: Vec<Person>,
    pub subject: Option<String>,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// Which of these could not be decoded completely: an unknown charset, or octets that it does not have.
    pub undecoded: Vec<&'static str>,
}

impl Summary {
    /// Reads any header, with or without a body.
    pub fn of(header: &[u8]) -> Summary {
        let header = &header[..header.len().min(MAX_HEADER)];
        // A panic in a decoder must not stop a fetch.
        guarded(|| read(&Header::of(header))).unwrap_or_default()
    }
}

fn read(header: &Header<'_>) -> Summary {
    let mut undecoded = Vec::new();
    let value = |name: &str| header.first(name).map(unfolded);
    let mut list = |name: &'static str| {
        let (list, is_whole) = value(name).map_or((Vec::new(), true), |value| people(&value));
        undecoded.extend((!is_whole).then_some(name));
        list
    };
    let (from, to) = (list("from"), list("to"));
    let subject = value("subject").map(|value| words::decode(&value));
    if !matches!(subject, None | Some(Reading::Whole(_))) {
        undecoded.push("subject");
    }
    Summary {
        date: value("date").and_then(|value| date::rfc_3339(&value)),
        from,
        to,
        subject: subject.and_then(Reading::text).map(|text| text.trim().to_owned()),
        message_id: value("message-id").and_then(|value| identifier(&value)),
        undecoded,
    }
}

/// The text between the first angles, else the first word (`RFC 5322 §3.6.4`).
pub(super) fn identifier(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let inner = text.split_once('<').map_or(text.as_ref(), |(_, rest)| rest);
    let inner = inner.split_once('>').map_or(inner, |(inner, _)| inner);
    let id = inner.trim();
    (!id.is_empty()).then(|| id.to_owned())
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
        assert_eq!(summary.undecoded, [""; 0]);
    }

    #[test]
    fn a_date_swallows_no_other_field_and_the_first_of_several_fields_counts() {
        for zone in ["UT", "Z", "A", "PDT", "", "nonsense", "+", "(", "\""] {
            let header = format!(
                "Date: 21 Mar 2020 10:38:02 {zone}\nFrom: a@x.org\nSubject: 1\nSubject: 2\nFrom: b@x.org\n\n"
            );
            let summary = Summary::of(header.as_bytes());
            assert_eq!(summary.from[0].address.as_deref(), Some("a@x.org"), "{zone}");
            assert_eq!((summary.from.len(), summary.subject.as_deref()), (1, Some("1")), "{zone}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_null_and_named() {
        let summary = Summary::of(
            b"From: =?x-martian?q?=C1?= <a@x.org>\nSubject: =?x-martian?q?=C1?=\nTo: \xe4 <b@x.org>\n\n",
        );
        assert_eq!(summary.subject, None);
        assert_eq!(summary.from, [Person { name: None, address: Some("a@x.org".into()) }]);
        assert_eq!(summary.undecoded, ["from", "to", "subject"]);
    }

    #[test]
    fn identifiers_have_no_angles() {
        for value in ["<a@b>", "a@b", " <a@b> (c)", "<a@b> <c@d>", "x <a@b"] {
            assert_eq!(identifier(value.as_bytes()).as_deref(), Some("a@b"), "{value}");
        }
        assert_eq!(identifier(b"<>"), None);
    }

    #[test]
    fn anything_at_all_is_survived() {
        for header in
            [&b""[..], b"\n", b"no colon", b"\xff\xfe", b"Subject:", b"From: <", b"From: \"", b"Date: 99"]
        {
            let _ = Summary::of(header);
        }
        let _ = Summary::of(&b"(".repeat(300_000));
        for name in ["From", "Subject", "Date", "Message-ID", "To"] {
            for piece in
                ["a@b,", "=?utf-8?q?", "=?utf-8?q?a?= ", "(", "\"", "<", ":", "a:b,;", "1 ", "\n ", "\t"]
            {
                let _ = Summary::of(format!("{name}: {}", piece.repeat(60_000)).as_bytes());
            }
        }
        let _ = Summary::of(&b"a:\n".repeat(400_000));
    }
}
