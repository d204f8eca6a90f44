//! The words of a muttrc: commands end at a line end or `;`, a backslash at the end of a line goes on, `'…'` is literal,
//! `"…"` has escapes and what is filled in.

use crate::account::import::remarks::{At, Remarks};
use std::collections::HashMap;

/// The value of a variable.
#[derive(Clone, Debug, Default)]
pub struct VariableValue {
    pub line: usize,
    pub text: String,
    /// The command, where the whole value is what one prints.
    pub command: Option<String>,
    /// Whether something would be filled in.
    pub is_live: bool,
}

impl VariableValue {
    pub fn is_off(&self) -> bool {
        self.text == "no"
    }
}

/// The variables that are set at the end of the file.
#[derive(Default)]
pub struct Variables(HashMap<String, VariableValue>);

impl Variables {
    pub fn get(&self, name: &str) -> Option<&VariableValue> {
        self.0.get(name)
    }

    pub fn is_off(&self, name: &str) -> bool {
        self.get(name).is_some_and(VariableValue::is_off)
    }

    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.text == "yes")
    }

    /// The value, if it is a fixed text. Any other is reported as not taken.
    pub fn fixed(&self, name: &str, remarks: &mut Remarks<'_>) -> Option<&VariableValue> {
        let value = self.get(name)?;
        if value.is_live {
            let why = "it has a variable or a command in it, which is not filled in";
            remarks.told(At(Some(value.line), name), "", why, "");
            return None;
        }
        Some(value)
    }
}

pub fn variables(octets: &[u8], remarks: &mut Remarks<'_>) -> Variables {
    let text = String::from_utf8_lossy(octets);
    let mut reader = Reader { rest: text.chars().collect(), line: 1 };
    reader.rest.reverse();
    let mut found = Variables::default();
    while reader.skip_to_command() {
        let (line, word) = (reader.line, reader.word(false));
        match word.text.as_str() {
            "set" => reader.set(&mut found),
            "unset" | "reset" => {
                while let Some(name) = reader.argument() {
                    found.0.remove(&name.text);
                }
            }
            "source" => {
                let file = reader.argument().unwrap_or_default();
                remarks.told(At(Some(line), "source"), &file.text, "another file", "import that one, too");
            }
            hook if hook.ends_with("-hook") && reader.rest_of_line_sets() => {
                remarks.told(At(Some(line), hook), "", "postie has no hooks", "");
            }
            _ => {}
        }
        reader.end_command();
    }
    found
}

struct Reader {
    /// What was not read yet, from the last character to the first.
    rest: Vec<char>,
    line: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.rest.last().copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.pop();
        self.line += usize::from(next == Some('\n'));
        next
    }

    /// Passes over blanks, and a line end behind a backslash.
    fn blanks(&mut self) {
        loop {
            match (self.peek(), self.rest.iter().rev().nth(1)) {
                (Some(' ' | '\t' | '\r'), _) => drop(self.next()),
                (Some('\\'), Some('\n')) => {
                    self.next();
                    self.next();
                }
                _ => return,
            }
        }
    }

    /// Whether another command begins.
    fn skip_to_command(&mut self) -> bool {
        loop {
            self.blanks();
            match self.peek() {
                None => return false,
                Some('\n' | ';') => drop(self.next()),
                Some('#') => self.end_line(),
                Some(_) => return true,
            }
        }
    }

    fn end_line(&mut self) {
        while self.peek().is_some_and(|c| c != '\n') {
            self.next();
        }
    }

    /// Passes over the rest of a command, whose words may have a `;` in quotes.
    fn end_command(&mut self) {
        while self.argument().is_some() {}
    }

    /// The next word of the command; none at its end.
    fn argument(&mut self) -> Option<VariableValue> {
        self.blanks();
        match self.peek() {
            None | Some('\n' | ';') => None,
            Some('#') => {
                self.end_line();
                None
            }
            Some(_) => Some(self.word(false)),
        }
    }

    fn rest_of_line_sets(&mut self) -> bool {
        let mut sets = false;
        while let Some(word) = self.argument() {
            sets |= word.text.contains("set ") || word.text == "set";
        }
        sets
    }

    /// `name = value` and `name`, `noname`, one behind another.
    fn set(&mut self, found: &mut Variables) {
        loop {
            self.blanks();
            match self.peek() {
                None | Some('\n' | ';' | '#') => return,
                Some(_) => {}
            }
            let name = self.word(true);
            self.blanks();
            let value = match self.peek() {
                Some('=') => {
                    self.next();
                    self.blanks();
                    self.word(false)
                }
                _ => VariableValue { line: name.line, text: "yes".into(), ..VariableValue::default() },
            };
            let (name, value) = match name.text.strip_prefix("no") {
                // With a value, a name that begins with `no` is a name of its own.
                Some(rest) if value.text == "yes" && rest.len() > 2 => {
                    (rest.to_owned(), VariableValue { text: "no".into(), ..value })
                }
                _ => (name.text, value),
            };
            if !name.is_empty() {
                found.0.insert(name, value);
            } else if self.peek() == Some('=') {
                self.next();
            }
        }
    }

    /// A word; one that is a name ends at `=`.
    fn word(&mut self, is_name: bool) -> VariableValue {
        let mut word = VariableValue { line: self.line, ..VariableValue::default() };
        let (mut quote, mut commands, mut plain) = (None, Vec::new(), false);
        while let Some(c) = self.peek() {
            if quote.is_none() && (matches!(c, ' ' | '\t' | '\n' | '\r' | ';') || is_name && c == '=') {
                break;
            }
            self.next();
            match (c, quote) {
                (c, Some(open)) if c == open => quote = None,
                ('\'' | '"', None) => quote = Some(c),
                ('\\', None | Some('"')) => match self.next() {
                    Some('n') => word.text.push('\n'),
                    Some('t') => word.text.push('\t'),
                    Some('r') => word.text.push('\r'),
                    Some('\n') | None => {}
                    Some(other) => word.text.push(other),
                },
                ('`', None | Some('"')) => {
                    let mut command = String::new();
                    while let Some(c) = self.next().filter(|c| *c != '`') {
                        command.push(c);
                    }
                    word.is_live = true;
                    commands.push(command);
                }
                ('$', None | Some('"')) => {
                    word.is_live = true;
                    plain = true;
                    word.text.push(c);
                }
                (c, _) => word.text.push(c),
            }
        }
        plain |= !word.text.is_empty();
        if !plain && commands.len() == 1 {
            word.command = commands.pop();
        }
        word
    }
}
