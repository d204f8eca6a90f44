//! The folders of an IMAP account in memory. A test fills them, looks into them, and changes them as another
//! client of the same account does, while sessions run or between them.

use super::super::mailbox::{message, stored};
use std::io::{PipeReader, PipeWriter, Write as _};
use std::sync::{Arc, Mutex, MutexGuard};

/// The internal date of what is delivered without one.
const DATE: &str = "01-Sep-2025 10:00:00 +0000";

/// One message in one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its place in the history of the store: no other message has it, not even a copy.
    pub key: u64,
    /// Equal for copies of one message; the email id is made of it.
    pub origin: u64,
    /// Its UID.
    pub uid: u32,
    /// Its octets as they go over the wire.
    pub wire: Arc<Vec<u8>>,
    /// Its flags, in the order in which they were set.
    pub flags: Vec<String>,
    /// Its internal date, as FETCH shows it.
    pub date: Arc<str>,
    /// Whether `\Deleted` was set by another client alone.
    pub foreign: bool,
}

impl Message {
    /// Whether it has a flag.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|has| has.eq_ignore_ascii_case(flag))
    }

    /// Sets a flag.
    pub fn set(&mut self, flag: &str) {
        if !self.has(flag) {
            self.flags.push(flag.to_owned());
        }
    }

    /// Clears a flag.
    pub fn clear(&mut self, flag: &str) {
        self.flags.retain(|has| !has.eq_ignore_ascii_case(flag));
    }

    /// Its `EMAILID`.
    pub fn email_id(&self) -> String {
        format!("M{}", self.origin)
    }

    /// Its `X-GM-MSGID`.
    pub fn gm_msgid(&self) -> u64 {
        1_800_000_000_000_000_000 + self.origin
    }
}

/// How a folder's name is written in what the server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameForm {
    /// As a quoted string.
    Quoted,
    /// As it is.
    Atom,
    /// As a literal.
    Literal,
}

/// One folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its name, octet for octet as on the wire.
    pub name: Vec<u8>,
    /// What parts the levels of its name.
    pub delimiter: Option<u8>,
    /// Its attributes in LIST.
    pub attributes: Vec<String>,
    /// How its name is written.
    pub form: NameForm,
    /// Its UIDVALIDITY; one that is too large can be played too.
    pub uidvalidity: u64,
    /// The next UID.
    pub uidnext: u32,
    /// Stays with it whatever its name becomes.
    pub identity: u64,
    /// Its messages, in the order of their sequence numbers.
    pub messages: Vec<Message>,
    /// Counts its changes, so that sessions see whether there is anything to tell.
    pub changes: u64,
}

impl Folder {
    /// A folder without messages; `/` parts the levels.
    pub fn new(name: impl AsRef<[u8]>) -> Folder {
        Folder {
            name: name.as_ref().to_vec(),
            delimiter: Some(b'/'),
            attributes: Vec::new(),
            form: NameForm::Quoted,
            uidvalidity: 0,
            uidnext: 1,
            identity: 0,
            messages: Vec::new(),
            changes: 0,
        }
    }

    /// Another delimiter, or none.
    pub fn delimiter(mut self, delimiter: Option<u8>) -> Folder {
        self.delimiter = delimiter;
        self
    }

    /// One more attribute, such as `\Sent` or `\Noselect`.
    pub fn attribute(mut self, attribute: &str) -> Folder {
        self.attributes.push(attribute.to_owned());
        self
    }

    /// Another way to write its name.
    pub fn form(mut self, form: NameForm) -> Folder {
        self.form = form;
        self
    }

    /// Whether it has an attribute.
    pub fn is(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|has| has.eq_ignore_ascii_case(attribute))
    }

    /// Whether `name` means this folder; INBOX has no case.
    pub fn is_called(&self, name: &[u8]) -> bool {
        self.name == name || self.name.eq_ignore_ascii_case(b"INBOX") && name.eq_ignore_ascii_case(b"INBOX")
    }

    /// Whether it can be selected.
    pub fn is_selectable(&self) -> bool {
        !self.is("\\Noselect") && !self.is("\\NonExistent")
    }

    /// Takes a message in; gives its UID.
    pub fn take_in(&mut self, mut message: Message) -> u32 {
        message.uid = self.uidnext;
        self.uidnext += 1;
        self.changes += 1;
        self.messages.push(message);
        self.uidnext - 1
    }

    /// The message with this key.
    pub fn find(&mut self, key: u64) -> Option<&mut Message> {
        let at = position(&self.messages, key, |message| message.key)?;
        self.messages.get_mut(at)
    }

    /// Removes the messages with these keys.
    pub fn remove(&mut self, keys: &[u64]) {
        let keys: std::collections::HashSet<&u64> = keys.iter().collect();
        self.messages.retain(|message| !keys.contains(&message.key));
        self.changes += 1;
    }
}

