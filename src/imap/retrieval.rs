//! UID FETCH (`RFC 3501 §6.4.8`): messages, and the headers of messages.
//!
//! A message counts when its literal came whole, the response ended as it should, and its UID is one that a
//! command on its way asked for. What the server calls the message by number, in which order it sends things,
//! and what else it sends, is no matter.

use super::listing::MAX_SET;
use super::window::{Message, Window};
use super::{Mailbox, Step};
use crate::codec::imap::{Body, Command, FetchItem, FetchItems, Response, ResponseCode, Status, Tag, UidSet};
use crate::mailbox::{Details, Receiver, Remedy, Setback, Wanted};
use crate::store::Spool;
use crate::words::{Failure, Kind, Stage};
use std::borrow::Cow;
use std::io::Read as _;

const STAGE: Stage = Stage::UidFetch;

/// What is asked for with a message. The body comes last with every server that keeps the order of the command:
/// so all that is said of it is known when it begins.
const ITEMS: [FetchItem<'static>; 5] =
    [FetchItem::Uid, FetchItem::Flags, FetchItem::InternalDate, FetchItem::Size, FetchItem::Body];

/// The fields of the header that a list shows.
const LISTED_FIELDS: [&str; 5] = ["DATE", "FROM", "TO", "SUBJECT", "MESSAGE-ID"];

/// Bodies that nobody asked for before the server is out of step.
const MOST_UNASKED: usize = 3;

/// Takes CRLF for LF. A CR by itself is content, and so is a LF.
#[derive(Default)]
struct LineEnds {
    /// Whether the last octet was a CR, which is held back.
    held: bool,
}

impl LineEnds {
    /// Appends `octets` to `out`.
    fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let Some(first) = octets.first() else { return };
        if std::mem::take(&mut self.held) && *first != b'\n' {
            out.push(b'\r');
        }
        let mut rest = octets;
        while let Some(at) = memchr::memchr(b'\r', rest) {
            match rest.get(at + 1) {
                Some(b'\n') => {
                    out.extend_from_slice(&rest[..at]);
                    out.push(b'\n');
                    rest = &rest[at + 2..];
                }
                Some(_) => {
                    out.extend_from_slice(&rest[..=at]);
                    rest = &rest[at + 1..];
                }
                None => {
                    out.extend_from_slice(&rest[..at]);
                    self.held = true;
                    return;
                }
            }
        }
        out.extend_from_slice(rest);
    }

    /// The message has ended.
    fn finish(self, out: &mut Vec<u8>) {
        if self.held {
            out.push(b'\r');
        }
    }
}

/// Passes an error of the receiver on; the dialogue stops where it is.
struct Intake<'a> {
    receiver: &'a mut dyn Receiver,
    failed: bool,
    content: Vec<u8>,
    /// A message whose response has ended, and behind which nothing has come: were its length told wrong, what
    /// comes next would be the rest of it.
    unconfirmed: Option<Unconfirmed>,
}

/// A message whose response has ended.
#[derive(Clone, Copy)]
struct Unconfirmed {
    index: usize,
    /// Whether it has the size that the server says, so that it is whole though the line ends behind it.
    is_exact: bool,
}

impl Intake<'_> {
    fn pass(&mut self, run: impl FnOnce(&mut dyn Receiver) -> Result<(), Failure>) -> Result<(), Failure> {
        run(self.receiver).inspect_err(|_| self.failed = true)
    }

    /// What has come is whole: a response stands behind it.
    fn confirm(&mut self) -> Result<(), Failure> {
        match self.unconfirmed.take() {
            Some(message) => self.pass(|receiver| receiver.confirm(message.index)),
            None => Ok(()),
        }
    }

    fn begin(&mut self, message: Message, details: Details) -> Result<(), Failure> {
        let index = message.index as usize;
        self.pass(|receiver| {
            receiver.details(index, details);
            receiver.begin(index)
        })
    }

    /// A piece of a message; `size`: octets of the message so far, with this.
    fn piece(&mut self, ends: &mut LineEnds, octets: &[u8], size: u64) -> Result<(), Failure> {
        let mut content = std::mem::take(&mut self.content);
        content.clear();
        ends.push(octets, &mut content);
        let passed = match content.is_empty() {
            true => Ok(()),
            false => self.pass(|receiver| receiver.chunk(&content, size)),
        };
        self.content = content;
        passed
    }

    fn end(&mut self, ends: LineEnds, size: u64) -> Result<(), Failure> {
        let mut content = Vec::new();
        ends.finish(&mut content);
        match content.is_empty() {
            true => Ok(()),
            false => self.pass(|receiver| receiver.chunk(&content, size)),
        }
    }
}

