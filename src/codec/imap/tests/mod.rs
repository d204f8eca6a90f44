//! Whole dialogues through the reader, as a session would feed it.

mod fetches;
mod framing;
mod responses;
mod searches;
mod sent;

use super::dice::Dice;
use super::*;

/// What came of some octets.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    /// The responses, written down.
    responses: Vec<String>,
    /// The bodies, and what was known of each when it began.
    bodies: Vec<(Vec<u8>, String)>,
    /// Whether the octets ended in the middle of a response.
    half: bool,
}

/// Reads octets to their end. Small literals are fed `piece` octets at a time.
fn hear_in_pieces(octets: &[u8], piece: usize) -> Result<Heard, Malformed> {
    let mut heard = Heard::default();
    let mut assembly = Assembly::new();
    let mut rest = octets;
    while let Some(feed) = rest.iter().position(|octet| *octet == b'\n') {
        let line = rest[..feed].strip_suffix(b"\r").unwrap_or(&rest[..feed]);
        rest = &rest[feed + 1..];
        let next = assembly.line(line)?;
        let octets = match next {
            NextRead::Done => {
                heard.responses.push(format!("{:?}", assembly.response()?));
                continue;
            }
            NextRead::Literal { octets } | NextRead::Body { octets } => octets,
        };
        assert!(!assembly.is_done() && assembly.response().is_err());
        let Some((literal, behind)) = usize::try_from(octets).ok().and_then(|len| rest.split_at_checked(len))
        else {
            heard.half = true;
            return Ok(heard);
        };
        if let NextRead::Body { .. } = next {
            heard.bodies.push((literal.to_vec(), format!("{:?}", assembly.so_far())));
        } else {
            literal.chunks(piece).for_each(|piece| assembly.literal(piece));
        }
        rest = behind;
        heard.half = true;
        if rest.is_empty() {
            return Ok(heard);
        }
        heard.half = false;
    }
    heard.half = !rest.is_empty() || !assembly.is_done() && !octets.is_empty();
    Ok(heard)
}

fn hear(octets: &[u8]) -> Result<Heard, Malformed> {
    hear_in_pieces(octets, usize::MAX)
}

/// Hands the one response of `octets` to `check`.
fn with_response(octets: &str, check: impl FnOnce(Response<'_>)) {
    let mut assembly = Assembly::new();
    let mut rest = octets.as_bytes();
    loop {
        let feed = rest.iter().position(|octet| *octet == b'\n').unwrap_or(rest.len());
        let line = rest[..feed].strip_suffix(b"\r").unwrap_or(&rest[..feed]);
        rest = rest.get(feed + 1..).unwrap_or_default();
        match assembly.line(line).unwrap() {
            NextRead::Done => break,
            NextRead::Literal { octets } => {
                assembly.literal(&rest[..octets as usize]);
                rest = &rest[octets as usize..];
            }
            NextRead::Body { octets } => rest = &rest[octets as usize..],
        }
    }
    assert!(rest.is_empty(), "{octets}");
    check(assembly.response().unwrap());
}

/// Responses of every kind, some of them odd, each of them whole.
const WHOLE: &[&str] = &[
    "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS] Dovecot ready.\r\n",
    "* PREAUTH IMAP4rev1 server logged in as Smith\r\n",
    "* BYE\r\n",
    "* OK\r\n",
    "* OK Searched 91% of the mailbox, ETA 0:07 {5}\r\n",
    "* CAPABILITY IMAP4rev1 STARTTLS AUTH=GSSAPI LOGINDISABLED\r\n",
    "* LIST (\\Noselect) \"/\" ~/Mail/foo\r\n",
    "* LIST (\\HasNoChildren) \"\\\\\" {5}\r\na\"b\\c\r\n",
    "* LIST () NIL \"\"\r\n",
    "* LIST (\\Subscribed) \"/\" \"Fruit\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n",
    "* LSUB () \".\" #news.comp.mail.misc\r\n",
    "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)\r\n",
    "* STATUS {3}\r\na)b (MESSAGES 1)\r\n",
    "* NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"#shared.\" \".\" \"X\" (\"y\")))\r\n",
    "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n",
    "* 23 EXISTS\r\n",
    "* 5 RECENT\r\n",
    "* 44 EXPUNGE\r\n",
    "* VANISHED (EARLIER) 41,43:116,118\r\n",
    "* SEARCH 2 84 882\r\n",
    "* ESEARCH (TAG \"A285\") UID MIN 7 ALL 7,10:20 MODSEQ 917162500\r\n",
    "* ENABLED CONDSTORE\r\n",
    "* ID (\"name\" \"Cyrus\" \"os\" NIL \"x\" {2}\r\n)))\r\n",
    "* XYZ (a {3}\r\n)\r\n (b \"}\" {0}\r\n)) {1}\r\n(\r\n",
    "* 12 XYZZY {2}\r\nok\r\n",
    "* QUOTA \"\" (STORAGE 10 512)\r\n",
    "+ Ready for literal data\r\n",
    "+\r\n",
    "+ \r\n",
    "a7 OK [READ-ONLY] SELECT completed {99}\r\n",
    "p1 NO\r\n",
    "A.1 bad [X {5}\r\n",
    "* 12 FETCH (FLAGS (\\Seen) UID 4827313 RFC822.SIZE 44827)\r\n",
    "* 12 FETCH (UID 7 BODY[] {12}\r\na7 OK done\r\n FLAGS (\\Seen))\r\n",
    "* 12 FETCH (X-ODD {3}\r\n) ( X-B ({0}\r\n {2}\r\n\"\" \")\" (x)) BODY[] {0}\r\n UID 7)\r\n",
    "* 12 FETCH (UID 7 BODY[HEADER.FIELDS (DATE {7}\r\nSUBJECT \"x]\")] {9}\r\nDate: x\r\n)\r\n",
    "* 12 FETCH (ENVELOPE (\"d\" {1}\r\ns ((NIL NIL \"a\" \"b\")) NIL) MODSEQ (65402) UID 7)\r\n",
    "* 12 FETCH (RFC822 {5}\r\nhello UID 7 BODY[]<0> {3}\r\n)))  BODY[TEXT] {1}\r\n( )  \r\n",
];
