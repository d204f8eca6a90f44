//! Decodes octets in a named charset. The tables are those of encoding_rs, oem_cp and mail-parser.

pub use super::reading::Reading;
use super::shifts;
use encoding_rs::Encoding;
use mail_parser::decoders::charsets::{DecoderFnc, map::charset_decoder};
use oem_cp::code_table::DECODING_TABLE_CP_MAP;

enum Decoding {
    /// The label does not say how to read 8-bit octets.
    Unlabelled,
    Utf16,
    Utf7,
    Iso2022,
    Hz,
    Table(&'static Encoding),
    CodePage(u16),
    Library(DecoderFnc),
}

/// Decodes octets; an empty label counts as none.
pub fn decode(label: &[u8], octets: &[u8]) -> Reading {
    match find(label) {
        Some(Decoding::Unlabelled) => unlabelled(octets),
        // RFC 2781 §4.3: without a mark, big-endian.
        Some(Decoding::Utf16) => match octets {
            [0xff, 0xfe, ..] => table(encoding_rs::UTF_16LE, octets),
            _ => table(encoding_rs::UTF_16BE, octets),
        },
        Some(Decoding::Utf7) => shifts::utf7(octets),
        Some(Decoding::Iso2022) => shifts::iso_2022(octets),
        Some(Decoding::Hz) => shifts::hz(octets),
        Some(Decoding::Table(encoding)) => table(encoding, octets),
        Some(Decoding::CodePage(number)) => code_page(number, octets),
        Some(Decoding::Library(decoder)) => whole(decoder(octets)),
        // Most charsets include ASCII.
        None if octets.iter().all(|octet| matches!(octet, b'\t'..=b'\r' | b' '..=b'~')) => unlabelled(octets),
        None => Reading::Unknown,
    }
}

/// Decodes octets without a label as UTF-8. Any other guess could be wrong, and could not be undone.
pub fn unlabelled(octets: &[u8]) -> Reading {
    table(encoding_rs::UTF_8, octets)
}

pub(super) fn table(encoding: &'static Encoding, octets: &[u8]) -> Reading {
    let (text, damaged) = encoding.decode_with_bom_removal(octets);
    Reading::of(text.into_owned(), damaged)
}

fn code_page(number: u16, octets: &[u8]) -> Reading {
    match DECODING_TABLE_CP_MAP.get(&number) {
        Some(table) => whole(table.decode_string_lossy(octets)),
        None => Reading::Unknown,
    }
}

fn whole(text: String) -> Reading {
    let damaged = text.contains(char::REPLACEMENT_CHARACTER);
    Reading::of(text, damaged)
}

fn find(label: &[u8]) -> Option<Decoding> {
    let label = std::str::from_utf8(label).ok()?.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    by_name(&label).or_else(|| by_name(label.strip_prefix("x-")?))
}

fn by_name(label: &str) -> Option<Decoding> {
    let dashed = label.replace('_', "-");
    Some(match dashed.as_str() {
        "" | "us-ascii" | "ascii" | "ansi-x3.4-1968" | "iso-646" | "iso646-us" | "unknown-8bit"
        | "x-unknown" | "unknown" | "8bit" | "7bit" | "binary" | "default" | "none" => Decoding::Unlabelled,
        "utf8mb4" | "utf-8-mac" | "utf-8n" | "cp65001" => Decoding::Table(encoding_rs::UTF_8),
        "utf-16" | "csutf16" | "ucs-2" | "iso-10646-ucs-2" | "csunicode" => Decoding::Utf16,
        "utf-7" | "csutf7" | "unicode-1-1-utf-7" | "cp65000" => Decoding::Utf7,
        "hz" | "hz-gb-2312" => Decoding::Hz,
        "cp932" | "ms932" | "windows-932" | "ibm943" | "cp943" => Decoding::Table(encoding_rs::SHIFT_JIS),
        "cp51932" | "eucjp-ms" | "eucjp" => Decoding::Table(encoding_rs::EUC_JP),
        "cp936" | "ms936" | "windows-936" => Decoding::Table(encoding_rs::GBK),
        "cp949" | "uhc" | "ms949" | "euckr" => Decoding::Table(encoding_rs::EUC_KR),
        "cp950" | "ms950" | "windows-950" | "big-5" => Decoding::Table(encoding_rs::BIG5),
        "cp50220" | "cp50221" | "cp50222" | "csiso2022jp" | "csiso2022jp2" | "csiso2022kr" | "iso2022-jp"
        | "iso2022jp" | "iso2022-kr" | "iso2022kr" => Decoding::Iso2022,
        name if name.starts_with("iso-2022-") => Decoding::Iso2022,
        _ => return table_of(label, &dashed).or_else(|| code_page_of(&dashed)).or_else(|| library(label)),
    })
}

fn table_of(label: &str, dashed: &str) -> Option<Decoding> {
    let found = Encoding::for_label(label.as_bytes()).or_else(|| Encoding::for_label(dashed.as_bytes()))?;
    (found != encoding_rs::REPLACEMENT && found != encoding_rs::X_USER_DEFINED)
        .then_some(Decoding::Table(found))
}

/// The code pages of IBM PCs, by their many names.
fn code_page_of(label: &str) -> Option<Decoding> {
    let name = label.strip_prefix("cspc").or_else(|| label.strip_prefix("cs")).unwrap_or(label);
    let digits = ["ibm-", "ibm", "cp-", "cp", "oem-", "oem", "dos-", ""].iter().find_map(|prefix| {
        name.strip_prefix(prefix).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })?;
    let digits = digits.split_once(|c: char| !c.is_ascii_digit()).map_or(digits, |(digits, _)| digits);
    let number: u16 = digits.parse().ok()?;
    DECODING_TABLE_CP_MAP.contains_key(&number).then_some(Decoding::CodePage(number))
}

/// Names that mail-parser knows in addition to those above.
fn library(label: &str) -> Option<Decoding> {
    let decoder = charset_decoder(label.as_bytes())?;
    // For a charset without a table it returns one replacement character.
    (decoder(b"a") != "\u{fffd}").then_some(Decoding::Library(decoder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(label: &str, octets: &[u8], want: &str) {
        assert_eq!(decode(label.as_bytes(), octets), Reading::Whole(want.to_owned()), "{label}");
    }

    #[test]
    fn charsets_are_known_by_the_names_that_mail_has_for_them() {
        for label in
            ["utf-8", "UTF8", "utf_8", "utf8mb4", "\"utf-8\"", "us-ascii", "", "unknown-8bit", "x-unknown"]
        {
            reads(label, "Gr\u{fc}\u{df}e".as_bytes(), "Gr\u{fc}\u{df}e");
        }
        for label in ["iso-8859-1", "ISO_8859-1", "latin1", "iso8859-1", "windows-1252", "cp1252", "x-cp1252"]
        {
            reads(label, b"Gr\xfc\xdfe", "Gr\u{fc}\u{df}e");
        }
        for label in ["ibm437", "cp437", "437", "IBM-437", "x-cp437"] {
            reads(label, b"Gr\x81\xe1e", "Gr\u{fc}\u{df}e");
        }
        reads("ibm852", b"\xa7", "\u{17e}");
        reads("cp850", b"\x9b", "\u{f8}");
        reads("cp858", b"\xd5", "\u{20ac}");
        reads("ibm866", b"\x8f", "\u{41f}");
        for (labels, octets, want) in [
            (["cp932", "windows-31j", "shift_jis", "x-sjis"], &b"\x8c\xa9\x90\xcf"[..], "\u{898b}\u{7a4d}"),
            (["cp949", "ks_c_5601-1987", "euc-kr", "uhc"], b"\xbe\xc8\xb3\xe7", "\u{c548}\u{b155}"),
            (["cp950", "big5", "Big5-HKSCS", "x-x-big5"], b"\xb4\xfa\xb8\xd5", "\u{6e2c}\u{8a66}"),
            (["cp936", "gb2312", "gbk", "gb18030"], b"\xb2\xe2\xca\xd4", "\u{6d4b}\u{8bd5}"),
        ] {
            labels.iter().for_each(|label| reads(label, octets, want));
        }
        reads("utf-16", b"\x00a\x00b", "ab");
        reads("utf-16", b"\xff\xfea\x00", "a");
        reads("utf-16le", b"a\x00", "a");
        reads("koi8-r", b"\xf0", "\u{41f}");
        reads("tis-620", b"\xa1", "\u{e01}");
        reads("macintosh", b"\x87", "\u{e1}");
    }

    #[test]
    fn what_cannot_be_read_is_said_to_be_so() {
        assert_eq!(decode(b"utf-8", b"Gr\xfc"), Reading::Damaged("Gr\u{fffd}".into()));
        assert_eq!(decode(b"us-ascii", b"Gr\xfc"), Reading::Damaged("Gr\u{fffd}".into()));
        for label in ["x-martian", "ebcdic-cp-us", "replacement"] {
            assert_eq!(decode(label.as_bytes(), b"\xc1\xc2\xc3"), Reading::Unknown, "{label}");
        }
        assert_eq!(decode(b"x-martian", b"plain\r\n\ttext"), Reading::Whole("plain\r\n\ttext".into()));
        assert_eq!(decode(b"x-martian", b"\x1b$Bshifted"), Reading::Unknown);
    }
}
