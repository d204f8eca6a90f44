//! Readers of the store for the fuzz targets.

use super::identity::AccountKey;
use super::mboxrd::{Quoter, Unquoter, foreign, from_line};
use super::{FolderName, FolderPlaces, Layout, maildir};
use std::path::{Path, PathBuf};

/// A message quoted for an mbox and read back, both in pieces of this size, and its From_ line.
pub fn mboxrd(message: &[u8], piece: usize) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let (mut quoter, mut quoted) = (Quoter::new(), Vec::new());
    message.chunks(piece).for_each(|piece| quoter.push(piece, &mut quoted));
    quoter.end(&mut quoted);
    let (mut unquoter, mut back) = (Unquoter::default(), Vec::new());
    quoted.chunks(piece).for_each(|piece| unquoter.push(piece, &mut back));
    unquoter.end(&mut back);
    let line = from_line(message, piece as u64);
    let _ = (foreign(message, 0), foreign(&quoted, 0));
    (line, quoted, back)
}

/// Whether a file of a Maildir has a name of ours.
pub fn named(name: &str) -> bool {
    maildir::is_ours(name)
}

/// The paths that folders of these names get below `root`, whose map lies in `ledgers`; `None` where the map is
/// damaged.
pub fn folders(ledgers: &Path, root: &Path, names: &[Vec<u8>], layout: usize) -> Option<Vec<PathBuf>> {
    let account = &AccountKey::new("imap", "h", 993, "ana");
    let layout = [Layout::Subfolders, Layout::Nested, Layout::Mboxes][layout % 3];
    let name = |octets: &Vec<u8>| FolderName {
        octets: octets.clone(),
        parts: octets.split(|octet| *octet == b'/').map(<[u8]>::to_vec).collect(),
    };
    let names: Vec<FolderName> = names.iter().map(name).collect();
    FolderPlaces { ledgers, account, root, layout }.look(&names).ok()
}
