//! Literals of Python: what `fetchmail --configdump` prints, and the tuples in a getmailrc. Nothing is evaluated.

use zeroize::Zeroizing;

/// How deep they may be nested.
const DEPTH: usize = 16;

/// A value.
#[derive(Clone, Debug)]
pub enum Literal {
    None,
    Number(i64),
    Truth(bool),
    /// May be a secret.
    Text(Zeroizing<String>),
    /// A text that cannot be read: it has an unknown escape, or is not valid UTF-8.
    Unreadable,
    /// A list or a tuple.
    List(Vec<Literal>),
    /// A dictionary, in its order.
    Table(Vec<(String, Literal)>),
}

impl Literal {
    /// A value of a dictionary.
    pub fn get(&self, key: &str) -> &Literal {
        match self {
            Literal::Table(entries) => {
                entries.iter().find(|(known, _)| known == key).map_or(&Literal::None, |(_, value)| value)
            }
            _ => &Literal::None,
        }
    }

    /// A text that is not empty.
    pub fn text(&self) -> Option<&str> {
        match self {
            Literal::Text(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    pub fn truth(&self) -> Option<bool> {
        match self {
            Literal::Truth(truth) => Some(*truth),
            _ => None,
        }
    }

    pub fn number(&self) -> i64 {
        if let Literal::Number(number) = self { *number } else { 0 }
    }

    pub fn list(&self) -> &[Literal] {
        if let Literal::List(all) = self { all } else { &[] }
    }

    /// The texts of a list; none where there is anything else in it.
    pub fn texts(&self) -> Option<Vec<String>> {
        match self {
            Literal::List(all) => all.iter().map(|one| one.text().map(str::to_owned)).collect(),
            _ => None,
        }
    }
}

/// Reads one literal; what stands behind it is passed over. `None` where it is none.
pub fn read(octets: &[u8]) -> Option<Literal> {
    LiteralReader { octets, at: 0 }.value(0)
}

struct LiteralReader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl LiteralReader<'_> {
    fn value(&mut self, depth: usize) -> Option<Literal> {
        if depth > DEPTH {
            return None;
        }
        self.blank();
        match self.peek()? {
            b'{' => self.table(depth),
            b'[' => self.list(b']', depth),
            b'(' => self.list(b')', depth),
            b'"' | b'\'' => Some(self.text()?.map_or(Literal::Unreadable, Literal::Text)),
            _ => self.word(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        self.blank();
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    /// Passes over white space and remarks.
    fn blank(&mut self) {
        while let Some(octet) = self.peek() {
            match octet {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'#' => {
                    let end = memchr::memchr(b'\n', &self.octets[self.at..]);
                    self.at = end.map_or(self.octets.len(), |end| self.at + end);
                }
                _ => return,
            }
        }
    }

    fn table(&mut self, depth: usize) -> Option<Literal> {
        self.at += 1;
        let mut entries = Vec::new();
        while !self.take(b'}') {
            let key = match self.value(depth + 1)? {
                Literal::Text(key) => key.to_string(),
                _ => return None,
            };
            if !self.take(b':') {
                return None;
            }
            entries.push((key, self.value(depth + 1)?));
            if !self.take(b',') {
                return self.take(b'}').then_some(Literal::Table(entries));
            }
        }
        Some(Literal::Table(entries))
    }

    fn list(&mut self, end: u8, depth: usize) -> Option<Literal> {
        self.at += 1;
        let mut all = Vec::new();
        while !self.take(end) {
            all.push(self.value(depth + 1)?);
            if !self.take(b',') {
                return self.take(end).then_some(Literal::List(all));
            }
        }
        Some(Literal::List(all))
    }

    fn word(&mut self) -> Option<Literal> {
        let is_word = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'+');
        let length = self.octets[self.at..].iter().take_while(|octet| is_word(octet)).count();
        let word = std::str::from_utf8(&self.octets[self.at..self.at + length]).ok()?;
        self.at += length;
        match word {
            "None" => Some(Literal::None),
            "TRUE" | "True" => Some(Literal::Truth(true)),
            "FALSE" | "False" => Some(Literal::Truth(false)),
            number => number.parse().ok().map(Literal::Number),
        }
    }

    /// A text in quotes; the inner `None`: it cannot be read.
    fn text(&mut self) -> Option<Option<Zeroizing<String>>> {
        let quote = self.peek()?;
        self.at += 1;
        let (mut octets, mut fine) = (Zeroizing::new(Vec::with_capacity(64)), true);
        loop {
            let octet = self.peek()?;
            self.at += 1;
            match octet {
                _ if octet == quote => break,
                b'\\' => {
                    let escaped = self.peek()?;
                    self.at += 1;
                    match escaped {
                        b'n' => octets.push(b'\n'),
                        b't' => octets.push(b'\t'),
                        b'r' => octets.push(b'\r'),
                        b'\\' | b'"' | b'\'' => octets.push(escaped),
                        // fetchmail writes what is no ASCII as `\0x` and digits that are not those of the octet.
                        _ => fine = false,
                    }
                }
                octet => octets.push(octet),
            }
        }
        let text = String::from_utf8(octets.to_vec()).ok().map(Zeroizing::new);
        Some(text.filter(|_| fine))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_with_their_escapes() {
        let read =
            read(b"{'a':TRUE, # x\n \"b\":[1,-2,('x',),], 'c':\"q\\\"\\\\\\n'\", 'd':None,} tail").unwrap();
        assert_eq!(read.get("a").truth(), Some(true));
        assert_eq!(read.get("b").list()[1].number(), -2);
        assert_eq!(read.get("b").list()[2].texts(), Some(vec!["x".into()]));
        assert_eq!(read.get("c").text(), Some("q\"\\\n'"));
        assert!(matches!(read.get("d"), Literal::None) && matches!(read.get("e"), Literal::None));
    }

    #[test]
    fn what_is_no_literal_is_none_and_what_cannot_be_read_is_no_text() {
        for bad in ["", "{", "[1", "{'a'}", "{1:2}", "os.system('x')", "\"a", "'a\\", "x", "[1 2]"] {
            assert!(super::read(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(super::read("[".repeat(100_000).as_bytes()).is_none());
        assert!(matches!(super::read(b"'\\0xc3'"), Some(Literal::Unreadable)));
        assert!(matches!(super::read(b"'\xff'"), Some(Literal::Unreadable)));
    }

    #[test]
    fn every_beginning_of_a_literal_is_read_without_a_fault() {
        let text = b"{'a':[1,(TRUE,\"x\\n\"),{'b':None}],\n# y\n'c':'z'}";
        for end in 0..text.len() {
            assert!(super::read(&text[..end]).is_none(), "{end}");
        }
        assert!(super::read(text).is_some());
    }
}
