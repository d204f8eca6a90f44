//! mboxrd: the one mbox format from which every message can be read back.
//!
//! ```text
//! mbox    = *( From_ message blank )
//! From_   = "From " sender " " asctime-UTC LF
//! message = its lines; one that matches ^>*From  gets one more ">" in front
//! blank   = LF
//! ```
//! Reading removes one `>` from every line that matches `^>+From `. A message comes back exactly as it was,
//! with one exception, for which the format has no way: a message that does not end in LF gets one. Lengths
//! in headers (`Content-Length`) are written as they came and never relied on; the sender made them.

use jiff::Timestamp;
use memchr::{memchr, memmem, memrchr};
use std::borrow::Cow;

/// How far into a message its Return-Path is searched for. The server that delivered the message puts it
/// first, or nearly first.
pub(super) const HEAD: usize = 16 * 1024;
/// The longest sender that is put into a From_ line (`RFC 5321 §4.5.3.1.3` allows 256 octets for a path).
const SENDER_LIMIT: usize = 256;
/// The sender if the message has none.
const NOBODY: &[u8] = b"MAILER-DAEMON";
/// How a separator line begins.
const FROM: &[u8] = b"From ";
/// The longest From_ line of another program, in octets.
const FROM_LINE_LIMIT: usize = 2048;

/// Quotes one message, piece by piece.
#[derive(Clone, Debug)]
pub(super) struct Quoter {
    at: QuoteState,
    /// Whether the last octet so far was a line end; true at the start.
    ended: bool,
    /// Whether any line was quoted so far.
    quoted: bool,
}

/// How much of the current line has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QuoteState {
    /// At the start of a line, or after only `>` characters.
    Start,
    /// After this many octets of `From `, which are held back.
    Match(usize),
    /// Further in a line: it needs no quoting, or was quoted.
    Inside,
}

impl Quoter {
    /// At the start of a message.
    pub fn new() -> Self {
        Quoter { at: QuoteState::Start, ended: true, quoted: false }
    }

    /// Appends `octets` to `out`, quoted. A `>` before all others looks the same as one after them, so the
    /// `>` of a line are not held back, only a part of `From `.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let Some(last) = octets.last() else { return };
        // The rest of the current line, the whole lines, the beginning of the next line.
        let (begun, rest) = octets.split_at(match self.at {
            QuoteState::Start => 0,
            QuoteState::Match(_) | QuoteState::Inside => {
                memchr(b'\n', octets).map_or(octets.len(), |feed| feed + 1)
            }
        });
        self.line(begun, out);
        let (whole, begins) = rest.split_at(match self.at {
            QuoteState::Start => memrchr(b'\n', rest).map_or(0, |feed| feed + 1),
            QuoteState::Match(_) | QuoteState::Inside => 0,
        });
        self.quoted |= lines(whole, out);
        self.line(begins, out);
        self.ended = *last == b'\n';
    }

    /// Takes a piece of one line, octet by octet as long as the line may need quoting.
    fn line(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for (at, &octet) in octets.iter().enumerate() {
            match self.at {
                QuoteState::Start if octet == b'>' => out.push(octet),
                QuoteState::Start if octet == FROM[0] => self.at = QuoteState::Match(1),
                QuoteState::Match(n) if octet == FROM[n] && n + 1 == FROM.len() => {
                    out.push(b'>');
                    out.extend_from_slice(FROM);
                    self.at = QuoteState::Inside;
                    self.quoted = true;
                }
                QuoteState::Match(n) if octet == FROM[n] => self.at = QuoteState::Match(n + 1),
                QuoteState::Start | QuoteState::Match(_) | QuoteState::Inside => {
                    self.release(out);
                    out.extend_from_slice(&octets[at..]);
                    break;
                }
            }
        }
        if octets.ends_with(b"\n") {
            self.at = QuoteState::Start;
        }
    }

    /// The octets that are held back now.
    pub fn held(&self) -> &'static [u8] {
        if let QuoteState::Match(n) = self.at { &FROM[..n] } else { b"" }
    }

    /// Whether what came out is another text than what went in, but for what is held back.
    pub fn has_quoted(&self) -> bool {
        self.quoted
    }

    /// Whether [`Quoter::end`] has to add a line end.
    pub fn lacks_line_end(&self) -> bool {
        !self.ended
    }

    /// Ends the message: appends what was held back, and a last line end if it is missing. Does not append
    /// the blank line.
    pub fn end(mut self, out: &mut Vec<u8>) {
        self.release(out);
        if !self.ended {
            out.push(b'\n');
        }
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        if let QuoteState::Match(n) = self.at {
            out.extend_from_slice(&FROM[..n]);
        }
        self.at = QuoteState::Inside;
    }
}

/// Removes the quotes of one message, piece by piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Unquoter {
    /// Whether the rest of the line stays as it is.
    inside: bool,
    /// How many `>` begin this line.
    quotes: usize,
    /// How many octets of `From ` follow them.
    matched: usize,
}