/// Where a key is in a list. Keys ascend, so that 10,000 messages take no time, unless a test has ordered its
/// messages otherwise.
pub fn position<T>(list: &[T], key: u64, key_of: impl Fn(&T) -> u64) -> Option<usize> {
    let ahead = list.partition_point(|one| key_of(one) < key);
    match list.get(ahead).is_some_and(|one| key_of(one) == key) {
        true => Some(ahead),
        false => list.iter().position(|one| key_of(one) == key),
    }
}

/// All folders of an account.
#[derive(Default)]
pub struct Contents {
    /// The folders, in the order of LIST.
    pub folders: Vec<Folder>,
    next_key: u64,
    next_validity: u64,
}

impl Contents {
    /// The folder of this name.
    pub fn folder(&self, name: &[u8]) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.is_called(name))
    }

    /// The folder of this name, to change it.
    pub fn folder_mut(&mut self, name: &[u8]) -> Option<&mut Folder> {
        self.folders.iter_mut().find(|folder| folder.is_called(name))
    }

    /// The folder with this attribute.
    pub fn with_attribute(&mut self, attribute: &str) -> Option<&mut Folder> {
        self.folders.iter_mut().find(|folder| folder.is(attribute))
    }

    /// A key that no message has had.
    pub fn new_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    /// Adds a folder. Without a UIDVALIDITY it gets a new one.
    pub fn add(&mut self, mut folder: Folder) {
        self.next_validity += 1;
        folder.identity = self.next_validity;
        if folder.uidvalidity == 0 {
            folder.uidvalidity = 1_795_953_000 + self.next_validity;
        }
        self.folders.push(folder);
    }

    /// A copy of a message as another folder takes it in.
    pub fn copy_of(&mut self, message: &Message) -> Message {
        Message { key: self.new_key(), ..message.clone() }
    }
}

/// The folders of an account. Clones are the same account.
#[derive(Clone)]
pub struct ImapStore(Arc<(Mutex<Contents>, Mutex<Vec<PipeWriter>>)>);

impl Default for ImapStore {
    fn default() -> ImapStore {
        let store = ImapStore(Arc::default());
        store.create(Folder::new("INBOX"));
        store
    }
}

impl ImapStore {
    /// An account whose INBOX holds these.
    pub fn of<T: AsRef<[u8]>>(messages: impl IntoIterator<Item = T>) -> ImapStore {
        let store = ImapStore::default();
        for message in messages {
            store.deliver("INBOX", message.as_ref());
        }
        store
    }

    /// An account whose INBOX holds `count` small messages.
    pub fn with(count: usize) -> ImapStore {
        ImapStore::of((1..=count).map(message))
    }

