//! The time of day, for a calendar.
//!
//! A clock can stand where no calendar goes (before the year -9999, after 9999): then it is the nearest time there is. A
//! wrong clock is no reason for a run to fail, and never one to fail as a mistake of postie's.

use jiff::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the clock says.
pub fn now() -> Timestamp {
    on_calendar(SystemTime::now())
}

fn on_calendar(time: SystemTime) -> Timestamp {
    let nearest = if time < UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::try_from(time).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::{Offset, TimeZone};
    use std::time::Duration;

    #[test]
    fn a_clock_beyond_the_calendar_is_at_its_end_and_can_be_written_anywhere() {
        const YEAR: u64 = 31_556_952;
        let after = |years: u64| UNIX_EPOCH.checked_add(Duration::from_secs(years * YEAR));
        let before = |years: u64| UNIX_EPOCH.checked_sub(Duration::from_secs(years * YEAR));
        for (time, wanted) in [
            (after(0), "1970-01-01T00:00:00Z"),
            (after(8030), "9999-12-30T22:00:00.999999999Z"),
            (after(20_000), "9999-12-30T22:00:00.999999999Z"),
            (after(200_000_000_000), "9999-12-30T22:00:00.999999999Z"),
            (before(12_000), "-009999-01-02T01:59:59Z"),
        ] {
            let Some(time) = time else { continue };
            let time = on_calendar(time);
            assert_eq!(time.to_string(), wanted);
            for zone in [Offset::MIN, Offset::UTC, Offset::MAX] {
                let zoned = time.to_zoned(TimeZone::fixed(zone));
                assert!(!zoned.strftime("%a %b %e %H:%M:%S %Y %z").to_string().is_empty());
            }
        }
    }
}
