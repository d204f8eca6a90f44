//! How commands become lines: tags, quoting, literals. Here alone a string gets its form.
//!
//! ```text
//! astring = 1*ASTRING-CHAR / quoted / literal        (RFC 3501 §9)
//! ```

use super::capabilities::Capabilities;
use super::utf7;
use crate::words::Secret;
use crate::words::secret::REDACTED;
use std::fmt;

/// The longest literal that is sent without waiting (`RFC 7888 §5`). LITERAL+ knows no bound, but a server that
/// refuses a literal reads what comes of it as commands; so the same bound holds there.
const MAX_UNASKED: u64 = 4096;

/// The tag of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u32);

impl Tag {
    /// Whether the server names this command, in these letters.
    pub fn is(self, octets: &[u8]) -> bool {
        // Leading zeros are another tag.
        octets.strip_prefix(b"p").is_some_and(|digits| digits == self.0.to_string().as_bytes())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

/// Gives out tags, `p1` and on.
#[derive(Clone, Debug, Default)]
pub struct Tags(u32);

impl Tags {
    /// The next tag. No connection lives long enough for the numbers to end.
    pub fn fresh(&mut self) -> Tag {
        self.0 = self.0.wrapping_add(1);
        Tag(self.0)
    }
}

/// Which literals may go out without the server's consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Literals {
    /// None: each is announced, and `+` awaited.
    #[default]
    Awaited,
    /// Those of at most 4,096 octets (`RFC 7888`).
    SmallUnasked,
}

impl Literals {
    /// What the server can.
    pub fn of(capabilities: &Capabilities) -> Self {
        let unasked = capabilities.literal_plus || capabilities.literal_minus;
        if unasked { Literals::SmallUnasked } else { Literals::Awaited }
    }

    /// Whether one of so many octets goes out without the server's consent.
    pub fn unasked(self, octets: u64) -> bool {
        self == Literals::SmallUnasked && octets <= MAX_UNASKED
    }

