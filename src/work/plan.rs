//! The plan of a fetch: listing, ledger and policy in, actions out. No I/O, no clock.
//!
//! Which of the server's messages are already here is decided by UID and, where both sides know it, by
//! size: a known UID with another size may be the same message, whose size was an estimate, or another one;
//! it is fetched and compared. A UID that the server lists more than once, or ever did, names none of its
//! messages for certain: what is listed is matched one to one with what is recorded, and nothing of it is
//! deleted but what this very session has fetched.

use crate::pop3::{Listing, Row};
use crate::store::{Identity, Known, Ledger, Memory, Recorded, State};
use crate::words::{Failure, Kind, Scope};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// So many known UIDs must be there before their disappearance looks like a reset.
pub const RESET_THRESHOLD: usize = 20;

/// After so many losses of the line at one message it is asked for when all else is done.
pub const MOST_LOSSES: u64 = 2;

/// What becomes of messages on the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// They stay.
    #[default]
    Keep,
    /// They are deleted once they are safe here.
    Delete,
    /// They are deleted this long after they were first seen.
    DeleteAfter(Duration),
}

/// What the user wants.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Fetch what was fetched before, too.
    pub all: bool,
    /// Fetch at most so many.
    pub limit: Option<u64>,
    /// Skip messages of more octets.
    pub max_size: Option<u64>,
    /// Fetch only these UIDs.
    pub uids: Option<HashSet<Vec<u8>>>,
    /// What becomes of messages on the server.
    pub after: After,
    /// Go on although all known UIDs are gone.
    pub accept_uid_reset: bool,
    /// UIDs of messages at which an earlier session of this run broke down: they are left alone.
    pub shunned: HashSet<Vec<u8>>,
    /// UIDs of messages that an earlier session of this run has fetched: not even `all` fetches them again.
    pub done: HashSet<Vec<u8>>,
    /// Fetch nothing; only repeat the deletions that are due.
    pub deletions_only: bool,
}

impl Policy {
    /// Whether a message that is safe here should go from the server, first seen at `since`.
    pub fn goes(&self, since: u64, now: u64) -> bool {
        match self.after {
            After::Keep => false,
            After::Delete => true,
            After::DeleteAfter(age) => now.saturating_sub(since) >= age.as_secs(),
        }
    }
}

/// A message to fetch.
#[derive(Clone, Debug)]
pub struct Get {
    /// Its place in the listing.
    pub row: usize,
    /// Who it is, in every run.
    pub identity: Identity,
    /// Whether a copy that a killed run has stored may be taken for it.
    pub adoptable: bool,
    /// What is stored under its UID with another size: it may be one of these, and then it is not new.
    pub rivals: Vec<Rival>,
    /// Whether the line was lost at it before: it is asked for alone.
    pub suspect: bool,
}

/// A message that is stored, under a UID that is listed with another size now.
#[derive(Clone, Debug)]
pub struct Rival {
    /// What is known of it.
    pub known: Known,
    /// Whether it should go from the server now.
    pub due: bool,
}

/// A message whose content was found the same under so many sizes is taken for the same under any: its
/// server does not know sizes. That is no reason to delete it.
const MOST_SIZES: usize = 3;

/// Why a message that is not recorded is left alone, or one that should go is not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Larger than `--max-size`, as it is listed or as it came.
    TooLarge,
    /// It was fetched before and is the same; only the size it is listed with is another.
    Resized,
    /// Beyond `--limit`.
    BeyondLimit,
    /// The server names no usable UID for it.
    NoUid,
    /// It is here, but its UID was listed more than once: it stays on the server.
    Ambiguous,
    /// It is no mail, but the notes a mail server keeps in the mailbox.
    FolderInternal,
}

/// What is to be done.
#[derive(Debug, Default)]
pub struct Plan {
    /// To fetch, in the server's order.
    pub get: Vec<Get>,
    /// To delete without fetching: the row's number on the server, and the proof.
    pub delete: Vec<(usize, Recorded)>,
    /// Left alone.
    pub skip: Vec<(usize, Reason)>,
    /// Whether messages at which the line was lost twice wait for another session, lest they take the
    /// deletions of this one with them.
    pub held: bool,
    /// UIDs to note as ambiguous.
    pub ambiguous: Vec<Vec<u8>>,
    /// Whether each row is new, by place in the listing.
    pub new: Vec<bool>,
}

/// Makes the plan. `now`: seconds since 1970. Fails with [`Kind::Missing`] where the server has no UIDs
/// and messages are to be kept, and with [`Kind::UidReset`].
pub fn plan(listing: &Listing, ledger: &Ledger, policy: &Policy, now: u64) -> Result<Plan, Failure> {
    if !listing.has_uids {
        return without_uids(listing, ledger, policy, now);
    }
    let matches = Matches::of(listing, ledger);
    check_reset(listing, ledger, &matches, policy)?;
    let mut late = Late::default();
    let mut plan = matched(listing, ledger, &matches, policy, now, &mut late);
    if policy.deletions_only {
        plan.get.clear();
        plan.skip.clear();
        late.get.clear();
    }
    late.join(&mut plan, policy, now);
    Ok(plan)
}

