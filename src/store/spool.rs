//! Keeps a message, or a part of one, until it is whole: in memory while it is small, then in a file without
//! a name. All octets that postie keeps for later are kept here.
//!
//! All octets go through the same buffer to the same place, so they keep their order, however they are cut
//! into pieces.

use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use tempfile::{SpooledData, SpooledTempFile};

/// How many octets are kept in memory; anything larger needs a temporary file.
pub const MEMORY: usize = 1024 * 1024;

/// Small pieces are collected up to this size before they are written.
const BUFFER: usize = 64 * 1024;

/// Takes octets and keeps them in their order.
#[derive(Debug)]
pub struct Spool {
    out: BufWriter<SpooledTempFile>,
    len: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Spool { out: BufWriter::with_capacity(BUFFER, SpooledTempFile::new(MEMORY)), len: 0 }
    }
}

impl Spool {
    /// Adds octets. After an error, nothing in it may be used.
    pub fn push(&mut self, octets: &[u8]) -> io::Result<()> {
        self.out.write_all(octets)?;
        self.len += octets.len() as u64;
        Ok(())
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Ends it; from now on it can be read, from its start.
    pub fn finish(self) -> io::Result<Spooled> {
        let mut octets = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        octets.rewind()?;
        Ok(Spooled { octets, len: self.len })
    }
}

/// The octets that were kept; they can be read any number of times.
#[derive(Debug)]
pub struct Spooled {
    octets: SpooledTempFile,
    len: u64,
}

impl Spooled {
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Goes back to its start.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.octets.seek(SeekFrom::Start(0)).map(|_| ())
    }

    /// The first octets, at most `limit`. The next read begins at the start again.
    pub fn head(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        self.rewind()?;
        let mut head = Vec::new();
        Read::by_ref(&mut self.octets).take(limit as u64).read_to_end(&mut head)?;
        self.rewind()?;
        Ok(head)
    }

    /// All octets as a file, positioned at its start, for a process that is to read it. If they are in
    /// memory, they stay there, so no directory for temporary files is needed.
    pub fn into_file(self) -> io::Result<File> {
        let mut file = match self.octets.into_inner() {
            SpooledData::OnDisk(file) => file,
            SpooledData::InMemory(octets) => {
                // The kernel may forbid such a file.
                let file = memfd_create("message", MemfdFlags::CLOEXEC).map(File::from);
                let mut file = file.or_else(|_| tempfile::tempfile())?;
                file.write_all(octets.get_ref())?;
                file
            }
        };
        file.rewind()?;
        Ok(file)
    }
}

impl Read for Spooled {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.octets.read(into)
    }
}

/// Calls `take` with everything that `source` has, block by block.
pub fn each_block(source: &mut dyn Read, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut block = vec![0; BUFFER];
    loop {
        match source.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&block[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state of a generator of numbers (xorshift); it has no zero.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % bound as u64) as usize
        }

        /// A size about one of those at which something in a spool changes.
        fn size(&mut self) -> usize {
            let about = [1, 64, 4096, BUFFER / 2, BUFFER, 2 * BUFFER, MEMORY][self.below(7)];
            (about + self.below(3)).saturating_sub(1)
        }
    }

    fn all(spooled: &mut Spooled) -> Vec<u8> {
        let mut octets = Vec::new();
        each_block(spooled, |block| octets.write_all(block)).unwrap();
        octets
    }

    #[test]
    fn octets_keep_their_order_in_pieces_of_any_size() {
        for seed in 1..=16 {
            let mut numbers = Numbers(seed * 0x9e37_79b9);
            let total =
                [MEMORY - 1, MEMORY, MEMORY + 1, 3 * MEMORY][numbers.below(4)] + numbers.below(BUFFER);
            let octets: Vec<u8> = (0..total).map(|at| (at % 251) as u8).collect();
            let (mut spool, mut rest) = (Spool::default(), octets.as_slice());
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(numbers.size().min(rest.len()));
                spool.push(piece).unwrap();
                rest = behind;
            }
            assert_eq!(spool.len(), total as u64);
            let mut spooled = spool.finish().unwrap();
            assert!(spooled.head(10).unwrap() == octets[..10] && spooled.len() == total as u64);
            assert!(all(&mut spooled) == octets, "seed {seed}");
            spooled.rewind().unwrap();
            assert!(all(&mut spooled) == octets, "seed {seed}, read again");
            let mut filed = Vec::new();
            spooled.into_file().unwrap().read_to_end(&mut filed).unwrap();
            assert!(filed == octets, "seed {seed}, as a file");
        }
    }

    #[test]
    fn every_size_near_the_bounds_is_read_back() {
        for len in [0, 1, BUFFER - 1, BUFFER, BUFFER + 1, MEMORY - 1, MEMORY, MEMORY + 1, 2 * MEMORY + 7] {
            let octets: Vec<u8> = (0..len).map(|at| (at % 253) as u8).collect();
            let fill = || {
                let mut spool = Spool::default();
                octets.chunks(100_003).for_each(|piece| spool.push(piece).unwrap());
                assert_eq!((spool.len(), spool.is_empty()), (len as u64, len == 0));
                spool.finish().unwrap()
            };
            let mut filed = Vec::new();
            fill().into_file().unwrap().read_to_end(&mut filed).unwrap();
            assert!(all(&mut fill()) == octets && filed == octets, "{len}");
        }
    }
}
