//! The words of a muttrc: commands end at a line end or `;`, a backslash at the end of a line goes on, `'…'` is literal,
//! `"…"` has escapes and what is filled in; outside of quotes `#` ends the line.

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
    let mut reader = MuttReader { rest: text.chars().collect(), line: 1 };
    reader.rest.reverse();
    let mut found = Variables::default();
    while reader.skip_to_command() {
        let (line, word) = (reader.line, reader.word(false, &found));
        match word.text.as_str() {
            "set" | "unset" | "toggle" | "reset" => {
                let whole = word.text.as_str();
                while reader.set(whole, &mut found) {}
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

/// The switches that are read here (`no`, `yes`, and of some `ask-no`, `ask-yes`).
const SWITCHES: [&str; 5] =
    ["ssl_starttls", "ssl_force_tls", "ssl_verify_host", "ssl_verify_dates", "pop_delete"];

/// The name that mutt has for a variable; NeoMutt has new ones for some.
fn canonical(name: &str) -> &str {
    match name {
        "spool_file" => "spoolfile",
        "real_name" => "realname",
        name => name,
    }
}

/// What happens to a variable without a value.
#[derive(Clone, Copy)]
enum Change {
    On,
    Off,
    Invert,
    Default,
    Nothing,
}

/// The variable that is meant, and what happens to it: `noNAME`, `invNAME`, `&NAME` (its default), `?NAME` (is shown).
fn change<'a>(command: &str, name: &'a str) -> (&'a str, Change) {
    match command {
        "unset" => (name, Change::Off),
        "toggle" => (name, Change::Invert),
        "reset" => (name, Change::Default),
        _ if name.starts_with('?') || name.ends_with('?') => (name, Change::Nothing),
        _ => {
            let prefixes = [("no", Change::Off), ("inv", Change::Invert), ("&", Change::Default)];
            let found = prefixes.into_iter().find_map(|(prefix, to)| Some((name.strip_prefix(prefix)?, to)));
            found.unwrap_or((name, Change::On))
        }
    }
}

struct MuttReader {
    /// What was not read yet, from the last character to the first.
    rest: Vec<char>,
    line: usize,
}

impl MuttReader {
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
            Some(_) => Some(self.word(false, &Variables::default())),
        }
    }

    fn rest_of_line_sets(&mut self) -> bool {
        let mut sets = false;
        while let Some(word) = self.argument() {
            sets |= word.text.contains("set ") || word.text == "set";
        }
        sets
    }

    /// One of the variables behind `set` (`name = value`, or `name` with what [`change`] says), `unset`, `toggle` or
    /// `reset`. Returns whether there was one.
    fn set(&mut self, command: &str, found: &mut Variables) -> bool {
        self.blanks();
        match self.peek() {
            None | Some('\n' | ';' | '#') => return false,
            Some(_) => {}
        }
        let name = self.word(true, found);
        self.blanks();
        if self.peek() == Some('=') {
            self.next();
            self.blanks();
            let value = self.word(false, found);
            if command == "set" && !name.text.is_empty() {
                found.0.insert(canonical(&name.text).to_owned(), value);
            }
            return true;
        }
        let (name, line) = (name.text, name.line);
        let (name, change) = change(command, &name);
        let name = canonical(name);
        let text = match change {
            Change::On => "yes",
            Change::Off => "no",
            // The switches that are read here are on by default.
            Change::Invert if found.is_off(name) => "yes",
            Change::Invert => "no",
            Change::Nothing => return true,
            Change::Default => {
                found.0.remove(name);
                return true;
            }
        };
        if text == "no" && !SWITCHES.contains(&name) {
            found.0.remove(name);
        } else {
            found.0.insert(
                name.to_owned(),
                VariableValue { line, text: text.into(), ..VariableValue::default() },
            );
        }
        true
    }

    /// What `$name` or `${name}` stands for, behind the `$`: a variable that was set to a fixed text, or to the output of
    /// a command. `None`: nobody here knows.
    fn filled_in(&mut self, found: &Variables) -> Option<VariableValue> {
        let in_braces = self.peek() == Some('{');
        if in_braces {
            self.next();
        }
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            self.next();
            name.push(c);
        }
        if in_braces && self.next() != Some('}') {
            return None;
        }
        found.get(canonical(&name)).filter(|value| !value.is_live || value.command.is_some()).cloned()
    }

    /// A word; one that is a name ends at `=`. Variables that are known are filled in.
    fn word(&mut self, is_name: bool, found: &Variables) -> VariableValue {
        let mut word = VariableValue { line: self.line, ..VariableValue::default() };
        let (mut quote, mut commands, mut plain) = (None, Vec::new(), false);
        while let Some(c) = self.peek() {
            if quote.is_none() && (matches!(c, ' ' | '\t' | '\n' | '\r' | ';' | '#') || is_name && c == '=') {
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
                ('$', None | Some('"')) => match self.filled_in(found) {
                    Some(VariableValue { command: Some(command), .. }) => {
                        word.is_live = true;
                        commands.push(command);
                    }
                    Some(value) => word.text.push_str(&value.text),
                    None => {
                        word.is_live = true;
                        plain = true;
                    }
                },
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