impl Mailbox {
    /// Gets messages. A refusal is passed to `receiver` and the rest goes on; an error ends the session, and
    /// whatever was begun and not confirmed is worth nothing.
    pub(super) fn retrieve(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure> {
        let sorted = self.sorted(wanted)?;
        let mut window = Window::new(&sorted, wanted);
        let content = Vec::with_capacity(64 * 1024);
        let mut intake = Intake { receiver, failed: false, content, unconfirmed: None };
        let mut coming = None;
        let run = self.window(&mut window, &mut intake, &mut coming);
        self.local = intake.failed;
        run.inspect_err(|failure| {
            self.connection.wire.mark_broken();
            let at = coming.or_else(|| window.next_awaited().map(|message| message.index as usize));
            let remedy = match failure.kind() {
                _ if self.local => None,
                Kind::Protocol => Some(Remedy::WithoutMessage),
                Kind::Network | Kind::Timeout => Some(Remedy::Again),
                _ => None,
            };
            self.setback = remedy.map(|remedy| Setback { remedy, at });
        })
    }

    fn window(
        &mut self,
        window: &mut Window,
        intake: &mut Intake<'_>,
        coming: &mut Option<usize>,
    ) -> Result<(), Failure> {
        let mut unasked = 0;
        // Messages of which nothing came though their command succeeded.
        let mut nothing: Vec<u32> = Vec::new();
        loop {
            self.refill(window)?;
            if window.is_over() {
                let Some(left) = self.left(window, std::mem::take(&mut nothing), intake)? else {
                    return Ok(());
                };
                left.iter().for_each(|uid| window.single(uid));
                continue;
            }
            self.connection.wire.begin();
            let step = match self.connection.step(STAGE) {
                Ok(step) => step,
                Err(failure) => {
                    self.cut_off(&failure, window, intake, coming)?;
                    return Err(failure);
                }
            };
            intake.confirm()?;
            match step {
                Step::Body(octets) => {
                    let asked = self.body(window, octets, intake, coming)?;
                    unasked += usize::from(!asked);
                    if unasked > MOST_UNASKED {
                        return Err(self.connection.out_of_turn(STAGE));
                    }
                }
                Step::Response => self.other(window, intake, &mut nothing)?,
            }
        }
    }

    /// The dialogue broke down where a response should come. Whether the message before is whole depends on what
    /// came: the rest of a message begins no response.
    fn cut_off(
        &mut self,
        failure: &Failure,
        window: &Window,
        intake: &mut Intake<'_>,
        coming: &mut Option<usize>,
    ) -> Result<(), Failure> {
        let whole = match failure.kind() {
            Kind::Protocol => self.connection.assembly.has_begun(),
            _ => intake.unconfirmed.is_some_and(|message| message.is_exact),
        };
        if whole {
            intake.confirm()?;
        }
        let named = self.connection.assembly.so_far().uid.and_then(|uid| window.awaited(uid));
        let named = named.filter(|_| failure.kind() == Kind::Protocol).map(|message| message.index as usize);
        *coming = intake.unconfirmed.map(|message| message.index).or(named);
        Ok(())
    }

    fn refill(&mut self, window: &mut Window) -> Result<(), Failure> {
        let mut sent = false;
        while let Some((batch, set)) = window.next() {
            let tag = self.connection.command(STAGE, &Command::uid_fetch(&set, &ITEMS))?;
            window.sent(tag, batch);
            sent = true;
        }
        if sent { self.connection.flush(STAGE) } else { Ok(()) }
    }

    /// A response without a literal as its body.
    fn other(
        &mut self,
        window: &mut Window,
        intake: &mut Intake<'_>,
        nothing: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        match self.connection.response(STAGE)? {
            Response::Fetch(items) => {
                let message = items.uid.and_then(|uid| window.awaited(uid));
                let (Some(message), Body::Quoted(octets)) = (message, &items.body) else { return Ok(()) };
                if octets.is_empty() {
                    return Ok(());
                }
                let size = octets.len() as u64;
                let mut ends = LineEnds::default();
                intake.begin(message, details(&items, size))?;
                intake.piece(&mut ends, octets, size)?;
                intake.end(ends, size)?;
                let is_exact = items.size == Some(size);
                intake.unconfirmed = Some(Unconfirmed { index: message.index as usize, is_exact });
                window.settle(message.uid);
                Ok(())
            }
            Response::Tagged { status, code, .. } => {
                let limited = matches!(code, Some(ResponseCode::MessageLimit { .. }));
                let tag = self.connection.done(STAGE)?;
                self.ended(window, intake, nothing, tag, status, limited)
            }
            Response::Continue(_) => Err(self.connection.out_of_turn(STAGE)),
            _ => Ok(()),
        }
    }

    /// A command has ended; what of it has not come is asked for once more, or is no more.
    fn ended(
        &mut self,
        window: &mut Window,
        intake: &mut Intake<'_>,
        nothing: &mut Vec<u32>,
        tag: Tag,
        status: Status,
        limited: bool,
    ) -> Result<(), Failure> {
        let Some(asked) = window.ended().filter(|asked| asked.tag == tag) else {
            return Err(self.connection.out_of_turn(STAGE));
        };
        let missing = window.missing(asked.batch);
        match (missing.as_slice(), status) {
            ([], _) => {}
            // So many at once and no more (`RFC 9738`).
            (rest, _) if limited && (rest.len() as u64) < asked.count => window.again(asked.batch, false),
            (rest, Status::Ok) => {
                nothing.extend(rest.iter().map(|message| message.uid));
                rest.iter().for_each(|message| window.settle(message.uid));
            }
            ([one], _) => {
                let failure = self.connection.refused(STAGE);
                window.settle(one.uid);
                intake.pass(|receiver| receiver.refused(one.index as usize, failure))?;
            }
            (_, _) => window.again(asked.batch, true),
        }
        Ok(())
    }

    /// All commands have ended. Of the messages of which nothing came, those that are no longer there are no
    /// matter: another client removed them. The others are asked for once more, each by itself; `None` where
    /// that was done already, or nothing is left.
    fn left(
        &mut self,
        window: &mut Window,
        nothing: Vec<u32>,
        intake: &mut Intake<'_>,
    ) -> Result<Option<UidSet>, Failure> {
        if nothing.is_empty() {
            return Ok(None);
        }
        let set: UidSet = nothing.into_iter().collect();
        let gone = self.gone(&set)?;
        let mut again = UidSet::new();
        for uid in set.without(&gone).iter() {
            if window.unsettle(uid) {
                again.extend([uid]);
                continue;
            }
            let Some(index) = window.index(uid) else { continue };
            let message = format!("{STAGE}: UID {uid}: the server sent no body of the message");
            let failure = Failure::new(Kind::Protocol, STAGE, message).at(self.connection.wire.place());
            intake.pass(|receiver| receiver.refused(index, failure))?;
        }
        Ok((!again.is_empty()).then_some(again))
    }

    /// Streams one body to the receiver, with the rest of its response; whether it was asked for.
    fn body(
        &mut self,
        window: &mut Window,
        octets: u64,
        intake: &mut Intake<'_>,
        coming: &mut Option<usize>,
    ) -> Result<bool, Failure> {
        let items = self.connection.assembly.so_far();
        let is_whole = items.uid.is_some() && items.flags.is_some() && items.internal_date.is_some();
        let Some(uid) = items.uid.filter(|_| is_whole) else {
            return self.late(window, octets, intake, coming);
        };
        let details = details(&items, octets);
        let size_listed = items.size;
        let Some(message) = window.awaited(uid) else {
            self.connection.octets(STAGE, octets, |_| Ok(()))?;
            self.end_of_body()?;
            return Ok(false);
        };
        let index = message.index as usize;
        *coming = Some(index);
        intake.begin(message, details)?;
        let (mut ends, mut size) = (LineEnds::default(), 0);
        self.connection.octets(STAGE, octets, |piece| {
            size += piece.len() as u64;
            intake.piece(&mut ends, piece, size)
        })?;
        intake.end(ends, size)?;
        self.end_of_body()?;
        if self.items()?.uid != Some(uid) {
            return Err(self.connection.out_of_turn(STAGE));
        }
        if octets == 0 && size_listed.is_some_and(|size| size > 0) {
            // It is there and has content, and this is none of it.
            return Err(self.empty(uid));
        }
        intake.unconfirmed = Some(Unconfirmed { index, is_exact: size_listed == Some(octets) });
        window.settle(uid);
        Ok(true)
    }

    /// A body before all is known of it: it is kept until the response has ended.
    fn late(
        &mut self,
        window: &mut Window,
        octets: u64,
        intake: &mut Intake<'_>,
        coming: &mut Option<usize>,
    ) -> Result<bool, Failure> {
        let known = self.connection.assembly.so_far().uid.and_then(|uid| window.awaited(uid));
        *coming = known.map(|message| message.index as usize);
        let failed = |error: std::io::Error| {
            let message = format!("temporary file: keeping a message: {error}");
            Failure::new(Kind::Storage, Stage::Store, message)
        };
        let mut spool = Spool::default();
        let kept = self.connection.octets(STAGE, octets, |piece| spool.push(piece).map_err(failed));
        kept.inspect_err(|failure| intake.failed |= failure.kind() == Kind::Storage)?;
        self.end_of_body()?;
        let items = self.items()?;
        let message = items.uid.and_then(|uid| window.awaited(uid));
        let (Some(message), details) = (message, details(&items, octets)) else { return Ok(false) };
        let size_listed = items.size;
        *coming = Some(message.index as usize);
        intake.begin(message, details)?;
        let (mut ends, mut size) = (LineEnds::default(), 0);
        let mut spooled = spool.finish().map_err(failed).inspect_err(|_| intake.failed = true)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match spooled.read(&mut buffer) {
                Ok(0) => break,
                Ok(got) => {
                    size += got as u64;
                    intake.piece(&mut ends, &buffer[..got], size)?;
                }
                Err(error) => {
                    intake.failed = true;
                    return Err(failed(error));
                }
            }
        }
        intake.end(ends, size)?;
        if octets == 0 && size_listed.is_some_and(|size| size > 0) {
            return Err(self.empty(message.uid));
        }
        let is_exact = size_listed == Some(octets);
        intake.unconfirmed = Some(Unconfirmed { index: message.index as usize, is_exact });
        window.settle(message.uid);
        Ok(true)
    }

