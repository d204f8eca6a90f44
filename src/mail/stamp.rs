//! The Date (`RFC 5322 §3.6.1`) and the Message-ID (§3.6.4) of a new message.

use super::outgoing::bad_message;
use crate::words::{Failure, Kind, Stage};
use jiff::Zoned;
use jiff::fmt::rfc2822;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// The current date, with the local offset (`RFC 5322 §3.3`).
pub fn now() -> Result<String, Failure> {
    format(&super::zone::now())
}

/// A date given in the form of `RFC 3339` or `RFC 5322`; its offset is kept.
pub fn date(text: &str) -> Result<String, Failure> {
    let wrong = || {
        bad_message(format!("{text:?} is not a date"))
            .hint("write 2026-11-25T10:30:00+01:00 or Wed, 25 Nov 2026 10:30:00 +0100")
    };
    let zoned = match rfc2822::parse(text) {
        Ok(zoned) => zoned,
        Err(_) => rfc3339(text).ok_or_else(wrong)?,
    };
    format(&zoned)
}

fn rfc3339(text: &str) -> Option<Zoned> {
    let pieces = Pieces::parse(text).ok()?;
    let offset = pieces.to_numeric_offset()?;
    pieces.date().to_datetime(pieces.time()?).to_zoned(TimeZone::fixed(offset)).ok()
}

fn format(zoned: &Zoned) -> Result<String, Failure> {
    rfc2822::to_string(zoned).map_err(|error| bad_message(format!("its date cannot be written: {error}")))
}

/// A new Message-ID without its angles: 128 random bits and the domain of the author. It reveals neither the
/// machine's name nor its time.
pub fn message_id(domain: &str) -> Result<String, Failure> {
    // An address literal is allowed there, too (no-fold-literal, RFC 5322 §3.6.4).
    Ok(format!("{}@{domain}", random()?))
}

/// 128 random bits as 32 hexadecimal digits.
pub(super) fn random() -> Result<String, Failure> {
    let mut octets = [0u8; 16];
    // The system call needs no /dev, which a jail may lack.
    getrandom::fill(&mut octets).map_err(|error| {
        Failure::new(Kind::Internal, Stage::Message, format!("random octets: reading: {error}"))
    })?;
    Ok(octets.iter().fold(String::with_capacity(32), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_both_forms_keep_their_offset() {
        for (text, want) in [
            ("2026-11-25T10:30:00+01:00", "Wed, 25 Nov 2026 10:30:00 +0100"),
            ("2026-11-25T10:30:00Z", "Wed, 25 Nov 2026 10:30:00 +0000"),
            ("2026-11-25 10:30:00.5-05:30", "Wed, 25 Nov 2026 10:30:00 -0530"),
            ("Wed, 25 Nov 2026 10:30:00 +0100", "Wed, 25 Nov 2026 10:30:00 +0100"),
            ("25 Nov 2026 10:30 EST", "Wed, 25 Nov 2026 10:30:00 -0500"),
        ] {
            assert_eq!(date(text).unwrap(), want, "{text}");
        }
        for bad in
            ["", "yesterday", "2026-11-25", "2026-11-25T10:30:00", "2026-13-01T00:00:00Z", "x\r\nBcc: y"]
        {
            assert!(date(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_date_of_now_can_be_read_back() {
        let text = now().unwrap();
        let age = rfc2822::parse(&text).unwrap().timestamp().duration_since(jiff::Timestamp::now());
        assert!(age.as_secs().abs() < 60, "{text}");
    }

    #[test]
    fn identities_differ_and_carry_only_the_domain() {
        let (one, other) = (message_id("example.org").unwrap(), message_id("example.org").unwrap());
        assert_ne!(one, other);
        let (random, domain) = one.split_once('@').unwrap();
        assert!(random.len() == 32 && domain == "example.org", "{one}");
    }
}
