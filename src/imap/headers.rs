//! UID FETCH of fields of headers: those that a list shows, and those that tell messages apart.

use super::OpenMailbox;
use super::apart::Apart;
use super::content::CrlfToLf;
use super::listing::MAX_SET;
use crate::codec::imap::{Command, FetchItem, FetchItems, Response, Status, UidSet};
use crate::mailbox::{Receiver, Wanted};
use crate::store::Details;
use crate::words::{Failure, Kind, Stage};

const STAGE: Stage = Stage::UidFetch;

/// The fields of the header that a list shows.
const LISTED_FIELDS: [&str; 5] = ["DATE", "FROM", "TO", "SUBJECT", "MESSAGE-ID"];

/// The fields that tell messages apart.
const IDENTIFYING_FIELDS: [&str; 3] = ["MESSAGE-ID", "DATE", "FROM"];

/// How many sets may be refused before no more are asked for.
const MOST_REFUSALS: usize = 40;

/// How many headers are held at once: the server may send them in any order.
const HELD: usize = 1000;

/// How many octets of them, as a rule. A header beyond that is asked for by itself when its turn comes.
const HELD_OCTETS: usize = 8 * 1024 * 1024;

/// A header that is wanted.
#[derive(Clone)]
enum HeldHeader {
    /// It has not come.
    Missing,
    Here(Vec<u8>, Details),
    /// It has come when too much was held.
    TooMuch,
}

impl OpenMailbox {
    /// Gets the fields of headers that a list shows.
    pub(super) fn retrieve_headers(
        &mut self,
        wanted: &[Wanted],
        receiver: &mut dyn Receiver,
    ) -> Result<(), Failure> {
        self.come_back()?;
        for (block, some) in wanted.chunks(HELD).enumerate() {
            self.header_block(some, block * HELD, receiver)?;
        }
        Ok(())
    }

    /// Gets the fields that tell messages apart. A set that is refused is asked for once more in halves.
    pub(super) fn retrieve_identities(
        &mut self,
        places: &[u32],
        take: &mut dyn FnMut(u32, Option<&[u8]>),
    ) -> Result<(), Failure> {
        self.come_back()?;
        let items = [FetchItem::Uid, FetchItem::HeaderFields(&IDENTIFYING_FIELDS)];
        let uids = places.iter().filter_map(|place| self.uids.get(*place as usize));
        let set: UidSet = uids.copied().collect();
        let (mut todo, mut missing, mut refusals) = (set.split_for_lines(MAX_SET), UidSet::new(), 0);
        while let Some(piece) = todo.pop() {
            let mut came = UidSet::new();
            let tag = self.connection.send(STAGE, &Command::uid_fetch(&piece, &items))?;
            let known = &self.uids;
            let status = self.connection.complete(STAGE, tag, |response| {
                if let Response::Fetch(FetchItems { uid: Some(uid), header: Some(header), .. }) = response
                    && piece.contains(*uid)
                    && !came.contains(*uid)
                    && let Ok(place) = known.binary_search(uid)
                {
                    came.extend([*uid]);
                    let (mut ends, mut content) = (CrlfToLf::default(), Vec::new());
                    ends.push(header, &mut content);
                    ends.finish(&mut content);
                    take(place as u32, Some(&content));
                }
            })?;
            let rest = piece.without(&came);
            if self.connection.is_limited(STAGE)? && !came.is_empty() {
                todo.extend([rest].into_iter().filter(|rest| !rest.is_empty()));
                continue;
            }
            refusals += usize::from(status != Status::Ok);
            if status != Status::Ok && rest.len() > 1 && refusals < MOST_REFUSALS {
                let (head, tail) = rest.split_at(rest.len() / 2);
                todo.extend([tail, head]);
            } else {
                missing = missing.with(&rest);
            }
        }
        if !missing.is_empty() {
            for uid in missing.without(&self.gone(&missing)?).iter() {
                if let Ok(place) = self.uids.binary_search(&uid) {
                    take(place as u32, None);
                }
            }
        }
        Ok(())
    }

