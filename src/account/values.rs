//! Reads values as people write them: durations (`90s`, `14d`), sizes (`25M`), account names, what happens after a
//! fetch. The errors never quote the value: in a file it may be a secret in the wrong place.

use crate::codec::imap::MailboxName as Folder;
use crate::store::Layout;
use crate::words::After;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use std::time::Duration;

/// The longest duration taken: a hundred years. Beyond, adding it to a point in time could overflow.
pub const MAX_DURATION: Duration = Duration::from_secs(36_525 * 86_400);

/// The longest name of an account in octets.
pub const MAX_NAME: usize = 64;

/// Reads a duration: a number with its unit (`s`, `m`, `h`, `d`), or several (`1h30m`). A day has 24 hours.
pub fn duration(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "not a duration; write 90s, 5m, 2h or 14d";
    // jiff also understands other forms ("2 hours ago", "P1D"), which are not allowed here.
    if !text.chars().all(|c| c.is_ascii_digit() || matches!(c, 's' | 'm' | 'h' | 'd' | 'w' | '.' | ' ')) {
        let negative = text.starts_with('-') && text.len() > 1;
        return Err(if negative { "a duration cannot be negative".into() } else { EXPECTED.into() });
    }
    let too_long = || "the duration is too long".to_owned();
    let span: Span = text.parse().map_err(|_| {
        // A long number with a unit that is still refused is more than a span can hold.
        let digits = text.chars().filter(char::is_ascii_digit).count();
        if digits > 9 && text.ends_with(|c: char| c.is_ascii_alphabetic()) {
            too_long()
        } else {
            EXPECTED.to_owned()
        }
    })?;
    let signed: SignedDuration =
        span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| too_long())?;
    let duration = Duration::try_from(signed).map_err(|_| "a duration cannot be negative".to_owned())?;
    if duration > MAX_DURATION { Err(too_long()) } else { Ok(duration) }
}

/// Reads a duration of some length.
pub fn pause(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it has to be longer than nothing".into()),
        pause => Ok(pause),
    }
}

/// A duration in the form that [`duration`] reads, in the largest unit without a remainder.
pub fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60)] {
        if seconds != 0 && seconds.is_multiple_of(length) && duration.subsec_nanos() == 0 {
            return format!("{}{unit}", seconds / length);
        }
    }
    match duration.subsec_millis() {
        0 => format!("{seconds}s"),
        rest => format!("{seconds}.{rest:03}s"),
    }
}

/// Reads a size in octets: plain, or in units of 1024 (`500K`, `25M`, `1G`).
pub fn size(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "not a size; write octets, or 500K, 25M, 1G";
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        _ => (text, 0),
    };
    if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(EXPECTED.into());
    }
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "the size is too large".to_owned())
}

/// Checks the name of an account, which is used in arguments, tables and output.
pub fn account_name(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("the name of an account cannot be empty".into());
    }
    if text.len() > MAX_NAME {
        return Err(format!("the name of an account is longer than {MAX_NAME} octets"));
    }
    if text.starts_with('-') {
        return Err("the name of an account cannot begin with a dash".into());
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("the name of an account cannot have spaces or control characters in it".into());
    }
    Ok(text.to_owned())
}

/// Text for a header, a command or a file: refuses control characters.
pub fn plain_text(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("it has a control character in it (CR, LF, NUL, …)".into());
    }
    Ok(text.to_owned())
}

pub fn port(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err("not a port (1 to 65535)".into()),
    }
}

/// Reads the name of a folder as people write it.
pub fn folder(text: &str) -> Result<Folder, String> {
    Folder::named(text).ok_or_else(|| "not the name of a folder".into())
}

/// The same, but keeps it as it was written.
pub fn folder_name(text: &str) -> Result<String, String> {
    plain_text(text)?;
    folder(text).map(|_| text.to_owned())
}

/// Reads how folders lie in a Maildir: `maildir++`, `nested`.
pub fn layout(text: &str) -> Result<Layout, String> {
    [Layout::Subfolders, Layout::Nested]
        .into_iter()
        .find(|layout| layout.name() == text)
        .ok_or_else(|| "not one of maildir++, nested".into())
}

