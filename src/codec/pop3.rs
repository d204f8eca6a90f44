//! POP3 replies: status lines (`RFC 1939 §3`), extended response codes (`RFC 2449 §8`, `RFC 3206`), the
//! capabilities (`RFC 2449 §5`), the scan listings of LIST and UIDL (`RFC 1939 §5`, §7).
//!
//! Of the capabilities IMPLEMENTATION and LANG are not interpreted; of response codes only those of the two
//! RFCs are.

use super::sasl::lacks_mechanism;

/// The longest status line postie takes, in octets. `RFC 2449 §4` allows 512; servers exceed it.
pub const MAX_STATUS: usize = 8 * 1024;
/// The longest row of a listing postie takes, in octets.
pub const MAX_ROW: usize = 16 * 1024;
/// The most rows of a listing.
pub const MAX_ROWS: usize = 1_000_000;

/// A status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusLine<'a> {
    /// `+OK`, and the text after it.
    Ok(&'a [u8]),
    /// `-ERR`, and the text after it.
    Err(&'a [u8]),
    /// `+` in a SASL exchange, and the challenge (base64).
    Continue(&'a [u8]),
    /// Anything else: the dialogue is out of step, or this is not a POP3 server.
    Other,
}

/// Reads a status line. `+OK` is a success only alone or followed by a space or a tab. Upper and lower case
/// are the same: some servers write `+ok` or `-Err`.
pub fn status(line: &[u8]) -> StatusLine<'_> {
    let after = |mark: &[u8]| -> Option<&[u8]> {
        let (start, rest) = line.split_at_checked(mark.len())?;
        if !start.eq_ignore_ascii_case(mark) {
            return None;
        }
        match rest.first() {
            None => Some(rest),
            Some(b' ' | b'\t') => Some(rest.trim_ascii()),
            Some(_) => None,
        }
    };
    if let Some(text) = after(b"+OK") {
        StatusLine::Ok(text)
    } else if let Some(text) = after(b"-ERR") {
        StatusLine::Err(text)
    } else if let Some(challenge) = after(b"+") {
        StatusLine::Continue(challenge)
    } else {
        StatusLine::Other
    }
}

/// The response code at the start of a status text, without its brackets: `[IN-USE] …` (`RFC 2449 §8`).
pub fn response_code(text: &[u8]) -> Option<&str> {
    let inner = text.strip_prefix(b"[")?;
    let end = inner.iter().position(|octet| *octet == b']')?;
    let code = std::str::from_utf8(&inner[..end]).ok()?;
    let fine = |c: char| c.is_ascii_graphic() && !matches!(c, '[' | ']');
    (!code.is_empty() && code.len() <= 64 && code.chars().all(fine)).then_some(code)
}

/// Whether a command that was refused may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not now: locked, too early, a temporary fault.
    Temporary,
    Permanent,
    /// The credentials are wrong.
    Credentials,
    /// The server does not say.
    Unstated,
}

/// Words by which older servers, without response codes, say "not now".
const TEMPORARY_WORDS: [&str; 8] =
    ["lock", "in use", "busy", "wait", "try again", "temporar", "too many", "later"];

