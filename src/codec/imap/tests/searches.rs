//! Answers to searches, whole and in pieces.

use super::*;

type Ranges = Vec<(u32, u32)>;

/// Pushes `octets` in pieces; gives the ranges, the scanner, and what is behind the line.
fn scan(octets: &[u8], piece: usize) -> Result<(Ranges, SearchScanner, usize), Malformed> {
    let mut scanner = SearchScanner::new();
    let mut found = Vec::new();
    let mut taken = 0;
    while !scanner.ended() && taken < octets.len() {
        let end = octets.len().min(taken + piece);
        taken += scanner.push(&octets[taken..end], |first, last| found.push((first, last)))?;
    }
    Ok((found, scanner, octets.len() - taken))
}

#[test]
fn numbers_are_found_in_lists_and_in_sets() {
    for (line, want) in [
        ("* SEARCH", &[][..]),
        ("* SEARCH ", &[]),
        ("* SEARCH 2 84 882", &[(2, 2), (84, 84), (882, 882)]),
        ("* search  5  3 ", &[(5, 5), (3, 3)]),
        ("* SEARCH 0 7", &[(7, 7)]),
        ("* SEARCH 2 5 (MODSEQ 917162500)", &[(2, 2), (5, 5)]),
        ("* SEARCH 4294967295", &[(u32::MAX, u32::MAX)]),
        ("* ESEARCH", &[]),
        ("* ESEARCH (TAG \"p4\")", &[]),
        ("* ESEARCH (TAG \"p4\") UID", &[]),
        ("* ESEARCH (TAG \"p4\") UID ALL 1:3,7", &[(1, 3), (7, 7)]),
        ("* ESEARCH (TAG \"p4\") UID ALL 9:7,1", &[(7, 9), (1, 1)]),
        ("* esearch (tag \"p4\") uid all 1", &[(1, 1)]),
        ("* ESEARCH (TAG p4) UID COUNT 17 ALL 4:18,21,28 ", &[(4, 18), (21, 21), (28, 28)]),
        ("* ESEARCH (TAG \"p4\") UID MIN 7 MAX 9 ALL 7:9 X (a (\")\") b) MODSEQ 5", &[]),
        ("* ESEARCH (TAG \"p4\") UID X (a \")\\\"(\" b) ALL 7:9 MODSEQ 5", &[(7, 9)]),
        ("* ESEARCH UID ALL 5", &[(5, 5)]),
    ] {
        let octets = [line, "\r\nnext"].concat();
        for piece in [1, 2, 3, 7, usize::MAX / 2] {
            let got = scan(octets.as_bytes(), piece);
            if line.contains("(a (") {
                assert!(got.is_err(), "lists in lists stand in no answer: {line}");
                continue;
            }
            let (found, scanner, behind) = got.unwrap_or_else(|error| panic!("{line}: {error}"));
            let rest = if piece == 1 { 4 } else { behind };
            assert_eq!((&found[..], scanner.ended(), behind), (want, true, rest), "{line} by {piece}");
            let tagged = scanner.tag().is_none_or(|tag| tag == b"p4");
            assert!(tagged, "{line}");
        }
        for end in 0..line.len() {
            let cut = scan(&octets.as_bytes()[..end], usize::MAX / 2);
            assert!(cut.is_err() || cut.is_ok_and(|(_, scanner, _)| !scanner.ended()), "{line} cut at {end}");
        }
    }
}

#[test]
fn what_is_no_answer_is_told() {
    for line in [
        "",
        "*",
        "* ",
        "* OK",
        "* 5 SEARCH",
        "p1 SEARCH 5",
        "* SEARCH x",
        "* SEARCH 1,2",
        "* SEARCH 1:2",
        "* SEARCH 4294967296",
        "* SEARCH 9.3736e+06",
        "* SEARCH -1",
        "* SEARCH 5 (MODSEQ 5",
        "* SEARCH 5\r6",
        "* SEARCH 5\t6",
        "* ESEARCH (TAG \"p4\" UID ALL 5",
        "* ESEARCH (X \"p4\") UID ALL 5",
        "* ESEARCH UID ALL",
        "* ESEARCH UID ALL ",
        "* ESEARCH UID ALL *",
        "* ESEARCH UID ALL 1:*",
        "* ESEARCH UID ALL 1:2:3",
        "* ESEARCH UID ALL 1:",
        "* ESEARCH UID ALL :1",
        "* ESEARCH UID ALL 1,",
        "* ESEARCH UID ALL ,1",
        "* ESEARCH UID ALL 0:0",
        "* ESEARCH UID ALL 99999999999",
        "* ESEARCH UID COUNT",
        "* ESEARCH UID X (a",
        "* ESEARCH UID X {5}",
        "* ESEARCH UID X \"a",
        "* ESEARCH (TAG {2}",
    ] {
        let octets = [line, "\r\n"].concat();
        let got = scan(octets.as_bytes(), usize::MAX / 2);
        assert!(got.is_err(), "{line}: {got:?}");
    }
    let long = format!("* ESEARCH (TAG \"{}\")\r\n", "x".repeat(1000));
    assert!(scan(long.as_bytes(), 100).is_err());
    let long = format!("* ESEARCH X ({})\r\n", "x".repeat(100_000));
    assert!(scan(long.as_bytes(), 100).is_err());
}

#[test]
fn the_beginning_tells_whether_it_is_one() {
    for (ahead, want) in [
        ("", None),
        ("*", None),
        ("* ", None),
        ("* SEAR", None),
        ("* SEARCH", None),
        ("* SEARCH ", Some(true)),
        ("* search\r\n", Some(true)),
        ("* ESEARCH (", Some(true)),
        ("* E", None),
        ("* SEARCHED", Some(false)),
        ("* ENABLED", Some(false)),
        ("* 5", Some(false)),
        ("p1", Some(false)),
    ] {
        assert_eq!(SearchScanner::begins(ahead.as_bytes()), want, "{ahead:?}");
    }
}

#[test]
fn a_million_numbers_are_read_in_no_memory() {
    let mut line = b"* SEARCH".to_vec();
    for uid in 1..=1_000_000u32 {
        line.extend_from_slice(format!(" {}", uid * 2).as_bytes());
    }
    line.extend_from_slice(b"\r\n");
    let mut scanner = SearchScanner::new();
    let (mut count, mut sum) = (0u64, 0u64);
    for piece in line.chunks(1000) {
        let taken = scanner.push(piece, |first, _| (count, sum) = (count + 1, sum + u64::from(first)));
        assert_eq!(taken, Ok(piece.len()));
    }
    assert!(scanner.ended());
    assert_eq!((count, sum), (1_000_000, 1_000_001_000_000));
}
