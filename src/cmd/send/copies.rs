//! `--save-copy`: where a copy of what was accepted goes. What can be known before anything is sent is checked then:
//! the place, that there is an IMAP server, its secret.

use crate::account::{Account, values};
use crate::cli::SendArgs;
use crate::cmd::message::{octets_of, shown};
use crate::cmd::{Context, service};
use crate::codec::imap::MailboxName as Folder;
use crate::mail::Outgoing;
use crate::net::Limits;
use crate::store::Place;
use crate::words::Failure;
use crate::work::filing::{Filing, is_needless};
use crate::work::send::{CopyTo, SavedCopy};
use std::path::PathBuf;

/// What `--save-copy` says.
pub enum CopyChoice {
    /// A place on this machine, and the directory of the ledgers.
    Here(CopyTo, PathBuf),
    /// The account's IMAP server: this folder, else that for sent mail.
    Imap(Option<Folder>),
}

impl CopyChoice {
    /// Reads the option, and checks a place on this machine. Creates nothing.
    pub fn of(args: &SendArgs, context: &Context) -> Result<Option<Self>, Failure> {
        let Some(text) = args.save_copy.as_deref() else { return Ok(None) };
        let wrong = || {
            Failure::usage(format!(
                "--save-copy: {text:?}: write maildir:DIR, mbox:FILE, imap or imap:FOLDER"
            ))
        };
        match text.split_once(':') {
            None if text == "imap" => Ok(Some(CopyChoice::Imap(None))),
            Some(("imap", folder)) => {
                let folder = values::folder(folder)
                    .map_err(|what| Failure::usage(format!("--save-copy: {folder:?}: {what}")))?;
                Ok(Some(CopyChoice::Imap(Some(folder))))
            }
            _ => {
                let copy = CopyTo::parse(text).ok_or_else(wrong)?;
                copy.check()?;
                Ok(Some(CopyChoice::Here(copy, context.env.state_dir()?.join("copies"))))
            }
        }
    }

    /// Whether it is the account's SMTP server that files everything sent.
    fn is_needless(&self, account: &Account) -> bool {
        match self {
            CopyChoice::Imap(folder) => {
                account.smtp.as_ref().is_some_and(|smtp| is_needless(smtp, folder.as_ref()))
            }
            CopyChoice::Here(..) => false,
        }
    }

    /// Refuses an account without the server that the copy goes to. Fails with `config`.
    pub fn check(&self, account: &Account) -> Result<(), Failure> {
        if matches!(self, CopyChoice::Here(..)) || account.imap.is_some() || self.is_needless(account) {
            return Ok(());
        }
        let failure = Failure::config("--save-copy imap: the account has no imap server").at(&account.label);
        Err(match &account.name_in_config {
            Some(name) => failure.hint(format!("`postie config set {name} imap.host HOST` gives it one")),
            None => failure
                .hint("$POSTIE_IMAP_URL names one, beside $POSTIE_SMTP_URL; an account of the configuration may have one"),
        })
    }

    /// Gets ready to store copies of what `account` sends, the secret too; `limits` are those of a session. Fails
    /// with `config`.
    pub fn prepare(
        self,
        account: &Account,
        context: &Context,
        limits: &Limits,
    ) -> Result<SentCopies, Failure> {
        self.check(account)?;
        let is_needless = self.is_needless(account);
        Ok(match (self, &account.imap, &account.smtp) {
            (CopyChoice::Here(to, ledgers), ..) => {
                SentCopies::Here { to, ledgers, limits: context.limits.clone() }
            }
            (CopyChoice::Imap(folder), Some(_), Some(smtp)) if !is_needless => {
                let service = service::filing(account, context)?;
                SentCopies::Imap(Box::new(Filing::new(service, smtp.clone(), folder, limits.clone())))
            }
            (CopyChoice::Imap(_), ..) => SentCopies::ByServer,
        })
    }
}

/// Stores copies.
pub enum SentCopies {
    /// In a Maildir or an mbox.
    Here {
        to: CopyTo,
        /// The directory of the ledgers.
        ledgers: PathBuf,
        limits: Limits,
    },
    /// On the account's IMAP server.
    Imap(Box<Filing>),
    /// The server files what is sent by itself.
    ByServer,
}

impl SentCopies {
    /// Stores a copy of what was accepted. A failure is one of the copy alone.
    pub fn store(&mut self, outgoing: &mut Outgoing) -> Result<SavedCopy, Failure> {
        match self {
            SentCopies::Here { to, ledgers, limits } => {
                to.store(outgoing, ledgers, limits).map(|place| of(&place))
            }
            SentCopies::Imap(filing) => filing.file(outgoing),
            SentCopies::ByServer => Ok(SavedCopy { by_server: true, ..SavedCopy::default() }),
        }
    }

    /// Ends the session, if there is one.
    pub fn close(self) {
        if let SentCopies::Imap(filing) = self {
            filing.close();
        }
    }
}

/// A place on this machine.
fn of(place: &Place) -> SavedCopy {
    match place {
        Place::Maildir(path) => {
            SavedCopy { path: shown(path), path_bytes: octets_of(path), ..SavedCopy::default() }
        }
        Place::Mbox { path, offset } => SavedCopy {
            mbox: shown(path),
            path_bytes: octets_of(path),
            offset: Some(*offset),
            ..SavedCopy::default()
        },
        Place::Command | Place::Stdout | Place::OtherFolder => SavedCopy::default(),
    }
}
