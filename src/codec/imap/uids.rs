//! Sets of UIDs: ascending ranges that do not touch, so that 10,000 messages in a row are eight octets here and
//! a few on the line. Servers refuse descending ones (hMailServer, QQ), so there are none.

use super::lexer::number;
use super::malformed::Malformed;
use std::fmt;

/// A set of UIDs. 0 is none (`RFC 3501 §2.3.1.1`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UidSet {
    ranges: Vec<(u32, u32)>,
}

impl UidSet {
    /// A set of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// All from `first` to `last`, in whatever order they are named (`RFC 3501 §9`, seq-range).
    pub fn range(first: u32, last: u32) -> Self {
        let mut set = Self::new();
        set.add(first, last);
        set
    }

    /// Adds a range. Cheap at the end, where ascending ones go.
    pub fn add(&mut self, first: u32, last: u32) {
        let (first, last) = (first.min(last).max(1), first.max(last));
        if last == 0 {
            return;
        }
        // The ranges before do not even touch the new one, and neither do those from `behind` on.
        let fresh = self.ranges.last().is_none_or(|(_, end)| *end < first.saturating_sub(1));
        if fresh {
            self.ranges.push((first, last));
            return;
        }
        let before = self.ranges.partition_point(|(_, end)| *end < first - 1);
        let behind = self.ranges.partition_point(|(start, _)| *start <= last.saturating_add(1));
        let joined = match self.ranges[before..behind] {
            [] => (first, last),
            [(start, end)] => (start.min(first), end.max(last)),
            [(start, _), .., (_, end)] => (start.min(first), end.max(last)),
        };
        self.ranges.splice(before..behind, [joined]);
    }

    /// Reads a sequence set, `1:3,7`. `*` stands for a UID that nobody knows, and is refused.
    pub fn parse(octets: &[u8]) -> Result<Self, Malformed> {
        Ok(Self::from_ranges(parse_ranges(octets)?))
    }

    /// The set of these ranges; those in the server's order are sorted here.
    pub fn from_ranges(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.sort_unstable();
        let mut set = Self::new();
        for (first, last) in ranges {
            set.add(first, last);
        }
        set
    }

    /// Whether there is none in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether `uid` is one of them.
    pub fn contains(&self, uid: u32) -> bool {
        let at = self.ranges.partition_point(|(_, last)| *last < uid);
        self.ranges.get(at).is_some_and(|(first, _)| *first <= uid)
    }

    /// The highest.
    pub fn last(&self) -> Option<u32> {
        self.ranges.last().map(|(_, last)| *last)
    }

    /// The ranges, ascending, first and last included.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// Every one of them, ascending. A server may name a range of four thousand million: ask
    /// [`UidSet::len`] first.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// Those of this set that `other` has not.
    pub fn without(&self, other: &UidSet) -> UidSet {
        let mut left = UidSet::new();
        let mut holes = other.ranges.iter().copied().peekable();
        for (mut first, last) in self.ranges.iter().copied() {
            while holes.next_if(|(_, end)| *end < first).is_some() {}
            let mut gone = false;
            while let Some((start, end)) = holes.peek().copied().filter(|(start, _)| *start <= last) {
                if start > first {
                    left.ranges.push((first, start - 1));
                }
                if end >= last {
                    gone = true;
                    break;
                }
                first = end + 1;
                holes.next();
            }
            if !gone {
                left.ranges.push((first, last));
            }
        }
        left
    }

    /// Those of either set.
    pub fn with(&self, other: &UidSet) -> UidSet {
        UidSet::from_ranges([self.ranges(), other.ranges()].concat())
    }

    /// Those of this set that `other` has, too.
    pub fn within(&self, other: &UidSet) -> UidSet {
        self.without(&self.without(other))
    }

    /// The first `count` of them, and the others.
    pub fn split_at(&self, count: u64) -> (UidSet, UidSet) {
        let (mut head, mut tail) = (UidSet::new(), UidSet::new());
        let mut left = count;
        for (first, last) in self.ranges.iter().copied() {
            let here = u64::from(last - first) + 1;
            // What is left is fewer than a range holds here, so it fits.
            match u32::try_from(left) {
                Ok(0) => tail.ranges.push((first, last)),
                Ok(some) if u64::from(some) < here => {
                    head.ranges.push((first, first + (some - 1)));
                    tail.ranges.push((first + some, last));
                }
                _ => head.ranges.push((first, last)),
            }
            left = left.saturating_sub(here);
        }
        (head, tail)
    }

    /// The set in pieces that print as at most `octets` each (but at least one range): one for each command,
    /// since servers bound their lines.
    pub fn split_for_lines(&self, octets: usize) -> Vec<UidSet> {
        let mut pieces: Vec<UidSet> = Vec::new();
        let mut used = 0;
        for (first, last) in self.ranges.iter().copied() {
            let more = digits(first) + if first == last { 0 } else { 1 + digits(last) };
            match pieces.last_mut() {
                Some(piece) if used + 1 + more <= octets => {
                    piece.ranges.push((first, last));
                    used += 1 + more;
                }
                _ => {
                    pieces.push(UidSet { ranges: vec![(first, last)] });
                    used = more;
                }
            }
        }
        pieces
    }
}