    /// Reads what stands behind a body, up to the end of its response.
    fn end_of_body(&mut self) -> Result<(), Failure> {
        match self.connection.step(STAGE)? {
            Step::Response => Ok(()),
            Step::Body(_) => Err(self.connection.out_of_turn(STAGE)),
        }
    }

    fn items(&self) -> Result<FetchItems<'_>, Failure> {
        match self.connection.response(STAGE)? {
            Response::Fetch(items) => Ok(items),
            _ => Ok(FetchItems::default()),
        }
    }

    fn empty(&mut self, uid: u32) -> Failure {
        let message =
            format!("{STAGE}: UID {uid}: the server says that the message has content, and sent none");
        Failure::new(Kind::Protocol, STAGE, message).at(self.connection.wire.place())
    }

    /// Gets the fields of headers that a list shows.
    pub(super) fn retrieve_headers(
        &mut self,
        wanted: &[Wanted],
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
        for (index, header) in headers.into_iter().enumerate() {
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

/// What the server says of a message besides its content.
fn details(items: &FetchItems<'_>, octets: u64) -> Details {
    let flag = |name: Cow<'_, [u8]>| String::from_utf8_lossy(&name).into_owned();
    Details {
        flags: items.flags.iter().flat_map(|flags| flags.iter()).map(flag).collect(),
        received: items.internal_date.map(|date| date.seconds),
        size: items.size.or(Some(octets)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crlf_becomes_lf_and_all_else_stays_wherever_it_is_cut() {
        for (wire, stored) in [
            (&b"a\r\nb\r\n"[..], &b"a\nb\n"[..]),
            (b"a\rb\nc\r\r\n\r", b"a\rb\nc\r\n\r"),
            (b"\r\n\r\n\n\r\r", b"\n\n\n\r\r"),
            (b"\0\r\n\xff", b"\0\n\xff"),
            (b"", b""),
        ] {
            for cut in 0..=wire.len() {
                for second in cut..=wire.len() {
                    let (mut ends, mut out) = (LineEnds::default(), Vec::new());
                    for piece in [&wire[..cut], &wire[cut..second], &wire[second..]] {
                        ends.push(piece, &mut out);
                    }
                    ends.finish(&mut out);
                    assert_eq!(out, stored, "{wire:?} at {cut} and {second}");
                }
            }
        }
    }
}
