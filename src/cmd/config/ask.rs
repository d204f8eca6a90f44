//! Questions to the person at the terminal: on standard error, answered on standard input. A signal ends the
//! wait for an answer.

use crate::net::Limits;
use crate::output::sanitize::safe;
use crate::streams::{Halt, Input};
use crate::words::{Failure, Stage};
use rustix::fd::BorrowedFd;
use std::io::{Read as _, Write};

/// The longest answer in octets.
const MAX_ANSWER: usize = 4096;

/// The person at the terminal.
pub struct Asker<'a> {
    /// Where answers come from.
    pub input: BorrowedFd<'a>,
    /// Where questions go.
    pub output: &'a mut dyn Write,
    /// When to stop.
    pub limits: &'a Limits,
    /// Input that was read after the last answer.
    pub ahead: Vec<u8>,
}

impl Asker<'_> {
    /// Asks until the answer is valid. An empty answer is the `default`, if there is one.
    pub fn ask<T>(
        &mut self,
        question: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        loop {
            let shown = default.filter(|text| !text.is_empty());
            let shown = shown.map(|text| format!(" [{}]", safe(text))).unwrap_or_default();
            self.say(&format!("{question}{shown}: "));
            let answer = self.line()?;
            let answer = match (answer.trim(), default) {
                ("", Some(default)) => default,
                (answer, _) => answer,
            };
            match read(answer) {
                Ok(value) => return Ok(value),
                Err(what) => self.say(&wrapped(&what)),
            }
        }
    }

    /// Prints a text. A closed standard error is not an error.
    pub fn say(&mut self, text: &str) {
        let _ = self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush());
    }

    fn line(&mut self) -> Result<String, Failure> {
        loop {
            if let Some(end) = self.ahead.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            if self.ahead.len() > MAX_ANSWER {
                return Err(Failure::usage("standard input: reading an answer: it is too long"));
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), Failure> {
        let mut octets = [0; 512];
        match Input::new(self.input, self.limits).read(&mut octets) {
            Ok(0) => Err(Failure::usage("standard input: reading an answer: it ended before all was said")),
            Ok(got) => {
                self.ahead.extend_from_slice(&octets[..got]);
                Ok(())
            }
            Err(error) => {
                let Some(halt) = Halt::of(&error) else {
                    return Err(Failure::usage(format!("standard input: reading an answer: {error}")));
                };
                self.say("\n");
                let message = format!("config add: waiting for an answer: {halt}");
                Err(Failure::new(halt.kind(), Stage::Questions, message))
            }
        }
    }
}

/// A text for people in lines of at most 78 columns, two spaces before each.
pub fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > 78 {
            out.push('\n');
            width = 0;
        }
        out.push_str(if width == 0 { "  " } else { " " });
        width += length + if width == 0 { 2 } else { 1 };
        out.push_str(word);
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::values;
    use crate::words::Kind;
    use rustix::fd::AsFd;

    fn asked(
        typed: &[u8],
        ask: impl FnOnce(&mut Asker<'_>) -> Result<String, Failure>,
    ) -> (Result<String, Failure>, String) {
        let (input, keyboard) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&keyboard, typed).unwrap();
        drop(keyboard);
        let mut screen = Vec::new();
        let limits = Limits::default();
        let mut asker =
            Asker { input: input.as_fd(), output: &mut screen, limits: &limits, ahead: Vec::new() };
        let answer = ask(&mut asker);
        (answer, String::from_utf8(screen).unwrap())
    }

    #[test]
    fn a_bad_answer_is_explained_and_asked_again() {
        let (answer, screen) = asked(b"-x\r\nwork\n", |asker| asker.ask("Name", None, values::account_name));
        assert_eq!(answer.unwrap(), "work");
        assert!(screen.contains("cannot begin with a dash"));
        assert_eq!(screen.matches("Name: ").count(), 2);
    }

    #[test]
    fn what_is_wrong_with_an_answer_fits_on_80_columns() {
        let refuse = |answer: &str| match answer {
            "fine" => Ok(answer.to_owned()),
            _ => Err("a long explanation ".repeat(20)),
        };
        let (answer, screen) = asked(b"x\nfine\n", |asker| asker.ask("Name", None, refuse));
        assert_eq!(answer.unwrap(), "fine");
        // A terminal shows the line end that was typed, too.
        let shown = screen.replace("Name: ", "Name: \n");
        assert!(shown.lines().all(|line| line.chars().count() < 80), "{screen}");
        assert_eq!(screen.matches("explanation").count(), 20);
    }

    #[test]
    fn an_empty_answer_is_the_default() {
        let (answer, screen) = asked(b"\n", |asker| asker.ask("Name", Some("work"), values::account_name));
        assert_eq!(answer.unwrap(), "work");
        assert!(screen.contains("Name [work]: "));
    }

    #[test]
    fn the_end_of_input_ends_the_questions() {
        let (answer, _) = asked(b"wor", |asker| asker.ask("Name", None, values::account_name));
        assert_eq!(answer.unwrap_err().kind(), Kind::Usage);
        let (answer, _) = asked(&[b'x'; 9000], |asker| asker.ask("Name", None, values::account_name));
        assert_eq!(answer.unwrap_err().kind(), Kind::Usage);
    }
}
