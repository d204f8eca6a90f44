//! Durations and sizes as people write them, for the command line and the configuration.

use jiff::{Span, SpanRelativeTo};
use std::time::Duration;

/// Reads `90s`, `5m`, `2h`, `14d`, or a chain like `1h30m`. A day is 24 hours.
pub fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is no duration (90s, 5m, 2h, 14d)");
    let span: Span = text.parse().map_err(|_| bad())?;
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| bad())?;
    Duration::try_from(signed).map_err(|_| bad())
}

/// Reads octets: `500K`, `25M`, `1G` (powers of 1024), or a plain number.
pub fn size(text: &str) -> Result<u64, String> {
    let bad = || format!("{text:?} is no size (500K, 25M, 1G)");
    let unit = |letter: u8| match letter.to_ascii_uppercase() {
        b'K' => Some(1u64 << 10),
        b'M' => Some(1 << 20),
        b'G' => Some(1 << 30),
        _ => None,
    };
    let factor = text.bytes().last().and_then(unit);
    let digits = if factor.is_some() { &text[..text.len() - 1] } else { text };
    if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(bad());
    }
    let number: u64 = digits.parse().map_err(|_| bad())?;
    number.checked_mul(factor.unwrap_or(1)).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in
            [("90s", 90), ("5m", 300), ("2h", 7200), ("14d", 1_209_600), ("1h30m", 5400), ("0s", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "5", "-5s", "5x", "s", "99999999999999999999d", "1y"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, octets) in
            [("500K", 512_000), ("25M", 26_214_400), ("1G", 1 << 30), ("17", 17), ("2k", 2048)]
        {
            assert_eq!(size(text), Ok(octets), "{text}");
        }
        for bad in ["", "K", "-1K", "1.5M", "1T", "99999999999999999999", "99999999999999999G", "+1"] {
            assert!(size(bad).is_err(), "{bad:?}");
        }
    }
}
