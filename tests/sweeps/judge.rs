//! The judgement: what the server was told and still has, and what is on disk.

use crate::host;
use crate::other::OtherClient;
use crate::scene::{After, Destination, Past, Stage};
use crate::support::disk::{assert_same, maildir, names, sorted, split_mboxrd};
use crate::support::mailbox::{Stored, stored};
use postie::words::Exit;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

/// How a run ended before it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// It was killed: there may be a half message at the end of an mbox.
    Killed,
    /// It noticed a failure, and cleaned up.
    Failed,
}

impl Stage {
    /// Judges what a fault has left: no half message is visible; every message is still on the server, or
    /// stored whole, or another client has removed it; and what other clients marked is still marked.
    #[track_caller]
    pub fn judge_blow(&self, blow: Blow) {
        // Also waits until the server has seen the end of every connection.
        self.host.settle();
        let there = counted(self.seen(blow));
        let beside = self.beside();
        let wanted =
            counted([self.wanted(), beside.iter().map(|one| stored(&one.0.wire)).collect()].concat());
        for (message, count) in &there {
            let most = wanted.get(message).copied().unwrap_or(0);
            assert!(most > 0, "a message that is none: {}", shown(message));
            let once = *count <= most || self.scene.to == Destination::Exec;
            assert!(once, "{count} times, not {most}: {}", shown(message));
        }
        let (left, other) = (self.host.left(), self.host.other());
        let taken = |one: &Stored| other.is_some_and(|other| other.has_taken(one));
        let all = self.host.all();
        let gone = || all.iter().filter(|one| !left.contains(one) && !taken(one));
        for (message, count) in counted(gone().map(|one| stored(&one.wire)).collect()) {
            assert!(there.get(&message).is_some_and(|there| *there >= count), "lost: {}", shown(&message));
        }
        let (empties, left) = (self.scene.after.empties(), self.host.beside());
        for (one, _) in beside.iter().filter(|one| !left.contains(&one.0)) {
            assert!(empties && there.contains_key(&stored(&one.wire)), "lost beside: {}", one.uid);
        }
        assert!(empties || gone().next().is_none(), "deleted, and should be kept: {:?}", gone().next());
        if self.scene.after == After::Move {
            let moved = self.host.moved();
            let lost = gone().find(|one| !moved.contains(one));
            assert!(lost.is_none(), "gone, and not moved: {lost:?}");
        }
        if let Some(other) = other {
            other.judge(|one| empties && there.contains_key(&stored(&one.wire)));
        }
    }

    /// Runs twice more, undisturbed, and judges that everything is right again. Before that another client
    /// acts.
    #[track_caller]
    pub fn mend(&self) {
        if let Some(other) = self.host.other() {
            other.go_on(self.scene.renumbers);
        }
        if self.scene.past == Past::Reused {
            // At the latest, the first run that completes finds that out.
            let code = self.fetch().go().code;
            assert!(matches!(code, Some(0 | 1)), "exit {code:?}");
        }
        self.fetch().go().assert_exit(0);
        self.judge_end();
        let (before, connections) = (self.host.commands().len(), self.host.connections());
        self.fetch().go().assert_exit(0);
        self.judge_end();
        let commands = &self.host.commands()[before..];
        let more = commands.iter().find(|command| host::fetches(command) || host::deletes(command));
        assert!(more.is_none(), "the second clean run fetches or deletes: {commands:?}");
        self.host.assert_clean_since(connections);
    }

    /// What another client has moved to the second folder, if that is fetched, too.
    fn beside(&self) -> Vec<(Stored, bool)> {
        let other = self.host.other().filter(|_| self.scene.two_folders);
        other.map_or_else(Vec::new, OtherClient::moved)
    }