/// The ranges of a sequence set in the order in which they stand, at least one.
pub(super) fn parse_ranges(octets: &[u8]) -> Result<Vec<(u32, u32)>, Malformed> {
    let bad = Malformed::new("a set of message numbers that is none");
    let one = |digits: &[u8]| number(digits).and_then(|uid| u32::try_from(uid).ok()).filter(|uid| *uid > 0);
    let range = |part: &[u8]| match part.iter().position(|octet| *octet == b':') {
        Some(at) => Some((one(&part[..at])?, one(&part[at + 1..])?)),
        None => one(part).map(|uid| (uid, uid)),
    };
    octets.split(|octet| *octet == b',').map(|part| range(part).ok_or(bad)).collect()
}

fn digits(number: u32) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.ranges.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            write!(f, "{first}")?;
            if first != last {
                write!(f, ":{last}")?;
            }
        }
        Ok(())
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<T: IntoIterator<Item = u32>>(uids: T) -> Self {
        let mut set = UidSet::new();
        set.extend(uids);
        set
    }
}

impl Extend<u32> for UidSet {
    /// Sorted first where they do not come ascending: to put each in its place would take for ever.
    fn extend<T: IntoIterator<Item = u32>>(&mut self, uids: T) {
        let mut late = Vec::new();
        for uid in uids.into_iter().filter(|uid| *uid > 0) {
            if self.last().is_none_or(|last| last < uid) { self.add(uid, uid) } else { late.push(uid) }
        }
        if late.is_empty() {
            return;
        }
        let mut all = std::mem::take(&mut self.ranges);
        all.extend(late.into_iter().map(|uid| (uid, uid)));
        *self = Self::from_ranges(all);
    }
}

#[cfg(test)]
mod tests {
    use super::super::dice::Dice;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn sets_are_read_sorted_and_joined() {
        for (text, want, len) in [
            ("1", "1", 1),
            ("1:3,7", "1:3,7", 4),
            ("7,1:3", "1:3,7", 4),
            ("3:1", "1:3", 3),
            ("1,2,3,5,4", "1:5", 5),
            ("1:10,2:3", "1:10", 10),
            ("4294967295", "4294967295", 1),
            ("4294967294,4294967295", "4294967294:4294967295", 2),
            ("1:4294967295,5", "1:4294967295", 4_294_967_295),
        ] {
            let set = UidSet::parse(text.as_bytes()).unwrap();
            assert_eq!((set.to_string().as_str(), set.len()), (want, len), "{text}");
        }
        for bad in ["", ",", "1,", "0", "0:4", "1:0", "1:", ":1", "*", "1:*", "4294967296", "-1", "1 2", "+1"]
        {
            assert!(UidSet::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(UidSet::range(0, 0).is_empty());
        assert_eq!(UidSet::range(0, 2).to_string(), "1:2");
    }

    #[test]
    fn a_set_is_what_a_set_is() {
        let mut dice = Dice::new(11);
        for _ in 0..3000 {
            let uids: Vec<u32> = (0..dice.below(20)).map(|_| dice.below(30) as u32).collect();
            let others: Vec<u32> = (0..dice.below(20)).map(|_| dice.below(30) as u32).collect();
            let set: UidSet = uids.iter().copied().collect();
            let want: BTreeSet<u32> = uids.iter().copied().filter(|uid| *uid > 0).collect();
            assert!(set.iter().eq(want.iter().copied()), "{uids:?}");
            assert_eq!(set.len(), want.len() as u64);
            assert_eq!(set.last(), want.last().copied());
            for uid in 0..32 {
                assert_eq!(set.contains(uid), want.contains(&uid));
            }
            if !want.is_empty() {
                assert_eq!(UidSet::parse(set.to_string().as_bytes()), Ok(set.clone()));
            }
            let mut one_by_one = UidSet::new();
            for uid in &uids {
                one_by_one.add(*uid, *uid);
            }
            assert_eq!(one_by_one, set);
            let holes: UidSet = others.iter().copied().collect();
            let left = want.iter().copied().filter(|uid| !others.contains(uid));
            assert!(set.without(&holes).iter().eq(left), "{uids:?} {others:?}");
            let count = dice.below(22);
            let (head, tail) = set.split_at(count as u64);
            assert!(head.iter().eq(want.iter().copied().take(count)));
            assert!(tail.iter().eq(want.iter().copied().skip(count)));
            let most = dice.below(12);
            let pieces = set.split_for_lines(most);
            assert!(pieces.iter().flat_map(UidSet::iter).eq(want.iter().copied()));
            for piece in pieces {
                assert!(piece.to_string().len() <= most || piece.ranges().len() == 1, "{piece} {most}");
            }
        }
    }

    #[test]
    fn the_ends_of_the_numbers_do_not_overflow() {
        let all = UidSet::range(1, u32::MAX);
        assert_eq!(all.split_at(u64::MAX).0, all);
        let (head, tail) = all.split_at(u64::from(u32::MAX) - 1);
        assert_eq!((head.last(), tail.to_string().as_str()), (Some(u32::MAX - 1), "4294967295"));
        assert!(all.without(&all).is_empty());
        let mut set = UidSet::range(u32::MAX, u32::MAX);
        set.add(1, 1);
        set.add(u32::MAX, u32::MAX);
        assert_eq!(set.to_string(), "1,4294967295");
    }

    #[test]
    fn a_million_in_any_order_take_no_time() {
        let forward: UidSet = (1..=1_000_000u32).collect();
        let backward: UidSet = (1..=1_000_000u32).rev().collect();
        assert_eq!(forward, backward);
        let odd: UidSet = (1..=1_000_000u32).rev().map(|half| half * 2 - 1).collect();
        assert_eq!(odd.len(), 1_000_000);
    }
}
