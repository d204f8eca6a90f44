//! Rewrites header fields that servers may refuse: non-ASCII octets, and lines of more than 998 octets. A field
//! that is fine stays as it was written.
//!
//! | field | non-ASCII octets | a long line |
//! |---|---|---|
//! | addresses | names become encoded words, domains A-labels | written again, folded |
//! | Content-Type, Content-Disposition | values in the form of `RFC 2231` | the same, in pieces |
//! | Message-ID, Received, signatures, … | stay, and need SMTPUTF8 | folded at its white space |
//! | text: Subject and all others | words become encoded words (`RFC 2047 §5(1)`) | folded; Subject and Comments encoded |

use crate::mail::fields::{Field, unfolded};
use crate::mail::outgoing::{MAX_LINE, bad_message};
use crate::mail::params;
use crate::mail::written::{folded, people_field, text};
use crate::words::Failure;

const ADDRESSES: [&str; 14] = [
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "resent-from",
    "resent-sender",
    "resent-reply-to",
    "resent-to",
    "resent-cc",
    "resent-bcc",
    "mail-followup-to",
    "disposition-notification-to",
];
const PARAMETERS: [&str; 2] = ["content-type", "content-disposition"];
/// Fields whose values cannot be encoded.
const OPAQUE: [&str; 14] = [
    "message-id",
    "in-reply-to",
    "references",
    "resent-message-id",
    "date",
    "resent-date",
    "received",
    "return-path",
    "mime-version",
    "content-transfer-encoding",
    "content-id",
    "dkim-signature",
    "domainkey-signature",
    "authentication-results",
];
/// Text that only people read.
const PROSE: [&str; 2] = ["subject", "comments"];

/// Whether every server accepts a piece of a header or body.
pub(super) fn is_fit(octets: &[u8]) -> bool {
    octets.is_ascii() && octets.split(|octet| *octet == b'\n').all(|line| line.len() <= MAX_LINE + 1)
}

/// Rewrites a field; `None` if it is fine. The result may still be UTF-8, which needs SMTPUTF8. Fails for a field
/// that cannot be mended.
pub(super) fn mended(field: &Field) -> Result<Option<Vec<u8>>, Failure> {
    if is_fit(&field.octets) {
        return Ok(None);
    }
    let cannot = |why: &str| {
        bad_message(format!("the field {} cannot be mended: {why}", field.name))
            .hint("the program that makes the message must encode or shorten it")
    };
    let value = unfolded(field.raw_value());
    let written = written_name(field);
    let is = |names: &[&str]| names.contains(&field.name.as_str());
    let new = if is(&ADDRESSES) {
        people(field, written).map_err(|why| cannot(&why))?
    } else if is(&PARAMETERS) {
        params::rewrite(written, &value, None).ok_or_else(|| cannot("it is not ASCII where it must be"))?
    } else if is(&OPAQUE) || field.name.starts_with("arc-") {
        if std::str::from_utf8(&value).is_err() {
            return Err(cannot("it is neither ASCII nor UTF-8"));
        }
        folded(written, &value)
    } else {
        text(written, &value, is(&PROSE))
    };
    match new.split(|octet| *octet == b'\n').all(|line| line.len() <= MAX_LINE + 1) {
        true => Ok(Some(new)),
        false => Err(cannot("a line of it is too long and cannot be folded")),
    }
}

/// The Content-Type field with another charset.
pub(super) fn labelled(field: &Field, octets: &[u8], charset: &str) -> Option<Vec<u8>> {
    let says_one = params::Parameters::parse(&String::from_utf8_lossy(octets)).get("charset").is_some();
    if says_one {
        let value = unfolded(field.raw_value());
        return params::rewrite(written_name(field), &value, Some(("charset", charset)));
    }
    let end = octets.trim_ascii_end().strip_suffix(b";").unwrap_or(octets.trim_ascii_end()).len();
    Some([&octets[..end], format!(";\r\n charset={charset}\r\n").as_bytes()].concat())
}

/// The name in its own upper and lower case.
fn written_name(field: &Field) -> &[u8] {
    let colon = memchr::memchr(b':', &field.octets).unwrap_or(0);
    field.octets[..colon].trim_ascii_end()
}

