//! Reads address lists (`RFC 5322 §3.4`, §4.4) leniently, as mail readers do: nothing is refused, and elements
//! without name and address are left out. One pass, without recursion.

use super::charset::Reading;
use super::words;

/// A person in From or To.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The display name, decoded.
    pub name: Option<String>,
    /// The address, which need not be valid.
    pub address: Option<String>,
}

/// The most people of one field; the rest is ignored.
pub const MAX_PEOPLE: usize = 1000;

/// The people in an unfolded value, members of groups too; and whether all names could be decoded.
pub fn people(value: &[u8]) -> (Vec<Person>, bool) {
    let mut scanner = PeopleScanner { value, at: 0 };
    let (mut people, mut is_whole) = (Vec::new(), true);
    let mut in_group = false;
    while people.len() < MAX_PEOPLE {
        let Some((piece, end)) = scanner.piece(in_group) else { break };
        match end {
            // The name of a group is before the colon.
            Some(b':') => in_group = true,
            Some(b';') => {
                in_group = false;
                piece.persons(&mut people, &mut is_whole);
            }
            _ => piece.persons(&mut people, &mut is_whole),
        }
    }
    people.truncate(MAX_PEOPLE);
    (people, is_whole)
}

/// One element of a list.
#[derive(Default)]
struct ListPiece {
    /// The text outside of angles and comments, with quotes and backslashes.
    bare: Vec<u8>,
    /// The same, unquoted.
    phrase: Vec<u8>,
    /// Whether there is an `@` in it.
    has_at: bool,
    /// The text inside the angles.
    angle: Option<Vec<u8>>,
    /// Whether there is an `@` in that.
    angle_has_at: bool,
    /// The text of the comments.
    comment: Vec<u8>,
}

impl ListPiece {
    fn persons(self, people: &mut Vec<Person>, is_whole: &mut bool) {
        let mut name = |octets: &[u8]| {
            let reading = words::decode(octets.trim_ascii());
            *is_whole &= matches!(reading, Reading::Whole(_));
            let text = reading.text()?.split_whitespace().collect::<Vec<_>>().join(" ");
            (!text.is_empty()).then_some(text)
        };
        if let Some(angle) = &self.angle {
            // White space means nothing here, except in quotes.
            let address = tokens(without_route(angle)).concat();
            let own = if self.phrase.trim_ascii().is_empty() { &self.comment } else { &self.phrase };
            push(people, Person { name: name(own), address: text(&address) });
            return;
        }
        let each = tokens(&self.bare);
        let (addresses, others): (Vec<&[u8]>, Vec<&[u8]>) =
            each.iter().copied().partition(|token| has_at(token));
        match (addresses.as_slice(), others.as_slice()) {
            ([], [one]) if !self.bare.starts_with(b"\"") && !one.starts_with(b"=?") => {
                push(people, Person { name: name(&self.comment), address: text(one) });
            }
            ([], _) => push(people, Person { name: name(&self.phrase), address: None }),
            ([one], _) if self.comment.is_empty() => {
                push(people, Person { name: name(&others.join(&b' ')), address: text(one) });
            }
            (several, _) => {
                for one in several.iter().take(MAX_PEOPLE) {
                    push(people, Person { name: name(&self.comment), address: text(one) });
                }
            }
        }
    }
}

fn push(people: &mut Vec<Person>, person: Person) {
    if person != Person::default() {
        people.push(person);
    }
}

fn text(octets: &[u8]) -> Option<String> {
    let mut quoted = false;
    let is_shown = |octet: &&u8| {
        quoted ^= **octet == b'"';
        quoted || !octet.is_ascii_whitespace()
    };
    let octets: Vec<u8> = octets.iter().filter(is_shown).copied().collect();
    let text = String::from_utf8_lossy(&octets).into_owned();
    (!text.is_empty()).then_some(text)
}

/// Removes an `obs-route` (`RFC 5322 §4.4`).
fn without_route(angle: &[u8]) -> &[u8] {
    let angle = angle.trim_ascii();
    match (angle.first(), memchr::memchr(b':', angle)) {
        (Some(b'@'), Some(colon)) => angle[colon + 1..].trim_ascii(),
        _ => angle,
    }
}

