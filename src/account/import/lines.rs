//! Lines of a text that may be anything, with their numbers.

/// The lines and their numbers from 1, without line ends; a byte order mark is passed over.
pub fn numbered(octets: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    let whole = octets.strip_suffix(b"\n").unwrap_or(octets);
    let lines = whole.split(|octet| *octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.enumerate().map(|(at, line)| (at + 1, line))
}
