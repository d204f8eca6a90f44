//! INTERNALDATE: `"dd-Mon-yyyy hh:mm:ss +zzzz"` (`RFC 3501 §9`, date-time). The calendar is jiff's.

use jiff::Timestamp;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::Offset;
use std::fmt;

const FORMAT: &str = "%d-%b-%Y %H:%M:%S %z";

/// When the server got a message, as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InternalDate {
    /// Seconds since 1970, UTC.
    pub seconds: i64,
    /// The server's zone then, in seconds east of UTC.
    pub offset: i32,
}

impl InternalDate {
    /// `None` for what is no date: day 0, a zone of 99 hours, other words. A wrong date is worse than none.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        // A day of one digit has a space before it.
        let text = std::str::from_utf8(octets).ok()?.trim_ascii();
        let time = BrokenDownTime::parse(FORMAT, text).ok()?;
        let seconds = time.to_timestamp().ok()?.as_second();
        Some(InternalDate { seconds, offset: time.offset()?.seconds() })
    }
}

impl fmt::Display for InternalDate {
    /// As APPEND wants it, without the quotes; nothing at all for a date outside the calendar.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Ok(time), Ok(offset)) =
            (Timestamp::from_second(self.seconds), Offset::from_seconds(self.offset))
        else {
            return Ok(());
        };
        let zoned = time.to_zoned(offset.to_time_zone());
        f.write_str(&strtime::format(FORMAT, &zoned).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_what_is_none_is_none() {
        for (text, want) in [
            ("17-Jul-1996 02:44:25 -0700", Some((837_596_665, -25_200))),
            ("01-Jan-1970 00:00:00 +0000", Some((0, 0))),
            (" 1-Jan-1970 01:00:00 +0100", Some((0, 3600))),
            ("1-jan-1970 00:00:00 +0000", Some((0, 0))),
            ("29-Feb-2024 23:59:59 +0530", Some((1_709_231_399, 19_800))),
            ("31-Dec-1969 23:59:59 +0000", Some((-1, 0))),
            ("30-Dec-9999 22:00:00 +0000", Some((253_402_207_200, 0))),
            ("31-Dec-9999 23:59:59 +0000", None),
            ("31-Dec-9999 23:59:59 -1200", None),
            ("01-Jan-10000 00:00:00 +0000", None),
            ("00-Jan-0000 00:00:00 +0000", None),
            ("29-Feb-2023 00:00:00 +0000", None),
            ("01-Jan-1970 00:00:00 +9999", None),
            ("01-Jan-1970 00:00:00", None),
            ("01-Jan-1970 24:00:00 +0000", None),
            ("01-Jan-1970 00:00:00 +0000 x", None),
            ("Thu, 1 Jan 1970 00:00:00 +0000", None),
            ("", None),
            ("99999999999999999999-Jan-1970 00:00:00 +0000", None),
        ] {
            let got = InternalDate::parse(text.as_bytes()).map(|date| (date.seconds, date.offset));
            assert_eq!(got, want, "{text}");
        }
        assert_eq!(InternalDate::parse(b"\xff"), None);
    }

    #[test]
    fn a_date_is_written_as_it_is_read() {
        for seconds in [-1, 0, 837_596_665, 1_709_231_399, 4_102_444_800, 253_402_207_200] {
            for offset in [0, -25_200, 19_800, 50_400] {
                let date = InternalDate { seconds, offset };
                assert_eq!(InternalDate::parse(date.to_string().as_bytes()), Some(date), "{date}");
            }
        }
        assert_eq!(InternalDate { seconds: i64::MAX, offset: 0 }.to_string(), "");
        let date = InternalDate { seconds: 837_596_665, offset: -25_200 };
        assert_eq!(date.to_string(), "17-Jul-1996 02:44:25 -0700");
    }
}
