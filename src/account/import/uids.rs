//! Lists of the messages that another program has fetched: which UIDs (`RFC 1939 §7`, UIDL), and since when where
//! the list says so. What is in such a list counts as fetched, and is never a reason to delete anything.

use super::lines::numbered;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// A UID of more octets is none; the protocol allows 70.
const MAX_UID: usize = 500;

/// A file with such a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidList {
    pub path: PathBuf,
    pub kind: UidListKind,
    /// Whether messages stay on the server, so that without the list they would be fetched again.
    pub keeps: bool,
}

/// How it is written, and which part of it is the account's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UidListKind {
    /// `~/.mpop_uidls/USER_at_HOST`: a line ` COUNT HOST USER` begins a list, and so many lines with a UID each follow
    /// (since 1.4.19 with a time behind it).
    Mpop { host: String, user: String },
    /// `oldmail-HOST-PORT-USER`: a line for each, the UID, a NUL and the time. By IMAP the UID is UIDVALIDITY, a slash
    /// and the UID.
    Getmail { is_imap: bool },
    /// `~/.fetchids`: lines `USER@HOST UID`, of all accounts. The host may be the one that DNS gave for those in `hosts`;
    /// those in `others` are of other accounts with a user of that name.
    Fetchmail { hosts: Vec<String>, user: String, others: Vec<String> },
    /// `popstate.dat` of Thunderbird: `*HOST USER`, then lines `STATUS UID TIME`, where only k (kept) and d (to be
    /// deleted) were fetched.
    Popstate { user: String },
}

/// What a list says of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenList<'a> {
    /// The UIDVALIDITY (`RFC 9051 §2.3.1.1`) under which they are UIDs; none of POP3.
    pub validity: Option<u64>,
    pub uids: Vec<SeenUid<'a>>,
}

/// A message that was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeenUid<'a> {
    pub uid: &'a [u8],
    /// When, in seconds since 1970.
    pub time: Option<u64>,
}

/// Where a list is not as its program writes it: the line, and what is wrong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UidListFault {
    pub line: usize,
    pub what: &'static str,
}

impl UidListKind {
    /// The account's UIDs, each once, in the order of the file.
    pub fn read<'a>(&self, octets: &'a [u8]) -> Result<SeenList<'a>, UidListFault> {
        let (validity, found) = match self {
            UidListKind::Mpop { host, user } => (None, mpop(octets, host, user)?),
            UidListKind::Getmail { is_imap: false } => (None, getmail(octets)),
            UidListKind::Getmail { is_imap: true } => latest(getmail(octets)),
            UidListKind::Fetchmail { hosts, user, others } => (None, fetchmail(octets, hosts, user, others)),
            UidListKind::Popstate { user } => (None, popstate(octets, user)),
        };
        let mut known = HashSet::with_capacity(found.len());
        let uids = found.into_iter().filter(|seen| is_uid(seen.uid) && known.insert(seen.uid)).collect();
        Ok(SeenList { validity, uids })
    }
}

fn is_uid(octets: &[u8]) -> bool {
    (1..=MAX_UID).contains(&octets.len()) && octets.iter().all(|octet| *octet > b' ' && *octet != 0x7f)
}

/// What stands before the first of these octets, and behind it.
fn split_at(line: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(at, line) {
        Some(place) => (&line[..place], Some(&line[place + 1..])),
        None => (line, None),
    }
}

fn number(octets: &[u8]) -> Option<u64> {
    std::str::from_utf8(octets).ok()?.trim().parse().ok()
}

fn mpop<'a>(octets: &'a [u8], host: &str, user: &str) -> Result<Vec<SeenUid<'a>>, UidListFault> {
    let fault = |line, what| Err(UidListFault { line, what });
    let (mut found, mut left, mut is_ours, mut last) = (Vec::new(), 0, false, 0);
    for (line, text) in numbered(octets) {
        last = line;
        match text.first() {
            Some(b'#') | None => {}
            Some(b' ') if left > 0 => {
                return fault(line, "a list begins before the one before it is complete");
            }
            Some(b' ') => {
                let (count, rest) = split_at(&text[1..], b' ');
                let (of_host, of_user) = split_at(rest.unwrap_or_default(), b' ');
                let (Some(count), Some(of_user)) = (number(count), of_user) else {
                    return fault(line, "not the beginning of a list (number, host, user)");
                };
                is_ours = of_host == host.as_bytes() && of_user == user.as_bytes();
                left = count;
            }
            Some(_) if left == 0 => return fault(line, "a UID outside a list"),
            Some(_) => {
                left -= 1;
                let (uid, time) = split_at(text, b' ');
                let seen = SeenUid { uid, time: time.and_then(number) };
                found.extend(is_ours.then_some(seen));
            }
        }
    }
    if left > 0 { fault(last, "the list ends before it is complete") } else { Ok(found) }
}

