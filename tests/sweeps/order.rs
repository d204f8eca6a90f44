//! The order of a run's system calls. A journalling file system makes more durable than was asked for, so a
//! power cut may not show a missing sync; the calls themselves do. For each file it is tracked whether its
//! content, and for each name whether it, has been synced since the last change:
//!
//! - A message is moved to `new/`, and a new ledger put in its place, only when its content is synced.
//! - An mbox is appended to only when the intent in the ledger is synced.
//! - DELE, or UID STORE by IMAP, goes out only when every file and name of destination and state is synced. Lock files, and files
//!   in `tmp/`, do not have to last.

use crate::host::Protocol;
use crate::scene::{After, Destination, Past, Scene, Stage};
use crate::strace::{self, Call};
use std::collections::BTreeSet;

/// What would be lost if the power failed now.
#[derive(Default)]
struct Volatile {
    content: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Volatile {
    /// Applies a call that succeeded.
    fn apply(&mut self, call: &Call) {
        let names = entries(call);
        match call.name.as_str() {
            "write" | "writev" | "pwrite64" | "ftruncate" | "fallocate" => {
                self.content.extend(descriptor(call))
            }
            "fsync" | "fdatasync" => {
                let path = descriptor(call).expect("a descriptor is synced");
                // A directory's fsync makes the names in it durable; a new file's does not make its own.
                self.names.retain(|name| parent(name) != path);
                self.content.remove(&path);
            }
            "syncfs" => *self = Volatile::default(),
            "open" | "openat" if !call.text.contains("O_CREAT") => {}
            "open" | "openat" | "mkdir" | "mkdirat" | "unlink" | "unlinkat" => self.names.extend(names),
            "rename" | "renameat" | "renameat2" | "link" | "linkat" => {
                if let [from, to] = &names[..] {
                    // The content goes with the name.
                    if self.content.remove(from) {
                        self.content.insert(to.clone());
                    }
                    self.names.insert(to.clone());
                }
            }
            _ => {}
        }
    }

    /// The part of it that must be durable.
    fn owed(&self, stage: &Stage) -> Vec<&String> {
        let own = [stage.root.join("Mail"), stage.root.join("mbox"), stage.root.join("state")];
        let lasts = |path: &&String| {
            own.iter().any(|dir| std::path::Path::new(path).starts_with(dir))
                && !path.ends_with(".lock")
                && !path.contains("/Mail/tmp/")
        };
        self.content.iter().chain(&self.names).filter(lasts).collect()
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The path of the descriptor that comes first in a call.
fn descriptor(call: &Call) -> Option<String> {
    let first = call.text.split_once('<')?.1;
    let path = first.split_once('>')?.0;
    path.starts_with('/').then(|| path.to_owned())
}

/// The paths that a call names.
fn entries(call: &Call) -> Vec<String> {
    let mut names = Vec::new();
    let mut dir = "";
    let mut rest = call.text.as_str();
    while let Some(at) = rest.find(['<', '"']) {
        let (quote, tail) = (&rest[at..=at], &rest[at + 1..]);
        let Some((word, behind)) = tail.split_once(if quote == "<" { '>' } else { '"' }) else { break };
        if quote == "<" {
            dir = word;
        } else if word.starts_with('/') {
            names.push(word.to_owned());
        } else {
            names.push(format!("{dir}/{word}"));
        }
        rest = behind;
    }
    names
}

/// Goes through a run and returns what is relied on too early; otherwise, how many moments were checked.
fn walk(stage: &Stage, calls: &[Call]) -> Result<usize, String> {
    let mut volatile = Volatile::default();
    let mut judged = 0;
    let place = stage.place().to_str().unwrap().to_owned();
    for call in calls.iter().filter(|call| call.own && !call.text.contains(" = -1 ")) {
        let moves = call.name.starts_with("rename");
        let appends =
            call.is(&["write", "pwrite64"]) && stage.is_mbox() && descriptor(call).as_ref() == Some(&place);
        let deletes = says_to_delete(call);
        judged += usize::from(moves || appends || deletes);
        if moves && volatile.content.contains(&entries(call)[0]) {
            return Err(format!("moved before it is synced: {call}"));
        }
        if appends && volatile.content.iter().any(|path| path.ends_with(".ledger")) {
            return Err(format!("appended before the intent is synced: {call}"));
        }
        if deletes && !volatile.owed(stage).is_empty() {
            return Err(format!("deleted before {:?} is synced: {call}", volatile.owed(stage)));
        }
        volatile.apply(call);
    }
    Ok(judged)
}

/// Whether this call asks the server to delete something.
fn says_to_delete(call: &Call) -> bool {
    let says = ["\"DELE ", " UID STORE "].iter().any(|words| call.text.contains(words));
    call.is(&["sendto", "write", "sendmsg"]) && says
}

#[test]
fn nothing_is_relied_on_before_it_is_synced() {
    if !strace::can("order of system calls") {
        return;
    }
    let mut scenes = Vec::new();
    for to in [Destination::Maildir, Destination::Mbox, Destination::Streamed, Destination::Exec] {
        for after in [After::Delete, After::AtOnce] {
            scenes.extend([Past::None, Past::Known].map(|past| Scene::new(to, after, past)));
        }
        for past in [Past::None, Past::Renumbered] {
            let scene = Scene::new(to, After::Delete, past);
            scenes.extend([scene.by_imap(true), scene.by_imap(false)]);
        }
    }
    for scene in scenes {
        let stage = scene.stage();
        let calls = strace::record(&stage, stage.fetch());
        match walk(&stage, &calls) {
            Ok(judged) => assert!(judged > 0, "{scene}: nothing to judge"),
            Err(early) => panic!("{scene}: {early}"),
        }
        assert!(calls.iter().any(says_to_delete), "{scene}: nothing is deleted");
    }
}

#[test]
fn a_missing_sync_is_noticed() {
    let scene = Scene::new(Destination::Mbox, After::Delete, Past::None);
    if !strace::can("order of system calls, checked") {
        return;
    }
    [scene, scene.by_imap(true)].into_iter().for_each(each_sync_is_needed);
}

fn each_sync_is_needed(scene: Scene) {
    let stage = scene.stage();
    let calls = strace::record(&stage, stage.fetch());
    let dele = calls.iter().position(says_to_delete).unwrap();
    // The record of the UIDVALIDITY is synced separately; the next sync of the ledger would do that too.
    let extra = usize::from(scene.by != Protocol::Pop3);
    let syncs: Vec<usize> = (0..dele).filter(|at| calls[*at].name == "fdatasync").skip(extra).collect();
    assert!(syncs.len() >= 3, "intent, mbox and record are synced each");
    for missing in syncs {
        let mut calls = calls.clone();
        let call = calls.remove(missing);
        assert!(walk(&stage, &calls).is_err(), "{call} is missing and nobody notices");
    }
}
