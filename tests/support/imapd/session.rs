//! One connection: reads commands, judges them, asks the hook, and answers.

use super::super::peer::{Peer, Phase};
use super::super::pop3d::{Act, Mode};
use super::quirks::{Fault, Quirk};
use super::store::Contents;
use super::view::View;
use super::{Event, Setup, Shared, Wrong};
use openssl::ssl::SslAcceptor;
use std::io;
use std::sync::MutexGuard;

/// What becomes of a command.
pub enum Answer {
    /// Its tagged answer, less the tag.
    Tagged(String),
    /// It has been said.
    Said,
    /// There is none: the connection is over.
    Over,
}

/// A tagged OK.
pub fn ok(text: &str) -> io::Result<Answer> {
    Ok(Answer::Tagged(format!("OK {text}")))
}

/// A tagged NO.
pub fn no(text: &str) -> io::Result<Answer> {
    Ok(Answer::Tagged(format!("NO {text}")))
}

/// A tagged BAD.
pub fn bad(text: &str) -> io::Result<Answer> {
    Ok(Answer::Tagged(format!("BAD {text}")))
}

/// One connection.
pub struct Session<'a> {
    pub(super) setup: &'a Setup,
    pub(super) shared: &'a Shared,
    pub(super) acceptor: &'a SslAcceptor,
    pub(super) peer: Peer,
    pub(super) connection: usize,
    pub(super) logged_in: bool,
    pub(super) identified: bool,
    pub(super) in_utf8: bool,
    pub(super) view: Option<View>,
    pub(super) waiting: usize,
    pub(super) sent: usize,
    pub(super) tags: std::collections::HashSet<String>,
    pub(super) ahead: Vec<String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        setup: &'a Setup,
        shared: &'a Shared,
        acceptor: &'a SslAcceptor,
        (peer, connection): (Peer, usize),
    ) -> Session<'a> {
        Session {
            setup,
            shared,
            acceptor,
            peer,
            connection,
            logged_in: false,
            identified: false,
            in_utf8: false,
            view: None,
            waiting: 0,
            sent: 0,
            tags: Default::default(),
            ahead: Vec::new(),
        }
    }

    /// Serves the connection to its end.
    pub(super) fn run(&mut self) -> io::Result<()> {
        let done = self.serve();
        self.shared.sent.lock().unwrap().push((self.connection, self.sent));
        done
    }

    fn serve(&mut self) -> io::Result<()> {
        if self.setup.mode == Mode::Implicit {
            self.peer.start_tls(self.acceptor)?;
        }
        if let Some(pieces) = self.quirk(|quirk| match quirk {
            Quirk::Pieces(pieces) => Some(*pieces),
            _ => None,
        }) {
            self.peer.split(pieces);
        }
        if !self.greet()? {
            return Ok(());
        }
        loop {
            let Some(command) = self.read()? else { continue };
            self.shared.heard.lock().unwrap().push(command.text.clone());
            let act = self.ask(&command.tag, &command.verb, &command.text);
            let (first, last) = self.says(&command.verb);
            self.send(first.as_bytes());
            let answer = match act {
                Act::Normal => self.command(&command)?,
                Act::Cut(octets, end) => {
                    self.flush()?;
                    self.peer.cut_after(octets, end);
                    self.command(&command)?
                }
                Act::Reply(octets) => {
                    self.send(&octets);
                    continue;
                }
                Act::Then(octets, end) => {
                    // The commands before this one were answered, pipelined or not.
                    self.flush()?;
                    self.send(&octets);
                    self.peer.end(end);
                    return Ok(());
                }
            };
            match answer {
                Answer::Over => return Ok(()),
                Answer::Said => {}
                Answer::Tagged(text) => {
                    let keeps_numbers = matches!(command.verb.as_str(), "FETCH" | "STORE" | "SEARCH");
                    self.tell_news(!keeps_numbers)?;
                    self.send(last.as_bytes());
                    self.line(&format!("{} {text}", command.tag));
                }
            }
        }
    }

    /// What quirks have said first and last about a command.
    fn says(&self, verb: &str) -> (&'static str, &'static str) {
        let first = self.quirk(|quirk| match quirk {
            Quirk::SaysFirst(about, says) if *about == verb => Some(*says),
            _ => None,
        });
        let last = self.quirk(|quirk| match quirk {
            Quirk::SaysLast(about, says) if *about == verb => Some(*says),
            _ => None,
        });
        (first.unwrap_or_default(), last.unwrap_or_default())
    }

    /// Greets; false where that was the end.
    fn greet(&mut self) -> io::Result<bool> {
        let act = self.ask("", "", "");
        if let Act::Cut(octets, end) = act {
            self.peer.cut_after(octets, end);
        }
        match act {
            Act::Normal | Act::Cut(..) => {
                self.logged_in = self.setup.greeting.starts_with("* PREAUTH");
                let greeting = self.setup.greeting.replace("[CAPABILITY]", &self.capability_code());
                self.send(greeting.as_bytes());
            }
            Act::Reply(octets) => self.send(&octets),
            Act::Then(octets, end) => {
                self.send(&octets);
                self.peer.end(end);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Asks the hook.
    pub(super) fn ask(&self, tag: &str, verb: &str, line: &str) -> Act {
        let tls = self.peer.phase() == Phase::Tls;
        (self.setup.hook)(&Event {
            connection: self.connection,
            tag,
            verb,
            line,
            tls,
            more: self.peer.has_input(),
        })
    }

    /// Notes what a strict server takes offence at.
    pub(super) fn wrong(&self, what: Wrong, text: &str) {
        self.peer.violation(format!("{what:?}: {text}"));
    }

    /// The first quirk that is looked for.
    pub(super) fn quirk<T>(&self, find: impl Fn(&Quirk) -> Option<T>) -> Option<T> {
        self.shared.quirks.lock().unwrap().iter().find_map(find)
    }

    /// Whether the server has a quirk.
    pub(super) fn is(&self, quirk: impl Fn(&Quirk) -> bool) -> bool {
        self.shared.quirks.lock().unwrap().iter().any(quirk)
    }

    /// The faults of a message: all where its body is asked for, else those of its other items.
    pub(super) fn faults(&self, uid: u32, asked: (bool, bool)) -> Vec<Fault> {
        let folder = self.view.as_ref().map_or(&b""[..], |view| &view.folder);
        self.shared.faults_of(folder, uid, asked)
    }

    /// The folders.
    pub(super) fn contents(&self) -> MutexGuard<'a, Contents> {
        self.setup.store.lock()
    }
}
