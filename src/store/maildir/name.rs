//! The names of messages.

use crate::store::identity::unhex;

/// The parts of a name.
pub(super) struct Stamp<'a> {
    pub seconds: u64,
    pub key: &'a str,
    pub run: u64,
    pub listed: Option<u64>,
    pub host: &'a str,
    pub n: u32,
    /// Its flags, as [`letters`] writes them.
    pub letters: &'a str,
}

/// The letters for flags in a name, in the order that the format asks for. `\Deleted` gets none: a reader
/// would purge the message.
pub(super) fn letters(flags: &[String]) -> String {
    let letters =
        [('D', "\\Draft"), ('F', "\\Flagged"), ('P', "$Forwarded"), ('R', "\\Answered"), ('S', "\\Seen")];
    let has = |name: &str| flags.iter().any(|flag| flag.eq_ignore_ascii_case(name));
    letters.into_iter().filter(|(_, name)| has(name)).map(|(letter, _)| letter).collect()
}

/// The name of a message: without letters for `new/`, with letters for `cur/`.
pub(super) fn name(stamp: &Stamp) -> String {
    let mut name = format!("{}.P{}Q{:x}", stamp.seconds, stamp.key, stamp.run);
    if let Some(listed) = stamp.listed {
        name.push_str(&format!("L{listed}"));
    }
    if stamp.n > 0 {
        name.push_str(&format!("_{}", stamp.n));
    }
    name.push('.');
    name.push_str(stamp.host);
    if !stamp.letters.is_empty() {
        name.push_str(":2,");
        name.push_str(stamp.letters);
    }
    name
}

/// Reads key, run and listed size from a name that [`name`] made, with or without flags.
pub(super) fn parse(name: &str) -> Option<([u8; 16], u64, Option<u64>)> {
    let (seconds, rest) = name.split_once(".P")?;
    let (key, rest) = rest.split_at_checked(32)?;
    let (unique, _) = rest.strip_prefix('Q')?.split_once('.')?;
    let unique = unique.split('_').next()?;
    let (run, listed) = match unique.split_once('L') {
        Some((run, listed)) => (run, Some(listed.parse().ok()?)),
        None => (unique, None),
    };
    let is_time = seconds.bytes().all(|b| b.is_ascii_digit());
    is_time.then_some((unhex(key.as_bytes())?, u64::from_str_radix(run, 16).ok()?, listed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_with_and_without_a_readers_flags() {
        let key = "0123456789abcdef0123456789abcdef";
        for listed in [None, Some(0), Some(u64::MAX)] {
            for n in [0, 1, 12] {
                let stamp =
                    Stamp { seconds: 1_700_000_000, key, run: 0x6_2345, listed, host: "a.b", n, letters: "" };
                let name = name(&stamp);
                assert!(name.starts_with("1700000000.P") && name.ends_with(".a.b"));
                let read = Some((unhex(key.as_bytes()).unwrap(), 0x6_2345, listed));
                assert_eq!(parse(&name), read, "{name}");
                assert_eq!(parse(&format!("{name}:2,FS")), read);
                let flagged = super::name(&Stamp { letters: "FS", ..stamp });
                assert_eq!(flagged, format!("{name}:2,FS"));
            }
        }
    }

    #[test]
    fn flags_become_letters_in_order_and_deleted_and_keywords_become_none() {
        for (flags, wanted) in [
            (&["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Forwarded"][..], "DFPRS"),
            (&["\\SEEN", "\\seen"], "S"),
            (&["\\Deleted", "\\Recent", "Junk", "Seen", ""], ""),
            (&[], ""),
        ] {
            let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            assert_eq!(letters(&flags), wanted);
        }
    }

    #[test]
    fn names_of_other_programs_are_not_taken_for_ours() {
        for name in [
            "1700000000.M1P2.host",
            "1700000000.P0123456789abcdef0123456789abcdef.host",
            "1700000000.P0123456789abcdef0123456789abcdefQ1",
            "1700000000.P0123456789abcdef0123456789abcdeéQ1.h",
            "x.P0123456789abcdef0123456789abcdefQ1.h",
            "1.P0123456789abcdef0123456789abcdefQ1Lx.h",
            "",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
