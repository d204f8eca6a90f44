//! The authenticated state (`RFC 3501 §3.2`): which mailboxes there are, and opening one.

use super::mailbox::OpenMailbox;
use super::{Connection, Parking};
use crate::codec::imap::{Capabilities, Command, MailboxName, Names, Response, Status, StatusItem, utf7};
use crate::net::NetError;
use crate::words::{Failure, Kind, Stage};
use std::collections::HashMap;

/// A session whose user is known.
#[derive(Debug)]
pub struct Authenticated {
    pub(super) connection: Connection,
}

/// What a mailbox is for (`RFC 6154 §2`), and what cannot be done with it (`RFC 3501 §7.2.2`, `RFC 5258 §3.4`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Uses {
    pub all: bool,
    pub archive: bool,
    pub drafts: bool,
    pub flagged: bool,
    pub junk: bool,
    pub sent: bool,
    pub trash: bool,
    /// It cannot be opened, or is not there.
    pub no_select: bool,
}

impl Uses {
    fn of(attributes: Names<'_>) -> Self {
        Uses {
            all: attributes.contains("\\All"),
            archive: attributes.contains("\\Archive"),
            drafts: attributes.contains("\\Drafts"),
            flagged: attributes.contains("\\Flagged"),
            junk: attributes.contains("\\Junk") || attributes.contains("\\Spam"),
            sent: attributes.contains("\\Sent"),
            trash: attributes.contains("\\Trash"),
            no_select: attributes.contains("\\Noselect") || attributes.contains("\\NonExistent"),
        }
    }

    /// The special use, as the server spells it.
    pub fn name(self) -> Option<&'static str> {
        let all = [
            (self.all, "\\All"),
            (self.archive, "\\Archive"),
            (self.drafts, "\\Drafts"),
            (self.flagged, "\\Flagged"),
            (self.junk, "\\Junk"),
            (self.sent, "\\Sent"),
            (self.trash, "\\Trash"),
        ];
        all.into_iter().find(|(is, _)| *is).map(|(_, name)| name)
    }
}

/// The numbers of a mailbox, as far as the server told them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages.
    pub messages: Option<u64>,
    /// Of these not `\Seen`.
    pub unseen: Option<u64>,
    /// `RFC 3501 §2.3.1.1`.
    pub uidvalidity: Option<u64>,
    /// The next UID, more or less.
    pub uidnext: Option<u64>,
}

/// A mailbox that LIST named.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its name in the server's octets.
    pub name: MailboxName,
    /// What stands between the parts of the name; none in a flat name space.
    pub delimiter: Option<u8>,
    /// What it is for.
    pub uses: Uses,
    /// Whether it is another user's, or everybody's.
    pub is_foreign: bool,
    /// How many octets of the name are the prefix of all of the user's own mailboxes (`RFC 2342`).
    pub prefix: usize,
    /// How many messages it has, where that was asked for.
    pub counts: Counts,
}

impl Folder {
    /// The parts of its name, outermost first, as text where they are such. The inbox has none.
    pub fn parts(&self) -> Vec<Vec<u8>> {
        if self.name.is_inbox() {
            return Vec::new();
        }
        let own = self.name.octets().get(self.prefix..).unwrap_or_default();
        let text = |part: &[u8]| utf7::decode(part).map_or_else(|| part.to_vec(), String::into_bytes);
        match self.delimiter {
            Some(delimiter) => own.split(|octet| *octet == delimiter).map(text).collect(),
            None => vec![text(own)],
        }
    }
}

/// How the names of mailboxes begin (`RFC 2342`); the empty prefix is left out.
#[derive(Default)]
struct Prefixes {
    own: Vec<Vec<u8>>,
    /// Another user's, or everybody's.
    foreign: Vec<Vec<u8>>,
}

/// The most mailboxes that one account is believed to have, and the most octets of their names.
const MOST_FOLDERS: usize = 100_000;
const MOST_OCTETS: usize = 8 * 1024 * 1024;
/// The most prefixes of each kind; no server has more than a few.
const MOST_PREFIXES: usize = 1000;

/// What `list --folders` shows, and what tells whether anything is new.
const COUNTS: [StatusItem; 4] =
    [StatusItem::Messages, StatusItem::Unseen, StatusItem::UidValidity, StatusItem::UidNext];

