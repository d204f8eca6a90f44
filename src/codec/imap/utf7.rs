//! Modified UTF-7, in which mailbox names are written (`RFC 3501 §5.1.3`): printable ASCII as it is, `&-` for
//! `&`, everything else as UTF-16 in base64 between `&` and `-`, with `,` for `/` and no padding.

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// A name as IMAP writes it.
pub fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut shifted = Vec::new();
    for c in name.chars() {
        if !matches!(c, ' '..='~') {
            let mut units = [0; 2];
            shifted.extend(c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
            continue;
        }
        unshift(&mut out, &mut shifted);
        out.push(c);
        if c == '&' {
            out.push('-');
        }
    }
    unshift(&mut out, &mut shifted);
    out
}

fn unshift(out: &mut String, shifted: &mut Vec<u8>) {
    if !shifted.is_empty() {
        out.push('&');
        BASE64.encode_string(&*shifted, out);
        out.push('-');
        shifted.clear();
    }
}

/// A name as people read it. `None` for what no encoder writes, also where its meaning could be guessed
/// (printable ASCII in base64, two shifts in a row): so no two names read alike.
pub fn decode(octets: &[u8]) -> Option<String> {
    let name = decode_loosely(std::str::from_utf8(octets).ok()?)?;
    (encode(&name).as_bytes() == octets).then_some(name)
}

fn decode_loosely(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, behind)) = rest.split_once('&') {
        out.push_str(plain);
        let (shifted, after) = behind.split_once('-')?;
        rest = after;
        if shifted.is_empty() {
            out.push('&');
            continue;
        }
        let octets = BASE64.decode(shifted).ok()?;
        let (pairs, odd) = octets.as_chunks::<2>();
        if !odd.is_empty() {
            return None;
        }
        let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
        for c in char::decode_utf16(units) {
            out.push(c.ok()?);
        }
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::dice::Dice;
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("", ""),
            ("Sent & Gone", "Sent &- Gone"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Отправленные", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"),
            ("😀", "&2D3eAA-"),
            ("a\tb", "a&AAk-b"),
            ("&", "&-"),
            ("&-", "&--"),
            ("é&é", "&AOk-&-&AOk-"),
            ("\u{0}", "&AAA-"),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name), "{wire}");
        }
    }

    #[test]
    fn what_no_encoder_writes_is_no_name() {
        for wire in [
            &b"&"[..],
            b"&AOk",
            b"a&b",
            b"&AC8-",
            b"&AGE-",
            b"&AOk-&AOk-",
            b"&A-",
            b"&AA-",
            b"&AOk=-",
            b"&AOl-",
            b"&2D0-",
            b"&3gDYPQ-",
            b"&U/BTFw-",
            b"a\tb",
            b"\xc3\xa9",
            b"\xff",
        ] {
            assert_eq!(decode(wire), None, "{}", String::from_utf8_lossy(wire));
        }
    }

    #[test]
    fn any_text_comes_back_and_any_octets_read_as_one_name_or_none() {
        let mut dice = Dice::new(7);
        for _ in 0..20_000 {
            let name: String = (0..dice.below(12)).map(|_| dice.character()).collect();
            assert_eq!(decode(encode(&name).as_bytes()).as_deref(), Some(&*name));
            let octets: Vec<u8> = (0..dice.below(12)).map(|_| dice.pick(b"&-AOk8,/a~ \xc3D2")).collect();
            if let Some(name) = decode(&octets) {
                assert_eq!(encode(&name).as_bytes(), octets);
            }
        }
    }
}