impl Unquoter {
    /// Appends `octets` to `out`, without quotes.
    pub fn push(&mut self, mut octets: &[u8], out: &mut Vec<u8>) {
        while let Some(&octet) = octets.first() {
            if self.inside {
                let end = memchr(b'\n', octets).map_or(octets.len(), |feed| feed + 1);
                let (line, rest) = octets.split_at(end);
                out.extend_from_slice(line);
                self.inside = !line.ends_with(b"\n");
                octets = rest;
                continue;
            }
            match octet {
                b'>' if self.matched == 0 => self.quotes += 1,
                _ if octet == FROM[self.matched] && self.matched + 1 < FROM.len() => self.matched += 1,
                _ if octet == FROM[self.matched] => {
                    self.matched += 1;
                    self.quotes = self.quotes.saturating_sub(1);
                    self.release(out);
                }
                _ => {
                    self.release(out);
                    continue;
                }
            }
            octets = &octets[1..];
        }
    }

    /// Ends the message: appends what was held back.
    pub fn end(mut self, out: &mut Vec<u8>) {
        self.release(out);
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        out.resize(out.len() + self.quotes, b'>');
        out.extend_from_slice(&FROM[..self.matched]);
        *self = Unquoter { inside: true, ..Unquoter::default() };
    }
}

/// Appends whole lines to `out`, quoted. `From ` is rare, so one search covers all lines.
fn lines(octets: &[u8], out: &mut Vec<u8>) -> bool {
    let (mut copied, mut quoted) = (0, false);
    for at in memmem::find_iter(octets, FROM) {
        let quotes = octets[..at].iter().rev().take_while(|octet| **octet == b'>').count();
        if octets[..at - quotes].last().is_none_or(|before| *before == b'\n') {
            out.extend_from_slice(&octets[copied..at]);
            out.push(b'>');
            (copied, quoted) = (at, true);
        }
    }
    out.extend_from_slice(&octets[copied..]);
    quoted
}

/// The From_ line of a message that begins with `head` and was delivered at `time` (seconds since 1970).
pub(super) fn from_line(head: &[u8], time: u64) -> Vec<u8> {
    let mut line = FROM.to_vec();
    line.extend_from_slice(&sender(head).unwrap_or(Cow::Borrowed(NOBODY)));
    line.push(b' ');
    line.extend_from_slice(asctime(time).as_bytes());
    line.push(b'\n');
    line
}

/// The address in the first Return-Path (`RFC 5321 §4.4`), if it can stand in a From_ line.
fn sender(head: &[u8]) -> Option<Cow<'_, [u8]>> {
    const NAME: &[u8] = b"return-path:";
    for line in head.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return None;
        }
        if !line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)) {
            continue;
        }
        let value = line[NAME.len()..].trim_ascii();
        let word = value.strip_prefix(b"<").and_then(|value| value.strip_suffix(b">")).unwrap_or(value);
        let sane = |octet: &u8| octet.is_ascii_graphic() && !b"<>\"\\(),;:".contains(octet);
        return (!word.is_empty() && word.len() <= SENDER_LIMIT && word.iter().all(sane))
            .then_some(Cow::Borrowed(word));
    }
    None
}

/// A time in the form of `asctime`, in UTC: `Thu Jan  1 00:00:00 1970`. A time that the calendar cannot
/// express becomes the last one it can: the line must keep its form.
fn asctime(time: u64) -> String {
    let time = i64::try_from(time).ok().and_then(|time| Timestamp::from_second(time).ok());
    time.unwrap_or(Timestamp::MAX).strftime("%a %b %e %H:%M:%S %Y").to_string()
}

/// Where in `tail` another program's From_ line may begin: the first `From ` at the start of a line, or a
/// whole From_ line in the middle of one. After its own first line, postie's text has no such line, since
/// they are quoted.
pub(super) fn foreign(tail: &[u8], start: usize) -> Option<usize> {
    let after = tail.get(start..)?;
    memmem::find_iter(after, FROM).map(|at| at + start).find(|&at| {
        let line_start = at == 0 || tail[at - 1] == b'\n';
        line_start || (tail[at - 1] != b'>' && is_from_line(&tail[at..]))
    })
}

/// Whether `tail` begins with a line like `From sender Www Mmm dd hh:mm:ss yyyy`, with or without a zone.
fn is_from_line(tail: &[u8]) -> bool {
    // Words are looked at one by one, and the line end last: a line of 20 MB may be nothing but `From `.
    let line = &tail[..tail.len().min(FROM_LINE_LIMIT)];
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).skip(2);
    let mut next = |fits: fn(&[u8]) -> bool| words.next().is_some_and(fits);
    let day = |word: &[u8]| word.len() == 3 && word.iter().all(u8::is_ascii_alphabetic);
    let clock = |word: &[u8]| word.len() >= 5 && word.iter().all(|b| b.is_ascii_digit() || *b == b':');
    if !(next(day) && next(day) && next(|_| true) && next(clock)) {
        return false;
    }
    let Some(end) = memchr(b'\n', line) else { return false };
    line[..end].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(6).is_some()
}

#[cfg(test)]
mod tests;
