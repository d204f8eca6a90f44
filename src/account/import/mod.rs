//! Settings of other mail programs, as accounts of postie: pure readers, text in, drafts of accounts out.
//!
//! Nothing in such a file is run, and a reader opens no other file. What postie has no setting for is said line by
//! line ([`Omission`]). A protection that the other program had is kept or made stronger, never weaker: where the
//! password would have gone in clear, TLS is required. Text with control characters never gets into a draft.

mod draft;
pub mod fetchmail;
pub mod file;
pub mod getmail;
pub mod himalaya;
mod ini;
mod lines;
pub mod msmtp;
pub mod mutt;
mod names;
pub mod netrc;
pub mod place;
mod python;
mod remarks;
pub mod thunderbird;
pub mod uids;

pub use draft::{Draft, DraftSecret, DraftServer};
pub use uids::{UidList, UidListKind};

use crate::words::Failure;
use std::path::{Path, PathBuf};

/// The most accounts that one import takes.
pub const MAX_ACCOUNTS: usize = 200;

/// A program whose settings can be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Msmtp,
    Mpop,
    Getmail,
    Fetchmail,
    Netrc,
    Mutt,
    Himalaya,
    Thunderbird,
}

impl Tool {
    pub const ALL: &[Tool] = &[
        Tool::Msmtp,
        Tool::Mpop,
        Tool::Getmail,
        Tool::Fetchmail,
        Tool::Netrc,
        Tool::Mutt,
        Tool::Himalaya,
        Tool::Thunderbird,
    ];

    /// The name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Msmtp => "msmtp",
            Tool::Mpop => "mpop",
            Tool::Getmail => "getmail",
            Tool::Fetchmail => "fetchmail",
            Tool::Netrc => "netrc",
            Tool::Mutt => "mutt",
            Tool::Himalaya => "himalaya",
            Tool::Thunderbird => "thunderbird",
        }
    }
}

/// Something that was not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omission {
    /// The file it stands in.
    pub file: PathBuf,
    /// Its line, counted from 1; none where a file has no lines or it is about the whole of it.
    pub line: Option<usize>,
    /// The account in that file.
    pub account: Option<String>,
    /// What was not taken: a key and, where it is no secret, its value.
    pub what: String,
    /// Why not.
    pub why: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether it changes what is protected, fetched or deleted: such an import is only a part.
    pub matters: bool,
}

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Import {
    pub accounts: Vec<Draft>,
    pub omissions: Vec<Omission>,
    /// The account that the program uses by default.
    pub default: Option<String>,
}

/// A file to be read: its place, for remarks, and what is in it.
#[derive(Clone, Copy, Debug)]
pub struct ImportText<'a> {
    pub path: &'a Path,
    pub octets: &'a [u8],
}

impl ImportText<'_> {
    /// The failure for a line that the program itself would not read, or for the whole file.
    fn broken(&self, line: Option<usize>, what: &str) -> Failure {
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        Failure::config(format!("{}{line}: reading the settings to be imported: {what}", self.path.display()))
    }

    fn omission(&self, line: Option<usize>, what: impl Into<String>, why: impl Into<String>) -> Omission {
        Omission {
            file: self.path.to_owned(),
            line,
            account: None,
            what: what.into(),
            why: why.into(),
            hint: None,
            matters: false,
        }
    }
}

impl Omission {
    fn of(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn matters(mut self) -> Self {
        self.matters = true;
        self
    }
}
