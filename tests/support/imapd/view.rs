//! A folder as one session sees it: sequence numbers are the session's own, and change only by what it was
//! told.

use super::row::{Row, Value};
use super::store::{Contents, Folder, Message, position};
use std::collections::HashMap;

/// A message as the session knows it.
#[derive(Clone, Debug)]
pub struct Known {
    /// Which it is.
    pub key: u64,
    /// Its UID.
    pub uid: u32,
    /// Its flags, as the session was told last.
    pub flags: Vec<String>,
}

impl Known {
    fn of(message: &Message) -> Known {
        Known { key: message.key, uid: message.uid, flags: message.flags.clone() }
    }
}

/// The folder that is selected.
#[derive(Clone, Debug)]
pub struct View {
    /// Its name.
    pub folder: Vec<u8>,
    /// Whether it was opened for reading alone.
    pub read_only: bool,
    /// The messages, in the order of their sequence numbers.
    pub known: Vec<Known>,
    changes: u64,
    newest: u64,
}

/// What a session is told of changes.
#[derive(Debug)]
pub enum News {
    /// A message went; its sequence number.
    Expunged(usize),
    /// There are now so many messages.
    Exists(usize),
    /// Flags changed.
    Flags(Row),
}

impl View {
    /// Opens a folder; only the newest so many messages are seen.
    pub fn open(folder: &Folder, read_only: bool, newest: usize) -> View {
        let skipped = folder.messages.len().saturating_sub(newest);
        View {
            folder: folder.name.clone(),
            read_only,
            known: folder.messages[skipped..].iter().map(Known::of).collect(),
            changes: folder.changes,
            newest: folder.messages.iter().map(|message| message.key).max().unwrap_or(0),
        }
    }

    /// The highest UID.
    pub fn last_uid(&self) -> u32 {
        self.known.iter().map(|known| known.uid).max().unwrap_or(0)
    }

    /// Where a message is in it.
    pub fn position(&self, key: u64) -> Option<usize> {
        position(&self.known, key, |known| known.key)
    }

    /// Takes note of flags of which the session needs no news.
    pub fn note_flags(&mut self, key: u64, flags: &[String]) {
        if let Some(at) = self.position(key) {
            self.known[at].flags = flags.to_vec();
        }
    }

    /// What is new since the session was told last. Where messages may not go (while sequence numbers are in
    /// use), that is told later.
    pub fn sync(&mut self, contents: &Contents, may_go: bool) -> Vec<News> {
        let Some(folder) = contents.folder(&self.folder).filter(|folder| folder.changes != self.changes)
        else {
            return Vec::new();
        };
        let there: HashMap<u64, &Message> =
            folder.messages.iter().map(|message| (message.key, message)).collect();
        let mut news = Vec::new();
        let mut kept = Vec::with_capacity(self.known.len());
        for mut known in self.known.drain(..) {
            let number = kept.len() + 1;
            match there.get(&known.key) {
                None if may_go => {
                    news.push(News::Expunged(number));
                    continue;
                }
                None => {}
                Some(message) => {
                    known.uid = message.uid;
                    if known.flags != message.flags {
                        known.flags.clone_from(&message.flags);
                        let mut row = Row::new(number);
                        row.push("UID", Value::text(message.uid.to_string()));
                        row.push("FLAGS", Value::text(format!("({})", message.flags.join(" "))));
                        news.push(News::Flags(row));
                    }
                }
            }
            kept.push(known);
        }
        let came = folder.messages.iter().filter(|message| message.key > self.newest);
        let before = kept.len();
        kept.extend(came.map(Known::of));
        if kept.len() > before {
            news.push(News::Exists(kept.len()));
        }
        self.known = kept;
        self.newest = there.keys().copied().max().unwrap_or(0).max(self.newest);
        if may_go {
            self.changes = folder.changes;
        }
        news
    }
}
