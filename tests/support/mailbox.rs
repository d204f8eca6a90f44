//! A mailbox in memory, shared by the embedded POP3 and SMTP servers, and the messages to fill it with.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sha2::{Digest as _, Sha256};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How long to wait for the end of a session.
const PATIENCE: Duration = Duration::from_secs(300);

/// One message on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its unique id.
    pub uid: String,
    /// Its octets, as they go over the wire before dot-stuffing; lines end in CRLF.
    pub wire: Vec<u8>,
}

/// A mailbox. Clones are the same mailbox.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<(Mutex<Contents>, Condvar)>);

#[derive(Default)]
struct Contents {
    messages: Vec<Stored>,
    next: usize,
    /// The connection of the session that holds the lock.
    holder: Option<TcpStream>,
}

/// The exclusive lock during a POP3 session (`RFC 1939 §4`).
pub struct Hold(Mailbox);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.lock().holder = None;
        self.0.0.1.notify_all();
    }
}

impl Mailbox {
    /// A mailbox that holds these.
    pub fn of<T: AsRef<[u8]>>(messages: impl IntoIterator<Item = T>) -> Mailbox {
        let mailbox = Mailbox::default();
        for message in messages {
            mailbox.add(message.as_ref());
        }
        mailbox
    }

    /// A mailbox of `count` messages, each of another size.
    pub fn sized(count: usize) -> Mailbox {
        Mailbox::of((1..=count).map(|number| message_of(number, 1000 + 100 * number)))
    }

    /// A mailbox of `count` small messages.
    pub fn with(count: usize) -> Mailbox {
        Mailbox::of((1..=count).map(message))
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.0.lock().unwrap()
    }

    /// Adds a message; its UID is new.
    pub fn add(&self, wire: &[u8]) {
        let mut contents = self.lock();
        contents.next += 1;
        let uid = format!("uid-{:04}", contents.next);
        contents.messages.push(Stored { uid, wire: wire.to_vec() });
    }

    /// Gives message `number` (from 1) another UID.
    pub fn set_uid(&self, number: usize, uid: &str) {
        self.lock().messages[number - 1].uid = uid.to_owned();
    }

    /// The messages in it.
    pub fn messages(&self) -> Vec<Stored> {
        self.lock().messages.clone()
    }

    /// The UIDs in it.
    pub fn uids(&self) -> Vec<String> {
        self.lock().messages.iter().map(|message| message.uid.clone()).collect()
    }

    /// What a client must have stored when it has fetched all: CRLF has become LF, nothing else changed.
    pub fn as_stored(&self) -> Vec<Vec<u8>> {
        self.messages().iter().map(|message| stored(&message.wire)).collect()
    }

    /// Locks the mailbox for the session over this connection, unless another session has the lock. A server
    /// that `sees` its clients disconnect ends their sessions at once: those are waited for, since on a busy
    /// machine their threads are only late.
    pub fn hold(&self, connection: &TcpStream, sees: bool) -> Option<Hold> {
        let is_gone = |holder: &TcpStream| is_gone_within(holder, Duration::ZERO);
        let is_ending = |contents: &mut Contents| sees && contents.holder.as_ref().is_some_and(is_gone);
        let waited = self.0.1.wait_timeout_while(self.lock(), PATIENCE, is_ending);
        let mut contents = waited.unwrap().0;
        if contents.holder.is_some() {
            return None;
        }
        contents.holder = Some(connection.try_clone().unwrap());
        drop(contents);
        Some(Hold(self.clone()))
    }

    /// Removes those messages of a session's listing whose positions are named.
    pub fn remove(&self, listing: &[Stored], positions: &[usize]) {
        let mut contents = self.lock();
        for position in positions {
            let gone = &listing[*position];
            if let Some(at) = contents.messages.iter().position(|message| message == gone) {
                contents.messages.remove(at);
            }
        }
    }
}

/// Whether the client at the other end closes the connection within that time, unread octets or not.
pub fn is_gone_within(connection: &TcpStream, time: Duration) -> bool {
    let mut wait = [PollFd::new(connection, PollFlags::RDHUP)];
    poll(&mut wait, Some(&Timespec::try_from(time).unwrap())).unwrap() > 0
}

/// What is stored of a message with these octets on the wire.
pub fn stored(wire: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(wire.len()), wire);
    while let Some(at) = memchr::memmem::find(rest, b"\r\n") {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    if wire.last().is_some_and(|last| *last != b'\n') {
        out.push(b'\n');
    }
    out
}

/// Lower-case hex SHA-256.
pub fn sha256(octets: &[u8]) -> String {
    Sha256::digest(octets).iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().concat()
}

/// A small message, different for every number.
pub fn message(number: usize) -> Vec<u8> {
    format!(
        "From: Bob <bob@example.org>\r\nTo: ana@example.org\r\nSubject: message {number}\r\n\
         Date: Mon, 01 Sep 2025 10:00:00 +0000\r\nMessage-ID: <m{number}@example.org>\r\n\r\n\
         Body of message {number}.\r\n"
    )
    .into_bytes()
}

/// A message of about `octets` octets.
pub fn message_of(number: usize, octets: usize) -> Vec<u8> {
    let mut wire = message(number);
    let mut line = 0;
    while wire.len() < octets {
        line += 1;
        wire.extend_from_slice(
            format!("line {line} of message {number}, some text to fill it up\r\n").as_bytes(),
        );
    }
    wire
}

/// Messages with everything that a careless reader may get wrong.
pub fn oddities() -> Vec<Vec<u8>> {
    let head = |n: usize| format!("From: bob@example.org\r\nSubject: oddity {n}\r\n\r\n").into_bytes();
    let bodies: Vec<Vec<u8>> = vec![
        b".\r\n".to_vec(),
        b"..\r\n...\r\n.x\r\n.\r\n".to_vec(),
        b"From here\r\n>From there\r\n>>From further\r\n From indented\r\nFrom: a header\r\n".to_vec(),
        b"\r\nFrom a@b Mon Sep  1 10:00:00 2025\r\n\r\nFrom x\r\n".to_vec(),
        b"bare\rCR and \r\r\n two before the line end\r\n\r\r\r\n".to_vec(),
        b"a NUL \0 in a line\r\n\0\r\n\0\0\0\r\n".to_vec(),
        (0x80..=0xffu8).chain(*b"\r\n").collect(),
        [vec![b'x'; 200_000], b"\r\n".to_vec()].concat(),
        [vec![b'.'; 70_000], b"\r\n.\r\n".to_vec()].concat(),
        b"\r\n\r\n\r\n\r\n".to_vec(),
        b"last line is a quoted one\r\n>From\r\n>From \r\n".to_vec(),
        b"\x1b]0;title\x07\x1b[2J\xc2\x9b31m\r\n".to_vec(),
    ];
    let mut all: Vec<Vec<u8>> =
        bodies.into_iter().enumerate().map(|(n, body)| [head(n), body].concat()).collect();
    all.extend([
        b"\r\n".to_vec(),
        b"Subject: headers only\r\n".to_vec(),
        b"Subject: no body\r\n\r\n".to_vec(),
        b"no header at all\r\nmerely text\r\n".to_vec(),
        b".\r\n".to_vec(),
        b"From nobody\r\n".to_vec(),
        b"Content-Length: 5\r\nStatus: RO\r\nX-UID: 7\r\n\r\n12345\r\nFrom me\r\n".to_vec(),
        [b"Subject: ".to_vec(), vec![b's'; 100_000], b"\r\n\r\nx\r\n".to_vec()].concat(),
    ]);
    all
}
