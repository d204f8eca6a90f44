//! The answer to a search, read number by number as it comes: a list of 10^6 UIDs is one line of megabytes.
//!
//! ```text
//! * SEARCH 2 84 882
//! * ESEARCH (TAG "p4") UID ALL 1:3,7
//! ```

use super::malformed::Malformed;

/// The longest word, or correlator in parentheses, that is kept.
const MAX_WORD: usize = 256;
/// The most octets of what is skipped, all together.
const MAX_SKIPPED: usize = 64 * 1024;

/// Reads one answer to a search in pieces, and keeps nothing but where it stands.
#[derive(Clone, Debug, Default)]
pub struct SearchScanner {
    place: SearchState,
    word: Vec<u8>,
    words: usize,
    extended: bool,
    is_uid: bool,
    tag: Option<Vec<u8>>,
    first: Option<u32>,
    number: Option<u32>,
    skipped: usize,
    quoted: SearchQuoted,
    carriage: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SearchState {
    /// In, or before, a word: the name of the response or of a return value.
    #[default]
    Word,
    /// In the correlator, `(TAG "p4")`.
    Correlator,
    /// In the numbers of SEARCH, or in the set behind ALL.
    Numbers,
    /// Before or in a value that nobody asked for.
    Value,
    /// In such a value, within parentheses.
    List,
    Ended,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SearchQuoted {
    #[default]
    No,
    Yes,
    Escaped,
}

const BAD: Malformed = Malformed::new("an answer to a search that is none");

impl SearchScanner {
    /// A scanner for one answer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether what was read ahead begins such an answer; `None` where more octets decide.
    pub fn begins(ahead: &[u8]) -> Option<bool> {
        let mut undecided = false;
        for mark in [&b"* SEARCH"[..], b"* ESEARCH"] {
            let known = ahead.len().min(mark.len());
            if !ahead[..known].eq_ignore_ascii_case(&mark[..known]) {
                continue;
            }
            match ahead.get(mark.len()) {
                Some(b' ' | b'\r' | b'\n') => return Some(true),
                Some(_) => {}
                None => undecided = true,
            }
        }
        if undecided { None } else { Some(false) }
    }

    /// Takes octets up to the end of the line at most, and says how many it took. `found` gets the ranges in
    /// the order in which they stand; nothing says that they ascend.
    pub fn push(&mut self, octets: &[u8], mut found: impl FnMut(u32, u32)) -> Result<usize, Malformed> {
        for (at, octet) in octets.iter().copied().enumerate() {
            match octet {
                _ if self.place == SearchState::Ended => return Ok(at),
                b'\n' => {
                    self.end(&mut found)?;
                    return Ok(at + 1);
                }
                // A CR stands before the LF and nowhere else.
                _ if self.carriage => return Err(BAD),
                b'\r' => self.carriage = true,
                _ => self.take(octet, &mut found)?,
            }
        }
        Ok(octets.len())
    }

    /// Whether the line has ended.
    pub fn ended(&self) -> bool {
        self.place == SearchState::Ended
    }

    /// Whether the numbers are UIDs as the server says. SEARCH does not say, and answers what was asked.
    pub fn is_uid(&self) -> bool {
        self.is_uid || !self.extended
    }

    /// The tag of the command that ESEARCH answers.
    pub fn tag(&self) -> Option<&[u8]> {
        self.tag.as_deref()
    }

    fn take(&mut self, octet: u8, found: &mut impl FnMut(u32, u32)) -> Result<(), Malformed> {
        match self.place {
            SearchState::Word => self.in_word(octet),
            SearchState::Correlator => self.in_correlator(octet),
            SearchState::Numbers => self.in_numbers(octet, found),
            SearchState::Value | SearchState::List => self.in_value(octet),
            SearchState::Ended => Ok(()),
        }
    }

    fn in_word(&mut self, octet: u8) -> Result<(), Malformed> {
        match octet {
            b' ' => self.word_ended(),
            b'(' if self.extended && self.words == 2 && self.word.is_empty() => {
                self.place = SearchState::Correlator;
                Ok(())
            }
            b'!'..=b'~' if self.word.len() < MAX_WORD => {
                self.word.push(octet);
                Ok(())
            }
            _ => Err(BAD),
        }
    }

    fn word_ended(&mut self) -> Result<(), Malformed> {
        if self.word.is_empty() {
            return Ok(());
        }
        self.place = match self.words {
            0 if self.word == b"*" => SearchState::Word,
            1 if self.word.eq_ignore_ascii_case(b"SEARCH") => SearchState::Numbers,
            1 if self.word.eq_ignore_ascii_case(b"ESEARCH") => {
                self.extended = true;
                SearchState::Word
            }
            0 | 1 => return Err(BAD),
            _ if self.word.eq_ignore_ascii_case(b"UID") => {
                self.is_uid = true;
                SearchState::Word
            }
            _ if self.word.eq_ignore_ascii_case(b"ALL") => SearchState::Numbers,
            _ => SearchState::Value,
        };
        self.words += 1;
        self.word.clear();
        Ok(())
    }

    fn in_correlator(&mut self, octet: u8) -> Result<(), Malformed> {
        if octet != b')' || self.quote(octet) {
            if self.word.len() == MAX_WORD {
                return Err(BAD);
            }
            self.word.push(octet);
            return Ok(());
        }
        let (name, value) = self.word.split_at_checked(4).ok_or(BAD)?;
        if !name.eq_ignore_ascii_case(b"TAG ") {
            return Err(BAD);
        }
        let value = value.trim_ascii();
        let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        self.tag = Some(quoted.unwrap_or(value).to_vec());
        self.word.clear();
        self.words += 1;
        self.place = SearchState::Word;
        Ok(())
    }

    /// Follows quoted strings; says whether this octet belongs to one.
    fn quote(&mut self, octet: u8) -> bool {
        let within = self.quoted != SearchQuoted::No;
        self.quoted = match (self.quoted, octet) {
            (SearchQuoted::No, b'"') => SearchQuoted::Yes,
            (SearchQuoted::Yes, b'"') | (SearchQuoted::No, _) => SearchQuoted::No,
            (SearchQuoted::Yes, b'\\') => SearchQuoted::Escaped,
            (SearchQuoted::Yes | SearchQuoted::Escaped, _) => SearchQuoted::Yes,
        };
        within
    }

    fn in_numbers(&mut self, octet: u8, found: &mut impl FnMut(u32, u32)) -> Result<(), Malformed> {
        match octet {
            b'0'..=b'9' => {
                let so_far = self.number.unwrap_or(0).checked_mul(10);
                let number = so_far.and_then(|number| number.checked_add(u32::from(octet - b'0')));
                self.number = Some(number.ok_or(BAD)?);
                Ok(())
            }
            b':' if self.extended && self.first.is_none() && self.number.is_some() => {
                self.first = self.number.take();
                Ok(())
            }
            b',' if self.extended && self.number.is_some() => self.number_ended(found),
            b' ' => {
                let was_there = self.number.is_some();
                self.number_ended(found)?;
                if self.extended && was_there {
                    self.place = SearchState::Word;
                }
                Ok(())
            }
            // `(MODSEQ 917162500)` behind the numbers (`RFC 7162 §3.1.5`).
            b'(' if !self.extended && self.number.is_none() => {
                self.place = SearchState::List;
                Ok(())
            }
            _ => Err(BAD),
        }
    }

    fn number_ended(&mut self, found: &mut impl FnMut(u32, u32)) -> Result<(), Malformed> {
        match (self.first.take(), self.number.take()) {
            (None, None) => {}
            // No message has number 0; a range with it reaches to the first.
            (None, Some(0)) => {}
            (None, Some(number)) => found(number, number),
            (Some(first), Some(last)) if first.max(last) > 0 => {
                found(first.min(last).max(1), first.max(last));
            }
            _ => return Err(BAD),
        }
        Ok(())
    }

    fn in_value(&mut self, octet: u8) -> Result<(), Malformed> {
        self.skipped += 1;
        if self.skipped > MAX_SKIPPED {
            return Err(BAD);
        }
        let quoted = self.quote(octet);
        match octet {
            _ if quoted => {}
            b'(' if self.place == SearchState::Value && self.word.is_empty() => {
                self.place = SearchState::List
            }
            b'(' | b'{' => return Err(BAD),
            b')' if self.place == SearchState::List => self.value_ended(),
            b' ' if self.place == SearchState::Value && !self.word.is_empty() => self.value_ended(),
            b' ' => {}
            _ if self.place == SearchState::Value && self.word.is_empty() => self.word.push(octet),
            _ => {}
        }
        Ok(())
    }

    fn value_ended(&mut self) {
        self.word.clear();
        self.place = if self.extended { SearchState::Word } else { SearchState::Numbers };
    }

    fn end(&mut self, found: &mut impl FnMut(u32, u32)) -> Result<(), Malformed> {
        match self.place {
            SearchState::Word => {
                self.word_ended()?;
                // A name has no value behind it, or this was no answer at all.
                if self.words < 2
                    || self.place == SearchState::Value
                    || self.place == SearchState::Numbers && self.extended
                {
                    return Err(BAD);
                }
            }
            SearchState::Numbers if self.extended && self.number.is_none() => return Err(BAD),
            SearchState::Numbers => self.number_ended(found)?,
            SearchState::Value if !self.word.is_empty() && self.quoted == SearchQuoted::No => {}
            _ => return Err(BAD),
        }
        self.place = SearchState::Ended;
        Ok(())
    }
}
