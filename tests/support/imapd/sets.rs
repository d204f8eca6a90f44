//! Sets of numbers: as a client writes them, and as ESEARCH and COPYUID do.

/// A set, as ranges in the order given; `None` is `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set(Vec<(Option<u32>, Option<u32>)>);

impl Set {
    /// Reads a set.
    pub fn parse(text: &[u8]) -> Option<Set> {
        let number = |text: &str| match text {
            "*" => Some(None),
            _ if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) => None,
            _ => text.parse().ok().filter(|number| *number > 0).map(Some),
        };
        let range = |text: &str| {
            let (first, last) = text.split_once(':').unwrap_or((text, text));
            Some((number(first)?, number(last)?))
        };
        std::str::from_utf8(text).ok()?.split(',').map(range).collect::<Option<_>>().map(Set)
    }

    /// Whether each range begins above the one before it ends, as servers want that take nothing else.
    pub fn is_ascending(&self) -> bool {
        let mut above = 0;
        self.0.iter().all(|(first, last)| {
            let (first, last) = (first.unwrap_or(u32::MAX), last.unwrap_or(u32::MAX));
            let ascends = first > above && first <= last;
            above = last;
            ascends
        })
    }

    /// Ranges of numbers where `*` is `last`. A range may be given backwards: so `n:*` has the last message in it
    /// though that is below n. Where `strict`, such a range is empty.
    pub fn resolve(&self, last: u32, strict: bool) -> Ranges {
        let ends = self.0.iter().map(|(first, end)| (first.unwrap_or(last), end.unwrap_or(last)));
        let mut ranges: Vec<(u32, u32)> = ends
            .filter(|(first, end)| !strict || first <= end)
            .map(|(first, end)| (first.min(end), first.max(end)))
            .collect();
        ranges.sort_unstable();
        // Those that overlap become one, so that a number is in one range at most.
        ranges.dedup_by(|next, kept| {
            let overlaps = next.0 <= kept.1;
            if overlaps {
                kept.1 = kept.1.max(next.1);
            }
            overlaps
        });
        Ranges(ranges)
    }
}

/// Ranges in ascending order, none of which overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// Whether a number is in one of them.
    pub fn contains(&self, number: u32) -> bool {
        let begun = self.0.partition_point(|(first, _)| *first <= number);
        self.0[..begun].last().is_some_and(|(_, last)| number <= *last)
    }
}

/// Writes numbers as a set, runs as ranges, in the order given.
pub fn write(numbers: impl IntoIterator<Item = u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let text = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}:{last}"),
    };
    runs.iter().map(text).collect::<Vec<_>>().join(",")
}
