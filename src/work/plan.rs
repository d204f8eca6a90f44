//! The plan of a fetch: from listing, ledger and policy to actions. No I/O, no clock.
//!
//! Whether a message was fetched before is decided by UID and, if both sizes are known, by size. A known UID with
//! another size may be the same message, whose size was an estimate, or another one: it is fetched and compared. A UID
//! that the server lists more than once, or ever did, is ambiguous: its listed messages are matched one to one with the
//! recorded ones, and of these only those that this session fetched are deleted.

use super::matches::Matches;
use crate::mailbox::Listing;
use crate::store::{AtStage, Identity, Known, Ledger, ServerState, StoreError};
use crate::words::{After, Failure, Kind, Scope, Stage};
use std::collections::{HashMap, HashSet};

/// If fewer UIDs are known, their disappearance does not count as a reset.
pub const RESET_THRESHOLD: usize = 20;

/// After so many losses of the line at a message it is asked for last.
pub const MOST_LOSSES: u64 = 2;

/// What the user wants.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Fetch messages that were fetched before, too.
    pub all: bool,
    /// Fetch at most so many messages.
    pub limit: Option<u64>,
    /// Skip messages of more octets.
    pub max_size: Option<u64>,
    /// Fetch only these UIDs.
    pub uids: Option<HashSet<Vec<u8>>>,
    pub after: After,
    /// Go on although all known UIDs are gone.
    pub accept_uid_reset: bool,
    /// UIDs of messages at which an earlier session of this run failed: they are left out.
    pub shunned: HashSet<Vec<u8>>,
    /// UIDs of messages that an earlier session of this run fetched: not even `all` fetches them again.
    pub done: HashSet<Vec<u8>>,
    /// Fetch nothing; only make the deletions that are due.
    pub deletions_only: bool,
}

impl Policy {
    /// Whether every message is wanted that is new.
    pub fn is_whole(&self) -> bool {
        let narrowed = self.limit.is_some() || self.max_size.is_some() || self.uids.is_some();
        !narrowed && !self.deletions_only && self.shunned.is_empty()
    }

    /// Whether a stored message, first seen at `since`, is to be deleted from the server.
    pub fn goes(&self, since: u64, now: u64) -> bool {
        match &self.after {
            After::Keep => false,
            After::Delete | After::MoveTo(_) => true,
            After::DeleteAfter(age) => now.saturating_sub(since) >= age.as_secs(),
        }
    }
}

/// A message to fetch. There may be a million in a plan, so it takes little memory.
#[derive(Clone, Copy, Debug)]
pub struct ToFetch {
    /// Its place in the listing.
    pub row: u32,
    /// Its copy number, and the bits below.
    copy: u32,
}

const ADOPTABLE: u32 = 1 << 31;
const SUSPECT: u32 = 1 << 30;

impl ToFetch {
    fn new(row: u32, copy: u32, adoptable: bool, suspect: bool) -> Self {
        // Copy numbers never get near these bits: a listing has at most a million rows.
        let bits = if adoptable { ADOPTABLE } else { 0 } | if suspect { SUSPECT } else { 0 };
        ToFetch { row, copy: copy & !(ADOPTABLE | SUSPECT) | bits }
    }

    /// The number of its copy among those with the same UID; see [`Plan::identity`].
    pub fn copy(&self) -> u32 {
        self.copy & !(ADOPTABLE | SUSPECT)
    }

    /// Whether a copy that a killed run stored may be adopted for it.
    pub fn is_adoptable(&self) -> bool {
        self.copy & ADOPTABLE != 0
    }

    /// Whether the line was lost at it before: it is asked for alone.
    pub fn is_suspect(&self) -> bool {
        self.copy & SUSPECT != 0
    }

    pub fn place(&self) -> usize {
        self.row as usize
    }
}

/// A stored message whose UID is listed with another size now.
#[derive(Clone, Debug)]
pub struct Rival {
    pub known: Known,
    /// Whether it is to be deleted from the server now.
    pub due: bool,
}

/// If a message was found the same under so many sizes, any size counts as the same: the server does not know sizes.
/// (But that is not a reason to delete it.)
const MOST_SIZES: usize = 3;