    /// Judges that every message is stored as it should be.
    #[track_caller]
    pub fn judge_stored(&self) {
        if self.scene.to == Destination::Exec {
            return self.judge_taken();
        }
        // Messages that another client removed, or has just delivered, may be there or not.
        let there = sorted(self.seen(Blow::Failed));
        let mut wanted = self.wanted_of(|one| self.is_owed(one));
        let mut perhaps = self.wanted_of(|one| !self.is_owed(one));
        for (one, is_late) in self.beside() {
            if is_late { &mut perhaps } else { &mut wanted }.push(stored(&one.wire));
        }
        for message in perhaps {
            if there.len() > wanted.len() && count(&there, &message) > count(&wanted, &message) {
                wanted.push(message);
            }
        }
        assert_same(&there, &sorted(wanted));
    }

    /// Judges the state in which every point must end.
    #[track_caller]
    pub fn judge_end(&self) {
        self.judge_stored();
        self.judge_blow(Blow::Failed);
        match self.scene.to {
            // That also checks what is left over in it.
            Destination::Maildir => {
                let all: usize = self.maildirs().iter().map(|dir| maildir(dir).len()).sum();
                assert_eq!(all, self.seen(Blow::Failed).len());
            }
            Destination::Exec => {}
            _ => assert!(!self.root.join("mbox.lock").exists(), "the dotlock is left"),
        }
        let mut owed = self.host.all();
        owed.retain(|one| !self.scene.after.empties() && self.is_owed(one));
        assert!(self.host.left() == owed, "on the server: {:?}", self.host.left());
        if self.scene.two_folders {
            let owed: Vec<Stored> = self.beside().into_iter().map(|one| one.0).collect();
            let owed = if self.scene.after.empties() { Vec::new() } else { owed };
            assert!(self.host.beside() == owed, "beside INBOX: {:?}", self.host.beside());
        }
        let mut names_moved: Vec<_> = self.host.moved().into_iter().map(|one| one.uid).collect();
        names_moved.sort();
        let count = names_moved.len();
        names_moved.dedup();
        assert_eq!(names_moved.len(), count, "moved twice: {names_moved:?}");
        let kept = names(&self.state());
        let litter = kept
            .iter()
            .filter(|name| ![".ledger", ".lock", ".folders"].iter().any(|end| name.ends_with(end)));
        assert_eq!(litter.collect::<Vec<_>>(), Vec::<&String>::new(), "litter in the state directory");
    }

    /// What a command has taken: each message at least once, always under the same key, and at most one
    /// message twice, since one fault can come between taking and recording.
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
        let all = self.host.all().len();
        assert!(taken <= all + 1, "{taken} messages taken of {all}");
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
                let both = |dir: &PathBuf| [read(dir.join("new"), ""), read(dir.join("cur"), "")].concat();
                self.maildirs().iter().flat_map(both).collect()
            }
            Destination::Exec => read(self.out(), "part."),
            Destination::Mbox | Destination::Streamed => {
                let octets = fs::read(self.place()).unwrap_or_default();
                split_mboxrd(if blow == Blow::Killed { self.less_torn(&octets) } else { &octets })
            }
        }
    }

    /// An mbox without the half message at its end, if there is one. If the server has deleted anything,
    /// nothing may be torn.
    fn less_torn<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        if !self.is_untouched() {
            return octets;
        }
        let last = octets.starts_with(b"From ").then_some(0);
        let last = memchr::memmem::rfind(octets, b"\n\nFrom ").map(|at| at + 2).or(last);
        let foreign = if self.has_foreign() { crate::scene::FOREIGN.len() } else { 0 };
        match last {
            // After another program's mail there is no blank line.
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

/// How often each message is there.
fn counted(messages: Vec<Vec<u8>>) -> HashMap<Vec<u8>, usize> {
    let mut counts = HashMap::new();
    for message in messages {
        *counts.entry(message).or_default() += 1;
    }
    counts
}

fn count(messages: &[Vec<u8>], message: &[u8]) -> usize {
    messages.iter().filter(|one| *one == message).count()
}