    /// The header of a literal, and whether the server's consent is to be awaited after it.
    fn header(self, octets: u64) -> (String, bool) {
        match self.unasked(octets) {
            true => (format!("{{{octets}+}}"), false),
            false => (format!("{{{octets}}}"), true),
        }
    }
}

/// What is written in one go: the octets of a literal that was announced before, and a line behind them.
#[derive(Clone, Debug)]
pub struct CommandPart {
    /// The literal's octets, which may be any but NUL. None in a command's first part.
    pub literal: Secret,
    /// The line, without its line end.
    pub line: Secret,
    /// Both as people may see them.
    pub shown: String,
    /// Whether `+` must come before anything else is written: the line ends in a literal's header, and what it
    /// announces is in the next part, or is the message of APPEND.
    pub awaits: bool,
}

/// Puts a command together.
#[derive(Clone, Debug, Default)]
pub(super) struct CommandPieces(Vec<CommandPiece>);

#[derive(Clone, Debug)]
enum CommandPiece {
    Text(String),
    String { octets: Secret, form: StringForm },
    Message { octets: u64, has_utf8: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StringForm {
    /// An atom, where it is one that no server misreads.
    Any,
    /// Quoted or literal, never an atom.
    String,
    /// Like [`StringForm::Any`]: the name of a mailbox, in modified UTF-7.
    Mailbox,
    /// The same, never an atom.
    Pattern,
    /// Such a name in UTF-8, quoted (`RFC 9755 §3`).
    Utf8Mailbox,
    /// Like [`StringForm::String`], and never shown.
    Secret,
    /// As it is (base64), and never shown.
    SecretAtom,
}

impl CommandPieces {
    /// A command that begins with these words.
    pub fn new(text: impl Into<String>) -> Self {
        CommandPieces(vec![CommandPiece::Text(text.into())])
    }

    /// Whether the command begins with these words.
    pub fn begins_with(&self, words: &str) -> bool {
        matches!(self.0.first(), Some(CommandPiece::Text(text)) if text.starts_with(words))
    }

    /// Adds text as it is.
    pub fn text(mut self, text: &str) -> Self {
        self.0.push(CommandPiece::Text(text.to_owned()));
        self
    }

    /// Adds a string: an atom, quoted or a literal.
    pub fn astring(self, octets: &[u8]) -> Self {
        self.piece(octets, StringForm::Any)
    }

    /// Adds the name of a mailbox.
    pub fn mailbox(self, octets: &[u8]) -> Self {
        self.piece(octets, StringForm::Mailbox)
    }

    /// Adds a pattern for names of mailboxes.
    pub fn pattern(self, octets: &[u8]) -> Self {
        self.piece(octets, StringForm::Pattern)
    }

    /// The same command with the names of mailboxes in UTF-8. One that is no modified UTF-7 stays as it is.
    pub fn in_utf8(mut self) -> Self {
        for piece in &mut self.0 {
            if let CommandPiece::String { octets, form: form @ (StringForm::Mailbox | StringForm::Pattern) } =
                piece
                && let Some(text) = utf7::decode(octets.expose())
                && !text.contains(|letter: char| letter.is_ascii_control())
            {
                (*octets, *form) = (Secret::new(text.into_bytes()), StringForm::Utf8Mailbox);
            }
        }
        self
    }

    /// Adds a string that is never an atom.
    pub fn string(self, octets: &[u8]) -> Self {
        self.piece(octets, StringForm::String)
    }

    /// Adds a string that is not shown.
    pub fn secret(self, secret: &Secret) -> Self {
        self.piece(secret.expose(), StringForm::Secret)
    }

    /// Adds base64 that is not shown.
    pub fn secret_atom(self, secret: &Secret) -> Self {
        self.piece(secret.expose(), StringForm::SecretAtom)
    }

    /// Announces a message, which somebody else sends. `has_utf8`: in the form for one whose header has UTF-8 in it
    /// (`RFC 6855 §4`); then a parenthesis has to follow the message.
    pub fn message(mut self, octets: u64, has_utf8: bool) -> Self {
        self.0.push(CommandPiece::Message { octets, has_utf8 });
        self
    }

    fn piece(mut self, octets: &[u8], form: StringForm) -> Self {
        self.0.push(CommandPiece::String { octets: Secret::new(octets), form });
        self
    }

    /// The parts of the command.
    pub fn parts(&self, tag: Tag, literals: Literals) -> Vec<CommandPart> {
        let mut parts = Vec::new();
        let mut draft = PartDraft::default();
        draft.add(format!("{tag} ").as_bytes());
        for piece in &self.0 {
            match piece {
                CommandPiece::Text(text) => draft.add(text.as_bytes()),
                CommandPiece::String { octets, form } => draft.string(octets, *form, literals, &mut parts),
                CommandPiece::Message { octets, has_utf8 } => {
                    let (header, awaits) = literals.header(*octets);
                    draft.add(if *has_utf8 { b"UTF8 (~" } else { b"" });
                    draft.add(header.as_bytes());
                    parts.push(std::mem::take(&mut draft).part(awaits));
                    // What stands behind the message its sender writes.
                    return parts;
                }
            }
        }
        parts.push(draft.part(false));
        parts
    }
}

/// A part being written.
#[derive(Default)]
struct PartDraft {
    literal: Vec<u8>,
    line: Vec<u8>,
    shown: Vec<u8>,
}

impl PartDraft {
    fn add(&mut self, octets: &[u8]) {
        self.line.extend_from_slice(octets);
        self.shown.extend_from_slice(octets);
    }

    fn string(
        &mut self,
        octets: &Secret,
        form: StringForm,
        literals: Literals,
        parts: &mut Vec<CommandPart>,
    ) {
        let text = octets.expose();
        let is_secret = matches!(form, StringForm::Secret | StringForm::SecretAtom);
        let may_be_atom = matches!(form, StringForm::Any | StringForm::Mailbox);
        if form == StringForm::SecretAtom || may_be_atom && is_plain_atom(text) {
            self.line.extend_from_slice(text);
            self.shown.extend_from_slice(if is_secret { REDACTED.as_bytes() } else { text });
        } else if form == StringForm::Utf8Mailbox
            || text.iter().all(|octet| matches!(octet, b' '..=b'~' | b'\t'))
        {
            let quoted = quote(text);
            self.line.extend_from_slice(&quoted);
            self.shown.extend_from_slice(if is_secret { REDACTED.as_bytes() } else { &quoted });
        } else {
            let (header, awaits) = literals.header(text.len() as u64);
            self.add(header.as_bytes());
            parts.push(std::mem::take(self).part(awaits));
            self.literal = text.to_vec();
            self.shown.extend_from_slice(if is_secret { REDACTED.as_bytes() } else { text });
        }
    }

    fn part(self, awaits: bool) -> CommandPart {
        let shown = String::from_utf8_lossy(&self.shown).into_owned();
        CommandPart { literal: Secret::new(self.literal), line: Secret::new(self.line), shown, awaits }
    }
}

/// Whether it can stand without quotes everywhere. Brackets could in the grammar, but not on every server.
fn is_plain_atom(text: &[u8]) -> bool {
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"-._/@+=&,:;#$!".contains(octet);
    !text.is_empty() && text.iter().all(plain) && !text.eq_ignore_ascii_case(b"NIL")
}

fn quote(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for octet in text {
        if matches!(octet, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*octet);
    }
    quoted.push(b'"');
    quoted
}
