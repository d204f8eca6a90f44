//! Reads the Date field (`RFC 5322 §3.3`, §4.3), also in other forms that mail has. What is not a date, or whose
//! hour is not certain, is `None`, never a wrong date. The calendar is jiff's.

use jiff::civil::DateTime;

/// A date with its offset, in the form of RFC 3339. Without a zone it ends in `-00:00`: offset unknown
/// (`RFC 3339 §4.3`).
pub fn rfc_3339(value: &[u8]) -> Option<String> {
    let text = without_comments(std::str::from_utf8(value).ok()?);
    let mut date = Parts::default();
    for token in text.split(|c: char| c.is_ascii_whitespace() || c == ',').filter(|token| !token.is_empty()) {
        date.take(token)?;
    }
    date.finish()
}

/// The longest value that is read.
const MAX_LEN: usize = 200;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The zones of `RFC 5322 §4.3`, and others whose name is not ambiguous; offsets in hours.
const ZONES: [(&str, i32); 24] = [
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("edt", -4),
    ("est", -5),
    ("cdt", -5),
    ("cst", -6),
    ("mdt", -6),
    ("mst", -7),
    ("pdt", -7),
    ("pst", -8),
    ("wet", 0),
    ("west", 1),
    ("cet", 1),
    ("met", 1),
    ("mez", 1),
    ("cest", 2),
    ("mest", 2),
    ("mesz", 2),
    ("eet", 2),
    ("eest", 3),
    ("msk", 3),
    ("jst", 9),
];

/// The zone of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Offset(i32),
    /// A military letter: they mean nothing, because `RFC 822` had their signs wrong (`RFC 5322 §4.3`).
    Military,
    /// An ambiguous name.
    Foreign,
}

#[derive(Default)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    time: Option<(i8, i8, i8)>,
    zone: Option<Zone>,
    is_afternoon: Option<bool>,
}

impl Parts {
    /// Takes the next token; `None` if it cannot belong to a date.
    fn take(&mut self, token: &str) -> Option<()> {
        let lower = token.to_ascii_lowercase();
        let first = lower.chars().next()?;
        let is_time = lower.find(':').is_some_and(|colon| !lower[..colon].contains('-'));
        if self.time.is_none() && is_time && first.is_ascii_digit() {
            return self.take_time(&lower);
        }
        if self.time.is_some() && matches!(first, '+' | '-') {
            return self.take_zone(Zone::Offset(offset(&lower)?));
        }
        if first.is_ascii_digit() {
            return self.take_number(&lower);
        }
        if let Some(half) = ["am", "pm"].iter().position(|half| *half == lower) {
            self.is_afternoon = Some(half == 1);
            return Some(());
        }
        self.take_name(&lower)
    }

    /// A number: the day, the year, or a whole date with dashes.
    fn take_number(&mut self, token: &str) -> Option<()> {
        if let Some((date, time)) = token.split_once('t').filter(|(date, _)| date.contains('-')) {
            self.take_number(date)?;
            return self.take_time(time);
        }
        if token.contains('-') {
            let pieces: Vec<&str> = token.split('-').collect();
            let [first, month, last] = pieces.as_slice() else { return None };
            let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
            self.month = Some(match month_of(month) {
                Some(month) => month,
                None if first.len() == 4 => month.parse().ok()?,
                // 1-2-2025 is ambiguous.
                None => return None,
            });
            self.day = Some(day.parse().ok()?);
            return self.take_year(year);
        }
        let digits = token.trim_end_matches('.');
        match (digits.len(), self.day) {
            (1 | 2, None) => self.day = Some(digits.parse().ok()?),
            (2..=4, Some(_)) | (4, None) if self.year.is_none() => return self.take_year(digits),
            _ => return None,
        }
        Some(())
    }

    /// Two digits mean 1950 to 2049, three digits count from 1900 (`RFC 5322 §4.3`).
    fn take_year(&mut self, digits: &str) -> Option<()> {
        if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let year: i16 = digits.parse().ok()?;
        self.year = Some(match digits.len() {
            2 if year < 50 => year + 2000,
            2 | 3 => year + 1900,
            4 if year >= 1900 => year,
            _ => return None,
        });
        Some(())
    }

