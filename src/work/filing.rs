//! `--save-copy imap`: files what was accepted in a folder of the account's IMAP server, over one session for all
//! messages of a run.
//!
//! Before each message the folder is searched for it, by its Message-ID: many servers file what is sent through them.
//! If the line is lost with the message, nobody knows whether it was filed: then a new session looks, and only where
//! certainly nothing was filed, it is filed once more. After silence it is not: the server may still be at work.

use super::send::{Backoff, SavedCopy, without_copy};
use super::service::Service;
use crate::account::{Server, providers};
use crate::codec::imap::{InternalDate, MailboxName};
use crate::imap::{Authenticated, Folder, MailboxLook, NotFiled, Presence};
use crate::mail::{Outgoing, zone};
use crate::net::Limits;
use crate::words::{Exit, Failure, Kind, Stage};
use std::net::IpAddr;

/// The names that a folder for sent mail has where the server does not say which it is; also below INBOX.
const SENT: [&str; 4] = ["Sent", "Sent Items", "Sent Messages", "Sent Mail"];
/// How often one message is filed at most.
const MOST_APPENDS: u8 = 2;

/// Files copies on an IMAP server.
pub struct Filing {
    service: Service,
    smtp: Server,
    /// The folder, where it was named.
    asked: Option<MailboxName>,
    limits: Limits,
    session: Option<Authenticated>,
    target: Option<FilingTarget>,
    backoff: Backoff,
    /// Whether the server announces that it takes literals unasked, and does not.
    wants_to_be_asked: bool,
}

/// The folder that copies go to.
#[derive(Clone)]
struct FilingTarget {
    name: MailboxName,
    /// Whether it is where the server files what is sent, if it does.
    is_sent: bool,
}

/// What was tried for one message.
#[derive(Default)]
struct Tries {
    /// Whether a session was lost, and another opened, before anything was filed.
    renewed: bool,
    appends: u8,
    /// An APPEND of which nobody knows what became.
    doubt: Option<Doubt>,
}

struct Doubt {
    /// The folder before it.
    before: Box<MailboxLook>,
    failure: Failure,
}

/// Why an attempt failed.
enum NotSaved {
    /// Nothing of the message had left.
    Before(Failure),
    /// The message was not filed, or perhaps; the folder before that.
    Append(NotFiled, Box<MailboxLook>),
    /// It cannot be told whether an earlier attempt has filed it.
    InDoubt,
}

impl From<Failure> for NotSaved {
    fn from(failure: Failure) -> Self {
        NotSaved::Before(failure)
    }
}

/// Whether everything that is sent through this server is filed by it among the sent mail, wherever that is.
pub fn is_needless(smtp: &Server, folder: Option<&MailboxName>) -> bool {
    folder.is_none() && providers::files_sent(&smtp.host)
}

impl Filing {
    /// Files in `folder`, else in the folder for sent mail; `smtp` is the server that has accepted the messages. It
    /// connects with its first message.
    pub fn new(service: Service, smtp: Server, folder: Option<MailboxName>, limits: Limits) -> Self {
        Filing {
            service,
            smtp,
            asked: folder,
            limits,
            session: None,
            target: None,
            backoff: Backoff::new(),
            wants_to_be_asked: false,
        }
    }

    /// Files a message that was accepted. Every failure is one of the copy alone.
    pub fn file(&mut self, outgoing: &mut Outgoing) -> Result<SavedCopy, Failure> {
        let mut tries = Tries::default();
        loop {
            let was_open = self.session.is_some();
            let (not_saved, is_broken) = match self.session() {
                Ok(mut session) => {
                    let filed = self.file_in(&mut session, outgoing, &mut tries);
                    let is_broken = session.is_broken();
                    if !is_broken {
                        self.session = Some(session);
                    }
                    match filed {
                        Ok(copy) => return Ok(copy),
                        Err(not_saved) => (not_saved, is_broken),
                    }
                }
                Err(failure) => (NotSaved::Before(failure), false),
            };
            let (failure, may_be_idle) = match not_saved {
                NotSaved::Append(NotFiled { failure, perhaps_filed: true, .. }, before) => {
                    tries.doubt = Some(Doubt { before, failure });
                    continue;
                }
                NotSaved::Append(NotFiled { wants_to_be_asked: true, .. }, _) if !self.wants_to_be_asked => {
                    self.wants_to_be_asked = true;
                    continue;
                }
                NotSaved::Before(failure) => (failure, was_open),
                NotSaved::Append(NotFiled { failure, .. }, _) => (failure, false),
                NotSaved::InDoubt => return Err(self.without(tries.doubt, None)),
            };
            // A server ends sessions that were idle, or just says nothing any more.
            let is_lost = match failure.kind() {
                Kind::Network | Kind::Deferred => true,
                Kind::Timeout => may_be_idle,
                _ => false,
            };
            if !(is_broken && is_lost) || std::mem::replace(&mut tries.renewed, true) {
                return Err(self.without(tries.doubt, Some(failure)));
            }
        }
    }

