//! The server of a stage, for any protocol: what the sweeps need of it and of its mailbox.

use crate::other::OtherClient;
use crate::support::imapd::Imapd;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::mailbox::{Mailbox, Stored};
use crate::support::peer::Victim;
use crate::support::pop3d::{Act, Mode, Pop3d};
use std::sync::{Arc, Mutex};

/// The protocol, and what the server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Pop3,
    /// With another client that uses the same mailbox.
    Imap {
        /// Whether the server can expunge by UID (`RFC 4315`).
        uidplus: bool,
        /// Whether it can move (`RFC 6851`).
        moves: bool,
    },
}

/// The folder beside INBOX to which the other client moves mail.
pub const BESIDE: &str = "Archive";

/// The folder to which mail is moved instead of being deleted.
pub const TARGET: &str = "Moved";

/// What a server does about a line from the client; for the greeting the line is empty. By IMAP a reply is a
/// tagged response without its tag.
pub type Hook = Box<dyn Fn(&str) -> Act + Send + Sync>;

/// How a server differs from a good one.
pub struct Dress {
    pub mode: Mode,
    /// Whether it announces PIPELINING; by IMAP that makes no difference.
    pub pipelining: bool,
    pub hook: Hook,
}

impl Default for Dress {
    fn default() -> Dress {
        Dress { mode: Mode::Plain, pipelining: true, hook: Box::new(|_| Act::Normal) }
    }
}

impl Dress {
    /// A server that uses TLS in this way.
    pub fn mode(mode: Mode) -> Dress {
        Dress { mode, ..Dress::default() }
    }

    /// A server that does this about a line.
    pub fn hook(hook: impl Fn(&str) -> Act + Send + Sync + 'static) -> Dress {
        Dress { hook: Box::new(hook), ..Dress::default() }
    }
}

/// A server and its mailbox.
pub enum Host {
    Pop3 { mailbox: Mailbox, server: Pop3d, all: Mutex<Vec<Stored>> },
    Imap { store: ImapStore, server: Imapd, other: Arc<OtherClient> },
}

impl Host {
    /// A server with an empty mailbox.
    pub fn start(protocol: Protocol, Dress { mode, pipelining, hook }: Dress) -> Host {
        let (uidplus, moves) = match protocol {
            Protocol::Pop3 => {
                let mailbox = Mailbox::default();
                let setup = Pop3d::for_mailbox(&mailbox).mode(mode).hook(move |event| hook(event.line));
                let setup = if pipelining { setup } else { setup.without("PIPELINING") };
                return Host::Pop3 { mailbox, server: setup.start(), all: Mutex::default() };
            }
            Protocol::Imap { uidplus, moves } => (uidplus, moves),
        };
        let store = ImapStore::default();
        [BESIDE, TARGET].into_iter().for_each(|name| store.create(Folder::new(name)));
        let other = Arc::new(OtherClient::of(&store));
        let setup = Imapd::for_store(&store).mode(mode);
        let setup = if uidplus { setup } else { setup.without("UIDPLUS") };
        let setup = if moves { setup } else { setup.without("MOVE") };
        let at_work = Arc::clone(&other);
        let setup = setup.hook(move |event| {
            at_work.hears(event.line);
            match hook(event.line) {
                Act::Reply(octets) => Act::Reply([event.tag.as_bytes(), b" ", &octets].concat()),
                act => act,
            }
        });
        Host::Imap { store, server: setup.start(), other }
    }

    /// The client that uses the same mailbox, if there is one.
    pub fn other(&self) -> Option<&OtherClient> {
        match self {
            Host::Pop3 { .. } => None,
            Host::Imap { other, .. } => Some(other),
        }
    }

    /// Delivers a message.
    pub fn add(&self, wire: &[u8]) {
        match self {
            Host::Pop3 { mailbox, all, .. } => {
                mailbox.add(wire);
                all.lock().unwrap().extend(mailbox.messages().pop());
            }
            Host::Imap { other, .. } => other.deliver(wire),
        }
    }