    /// `hh:mm[:ss[.fraction]]`, perhaps with the zone right after it.
    fn take_time(&mut self, token: &str) -> Option<()> {
        let end = token.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.')).unwrap_or(token.len());
        let (clock, behind) = token.split_at(end);
        let mut pieces = clock.split(':');
        let hour = number(pieces.next()?)?;
        let minute = number(pieces.next()?)?;
        let second = match pieces.next() {
            Some(second) => number(second.split('.').next()?)?,
            None => 0,
        };
        if pieces.next().is_some() {
            return None;
        }
        // jiff knows no leap seconds.
        self.time = Some((hour, minute, if second == 60 { 59 } else { second }));
        if behind.is_empty() { Some(()) } else { self.take(behind) }
    }

    fn take_name(&mut self, name: &str) -> Option<()> {
        let word = name.trim_end_matches('.');
        if let Some(month) = month_of(word).filter(|_| self.month.is_none()) {
            self.month = Some(month);
            return Some(());
        }
        if word.len() >= 3 && DAYS.contains(&word.get(..3)?) && self.time.is_none() {
            return Some(());
        }
        // It is not a day or a month; a zone must come after the time.
        self.time?;
        let zone = ZONES.iter().find(|(zone, _)| *zone == word);
        if let Some((_, hours)) = zone {
            return self.take_zone(Zone::Offset(hours * 60));
        }
        let prefix = ["gmt", "utc", "ut"].iter().find_map(|prefix| word.strip_prefix(prefix));
        if let Some(behind) = prefix.filter(|behind| behind.starts_with(['+', '-'])) {
            self.zone = None;
            return self.take_zone(Zone::Offset(offset(behind)?));
        }
        let is_letter = word.len() == 1 && word != "j" && word.starts_with(|c: char| c.is_ascii_lowercase());
        self.take_zone(if is_letter { Zone::Military } else { Zone::Foreign })
    }

    /// Of two zones the first counts (`+0200 CEST`); but `GMT +0200` is one zone in two words.
    fn take_zone(&mut self, zone: Zone) -> Option<()> {
        match self.zone {
            None | Some(Zone::Foreign) => self.zone = Some(zone),
            Some(Zone::Offset(0)) if matches!(zone, Zone::Offset(_)) => self.zone = Some(zone),
            Some(_) => {}
        }
        Some(())
    }

    fn finish(self) -> Option<String> {
        let (mut hour, minute, second) = self.time?;
        match self.is_afternoon {
            Some(_) if !(1..=12).contains(&hour) => return None,
            Some(is_afternoon) => hour = hour % 12 + if is_afternoon { 12 } else { 0 },
            None => {}
        }
        let date = DateTime::new(self.year?, self.month?, self.day?, hour, minute, second, 0).ok()?;
        let zone = match self.zone {
            Some(Zone::Offset(0)) => "Z".to_owned(),
            Some(Zone::Offset(minutes)) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
            Some(Zone::Foreign) => return None,
            Some(Zone::Military) | None => "-00:00".to_owned(),
        };
        Some(format!("{}{zone}", date.strftime("%Y-%m-%dT%H:%M:%S")))
    }
}