    /// Ends the session.
    pub fn close(self) {
        if let Some(session) = self.session {
            session.logout();
        }
    }

    /// What is told of a copy that is missing.
    fn without(&self, doubt: Option<Doubt>, failure: Option<Failure>) -> Failure {
        let folder = match self.target.as_ref().map(|target| &target.name).or(self.asked.as_ref()) {
            Some(name) => format!("the folder {name}"),
            None => "the folder for sent mail".into(),
        };
        match (doubt, failure) {
            (Some(doubt), _) => {
                let what = format!("nobody knows whether its copy is in {folder}");
                without_copy(doubt.failure, &what)
            }
            (None, Some(failure)) => without_copy(failure, &format!("its copy is not in {folder}")),
            (None, None) => {
                let failure = Failure::new(Kind::Internal, Stage::SaveCopy, "a doubt without a reason");
                without_copy(failure, &format!("its copy may not be in {folder}"))
            }
        }
    }

    /// The session of the last message, or a new one. One that could not be opened is not tried again for every
    /// message, and a refused login never.
    fn session(&mut self) -> Result<Authenticated, Failure> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        if let Some(failure) = self.backoff.failure() {
            return Err(failure.clone());
        }
        match self.service.log_in(&self.limits) {
            Ok(session) => {
                self.backoff.clear();
                Ok(session)
            }
            Err(failure) => {
                self.backoff.note(&failure, failure.exit() != Exit::TempFail);
                Err(failure)
            }
        }
    }

    /// One attempt.
    fn file_in(
        &mut self,
        session: &mut Authenticated,
        outgoing: &mut Outgoing,
        tries: &mut Tries,
    ) -> Result<SavedCopy, NotSaved> {
        let files_itself = self.files_itself(session);
        let FilingTarget { name, is_sent } = self.target(session, files_itself)?;
        let look = session.look(&name, message_id(outgoing))?;
        if look.presence == Presence::Missing {
            let message = format!("EXAMINE: there is no folder {name}");
            let failure = Failure::new(Kind::Missing, Stage::Examine, message).at(session.place());
            return Err(failure.hint(NAME_ONE).into());
        }
        let mut copy = SavedCopy { folder: Some(name.to_string()), ..SavedCopy::default() };
        if let Some(Some(uid)) = look.found {
            copy.already_there = tries.doubt.is_none();
            (copy.uid, copy.uidvalidity) = (Some(uid), look.uidvalidity);
            return Ok(copy);
        }
        if files_itself && is_sent {
            copy.by_server = true;
            return Ok(copy);
        }
        if let Some(doubt) = &tries.doubt {
            let is_absent = look.found == Some(None) && look.is_unchanged_since(&doubt.before);
            if doubt.failure.kind() == Kind::Timeout || !is_absent {
                return Err(NotSaved::InDoubt);
            }
            if tries.appends >= MOST_APPENDS {
                let failure = doubt.failure.clone();
                tries.doubt = None;
                return Err(NotSaved::Before(failure));
            }
            tries.doubt = None;
        }
        tries.appends += 1;
        if self.wants_to_be_asked {
            session.await_consent();
        }
        let filed = match outgoing.content.reader() {
            Ok(message) => session.append(&name, message, now()),
            Err(error) => {
                let message = format!("APPEND: reading the message: {error}");
                Err(Failure::new(Kind::Storage, Stage::Append, message).into())
            }
        };
        let filed = filed.map_err(|not_filed| NotSaved::Append(explained(not_filed), Box::new(look)))?;
        if let Some(filed) = filed {
            (copy.uid, copy.uidvalidity) = (Some(filed.uid), Some(filed.uidvalidity));
        }
        Ok(copy)
    }

    /// Whether the SMTP server files what is sent in the folder for sent mail of this mailbox. Gmail is also known
    /// by its capability, where both servers are one to us (a proxy, a tunnel); with another SMTP server beside it
    /// nobody files.
    fn files_itself(&self, session: &Authenticated) -> bool {
        let (smtp, imap) = (&self.smtp.host, &self.service.server.host);
        let is_gmail = session.capabilities().gmail;
        providers::files_sent(smtp) || is_gmail && (smtp.eq_ignore_ascii_case(imap) || is_here(smtp))
    }

    /// The folder that copies go to.
    fn target(&mut self, session: &mut Authenticated, files_itself: bool) -> Result<FilingTarget, Failure> {
        if let Some(target) = &self.target {
            return Ok(target.clone());
        }
        let listed = match self.asked.is_some() && !files_itself {
            true => Vec::new(),
            false => session.folders(false)?,
        };
        let sent = sent(&listed);
        let target = match (&self.asked, sent) {
            (Some(asked), _) => FilingTarget {
                name: asked.clone(),
                is_sent: sent.is_some_and(|folder| folder.name == *asked),
            },
            (None, Some(folder)) => FilingTarget { name: folder.name.clone(), is_sent: true },
            (None, None) => {
                let message = "LIST: no folder is the one for sent mail";
                let failure = Failure::new(Kind::Missing, Stage::List, message).at(session.place());
                return Err(failure.hint(NAME_ONE));
            }
        };
        Ok(self.target.insert(target).clone())
    }
}

