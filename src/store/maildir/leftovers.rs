//! The names of messages in a Maildir that may be unrecorded, in little memory: without a ledger that is
//! every message there.

#[derive(Clone, Copy, Debug)]
struct Leftover {
    key: [u8; 16],
    /// Where its name begins in [`Leftovers::names`].
    start: u32,
    /// The index of its directory.
    place: u16,
    /// The length of its name in octets.
    len: u8,
    taken: bool,
}

/// A message that was found.
#[derive(Debug)]
pub(super) struct FoundMessage {
    pub key: [u8; 16],
    pub name: String,
    /// The index of its directory: first come those of the Maildir, then two for every folder.
    pub place: u16,
}

/// All names, sorted by key.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    names: String,
    entries: Vec<Leftover>,
    left: usize,
}

impl Leftovers {
    /// Adds one. Beyond 4 GiB of names nothing is added; a message that is not found is fetched again.
    pub fn push(&mut self, key: [u8; 16], place: u16, name: &str) {
        let (Ok(start), Ok(len)) = (u32::try_from(self.names.len()), u8::try_from(name.len())) else {
            return;
        };
        self.names.push_str(name);
        self.entries.push(Leftover { key, start, place, len, taken: false });
    }

    /// Sorts them, so that they can be looked up. If two have the same key, the one in the first directory
    /// comes first.
    pub fn sort(&mut self) {
        self.entries.sort_unstable_by_key(|entry| (entry.key, entry.place, entry.start));
        self.left = self.entries.len();
    }

    /// Whether all are taken.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Takes the next one with this key whose name fits.
    pub fn take(&mut self, key: [u8; 16], fits: impl Fn(&str) -> bool) -> Option<FoundMessage> {
        let all = self.of(key);
        let at = all.into_iter().find(|at| !self.entries[*at].taken && fits(self.name(*at)))?;
        let found = FoundMessage { key, name: self.name(at).to_owned(), place: self.entries[at].place };
        self.mark(at);
        Some(found)
    }

    /// Takes any of them.
    pub fn take_any(&mut self) -> Option<FoundMessage> {
        let at = self.entries.iter().position(|entry| !entry.taken)?;
        let Leftover { key, place, .. } = self.entries[at];
        let found = FoundMessage { key, name: self.name(at).to_owned(), place };
        self.mark(at);
        Some(found)
    }

    /// The message is dealt with. While a reader moved it, it may have been seen under other names: these are
    /// taken, too.
    pub fn settle(&mut self, found: &FoundMessage) {
        for at in self.of(found.key) {
            if base(self.name(at)) == base(&found.name) {
                self.mark(at);
            }
        }
    }

    fn mark(&mut self, at: usize) {
        self.left -= usize::from(!std::mem::replace(&mut self.entries[at].taken, true));
    }

    fn of(&self, key: [u8; 16]) -> std::ops::Range<usize> {
        let from = self.entries.partition_point(|entry| entry.key < key);
        from..from + self.entries[from..].partition_point(|entry| entry.key == key)
    }

    fn name(&self, at: usize) -> &str {
        let Leftover { start, len, .. } = self.entries[at];
        &self.names[start as usize..start as usize + usize::from(len)]
    }
}

/// A name without its flags.
pub(super) fn base(name: &str) -> &str {
    name.split(":2,").next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_taken_once_even_if_it_was_seen_in_two_directories() {
        let mut all = Leftovers::default();
        let (one, two) = ([1; 16], [2; 16]);
        all.push(two, 1, "c:2,S");
        all.push(one, 1, "a:2,FS");
        all.push(one, 0, "a");
        all.push(one, 1, "b:2,");
        all.sort();
        assert!(all.take([3; 16], |_| true).is_none());
        assert!(all.take(two, |_| false).is_none());
        let found = all.take(one, |_| true).unwrap();
        assert_eq!((found.name.as_str(), found.place), ("a", 0));
        all.settle(&found);
        let other = all.take(one, |_| true).unwrap();
        assert_eq!((other.name.as_str(), other.place), ("b:2,", 1));
        assert!(all.take(one, |_| true).is_none() && !all.is_empty());
        assert!(all.take(two, |_| true).is_some() && all.is_empty());
    }
}