/// `+hhmm`, also with a colon, without the first zero or only hours; returns minutes.
fn offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.get(1..)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(pieces) => pieces,
        None if digits.len() <= 2 => (digits, "00"),
        None => digits.split_at_checked(digits.len() - 2)?,
    };
    let hours = i32::from(number(hours)?);
    let minutes = i32::from(number(minutes).filter(|_| minutes.len() == 2)?);
    // No real zone is further off.
    (hours <= 15 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// One or two digits.
fn number(text: &str) -> Option<i8> {
    let fine = matches!(text.len(), 1 | 2) && text.bytes().all(|octet| octet.is_ascii_digit());
    if fine { text.parse().ok() } else { None }
}

fn month_of(name: &str) -> Option<i8> {
    let place = MONTHS.iter().position(|month| name.get(..3) == Some(*month))?;
    i8::try_from(place + 1).ok()
}

/// The value without its comments; empty if it is too long.
fn without_comments(text: &str) -> String {
    let mut depth = 0usize;
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                out.push(' ');
            }
            _ if depth == 0 => out.push(c),
            _ => {}
        }
        if out.len() > MAX_LEN {
            return String::new();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(value: &str, want: &str) {
        assert_eq!(rfc_3339(value.as_bytes()).as_deref(), Some(want), "{value}");
    }

    #[test]
    fn dates_are_read_in_the_ways_that_mail_writes_them() {
        for value in [
            "Mon, 1 Sep 2025 10:00:00 +0200",
            "1 Sep 2025 10:00:00 +0200",
            "Mon,01 Sep 25 10:00 +0200 (CEST)",
            "Mon, 1 September 2025 10:00:00 +0200 CEST",
            "Mon, 1 Sep 2025 10:00:00 CEST",
            "Mon, 1 Sep 2025 10:00:00 GMT+0200",
            "Mon, 1 Sep 2025 10:00:00 GMT +0200",
            "Mon, 1 Sep 2025 10:00:00 +02:00",
            "Mon, 1 Sep 2025 10:00:00.123 +2",
            "Mon, 1 Sep 2025 10:00:00+0200",
            "Mon Sep 01 2025 10:00:00 GMT+0200 (Central European Summer Time)",
            "2025-09-01T10:00:00+02:00",
            "2025-09-01 10:00:00 +0200",
            "1-Sep-2025 10:00:00 +0200",
            "Sep 1, 2025 10:00:00 AM +0200",
            "(a (b) c) Mon, 1 (d) Sep 2025 10:00:00 +0200",
        ] {
            reads(value, "2025-09-01T10:00:00+02:00");
        }
        for zone in ["UT", "GMT", "UTC", "Z", "z", "+0000", "-0000", "+0000 (UTC)"] {
            reads(&format!("21 Mar 2020 10:38:02 {zone}"), "2020-03-21T10:38:02Z");
        }
        reads("21 Mar 2020 10:38:02 EST", "2020-03-21T10:38:02-05:00");
        reads("21 Mar 2020 10:38:02 +0530 IST", "2020-03-21T10:38:02+05:30");
        reads("21 Mar 2020 10:38:02 -600", "2020-03-21T10:38:02-06:00");
        reads("21 Mar 2020 10:38:02 +530", "2020-03-21T10:38:02+05:30");
        reads("21 Mar 2020 10:38:02 GMT+5:30", "2020-03-21T10:38:02+05:30");
        reads("21 Mar 99 10:38:02 Z", "1999-03-21T10:38:02Z");
        reads("21 Mar 120 10:38:02 Z", "2020-03-21T10:38:02Z");
        reads("31 Dec 2016 23:59:60 Z", "2016-12-31T23:59:59Z");
        reads("1 Jan 2020 12:00:00 AM Z", "2020-01-01T00:00:00Z");
    }

    #[test]
    fn a_zone_that_is_missing_or_means_nothing_is_not_known() {
        for zone in ["", "A", "M", "y"] {
            reads(&format!("21 Mar 2020 10:38:02 {zone}"), "2020-03-21T10:38:02-00:00");
        }
    }

    #[test]
    fn a_date_that_is_none_is_none() {
        for value in [
            "Mon, 31 Feb 2024 00:00:00 +0000",
            "Sat, 31 Apr 2021 10:00:00 +0000",
            "Wed, 29 Feb 2023 10:00:00 +0000",
            "1 Sep 2025 24:00:00 +0000",
            "1 Sep 2025 10:60:00 +0000",
            "1 Sep 2025 10:00:61 +0000",
            "0 Sep 2025 10:00:00 +0000",
            "1 Foo 2025 10:00:00 +0000",
            "1 Sep 0001 10:00:00 +0000",
            "1 Sep 20250 10:00:00 +0000",
            "1 Sep 2025",
            "10:00:00 +0000",
            "1/2/2025 10:00:00 +0000",
            "1-2-2025 10:00:00 +0000",
            "1 Sep 2025 10:00:00 +9999",
            "1 Sep 2025 10:00:00 +2400",
            "1 Sep 2025 10:00:00 +0060",
            "1 Sep 2025 10:00:00 +02000",
            "1 Sep 2025 10:00:00 +960",
            "1 Sep 2025 10:00:00 +2:0",
            "1 Sep 2025 10:00:00 +:00",
            "1 Sep 2025 10:00:00 +0\u{e4}0",
            "1 Sep 2025 10:00:00 +\u{20ac}",
            "1 Sep 2025 10:00:00 BST",
            "1 Sep 2025 10:00:00 XYZ",
            "1 Sep 2025 13:00:00 PM +0000",
            "1756720800",
            "today",
            "",
            "99",
            "\u{e4} Sep 2025 10:00:00 +0000",
        ] {
            assert_eq!(rfc_3339(value.as_bytes()), None, "{value}");
        }
        assert_eq!(rfc_3339(b"1 Sep 2025 10:00:00 \xff"), None);
        assert_eq!(rfc_3339("(".repeat(60_000).as_bytes()), None);
        assert_eq!(rfc_3339("1 ".repeat(60_000).as_bytes()), None);
    }
}