/// Why a message is not fetched, or not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Larger than `--max-size`, by its listed or its real size.
    TooLarge,
    /// It was fetched before and is the same; only its listed size changed.
    Resized,
    /// It is in the Maildir, but its record was gone.
    Stored,
    /// Another folder has it, too, and it is stored as a message of that.
    InOtherFolder,
    /// Beyond `--limit`.
    BeyondLimit,
    /// The server gives no usable UID for it.
    NoUid,
    /// It is stored, but its UID was listed more than once: it stays on the server.
    Ambiguous,
    /// It is not mail, but the notes that a mail server keeps in the mailbox.
    FolderInternal,
}

/// What is to be done. Rows are named by their place in the listing.
#[derive(Debug, Default)]
pub struct Plan {
    /// Messages to fetch, in the server's order.
    pub get: Vec<ToFetch>,
    /// By row of a message to fetch: stored messages with this UID and another size, which may be the same.
    pub rivals: HashMap<u32, Vec<Rival>>,
    /// Messages to delete without fetching: the ledger has the proof.
    pub delete: Vec<u32>,
    pub skip: Vec<(u32, Reason)>,
    /// Whether messages at which the line was lost twice wait for another session, so that they do not endanger the
    /// deletions of this one.
    pub held: bool,
    /// Rows whose UIDs are to be recorded as ambiguous.
    pub ambiguous: Vec<u32>,
    /// Whether each row is new.
    pub new: Vec<bool>,
    /// If the server has no UIDs: the time of the run, which is used in names instead.
    nameless: Option<u64>,
}

impl Plan {
    /// The identity of a message, the same in every run.
    pub fn identity(&self, get: &ToFetch, listing: &Listing, ledger: &Ledger) -> Identity {
        match (self.nameless, listing.uid(get.place())) {
            (None, Some(uid)) => ledger.identity(uid, get.copy()),
            (now, _) => {
                // Another name in every run: such a message must never be taken for another one.
                let (number, size) = (listing.number(get.place()), listing.size(get.place()).unwrap_or(0));
                ledger.identity(format!("{NO_UID}{} {number} {size}", now.unwrap_or(0)).as_bytes(), 0)
            }
        }
    }

    /// The stored messages that may be the same as this one.
    pub fn rivals(&self, get: &ToFetch) -> &[Rival] {
        self.rivals.get(&get.row).map_or(&[], Vec::as_slice)
    }

    /// The UIDs to record as ambiguous.
    pub fn ambiguous<'a>(&'a self, listing: &'a Listing) -> impl Iterator<Item = &'a [u8]> {
        self.ambiguous.iter().filter_map(|row| listing.uid(*row as usize))
    }
}

/// Makes the plan. `now`: seconds since 1970. Fails with [`Kind::Missing`] if the server has no UIDs and messages are to
/// be kept, and with [`Kind::UidReset`].
pub fn plan(listing: &Listing, ledger: &Ledger, policy: &Policy, now: u64) -> Result<Plan, Failure> {
    if !listing.has_uids {
        return without_uids(listing, ledger, policy, now);
    }
    let matches = Matches::of(listing, ledger).at(Stage::Ledger)?;
    check_reset(listing, ledger, &matches, policy)?;
    let mut late = Late::default();
    let mut plan = matched(listing, ledger, &matches, policy, now, &mut late).at(Stage::Ledger)?;
    plan.ambiguous = matches.into_newly_ambiguous();
    if policy.deletions_only {
        plan.get.clear();
        plan.rivals.clear();
        plan.skip.clear();
        late.get.clear();
    }
    late.join(&mut plan, policy, now);
    Ok(plan)
}

/// Messages that are left for the end because the line was lost at them twice, with the number of losses.
#[derive(Default)]
struct Late {
    get: Vec<(u64, ToFetch)>,
    delete: Vec<(u64, u32)>,
    /// How many more messages the limit allows.
    room: usize,
}

