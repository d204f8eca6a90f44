//! One response, put together from lines and literals (`RFC 3501 §2.2.2`, §4.3).
//!
//! A line that ends in `{n}` goes on, after n octets, with another line. Where a line may end so, and where it
//! is only text, depends on the response.

use super::fetch::FetchItems;
use super::lexer::{self, MAX_DEPTH, atom_end, literal_header, number, quoted_end, word};
use super::malformed::Malformed;
use super::walk::{Fate, Walk};

/// How long may a line be, in octets, its line end not counted? Whoever reads lines keeps to it.
pub const MAX_LINE: usize = 64 * 1024;
/// How many octets may all literals of a response have, besides bodies?
pub const MAX_LITERALS: usize = 1024 * 1024;
/// How many octets may a response have, lines and literals, besides bodies?
pub const MAX_RESPONSE: usize = 2 * MAX_LITERALS;

/// What is to be read after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextRead {
    /// Nothing: the response is whole.
    Done,
    /// A literal, for [`Assembly::literal`], and then the next line.
    Literal {
        /// How many octets it has.
        octets: u64,
    },
    /// The literal of `BODY[]`, for whoever keeps messages, and then the next line.
    Body {
        /// How many octets it has.
        octets: u64,
    },
}

/// What kind of response it is, as far as its framing goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ResponseKind {
    /// Nothing has come yet.
    #[default]
    Empty,
    /// It ends with its line: a status, a continuation, the capabilities.
    Text,
    /// FETCH, and the message's number.
    Fetch(u32),
    /// Any other untagged response.
    Data,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum AssemblyState {
    #[default]
    Fresh,
    Literal {
        left: u64,
        fate: Fate,
        start: usize,
    },
    Done,
    Failed,
}

/// One response being read.
#[derive(Clone, Debug, Default)]
pub struct Assembly {
    octets: Vec<u8>,
    kind: ResponseKind,
    state: AssemblyState,
    walk: Walk,
    depth: usize,
    kept: usize,
}

impl Assembly {
    /// An assembly for the next response.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything, but keeps its memory. A line after [`NextRead::Done`] does so by itself.
    pub fn clear(&mut self) {
        self.octets.clear();
        if self.octets.capacity() > MAX_LINE {
            self.octets.shrink_to(MAX_LINE);
        }
        self.walk.clear();
        (self.kind, self.state, self.depth, self.kept) = (ResponseKind::Empty, AssemblyState::Fresh, 0, 0);
    }

    /// Takes a line without its line end.
    pub fn line(&mut self, line: &[u8]) -> Result<NextRead, Malformed> {
        let next = self.take(line);
        if next.is_err() {
            self.state = AssemblyState::Failed;
        }
        next
    }

    /// Takes octets of the literal that [`NextRead::Literal`] announced, no more than it has.
    pub fn literal(&mut self, octets: &[u8]) {
        let AssemblyState::Literal { left, fate, .. } = &mut self.state else {
            debug_assert!(octets.is_empty(), "callers feed literals when they are asked to");
            return;
        };
        let taken = usize::try_from(*left).map_or(octets.len(), |left| left.min(octets.len()));
        debug_assert_eq!(taken, octets.len(), "callers feed the octets of the literal alone");
        *left -= taken as u64;
        if *fate == Fate::Kept {
            self.octets.extend_from_slice(&octets[..taken]);
        }
    }

