//! Another client of the same IMAP mailbox. It delivers, reads, marks, moves and expunges while postie runs
//! and between its runs, and records what it did: postie is responsible for everything else.

use crate::host::{BESIDE, TARGET};
use crate::support::imapd::store::{ImapStore, Message};
use crate::support::mailbox::{Stored, message};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

/// The client, and what it recorded.
pub struct OtherClient {
    store: ImapStore,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// All that was ever delivered to INBOX.
    all: Vec<Stored>,
    /// What it removed from INBOX.
    taken: HashSet<String>,
    /// What arrived during the run that is tested, perhaps after its listing.
    late: HashSet<String>,
    /// What it moved to the folder beside INBOX, and whether that happened only just now.
    moved: Vec<(Stored, bool)>,
    /// The flags that it set.
    flags: HashMap<String, Vec<String>>,
    /// What it will still do during the run that is tested, by the command it waits for.
    plans: Vec<(&'static str, Deed)>,
    /// The highest UID before that.
    last: u32,
}

#[derive(Clone, Copy)]
enum Deed {
    Deliver,
    DeliverAndMark,
    See,
    Expunge,
    Move,
}

/// How the messages that it delivers begin; no message of a scene does.
const FIRST: usize = 10_000;

impl OtherClient {
    pub fn of(store: &ImapStore) -> OtherClient {
        OtherClient { store: store.clone(), memory: Mutex::default() }
    }

    /// A name for a message that no UIDVALIDITY changes.
    pub fn named(message: &Message) -> Stored {
        Stored { uid: format!("message {}", message.origin), wire: message.wire.to_vec() }
    }

    /// Delivers to INBOX.
    pub fn deliver(&self, wire: &[u8]) {
        let uid = self.store.deliver("INBOX", wire);
        let message = self.store.message("INBOX", uid);
        self.memory.lock().unwrap().all.push(Self::named(&message));
    }

    /// All that was ever delivered.
    pub fn all(&self) -> Vec<Stored> {
        self.memory.lock().unwrap().all.clone()
    }

    /// Whether it removed a message from INBOX.
    pub fn has_taken(&self, one: &Stored) -> bool {
        self.memory.lock().unwrap().taken.contains(&one.uid)
    }

    /// Whether a message arrived while postie was running.
    pub fn is_late(&self, one: &Stored) -> bool {
        self.memory.lock().unwrap().late.contains(&one.uid)
    }

    /// What it moved to the folder beside INBOX, and whether a run may not have listed that yet.
    pub fn moved(&self) -> Vec<(Stored, bool)> {
        self.memory.lock().unwrap().moved.clone()
    }

    /// Marks some messages, and plans what to do during the run that is tested. If marks made
    /// `while_deleting` keep the server from expunging, it deletes nothing during that run.
    pub fn begin(&self, while_deleting: bool) {
        for (at, flag) in [(1, "\\Seen"), (2, "\\Flagged"), (3, "\\Deleted"), (3, "$Junk")] {
            self.mark(at, flag);
        }
        let mut plans = vec![
            ("BODY.PEEK[]", Deed::Expunge),
            ("BODY.PEEK[]", Deed::See),
            ("BODY.PEEK[]", Deed::Deliver),
            ("SELECT ", Deed::Move),
        ];
        if while_deleting {
            plans.push(("UID STORE ", Deed::DeliverAndMark));
        }
        let mut memory = self.memory.lock().unwrap();
        memory.plans = plans;
        memory.last = self.store.folder("INBOX").uidnext - 1;
    }

    /// Whether a command asks for a message that was there before the run that is tested. If the UIDVALIDITY
    /// is another one, the answer does not matter.
    pub fn is_of_old(&self, command: &str) -> bool {
        let set = command.strip_prefix("UID FETCH ").and_then(|rest| rest.split(' ').next());
        let last = self.memory.lock().unwrap().last;
        let numbers = set.into_iter().flat_map(|set| set.split([',', ':']));
        numbers.into_iter().any(|number| number.parse::<u32>().unwrap() <= last)
    }

