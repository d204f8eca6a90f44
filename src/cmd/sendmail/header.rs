//! The header of a message as local programs write it: perhaps none at all, behind an mbox From_ line,
//! with names that only this machine knows, in UTF-8 as it came. It is made such as can leave the machine;
//! what is fine already stays octet by octet.

use crate::account::Account;
use crate::mail::addresses::{self, Entry, Mailbox};
use crate::mail::compose;
use crate::mail::input::unreadable;
use crate::mail::raw::MAX_HEADER;
use crate::words::{Address, Failure, Kind};
use std::io::{BufRead, Read as _};
use std::path::Path;

/// The domain that stands for this machine.
pub const LOCAL: &str = "localhost";

/// The fields that say who it is from, and those that say who gets it.
const SENDERS: [&str; 6] = ["from", "sender", "reply-to", "resent-from", "resent-sender", "resent-reply-to"];
const RECIPIENTS: [&str; 6] = ["to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"];

/// The header of a message, and what was read of its body by the way.
pub struct Header {
    fields: Vec<Field>,
    body: Vec<u8>,
}

struct Field {
    /// As it is written.
    name: String,
    octets: Vec<u8>,
}

impl Field {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    /// The value, unfolded; `None` where it is no text that could be rewritten.
    fn value(&self) -> Option<String> {
        let text = std::str::from_utf8(&self.octets).ok()?;
        let value = text.split_once(':')?.1.replace("\r\n", "\n").replace('\n', "");
        (!value.contains(|c: char| c.is_control() && c != '\t')).then(|| value.trim().to_owned())
    }

    fn people(&self) -> Option<Vec<Entry>> {
        addresses::parse_local(&self.value()?, LOCAL).ok()
    }
}

impl Header {
    /// Reads a header. The first line that cannot belong to one begins the body.
    pub fn read(source: &mut dyn BufRead) -> Result<Header, Failure> {
        let mut fields: Vec<Field> = Vec::new();
        let (mut octets, mut first) = (0usize, true);
        loop {
            let mut line = Vec::new();
            let most = (MAX_HEADER + 1) as u64;
            let read = (&mut *source).take(most).read_until(b'\n', &mut line);
            read.map_err(|error| unreadable(Path::new("standard input"), "reading", &error))?;
            octets += line.len();
            if octets > MAX_HEADER {
                let message = format!("the message: its header is larger than {MAX_HEADER} octets");
                return Err(Failure::new(Kind::Input, "message", message));
            }
            let from_line = line.strip_prefix(b">").unwrap_or(&line).starts_with(b"From ");
            if std::mem::take(&mut first) && from_line {
                continue;
            }
            match (line.as_slice(), fields.last_mut()) {
                (b"" | b"\n" | b"\r\n", _) => return Ok(Header { fields, body: Vec::new() }),
                ([b' ' | b'\t', ..], Some(field)) => field.octets.extend_from_slice(&line),
                _ => match name(&line) {
                    Some(name) => {
                        if !line.ends_with(b"\n") {
                            line.push(b'\n');
                        }
                        fields.push(Field { name, octets: line });
                    }
                    None => return Ok(Header { fields, body: line }),
                },
            }
        }
    }

    /// The header of plain text with a subject.
    pub fn of_text(subject: &str) -> Result<Header, Failure> {
        let octets = compose::text_field("Subject", subject)?;
        Ok(Header { fields: vec![Field { name: "Subject".into(), octets }], body: Vec::new() })
    }

    /// Who wrote it, where that is an address.
    pub fn author(&self) -> Option<Address> {
        ["resent-sender", "resent-from", "sender", "from"].iter().find_map(|name| {
            let people = self.fields.iter().find(|field| field.is(name))?.people()?;
            let address = people.first()?.mailboxes().first()?.address.clone();
            (!is_local(&address)).then_some(address)
        })
    }

    /// The header and what follows it at once, fit to leave the machine.
    pub fn rewritten(&self, account: &Account) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        for field in &self.fields {
            match self.rewrite(field, account)? {
                Some(new) => out.extend(new),
                None => out.extend_from_slice(&field.octets),
            }
        }
        if !self.fields.iter().any(|field| field.is_one_of(&["to", "cc"])) {
            out.extend_from_slice(b"To: undisclosed-recipients:;\r\n");
        }
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }

    /// What was read of the body.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    fn rewrite(&self, field: &Field, account: &Account) -> Result<Option<Vec<u8>>, Failure> {
        if field.is("subject") && !field.octets.is_ascii() {
            return field.value().map(|value| compose::text_field(&field.name, &value)).transpose();
        }
        let is_sender = field.is_one_of(&SENDERS);
        if !(is_sender || field.is_one_of(&RECIPIENTS)) {
            return Ok(None);
        }
        let Some(people) = field.people() else { return Ok(None) };
        let local = people.iter().flat_map(Entry::mailboxes).any(|one| is_local(&one.address));
        if !local && field.octets.is_ascii() {
            return Ok(None);
        }
        let mut out = Vec::new();
        compose::list(&mut out, &field.name, &resolve(people, account, is_sender)?)?;
        Ok(Some(out))
    }
}

/// Whether an address names somebody of this machine: by no domain, or by one that only it knows.
pub fn is_local(address: &Address) -> bool {
    let domain = address.domain().to_ascii_lowercase();
    let own = rustix::system::uname();
    let own = own.nodename().to_str().unwrap_or_default().to_ascii_lowercase();
    [LOCAL, "localhost.localdomain"].contains(&domain.as_str()) || domain == own
}