    /// What stands before the body, at [`NextRead::Body`]: UID, flags, date, as far as the server put them there.
    pub fn so_far(&self) -> FetchItems<'_> {
        // What is wrong with them was found when the line came.
        self.fetched().and_then(Result::ok).unwrap_or_default()
    }

    /// Whether it is about a message (FETCH).
    pub fn is_of_message(&self) -> bool {
        matches!(self.kind, ResponseKind::Fetch(_))
    }

    /// The UID in a FETCH response that is whole; what else it says is not looked at.
    pub fn uid(&self) -> Option<u32> {
        let is_whole = self.is_done() && self.is_of_message();
        is_whole.then(|| FetchItems::uid_of(&self.octets, self.walk.items()).ok().flatten()).flatten()
    }

    /// The lines of the response so far, for people.
    pub fn text(&self) -> &[u8] {
        &self.octets
    }

    /// Whether the line that came last begins a response of some kind, or goes on with one, whatever is wrong with
    /// it otherwise.
    pub fn has_begun(&self) -> bool {
        self.kind != ResponseKind::Empty
    }

    /// Whether the response is whole.
    pub fn is_done(&self) -> bool {
        self.state == AssemblyState::Done
    }

    pub(super) fn parts(&self) -> (ResponseKind, &[u8]) {
        (self.kind, &self.octets)
    }

    pub(super) fn fetched(&self) -> Option<Result<FetchItems<'_>, Malformed>> {
        let ResponseKind::Fetch(number) = self.kind else { return None };
        Some(FetchItems::read(&self.octets, number, self.walk.items()))
    }

    fn take(&mut self, line: &[u8]) -> Result<NextRead, Malformed> {
        let mut at = self.octets.len();
        match self.state {
            AssemblyState::Failed => return Err(Malformed::new("more after what is no response")),
            AssemblyState::Literal { left, fate, start } => {
                // A body's octets went elsewhere.
                if left > 0 && fate != Fate::Body {
                    return Err(Malformed::new("a line in place of a literal"));
                }
                self.check_edge(line)?;
                self.walk.literal(fate, start, at);
            }
            AssemblyState::Fresh | AssemblyState::Done => {
                self.clear();
                let begins;
                (self.kind, begins) = kind(line)?;
                at = begins;
            }
        }
        if self.octets.len() + line.len() > MAX_RESPONSE {
            return Err(Malformed::new("a response without end"));
        }
        self.octets.extend_from_slice(line);
        let literal = match self.kind {
            ResponseKind::Empty | ResponseKind::Text => None,
            ResponseKind::Fetch(_) => self.walk.line(&self.octets, at)?,
            ResponseKind::Data => data_line(&self.octets, at, &mut self.depth)?.map(|len| (len, Fate::Kept)),
        };
        match literal {
            None => {
                // What it says must be sound too, before anybody acts on it.
                FetchItems::check(&self.octets, self.walk.items())?;
                self.state = AssemblyState::Done;
                Ok(NextRead::Done)
            }
            Some((octets, fate)) => self.begin_literal(octets, fate),
        }
    }

    /// A literal was followed by more of it, if its length was told wrong. Then nothing can be believed.
    fn check_edge(&self, line: &[u8]) -> Result<(), Malformed> {
        let fits = match line.first() {
            Some(b' ' | b')') => true,
            Some(b']') => self.walk.in_section(),
            Some(_) => false,
            None => self.kind == ResponseKind::Data,
        };
        if fits { Ok(()) } else { Err(Malformed::new("a literal that does not end where it should")) }
    }

    fn begin_literal(&mut self, octets: u64, fate: Fate) -> Result<NextRead, Malformed> {
        let room = MAX_LITERALS - self.kept;
        let small = usize::try_from(octets).ok().filter(|octets| *octets <= room);
        let fate = match (fate, small) {
            (Fate::Kept, None) => return Err(Malformed::new("a literal that is too long")),
            (Fate::KeptIfSmall, None) => Fate::Dropped,
            (Fate::KeptIfSmall, Some(_)) => Fate::Kept,
            (fate, _) => fate,
        };
        if fate == Fate::Kept {
            self.kept += small.unwrap_or(0);
            self.octets.extend_from_slice(b"\r\n");
        }
        self.state = AssemblyState::Literal { left: octets, fate, start: self.octets.len() };
        if fate == Fate::Body {
            FetchItems::check(&self.octets, self.walk.items())?;
            return Ok(NextRead::Body { octets });
        }
        Ok(NextRead::Literal { octets })
    }
}

/// The kind of the response that begins with this line, and where its data begin.
fn kind(line: &[u8]) -> Result<(ResponseKind, usize), Malformed> {
    const NONE: Malformed = Malformed::new("something that is no IMAP response");
    let (first, rest) = word(line);
    match first {
        _ if line.first().is_none_or(|octet| octet.is_ascii_whitespace()) => Err(NONE),
        b"+" => Ok((ResponseKind::Text, line.len())),
        b"*" => untagged(line, rest).ok_or(NONE),
        tag => {
            let fits = |octet: &u8| matches!(octet, b'!'..=b'~') && !b"(){%*\"\\+".contains(octet);
            let status = status(word(rest).0).is_some();
            if status && tag.iter().all(fits) { Ok((ResponseKind::Text, line.len())) } else { Err(NONE) }
        }
    }
}

fn untagged(line: &[u8], rest: &[u8]) -> Option<(ResponseKind, usize)> {
    let (first, behind) = word(rest);
    if first.is_empty() {
        return None;
    }
    let is = |name: &str| first.eq_ignore_ascii_case(name.as_bytes());
    if ["OK", "NO", "BAD", "BYE", "PREAUTH", "CAPABILITY"].into_iter().any(is) {
        return Some((ResponseKind::Text, line.len()));
    }
    let at = line.len() - behind.len();
    let Some(number) = number(first) else { return Some((ResponseKind::Data, at)) };
    let (name, _) = word(behind);
    // `FETCH(` is taken too: the parenthesis belongs to the data.
    if name.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"FETCH"))
        && matches!(name.get(5), None | Some(b'('))
    {
        return Some((ResponseKind::Fetch(u32::try_from(number).ok()?), at + 5));
    }
    (!name.is_empty()).then_some((ResponseKind::Data, at))
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is done.
    Ok,
    /// It is not, as far as the server says.
    No,
    /// It is none.
    Bad,
}

/// The status of that name, in whatever letters.
pub(super) fn status(name: &[u8]) -> Option<Status> {
    let all = [("OK", Status::Ok), ("NO", Status::No), ("BAD", Status::Bad)];
    let found = all.into_iter().find(|(own, _)| name.eq_ignore_ascii_case(own.as_bytes()));
    found.map(|(_, status)| status)
}

/// Walks through a line of data from `at` on; says how long the literal is that its end announces.
fn data_line(octets: &[u8], mut at: usize, depth: &mut usize) -> Result<Option<u64>, Malformed> {
    while let Some(octet) = octets.get(at) {
        at = match octet {
            b'{' => match literal_header(octets, at)? {
                Some(len) => return Ok(Some(len)),
                None => atom_end(octets, at),
            },
            b'~' if lexer::is_literal8(octets, at) => return Err(Malformed::new("a literal8")),
            b'"' => quoted_end(octets, at)?,
            b'(' if *depth == MAX_DEPTH => return Err(Malformed::new("lists in lists without end")),
            b'(' => {
                *depth += 1;
                at + 1
            }
            b')' => {
                // Unquoted names hold one now and then.
                *depth = depth.saturating_sub(1);
                at + 1
            }
            b' ' => at + 1,
            _ => atom_end(octets, at),
        };
    }
    Ok(None)
}