    /// Called with each command of postie.
    pub fn hears(&self, line: &str) {
        let due: Vec<Deed> = {
            let mut memory = self.memory.lock().unwrap();
            let (due, later) = std::mem::take(&mut memory.plans)
                .into_iter()
                .partition::<Vec<_>, _>(|(word, _)| line.contains(*word));
            memory.plans = later;
            due.into_iter().map(|(_, deed)| deed).collect()
        };
        due.into_iter().for_each(|deed| self.act(deed));
    }

    /// Between two runs it acts once more, and is then done; the folder may get another UIDVALIDITY.
    pub fn go_on(&self, renumber: bool) {
        self.memory.lock().unwrap().plans.clear();
        [Deed::See, Deed::Move, Deed::DeliverAndMark, Deed::Deliver]
            .into_iter()
            .for_each(|deed| self.act(deed));
        if renumber {
            // Every UID means another message now.
            self.store.renumber("INBOX", 1);
        }
        let mut memory = self.memory.lock().unwrap();
        memory.late.clear();
        memory.moved.iter_mut().for_each(|one| one.1 = false);
    }

    /// The folder gets another UIDVALIDITY.
    pub fn renumber(&self) {
        self.store.renumber("INBOX", 1);
    }

    /// The server gives the UID of a removed message to another one, under the same UIDVALIDITY.
    pub fn reuse(&self) {
        let gone = self.store.messages("INBOX").swap_remove(1);
        let (key, wire) = (self.store.lock().new_key(), Arc::new(message(FIRST - 1)));
        self.store.change_message("INBOX", gone.uid, |message| {
            (message.origin, message.wire) = (key, wire);
            message.flags.clear();
        });
        let now = self.store.message("INBOX", gone.uid);
        let mut memory = self.memory.lock().unwrap();
        memory.taken.insert(Self::named(&gone).uid);
        memory.all.push(Self::named(&now));
    }

    fn act(&self, deed: Deed) {
        let there = self.store.uids("INBOX");
        // One that was there from the start, and one near the end if there are enough.
        let last = there.len().checked_sub(2);
        match deed {
            Deed::Deliver | Deed::DeliverAndMark => {
                let number = FIRST + self.all().len();
                self.deliver(&message(number));
                let there = self.store.messages("INBOX");
                let name = Self::named(&there[there.len() - 1]).uid;
                self.memory.lock().unwrap().late.insert(name);
                if matches!(deed, Deed::DeliverAndMark) {
                    self.mark(there.len() - 1, "\\Deleted");
                }
            }
            Deed::See => self.mark(0, "\\Seen"),
            Deed::Expunge | Deed::Move => {
                let Some(uid) = last.map(|at| there[at]) else { return };
                let one = Self::named(&self.store.message("INBOX", uid));
                let mut memory = self.memory.lock().unwrap();
                memory.taken.insert(one.uid.clone());
                match deed {
                    Deed::Move => {
                        memory.moved.push((one, true));
                        self.store.move_to("INBOX", uid, BESIDE);
                    }
                    _ => self.store.expunge("INBOX", uid),
                }
            }
        }
    }

    fn mark(&self, at: usize, flag: &str) {
        let Some(message) = self.store.messages("INBOX").into_iter().nth(at) else { return };
        self.store.mark("INBOX", message.uid, flag);
        let mut memory = self.memory.lock().unwrap();
        memory.flags.entry(Self::named(&message).uid).or_default().push(flag.to_owned());
    }

    /// Fails unless every message, moved or not, has exactly the flags that this client gave it; but postie
    /// may have marked those as deleted that `may_go`.
    #[track_caller]
    pub fn judge(&self, may_go: impl Fn(&Stored) -> bool) {
        for folder in ["INBOX", BESIDE, TARGET] {
            for message in self.store.messages(folder) {
                let one = Self::named(&message);
                let mut wanted = self.memory.lock().unwrap().flags.get(&one.uid).cloned().unwrap_or_default();
                let mut found = message.flags.clone();
                let marked = message.has("\\Deleted") && !wanted.iter().any(|flag| flag == "\\Deleted");
                if marked && may_go(&one) {
                    found.retain(|flag| flag != "\\Deleted");
                }
                wanted.sort();
                wanted.dedup();
                found.sort();
                assert_eq!(found, wanted, "the flags of {} in {folder}", one.uid);
            }
        }
    }
}