    /// Everything that ever was in the mailbox. The `uid` here is a name that it keeps.
    pub fn all(&self) -> Vec<Stored> {
        match self {
            Host::Pop3 { all, .. } => all.lock().unwrap().clone(),
            Host::Imap { other, .. } => other.all(),
        }
    }

    /// What is in the mailbox, by these names.
    pub fn left(&self) -> Vec<Stored> {
        match self {
            Host::Pop3 { mailbox, .. } => mailbox.messages(),
            Host::Imap { store, .. } => store.messages("INBOX").iter().map(OtherClient::named).collect(),
        }
    }

    /// What is in the folder beside INBOX, by these names.
    pub fn beside(&self) -> Vec<Stored> {
        match self {
            Host::Pop3 { .. } => Vec::new(),
            Host::Imap { store, .. } => store.messages(BESIDE).iter().map(OtherClient::named).collect(),
        }
    }

    /// What was moved away, by these names.
    pub fn moved(&self) -> Vec<Stored> {
        match self {
            Host::Pop3 { .. } => Vec::new(),
            Host::Imap { store, .. } => store.messages(TARGET).iter().map(OtherClient::named).collect(),
        }
    }

    /// Waits for the end of every connection.
    pub fn settle(&self) {
        match self {
            Host::Pop3 { server, .. } => drop(server.journals()),
            Host::Imap { server, .. } => drop(server.journals()),
        }
    }

    /// All commands so far, once all connections have ended. Fails if there was one that no correct client
    /// sends.
    #[track_caller]
    pub fn commands(&self) -> Vec<String> {
        match self {
            Host::Pop3 { server, .. } => {
                let commands = server.journals().into_iter().flat_map(|journal| journal.commands);
                commands.map(|(_, line)| line).collect()
            }
            Host::Imap { server, .. } => {
                let mut wrong = server.violations();
                // Messages that postie was to delete may be marked by others only, if its own mark was
                // refused; the messages that are left show that nothing else was deleted.
                wrong.retain(|violation| !violation.ends_with("was marked by another client alone"));
                assert_eq!(wrong, Vec::<String>::new(), "{:#?}", server.commands());
                server.commands()
            }
        }
    }

    /// Fails if a POP3 session, from the `first` on, has done what no correct client does.
    #[track_caller]
    pub fn assert_clean_since(&self, first: usize) {
        let Host::Pop3 { server, .. } = self else { return };
        for journal in &server.journals()[first..] {
            assert!(journal.violations.is_empty(), "{:?}", journal.violations);
        }
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        match self {
            Host::Pop3 { server, .. } => server.journals().len(),
            Host::Imap { server, .. } => server.journals().len(),
        }
    }

    /// The same mailbox at another port.
    pub fn elsewhere(self) -> Host {
        match self {
            Host::Pop3 { mailbox, all, .. } => {
                Host::Pop3 { server: Pop3d::for_mailbox(&mailbox).mode(Mode::Plain).start(), mailbox, all }
            }
            Host::Imap { .. } => self,
        }
    }

    pub fn port(&self) -> u16 {
        match self {
            Host::Pop3 { server, .. } => server.port(),
            Host::Imap { server, .. } => server.port(),
        }
    }

    pub fn url(&self) -> String {
        match self {
            Host::Pop3 { server, .. } => server.url(),
            Host::Imap { server, .. } => server.url(),
        }
    }

    pub fn victim(&self) -> Victim {
        match self {
            Host::Pop3 { server, .. } => server.victim(),
            Host::Imap { server, .. } => server.victim(),
        }
    }
}

/// Whether a command asks for a message.
pub fn fetches(command: &str) -> bool {
    command.starts_with("RETR ") || command.contains("BODY.PEEK[]")
}

/// Whether a command has to do with deleting.
pub fn deletes(command: &str) -> bool {
    ["DELE ", "UID STORE ", "UID EXPUNGE ", "EXPUNGE", "UID MOVE ", "UID COPY "]
        .iter()
        .any(|start| command.starts_with(start))
}