impl Authenticated {
    pub(super) fn new(connection: Connection) -> Self {
        Authenticated { connection }
    }

    /// Takes the session that waits there, if there is one.
    pub fn from_parking(parking: &Parking) -> Option<Self> {
        parking.get().map(Authenticated::new)
    }

    /// Leaves the session there, unless nothing more can be said on it.
    pub fn park(self, parking: &Parking) {
        parking.put(self.connection);
    }

    /// The server's name for failures.
    pub fn place(&self) -> &str {
        self.connection.wire.place()
    }

    /// What the server can do, now that it knows the user.
    pub fn capabilities(&self) -> &Capabilities {
        &self.connection.capabilities
    }

    /// What the server wants shown to the user, once.
    pub fn take_alerts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.connection.alerts)
    }

    /// Whether nothing more can be said.
    pub fn is_broken(&self) -> bool {
        self.connection.wire.is_broken()
    }

    /// Opens a mailbox in which nothing can be changed (EXAMINE), and asks for its UIDs in the same flight.
    pub fn examine(self, name: &MailboxName) -> Result<OpenMailbox, Opened> {
        OpenMailbox::examine(self.connection, name).map_err(|(failure, connection)| Opened {
            failure,
            session: (!connection.wire.is_broken())
                .then(|| Box::new(Authenticated { connection: *connection })),
        })
    }

    /// All mailboxes, in the server's order, each once. `counts`: with the numbers of each, in the same command
    /// where the server can (LIST-STATUS, `RFC 5819`), else by a STATUS for each.
    pub fn folders(&mut self, counts: bool) -> Result<Vec<Folder>, Failure> {
        let capabilities = self.capabilities().clone();
        let together = counts && capabilities.list_status;
        let status = if together { &COUNTS[..] } else { &[] };
        let special_use = capabilities.special_use && capabilities.list_extended;
        // Its answer comes with that of LIST. A server that refuses has no prefixes.
        if capabilities.namespace {
            self.connection.command(Stage::Namespace, &Command::namespace())?;
        }
        let (mut folders, Prefixes { own, foreign }) = list(&mut self.connection, special_use, status)?;
        let has_inbox = |folders: &[Folder]| folders.iter().any(|folder| folder.name.is_inbox());
        // At least one server (strato.de) announces LIST-EXTENDED and lists nothing for it.
        if !has_inbox(&folders) && (special_use || together) {
            folders = list(&mut self.connection, false, &[])?.0;
        }
        for folder in &mut folders {
            let name = folder.name.octets();
            folder.is_foreign = foreign.iter().any(|prefix| {
                name.starts_with(prefix)
                    || prefix.strip_suffix(&[folder.delimiter.unwrap_or(0)]) == Some(name)
            });
            let prefixes = own.iter().filter(|prefix| name.len() > prefix.len() && name.starts_with(prefix));
            folder.prefix = prefixes.map(Vec::len).max().unwrap_or(0);
        }
        if counts {
            self.count(&mut folders)?;
        }
        Ok(folders)
    }

    /// Asks for the numbers of those mailboxes that have none yet. One that refuses stays without.
    fn count(&mut self, folders: &mut [Folder]) -> Result<(), Failure> {
        const STAGE: Stage = Stage::Status;
        for folder in folders.iter_mut().filter(|folder| !folder.uses.no_select) {
            if folder.counts.messages.is_some() {
                continue;
            }
            let tag = self.connection.send(STAGE, &Command::status(&folder.name, &COUNTS))?;
            let counts = &mut folder.counts;
            self.connection.complete(STAGE, tag, |response| {
                if let Response::MailboxStatus(row) = response {
                    *counts = Counts {
                        messages: row.messages,
                        unseen: row.unseen,
                        uidvalidity: row.uidvalidity,
                        uidnext: row.uidnext,
                    };
                }
            })?;
        }
        Ok(())
    }

    /// The mailboxes, on a connection that has one open.
    pub(super) fn list_in(connection: &mut Connection) -> Result<Vec<Folder>, Failure> {
        let special_use = connection.capabilities.special_use && connection.capabilities.list_extended;
        list(connection, special_use, &[]).map(|(folders, _)| folders)
    }

    /// Ends the session.
    pub fn logout(mut self) {
        self.connection.logout();
    }
}