/// What is left for the end, since the line was lost at it twice: how often, and what is to be done.
#[derive(Default)]
struct Late {
    get: Vec<(u64, Get)>,
    delete: Vec<(u64, (usize, Recorded))>,
    /// How many more messages the limit allows.
    room: usize,
}

impl Late {
    /// Puts all of it behind the rest of the plan, that with the fewest losses first. Where the rest has
    /// deletions to bring about, it waits for another session.
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
) -> Plan {
    let mut plan = Plan { ambiguous: matches.newly_ambiguous.clone(), ..Plan::default() };
    let mut room = policy.limit.unwrap_or(u64::MAX);
    for (place, row) in listing.rows.iter().enumerate() {
        let Some(uid) = &row.uid else {
            plan.new.push(true);
            plan.skip.push((place, Reason::NoUid));
            continue;
        };
        let known = matches.known[place];
        let first_seen = matches.memories[place].and_then(|memory| memory.first_seen());
        let rivals = matches.rivals(place, |known| wants_deletion(known, first_seen, policy, now));
        // What another account stored is compared before it may go from here.
        let is_due_elsewhere =
            |known: &Known| known.is_elsewhere() && wants_deletion(known, first_seen, policy, now);
        let rivals = match known {
            Some(known) if is_due_elsewhere(known) => vec![Rival { known: known.clone(), due: true }],
            _ => rivals,
        };
        plan.new.push(known.is_none() && rivals.is_empty());
        let asked_for = policy.uids.as_ref().is_none_or(|uids| uids.contains(uid));
        let (shunned, losses) = (policy.shunned.contains(uid), ledger.losses(uid));
        let get = |known: Option<&Known>, rivals: Vec<Rival>| {
            let identity = ledger.identity(uid, matches.copies[place]);
            // Under a UID that is known, only a listed size tells which message a copy is of.
            let told_apart = matches.is_unknown(place) || row.size.is_some();
            let adoptable = known.is_none() && told_apart;
            let rivals = if policy.all { Vec::new() } else { rivals };
            Get { row: place, identity, adoptable, rivals, suspect: losses > 0 }
        };
        match known {
            Some(known)
                if !asked_for || policy.done.contains(uid) || !(policy.all || is_due_elsewhere(known)) =>
            {
                // What is narrowed to some UIDs is the run, not only what it fetches.
                let named = asked_for || known.state() == Some(State::Pending);
                // What was only marked stays, whatever is wanted.
                let goes = named && known.is_stored() && !known.is_elsewhere() && !shunned;
                if goes && wants_deletion(known, first_seen, policy, now) {
                    match ledger.proof(uid, row.size) {
                        Some(proof) if !matches.is_ambiguous(place) && losses >= MOST_LOSSES => {
                            late.delete.push((losses, (place, proof)));
                        }
                        Some(proof) if !matches.is_ambiguous(place) => plan.delete.push((place, proof)),
                        _ => plan.skip.push((place, Reason::Ambiguous)),
                    }
                }
            }
            _ if !asked_for || shunned => {}
            None if matches.has_no_size(ledger, &rivals) => {}
            _ if is_too_large(policy, ledger.least_size(uid, row.size)) => {
                plan.skip.push((place, Reason::TooLarge));
            }
            // The last in the row for the room there is.
            known if losses >= MOST_LOSSES => {
                late.get.push((losses, get(known, rivals)));
            }
            _ if room == 0 => plan.skip.push((place, Reason::BeyondLimit)),
            known => {
                room -= 1;
                plan.get.push(get(known, rivals));
            }
        }
    }
    late.room = usize::try_from(room).unwrap_or(usize::MAX);
    plan
}

fn is_too_large(policy: &Policy, size: Option<u64>) -> bool {
    policy.max_size.is_some_and(|max| size.is_some_and(|size| size > max))
}

/// Whether a message that is here should go from the server now. A deletion that was decided and never
/// confirmed is repeated, unless messages are to be kept now.
fn wants_deletion(known: &Known, first_seen: Option<u64>, policy: &Policy, now: u64) -> bool {
    let since = first_seen.unwrap_or(known.time).min(known.time);
    policy.goes(since, now) || (known.state() == Some(State::Pending) && policy.after != After::Keep)
}

/// What begins the names of messages that have no UID.
const NO_UID: &str = "no-uid ";

