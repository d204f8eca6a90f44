//! One line of a batch: its fields, and the message they make. What is not known, comes twice or has the
//! wrong type is an error, not left out.

use super::people::{PeopleField, PersonField};
use super::values::{HeaderFields, Octets, OfObject, Texts};
use crate::account::Account;
use crate::cmd::send::message::{attached, author, author_of};
use crate::cmd::send::stdin::is_stdin;
use crate::mail::compose::{Charset, Composition, Part, PartSource, compose};
use crate::mail::fix::mend;
use crate::mail::raw::{Raw, Supplied};
use crate::mail::{Entry, Mailbox, Outgoing, addresses, stamp};
use crate::net::Limits;
use crate::words::{Failure, Kind, ReversePath, Scope, Stage};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt;
use std::io::Cursor;
use std::path::PathBuf;

/// The fields of a line.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchFields {
    /// As in the line.
    pub id: Option<Box<RawValue>>,
    to: Option<PeopleField>,
    cc: Option<PeopleField>,
    bcc: Option<PeopleField>,
    from: Option<PersonField>,
    reply_to: Option<PeopleField>,
    subject: Option<String>,
    text: Option<Octets>,
    html: Option<Octets>,
    headers: Option<HeaderFields>,
    attachments: Option<Vec<OfObject<Attachment>>>,
    message_id: Option<String>,
    in_reply_to: Option<String>,
    references: Option<Texts>,
    date: Option<String>,
    envelope_from: Option<String>,
    raw: Option<String>,
    raw_base64: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attachment {
    path: Option<PathBuf>,
    base64: Option<String>,
    name: Option<String>,
    #[serde(rename = "type")]
    content_type: Option<String>,
    cid: Option<String>,
}

/// Values for lines that do not have their own.
pub struct Defaults<'a> {
    pub account: &'a Account,
    /// `--from`.
    pub from: Option<Mailbox>,
    /// `--envelope-from`.
    pub sender: Option<ReversePath>,
    /// `--fix`.
    pub mends: bool,
    /// `--charset`.
    pub charset: Option<Charset>,
    /// Those of the run, for attachments that are pipes.
    pub limits: &'a Limits,
}

/// Reads a line; an error has the line's `id` if that can be read.
pub fn read(octets: &[u8]) -> Result<BatchFields, (Option<Box<RawValue>>, Failure)> {
    serde_json::from_slice(octets).map(|OfObject(fields)| fields).map_err(|error| {
        let named = serde_json::from_slice::<OfObject<NamedLine>>(octets).ok();
        let id = named.and_then(|OfObject(line)| line.id);
        let what = error.to_string().replace(" at line 1 column ", " at column ");
        (id, bad(format!("reading its JSON: {what}")))
    })
}

/// The fields that are still read from a line with errors.
#[derive(Deserialize)]
struct NamedLine {
    id: Option<Box<RawValue>>,
}

fn bad(what: impl fmt::Display) -> Failure {
    Failure::new(Kind::Input, Stage::Input, what.to_string()).scoped(Scope::Message)
}

impl BatchFields {
    /// Makes the message.
    pub fn build(self, defaults: &Defaults<'_>) -> Result<Outgoing, Failure> {
        let built = match (self.raw.is_some(), self.raw_base64.is_some()) {
            (true, true) => Err(bad("raw and raw_base64: only one of them")),
            (false, false) => self.compose(defaults),
            _ => self.pass_on(defaults),
        };
        built.map_err(|failure| match failure.kind() {
            // An error in a line is an error of the input, not of the arguments.
            Kind::Usage => failure.as_kind(Kind::Input).scoped(Scope::Message),
            _ => failure.scoped(Scope::Message),
        })
    }

    fn sender(&self, defaults: &Defaults<'_>) -> Result<Option<ReversePath>, Failure> {
        match self.envelope_from.as_deref() {
            None => Ok(defaults.sender.clone()),
            Some("" | "<>") => Ok(Some(ReversePath::Null)),
            Some(text) => {
                let mailbox =
                    addresses::single(text).map_err(|error| bad(format!("envelope_from: {error}")))?;
                Ok(Some(mailbox.address.into()))
            }
        }
    }

