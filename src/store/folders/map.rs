//! The file that says which folder has which path.

use super::FolderPlaces;
use super::name::{FolderName, numbered, spell};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::identity::escape;
use crate::store::ledger::disk::{check_directories, exists, lock_of, open_to_read};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest map that is read, in octets: enough for 100,000 folders with long names.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The content of the file, as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct MapContent {
    v: u32,
    account: String,
    /// Percent-encoded, like the names.
    root: String,
    layout: String,
    /// The server's octets for a folder, and its path below the root.
    folders: BTreeMap<String, String>,
}

/// The paths of an account's folders below one root.
#[derive(Debug)]
pub(super) struct FolderMap<'a> {
    path: PathBuf,
    /// Held open: closing it releases the lock.
    _lock: Option<File>,
    places: &'a FolderPlaces<'a>,
    root: &'a Path,
    content: MapContent,
    /// The paths of `content` by what a file system that ignores case takes them for.
    folded: HashMap<String, Vec<String>>,
    is_changed: bool,
}

impl<'a> FolderMap<'a> {
    /// Locks and reads the file. Kinds: cannot create, storage, locked, interrupted, config.
    pub fn open(
        places: &'a FolderPlaces<'a>,
        root: &'a Path,
        wait: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, StoreError> {
        let dir = durable::absolute(places.ledgers)?;
        durable::make_dirs(&dir)
            .map_err(|error| StoreError::cannot_create(&dir, "make the state directory", error))?;
        check_directories(&dir)?;
        let path = dir.join(file_name(places, root));
        let lock = lock_of(&path, wait, stop)?;
        durable::sweep_beside(&path).map_err(|error| StoreError::io(&path, "clean up beside", error))?;
        FolderMap { _lock: Some(lock), ..FolderMap::empty(places, root, path) }.read()
    }

    /// Reads the file without a lock.
    pub fn peek(places: &'a FolderPlaces<'a>, root: &'a Path) -> Result<Self, StoreError> {
        let dir = durable::absolute(places.ledgers)?;
        if dir.exists() {
            check_directories(&dir)?;
        }
        let path = dir.join(file_name(places, root));
        FolderMap::empty(places, root, path).read()
    }

    fn empty(places: &'a FolderPlaces<'a>, root: &'a Path, path: PathBuf) -> Self {
        let content = MapContent {
            v: 1,
            account: places.account.without_folder().to_owned(),
            root: escape(root.as_os_str().as_bytes()),
            layout: places.layout.name().to_owned(),
            folders: BTreeMap::new(),
        };
        FolderMap { path, _lock: None, places, root, content, folded: HashMap::new(), is_changed: false }
    }

    fn read(mut self) -> Result<Self, StoreError> {
        if !exists(&self.path)? {
            return Ok(self);
        }
        let mut text = Vec::new();
        let file = open_to_read(&self.path)?;
        file.take(LARGEST)
            .read_to_end(&mut text)
            .map_err(|error| StoreError::io(&self.path, "read", error))?;
        let damaged = |line, why| StoreError::Damaged { path: self.path.clone(), line, why };
        let content: MapContent =
            serde_json::from_slice(&text).map_err(|error| damaged(error.line(), "not a map of folders"))?;
        if content.v != 1 {
            let version = content.v.to_string();
            return Err(StoreError::TooNew { path: self.path, version });
        }
        let own = &self.content;
        if (&content.account, &content.root, &content.layout) != (&own.account, &own.root, &own.layout) {
            return Err(damaged(1, "it is the map of another account or directory"));
        }
        for path in content.folders.values() {
            self.folded.entry(path.to_lowercase()).or_default().push(path.clone());
        }
        self.content = content;
        Ok(self)
    }

    /// Whether there is something to save.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Makes new entries durable.
    pub fn save(&mut self) -> Result<(), StoreError> {
        let mut text = serde_json::to_vec_pretty(&self.content)
            .map_err(|error| StoreError::io(&self.path, "write", std::io::Error::other(error)))?;
        text.push(b'\n');
        durable::atomic_replace(&self.path, &text, 0o600)?;
        self.is_changed = false;
        Ok(())
    }

    /// The path of a folder below the root: the one it has, else a free one.
    pub fn place(&mut self, name: &FolderName) -> String {
        let key = escape(&name.octets);
        if let Some(path) = self.content.folders.get(&key) {
            return path.clone();
        }
        let spelt = spell(name, self.places.layout);
        let numbers = (2..).map(|number| numbered(&spelt, number));
        let path = std::iter::once(spelt.clone()).chain(numbers).find(|path| !self.is_taken(path));
        let path = path.unwrap_or(spelt);
        self.folded.entry(path.to_lowercase()).or_default().push(path.clone());
        self.content.folders.insert(key, path.clone());
        self.is_changed = true;
        path
    }

    /// Whether the path of a folder depends on what is on disk: another one has nearly the same.
    pub fn asks_the_disk(&self, name: &FolderName) -> bool {
        !self.content.folders.contains_key(&escape(&name.octets))
            && self.folded.contains_key(&spell(name, self.places.layout).to_lowercase())
    }

    /// Whether another folder has this path, or one that a file system may take for the same.
    fn is_taken(&self, path: &str) -> bool {
        let same = |one: &Path| std::fs::symlink_metadata(one).map(|meta| (meta.dev(), meta.ino())).ok();
        let there = same(&self.root.join(path));
        let is_same =
            |other: &String| *other == *path || (there.is_some() && same(&self.root.join(other)) == there);
        // Decided without asking the disk for each name: a file system that ignores case changes nothing else
        // in names.
        self.folded.get(&path.to_lowercase()).into_iter().flatten().any(is_same)
    }
}

/// The name of the map: readable, and made unique by a hash.
fn file_name(places: &FolderPlaces<'_>, root: &Path) -> String {
    let more = [places.layout.name().as_bytes(), b"\0", root.as_os_str().as_bytes()].concat();
    places.account.map_name(&more)
}