/// A server without UIDL: nothing can be recognised, so messages may be fetched only if they go. One that
/// had UIDL before may list what is here already.
fn without_uids(listing: &Listing, ledger: &Ledger, policy: &Policy, now: u64) -> Result<Plan, Failure> {
    if policy.after != After::Delete {
        let message = "UIDL: the server does not have it: without it, what was fetched before cannot be told from what is new";
        let hint = "--delete works without it: what was fetched is deleted";
        return Err(Failure::new(Kind::Missing, "UIDL", message).hint(hint));
    }
    let unnamed = ledger.pending().iter().filter(|(uid, _)| uid.starts_with(NO_UID.as_bytes())).count();
    let named = ledger.known_count().saturating_sub(unnamed);
    if named > 0 && !policy.all {
        let message = format!(
            "UIDL: the server refuses it now, and {named} message(s) it listed before could not be told from new ones"
        );
        let hint = "--all fetches everything that is listed, what was fetched before too";
        return Err(Failure::new(Kind::Missing, "UIDL", message).hint(hint));
    }
    let mut plan = Plan { new: vec![true; listing.rows.len()], ..Plan::default() };
    for (place, row) in listing.rows.iter().enumerate() {
        if is_too_large(policy, row.size) {
            plan.skip.push((place, Reason::TooLarge));
        } else if plan.get.len() as u64 >= policy.limit.unwrap_or(u64::MAX) {
            plan.skip.push((place, Reason::BeyondLimit));
        } else {
            // A name of its own in every run: such a message can never be taken for another.
            let name = format!("{NO_UID}{now} {} {}", row.number, row.size.unwrap_or(0));
            let identity = ledger.identity(name.as_bytes(), 0);
            plan.get.push(Get { row: place, identity, adoptable: false, rivals: Vec::new(), suspect: false });
        }
    }
    Ok(plan)
}

/// All known UIDs gone and others there: most likely the mailbox was moved to another server, and going
/// on would fetch everything once more.
fn check_reset(
    listing: &Listing,
    ledger: &Ledger,
    matches: &Matches<'_>,
    policy: &Policy,
) -> Result<(), Failure> {
    let others = listing.rows.iter().any(|row| row.uid.is_some());
    let none_left = (0..listing.rows.len()).all(|place| matches.is_unknown(place));
    if policy.accept_uid_reset || !others || !none_left {
        return Ok(());
    }
    // Those that were to be deleted may well be gone, though the server's word on it was lost.
    let known = ledger.kept_count();
    if known < RESET_THRESHOLD {
        return Ok(());
    }
    debug_assert!(matches.known.iter().all(Option::is_none));
    let message = format!(
        "UIDL: none of the {known} messages known from earlier runs is listed any more, but {} others are",
        listing.rows.len()
    );
    Err(Failure::new(Kind::UidReset, "UIDL", message).scoped(Scope::Account).hint(
        "the server may have renumbered the mailbox: --accept-uid-reset fetches everything listed, --mark-seen only what comes from now on",
    ))
}

/// Which row of the listing is which record of the ledger.
struct Matches<'a> {
    /// What the ledger knows of each row's UID.
    memories: Vec<Option<Memory<'a>>>,
    /// The record of each row.
    known: Vec<Option<&'a Known>>,
    /// The copy number of each row.
    copies: Vec<u32>,
    /// Rows whose UID is listed more than once.
    twins: HashSet<usize>,
    /// For rows that are not recorded: the records of their UID that are no other row's.
    spare: HashMap<usize, Vec<&'a Known>>,
    /// Their UIDs, as far as the ledger does not know them as such.
    newly_ambiguous: Vec<Vec<u8>>,
}

/// No row.
const NOWHERE: u32 = u32::MAX;

impl<'a> Matches<'a> {
    fn of(listing: &'a Listing, ledger: &'a Ledger) -> Self {
        let rows = &listing.rows;
        let mut memories: Vec<Option<Memory<'a>>> = Vec::with_capacity(rows.len());
        // The first row of each UID: of those that the ledger knows by their place there.
        let mut first_known = vec![NOWHERE; ledger.places()];
        let mut first_new: HashMap<&[u8], usize> = HashMap::new();
        let mut twins: HashMap<&[u8], Vec<usize>> = HashMap::new();
        let mut guess = 0;
        for (place, row) in rows.iter().enumerate() {
            let memory = row.uid.as_deref().and_then(|uid| ledger.recall(uid, guess));
            guess = memory.map_or(guess, |memory| memory.place() + 1);
            memories.push(memory);
            let Some(uid) = row.uid.as_deref() else { continue };
            let first = match memory {
                Some(memory) => match &mut first_known[memory.place()] {
                    first if *first == NOWHERE => {
                        *first = place as u32;
                        place
                    }
                    first => *first as usize,
                },
                None => *first_new.entry(uid).or_insert(place),
            };
            if first != place {
                twins.entry(uid).or_insert_with(|| vec![first]).push(place);
            }
        }
        let (known, copies) = (vec![None; rows.len()], vec![0; rows.len()]);
        let mut newly: Vec<Vec<u8>> =
            twins.keys().filter(|uid| !ledger.is_ambiguous(uid)).map(|uid| uid.to_vec()).collect();
        newly.sort();
        let listed_twice = twins.values().flatten().copied().collect();
        let spare = HashMap::new();
        let mut matches =
            Matches { memories, known, copies, twins: listed_twice, spare, newly_ambiguous: newly };
        for place in 0..rows.len() {
            if !matches.twins.contains(&place) {
                matches.assign(&[place], rows, ledger);
            }
        }
        twins.values().for_each(|places| matches.assign(places, rows, ledger));
        matches
    }