    fn compose(self, defaults: &Defaults<'_>) -> Result<Outgoing, Failure> {
        let sender = self.sender(defaults)?;
        let named = self.from.as_ref().map(PersonField::single).transpose();
        let named = named.map_err(|error| bad(format!("from: {error}")))?.or_else(|| defaults.from.clone());
        let parts = self.attachments.unwrap_or_default().into_iter();
        let parts = parts.map(|OfObject(attachment)| part(attachment, defaults.limits));
        let composition = Composition {
            from: author(named, Some(defaults.account))?,
            to: list("to", &self.to)?,
            cc: list("cc", &self.cc)?,
            bcc: list("bcc", &self.bcc)?,
            reply_to: list("reply_to", &self.reply_to)?,
            subject: self.subject.map(String::into_bytes),
            headers: self.headers.unwrap_or_default().0,
            in_reply_to: self.in_reply_to,
            references: self.references.map(|references| references.each().join(" ")),
            message_id: self.message_id,
            date: self.date,
            text: self.text.map(|text| text.0),
            html: self.html.map(|html| html.0),
            charset: defaults.charset.clone(),
            parts: parts.collect::<Result<_, _>>()?,
        };
        compose(composition, sender)
    }

    fn pass_on(mut self, defaults: &Defaults<'_>) -> Result<Outgoing, Failure> {
        self.refuse_composing()?;
        let octets = match (self.raw.take(), self.raw_base64.take()) {
            (Some(raw), _) => raw.into_bytes(),
            (None, coded) => decode("raw_base64", &coded.unwrap_or_default())?,
        };
        let recipients = match &self.to {
            Some(_) => {
                let entries = list("to", &self.to)?;
                Some(entries.iter().flat_map(Entry::mailboxes).map(|found| found.address.clone()).collect())
            }
            None => None,
        };
        let from = defaults.from.clone().or_else(|| author_of(defaults.account));
        let mends = defaults.mends;
        let supplied = Supplied { from, sender: self.sender(defaults)?, recipients, mends };
        let outgoing = Raw::read(&mut octets.as_slice(), "raw")?.complete(supplied)?;
        if mends { Ok(mend(outgoing)?.0) } else { Ok(outgoing) }
    }

    /// A complete message is not composed.
    fn refuse_composing(&self) -> Result<(), Failure> {
        let given = [
            (self.cc.is_some(), "cc"),
            (self.bcc.is_some(), "bcc"),
            (self.from.is_some(), "from"),
            (self.reply_to.is_some(), "reply_to"),
            (self.subject.is_some(), "subject"),
            (self.text.is_some(), "text"),
            (self.html.is_some(), "html"),
            (self.headers.is_some(), "headers"),
            (self.attachments.is_some(), "attachments"),
            (self.message_id.is_some(), "message_id"),
            (self.in_reply_to.is_some(), "in_reply_to"),
            (self.references.is_some(), "references"),
            (self.date.is_some(), "date"),
        ];
        match given.iter().find(|(on, _)| *on) {
            Some((_, name)) => Err(bad(format!("{name}: not beside raw, which is a complete message"))),
            None => Ok(()),
        }
    }
}

fn list(name: &str, people: &Option<PeopleField>) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    for person in people.iter().flat_map(PeopleField::each) {
        entries.extend(person.entries().map_err(|error| bad(format!("{name}: {error}")))?);
    }
    Ok(entries)
}

/// Base64 as tools write it: with or without line breaks.
fn decode(name: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let bare: Vec<u8> = text.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    STANDARD.decode(bare).map_err(|error| bad(format!("{name}: it is no base64: {error}")))
}

