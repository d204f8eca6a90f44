//! Reading commands: lines, literals, and what is wrong with them.

use super::super::leak;
use super::super::peer::Phase;
use super::super::pop3d::{Act, Mode, SECRET};
use super::Wrong;
use super::command::{self, Arg, Piece};
use super::quirks::Quirk;
use super::session::Session;
use std::io;

/// A command under way.
pub struct Command {
    /// Its tag.
    pub tag: String,
    /// Its name in capitals, UID in front where that is.
    pub verb: String,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// How it reads, without the tag; literals as they are announced.
    pub text: String,
    /// Commands that were sent before their answers could be read, oldest first.
    pub ahead: Vec<String>,
}

impl Command {
    /// An argument's octets.
    pub fn octets(&self, at: usize) -> Option<&[u8]> {
        self.args.get(at)?.octets()
    }

    /// An argument as a word in capitals.
    pub fn word(&self, at: usize) -> String {
        self.args.get(at).map(Arg::word).unwrap_or_default()
    }
}

impl Session<'_> {
    /// Reads a command. What cannot be read as one is answered here.
    pub(super) fn read(&mut self) -> io::Result<Option<Command>> {
        // What lies ready was sent before the answers to the commands ahead of it could be read.
        if !self.peer.has_input() {
            self.ahead.clear();
        }
        let (pieces, text) = match self.gather()? {
            Some(whole) => whole,
            None => return Ok(None),
        };
        let (tag, _) = text.split_once(' ').unwrap_or((&text, ""));
        let mut args = match command::parse(&pieces) {
            Ok(args) if args.len() >= 2 => args,
            other => {
                let why = other.err().unwrap_or_else(|| "no tag, or no command".into());
                self.wrong(Wrong::Syntax, &format!("{why}: {text:?}"));
                self.line(&format!("{tag} BAD {why}"));
                return Ok(None);
            }
        };
        let tag = String::from_utf8_lossy(args.remove(0).octets().unwrap_or(b"*")).into_owned();
        if tag.contains(['+', '*', '%', '\\', '"']) || !self.tags.insert(tag.clone()) {
            self.wrong(Wrong::Syntax, &format!("a tag that is none, or is used again: {text:?}"));
        }
        let mut verb = args.remove(0).word();
        if verb == "UID" && !args.is_empty() {
            verb = format!("UID {}", args.remove(0).word());
        }
        let text = text.split_once(' ').map_or("", |(_, rest)| rest).to_owned();
        let ahead = self.ahead.clone();
        self.ahead.push(verb.clone());
        Ok(Some(Command { tag, verb, args, text, ahead }))
    }

    /// Reads the lines and literals of one command; nothing where the server would not take a literal.
    fn gather(&mut self) -> io::Result<Option<(Vec<Piece>, String)>> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        loop {
            let line = self.peer.read_command()?;
            self.inspect(&line);
            text.push_str(&line);
            let mut line = line.into_bytes();
            let literal = command::announced(&mut line);
            pieces.push(Piece::Line(line));
            let Some(literal) = literal else { return Ok(Some((pieces, text))) };
            if !self.takes(literal, &text)? {
                return Ok(None);
            }
            let cut = self.quirk(|quirk| match quirk {
                Quirk::LiteralCut(octets, end) if *octets < literal.octets => Some((*octets, *end)),
                _ => None,
            });
            if let Some((octets, end)) = cut {
                self.peer.read_exactly(octets)?;
                self.peer.end(end);
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            pieces.push(Piece::Literal(self.peer.read_exactly(literal.octets)?));
        }
    }

    /// Whether a literal is taken; asks for it where that is to be done.
    fn takes(&mut self, literal: command::Announced, text: &str) -> io::Result<bool> {
        if literal.at_once {
            let is_small = literal.octets <= 4096 && self.announces("LITERAL-");
            if !is_small && !self.announces("LITERAL+") {
                self.wrong(Wrong::Unannounced, &format!("a literal unasked: {text:?}"));
            }
            if self.is(|quirk| matches!(quirk, Quirk::LiteralPlusBad)) {
                let tag = text.split(' ').next().unwrap_or_default();
                self.line(&format!("{tag} BAD what is a plus?"));
                return Ok(false);
            }
            if !self.is(|quirk| matches!(quirk, Quirk::AsksForLiterals)) {
                return Ok(true);
            }
        }
        let tag = text.split(' ').next().unwrap_or_default();
        if text.contains(" UTF8 (~") && self.is(|quirk| matches!(quirk, Quirk::NoUtf8Append)) {
            self.line(&format!("{tag} BAD what is UTF8?"));
            return Ok(false);
        }
        match self.ask(tag, "{", text) {
            Act::Normal | Act::Cut(..) => self.go_on("go ahead"),
            Act::Reply(octets) => {
                self.send(&octets);
                return Ok(octets.split(|octet| *octet == b'\n').any(|line| line.starts_with(b"+")));
            }
            Act::Then(octets, end) => {
                self.send(&octets);
                self.peer.end(end);
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
        Ok(true)
    }

    /// Takes offence at a line that no careful client sends.
    fn inspect(&mut self, line: &str) {
        // Once UTF-8 is enabled a quoted string may have it.
        if !line.is_ascii() && !self.in_utf8 {
            self.wrong(Wrong::Syntax, &format!("8-bit octets outside of a literal: {line:?}"));
        }
        if line.len() + 2 > self.setup.line_limit {
            self.wrong(Wrong::Syntax, &format!("a line of {} octets", line.len() + 2));
        }
        let tls = self.peer.phase() == Phase::Tls;
        if !tls && self.setup.mode != Mode::Plain && leak::find(line.as_bytes(), SECRET).is_some() {
            self.wrong(Wrong::Secret, "the password in clear");
        }
    }
}