    /// The headers of some; `before`: how many are wanted ahead of them.
    fn header_block(
        &mut self,
        wanted: &[Wanted],
        before: usize,
        receiver: &mut dyn Receiver,
    ) -> Result<(), Failure> {
        let sorted = self.sorted(wanted)?;
        let mut headers = vec![HeldHeader::Missing; wanted.len()];
        self.hold_headers(&sorted, HELD_OCTETS, &mut headers)?;
        for (place, held) in headers.into_iter().enumerate() {
            let held = match held {
                HeldHeader::TooMuch => {
                    let one = sorted.iter().filter(|(_, index)| *index as usize == place);
                    let one: Vec<(u32, u32)> = one.map(|(uid, _)| (*uid, 0)).collect();
                    let mut alone = [HeldHeader::Missing];
                    self.hold_headers(&one, usize::MAX, &mut alone)?;
                    let [alone] = alone;
                    alone
                }
                held => held,
            };
            let index = before + place;
            let HeldHeader::Here(header, details) = held else {
                let message = format!("{STAGE}: the server sent no header");
                let failure = Failure::new(Kind::Rejected, STAGE, message).at(self.connection.wire.place());
                receiver.refused(index, failure)?;
                continue;
            };
            let (mut ends, mut content) = (CrlfToLf::default(), Vec::new());
            ends.push(&header, &mut content);
            ends.finish(&mut content);
            receiver.details(index, details);
            receiver.begin(index)?;
            receiver.chunk(&content, header.len() as u64)?;
            receiver.confirm(index)?;
        }
        Ok(())
    }

    /// Asks for headers, and keeps them where their places are, up to `room` octets. `sorted`: UIDs, ascending, each
    /// with its place.
    fn hold_headers(
        &mut self,
        sorted: &[(u32, u32)],
        mut room: usize,
        headers: &mut [HeldHeader],
    ) -> Result<(), Failure> {
        let items = [
            FetchItem::Uid,
            FetchItem::Flags,
            FetchItem::InternalDate,
            FetchItem::Size,
            FetchItem::HeaderFields(&LISTED_FIELDS),
        ];
        let set: UidSet = sorted.iter().map(|(uid, _)| *uid).collect();
        let place = |uid: u32| {
            let at = sorted.binary_search_by_key(&uid, |(own, _)| *own).ok()?;
            Some(sorted[at].1 as usize)
        };
        let validity = self.opening.validity();
        let mut apart = Apart::default();
        for piece in set.split_for_lines(MAX_SET) {
            let tag = self.connection.send(STAGE, &Command::uid_fetch(&piece, &items))?;
            self.connection.complete(STAGE, tag, |response| {
                if let Response::Fetch(items) = response
                    && let Some(uid) = items.uid
                    && let Some(index) = place(uid)
                    && let Some(held) = headers.get_mut(index)
                {
                    match (&mut *held, &items.header) {
                        (HeldHeader::Missing, Some(header)) => {
                            let details = apart.details((uid, index), items, None, validity);
                            let octets = header.len() + size_of_flags(&details.flags);
                            *held = match room.checked_sub(octets) {
                                Some(left) => {
                                    room = left;
                                    HeldHeader::Here(header.to_vec(), details)
                                }
                                None => HeldHeader::TooMuch,
                            };
                        }
                        (HeldHeader::Missing, None) => apart.note(uid, items),
                        (HeldHeader::Here(_, details), _) => {
                            let late = apart.late(uid, items).map(|(_, flags)| flags);
                            let left = late.as_ref().and_then(|flags| room.checked_sub(size_of_flags(flags)));
                            if let (Some(flags), Some(left)) = (late, left) {
                                (room, details.flags) = (left, flags);
                            }
                            details.received =
                                details.received.or(items.internal_date.map(|date| date.seconds));
                            details.size = details.size.or(items.size);
                        }
                        (HeldHeader::TooMuch, _) => {}
                    }
                }
            })?;
        }
        Ok(())
    }
}

fn size_of_flags(flags: &[String]) -> usize {
    flags.iter().map(String::len).sum()
}
