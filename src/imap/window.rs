//! Which messages one retrieval has asked for, has got and still wants. Pure: no I/O.
//!
//! Messages are asked for in ranges, several commands ahead of what has come, so that the line is never idle;
//! a range that the server refuses is halved until the one bad message stands alone.

use super::listing::MAX_SET;
use crate::codec::imap::{Tag, UidSet};
use crate::mailbox::Wanted;
use std::collections::VecDeque;

/// Messages of the first command; each further one asks for twice as many.
const FIRST: usize = 256;
/// Messages of a command at most.
const MOST: usize = 2048;
/// So many messages are to be on their way, if there are as many: what a long line holds of small ones.
const AHEAD: u64 = 2048;

/// A message that is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct WantedMessage {
    pub uid: u32,
    /// Its place in what was wanted.
    pub index: u32,
    /// Whether it is asked for by itself, with nothing else on its way.
    alone: bool,
    /// Whether it has come, or is known not to.
    pub settled: bool,
    /// Whether it was asked for once more, after nothing had come.
    retried: bool,
}

impl WantedMessage {
    /// Its UID, and its place in what was wanted.
    pub fn key(&self) -> (u32, usize) {
        (self.uid, self.index as usize)
    }
}

/// Messages that one command asks for: a stretch of those wanted, in the order of their UIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    start: usize,
    end: usize,
}

/// A command on its way.
#[derive(Debug)]
pub(super) struct Asked {
    pub tag: Tag,
    pub batch: Stretch,
    /// How many messages it asks for.
    pub count: u64,
    /// How many of them have not come.
    left: u64,
}

/// What one retrieval has asked for, and what has come.
#[derive(Debug)]
pub(super) struct RetrievalWindow {
    /// In the order of their UIDs.
    messages: Vec<WantedMessage>,
    /// To be asked for, in order.
    todo: VecDeque<Stretch>,
    /// Commands on their way, oldest first.
    asked: VecDeque<Asked>,
}

impl RetrievalWindow {
    /// `sorted`: UIDs, ascending, each with its place in `wanted`.
    pub fn new(sorted: &[(u32, u32)], wanted: &[Wanted]) -> Self {
        let message = |(uid, index): &(u32, u32)| {
            let alone = wanted.get(*index as usize).is_some_and(|wanted| wanted.alone);
            WantedMessage { uid: *uid, index: *index, alone, settled: false, retried: false }
        };
        let messages: Vec<WantedMessage> = sorted.iter().map(message).collect();
        let mut window = RetrievalWindow { messages, todo: VecDeque::new(), asked: VecDeque::new() };
        window.cut();
        window
    }

    /// Cuts all messages into batches. Those that are asked for alone come last.
    fn cut(&mut self) {
        let (mut most, mut start) = (FIRST, 0);
        let mut alone = Vec::new();
        while start < self.messages.len() {
            if self.messages[start].alone {
                alone.push(Stretch { start, end: start + 1 });
                start += 1;
                continue;
            }
            let rest = &self.messages[start..];
            let end = start + rest.iter().take(most).take_while(|message| !message.alone).count();
            self.todo.push_back(Stretch { start, end });
            (start, most) = (end, MOST.min(most * 2));
        }
        self.todo.extend(alone);
    }

    /// What is to be asked for next, if that may go out now.
    pub fn next(&mut self) -> Option<(Stretch, UidSet)> {
        let next = *self.todo.front()?;
        let alone = |batch: &Stretch| self.messages[batch.start].alone;
        let ahead: u64 = self.asked.iter().map(|asked| asked.left).sum();
        let waits = alone(&next) || self.asked.back().is_some_and(|last| alone(&last.batch));
        if ahead >= AHEAD || (waits && !self.asked.is_empty()) {
            return None;
        }
        self.todo.pop_front();
        let set = self.unsettled(next);
        if set.is_empty() {
            return self.next();
        }
        // A set with many holes is long: what does not fit goes into the next command.
        let pieces = set.split_for_lines(MAX_SET);
        let [piece, _, ..] = pieces.as_slice() else { return Some((next, set)) };
        let last = piece.last().unwrap_or_default();
        let middle = next.start + self.messages[next.start..next.end].partition_point(|one| one.uid <= last);
        self.todo.push_front(Stretch { start: middle, end: next.end });
        Some((Stretch { start: next.start, end: middle }, piece.clone()))
    }

    fn unsettled(&self, batch: Stretch) -> UidSet {
        let messages = &self.messages[batch.start..batch.end];
        messages.iter().filter(|message| !message.settled).map(|message| message.uid).collect()
    }