fn getmail(octets: &[u8]) -> Vec<SeenUid<'_>> {
    let mut found = Vec::new();
    for (_, line) in numbered(octets) {
        // getmail itself passes over lines that it has not written.
        if let (uid, Some(time)) = split_at(line, 0) {
            found.push(SeenUid { uid, time: number(time) });
        }
    }
    found
}

/// The UIDVALIDITY that most of the UIDs have, and its UIDs.
fn latest(found: Vec<SeenUid<'_>>) -> (Option<u64>, Vec<SeenUid<'_>>) {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    fn split(seen: SeenUid<'_>) -> Option<(u64, SeenUid<'_>)> {
        let (validity, rest) = split_at(seen.uid, b'/');
        // Before version 4.22 the name of the folder stood between them.
        let uid = rest.and_then(|rest| rest.rsplit(|octet| *octet == b'/').next())?;
        Some((number(validity)?, SeenUid { uid, ..seen }))
    }
    let all: Vec<(u64, SeenUid<'_>)> = found.into_iter().filter_map(split).collect();
    all.iter().for_each(|(validity, _)| *counts.entry(*validity).or_default() += 1);
    let most =
        counts.into_iter().max_by_key(|(validity, count)| (*count, *validity)).map(|(validity, _)| validity);
    let ours = all.into_iter().filter(|(validity, _)| Some(*validity) == most).map(|(_, seen)| seen);
    (most, ours.collect())
}

fn fetchmail<'a>(octets: &'a [u8], hosts: &[String], user: &str, others: &[String]) -> Vec<SeenUid<'a>> {
    let mut by_host: Vec<(&[u8], Vec<SeenUid<'a>>)> = Vec::new();
    for (_, line) in numbered(octets) {
        let line = line.trim_ascii();
        let (account, Some(uid)) = split_at(line, b' ') else { continue };
        let Some(at) = memchr::memrchr(b'@', account) else { continue };
        if !account[..at].eq_ignore_ascii_case(user.as_bytes()) {
            continue;
        }
        let (host, seen) = (&account[at + 1..], SeenUid { uid: uid.trim_ascii(), time: None });
        match by_host.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(host)) {
            Some((_, all)) => all.push(seen),
            None => by_host.push((host, vec![seen])),
        }
    }
    let is_in =
        |host: &[u8], names: &[String]| names.iter().any(|name| host.eq_ignore_ascii_case(name.as_bytes()));
    let named = by_host.iter().filter(|(host, _)| is_in(host, hosts));
    let named: Vec<SeenUid<'a>> = named.flat_map(|(_, all)| all.iter().copied()).collect();
    if !named.is_empty() {
        return named;
    }
    // The name that DNS gave for the host, where it can be no other account's.
    by_host.retain(|(host, _)| !is_in(host, others));
    match by_host.as_mut_slice() {
        [(_, all)] if others.is_empty() => std::mem::take(all),
        _ => Vec::new(),
    }
}

