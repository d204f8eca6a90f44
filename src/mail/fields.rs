//! The fields of a header, as they were written: taken apart, not understood.

use super::addresses::{self, Entry, Mailbox};
use super::outgoing::bad_message;
use super::unlabelled::Unlabelled;
use crate::words::Failure;

/// One header field.
pub(super) struct Field {
    /// Its name in lower case.
    pub name: String,
    /// The whole of it: CRLF line ends, folded as it came.
    pub octets: Vec<u8>,
}

impl Field {
    /// Its name as it is written.
    pub fn written_name(&self) -> &str {
        std::str::from_utf8(&self.octets[..self.name.len()]).unwrap_or(&self.name)
    }

    /// What stands behind the colon, folded as it came.
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

    /// The people it names. A name may be in any charset, an address may not.
    pub fn addresses(&self) -> Result<Vec<Mailbox>, Failure> {
        let list = self.entries().map_err(|why| bad_message(format!("the field {}: {why}", self.name)))?.1;
        Ok(list.iter().flat_map(Entry::mailboxes).cloned().collect())
    }

    /// The address list it holds, and the text that was read for it.
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

/// A value without the line ends of its folds (`RFC 5322 §2.2.3`).
pub(super) fn unfolded(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect()
}

/// Takes a header apart: `field = field-name *WSP ":" value`, continued by lines that begin with a space.
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
        let name = field_name(line);
        match name {
            Some(name) => fields.push(Field { name, octets: line.to_vec() }),
            None if fields.is_empty() && is_from_line(line) => {}
            None => return Err(no_field(number, line)),
        }
    }
    Ok(fields)
}

/// `field-name = 1*ftext`, and the obsolete white space before the colon.
pub(super) fn field_name(line: &[u8]) -> Option<String> {
    let colon = memchr::memchr(b':', line)?;
    let name = std::str::from_utf8(&line[..colon]).ok()?.trim_end_matches([' ', '\t']);
    let fine = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic());
    fine.then(|| name.to_ascii_lowercase())
}

/// The line that begins a message in an mbox, quoted or not.
pub(super) fn is_from_line(line: &[u8]) -> bool {
    line.strip_prefix(b">").unwrap_or(line).starts_with(b"From ")
}

fn no_field(number: usize, line: &[u8]) -> Failure {
    let shown: String = String::from_utf8_lossy(line).trim_end().chars().take(40).collect();
    bad_message(format!("line {} ({shown:?}) is no header field", number + 1)).hint(
        "--raw takes a message that begins with its header and a blank line behind it; without --raw the input is a text body",
    )
}