    /// The command went out.
    pub fn sent(&mut self, tag: Tag, batch: Stretch) {
        let count = self.unsettled(batch).len();
        self.asked.push_back(Asked { tag, batch, count, left: count });
    }

    /// Whether nothing is on its way and nothing is to be asked for.
    pub fn is_over(&self) -> bool {
        self.asked.is_empty() && self.todo.is_empty()
    }

    /// Whether commands are on their way.
    pub fn awaits_answers(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether all that is wanted is on its way, with no message by itself that is under suspicion.
    pub fn is_asked_for(&self) -> bool {
        let alone = |batch: &Stretch| self.messages[batch.start].alone;
        self.todo.is_empty() && self.awaits_answers() && !self.asked.iter().any(|asked| alone(&asked.batch))
    }

    /// The message with this UID, if a command on its way asked for it and it has not come.
    pub fn awaited(&self, uid: u32) -> Option<WantedMessage> {
        let at = self.messages.binary_search_by_key(&uid, |message| message.uid).ok()?;
        let asked = self.asked.iter().any(|asked| (asked.batch.start..asked.batch.end).contains(&at));
        Some(self.messages[at]).filter(|message| asked && !message.settled)
    }

    /// The message with this UID is done with.
    pub fn settle(&mut self, uid: u32) {
        let Ok(at) = self.messages.binary_search_by_key(&uid, |message| message.uid) else { return };
        if std::mem::replace(&mut self.messages[at].settled, true) {
            return;
        }
        let asked = self.asked.iter_mut().find(|asked| (asked.batch.start..asked.batch.end).contains(&at));
        if let Some(asked) = asked {
            asked.left = asked.left.saturating_sub(1);
        }
    }

    /// The message with this UID has not come after all, and is to be asked for once more. `false` where that was
    /// done before.
    pub fn unsettle(&mut self, uid: u32) -> bool {
        let Ok(at) = self.messages.binary_search_by_key(&uid, |message| message.uid) else { return false };
        let message = &mut self.messages[at];
        message.settled = message.retried;
        !std::mem::replace(&mut message.retried, true)
    }

    /// The place of the message with this UID in what was wanted.
    pub fn index(&self, uid: u32) -> Option<usize> {
        let at = self.messages.binary_search_by_key(&uid, |message| message.uid).ok()?;
        Some(self.messages[at].index as usize)
    }

    /// The command on its way that ends next has ended.
    pub fn ended(&mut self) -> Option<Asked> {
        self.asked.pop_front()
    }

    /// Those of a batch that have not come.
    pub fn missing(&self, batch: Stretch) -> Vec<WantedMessage> {
        self.messages[batch.start..batch.end].iter().copied().filter(|message| !message.settled).collect()
    }

    /// Asks for the rest of a batch in two halves, or once more as it is.
    pub fn again(&mut self, batch: Stretch, halved: bool) {
        let missing: Vec<usize> = (batch.start..batch.end).filter(|at| !self.messages[*at].settled).collect();
        let (Some(first), Some(last)) = (missing.first(), missing.last()) else { return };
        let rest = Stretch { start: *first, end: last + 1 };
        if !halved {
            self.todo.push_front(rest);
            return;
        }
        let middle = missing[missing.len() / 2];
        if middle < rest.end && middle > rest.start {
            self.todo.push_front(Stretch { start: middle, end: rest.end });
            self.todo.push_front(Stretch { start: rest.start, end: middle });
        } else {
            self.todo.push_front(rest);
        }
    }

    /// Asks for one message by itself.
    pub fn single(&mut self, uid: u32) {
        if let Ok(at) = self.messages.binary_search_by_key(&uid, |message| message.uid) {
            self.todo.push_back(Stretch { start: at, end: at + 1 });
        }
    }

    /// The message at which the dialogue stands: the first that is awaited.
    pub fn next_awaited(&self) -> Option<WantedMessage> {
        let of = |batch: Stretch| {
            self.messages[batch.start..batch.end].iter().find(|message| !message.settled).copied()
        };
        self.asked.iter().find_map(|asked| of(asked.batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::imap::Tags;

    fn window(uids: impl IntoIterator<Item = u32>, alone: &[u32]) -> RetrievalWindow {
        let sorted: Vec<(u32, u32)> = uids.into_iter().zip(0..).collect();
        let wanted: Vec<Wanted> = sorted
            .iter()
            .map(|(uid, index)| Wanted { number: index + 1, size: None, alone: alone.contains(uid) })
            .collect();
        RetrievalWindow::new(&sorted, &wanted)
    }

    /// Answers every command by `answer`, which says what comes of the messages asked for.
    fn play(mut window: RetrievalWindow, mut answer: impl FnMut(&UidSet) -> Vec<u32>) -> Vec<String> {
        let (mut tags, mut log) = (Tags::default(), Vec::new());
        while !window.is_over() {
            while let Some((batch, set)) = window.next() {
                log.push(set.to_string());
                window.sent(tags.fresh(), batch);
            }
            let asked = window.ended().unwrap();
            let set = window.unsettled(asked.batch);
            let came = answer(&set);
            came.iter().for_each(|uid| window.settle(*uid));
            match window.missing(asked.batch).as_slice() {
                [] => {}
                [one] if asked.batch.end - asked.batch.start == 1 => window.settle(one.uid),
                _ => window.again(asked.batch, true),
            }
        }
        log
    }

    #[test]
    fn messages_are_asked_for_in_growing_ranges_and_each_once() {
        let log = play(window(1..=4000, &[]), |set| set.iter().collect());
        assert_eq!(log, ["1:256", "257:768", "769:1792", "1793:3840", "3841:4000"]);
    }

    /// The line is never idle: long before what was asked for has come, more is asked for.
    #[test]
    fn more_is_asked_for_while_much_is_still_on_its_way() {
        let (mut window, mut tags) = (window(1..=20_000, &[]), Tags::default());
        let mut came = 0;
        while !window.is_over() {
            while let Some((batch, _)) = window.next() {
                window.sent(tags.fresh(), batch);
            }
            let ahead: u64 = window.asked.iter().map(|asked| asked.left).sum();
            assert!(ahead >= AHEAD.min(20_000 - u64::from(came)), "{came}: {ahead}");
            assert!(ahead <= AHEAD + MOST as u64, "{came}: {ahead}");
            came += 1;
            window.settle(came);
            if window.asked.front().is_some_and(|asked| asked.left == 0) {
                window.ended();
            }
        }
        assert_eq!(came, 20_000);
    }

    #[test]
    fn a_refused_range_is_halved_until_the_bad_message_stands_alone() {
        for bad in [1, 2, 7, 100, 255, 256] {
            let mut asked = 0;
            let log = play(window(1..=256, &[]), |set| {
                asked += 1;
                if set.contains(bad) { Vec::new() } else { set.iter().collect() }
            });
            assert!(log.contains(&bad.to_string()), "{bad}: {log:?}");
            assert!(asked <= 2 * 8 + 1, "{bad}: {asked}");
        }
    }

    #[test]
    fn a_server_that_stops_at_the_bad_message_of_a_range_hands_out_the_others() {
        let mut came: Vec<u32> = Vec::new();
        let all = window(1..=300, &[]);
        play(all, |set| {
            let some: Vec<u32> = set.iter().take_while(|uid| *uid != 120).collect();
            came.extend(&some);
            some
        });
        assert_eq!(came.len(), 299);
    }

    #[test]
    fn a_suspect_is_asked_for_last_with_nothing_beside_it() {
        let mut window = window(1..=10, &[4]);
        let mut tags = Tags::default();
        let mut next = || {
            window.next().map(|(batch, set)| {
                window.sent(tags.fresh(), batch);
                set.to_string()
            })
        };
        assert_eq!(next().as_deref(), Some("1:3"));
        assert_eq!(next().as_deref(), Some("5:10"));
        assert_eq!(next(), None, "the suspect waits");
        for uid in [1, 2, 3, 5, 6, 7, 8, 9, 10] {
            window.settle(uid);
        }
        window.ended();
        window.ended();
        assert_eq!(window.next().unwrap().1.to_string(), "4");
    }

    #[test]
    fn a_set_with_holes_is_cut_where_its_line_would_be_too_long() {
        let log = play(window((1..=6000).map(|n| n * 700_000), &[]), |set| set.iter().collect());
        assert!(log.iter().all(|set| set.len() <= MAX_SET), "{:?}", log.iter().map(String::len).max());
        let all: u64 = log.iter().map(|set| UidSet::parse(set.as_bytes()).unwrap().len()).sum();
        assert_eq!(all, 6000);
    }

    #[test]
    fn what_was_not_asked_for_or_has_come_is_not_awaited() {
        let mut window = window([3, 5, 9], &[]);
        assert!(window.awaited(5).is_none(), "not asked for yet");
        let (batch, _) = window.next().unwrap();
        window.sent(Tags::default().fresh(), batch);
        assert_eq!(window.awaited(5).unwrap().index, 1);
        assert!(window.awaited(4).is_none());
        window.settle(5);
        assert!(window.awaited(5).is_none());
        assert_eq!(window.next_awaited().unwrap().uid, 3);
    }
}
