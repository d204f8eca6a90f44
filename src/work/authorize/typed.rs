//! What is pasted while something else is waited for, line by line.

use rustix::fd::BorrowedFd;

/// The most octets of a line.
const MAX_LINE: usize = 16 * 1024;

/// Where lines are typed.
pub struct Typed<'a> {
    /// `None` once it has ended.
    from: Option<BorrowedFd<'a>>,
    /// What was read and not used yet.
    ahead: Vec<u8>,
}

impl<'a> Typed<'a> {
    /// `ahead`: what was read of it before.
    pub fn new(from: BorrowedFd<'a>, ahead: Vec<u8>) -> Self {
        Typed { from: Some(from), ahead }
    }

    /// If this can be read, [`fill`](Self::fill) does not wait.
    pub fn descriptor(&self) -> Option<BorrowedFd<'a>> {
        self.from
    }

    /// Whether a whole line is there already.
    pub fn has_line(&self) -> bool {
        self.ahead.contains(&b'\n')
    }

    /// Reads once, which waits if nothing is there.
    pub fn fill(&mut self) {
        let Some(from) = self.from else { return };
        let mut octets = [0; 4096];
        match rustix::io::read(from, &mut octets) {
            Ok(got @ 1..) => self.ahead.extend_from_slice(&octets[..got]),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            // The end, or a terminal that has gone: the last line has its end now.
            Ok(_) | Err(_) => {
                self.from = None;
                if !self.ahead.is_empty() {
                    self.ahead.push(b'\n');
                }
            }
        }
        if self.ahead.len() > MAX_LINE && !self.has_line() {
            self.ahead.clear();
        }
    }

    /// The next whole line that was read.
    pub fn line(&mut self) -> Option<String> {
        let end = self.ahead.iter().position(|octet| *octet == b'\n')?;
        let line: Vec<u8> = self.ahead.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).into_owned())
    }

    /// What was read and not used.
    pub fn into_ahead(self) -> Vec<u8> {
        self.ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fd::AsFd as _;
    use rustix::pipe::pipe;

    #[test]
    fn lines_come_one_by_one_and_the_last_without_its_end() {
        let (from, to) = pipe().unwrap();
        rustix::io::write(&to, b"one\ntwo\nthr").unwrap();
        let mut typed = Typed::new(from.as_fd(), b"zero\n".to_vec());
        assert!(typed.has_line());
        assert_eq!(typed.line().as_deref(), Some("zero\n"));
        assert!(!typed.has_line());
        typed.fill();
        assert_eq!(typed.line().as_deref(), Some("one\n"));
        assert_eq!(typed.line().as_deref(), Some("two\n"));
        rustix::io::write(&to, b"ee").unwrap();
        typed.fill();
        assert_eq!(typed.line(), None);
        drop(to);
        typed.fill();
        assert_eq!(typed.line().as_deref(), Some("three\n"));
        assert_eq!((typed.line(), typed.descriptor().is_none()), (None, true));
        typed.fill();
        assert_eq!(typed.line(), None);
    }

    #[test]
    fn a_line_without_end_is_thrown_away() {
        let (from, to) = pipe().unwrap();
        let mut typed = Typed::new(from.as_fd(), Vec::new());
        for _ in 0..=MAX_LINE / 4096 {
            rustix::io::write(&to, &[b'x'; 4096]).unwrap();
            typed.fill();
            assert_eq!(typed.line(), None);
        }
        assert!(typed.into_ahead().len() <= MAX_LINE);
    }
}