/// What a `-ERR` text means, by its response code, else by its words.
pub fn refusal(text: &[u8]) -> Refusal {
    let code = response_code(text).map(str::to_ascii_uppercase);
    match code.as_deref() {
        Some("IN-USE" | "LOGIN-DELAY" | "SYS/TEMP") => return Refusal::Temporary,
        Some("SYS/PERM") => return Refusal::Permanent,
        Some("AUTH") => return Refusal::Credentials,
        _ => {}
    }
    let words = String::from_utf8_lossy(text).to_ascii_lowercase();
    if TEMPORARY_WORDS.iter().any(|word| begins_a_word(&words, word)) {
        Refusal::Temporary
    } else {
        Refusal::Unstated
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// The server does not have the mechanism, or has it switched off.
    Mechanism,
    Other(Refusal),
}

/// Wrong credentials: one word of each list.
const WRONG: [&str; 6] = ["invalid", "incorrect", "wrong", "bad", "unknown", "mismatch"];
const CREDENTIALS: [&str; 6] = ["password", "passwd", "credential", "user", "login", "logon"];
/// What a `-ERR` to a login means. "Too many attempts" beside a wrong password does not mean "try again", and
/// `[AUTH]` does not mean a wrong password if the mechanism is missing.
pub fn login_refusal(text: &[u8]) -> LoginRefusal {
    let words = String::from_utf8_lossy(text).to_ascii_lowercase();
    let has = |some: &[&str]| some.iter().any(|word| begins_a_word(&words, word));
    let refusal = refusal(text);
    let code = response_code(text).map(str::to_ascii_uppercase);
    let by_code = matches!(code.as_deref(), Some("IN-USE" | "LOGIN-DELAY" | "SYS/TEMP" | "SYS/PERM"));
    if !by_code && lacks_mechanism(&words) {
        return LoginRefusal::Mechanism;
    }
    if !by_code && has(&WRONG) && has(&CREDENTIALS) {
        return LoginRefusal::Other(Refusal::Credentials);
    }
    LoginRefusal::Other(refusal)
}

/// Whether a word of `text` begins with `start`: "lock" begins "locked", but not "blocked" or "unlock".
fn begins_a_word(text: &str, start: &str) -> bool {
    text.match_indices(start).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric()))
}

/// A server's capabilities (`RFC 2449 §6`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the server answered CAPA at all.
    pub known: bool,
    /// STLS (`RFC 2595 §4`).
    pub stls: bool,
    pub user: bool,
    pub top: bool,
    pub uidl: bool,
    pub pipelining: bool,
    /// UTF8 (`RFC 6856 §2`).
    pub utf8: bool,
    /// EXPIRE 0 (`RFC 2449 §6.7`): the server may delete messages once they were retrieved.
    pub expires_at_once: bool,
    /// LOGIN-DELAY (`RFC 2449 §6.5`): the seconds the server wants between two logins.
    pub login_delay: u64,
    /// The SASL mechanisms, in upper case, in the server's order.
    pub sasl: Vec<String>,
    /// Every line, with invalid UTF-8 replaced, for `test-account`.
    pub lines: Vec<String>,
}

impl Capabilities {
    /// Longer answers to CAPA are an error.
    pub const MAX_LINES: usize = 256;
    /// The longest delay, in seconds, that is believed: a year. A time that much later can still be told.
    pub const MAX_LOGIN_DELAY: u64 = 365 * 86_400;

    /// Takes one line of the answer to CAPA.
    pub fn add(&mut self, line: &[u8]) {
        self.known = true;
        let text = String::from_utf8_lossy(line).trim().to_owned();
        let mut words = text.split_ascii_whitespace();
        match words.next().map(str::to_ascii_uppercase).as_deref() {
            Some("STLS") => self.stls = true,
            Some("USER") => self.user = true,
            Some("TOP") => self.top = true,
            Some("UIDL") => self.uidl = true,
            Some("PIPELINING") => self.pipelining = true,
            Some("UTF8") => self.utf8 = true,
            Some("EXPIRE") => self.expires_at_once = words.next().and_then(number) == Some(0),
            Some("LOGIN-DELAY") => {
                let seconds = words.next().and_then(number).unwrap_or(0);
                self.login_delay = seconds.min(Self::MAX_LOGIN_DELAY);
            }
            Some("SASL") => self.sasl.extend(words.map(str::to_ascii_uppercase)),
            _ => {}
        }
        self.lines.push(text);
    }
}

/// A scan listing or unique-id listing (`RFC 1939 §5` LIST, §7 UIDL): a message's number and the rest,
/// trimmed. A `+OK` that some servers put before every row is skipped. `None` if the message number is
/// missing, not numeric or 0.
pub fn row(line: &[u8]) -> Option<(u32, &[u8])> {
    let line = line.strip_prefix(b"+OK").unwrap_or(line).trim_ascii();
    let end = line.iter().position(|octet| octet.is_ascii_whitespace()).unwrap_or(line.len());
    let number = decimal(&line[..end])?;
    let number = u32::try_from(number).ok().filter(|number| *number > 0)?;
    Some((number, line[end..].trim_ascii()))
}