/// The words of a text; quoted strings are not cut, and white space around `@` and `.` is ignored
/// (`RFC 5322 §4.4`).
fn tokens(bare: &[u8]) -> Vec<&[u8]> {
    let (mut tokens, mut start, mut quoted, mut at) = (Vec::new(), None, false, 0);
    while at < bare.len() {
        match bare[at] {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            octet if octet.is_ascii_whitespace() && !quoted => {
                let space = bare[at..].iter().take_while(|octet| octet.is_ascii_whitespace()).count();
                let glues = |octet: Option<&u8>| matches!(octet, Some(b'@'));
                if !(glues(bare[..at].last()) || glues(bare.get(at + space)))
                    && let Some(start) = start.take()
                {
                    tokens.push(&bare[start..at]);
                }
                at += space;
                continue;
            }
            _ => {}
        }
        start.get_or_insert(at.min(bare.len() - 1));
        at += 1;
    }
    if let Some(start) = start {
        tokens.push(&bare[start..]);
    }
    tokens
}

/// Whether a word has an `@` with something before it, outside of quotes.
fn has_at(token: &[u8]) -> bool {
    let mut quoted = false;
    token.iter().enumerate().any(|(at, octet)| {
        quoted ^= *octet == b'"' && (at == 0 || token[at - 1] != b'\\');
        *octet == b'@' && !quoted && at > 0
    })
}

struct PeopleScanner<'a> {
    value: &'a [u8],
    at: usize,
}

impl PeopleScanner<'_> {
    fn next(&mut self) -> Option<u8> {
        let octet = self.value.get(self.at).copied();
        self.at += 1;
        octet
    }

    /// The next element and its delimiter; `None` after the last.
    fn piece(&mut self, in_group: bool) -> Option<(ListPiece, Option<u8>)> {
        if self.at >= self.value.len() {
            return None;
        }
        let mut piece = ListPiece::default();
        while let Some(octet) = self.next() {
            match octet {
                b',' | b';' => return Some((piece, Some(octet))),
                b':' if !in_group && piece.angle.is_none() && !piece.has_at => {
                    return Some((piece, Some(octet)));
                }
                b'(' => self.comment(&mut piece),
                b'"' => self.quoted(&mut piece),
                b'<' if !piece.angle_has_at => self.angle(&mut piece),
                b'=' if self.value.get(self.at) == Some(&b'?') => self.word(&mut piece),
                _ => piece.push(octet),
            }
        }
        Some((piece, None))
    }

    /// An encoded word: special characters in it are not syntax, even if they are not encoded.
    fn word(&mut self, piece: &mut ListPiece) {
        let len = words::len_at(self.value, self.at - 1).unwrap_or(1);
        self.value[self.at - 1..self.at - 1 + len].iter().for_each(|octet| piece.push(*octet));
        self.at += len - 1;
    }

    /// A comment, perhaps with others in it: they are counted, not recursed into.
    fn comment(&mut self, piece: &mut ListPiece) {
        let mut depth = 1usize;
        if !piece.comment.is_empty() {
            piece.comment.push(b' ');
        }
        while let Some(mut octet) = self.next() {
            match octet {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => match self.next() {
                    Some(escaped) => octet = escaped,
                    None => break,
                },
                _ => {}
            }
            if depth == 0 {
                break;
            }
            piece.comment.push(octet);
        }
        piece.push(b' ');
    }

    fn quoted(&mut self, piece: &mut ListPiece) {
        piece.bare.push(b'"');
        while let Some(octet) = self.next() {
            piece.bare.push(octet);
            match octet {
                b'"' => return,
                b'\\' => {
                    if let Some(escaped) = self.next() {
                        piece.bare.push(escaped);
                        piece.phrase.push(escaped);
                    }
                }
                _ => piece.phrase.push(octet),
            }
        }
    }

    /// The address in angles, its quotes kept and its comments dropped.
    fn angle(&mut self, piece: &mut ListPiece) {
        let mut inner = ListPiece::default();
        while let Some(octet) = self.next() {
            match octet {
                b'>' => break,
                b'(' => self.comment(&mut inner),
                b'"' => self.quoted(&mut inner),
                _ => inner.push(octet),
            }
        }
        piece.angle_has_at = has_at(&inner.bare);
        piece.angle = Some(inner.bare);
    }
}