    /// The folders themselves. Idling sessions are told of what is done to them by [`ImapStore::wake`] alone.
    pub fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.0.lock().unwrap()
    }

    /// Tells sessions that idle that there may be something new.
    pub fn wake(&self) {
        self.0.1.lock().unwrap().retain_mut(|watcher| watcher.write_all(b"!").is_ok());
    }

    /// A pipe that gets an octet at every change.
    pub fn watch(&self) -> PipeReader {
        let (reader, writer) = std::io::pipe().unwrap();
        self.0.1.lock().unwrap().push(writer);
        reader
    }

    /// Adds a folder.
    pub fn create(&self, folder: Folder) {
        self.lock().add(folder);
    }

    /// Does anything to a folder.
    #[track_caller]
    pub fn change<T>(&self, folder: &str, change: impl FnOnce(&mut Folder) -> T) -> T {
        let mut contents = self.lock();
        let folder = contents.folder_mut(folder.as_bytes()).expect("there is such a folder");
        folder.changes += 1;
        let done = change(folder);
        drop(contents);
        self.wake();
        done
    }

    /// Delivers a message; gives its UID.
    #[track_caller]
    pub fn deliver(&self, folder: &str, wire: &[u8]) -> u32 {
        self.deliver_shared(folder, &Arc::new(wire.to_vec()))
    }

    /// The same for octets that many messages share.
    #[track_caller]
    pub fn deliver_shared(&self, folder: &str, wire: &Arc<Vec<u8>>) -> u32 {
        let key = self.lock().new_key();
        let wire = Arc::clone(wire);
        let message =
            Message { key, origin: key, uid: 0, wire, flags: Vec::new(), date: DATE.into(), foreign: false };
        self.change(folder, |folder| folder.take_in(message))
    }

    /// Another client sets a flag.
    #[track_caller]
    pub fn mark(&self, folder: &str, uid: u32, flag: &str) {
        self.change_message(folder, uid, |message| {
            message.foreign |= flag == "\\Deleted" && !message.has(flag);
            message.set(flag);
        });
    }

    /// Another client clears a flag.
    #[track_caller]
    pub fn unmark(&self, folder: &str, uid: u32, flag: &str) {
        self.change_message(folder, uid, |message| message.clear(flag));
    }

    /// Does anything to a message.
    #[track_caller]
    pub fn change_message(&self, folder: &str, uid: u32, change: impl FnOnce(&mut Message)) {
        self.change(folder, |folder| {
            change(
                folder.messages.iter_mut().find(|message| message.uid == uid).expect("there is such a UID"),
            );
        });
    }

    /// Another client expunges a message.
    #[track_caller]
    pub fn expunge(&self, folder: &str, uid: u32) {
        self.change(folder, |folder| folder.messages.retain(|message| message.uid != uid));
    }

    /// Another client copies a message; gives its UID there.
    #[track_caller]
    pub fn copy(&self, folder: &str, uid: u32, to: &str) -> u32 {
        let message = self.message(folder, uid);
        let copy = self.lock().copy_of(&message);
        self.change(to, |folder| folder.take_in(copy))
    }

    /// Another client moves a message; gives its UID there.
    #[track_caller]
    pub fn move_to(&self, folder: &str, uid: u32, to: &str) -> u32 {
        let there = self.copy(folder, uid, to);
        self.expunge(folder, uid);
        there
    }

    /// The folder is numbered anew under another UIDVALIDITY; UIDs count from `first`. Sessions see all
    /// messages go and as many come.
    #[track_caller]
    pub fn renumber(&self, folder: &str, first: u32) {
        let count = self.messages(folder).len() as u64;
        let before = {
            let mut contents = self.lock();
            contents.next_key += count;
            contents.next_key - count
        };
        self.change(folder, |folder| {
            folder.uidvalidity += 1;
            folder.uidnext = first + count as u32;
            for (message, number) in folder.messages.iter_mut().zip(0..) {
                message.uid = first + number;
                message.key = before + 1 + u64::from(number);
            }
        });
    }

    /// A look at a folder.
    #[track_caller]
    pub fn folder(&self, name: &str) -> Folder {
        self.lock().folder(name.as_bytes()).expect("there is such a folder").clone()
    }

    /// What a folder holds.
    #[track_caller]
    pub fn messages(&self, folder: &str) -> Vec<Message> {
        self.folder(folder).messages
    }

    /// One message.
    #[track_caller]
    pub fn message(&self, folder: &str, uid: u32) -> Message {
        let found = self.messages(folder).into_iter().find(|message| message.uid == uid);
        found.expect("there is such a UID")
    }

    /// The UIDs in a folder.
    #[track_caller]
    pub fn uids(&self, folder: &str) -> Vec<u32> {
        self.messages(folder).iter().map(|message| message.uid).collect()
    }

    /// The flags of every message in a folder, by UID: what a fetch leaves as it was.
    #[track_caller]
    pub fn flags(&self, folder: &str) -> Vec<(u32, Vec<String>)> {
        self.messages(folder).into_iter().map(|message| (message.uid, message.flags)).collect()
    }

    /// What a client must have stored when it has fetched the folder: CRLF has become LF.
    #[track_caller]
    pub fn as_stored(&self, folder: &str) -> Vec<Vec<u8>> {
        self.messages(folder).iter().map(|message| stored(&message.wire)).collect()
    }
}