fn people(field: &Field, written: &[u8]) -> Result<Vec<u8>, String> {
    let (text, entries) = field.entries()?;
    Ok(people_field(written, &entries, &text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::fields;
    use mail_parser::MessageParser;

    fn mend(field: &[u8]) -> Result<Option<String>, Failure> {
        let fields = fields::split(field).unwrap();
        assert_eq!(fields.len(), 1);
        Ok(mended(&fields[0])?.map(|new| String::from_utf8(new).unwrap()))
    }

    #[track_caller]
    fn becomes(field: &[u8], want: &str) {
        let got = mend(field).unwrap().expect("something is done");
        assert_eq!(got, want);
        assert!(got.lines().all(|line| line.len() <= 78), "{got}");
    }

    #[test]
    fn what_is_fine_is_not_touched() {
        for fine in [&b"Subject: a\r\n b\r\n"[..], b"X: \r\n", b"From : a@x.org\r\n"] {
            assert_eq!(mend(fine).unwrap(), None);
        }
    }

    #[test]
    fn words_beyond_ascii_are_encoded_and_the_others_stay() {
        becomes(
            "Subject: Gr\u{fc}\u{df}e an Bob\r\n".as_bytes(),
            "Subject: =?utf-8?B?R3LDvMOfZQ==?= an Bob\r\n",
        );
        becomes(b"X-Note:a \xe4\xf6 b\r\n", "X-Note: a =?unknown-8bit?B?5PY=?= b\r\n");
        becomes(
            "Subject: =?utf-8?q?=C3=A4?= \u{e4}  \u{f6}\r\n =?utf-8?q?x?= end\r\n".as_bytes(),
            "Subject: =?utf-8?q?=C3=A4?= =?utf-8?B?IMOkICDDtiA=?= =?utf-8?q?x?= end\r\n",
        );
    }

    #[test]
    fn text_decodes_to_what_it_was() {
        for subject in [
            "\u{e4}".repeat(600),
            "word \u{8a9e} ".repeat(60).trim().to_owned(),
            format!("{} \u{e4}", "x".repeat(60)),
            "x".repeat(3000),
            "plain words ".repeat(200).trim().to_owned(),
        ] {
            let got = mend(format!("Subject: {subject}\r\n").as_bytes()).unwrap().unwrap();
            assert!(got.is_ascii() && got.lines().all(|line| line.len() <= 78), "{got}");
            let message = format!("{got}\r\n");
            let parsed = MessageParser::default().parse(message.as_bytes()).unwrap();
            assert_eq!(parsed.subject(), Some(subject.as_str()));
        }
    }

    #[test]
    fn people_keep_their_addresses_and_names() {
        becomes(
            "From: J\u{f6}rg <j@x.org>, \"B, C\" <b@x.org>, d@x.org\r\n".as_bytes(),
            "From: =?utf-8?B?SsO2cmc=?= <j@x.org>, \"B, C\" <b@x.org>, <d@x.org>\r\n",
        );
        becomes(b"To: J\xf6rg <j@x.org>\r\n", "To: =?unknown-8bit?Q?J=F6rg?= <j@x.org>\r\n");
        becomes(b"To: \x93J\x94 \x80 <j@x.org>\r\n", "To: =?unknown-8bit?B?k0qUIIA=?= <j@x.org>\r\n");
        becomes(
            "Cc: t\u{e4}m: =?utf-8?q?=C3=A4?= <a@x.org>, \"q\\\"\" <b@b\u{fc}cher.example>;\r\n".as_bytes(),
            "Cc: =?utf-8?Q?t=C3=A4m?=: =?utf-8?q?=C3=A4?= <a@x.org>, \"q\\\"\"\r\n <b@xn--bcher-kva.example>;\r\n",
        );
        let many: Vec<String> = (0..300).map(|n| format!("u{n}@example.org")).collect();
        let got = mend(format!("To: {}\r\n", many.join(",")).as_bytes()).unwrap().unwrap();
        assert!(got.lines().all(|line| line.len() <= 78) && many.iter().all(|one| got.contains(one)));
        for bad in [&b"To: \xe4@x.org\r\n"[..], b"To: \xe4 <j\r\n", "To: \u{e4} x@y z\r\n".as_bytes()] {
            assert!(mend(bad).is_err(), "{bad:?}");
        }
        let local = mend("To: \u{e4}@x.org\r\n".as_bytes()).unwrap().unwrap();
        assert_eq!(local, "To: <\u{e4}@x.org>\r\n", "only SMTPUTF8 carries it");
    }

    #[test]
    fn what_cannot_be_encoded_is_folded_or_left_or_refused() {
        let ids: String = (0..100).map(|n| format!(" <{n}@example.org>")).collect();
        let got = mend(format!("References:{ids}\r\n").as_bytes()).unwrap().unwrap();
        assert!(got.lines().all(|line| line.len() <= 78));
        assert_eq!(got.replace("\r\n", ""), format!("References:{ids}"));
        let received = mend("Received: by m\u{fc}ller\r\n".as_bytes()).unwrap().unwrap();
        assert_eq!(received, "Received: by m\u{fc}ller\r\n");
        assert!(mend(b"Received: by m\xfcller\r\n").is_err());
        let long = format!("X-Token: {}\r\n", "x".repeat(2000));
        let failure = mend(long.as_bytes()).unwrap_err();
        assert!(failure.message.contains("x-token") && failure.hint.is_some(), "{failure}");
    }
}
