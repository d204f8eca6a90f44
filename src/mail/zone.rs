//! The local time zone. jiff reads the zone files; they are found here, because jiff's own database lists some
//! 600 names in 20 directories before it opens one.

use crate::words::clock;
use jiff::Zoned;
use jiff::tz::TimeZone;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path};

/// Where systems keep their zone files.
const PLACES: [&str; 4] =
    ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];
/// The most octets of a zone file; the largest real one has 4,000.
const MAX_FILE: u64 = 1024 * 1024;

/// The current local time.
pub fn now() -> Zoned {
    let zone = match std::env::var_os("TZ") {
        None => TimeZone::system(),
        Some(value) => named(&value, std::env::var_os("TZDIR").as_deref().map(Path::new)),
    };
    clock::now().to_zoned(zone)
}

/// The zone in TZ (POSIX §8.3): a name or a path, with or without a colon before it, or a rule
/// (`CET-1CEST,M3.5.0,M10.5.0/3`). Anything else is UTC, as in other programs.
fn named(value: &OsStr, place: Option<&Path>) -> TimeZone {
    let Some(text) = value.to_str() else { return TimeZone::UTC };
    let name = text.strip_prefix(':').unwrap_or(text);
    if name.is_empty() {
        return TimeZone::UTC;
    }
    let path = Path::new(name);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    let found = match path.is_absolute() {
        true => read(path),
        false if inside => place
            .into_iter()
            .chain(PLACES.iter().map(Path::new))
            .filter(|place| place.is_absolute())
            .find_map(|place| read(&place.join(path))),
        false => None,
    };
    let zone = found.and_then(|octets| TimeZone::tzif(name, &octets).ok());
    zone.or_else(|| TimeZone::posix(name).ok()).unwrap_or(TimeZone::UTC)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    // A FIFO of that name would wait for a writer.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut octets = Vec::new();
    File::open(path).ok()?.take(MAX_FILE).read_to_end(&mut octets).ok()?;
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn offset(value: &str, place: Option<&Path>) -> String {
        let zone = named(OsStr::new(value), place);
        "2026-07-01T00:00:00Z".parse::<Timestamp>().unwrap().to_zoned(zone).strftime("%z").to_string()
    }

    /// A zone file of one rule (RFC 9636): version 2, no transitions, and a footer.
    fn zone_file(rule: &str) -> Vec<u8> {
        let mut block = b"TZif2".to_vec();
        block.extend([0; 15]);
        for count in [0u32, 0, 0, 0, 1, 4] {
            block.extend(count.to_be_bytes());
        }
        block.extend([0, 0, 0, 0, 0, 0]);
        block.extend(b"UTC\0");
        [&block[..], &block, b"\n", rule.as_bytes(), b"\n"].concat()
    }

    #[test]
    fn zones_are_found_by_name_path_and_rule() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("Test")).unwrap();
        std::fs::write(dir.path().join("Test/Zone"), zone_file("XYZ-5:45")).unwrap();
        std::fs::write(dir.path().join("broken"), "TZif2").unwrap();
        let path = dir.path().join("Test/Zone").to_str().unwrap().to_owned();
        for (value, want) in [
            ("Test/Zone", "+0545"),
            (":Test/Zone", "+0545"),
            (&path, "+0545"),
            (&format!(":{path}"), "+0545"),
            ("UTC-13", "+1300"),
            ("<+0330>-3:30", "+0330"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "+0200"),
            ("", "+0000"),
            (":", "+0000"),
            ("broken", "+0000"),
            ("Test", "+0000"),
            ("Nowhere/Land", "+0000"),
            ("../Test/Zone", "+0000"),
            ("/nonexistent", "+0000"),
        ] {
            assert_eq!(offset(value, Some(dir.path())), want, "{value}");
        }
    }
}