/// Asks for all mailboxes. Each is told once, however often it is listed.
fn list(
    connection: &mut Connection,
    special_use: bool,
    status: &[StatusItem],
) -> Result<(Vec<Folder>, Prefixes), Failure> {
    const STAGE: Stage = Stage::List;
    let all = MailboxName::new("*").ok_or_else(|| Failure::new(Kind::Internal, STAGE, "LIST: no pattern"))?;
    let tag = connection.send(STAGE, &Command::list(&all, special_use, status))?;
    let mut folders: Vec<Folder> = Vec::new();
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut status = Vec::new();
    let mut prefixes = Prefixes::default();
    let in_utf8 = connection.utf8;
    let own_form = |octets: &[u8]| in_own_form(octets, in_utf8);
    // What is told: mailboxes, and numbers of them.
    let (mut rows, mut octets) = (0, 0);
    let mut fits = |name: &[u8]| {
        (rows, octets) = (rows + 1, octets + name.len());
        rows <= 2 * MOST_FOLDERS && octets <= 2 * MOST_OCTETS
    };
    let mut is_too_much = false;
    let listed = connection.complete(STAGE, tag, |response| match response {
        Response::List(row) if !fits(&row.name) || folders.len() == MOST_FOLDERS => is_too_much = true,
        Response::MailboxStatus(row) if !fits(&row.name) => is_too_much = true,
        Response::List(row) if !row.is_lsub => {
            let Some(name) = MailboxName::new(own_form(&row.name)) else { return };
            // That one name is the same in all letters.
            let name = if name.is_inbox() { MailboxName::inbox() } else { name };
            let uses = Uses::of(row.attributes);
            let (delimiter, counts) = (row.delimiter, Counts::default());
            let folder = Folder { name, delimiter, uses, is_foreign: false, prefix: 0, counts };
            places.entry(folder.name.octets().to_vec()).or_insert_with(|| {
                folders.push(folder);
                folders.len() - 1
            });
        }
        Response::MailboxStatus(row) => {
            let counts = Counts {
                messages: row.messages,
                unseen: row.unseen,
                uidvalidity: row.uidvalidity,
                uidnext: row.uidnext,
            };
            let name = if row.name.eq_ignore_ascii_case(b"INBOX") { b"INBOX" } else { &*row.name };
            status.push((own_form(name), counts));
        }
        Response::Namespace(spaces) => {
            let named = |prefix: &Vec<u8>| !prefix.is_empty();
            let foreign = spaces.others.iter().chain(&spaces.shared);
            prefixes.own.extend(spaces.personal.iter().map(|one| own_form(&one.prefix)).filter(named));
            prefixes.foreign.extend(foreign.map(|one| own_form(&one.prefix)).filter(named));
            prefixes.own.truncate(MOST_PREFIXES);
            prefixes.foreign.truncate(MOST_PREFIXES);
        }
        _ => {}
    })?;
    if is_too_much {
        // A part of them would look like all of them.
        connection.wire.mark_broken();
        return Err(connection.lost(STAGE, &NetError::TooMuch(MOST_FOLDERS)));
    }
    if listed != Status::Ok {
        return Err(connection.refused(STAGE));
    }
    for (name, counts) in status {
        if let Some(place) = places.get(&name) {
            folders[*place].counts = counts;
        }
    }
    Ok((folders, prefixes))
}

/// A name as it is known here, in modified UTF-7. `in_utf8`: the server writes UTF-8. What is none stays as it is.
pub(super) fn in_own_form(octets: &[u8], in_utf8: bool) -> Vec<u8> {
    match std::str::from_utf8(octets) {
        Ok(text) if in_utf8 => utf7::encode(text).into_bytes(),
        _ => octets.to_vec(),
    }
}

impl OpenMailbox {
    /// Leaves the mailbox as it is. The next one that is opened closes it; CLOSE would expunge.
    pub fn leave(self) -> Authenticated {
        Authenticated::new(self.connection)
    }
}

/// A mailbox could not be opened.
#[derive(Debug)]
pub struct Opened {
    /// Why.
    pub failure: Failure,
    /// The session, where it goes on: the mailbox was refused and nothing else.
    pub session: Option<Box<Authenticated>>,
}
