//! Decodes charsets of 7-bit octets with shift sequences, for which there is no maintained library: ISO 2022 in
//! the forms that mail has (`RFC 1468`, `RFC 1554`, `RFC 1557`, `RFC 1922`), HZ (`RFC 1843`) and UTF-7
//! (`RFC 2152`). Only the shifts are read here; characters are looked up in the tables of encoding_rs, whose
//! 8-bit forms are the same codes with the high bit set.

use super::reading::Reading;
use base64::Engine as _;
use encoding_rs::{EUC_JP, EUC_KR, Encoding, GBK, ISO_8859_7, SHIFT_JIS, UTF_8, UTF_16BE, WINDOWS_1252};

const ESC: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;
/// Before each character of JIS X 0212 in EUC-JP.
const THREE: u8 = 0x8f;

/// A character set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    Katakana,
    Jis0208,
    Jis0212,
    Gb2312,
    Ksc5601,
    /// A set without a table here.
    Foreign,
}

impl Set {
    /// How many octets a character has.
    fn width(self) -> usize {
        if matches!(self, Set::Ascii | Set::Katakana) { 1 } else { 2 }
    }

    fn table(self) -> Option<&'static Encoding> {
        Some(match self {
            Set::Ascii => UTF_8,
            Set::Katakana => SHIFT_JIS,
            Set::Jis0208 | Set::Jis0212 => EUC_JP,
            Set::Gb2312 => GBK,
            Set::Ksc5601 => EUC_KR,
            Set::Foreign => return None,
        })
    }
}

/// Decodes text in runs, each with one table.
#[derive(Default)]
struct Runs {
    text: String,
    damaged: bool,
    unknown: bool,
    run: Vec<u8>,
    of: Option<&'static Encoding>,
}

impl Runs {
    fn push(&mut self, encoding: &'static Encoding, octets: &[u8]) {
        if self.of != Some(encoding) {
            self.flush();
            self.of = Some(encoding);
        }
        self.run.extend_from_slice(octets);
    }

    fn flush(&mut self) {
        if let Some(encoding) = self.of.take() {
            let (text, damaged) = encoding.decode_without_bom_handling(&self.run);
            self.text.push_str(&text);
            self.damaged |= damaged;
        }
        self.run.clear();
    }

    fn finish(mut self) -> Reading {
        self.flush();
        if self.unknown { Reading::Unknown } else { Reading::of(self.text, self.damaged) }
    }

    /// Adds one character of a set, given without the high bit.
    fn character(&mut self, set: Set, octets: &[u8]) {
        let Some(encoding) = set.table() else {
            self.unknown = true;
            return;
        };
        let high = |octet: &u8| if set == Set::Ascii { *octet } else { octet | 0x80 };
        if set == Set::Jis0212 {
            self.push(encoding, &[THREE]);
        }
        let octets: Vec<u8> = octets.iter().map(high).collect();
        self.push(encoding, &octets);
    }
}

