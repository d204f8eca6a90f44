//! UID FETCH of the fields of headers that a list shows.

use super::Mailbox;
use super::content::LineEnds;
use super::listing::MAX_SET;
use crate::codec::imap::{Command, FetchItem, FetchItems, Response, UidSet};
use crate::mailbox::{Receiver, Wanted};
use crate::words::{Failure, Kind, Stage};

const STAGE: Stage = Stage::UidFetch;

/// The fields of the header that a list shows.
const LISTED_FIELDS: [&str; 5] = ["DATE", "FROM", "TO", "SUBJECT", "MESSAGE-ID"];

/// How many headers are held at once: the server may send them in any order.
const HELD: usize = 1000;

impl Mailbox {
    /// Gets the fields of headers that a list shows.
    pub(super) fn retrieve_headers(
        &mut self,
        wanted: &[Wanted],
        receiver: &mut dyn Receiver,
    ) -> Result<(), Failure> {
        for (block, some) in wanted.chunks(HELD).enumerate() {
            self.header_block(some, block * HELD, receiver)?;
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
        let items = [FetchItem::Uid, FetchItem::HeaderFields(&LISTED_FIELDS)];
        let set: UidSet = sorted.iter().map(|(uid, _)| *uid).collect();
        let index = |uid: u32| {
            let at = sorted.binary_search_by_key(&uid, |(own, _)| *own).ok()?;
            Some(sorted[at].1 as usize)
        };
        let mut headers: Vec<Option<Vec<u8>>> = vec![None; wanted.len()];
        for piece in set.split_for_lines(MAX_SET) {
            let tag = self.connection.send(STAGE, &Command::uid_fetch(&piece, &items))?;
            self.connection.complete(STAGE, tag, |response| {
                if let Response::Fetch(FetchItems { uid: Some(uid), header: Some(header), .. }) = response
                    && let Some(index) = index(*uid)
                {
                    headers[index] = Some(header.to_vec());
                }
            })?;
        }
        for (index, header) in (before..).zip(headers) {
            let Some(header) = header else {
                let message = format!("{STAGE}: the server sent no header");
                let failure = Failure::new(Kind::Rejected, STAGE, message).at(self.connection.wire.place());
                receiver.refused(index, failure)?;
                continue;
            };
            let (mut ends, mut content) = (LineEnds::default(), Vec::new());
            ends.push(&header, &mut content);
            ends.finish(&mut content);
            receiver.begin(index)?;
            receiver.chunk(&content, header.len() as u64)?;
            receiver.confirm(index)?;
        }
        Ok(())
    }
}
