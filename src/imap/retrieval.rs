//! UID FETCH (`RFC 3501 §6.4.8`): whole messages.
//!
//! A message counts when its literal came whole, the response ended as it should, and its UID is one that a
//! command on its way asked for. What the server calls the message by number, in which order it sends things,
//! and what else it sends, is no matter.

use super::apart::Apart;
use super::content::{ContentIntake, CrlfToLf, Unconfirmed};
use super::window::{RetrievalWindow, WantedMessage};
use super::{OpenMailbox, Step};
use crate::codec::imap::{Body, Command, FetchItem, FetchItems, Response, ResponseCode, Status, Tag, UidSet};
use crate::mailbox::{Receiver, Remedy, Setback, Wanted};
use crate::store::Spool;
use crate::words::{Failure, Kind, Stage};
use std::io::Read as _;

const STAGE: Stage = Stage::UidFetch;

/// What is asked for with a message. The body comes last with every server that keeps the order of the command:
/// so all that is said of it is known when it begins.
const ITEMS: [FetchItem<'static>; 5] =
    [FetchItem::Uid, FetchItem::Flags, FetchItem::InternalDate, FetchItem::Size, FetchItem::Body];

/// Bodies that nobody asked for before the server is out of step.
const MOST_UNASKED: usize = 3;

impl OpenMailbox {
    /// Gets messages. A refusal is passed to `receiver` and the rest goes on; an error ends the session, and
    /// whatever was begun and not confirmed is worth nothing.
    pub(super) fn retrieve(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure> {
        let sorted = self.sorted(wanted)?;
        let mut window = RetrievalWindow::new(&sorted, wanted);
        let content = Vec::with_capacity(64 * 1024);
        let mut intake =
            ContentIntake { receiver, failed: false, content, unconfirmed: None, apart: Apart::default() };
        let mut coming = None;
        let run = self.window(&mut window, &mut intake, &mut coming);
        self.local = intake.failed;
        run.inspect_err(|failure| {
            self.connection.wire.mark_broken();
            let was_astray = self.connection.is_astray && !self.local;
            if let Some(parking) = self.parking.as_ref().filter(|_| was_astray) {
                // Perhaps that is too much for the server.
                parking.stay_in_step();
            }
            let at = coming.or_else(|| window.next_awaited().map(|message| message.index as usize));
            let remedy = match failure.kind() {
                _ if self.local => None,
                Kind::Protocol if was_astray => Some(Remedy::Again),
                Kind::Protocol => Some(Remedy::WithoutMessage),
                Kind::Network | Kind::Timeout => Some(Remedy::Again),
                _ => None,
            };
            self.setback = remedy.map(|remedy| Setback { remedy, at });
        })
    }

    fn window(
        &mut self,
        window: &mut RetrievalWindow,
        intake: &mut ContentIntake<'_>,
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
        window: &RetrievalWindow,
        intake: &mut ContentIntake<'_>,
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

    fn refill(&mut self, window: &mut RetrievalWindow) -> Result<(), Failure> {
        if self.connection.is_astray {
            // More is wanted after all: once what was asked for has come.
            if window.is_over() || window.awaits_answers() {
                return Ok(());
            }
            self.come_back()?;
        }
        let mut sent = false;
        while let Some((batch, set)) = window.next() {
            let tag = self.connection.command(STAGE, &Command::uid_fetch(&set, &ITEMS))?;
            window.sent(tag, batch);
            sent = true;
        }
        if sent && window.is_asked_for() {
            self.go_ahead()?;
        }
        if sent { self.connection.flush(STAGE) } else { Ok(()) }
    }

    /// A response without a literal as its body.
    fn other(
        &mut self,
        window: &mut RetrievalWindow,
        intake: &mut ContentIntake<'_>,
        nothing: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        match self.connection.response(STAGE)? {
            Response::Fetch(items) => {
                let Some(uid) = items.uid else { return Ok(()) };
                let Some(message) = window.awaited(uid) else {
                    // It has come, or is none of those that are wanted.
                    let late = intake.apart.late(uid, &items);
                    late.into_iter().for_each(|(index, flags)| intake.receiver.flags(index, flags));
                    return Ok(());
                };
                let octets = match &items.body {
                    Body::Quoted(octets) if !octets.is_empty() => octets,
                    _ => {
                        intake.apart.note(uid, &items);
                        return Ok(());
                    }
                };
                let size = octets.len() as u64;
                let mut ends = CrlfToLf::default();
                let details =
                    intake.apart.details(message.key(), &items, Some(size), self.opening.validity());
                intake.begin(message, details)?;
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
            // The server has opened the next mailbox while messages of this one were asked for: from here on nobody
            // knows whose messages come.
            Response::Untagged {
                code: Some(ResponseCode::UidValidity(_) | ResponseCode::Closed), ..
            } if self.connection.is_astray => Err(self.connection.out_of_turn(STAGE)),
            _ => Ok(()),
        }
    }

    /// A command has ended; what of it has not come is asked for once more, or is no more.
    fn ended(
        &mut self,
        window: &mut RetrievalWindow,
        intake: &mut ContentIntake<'_>,
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
        window: &mut RetrievalWindow,
        nothing: Vec<u32>,
        intake: &mut ContentIntake<'_>,
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
        window: &mut RetrievalWindow,
        octets: u64,
        intake: &mut ContentIntake<'_>,
        coming: &mut Option<usize>,
    ) -> Result<bool, Failure> {
        let items = self.connection.assembly.so_far();
        let Some(uid) = items.uid.filter(|uid| intake.apart.knows(*uid, &items)) else {
            return self.late(window, octets, intake, coming);
        };
        let size_listed = items.size;
        let validity = self.opening.validity();
        let details = window
            .awaited(uid)
            .map(|message| intake.apart.details(message.key(), &items, Some(octets), validity));
        let (Some(message), Some(details)) = (window.awaited(uid), details) else {
            self.connection.octets(STAGE, octets, |_| Ok(()))?;
            self.end_of_body()?;
            return Ok(false);
        };
        let index = message.index as usize;
        *coming = Some(index);
        intake.begin(message, details)?;
        let (mut ends, mut size) = (CrlfToLf::default(), 0);
        self.connection.octets(STAGE, octets, |piece| {
            size += piece.len() as u64;
            intake.piece(&mut ends, piece, size)
        })?;
        intake.end(ends, size)?;
        self.end_of_body()?;
        if self.connection.assembly.uid() != Some(uid) {
            return Err(self.connection.out_of_turn(STAGE));
        }
        self.arrived(window, intake, message, octets, size_listed)
    }

    /// A body before all is known of it: it is kept until the response has ended.
    fn late(
        &mut self,
        window: &mut RetrievalWindow,
        octets: u64,
        intake: &mut ContentIntake<'_>,
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
        let Some(message) = items.uid.and_then(|uid| window.awaited(uid)) else { return Ok(false) };
        let details = intake.apart.details(message.key(), &items, Some(octets), self.opening.validity());
        let size_listed = items.size;
        *coming = Some(message.index as usize);
        intake.begin(message, details)?;
        let (mut ends, mut size) = (CrlfToLf::default(), 0);
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
        self.arrived(window, intake, message, octets, size_listed)
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

    /// The response of a message has ended, of which so many octets came.
    fn arrived(
        &mut self,
        window: &mut RetrievalWindow,
        intake: &mut ContentIntake<'_>,
        message: WantedMessage,
        octets: u64,
        size_listed: Option<u64>,
    ) -> Result<bool, Failure> {
        let WantedMessage { uid, index, .. } = message;
        if octets == 0 && size_listed.is_some_and(|size| size > 0) {
            let message =
                format!("{STAGE}: UID {uid}: the server says that the message has content, and sent none");
            return Err(Failure::new(Kind::Protocol, STAGE, message).at(self.connection.wire.place()));
        }
        let is_exact = size_listed == Some(octets);
        intake.unconfirmed = Some(Unconfirmed { index: index as usize, is_exact });
        window.settle(uid);
        Ok(true)
    }
}