impl ListPiece {
    fn push(&mut self, octet: u8) {
        self.has_at |= octet == b'@' && !self.bare.is_empty();
        self.bare.push(octet);
        self.phrase.push(octet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &[u8]) -> Vec<(String, String)> {
        let each = people(value).0.into_iter();
        each.map(|one| (one.name.unwrap_or_default(), one.address.unwrap_or_default())).collect()
    }

    #[track_caller]
    fn reads(value: &str, want: &[(&str, &str)]) {
        let want: Vec<(String, String)> =
            want.iter().map(|(name, address)| ((*name).to_owned(), (*address).to_owned())).collect();
        assert_eq!(shown(value.as_bytes()), want, "{value}");
    }

    #[test]
    fn names_and_addresses_in_every_form_are_read() {
        reads("a@x.org", &[("", "a@x.org")]);
        reads("<a@x.org>", &[("", "a@x.org")]);
        reads("Ana B <a@x.org>", &[("Ana B", "a@x.org")]);
        reads("\"B, Ana\" <a@x.org>, c@x.org", &[("B, Ana", "a@x.org"), ("", "c@x.org")]);
        reads("\"a \\\"b\\\"\"<a@x.org>", &[("a \"b\"", "a@x.org")]);
        reads("a@x.org (Ana (the one))", &[("Ana (the one)", "a@x.org")]);
        reads("=?utf-8?q?=C3=84na?= <a@x.org>", &[("\u{c4}na", "a@x.org")]);
        reads("\"=?utf-8?q?=C3=84na?=\" <a@x.org>", &[("\u{c4}na", "a@x.org")]);
        reads("=?utf-8?q?B,_Ana?= <a@x.org>", &[("B, Ana", "a@x.org")]);
        reads("=?utf-8?q?=C3?= =?utf-8?q?=84na?= <a@x.org>", &[("\u{c4}na", "a@x.org")]);
        reads("root", &[("", "root")]);
        reads("root (Cron Daemon)", &[("Cron Daemon", "root")]);
        reads("Ana B", &[("Ana B", "")]);
        reads("Ana a@x.org", &[("Ana", "a@x.org")]);
        reads("a@x.org b@x.org", &[("", "a@x.org"), ("", "b@x.org")]);
        reads("<@r.org,@s.org:a@x.org>", &[("", "a@x.org")]);
        reads("< a @ x.org >", &[("", "a@x.org")]);
        reads("a @ x.org", &[("", "a@x.org")]);
        reads("J. R. \"Bob\" Dobbs <a@x.org>", &[("J. R. Bob Dobbs", "a@x.org")]);
        reads("Ana <a@[127.0.0.1]>", &[("Ana", "a@[127.0.0.1]")]);
        reads("a <b> <a@x.org>", &[("a", "a@x.org")]);
        reads("<>", &[]);
        reads(", ,;", &[]);
    }

    #[test]
    fn a_quoted_local_part_belongs_to_the_address() {
        for address in [
            "\"System Administrator\"@example.org",
            "\"abc@def\"@example.org",
            "\"john.no.doe.\"@example.org",
        ] {
            reads(address, &[("", address)]);
            reads(&format!("Ana <{address}>, b@x.org"), &[("Ana", address), ("", "b@x.org")]);
        }
    }

    #[test]
    fn members_of_groups_are_people_and_empty_groups_nobody() {
        reads("undisclosed-recipients:;", &[]);
        reads(
            "Friends: a@x.org, B <b@x.org>;, c@x.org",
            &[("", "a@x.org"), ("B", "b@x.org"), ("", "c@x.org")],
        );
        reads("a@x.org; b@x.org;", &[("", "a@x.org"), ("", "b@x.org")]);
        reads("g: a@x.org", &[("", "a@x.org")]);
    }

    #[test]
    fn whatever_is_not_closed_ends_with_the_field() {
        reads("Ana <a@x.org", &[("Ana", "a@x.org")]);
        reads("\"Ana", &[("Ana", "")]);
        reads("a@x.org (Ana", &[("Ana", "a@x.org")]);
        reads("a@x.org \\", &[("\\", "a@x.org")]);
    }

    #[test]
    fn names_that_cannot_be_read_are_none_and_said_so() {
        let (list, is_whole) = people(b"=?x-martian?q?=C1?= <a@x.org>");
        assert_eq!(list, [Person { name: None, address: Some("a@x.org".into()) }]);
        assert!(!is_whole);
        assert!(people("\u{c4}na <a@x.org>".as_bytes()).1 && !people(b"\xc4na <a@x.org>").1);
    }

    #[test]
    fn a_list_is_bounded_and_takes_time_by_its_length_alone() {
        assert_eq!(people("a@x.org,".repeat(100_000).as_bytes()).0.len(), MAX_PEOPLE);
        for piece in
            ["(", "\"", "<", ":", ";", "=?", "=?utf-8?q?", "a ", "@", " @", "\\", "g:", "a@b ", "=?a?q?b?="]
        {
            let _ = people(piece.repeat(60_000).as_bytes());
        }
    }
}