impl Late {
    /// Puts them at the end of the plan, those with the fewest losses first. If the plan has deletions, they wait for
    /// another session.
    fn join(mut self, plan: &mut Plan, policy: &Policy, now: u64) {
        if self.get.is_empty() && self.delete.is_empty() {
            return;
        }
        let deletes = !plan.delete.is_empty() || (policy.goes(now, now) && !plan.get.is_empty());
        if deletes {
            plan.held = true;
            return;
        }
        self.get.sort_by_key(|(losses, _)| *losses);
        self.delete.sort_by_key(|(losses, _)| *losses);
        let beyond = self.get.split_off(self.room.min(self.get.len()));
        plan.skip.extend(beyond.into_iter().map(|(_, get)| (get.row, Reason::BeyondLimit)));
        plan.get.extend(self.get.into_iter().map(|(_, get)| get));
        plan.delete.extend(self.delete.into_iter().map(|(_, delete)| delete));
    }
}

fn matched(
    listing: &Listing,
    ledger: &Ledger,
    matches: &Matches<'_>,
    policy: &Policy,
    now: u64,
    late: &mut Late,
) -> Result<Plan, StoreError> {
    let mut plan = Plan::default();
    let mut room = policy.limit.unwrap_or(u64::MAX);
    for row in 0..listing.len() as u32 {
        let place = row as usize;
        let size = listing.size(place);
        let Some(uid) = listing.uid(place) else {
            plan.new.push(true);
            plan.skip.push((row, Reason::NoUid));
            continue;
        };
        let known = matches.known(row);
        let first_seen = matches.memory(row).and_then(|memory| memory.first_seen());
        let is_due = |known: &Known| wants_deletion(known, first_seen, policy, now);
        // A message recorded by another account's ledger is compared before it may be deleted.
        let is_due_elsewhere = |known: &Known| known.is_elsewhere() && is_due(known);
        let rivals = match known {
            Some(known) if is_due_elsewhere(&known) => vec![Rival { known, due: true }],
            _ => {
                let spare = matches.spare(row).filter(|known| known.is_stored());
                spare.map(|known| Rival { due: is_due(&known), known }).collect()
            }
        };
        plan.new.push(known.is_none() && rivals.is_empty());
        let asked_for = policy.uids.as_ref().is_none_or(|uids| uids.contains(uid));
        let (shunned, losses) = (policy.shunned.contains(uid), ledger.losses(uid));
        match known {
            Some(known)
                if !asked_for || policy.done.contains(uid) || !(policy.all || is_due_elsewhere(&known)) =>
            {
                // `--uid` narrows deletions, too.
                let named = asked_for || known.state() == Some(ServerState::Pending);
                // A message that was only marked always stays.
                let goes = named && known.is_stored() && !known.is_elsewhere() && !shunned;
                if goes && is_due(&known) {
                    match !matches.is_ambiguous(row) && ledger.has_proof(uid, size)? {
                        true if losses >= MOST_LOSSES => late.delete.push((losses, row)),
                        true => plan.delete.push(row),
                        false => plan.skip.push((row, Reason::Ambiguous)),
                    }
                }
            }
            _ if !asked_for || shunned => {}
            None if has_no_size(ledger, &rivals)? => {}
            _ if is_too_large(policy, ledger.least_size(uid, size)) => {
                plan.skip.push((row, Reason::TooLarge));
            }
            // Beyond the limit; this check must come last.
            _ if room == 0 && losses < MOST_LOSSES => plan.skip.push((row, Reason::BeyondLimit)),
            known => {
                // Under a known UID, only a listed size shows to which message a stored copy belongs.
                let is_distinct = matches.is_unknown(row) || size.is_some();
                let adoptable = known.is_none() && is_distinct;
                let get = ToFetch::new(row, matches.copy(row), adoptable, losses > 0);
                if !policy.all && !rivals.is_empty() {
                    plan.rivals.insert(row, rivals);
                }
                if losses >= MOST_LOSSES {
                    late.get.push((losses, get));
                } else {
                    room -= 1;
                    plan.get.push(get);
                }
            }
        }
    }
    late.room = usize::try_from(room).unwrap_or(usize::MAX);
    Ok(plan)
}

