//! Commands as a client writes them: a line, or lines with literals between them, cut into arguments.

/// A part of a command as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A line, less its line end and less the announcement of a literal.
    Line(Vec<u8>),
    /// A literal.
    Literal(Vec<u8>),
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// An atom, a flag, a set, an item with its section in brackets.
    Word(Vec<u8>),
    /// A quoted string.
    Quoted(Vec<u8>),
    /// A literal.
    Literal(Vec<u8>),
    /// A list in parentheses.
    List(Vec<Arg>),
}

impl Arg {
    /// Its octets, unless it is a list.
    pub fn octets(&self) -> Option<&[u8]> {
        match self {
            Arg::Word(octets) | Arg::Quoted(octets) | Arg::Literal(octets) => Some(octets),
            Arg::List(_) => None,
        }
    }

    /// A word in capitals; nothing else is one.
    pub fn word(&self) -> String {
        match self {
            Arg::Word(octets) => String::from_utf8_lossy(octets).to_ascii_uppercase(),
            _ => String::new(),
        }
    }

    /// What is in a list.
    pub fn list(&self) -> Option<&[Arg]> {
        match self {
            Arg::List(list) => Some(list),
            _ => None,
        }
    }

    /// What is in a list, or the argument alone.
    pub fn each(&self) -> &[Arg] {
        self.list().unwrap_or(std::slice::from_ref(self))
    }
}

/// A literal that a line ends with: its octets and whether the client sends them unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// How many octets follow.
    pub octets: usize,
    /// Whether they follow without being asked for.
    pub at_once: bool,
}

/// Takes the announcement of a literal off a line's end.
pub fn announced(line: &mut Vec<u8>) -> Option<Announced> {
    let inner = line.strip_suffix(b"}")?;
    let start = memchr::memrchr(b'{', inner)?;
    let digits = std::str::from_utf8(&inner[start + 1..]).ok()?;
    let at_once = digits.ends_with('+');
    let digits = digits.trim_end_matches('+');
    if !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let octets = digits.parse().ok()?;
    line.truncate(start);
    if line.ends_with(b"UTF8 (~") {
        line.pop();
    }
    Some(Announced { octets, at_once })
}

/// Cuts a command into its arguments.
pub fn parse(pieces: &[Piece]) -> Result<Vec<Arg>, String> {
    let mut parser = Parser { open: vec![Vec::new()], gap: true };
    for piece in pieces {
        match piece {
            Piece::Line(line) => parser.line(line)?,
            Piece::Literal(octets) => parser.put(Arg::Literal(octets.clone()))?,
        }
    }
    match parser.open.len() {
        1 if parser.gap => Err("a space at the end".into()),
        1 => Ok(parser.open.remove(0)),
        _ => Err("a parenthesis is not closed".into()),
    }
}

struct Parser {
    /// The lists that are open, the command itself first.
    open: Vec<Vec<Arg>>,
    /// Whether an argument may begin here.
    gap: bool,
}

impl Parser {
    fn put(&mut self, arg: Arg) -> Result<(), String> {
        if !self.gap {
            return Err("no space between two arguments".into());
        }
        self.gap = false;
        self.open.last_mut().expect("the command is never closed").push(arg);
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        let mut rest = line;
        while let Some(octet) = rest.first() {
            rest = match octet {
                b' ' if self.gap => return Err("a space too many".into()),
                b' ' => {
                    self.gap = true;
                    &rest[1..]
                }
                b'(' => {
                    if !self.gap {
                        return Err("no space in front of a parenthesis".into());
                    }
                    self.open.push(Vec::new());
                    &rest[1..]
                }
                b')' => {
                    let list = self.open.pop().filter(|_| !self.open.is_empty());
                    self.gap = true;
                    self.put(Arg::List(list.ok_or("a parenthesis too many")?))?;
                    &rest[1..]
                }
                b'"' => self.quoted(&rest[1..])?,
                _ => self.word(rest)?,
            };
        }
        Ok(())
    }

    fn quoted<'a>(&mut self, mut rest: &'a [u8]) -> Result<&'a [u8], String> {
        let mut text = Vec::new();
        loop {
            match rest {
                [b'"', ..] => break,
                [b'\\', octet @ (b'"' | b'\\'), ..] => {
                    text.push(*octet);
                    rest = &rest[2..];
                }
                [b'\\', ..] => return Err("a backslash in a quoted string".into()),
                [octet, ..] => {
                    text.push(*octet);
                    rest = &rest[1..];
                }
                [] => return Err("a quoted string is not closed".into()),
            }
        }
        self.put(Arg::Quoted(text))?;
        Ok(&rest[1..])
    }

    /// An atom. What stands in brackets belongs to it, spaces and parentheses too.
    fn word<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], String> {
        let mut end = 0;
        let mut bracket = false;
        while let Some(octet) = rest.get(end) {
            match octet {
                b'[' => bracket = true,
                b']' => bracket = false,
                b' ' | b'(' | b')' | b'"' if !bracket => break,
                b'{' => return Err("a brace in an atom".into()),
                octet if octet.is_ascii_control() => {
                    return Err("an octet that no atom may have".into());
                }
                _ => {}
            }
            end += 1;
        }
        self.put(Arg::Word(rest[..end].to_vec()))?;
        Ok(&rest[end..])
    }
}