fn popstate<'a>(octets: &'a [u8], user: &str) -> Vec<SeenUid<'a>> {
    let lines = || numbered(octets).map(|(_, line)| line).filter(|line| !line.starts_with(b"#"));
    let sections = lines().filter(|line| line.starts_with(b"*")).count();
    let (mut found, mut is_ours) = (Vec::new(), false);
    for line in lines() {
        if let Some(owner) = line.strip_prefix(b"*") {
            let (_, of_user) = split_at(owner, b' ');
            // The file lies in the server's own directory; older versions could put two accounts into one.
            is_ours = sections == 1 || of_user.is_some_and(|of_user| of_user.trim_ascii() == user.as_bytes());
            continue;
        }
        let (status, rest) = split_at(line, b' ');
        let (uid, time) = split_at(rest.unwrap_or_default(), b' ');
        if is_ours && matches!(status, b"k" | b"d") {
            found.push(SeenUid { uid: uid.trim_ascii(), time: time.and_then(number) });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uids(kind: &UidListKind, text: &str) -> Result<Vec<(String, Option<u64>)>, usize> {
        let read = kind.read(text.as_bytes()).map_err(|fault| fault.line)?;
        Ok(read.uids.iter().map(|seen| (String::from_utf8_lossy(seen.uid).into_owned(), seen.time)).collect())
    }

    fn named(names: &[&str]) -> Vec<(String, Option<u64>)> {
        names.iter().map(|name| ((*name).to_owned(), None)).collect()
    }

    fn of_mpop() -> UidListKind {
        UidListKind::Mpop { host: "pop.example.org".into(), user: "ana".into() }
    }

    #[test]
    fn of_mpops_lists_the_one_of_the_server_and_user_counts() {
        let text = "# This file was generated by mpop version 1.4.18.\n#\n 2 pop.example.org bob\nx1\nx2\n \
                    3 pop.example.org ana\nu1\nu2 1700000000\n#u3\nu3\n 1 other.example.org ana\ny1\n";
        let read = uids(&of_mpop(), text).unwrap();
        assert_eq!(read, [("u1".into(), None), ("u2".into(), Some(1_700_000_000)), ("u3".into(), None)]);
        assert_eq!(uids(&of_mpop(), ""), Ok(vec![]));
        assert_eq!(uids(&of_mpop(), "# nothing\n"), Ok(vec![]));
    }

    #[test]
    fn a_list_of_mpop_that_is_cut_or_damaged_is_a_fault_with_its_line() {
        for (text, line) in [
            (" 3 pop.example.org ana\nu1\nu2\n", 3),
            ("u1\n", 1),
            (" 1 pop.example.org ana\nu1\nu2\n", 3),
            (" 2 pop.example.org ana\nu1\n 1 h u\nx\n", 3),
            (" x pop.example.org ana\nu1\n", 1),
            (" 1 pop.example.org\nu1\n", 1),
        ] {
            assert_eq!(uids(&of_mpop(), text), Err(line), "{text:?}");
        }
    }

    #[test]
    fn a_uid_counts_once_and_what_is_none_not_at_all() {
        let long = "x".repeat(501);
        let text = format!(" 4 pop.example.org ana\nu1\nu1\n{long}\nu\u{1}2\n");
        assert_eq!(uids(&of_mpop(), &text), Ok(named(&["u1"])));
    }

    #[test]
    fn getmails_lines_have_a_uid_and_a_time() {
        let kind = UidListKind::Getmail { is_imap: false };
        let read = uids(&kind, "u1\x001700000000\nbroken\nu2\x00x\nu1\x001\n").unwrap();
        assert_eq!(read, [("u1".into(), Some(1_700_000_000)), ("u2".into(), None)]);
        let kind = UidListKind::Getmail { is_imap: true };
        let list = kind.read(b"7/1\x001\n9/1\x002\n9/2\x003\n9/INBOX/3\x004\nx/4\x005\n").unwrap();
        let names: Vec<&[u8]> = list.uids.iter().map(|seen| seen.uid).collect();
        assert_eq!((list.validity, names), (Some(9), vec![&b"1"[..], b"2", b"3"]));
        assert_eq!(kind.read(b"").unwrap(), SeenList::default());
    }

    #[test]
    fn fetchmails_lines_are_of_an_account_by_user_and_host() {
        let text = "ana@pop.example.org u1\nana@h2.example u2@x\nbob@pop.example.org b1\nANA@POP.example.org <u3>\n\
                    ana@example.org@h3.example u4\nnonsense\n";
        let of = |hosts: &[&str], user: &str, others: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let kind =
                UidListKind::Fetchmail { hosts: owned(hosts), user: user.into(), others: owned(others) };
            uids(&kind, text).unwrap()
        };
        assert_eq!(of(&["pop.example.org"], "ana", &[]), named(&["u1", "<u3>"]));
        assert_eq!(of(&["h2.example"], "ana", &["pop.example.org"]), named(&["u2@x"]));
        assert_eq!(of(&["alias.example"], "bob", &[]), named(&["b1"]));
        assert_eq!(of(&["alias.example"], "ana@example.org", &[]), named(&["u4"]));
        // Two hosts: nobody knows which.
        assert_eq!(of(&["alias.example"], "ana", &[]), named(&[]));
        assert_eq!(of(&["alias.example"], "bob", &["other.example"]), named(&[]));
    }

    #[test]
    fn of_thunderbirds_list_only_what_was_fetched_counts() {
        let text = "# POP3 State File\r\n# x\r\n\r\n*pop.example.org ana\r\nk u1 1700000000\r\nd u2 1\r\nb u3 1\r\nf u4 1\r\n";
        let kind = UidListKind::Popstate { user: "ana".into() };
        let wanted = [("u1".into(), Some(1_700_000_000)), ("u2".into(), Some(1))];
        assert_eq!(uids(&kind, text).unwrap(), wanted);
        let other = UidListKind::Popstate { user: "renamed".into() };
        assert_eq!(uids(&other, text).unwrap(), wanted);
        let two = format!("{text}*h2 bob\nk b1\n");
        assert_eq!(uids(&kind, &two).unwrap(), wanted);
        assert_eq!(uids(&UidListKind::Popstate { user: "bob".into() }, &two).unwrap(), named(&["b1"]));
    }
}