const NAME_ONE: &str =
    "no folder is made; `postie list --folders` shows those there are, and --save-copy imap:FOLDER names one";

/// A folder that is not there, told when the message was on its way.
fn explained(not_filed: NotFiled) -> NotFiled {
    match not_filed.failure.kind() {
        Kind::Missing => NotFiled { failure: not_filed.failure.hint(NAME_ONE), ..not_filed },
        _ => not_filed,
    }
}

/// The user's own folder for sent mail: the one that the server names (`RFC 6154`), else one with a usual name.
fn sent(listed: &[Folder]) -> Option<&Folder> {
    let own = || listed.iter().filter(|folder| !folder.uses.no_select && !folder.is_foreign);
    own().find(|folder| folder.uses.sent).or_else(|| {
        let names = SENT.iter().flat_map(|name| [(*name, false), (*name, true)]);
        names.into_iter().find_map(|(name, inside)| own().find(|folder| is_called(folder, name, inside)))
    })
}

/// Whether a folder has this name, at the top or below the inbox.
fn is_called(folder: &Folder, name: &str, below_inbox: bool) -> bool {
    const INBOX: usize = "INBOX".len();
    let octets = folder.name.octets();
    let own = match (below_inbox, octets.split_at_checked(INBOX), folder.delimiter) {
        (false, ..) => octets,
        (true, Some((inbox, rest)), Some(delimiter)) if inbox.eq_ignore_ascii_case(b"INBOX") => {
            match rest.split_first() {
                Some((first, rest)) if *first == delimiter => rest,
                _ => return false,
            }
        }
        _ => return false,
    };
    own.eq_ignore_ascii_case(name.as_bytes())
}

/// The Message-ID alone, as it stands between the angles.
fn message_id(outgoing: &Outgoing) -> Option<&str> {
    let end = |c: char| c == '>' || c.is_whitespace();
    outgoing.message_id.split(end).next().filter(|id| !id.is_empty())
}

/// Whether a host is this one.
fn is_here(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// When the copy is filed.
fn now() -> InternalDate {
    let now = zone::now();
    InternalDate { seconds: now.timestamp().as_second(), offset: now.offset().seconds() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Protocol;
    use crate::net::Security;

    #[test]
    fn the_smtp_server_says_whether_a_copy_is_needed() {
        let server = |host: &str| Server::new(Protocol::Smtp, host.into(), Security::Implicit);
        assert!(is_needless(&server("smtp.gmail.com"), None));
        let named = MailboxName::new("Projects");
        assert!(!is_needless(&server("smtp.gmail.com"), named.as_ref()), "another folder is the user's wish");
        assert!(!is_needless(&server("smtp.example.org"), None));
        for (host, here) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("192.0.2.1", false),
            ("localhost.example.org", false),
        ] {
            assert_eq!(is_here(host), here, "{host}");
        }
    }
}