    /// Whether nothing is recorded under a row's UID.
    fn is_unknown(&self, place: usize) -> bool {
        self.memories[place].is_none_or(|memory| memory.known().is_empty())
    }

    /// Whether a row's UID is, or was, listed more than once.
    fn is_ambiguous(&self, place: usize) -> bool {
        self.twins.contains(&place) || self.memories[place].is_some_and(|memory| memory.is_ambiguous())
    }

    /// The messages stored under a row's UID that it may be, though its size is another.
    fn rivals(&self, place: usize, due: impl Fn(&Known) -> bool) -> Vec<Rival> {
        let spare = self.spare.get(&place).into_iter().flatten();
        let stored = spare.filter(|known| known.is_stored());
        stored.map(|known| Rival { known: (*known).clone(), due: due(known) }).collect()
    }

    /// Whether the one message of a UID has come under so many sizes that they say nothing. Before it may be
    /// deleted it is compared all the same.
    fn has_no_size(&self, ledger: &Ledger, rivals: &[Rival]) -> bool {
        let [first, rest @ ..] = rivals else { return false };
        rivals.len() >= MOST_SIZES
            && rest.iter().all(|other| ledger.is_same(&first.known, &other.known))
            && !rivals.iter().any(|rival| rival.due)
    }

    fn assign(&mut self, places: &[usize], rows: &[Row], ledger: &Ledger) {
        let records = places.first().and_then(|place| self.memories[*place]).map_or(&[][..], |it| it.known());
        match (places, records) {
            // By far the most.
            ([_], []) => {}
            ([place], [one]) if one.copy == 0 => match one.fits(rows[*place].size) {
                true => self.known[*place] = Some(one),
                false => drop(self.spare.insert(*place, vec![one])),
            },
            _ => {
                let same = |one: &Known, other: &Known| ledger.is_same(one, other);
                let spare = assign(places, rows, records, &same, &mut self.known, &mut self.copies);
                for place in places.iter().filter(|place| self.known[**place].is_none()) {
                    self.spare.insert(*place, spare.clone());
                }
            }
        }
    }
}

/// Matches the rows of one UID with its records: by equal size first, then where a size is unknown by
/// place. What is left over is new, and gets the lowest copy number that is free. Returns the records that
/// are no row's; `same` are two of one message, which is one row's alone.
fn assign<'a>(
    places: &[usize],
    rows: &[Row],
    records: &'a [Known],
    same: &dyn Fn(&Known, &Known) -> bool,
    known: &mut [Option<&'a Known>],
    copies: &mut [u32],
) -> Vec<&'a Known> {
    let mut used = vec![false; records.len()];
    let mut take = |place: usize, known: &mut [Option<&'a Known>], fits: &dyn Fn(&Known) -> bool| {
        // The latest record first: it describes the newest message under a re-used UID.
        let found = (0..records.len()).rev().find(|at| !used[*at] && fits(&records[*at]));
        if let Some(at) = found {
            for (other, used) in records.iter().zip(&mut used) {
                *used |= std::ptr::eq(other, &records[at]) || same(other, &records[at]);
            }
            known[place] = Some(&records[at]);
        }
    };
    for place in places {
        let size = rows[*place].size;
        take(*place, known, &|record| size.is_some() && record.size == size);
    }
    for place in places.iter().filter(|place| known[**place].is_none()).copied().collect::<Vec<_>>() {
        let size = rows[place].size;
        take(place, known, &|record| size.is_none() || record.size.is_none());
    }
    let spare = records.iter().zip(used).filter(|(_, used)| !used).map(|(record, _)| record).collect();
    if places.len() == 1 && records.iter().all(|record| record.copy == 0) {
        // The ordinary case, a re-used UID included: the size tells the records apart.
        return spare;
    }
    let mut taken: HashSet<u32> = records.iter().map(|record| record.copy).collect();
    for place in places {
        copies[*place] = match known[*place] {
            Some(record) => record.copy,
            None => (0..).find(|copy| taken.insert(*copy)).unwrap_or(0),
        };
    }
    spare
}

#[cfg(test)]
mod tests;