fn part(attachment: Attachment, limits: &Limits) -> Result<Part, Failure> {
    let (source, path) = match (attachment.path, attachment.base64) {
        (Some(path), None) if is_stdin(&path) => {
            return Err(bad("attachments: path: the batch itself is on the standard input"));
        }
        (Some(path), None) => attached(&path, limits)?,
        (None, Some(text)) => {
            let octets = decode("attachments: base64", &text)?;
            // A part that is not from a file has only the name that it is given.
            (PartSource::Octets(Cursor::new(octets)), PathBuf::from("-"))
        }
        _ => return Err(bad("attachments: each has either path or base64")),
    };
    let cid = match attachment.cid {
        Some(cid) if cid.is_empty() => Some(stamp::message_id("postie")?),
        cid => cid,
    };
    Ok(Part { source, path, name: attachment.name, content_type: attachment.content_type, cid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_fields_keep_their_order() {
        let fields = read(br#"{"headers":{"X-B":"2","X-A":["1","0"]}}"#).unwrap();
        assert_eq!(fields.headers.unwrap().0, ["X-B: 2", "X-A: 1", "X-A: 0"]);
        assert!(read(br#"{"headers":{"X: Y":"2"}}"#).is_err());
    }

    #[test]
    fn an_id_is_kept_as_it_was_written() {
        for id in
            ["12345678901234567890123", "1.10", "1e2", "-0", "-98765432109876543210", "\"\\u00e9\"", "[ 1 ]"]
        {
            let fields = read(format!("{{\"id\": {id} ,\"to\":\"a@x.org\"}}").as_bytes()).unwrap();
            assert_eq!(fields.id.unwrap().get(), id);
            let (kept, _) = read(format!("{{\"id\": {id} ,\"to\":7}}").as_bytes()).unwrap_err();
            assert_eq!(kept.unwrap().get(), id, "in an error");
        }
        assert!(read(b"{\"id\":null}").unwrap().id.is_none());
    }

    #[test]
    fn people_are_texts_or_objects_and_nothing_can_be_added_through_either() {
        let line = r#"{"to":[{"name":"Bob, B.","address":"b@x.org"},"c@x.org, d@x.org",{"address":"e@x.org","name":null}],
            "cc":{"address":"f@x.org"},"from":{"name":"Ana","address":"a@x.org"}}"#;
        let fields = read(line.replace('\n', "").as_bytes()).unwrap();
        let people = |people: &Option<PeopleField>| -> Vec<(Option<String>, String)> {
            let entries = list("to", people).unwrap();
            let each = entries.iter().flat_map(Entry::mailboxes);
            each.map(|one| (one.name.clone(), one.address.to_string())).collect()
        };
        let want = [(Some("Bob, B."), "b@x.org"), (None, "c@x.org"), (None, "d@x.org"), (None, "e@x.org")];
        let got = people(&fields.to);
        assert_eq!(
            got.iter().map(|(name, address)| (name.as_deref(), address.as_str())).collect::<Vec<_>>(),
            want
        );
        assert_eq!(people(&fields.cc), [(None, "f@x.org".to_owned())]);
        assert_eq!(fields.from.unwrap().single().unwrap().name.as_deref(), Some("Ana"));
        // A list is a list, of however many, and never the parts of one.
        for texts in [&["a@x.org"][..], &["a@x.org", "b@x.org"], &["a@x.org", "b@x.org", "c@x.org"]] {
            let fields = read(serde_json::json!({ "to": texts }).to_string().as_bytes()).unwrap();
            let got: Vec<String> = people(&fields.to).into_iter().map(|(_, address)| address).collect();
            assert_eq!(got, texts);
        }
        for bad in [
            r#"{"to":[["x","b@x.org"]]}"#,
            r#"{"from":["x","b@x.org"]}"#,
            r#"{"to":{"name":"x\r\nBcc: z@x.org","address":"b@x.org"}}"#,
            r#"{"to":{"name":"x","address":"b@x.org, c@x.org"}}"#,
            r#"{"to":{"name":"x","address":"b@x.org\r\nRCPT TO:<c@x.org>"}}"#,
            r#"{"to":{"name":"x"}}"#,
            r#"{"to":{"address":"b@x.org","more":1}}"#,
        ] {
            let refused = match read(bad.as_bytes()) {
                Ok(fields) => list("to", &fields.to).is_err(),
                Err(_) => true,
            };
            assert!(refused, "{bad}");
        }
    }

    #[test]
    fn an_error_knows_the_id_where_the_line_is_an_object() {
        let (id, failure) = read(br#"{"to":1,"id":{"a":[]}}"#).unwrap_err();
        assert_eq!(id.unwrap().get(), "{\"a\":[]}");
        assert_eq!((failure.kind(), failure.scope), (Kind::Input, Scope::Message));
        let (id, failure) = read(br#"["id","to"]"#).unwrap_err();
        assert!(id.is_none() && failure.message.contains("expected an object"), "{failure}");
        // A list is no message, however well its values fit the fields, and no attachment.
        let nulls = |values: &str, count: usize| format!("[{values}{}]", ",null".repeat(count));
        let message = nulls(r#"1,"b@example.org""#, 16);
        let attachment =
            format!(r#"{{"to":"b@example.org","attachments":[{}]}}"#, nulls(r#""/etc/hosts""#, 4));
        for list in [message, attachment] {
            assert!(read(list.as_bytes()).unwrap_err().1.message.contains("expected an object"), "{list}");
        }
        for broken in [&b"{\"id\":1"[..], b"[1]", b"\xff", b"{\"id\":1}{}"] {
            assert!(read(broken).is_err(), "{broken:?}");
        }
        assert!(read("[".repeat(100_000).as_bytes()).is_err(), "deep nesting is an error");
    }
}