/// Reads what happens after a fetch: `keep`, `delete`, `delete-after 14d`, `move-to FOLDER`.
pub fn afterwards(text: &str) -> Result<After, String> {
    match text {
        "keep" => Ok(After::Keep),
        "delete" => Ok(After::Delete),
        other => {
            let argument = |word: &str| {
                let rest = other.strip_prefix(word)?.strip_prefix(' ')?;
                Some(rest.trim_start_matches(' '))
            };
            if let Some(age) = argument("delete-after") {
                return duration(age).map(After::DeleteAfter);
            }
            match argument("move-to") {
                Some(name) => folder_name(name).map(After::MoveTo),
                None => Err("not one of keep, delete, delete-after 14d, move-to FOLDER".into()),
            }
        }
    }
}

/// The form that [`afterwards`] reads.
pub fn show_afterwards(after: &After) -> String {
    match after {
        After::Keep => "keep".into(),
        After::Delete => "delete".into(),
        After::DeleteAfter(age) => format!("delete-after {}", show_duration(*age)),
        After::MoveTo(folder) => format!("move-to {folder}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("0s", 0),
            ("5m", 300),
            ("2h", 7200),
            ("14d", 14 * 86_400),
            ("1h30m", 5400),
            ("1d 12h", 36 * 3600),
            ("2w", 14 * 86_400),
            ("36500d", 36_500 * 86_400),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("0.5s"), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn what_is_no_duration_is_refused_without_being_repeated() {
        for bad in
            ["", "90", "s", "-5m", "-90s", "5x", "PT5M", "5m ago", "1mo", "1y", "5M", "five", "+5s", "٣s"]
        {
            let refusal = duration(bad).unwrap_err();
            assert!(bad.len() < 3 || !refusal.contains(bad), "{bad}: {refusal}");
        }
        for huge in ["99999999999999999999s", "36526d", "9223372036854775807h", "99999999999d"] {
            assert_eq!(duration(huge), Err("the duration is too long".into()), "{huge}");
        }
    }

    #[test]
    fn a_duration_shown_reads_back() {
        for text in ["90s", "5m", "2h", "14d", "0s", "0.250s", "25h"] {
            assert_eq!(show_duration(duration(text).unwrap()), text);
        }
    }

    #[test]
    fn sizes_are_octets_or_units_of_1024() {
        for (text, octets) in
            [("0", 0), ("77", 77), ("500K", 512_000), ("25M", 26_214_400), ("1g", 1 << 30), ("2k", 2048)]
        {
            assert_eq!(size(text), Ok(octets), "{text}");
        }
        for bad in
            ["", "K", "-1", "1.5M", "1T", "1KB", "0x10", "+5", "1 M", "18446744073709551616", "99999999999G"]
        {
            assert!(size(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn names_of_accounts_cannot_pass_for_options_or_break_a_line() {
        for good in ["work", "ana@example.org", "b.c_d", "büro"] {
            assert!(account_name(good).is_ok(), "{good}");
        }
        for bad in ["", "-x", "--", "a b", "a\nb", "a\0", "\u{85}", &"x".repeat(65)] {
            assert!(account_name(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn ports_are_1_to_65535() {
        assert_eq!(port("1"), Ok(1));
        assert_eq!(port("65535"), Ok(65535));
        for bad in ["", "0", "65536", "-1", "+1", "9 9", "995x"] {
            assert!(port(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn what_happens_afterwards_has_four_forms() {
        assert_eq!(afterwards("keep"), Ok(After::Keep));
        assert_eq!(afterwards("delete"), Ok(After::Delete));
        let fortnight = After::DeleteAfter(Duration::from_secs(14 * 86_400));
        assert_eq!(afterwards("delete-after 14d"), Ok(fortnight.clone()));
        assert_eq!(show_afterwards(&fortnight), "delete-after 14d");
        let moved = After::MoveTo("Old mail/2025".into());
        assert_eq!(afterwards("move-to  Old mail/2025"), Ok(moved.clone()));
        assert_eq!(show_afterwards(&moved), "move-to Old mail/2025");
        for bad in [
            "",
            "Keep",
            "delete-after",
            "delete-after14d",
            "delete-after -1d",
            "delete-afterwards",
            "move-to",
            "move-to ",
            "move-to a\rb",
        ] {
            assert!(afterwards(bad).is_err(), "{bad} was taken");
        }
    }
}
