//! Making the content of many new files durable at once.

use super::super::durable;
use rustix::io::retry_on_intr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

/// A batch of this many files or fewer is synced file by file: a `syncfs` waits for everything that any
/// program has written to the file system.
const FEW: usize = 2;
/// How many files are held open to be synced one by one if `syncfs` cannot be used.
const OPEN_FILES: usize = 256;

/// File systems on which `syncfs` is known to make file content durable and to report what could not be
/// written: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs (which has nothing to write).
const TRUSTED: [u64; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994];

/// How a batch becomes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Barrier {
    /// One `syncfs` for all.
    Whole,
    /// One fsync for each.
    Each,
}

impl Barrier {
    /// The best way for the file system of `dir`.
    pub fn of(dir: impl AsFd) -> Self {
        let kind = rustix::fs::fstatfs(dir).map_or(0, |stat| stat.f_type as u64 & 0xffff_ffff);
        match reports_errors(rustix::system::uname().release().to_bytes()) && TRUSTED.contains(&kind) {
            true => Barrier::Whole,
            false => Barrier::Each,
        }
    }

    /// Whether the file with this index in the batch must stay open until the barrier.
    pub fn wants_files(self, place: usize) -> bool {
        match self {
            Barrier::Whole => place < FEW,
            Barrier::Each => true,
        }
    }

    /// Whether a batch of so many files should be committed.
    pub fn is_full(self, count: usize) -> bool {
        self == Barrier::Each && count >= OPEN_FILES
    }

    /// Makes `count` new files durable; `files` are those that had to stay open.
    pub fn pass<'a>(
        self,
        dir: impl AsFd,
        mut files: impl Iterator<Item = &'a File>,
        count: usize,
    ) -> io::Result<()> {
        if self == Barrier::Whole && count > FEW {
            return Ok(retry_on_intr(|| rustix::fs::syncfs(dir.as_fd()))?);
        }
        files.try_for_each(durable::sync)
    }
}

/// Whether `syncfs` of this kernel reports errors: Linux 5.8 and later.
fn reports_errors(release: &[u8]) -> bool {
    let mut numbers = release.split(|octet| !octet.is_ascii_digit()).map(|digits| {
        std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0)
    });
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    cfg!(target_os = "linux") && version >= (5, 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncfs_is_used_from_linux_5_8_on() {
        for (release, trusted) in [
            ("5.8.0", true),
            ("5.10.0-21-amd64", true),
            ("6.1", true),
            ("10.0.1", true),
            ("5.7.19", false),
            ("4.19.0", false),
            ("5", false),
            ("", false),
            ("next", false),
            ("99999999999.1", false),
        ] {
            assert_eq!(reports_errors(release.as_bytes()), trusted, "{release}");
        }
    }

    #[test]
    fn a_small_batch_is_synced_file_by_file_and_a_large_one_at_once() {
        assert!(Barrier::Whole.wants_files(0) && Barrier::Whole.wants_files(FEW - 1));
        assert!(!Barrier::Whole.wants_files(FEW));
        assert!(Barrier::Each.wants_files(FEW) && Barrier::Each.is_full(OPEN_FILES));
        assert!(!Barrier::Whole.is_full(usize::MAX));
    }
}