/// The same people with addresses that hold beyond this machine.
pub fn resolve(people: Vec<Entry>, account: &Account, as_sender: bool) -> Result<Vec<Entry>, Failure> {
    let one = |mailbox: Mailbox| -> Result<Vec<Mailbox>, Failure> {
        if !is_local(&mailbox.address) {
            return Ok(vec![mailbox]);
        }
        let found = match as_sender {
            true => account.sender().map(|sender| vec![sender.clone()]),
            false => account.who_is(mailbox.address.local()),
        };
        let found = found.ok_or_else(|| nobody(account, mailbox.address.local()))?;
        let name = mailbox.name.filter(|_| found.len() == 1);
        let each = found.into_iter().map(|address| {
            let address = addresses::to_ascii_domain(address).map_err(|_| {
                Failure::config(format!("{}: an address: its domain is not valid", account.label))
            })?;
            Ok(Mailbox { name: name.clone(), address })
        });
        each.collect()
    };
    let mut resolved = Vec::new();
    for entry in people {
        match entry {
            Entry::Mailbox(mailbox) => resolved.extend(one(mailbox)?.into_iter().map(Entry::Mailbox)),
            Entry::Group { name, members } => {
                let members = members.into_iter().map(one).collect::<Result<Vec<_>, _>>()?.concat();
                resolved.push(Entry::Group { name, members });
            }
        }
    }
    Ok(resolved)
}

/// The failure for a local name that no address can be made of.
pub fn nobody(account: &Account, local: &str) -> Failure {
    let message = format!("{}: looking for the address of {local:?}: the account has none", account.label);
    Failure::config(message).hint(
        "give the account an email, or an alias (aliases.NAME); POSTIE_FROM for one from the environment",
    )
}

/// The name of a field, if a line begins one.
fn name(line: &[u8]) -> Option<String> {
    let colon = memchr::memchr(b':', line)?;
    let name = std::str::from_utf8(&line[..colon]).ok()?.trim_end_matches([' ', '\t']);
    (!name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic())).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Env;
    use crate::account::schema::{self, Context};

    fn account() -> Account {
        let env = Env::default();
        let text = "[accounts.a]\nemail = 'ana@example.org'\nsmtp.host = 'h'\n\
                    aliases.root = 'ops@example.net, ana@example.org'\n";
        schema::read(text, Context { env: &env, beside: Path::new("/c") }).unwrap().accounts.remove(0)
    }

    fn rewritten(input: &str) -> (String, String) {
        let header = Header::read(&mut input.as_bytes()).unwrap();
        let octets = header.rewritten(&account()).unwrap();
        (String::from_utf8(octets).unwrap(), String::from_utf8(header.into_body()).unwrap())
    }

    #[test]
    fn what_is_fine_stays_as_it_is() {
        let fine = "From: \"Bob\"  <bob@x.org>\nTo: a@x.org,\n  b@x.org\nX-A: root\nbroken: \u{e4}\n";
        assert_eq!(rewritten(&format!("{fine}\nbody")).0, format!("{fine}\r\n"));
    }

    #[test]
    fn local_names_become_addresses() {
        let input =
            "From: root (Cron Daemon)\nTo: root\nCc: \"B\" <bob@localhost>, c@x.org\nReply-To: root\n\n";
        let (header, _) = rewritten(input);
        assert_eq!(
            header,
            "From: \"Cron Daemon\" <ana@example.org>\r\n\
             To: <ops@example.net>, <ana@example.org>\r\n\
             Cc: \"B\" <bob@example.org>, <c@x.org>\r\n\
             Reply-To: <ana@example.org>\r\n\r\n"
        );
    }

    #[test]
    fn text_without_a_header_is_a_body() {
        let none = "To: undisclosed-recipients:;\r\n\r\n";
        for (input, body) in [
            ("disk full\nreally\n", "disk full\n"),
            (" indented: yes\n", " indented: yes\n"),
            ("\nbody", ""),
            ("", ""),
            ("From root Mon Sep  1\nplain words\n", "plain words\n"),
        ] {
            assert_eq!(rewritten(input), (none.to_owned(), body.to_owned()), "{input:?}");
        }
        let (header, body) = rewritten("To: a@x.org\nSubject: s\nno header\n\nmore");
        assert_eq!((header.as_str(), body.as_str()), ("To: a@x.org\nSubject: s\n\r\n", "no header\n"));
    }

    #[test]
    fn names_and_subjects_beyond_ascii_are_encoded() {
        let (header, _) = rewritten("From: \u{c4}na <ana@x.org>\nTo: b@x.org\nSubject: l\u{e4}uft\n\n");
        assert!(header.is_ascii(), "{header}");
        assert!(header.contains("ana@x.org") && header.contains("Subject: =?utf-8?"), "{header}");
    }

    #[test]
    fn the_account_goes_by_addresses_and_not_by_local_names() {
        let author = |text: &str| Header::read(&mut text.as_bytes()).unwrap().author();
        assert_eq!(author("From: Bob <bob@x.org>\n\n").unwrap().as_str(), "bob@x.org");
        assert_eq!(author("From: root\n\n"), None);
        assert_eq!(author("To: bob@x.org\n\n"), None);
    }

    #[test]
    fn a_header_is_bounded() {
        let huge = format!("X: {}", "x".repeat(MAX_HEADER));
        assert!(Header::read(&mut huge.as_bytes()).is_err());
        assert!(Header::read(&mut "X: y\n".repeat(MAX_HEADER / 5 + 1).as_bytes()).is_err());
    }
}
