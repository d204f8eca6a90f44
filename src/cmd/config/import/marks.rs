//! Which messages another program has fetched becomes marks in the ledgers.

use crate::account::Env;
use crate::account::import::place::{How, Placed, key_of};
use crate::account::import::uids::SeenList;
use crate::account::import::{Draft, DraftServer};
use crate::account::import::{Omission, UidList, file};
use crate::account::server::Protocol;
use crate::net::Limits;
use crate::store::AccountKey;
use crate::words::{Failure, Kind, Stage};
use crate::work::fetch::{count_new, mark_fetched_elsewhere};
use serde::Serialize;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A list that was read.
pub struct Read {
    account: String,
    key: AccountKey,
    path: PathBuf,
    list: UidList,
    octets: Zeroizing<Vec<u8>>,
}

/// `marks`: what came of it.
#[derive(Debug, Serialize)]
pub struct Marked {
    pub account: String,
    pub file: String,
    /// How many messages the list names.
    pub listed: usize,
    /// How many of them are marked now.
    pub marked: usize,
}

/// Reads the lists of the accounts.
pub fn read(placed: &[Placed], omissions: &mut Vec<Omission>, env: &Env) -> Result<Vec<Read>, Failure> {
    let mut found = Vec::new();
    for one in placed {
        let incoming = one.draft.servers.iter().find(|server| server.protocol.is_incoming());
        for list in &one.draft.lists {
            let Some(server) = incoming else { continue };
            let text = list.path.to_string_lossy();
            let beside = one.draft.file.parent().unwrap_or(Path::new(""));
            let path = match env.expand(&text, beside) {
                Ok(path) => path,
                Err(_) => list.path.clone(),
            };
            match file::read(&path, file::MAX_LIST)? {
                Some(octets) => found.push(Read {
                    account: one.name.clone(),
                    key: mailbox_of(server, &one.draft),
                    path,
                    list: list.clone(),
                    octets,
                }),
                None if list.keeps && one.how != How::There => omissions.push(Omission {
                    file: path,
                    line: None,
                    account: Some(one.draft.original.clone()),
                    what: "the list of fetched messages".into(),
                    why: "there is no such file: the first fetch brings everything that is on the server"
                        .into(),
                    hint: Some(format!(
                        "`postie fetch -A {} --mark-seen` before it brings only what comes later",
                        one.name
                    )),
                    matters: false,
                }),
                None => {}
            }
        }
    }
    // A damaged one stops everything before something is changed.
    found.iter().try_for_each(|read| read.uids().map(drop))?;
    Ok(found)
}

/// The mailbox that a list is of: by IMAP it is the inbox.
fn mailbox_of(server: &DraftServer, draft: &Draft) -> AccountKey {
    let key = key_of(server, draft);
    if server.protocol == Protocol::Imap { key.folder(b"INBOX") } else { key }
}

impl Read {
    fn uids(&self) -> Result<SeenList<'_>, Failure> {
        self.list.kind.read(&self.octets).map_err(|fault| {
            let place = format!("{}:{}", self.path.display(), fault.line);
            Failure::new(
                Kind::Input,
                Stage::Input,
                format!("{place}: reading the list of fetched messages: {}", fault.what),
            )
            .hint("--no-uids leaves the lists: the first fetch then brings everything that is on the server")
        })
    }
}

/// Marks what the lists name, or only counts it.
pub fn write(lists: &[Read], ledgers: &Path, is_dry: bool, limits: &Limits) -> Result<Vec<Marked>, Failure> {
    let stop = || limits.stop.raised();
    let mut done = Vec::new();
    for read in lists {
        let list = read.uids()?;
        let marked = match is_dry {
            true => count_new(ledgers, &read.key, &list),
            false if list.uids.is_empty() => Ok(0),
            false => mark_fetched_elsewhere(ledgers, &read.key, &list, &stop),
        };
        let marked = marked.map_err(|failure| failure.at(&read.account))?;
        let file = read.path.display().to_string();
        done.push(Marked { account: read.account.clone(), file, listed: list.uids.len(), marked });
    }
    Ok(done)
}
