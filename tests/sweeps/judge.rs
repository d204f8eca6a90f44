//! The judgement: what the server was told and still has, and what lies on disk.

use crate::scene::{Destination, Stage};
use crate::support::disk::{assert_same, maildir, names, sorted, split_mboxrd};
use crate::support::mailbox::stored;
use postie::words::Exit;
use std::collections::HashMap;
use std::fs;

/// How a run ended before it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// It was killed: a half message may be at the end of an mbox.
    Killed,
    /// It saw something fail, and cleaned up.
    Failed,
}

impl Stage {
    /// Judges what a blow has left: no half message is to be seen, and every message is on the server
    /// still, or stored whole.
    #[track_caller]
    pub fn judge_blow(&self, blow: Blow) {
        // Also waits until the server has seen the end of every connection.
        self.server.journals();
        let there = self.seen(blow);
        let wanted = self.wanted();
        for message in &there {
            assert!(wanted.contains(message), "a message that is none: {}", shown(message));
        }
        let left = self.mailbox.messages();
        for one in self.all.iter().filter(|one| !left.contains(one)) {
            assert!(there.contains(&stored(&one.wire)), "{} is lost", one.uid);
            assert!(self.scene.after.empties(), "{} was deleted, and it should be kept", one.uid);
        }
        if self.scene.to != Destination::Exec {
            assert!(there.len() <= wanted.len(), "{} messages of {}", there.len(), wanted.len());
        }
    }

    /// Runs twice more, undisturbed, and judges that all has become good.
    #[track_caller]
    pub fn mend(&self) {
        self.fetch().go().assert_exit(0);
        self.judge_end();
        let before = self.server.journals().len();
        self.fetch().go().assert_exit(0);
        self.judge_end();
        for journal in &self.server.journals()[before..] {
            assert_eq!(journal.count("RETR"), 0, "the second clean run fetches: {:?}", journal.commands);
            assert_eq!(journal.count("DELE"), 0, "the second clean run deletes: {:?}", journal.commands);
            assert!(journal.violations.is_empty(), "{:?}", journal.violations);
        }
    }

    /// Judges that every message is stored as it should be.
    #[track_caller]
    pub fn judge_stored(&self) {
        match self.scene.to {
            Destination::Exec => self.judge_taken(),
            _ => assert_same(&sorted(self.seen(Blow::Failed)), &self.wanted()),
        }
    }

    /// Judges the state that every story has to end in.
    #[track_caller]
    pub fn judge_end(&self) {
        self.judge_stored();
        match self.scene.to {
            Destination::Maildir => assert_eq!(maildir(&self.place()).len(), self.all.len()),
            Destination::Exec => {}
            _ => assert!(!self.root.join("mbox.lock").exists(), "the dotlock is left"),
        }
        let left = self.mailbox.messages();
        let owed = if self.scene.after.empties() { Vec::new() } else { self.all.clone() };
        assert!(left == owed, "on the server: {:?}", self.mailbox.uids());
        let kept = names(&self.state());
        let litter = kept.iter().filter(|name| !name.ends_with(".ledger") && !name.ends_with(".lock"));
        assert_eq!(litter.collect::<Vec<_>>(), Vec::<&String>::new(), "litter in the state directory");
    }

    /// What a command has taken: at least once, always under the same key, and at most one message twice,
    /// since one blow can come between one taking and its record.
    #[track_caller]
    fn judge_taken(&self) {
        let (mut keys, mut taken) = (HashMap::<String, Vec<u8>>::new(), 0);
        for name in names(&self.out()).iter().filter(|name| !name.starts_with("part.")) {
            let octets = fs::read(self.out().join(name)).unwrap();
            let key = name.split('.').next().unwrap().to_owned();
            taken += 1;
            let first = keys.entry(key).or_insert_with(|| octets.clone());
            assert!(*first == octets, "{name}: another message under the same key");
        }
        assert_same(&sorted(keys.into_values().collect()), &self.wanted());
        assert!(taken <= self.all.len() + 1, "{taken} messages taken of {}", self.all.len());
    }

    /// The messages that a reader sees.
    #[track_caller]
    fn seen(&self, blow: Blow) -> Vec<Vec<u8>> {
        let read = |dir: std::path::PathBuf, skip: &str| {
            let named = names(&dir).into_iter().filter(|name| skip.is_empty() || !name.starts_with(skip));
            named.map(|name| fs::read(dir.join(name)).unwrap()).collect::<Vec<_>>()
        };
        match self.scene.to {
            Destination::Maildir => {
                [read(self.place().join("new"), ""), read(self.place().join("cur"), "")].concat()
            }
            Destination::Exec => read(self.out(), "part."),
            Destination::Mbox | Destination::Streamed => {
                let octets = fs::read(self.place()).unwrap_or_default();
                split_mboxrd(if blow == Blow::Killed { self.less_torn(&octets) } else { &octets })
            }
        }
    }

    /// An mbox less the half message at its end, if there is one. Where the server has deleted anything,
    /// nothing may be torn.
    fn less_torn<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        if self.mailbox.messages().len() < self.all.len() {
            return octets;
        }
        let last = octets.starts_with(b"From ").then_some(0);
        let last = memchr::memmem::rfind(octets, b"\n\nFrom ").map(|at| at + 2).or(last);
        let foreign = if self.has_foreign() { crate::scene::FOREIGN.len() } else { 0 };
        match last {
            // What another program wrote has no blank line behind it.
            Some(at) if at < foreign => &octets[..0],
            Some(at) => {
                let whole = octets.ends_with(b"\n\n")
                    && std::panic::catch_unwind(|| split_mboxrd(octets))
                        .is_ok_and(|all| all.iter().all(|message| self.wanted().contains(message)));
                if whole { octets } else { &octets[..at] }
            }
            None => &octets[..0],
        }
    }
}

/// Fails unless the exit code is one the manual names, and not the one for a bug.
#[track_caller]
pub fn assert_documented(code: Option<i32>, what: &str) {
    let documented = Exit::ALL.iter().any(|exit| Some(i32::from(exit.code())) == code);
    assert!(documented && code != Some(i32::from(Exit::Software.code())), "exit {code:?}\n{what}");
}

fn shown(octets: &[u8]) -> String {
    format!("{} octets: {}", octets.len(), octets[..octets.len().min(80)].escape_ascii())
}
