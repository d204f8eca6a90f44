//! Tells messages apart by their headers alone: a hash of the fields Message-ID, Date and From (`RFC 5322
//! §3.6`).
//!
//! The hash is the same whether it is made from the whole message or from those fields alone, as a server
//! sends them later. So it does not depend on the order of the fields, on how a field is folded, or on upper
//! and lower case in its name.

use memchr::memchr;
use sha2::{Digest as _, Sha256};

/// The names of the fields, in lower case.
const FIELDS: [&[u8]; 3] = [b"message-id", b"date", b"from"];

/// Longer than any of them.
const LONGEST_NAME: usize = 16;

/// A header in which one of the fields has more octets has no hash: no server sends such a field again.
const LONGEST_FIELD: usize = 64 * 1024;

/// Takes a message or its header (line ends are LF, pieces may be cut anywhere).
#[derive(Debug, Default)]
pub struct HeaderPrint {
    state: HeaderState,
    /// The sum of the hashes of the fields so far.
    sum: Option<u64>,
    name: Vec<u8>,
    value: PrintField,
    /// Whether a field was too long.
    is_void: bool,
}

/// Where in the header the next octet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum HeaderState {
    #[default]
    Line,
    Name,
    /// In the value of one of the fields.
    Value,
    /// In any other line.
    Other,
    /// After the header.
    Behind,
}

/// The part that has come of one of the fields.
#[derive(Debug, Default)]
struct PrintField {
    /// The octets that are hashed; empty if no such field has begun.
    octets: Vec<u8>,
    /// How many of them belong to the name.
    name: usize,
    /// Whether white space has come, which counts as one space if more text follows.
    space: bool,
}

impl HeaderPrint {
    /// Adds content.
    pub fn push(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while self.state != HeaderState::Behind
            && let [octet, behind @ ..] = rest
        {
            if self.state == HeaderState::Other {
                // Most lines are such: nothing but their end matters.
                let Some(feed) = memchr(b'\n', rest) else { return };
                (self.state, rest) = (HeaderState::Line, &rest[feed + 1..]);
                continue;
            }
            (self.state, rest) = (self.next(*octet), behind);
        }
    }

    /// The hash; `None` if the header has none of these fields.
    pub fn finish(mut self) -> Option<u64> {
        self.end_field();
        self.sum.filter(|_| !self.is_void)
    }

    fn next(&mut self, octet: u8) -> HeaderState {
        match (self.state, octet) {
            (HeaderState::Line, b' ' | b'\t') if self.value.name > 0 => {
                self.value.space = true;
                HeaderState::Value
            }
            (HeaderState::Line, b' ' | b'\t') => HeaderState::Other,
            (HeaderState::Line, b'\n') => HeaderState::Behind,
            (HeaderState::Line, _) => {
                self.end_field();
                self.name.clear();
                self.in_name(octet)
            }
            (HeaderState::Name, _) => self.in_name(octet),
            (HeaderState::Value, b'\n') | (HeaderState::Other, b'\n') => HeaderState::Line,
            (HeaderState::Value, _) => {
                self.value.push(octet);
                self.is_void |= self.value.octets.len() > self.value.name + LONGEST_FIELD;
                if self.is_void { HeaderState::Behind } else { HeaderState::Value }
            }
            (HeaderState::Other | HeaderState::Behind, _) => self.state,
        }
    }

    fn in_name(&mut self, octet: u8) -> HeaderState {
        match octet {
            b'\n' => HeaderState::Line,
            b':' if FIELDS.contains(&self.name.trim_ascii_end()) => {
                self.value.begin(self.name.trim_ascii_end());
                HeaderState::Value
            }
            _ if self.name.len() < LONGEST_NAME && self.may_go_on(octet.to_ascii_lowercase()) => {
                self.name.push(octet.to_ascii_lowercase());
                HeaderState::Name
            }
            // Most names are told from those of the fields by their first octet.
            _ => HeaderState::Other,
        }
    }

