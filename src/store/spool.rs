//! A message kept until it is whole: in memory while it is small, then in a file without a name.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// How much of a message is kept in memory.
const MEMORY: usize = 256 * 1024;

/// The octets of one message.
#[derive(Debug, Default)]
pub(super) struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    len: u64,
}

impl Spool {
    /// Adds octets.
    pub fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.len += octets.len() as u64;
        if self.memory.len() + octets.len() > MEMORY {
            self.spill()?.write_all(octets)
        } else {
            self.memory.extend_from_slice(octets);
            Ok(())
        }
    }

    /// How many octets there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The first octets, at most `limit` of them and no more than are kept in memory at first.
    pub fn head(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        match &mut self.file {
            Some(file) => {
                file.rewind()?;
                Read::by_ref(file).take(limit as u64).read_to_end(&mut head)?;
                file.seek(io::SeekFrom::End(0))?;
            }
            None => head.extend_from_slice(&self.memory[..self.memory.len().min(limit)]),
        }
        Ok(head)
    }

    /// All octets, as a file at its start.
    pub fn into_file(mut self) -> io::Result<File> {
        self.spill()?.rewind()?;
        self.file.take().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Calls `take` with all octets, block by block.
    pub fn read(self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if self.file.is_none() {
            return take(&self.memory);
        }
        let mut file = self.into_file()?;
        let mut block = vec![0; 64 * 1024];
        loop {
            match file.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(count) => take(&block[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Moves what is in memory to the file.
    fn spill(&mut self) -> io::Result<&mut File> {
        let mut file = match self.file.take() {
            Some(file) => file,
            // Without a name from the start where the file system can, else its name is removed at once.
            None => tempfile::tempfile()?,
        };
        file.write_all(&self.memory)?;
        self.memory.clear();
        Ok(self.file.insert(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_any_size_comes_back_as_it_was() {
        for len in [0, 1, MEMORY - 1, MEMORY, MEMORY + 1, 3 * MEMORY + 7] {
            let octets: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            let fill = || {
                let mut spool = Spool::default();
                octets.chunks(100_003).for_each(|piece| spool.write(piece).unwrap());
                assert_eq!(spool.len(), len as u64);
                assert_eq!(spool.head(10).unwrap(), octets[..len.min(10)]);
                spool
            };
            let (mut read, mut filed) = (Vec::new(), Vec::new());
            fill().read(|block| read.write_all(block)).unwrap();
            fill().into_file().unwrap().read_to_end(&mut filed).unwrap();
            assert!(read == octets && filed == octets, "{len}");
        }
    }
}