/// The size in octets in a row of LIST. A negative or overlong number or anything else counts as an unknown
/// size: a size is only a hint.
pub fn row_size(rest: &[u8]) -> Option<u64> {
    let end = rest.iter().position(|octet| octet.is_ascii_whitespace()).unwrap_or(rest.len());
    decimal(&rest[..end])
}

fn number(word: &str) -> Option<u64> {
    decimal(word.as_bytes())
}

/// Digits alone, no sign, no overflow.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The timestamp of a greeting, for APOP (`RFC 1939 §7`), anywhere in the line: `<…@…>`, with the syntax of a
/// message-id. Anything looser would let a man in the middle choose what is hashed (CVE-2007-1558).
pub fn timestamp(greeting: &[u8]) -> Option<&str> {
    let starts = greeting.iter().enumerate().filter(|(_, octet)| **octet == b'<');
    starts.map(|(at, _)| at).find_map(|start| timestamp_at(greeting, start))
}

fn timestamp_at(greeting: &[u8], start: usize) -> Option<&str> {
    let end = start + greeting[start..].iter().position(|octet| *octet == b'>')?;
    let inner = std::str::from_utf8(&greeting[start + 1..end]).ok()?;
    let (left, right) = inner.split_once('@')?;
    let fine =
        |part: &str| !part.is_empty() && part.bytes().all(|o| o.is_ascii_graphic() && !b"<>@".contains(&o));
    (fine(left) && fine(right)).then(|| std::str::from_utf8(&greeting[start..=end]).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_ok_is_a_success() {
        for (line, want) in [
            (&b"+OK"[..], StatusLine::Ok(b"")),
            (b"+OK ready", StatusLine::Ok(b"ready")),
            (b"+OK  ", StatusLine::Ok(b"")),
            (b"-ERR", StatusLine::Err(b"")),
            (b"-ERR [AUTH] no", StatusLine::Err(b"[AUTH] no")),
            (b"+ dGVzdA==", StatusLine::Continue(b"dGVzdA==")),
            (b"+", StatusLine::Continue(b"")),
            (b"+Okay", StatusLine::Other),
            (b"+OKAY", StatusLine::Other),
            (b"+ERR no", StatusLine::Other),
            (b"+ok", StatusLine::Ok(b"")),
            (b"+Ok fine", StatusLine::Ok(b"fine")),
            (b"-Err Syntax error", StatusLine::Err(b"Syntax error")),
            (b"-err", StatusLine::Err(b"")),
            (b"-Error", StatusLine::Other),
            (b"+O", StatusLine::Other),
            (b"", StatusLine::Other),
            (b"* PREAUTH", StatusLine::Other),
            (b"220 smtp", StatusLine::Other),
            (b"-ERROR", StatusLine::Other),
        ] {
            assert_eq!(status(line), want, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn refusals_are_told_apart_by_code_then_by_words() {
        for (text, want) in [
            ("[IN-USE] x", Refusal::Temporary),
            ("[LOGIN-DELAY] x", Refusal::Temporary),
            ("[SYS/TEMP] x", Refusal::Temporary),
            ("[sys/perm] busy", Refusal::Permanent),
            ("[AUTH] locked", Refusal::Credentials),
            ("[X] maildrop is locked", Refusal::Temporary),
            ("mailbox in use", Refusal::Temporary),
            ("Mailbox-locked", Refusal::Temporary),
            ("account blocked for good", Refusal::Unstated),
            ("unlock your account first", Refusal::Unstated),
            ("invalid password", Refusal::Unstated),
            ("[", Refusal::Unstated),
            ("", Refusal::Unstated),
        ] {
            assert_eq!(refusal(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn a_refused_login_is_told_from_a_passing_fault_and_from_a_missing_mechanism() {
        use LoginRefusal::{Mechanism, Other};
        for (text, want) in [
            ("invalid password, too many attempts", Other(Refusal::Credentials)),
            ("Password incorrect, please try again later", Other(Refusal::Credentials)),
            ("Bad login", Other(Refusal::Credentials)),
            ("[AUTH] too many attempts", Other(Refusal::Credentials)),
            ("Logon failure: unknown user name or bad password", Other(Refusal::Credentials)),
            ("[AUTH] Unsupported authentication mechanism.", Mechanism),
            ("unknown mechanism", Mechanism),
            ("CRAM-MD5: authentication method disabled", Mechanism),
            ("too many connections", Other(Refusal::Temporary)),
            ("maildrop already locked", Other(Refusal::Temporary)),
            ("[IN-USE] bad luck, user", Other(Refusal::Temporary)),
            ("[SYS/TEMP] unknown user", Other(Refusal::Temporary)),
            ("no", Other(Refusal::Unstated)),
        ] {
            assert_eq!(login_refusal(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn rows_are_read_leniently_and_numbers_strictly() {
        for (line, want) in [
            (&b"1 120"[..], Some((1, &b"120"[..]))),
            (b"2   whqtswO00WBw418f9t5JxYwZ  ", Some((2, b"whqtswO00WBw418f9t5JxYwZ"))),
            (b"3 a b/c", Some((3, b"a b/c"))),
            (b"+OK 4 x", Some((4, b"x"))),
            (b"5", Some((5, b""))),
            (b"0 x", None),
            (b"-1 x", None),
            (b"+1 x", None),
            (b"0x1 y", None),
            (b"99999999999999999999 x", None),
            (b"4294967296 x", None),
            (b"", None),
            (b"x", None),
        ] {
            assert_eq!(row(line), want, "{}", String::from_utf8_lossy(line));
        }
        assert_eq!(row_size(b"120 octets"), Some(120));
        assert_eq!(row_size(b"9223372036854775808"), Some(1 << 63));
        for odd in [&b"-1"[..], b"", b"1e9", b"+1", b"18446744073709551616", b"0x10"] {
            assert_eq!(row_size(odd), None);
        }
    }

    #[test]
    fn capabilities_are_found_whatever_their_case_and_order() {
        let mut caps = Capabilities::default();
        for line in ["TOP", "uidl", "SASL PLAIN login", "STLS", "PIPELINING", "EXPIRE 60 USER", "X-\u{1b}[2J"]
        {
            caps.add(line.as_bytes());
        }
        assert!(caps.known && caps.top && caps.uidl && caps.stls && caps.pipelining && !caps.user);
        assert_eq!(caps.sasl, ["PLAIN", "LOGIN"]);
        assert!(!caps.expires_at_once, "60 days are not none");
        for (line, at_once, delay) in [
            ("EXPIRE 0", true, 0),
            ("expire NEVER", false, 0),
            ("EXPIRE", false, 0),
            ("LOGIN-DELAY 900", false, 900),
            ("LOGIN-DELAY 120 USER", false, 120),
            ("LOGIN-DELAY -1", false, 0),
            ("LOGIN-DELAY 18446744073709551615", false, 31_536_000),
        ] {
            let mut caps = Capabilities::default();
            caps.add(line.as_bytes());
            assert_eq!((caps.expires_at_once, caps.login_delay), (at_once, delay), "{line}");
        }
    }

    #[test]
    fn an_apop_timestamp_must_be_a_message_id() {
        assert_eq!(
            timestamp(b"+OK x <1896.697170952@dbc.mtview.ca.us> y"),
            Some("<1896.697170952@dbc.mtview.ca.us>")
        );
        assert_eq!(timestamp(b"+OK <pop> of <x> <1.2@h>"), Some("<1.2@h>"), "anywhere in the greeting");
        for bad in [
            &b"+OK no stamp"[..],
            b"+OK <>",
            b"+OK <a>",
            b"+OK <a@>",
            b"+OK <a@b@c>",
            b"+OK <a\x01@b>",
            b"+OK <a@b",
            b"+OK <a\xff@b>",
        ] {
            assert_eq!(timestamp(bad), None);
        }
    }
}
