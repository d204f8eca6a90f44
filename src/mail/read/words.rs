//! Decodes encoded words (`RFC 2047`) leniently, as mail readers do: anywhere, without white space between them
//! or around them, without padding. Neighbours are decoded together, because they may be cut inside a character.

use super::charset::{self, Reading};
use super::transfer;
use memchr::memmem;

/// The longest name of a charset.
const MAX_CHARSET: usize = 64;

/// The longest encoded word in an address list.
const MAX_WORD: usize = 1000;

/// Decodes unfolded unstructured text.
pub fn decode(value: &[u8]) -> Reading {
    let mut out = Out::default();
    let mut words = EncodedWords { value, close: None };
    let (mut plain, mut at) = (0, 0);
    while let Some(found) = memmem::find(&value[at..], b"=?") {
        let start = at + found;
        match words.at(start) {
            Some((word, end)) => {
                out.plain(&value[plain..start]);
                out.run.push(word);
                (plain, at) = (end, end);
            }
            None => at = start + 2,
        }
    }
    out.plain(&value[plain..]);
    out.finish()
}

/// The length in octets of the encoded word (without white space) at `start`; `None` if there is none.
pub fn len_at(value: &[u8], start: usize) -> Option<usize> {
    let near = &value[start..value.len().min(start + MAX_WORD)];
    let end = EncodedWords { value: near, close: None }.at(0)?.1;
    near[..end].iter().all(|octet| !octet.is_ascii_whitespace()).then_some(end)
}

/// `"=?" charset "?" encoding "?" encoded-text "?="` (`RFC 2047 §2`).
#[derive(Clone, Copy)]
struct Word<'a> {
    charset: &'a [u8],
    is_base64: bool,
    text: &'a [u8],
}

struct EncodedWords<'a> {
    value: &'a [u8],
    /// Where the last search found a `?=`, so that many beginnings without an end need only one search.
    close: Option<usize>,
}

impl<'a> EncodedWords<'a> {
    /// The encoded word at `start`, and where it ends.
    fn at(&mut self, start: usize) -> Option<(Word<'a>, usize)> {
        let rest = &self.value[start + 2..];
        let mark = memchr::memchr(b'?', &rest[..rest.len().min(MAX_CHARSET)])?;
        let (charset, is_base64) = match rest.get(mark + 1..mark + 3)? {
            [b'B' | b'b', b'?'] => (&rest[..mark], true),
            [b'Q' | b'q', b'?'] => (&rest[..mark], false),
            _ => return None,
        };
        if charset.is_empty() || !charset.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        // The language (RFC 2231 §5) is ignored.
        let charset = charset.split(|octet| *octet == b'*').next().unwrap_or_default();
        let begin = start + 2 + mark + 3;
        let end = self.close(begin)?;
        let text = &self.value[begin..end];
        let is_cut = memmem::find(text, b"=?").is_some();
        (!is_cut).then_some((Word { charset, is_base64, text }, end + 2))
    }

    fn close(&mut self, from: usize) -> Option<usize> {
        if self.close.is_none_or(|close| close < from) {
            let found = memmem::find(&self.value[from..], b"?=").map(|at| from + at);
            self.close = Some(found.unwrap_or(usize::MAX));
        }
        self.close.filter(|close| *close != usize::MAX)
    }
}

/// The text decoded so far.
#[derive(Default)]
struct Out<'a> {
    text: String,
    damaged: bool,
    unknown: bool,
    /// Encoded words with only white space between them.
    run: Vec<Word<'a>>,
}

impl<'a> Out<'a> {
    fn plain(&mut self, octets: &'a [u8]) {
        // White space between encoded words is dropped (RFC 2047 §6.2).
        if octets.trim_ascii().is_empty() && !self.run.is_empty() || octets.is_empty() {
            return;
        }
        self.flush();
        self.add(charset::unlabelled(octets));
    }

    fn flush(&mut self) {
        let run = std::mem::take(&mut self.run);
        for same in run.chunk_by(|one, next| one.charset.eq_ignore_ascii_case(next.charset)) {
            self.add(charset::decode(same[0].charset, &octets(same)));
        }
    }

    fn add(&mut self, reading: Reading) {
        self.damaged |= matches!(reading, Reading::Damaged(_));
        match reading.text() {
            Some(text) => self.text.push_str(&text),
            None => self.unknown = true,
        }
    }

    fn finish(mut self) -> Reading {
        self.flush();
        if self.unknown { Reading::Unknown } else { Reading::of(self.text, self.damaged) }
    }
}