/// The meaning of an escape sequence.
enum Escape {
    /// From now on this set.
    G0(Set),
    /// This set after the next shift out.
    G1(Set),
    /// This table for single characters after `ESC N`.
    G2(Option<&'static Encoding>),
    /// The next character is of G2.
    Single,
}

/// The escape sequence after an ESC, and its length.
fn escape(octets: &[u8]) -> Option<(Escape, usize)> {
    Some(match octets {
        [b'(', b'B' | b'J' | b'H', ..] => (Escape::G0(Set::Ascii), 2),
        [b'(', b'I', ..] => (Escape::G0(Set::Katakana), 2),
        [b'$', b'@' | b'B', ..] => (Escape::G0(Set::Jis0208), 2),
        [b'$', b'A', ..] => (Escape::G0(Set::Gb2312), 2),
        [b'$', b'(', b'@' | b'B', ..] => (Escape::G0(Set::Jis0208), 3),
        [b'$', b'(', b'D', ..] => (Escape::G0(Set::Jis0212), 3),
        [b'$', b'(', b'C', ..] => (Escape::G0(Set::Ksc5601), 3),
        [b'$', b'(', _, ..] => (Escape::G0(Set::Foreign), 3),
        [b'$', b')', b'C', ..] => (Escape::G1(Set::Ksc5601), 3),
        [b'$', b')', b'A', ..] => (Escape::G1(Set::Gb2312), 3),
        [b'$', b')', _, ..] => (Escape::G1(Set::Foreign), 3),
        [b')', b'I', ..] => (Escape::G1(Set::Katakana), 2),
        [b'.', b'A', ..] => (Escape::G2(Some(WINDOWS_1252)), 2),
        [b'.', b'F', ..] => (Escape::G2(Some(ISO_8859_7)), 2),
        [b'.', _, ..] => (Escape::G2(None), 2),
        [b'$', b'*', _, ..] => (Escape::G2(None), 3),
        // The announcement of JIS X 0208-1990.
        [b'&', b'@', ..] => (Escape::G0(Set::Jis0208), 2),
        [b'N', ..] => (Escape::Single, 1),
        _ => return None,
    })
}

/// Decodes ISO-2022-JP and its variants, ISO-2022-KR, and the GB 2312 part of ISO-2022-CN.
pub(super) fn iso_2022(octets: &[u8]) -> Reading {
    let mut runs = Runs::default();
    let (mut g0, mut g1, mut g2, mut is_out) = (Set::Ascii, Set::Katakana, None, false);
    let mut rest = octets;
    while let [octet, after @ ..] = rest {
        let set = if is_out { g1 } else { g0 };
        rest = after;
        match *octet {
            ESC => match escape(after) {
                Some((what, len)) => {
                    rest = &after[len..];
                    match what {
                        Escape::G0(set) => g0 = set,
                        Escape::G1(set) => g1 = set,
                        Escape::G2(table) => g2 = table,
                        Escape::Single => rest = single(g2, rest, &mut runs),
                    }
                }
                None => runs.damaged = true,
            },
            SHIFT_OUT => is_out = true,
            SHIFT_IN => is_out = false,
            0..=0x20 | 0x7f => {
                // A shift out ends with its line (RFC 1557).
                is_out &= *octet != b'\n';
                runs.push(UTF_8, &[*octet]);
            }
            0x80.. => runs.push(UTF_8, &[*octet]),
            _ => match (set.width(), after) {
                (1, _) => runs.character(set, &[*octet]),
                (_, [second @ 0x21..=0x7e, after @ ..]) => {
                    runs.character(set, &[*octet, *second]);
                    rest = after;
                }
                _ => runs.push(UTF_8, &[0xff]),
            },
        }
    }
    runs.finish()
}

/// Decodes one character of G2; returns the rest.
fn single<'a>(table: Option<&'static Encoding>, rest: &'a [u8], runs: &mut Runs) -> &'a [u8] {
    match (table, rest) {
        (Some(table), [octet, rest @ ..]) => {
            runs.push(table, &[octet | 0x80]);
            rest
        }
        (None, _) => {
            runs.unknown = true;
            rest
        }
        (Some(_), []) => rest,
    }
}

/// Decodes HZ: GB 2312 between `~{` and `~}`.
pub(super) fn hz(octets: &[u8]) -> Reading {
    let mut runs = Runs::default();
    let mut set = Set::Ascii;
    let mut rest = octets;
    loop {
        rest = match (rest, set) {
            ([], _) => return runs.finish(),
            ([b'~', b'{', rest @ ..], _) => {
                set = Set::Gb2312;
                rest
            }
            ([b'~', b'}', rest @ ..], _) => {
                set = Set::Ascii;
                rest
            }
            ([b'~', b'~', rest @ ..], Set::Ascii) => {
                runs.push(UTF_8, b"~");
                rest
            }
            // A line continuation.
            ([b'~', b'\n', rest @ ..] | [b'~', b'\r', b'\n', rest @ ..], Set::Ascii) => rest,
            ([b'\n', rest @ ..], _) => {
                set = Set::Ascii;
                runs.push(UTF_8, b"\n");
                rest
            }
            ([first @ 0x21..=0x7e, second @ 0x21..=0x7e, rest @ ..], Set::Gb2312) => {
                runs.character(set, &[*first, *second]);
                rest
            }
            ([octet, rest @ ..], _) => {
                runs.push(UTF_8, &[*octet]);
                rest
            }
        };
    }
}

/// Decodes UTF-7: UTF-16 in base64 from `+` up to the next octet that is not base64.
pub(super) fn utf7(octets: &[u8]) -> Reading {
    let mut runs = Runs::default();
    let mut rest = octets;
    while let Some(plus) = memchr::memchr(b'+', rest) {
        runs.push(UTF_8, &rest[..plus]);
        rest = &rest[plus + 1..];
        if let [b'-', after @ ..] = rest {
            runs.push(UTF_8, b"+");
            rest = after;
            continue;
        }
        let is_digit = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/');
        let len = rest.iter().take_while(|octet| is_digit(octet)).count();
        match super::transfer::LENIENT.decode(&rest[..len]) {
            // A zero octet at the end may be padding.
            Ok(mut units) => {
                if units.len() % 2 == 1 && units.last() == Some(&0) {
                    units.pop();
                }
                runs.push(UTF_16BE, &units);
                runs.flush();
            }
            Err(_) => runs.damaged = true,
        }
        rest = &rest[len..];
        rest = rest.strip_prefix(b"-").unwrap_or(rest);
    }
    runs.push(UTF_8, rest);
    runs.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Reading {
        Reading::Whole(text.to_owned())
    }

    #[test]
    fn the_forms_of_iso_2022_that_mail_has_are_read() {
        for (octets, want) in [
            (&b"a\x1b$B$\"\x1b(Bb"[..], "a\u{3042}b"),
            (b"\x1b$@$\"\x1b(J", "\u{3042}"),
            (b"\x1b$B-j\x1b(B", "\u{3231}"),
            (b"\x1b$B$\"\n\x1b(Bb", "\u{3042}\nb"),
            (b"\x1b(I1\x1b(B", "\u{ff71}"),
            (b"\x0e1\x0fa", "\u{ff71}a"),
            (b"\x1b$(D0!\x1b(B", "\u{4e02}"),
            (b"\x1b$A2b\x1b(B", "\u{6d4b}"),
            (b"\x1b$(C>H\x1b(B", "\u{c548}"),
            (b"\x1b.A\x1bNia", "\u{e9}a"),
            (b"\x1b.F\x1bNa", "\u{3b1}"),
            (b"\x1b$)C\x0e>H3g\x0f!\n", "\u{c548}\u{b155}!\n"),
            (b"\x1b$)C\x0e>H\nplain", "\u{c548}\nplain"),
            (b"\x1b$)A\x0e2b\x0f", "\u{6d4b}"),
        ] {
            assert_eq!(iso_2022(octets), whole(want), "{octets:?}");
        }
    }

    #[test]
    fn sets_without_a_table_and_broken_shifts_are_no_text() {
        for octets in [&b"\x1b$)G\x0e!!"[..], b"\x1b$*H\x1bN!!", b"\x1b$(Q!!", b"\x1bNx"] {
            assert_eq!(iso_2022(octets), Reading::Unknown, "{octets:?}");
        }
        for octets in [&b"\x1bZa"[..], b"\x1b$B!", b"\x1b$B!\n", b"\xe4", b"\x1b"] {
            assert!(matches!(iso_2022(octets), Reading::Damaged(_)), "{octets:?}");
        }
    }

    #[test]
    fn hz_and_utf_7_are_read() {
        for (octets, want) in
            [(&b"a~{2bJT~}b"[..], "a\u{6d4b}\u{8bd5}b"), (b"~~ ~\nx", "~ x"), (b"~{2b\nx", "\u{6d4b}\nx")]
        {
            assert_eq!(hz(octets), whole(want), "{octets:?}");
        }
        for (octets, want) in [
            (&b"Gr+APwA3w-e"[..], "Gr\u{fc}\u{df}e"),
            (b"+APw x", "\u{fc} x"),
            (b"+APw", "\u{fc}"),
            (b"1 +- 1", "1 + 1"),
            (b"+2D3eAA-", "\u{1f600}"),
        ] {
            assert_eq!(utf7(octets), whole(want), "{octets:?}");
        }
        assert!(matches!(utf7(b"+2D0-x"), Reading::Damaged(_)));
    }
}
