//! Dot stuffing: whatever the pieces, the same content; what was encoded decodes to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::codec::dot::{LineEnd, Stuffer, Unstuffer};

fn decode(wire: &[u8], piece: usize, line_end: LineEnd) -> (Vec<u8>, usize, bool) {
    let (mut decoder, mut out, mut taken) = (Unstuffer::new(line_end), Vec::new(), 0);
    for chunk in wire.chunks(piece.max(1)) {
        taken += decoder.push(chunk, &mut out);
        if decoder.ended() {
            break;
        }
    }
    (out, taken, decoder.ended())
}

fuzz_target!(|data: &[u8]| {
    let Some((&piece, wire)) = data.split_first() else { return };
    for line_end in [LineEnd::CrLf, LineEnd::Lf] {
        assert_eq!(decode(wire, usize::from(piece), line_end), decode(wire, wire.len(), line_end));
    }
    let lines: Vec<u8> = wire.split(|octet| *octet == b'\n').flat_map(|line| {
        let mut line: Vec<u8> = line.iter().copied().filter(|octet| *octet != b'\r').collect();
        line.extend_from_slice(b"\r\n");
        line
    }).collect();
    let (mut encoder, mut encoded) = (Stuffer::new(), Vec::new());
    lines.chunks(usize::from(piece).max(1)).for_each(|chunk| encoder.push(chunk, &mut encoded));
    encoder.finish(&mut encoded);
    let (decoded, taken, ended) = decode(&encoded, usize::from(piece), LineEnd::CrLf);
    assert!(ended && taken == encoded.len());
    let want: Vec<u8> = lines.iter().copied().filter(|octet| *octet != b'\r').collect();
    assert_eq!(decoded, want);
});