    /// Whether the name so far, with this octet, may become that of one of the fields, or of one with white space
    /// behind it.
    fn may_go_on(&self, octet: u8) -> bool {
        let is_blank = octet.is_ascii_whitespace();
        let goes_on = |field: &[u8]| match field.strip_prefix(self.name.as_slice()) {
            Some([next, ..]) => *next == octet,
            _ => false,
        };
        FIELDS.iter().any(|field| goes_on(field) || (is_blank && self.name.trim_ascii_end() == *field))
    }

    fn end_field(&mut self) {
        if std::mem::take(&mut self.value.name) == 0 {
            return;
        }
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(&self.value.octets));
        let hash = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        self.sum = Some(self.sum.unwrap_or(0).wrapping_add(hash));
    }
}

impl PrintField {
    fn begin(&mut self, name: &[u8]) {
        self.octets.clear();
        self.octets.extend_from_slice(name);
        self.octets.push(b':');
        (self.name, self.space) = (self.octets.len(), false);
    }

    fn push(&mut self, octet: u8) {
        if matches!(octet, b' ' | b'\t' | b'\r') {
            self.space = true;
            return;
        }
        // White space at the start and at the end does not count.
        if std::mem::take(&mut self.space) && self.octets.len() > self.name {
            self.octets.push(b' ');
        }
        self.octets.push(octet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(text: &str) -> Option<u64> {
        let mut print = HeaderPrint::default();
        print.push(text.as_bytes());
        print.finish()
    }

    #[test]
    fn a_name_that_is_only_nearly_that_of_a_field_counts_for_nothing() {
        let alone = print("Date: 1\n\n");
        for near in [
            "Dat: x",
            "Dates: x",
            "date x: x",
            "Fro",
            "From",
            "f",
            "m:",
            "Messageid: x",
            "message-id-2: x",
            ": x",
            "Froms: x",
            "D ate: x",
            "Date\u{fc}: x",
            "From               : x",
            "From : ",
        ] {
            for text in [format!("{near}\nDate: 1\n\n"), format!("Date: 1\n{near}\n\n")] {
                let counts = near == "From : ";
                assert_eq!(print(&text) == alone, !counts, "{text:?}");
            }
        }
        assert_eq!(print("DATE  : 1\n\n"), alone);
        assert_eq!(print("dAtE\t: 1\n\n"), alone);
    }

    #[test]
    fn the_print_depends_only_on_the_three_fields() {
        let text = "Received: by x\n from y\nFrom: Ana\n <a@b>\nDATE : Mon, 1\n\t Jan\nmessage-id:<1@b>\nX: y\n\nDate: z\n";
        let alone = print("Message-ID:  <1@b> \nDate: Mon, 1 Jan\nFrom: Ana <a@b>\n\n");
        assert!(alone.is_some());
        for cut in 0..=text.len() {
            let mut print = HeaderPrint::default();
            print.push(&text.as_bytes()[..cut]);
            print.push(&text.as_bytes()[cut..]);
            assert_eq!(print.finish(), alone, "{cut}");
        }
        for other in [
            "Message-ID: <2@b>\nDate: Mon, 1 Jan\nFrom: Ana <a@b>\n\n",
            "Message-ID: <1@b>\nDate: Mon, 1 Jan\n\n",
            "Message-ID: <1@b>\nDate: Ana <a@b>\nFrom: Mon, 1 Jan\n\n",
            "Message-ID: <1@b>\nDate: Mon, 1 Jan\nFrom: Ana<a@b>\n\n",
            "Message-ID: <1@b>\nDate: Mon, 1 Jan\nFrom: Ana <a@b>\nFrom: Ana <a@b>\n\n",
        ] {
            assert_ne!(print(other), alone, "{other}");
        }
    }

    #[test]
    fn a_header_without_the_fields_has_no_print() {
        for text in ["", "\n", "Subject: a\n\nDate: b\n", " Date: b\n\n", "Dates: b\n", "Date", "Date\n: b\n"]
        {
            assert_eq!(print(text), None, "{text:?}");
        }
        assert!(print("Date:").is_some() && print("Date: a").is_some());
        let long = |octets: usize| print(&format!("Date: {}\nFrom: a\n\n", "x".repeat(octets)));
        assert!(long(LONGEST_FIELD).is_some() && long(LONGEST_FIELD + 1).is_none());
    }
}