/// The octets of neighbours in one charset. Base64 that was cut inside a group of four is joined first.
fn octets(words: &[Word<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut held: Vec<u8> = Vec::new();
    for word in words {
        if !word.is_base64 {
            out.extend(transfer::base64(&std::mem::take(&mut held)));
            out.extend(quoted(word.text));
            continue;
        }
        let is_cut = !held.is_empty() && (held.len() % 4 == 1 || word.text.len() % 4 != 0);
        if !is_cut {
            out.extend(transfer::base64(&std::mem::take(&mut held)));
        }
        held.extend_from_slice(word.text);
        if held.len().is_multiple_of(4) || held.ends_with(b"=") {
            out.extend(transfer::base64(&std::mem::take(&mut held)));
        }
    }
    out.extend(transfer::base64(&held));
    out
}

/// The "Q" encoding (`RFC 2047 §4.2`).
fn quoted(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|octet| if *octet == b'_' { b' ' } else { *octet }).collect();
    transfer::escapes(&spaced, b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(value: &[u8], want: &str) {
        assert_eq!(decode(value), Reading::Whole(want.to_owned()), "{}", String::from_utf8_lossy(value));
    }

    #[test]
    fn encoded_words_become_text() {
        reads(b"plain", "plain");
        reads(b"", "");
        reads(b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Gr\u{fc}\u{df}e");
        reads(b"a =?iso-8859-1?Q?=fc_b?=  c", "a \u{fc} b  c");
        reads(b"=?utf-8?b?YQ==?= =?utf-8?b?Yg==?=", "ab");
        reads(b"=?utf-8?q?a?=  \t =?iso-8859-1?q?=e4?= x", "a\u{e4} x");
        reads(b"=?utf-8*en?q?a?=", "a");
        reads(b"=?UTF-8?Q?a=b=?=", "a=b=");
        reads("=?utf-8?q?a?= \u{e4}".as_bytes(), "a \u{e4}");
    }

    #[test]
    fn words_cut_inside_a_character_or_shift_are_one() {
        reads(b"=?UTF-8?Q?=C5?= =?utf-8?q?=BE?=", "\u{17e}");
        reads(b"=?UTF-8?B?8J+Y?= =?UTF-8?B?gA==?=", "\u{1f600}");
        reads(b"=?UTF-8?B?8J+Y?= =?UTF-8?Q?=80?=", "\u{1f600}");
        reads(b"=?gb2312?B?suLK?= =?gb2312?B?1NPKvP4=?=", "\u{6d4b}\u{8bd5}\u{90ae}\u{4ef6}");
        reads(b"=?iso-2022-jp?Q?=1B=24B=24?= =?iso-2022-jp?Q?=22=1B=28Bx?=", "\u{3042}x");
        for cut in 0..=12 {
            let (left, right) = b"R3LDvMOfZQ==".split_at(cut);
            let value = [b"=?utf-8?B?", left, b"?= =?utf-8?B?", right, b"?="].concat();
            reads(&value, "Gr\u{fc}\u{df}e");
        }
    }

    #[test]
    fn words_that_are_glued_or_not_padded_are_read() {
        reads(b"=?utf-8?B?8J+YgA?=", "\u{1f600}");
        reads(b"=?utf-8?q?a?==?utf-8?q?b?=", "ab");
        reads(b"x=?utf-8?q?a?=y", "xay");
        reads(b"\"=?utf-8?q?a b?=\"", "\"a b\"");
    }

    #[test]
    fn what_is_no_encoded_word_stays() {
        for text in ["=?", "=?=", "=?x?y?z?=", "=?utf-8?q?open", "=?utf-8?q?", "=??q?a?=", "a =? b ?= c"] {
            reads(text.as_bytes(), text);
        }
        reads(b"=?utf-8?q?open =?utf-8?q?a?=", "=?utf-8?q?open a");
    }

    #[test]
    fn unknown_charsets_and_bad_octets_are_no_text() {
        assert_eq!(decode(b"a =?x-martian?q?=C1?="), Reading::Unknown);
        assert_eq!(decode(b"=?utf-8?q?=FF?="), Reading::Damaged("\u{fffd}".into()));
        assert_eq!(decode(b"\xff"), Reading::Damaged("\u{fffd}".into()));
    }

    #[test]
    fn many_words_and_many_beginnings_take_time_by_their_number_alone() {
        // Were each looked for to the end, this would take minutes.
        for piece in [&b"=?utf-8?q?"[..], b"=?", b"=?utf-8?q?a?= ", b"=?utf-8?b?YQ?=", b"?=", b"=?x?q?"] {
            let _ = decode(&piece.repeat(200_000));
        }
    }
}