/// Whether the only message of a UID was the same under so many sizes that sizes mean nothing. (Before it is deleted it
/// is compared all the same.)
fn has_no_size(ledger: &Ledger, rivals: &[Rival]) -> Result<bool, StoreError> {
    let [first, rest @ ..] = rivals else { return Ok(false) };
    if rivals.len() < MOST_SIZES || rivals.iter().any(|rival| rival.due) {
        return Ok(false);
    }
    for other in rest {
        if !ledger.is_same(&first.known, &other.known)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_too_large(policy: &Policy, size: Option<u64>) -> bool {
    policy.max_size.is_some_and(|max| size.is_some_and(|size| size > max))
}

/// Whether a stored message is to be deleted from the server now. A deletion that was never confirmed is repeated,
/// unless messages are to be kept now.
fn wants_deletion(known: &Known, first_seen: Option<u64>, policy: &Policy, now: u64) -> bool {
    let since = first_seen.unwrap_or(known.time).min(known.time);
    policy.goes(since, now) || (known.state() == Some(ServerState::Pending) && policy.after != After::Keep)
}

/// The start of the names of messages without a UID.
const NO_UID: &str = "no-uid ";

/// The plan for a server without UIDL: messages cannot be recognised, so they may be fetched only if they are deleted. If
/// it had UIDL before, some of them may be stored already.
fn without_uids(listing: &Listing, ledger: &Ledger, policy: &Policy, now: u64) -> Result<Plan, Failure> {
    if !matches!(policy.after, After::Delete | After::MoveTo(_)) {
        let stage = listing.stage();
        let message = format!(
            "{stage}: the server has no UIDs that last, so fetched messages cannot be distinguished from new ones"
        );
        let hint = "--delete works without it: fetched messages are deleted";
        return Err(Failure::new(Kind::Missing, stage, message).hint(hint));
    }
    let unnamed = ledger.pending().filter(|(uid, _)| uid.starts_with(NO_UID.as_bytes())).count();
    let named = ledger.known_count().saturating_sub(unnamed);
    if named > 0 && !policy.all {
        let stage = listing.stage();
        let message = format!(
            "{stage}: the server tells no UIDs now, so {named} message(s) it listed before cannot be distinguished from new ones"
        );
        let hint = "--all fetches all listed messages, also those fetched before";
        return Err(Failure::new(Kind::Missing, stage, message).hint(hint));
    }
    let mut plan = Plan { new: vec![true; listing.len()], nameless: Some(now), ..Plan::default() };
    for row in 0..listing.len() as u32 {
        if is_too_large(policy, listing.size(row as usize)) {
            plan.skip.push((row, Reason::TooLarge));
        } else if plan.get.len() as u64 >= policy.limit.unwrap_or(u64::MAX) {
            plan.skip.push((row, Reason::BeyondLimit));
        } else {
            plan.get.push(ToFetch::new(row, 0, false, false));
        }
    }
    Ok(plan)
}

/// Refuses to go on if all known UIDs are gone and others are there: most likely the mailbox was moved to another server,
/// and everything would be fetched once more.
fn check_reset(
    listing: &Listing,
    ledger: &Ledger,
    matches: &Matches<'_>,
    policy: &Policy,
) -> Result<(), Failure> {
    let others = (0..listing.len()).any(|place| listing.uid(place).is_some());
    let none_left = (0..listing.len() as u32).all(|row| matches.is_unknown(row));
    if policy.accept_uid_reset || !others || !none_left {
        return Ok(());
    }
    // Pending ones do not count: they may have been deleted although the server's reply was lost.
    let known = ledger.kept_count();
    if known < RESET_THRESHOLD {
        return Ok(());
    }
    let stage = listing.stage();
    let message = format!(
        "{stage}: none of the {known} messages of earlier runs is listed any more, but {} others are",
        listing.len()
    );
    Err(Failure::new(Kind::UidReset, stage, message).scoped(Scope::Account).hint(
        "the server may have renumbered the mailbox: --accept-uid-reset fetches all messages, --mark-seen only later ones",
    ))
}

#[cfg(test)]
mod tests;
