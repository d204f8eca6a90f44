//! Random content, and random pieces to hand it over in.

use crate::support::random::Random;

/// The most octets of a message.
pub const MOST: usize = 20_000_000;

/// Sizes at which a buffer somewhere is full.
const EDGES: &[usize] = &[
    1, 57, 76, 512, 998, 4096, 8192, 16_384, 32_768, 58_368, 65_536, 131_072, 262_144, 524_288, 1_048_576,
    2_097_152,
];

/// What the lines end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    Lf,
    CrLf,
    Mixed,
}

/// What the lines are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letters {
    /// US-ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
    /// Any octet but CR, LF and NUL.
    Any,
}

/// A kind of content.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub ends: Ends,
    pub letters: Letters,
    /// The longest line in octets.
    pub longest: usize,
}

impl Kind {
    /// Lines of one of these letters, no longer than that.
    pub fn one_of(random: &mut Random, letters: &[Letters], longest: usize) -> Kind {
        let ends = random.one(&[Ends::Lf, Ends::CrLf, Ends::CrLf, Ends::Mixed]);
        Kind { ends, letters: random.one(letters), longest }
    }
}

/// A size about that of a buffer, or any.
pub fn size(random: &mut Random) -> usize {
    match random.below(16) {
        0..=4 => random.below(3000),
        5..=11 => (random.one(EDGES) * (1 + random.below(3)) + random.below(5)).saturating_sub(2),
        12..=14 => random.below(3_000_000),
        _ => random.below(MOST),
    }
}

/// About `size` octets in lines; the last one may have no end. Never nothing.
pub fn lines(random: &mut Random, size: usize, kind: Kind) -> Vec<u8> {
    let palette = palette(random, kind.letters);
    let mut out = Vec::with_capacity(size + kind.longest);
    loop {
        let begun = out.len();
        let start =
            random.one(&["", "", "", "", ".", "..", ".x", "From ", ">From ", ">>From ", "--", " ", "\t"]);
        out.extend_from_slice(start.as_bytes());
        let wanted = match random.below(12) {
            0 => 0,
            1 => 1 + random.below(3),
            2 => kind.longest - random.below(3),
            3 => random.below(kind.longest),
            4 => 74 + random.below(6),
            _ => random.below(100),
        };
        let mut at = random.below(palette.len());
        while let Some(letter) = palette.get(at % palette.len()) {
            if out.len() - begun + letter.len() > wanted {
                break;
            }
            out.extend_from_slice(letter);
            at += 1;
        }
        if out.len() >= size && random.once_in(3) && out.len() > begun {
            return out;
        }
        out.extend_from_slice(match kind.ends {
            Ends::Lf => b"\n",
            Ends::CrLf => b"\r\n",
            Ends::Mixed => random.one(&[&b"\n"[..], b"\r\n"]),
        });
        if out.len() >= size {
            return out;
        }
    }
}

/// Letters in a random order.
fn palette(random: &mut Random, letters: Letters) -> Vec<Vec<u8>> {
    let words = ["a", "Report ", "x=1; ", "=20", "=", ".", "0123456789", "\u{e4}", "\u{2603}", "\u{1f600}"];
    let of_words = match letters {
        Letters::Any => 0,
        Letters::Ascii => 7,
        Letters::Utf8 => words.len(),
    };
    (0..997)
        .map(|_| match of_words {
            0 => vec![loop {
                let octet = random.below(256) as u8;
                if !b"\r\n\0".contains(&octet) {
                    break octet;
                }
            }],
            count => words[random.below(count)].as_bytes().to_vec(),
        })
        .collect()
}

/// Octets of any value.
pub fn octets(random: &mut Random, size: usize) -> Vec<u8> {
    let some: Vec<u8> = (0..4099).map(|_| random.below(256) as u8).collect();
    let mut out = Vec::with_capacity(size + some.len());
    while out.len() < size {
        let from = random.below(some.len());
        out.extend_from_slice(&some[from..]);
    }
    out.truncate(size);
    out
}

/// Cuts octets into pieces: drips, a flood, pieces about the size of a buffer, and cuts between CR and LF or
/// before a dot. The lengths of the pieces.
pub fn pieces(random: &mut Random, octets: &[u8]) -> Vec<usize> {
    let (mut cut, mut at) = (Vec::new(), 0);
    let most = random.one(&[0, 1, 10, 60]);
    while at < octets.len() && cut.len() < most {
        let rest = &octets[at..];
        let length = match random.below(5) {
            0 => 1 + random.below(4),
            1 => random.one(EDGES) + random.below(3),
            2 => random.below(70_000),
            3 => {
                let from = random.below(rest.len().min(200_000));
                let found = memchr::memchr(random.one(b"\n."), &rest[from..]);
                found.map_or(rest.len(), |found| from + found)
            }
            _ => 65_536 - random.below(3000),
        };
        let length = length.clamp(1, rest.len());
        cut.push(length);
        at += length;
    }
    if at < octets.len() {
        cut.push(octets.len() - at);
    }
    cut
}

/// The same octets with CRLF line ends, and one at the end.
pub fn with_crlf(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + octets.len() / 16);
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// The same octets with LF line ends.
pub fn with_lf(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => out.extend([line, b"\n"].concat()),
            None => out.extend_from_slice(line),
        }
    }
    out
}
