//! Header fields (`RFC 5322 §2.2`), as they were written.

use super::addresses::{self, Entry, Mailbox};
use super::outgoing::bad_message;
use super::read::header::name;
pub(super) use super::read::header::{is_from_line, joined as unfolded};
use super::unlabelled::Unlabelled;
use crate::words::Failure;

pub(super) struct Field {
    /// Its name in lower case.
    pub name: String,
    /// The whole field with its line ends (CRLF).
    pub octets: Vec<u8>,
}

impl Field {
    /// The name in its own upper and lower case.
    pub fn written_name(&self) -> &str {
        std::str::from_utf8(&self.octets[..self.name.len()]).unwrap_or(&self.name)
    }

    /// Everything after the colon, still folded.
    pub fn raw_value(&self) -> &[u8] {
        let colon = memchr::memchr(b':', &self.octets).map_or(0, |at| at + 1);
        &self.octets[colon..]
    }

    /// The value, unfolded.
    pub fn value(&self) -> Result<String, Failure> {
        let text = std::str::from_utf8(self.raw_value()).map_err(|_| {
            bad_message(format!("the field {} is neither ASCII nor UTF-8", self.name))
                .hint("--fix encodes it as octets of an unknown charset; or convert the message to UTF-8")
        })?;
        Ok(text.replace("\r\n", "").trim().to_owned())
    }

    /// The mailboxes in it. Names may be in any charset, addresses must be ASCII or UTF-8.
    pub fn addresses(&self) -> Result<Vec<Mailbox>, Failure> {
        let list = self.entries().map_err(|why| bad_message(format!("the field {}: {why}", self.name)))?.1;
        Ok(list.iter().flat_map(Entry::mailboxes).cloned().collect())
    }

    /// The address list, and the text it was read from.
    pub fn entries(&self) -> Result<(Unlabelled, Vec<Entry>), String> {
        let text = Unlabelled::of(&unfolded(self.raw_value()));
        let list = addresses::parse(text.as_str().trim()).map_err(|error| error.to_string())?;
        let foreign = list.iter().flat_map(Entry::mailboxes).find(|one| !one.address.is_ascii());
        match foreign {
            Some(_) if !text.is_utf8() => Err("an address in it is neither ASCII nor UTF-8".into()),
            _ => Ok((text, list)),
        }
    }
}

/// Splits a header into fields: `field-name *WSP ":" value`, continued by lines that begin with white space.
pub(super) fn split(header: &[u8]) -> Result<Vec<Field>, Failure> {
    let mut fields: Vec<Field> = Vec::new();
    for (number, line) in header.split_inclusive(|octet| *octet == b'\n').enumerate() {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            match fields.last_mut() {
                Some(field) => field.octets.extend_from_slice(line),
                None => return Err(no_field(number, line)),
            }
            continue;
        }
        match field_name(line) {
            Some(name) => fields.push(Field { name, octets: line.to_vec() }),
            None if fields.is_empty() && is_from_line(line) => {}
            None => return Err(no_field(number, line)),
        }
    }
    Ok(fields)
}

/// The field name at the start of a line, in lower case.
pub(super) fn field_name(line: &[u8]) -> Option<String> {
    let name = name(line)?;
    let mut gap = line[name.len()..].iter().take_while(|octet| **octet != b':');
    // Readers tolerate any white space before the colon; in mail to send, only space and tab are allowed.
    let is_fit = gap.all(|octet| matches!(octet, b' ' | b'\t'));
    std::str::from_utf8(name).ok().filter(|_| is_fit).map(str::to_ascii_lowercase)
}

fn no_field(number: usize, line: &[u8]) -> Failure {
    let shown: String = String::from_utf8_lossy(line).trim_end().chars().take(40).collect();
    bad_message(format!("line {} ({shown:?}) is not a header field", number + 1)).hint(
        "--raw takes a message that begins with its header and a blank line; without --raw the input is a text body",
    )
}
