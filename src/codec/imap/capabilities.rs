//! What a server says it can do (`RFC 3501 §7.2.1`).

use super::lexer::number;

/// The most words that are taken.
pub const MAX_WORDS: usize = 1000;
/// The longest word that is taken, in octets.
pub const MAX_WORD: usize = 256;

/// A capability list. It holds until TLS is put on, and until the login: then it is to be asked for anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// IMAP4rev1 (`RFC 3501`).
    pub imap4rev1: bool,
    /// IMAP4rev2 (`RFC 9051`).
    pub imap4rev2: bool,
    /// STARTTLS.
    pub starttls: bool,
    /// LOGIN is refused, as long as there is no TLS.
    pub login_disabled: bool,
    /// SASL-IR (`RFC 4959`).
    pub sasl_ir: bool,
    /// LITERAL+ (`RFC 7888`).
    pub literal_plus: bool,
    /// LITERAL- (`RFC 7888`): the same up to 4,096 octets.
    pub literal_minus: bool,
    /// ID (`RFC 2971`).
    pub id: bool,
    /// UIDPLUS (`RFC 4315`).
    pub uidplus: bool,
    /// MOVE (`RFC 6851`).
    pub moves: bool,
    /// ESEARCH (`RFC 4731`).
    pub esearch: bool,
    /// IDLE (`RFC 2177`).
    pub idle: bool,
    /// SPECIAL-USE (`RFC 6154`).
    pub special_use: bool,
    /// LIST-EXTENDED (`RFC 5258`).
    pub list_extended: bool,
    /// LIST-STATUS (`RFC 5819`).
    pub list_status: bool,
    /// NAMESPACE (`RFC 2342`).
    pub namespace: bool,
    /// UTF8=ACCEPT (`RFC 9755`).
    pub utf8_accept: bool,
    /// UTF8=ONLY: nothing works before that is on.
    pub utf8_only: bool,
    /// OBJECTID (`RFC 8474`): messages have an `EMAILID`.
    pub object_id: bool,
    /// Gmail's: messages have an `X-GM-MSGID`, and deletion means something else.
    pub gmail: bool,
    /// UNSELECT (`RFC 3691`).
    pub unselect: bool,
    /// CONDSTORE (`RFC 7162`).
    pub condstore: bool,
    /// QRESYNC (`RFC 7162`).
    pub qresync: bool,
    /// ENABLE (`RFC 5161`).
    pub enable: bool,
    /// APPENDLIMIT (`RFC 7889`), where it names a number.
    pub append_limit: Option<u64>,
    /// The SASL mechanisms, in upper case, in the server's order.
    pub sasl: Vec<String>,
    /// Every word as it came, lossily, for `test-account`.
    pub words: Vec<String>,
}

impl Capabilities {
    /// Reads the words behind `CAPABILITY`.
    pub fn parse(words: &[u8]) -> Self {
        let mut capabilities = Capabilities::default();
        let words = words.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for word in words.take(MAX_WORDS) {
            capabilities.add(word);
        }
        capabilities
    }

    fn add(&mut self, word: &[u8]) {
        if word.len() > MAX_WORD {
            return;
        }
        let text = String::from_utf8_lossy(word).into_owned();
        let upper = text.to_ascii_uppercase();
        if let Some(mechanism) = upper.strip_prefix("AUTH=") {
            self.sasl.push(mechanism.to_owned());
        } else if let Some(limit) = upper.strip_prefix("APPENDLIMIT=") {
            self.append_limit = number(limit.as_bytes());
        } else if let Some(flag) = self.flag(&upper) {
            *flag = true;
        }
        self.words.push(text);
    }

    fn flag(&mut self, word: &str) -> Option<&mut bool> {
        Some(match word {
            "IMAP4REV1" => &mut self.imap4rev1,
            "IMAP4REV2" => &mut self.imap4rev2,
            "STARTTLS" => &mut self.starttls,
            "LOGINDISABLED" => &mut self.login_disabled,
            "SASL-IR" => &mut self.sasl_ir,
            "LITERAL+" => &mut self.literal_plus,
            "LITERAL-" => &mut self.literal_minus,
            "ID" => &mut self.id,
            "UIDPLUS" => &mut self.uidplus,
            "MOVE" => &mut self.moves,
            "ESEARCH" => &mut self.esearch,
            "IDLE" => &mut self.idle,
            "SPECIAL-USE" => &mut self.special_use,
            "LIST-EXTENDED" => &mut self.list_extended,
            "LIST-STATUS" => &mut self.list_status,
            "NAMESPACE" => &mut self.namespace,
            "UTF8=ACCEPT" => &mut self.utf8_accept,
            "UTF8=ONLY" => &mut self.utf8_only,
            "OBJECTID" => &mut self.object_id,
            "X-GM-EXT-1" => &mut self.gmail,
            "UNSELECT" => &mut self.unselect,
            "CONDSTORE" => &mut self.condstore,
            "QRESYNC" => &mut self.qresync,
            "ENABLE" => &mut self.enable,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_found_whatever_their_case_and_order() {
        let words = b"imap4rev1 SASL-IR  LITERAL+ Id auth=PLAIN AUTH=xoauth2 UIDPLUS MOVE AUTH= APPENDLIMIT=35651584 \
                      UTF8=ACCEPT X-\x1b[2J X-GM-EXT-1\tESEARCH ";
        let caps = Capabilities::parse(words);
        assert!(caps.imap4rev1 && caps.sasl_ir && caps.literal_plus && caps.id && caps.uidplus && caps.moves);
        assert!(caps.utf8_accept && caps.gmail && caps.esearch);
        assert!(
            !caps.imap4rev2 && !caps.starttls && !caps.login_disabled && !caps.literal_minus && !caps.idle
        );
        assert_eq!(caps.sasl, ["PLAIN", "XOAUTH2", ""]);
        assert_eq!(caps.append_limit, Some(35_651_584));
        assert_eq!(caps.words.len(), 14);
        assert_eq!(Capabilities::parse(b"APPENDLIMIT APPENDLIMIT=-1").append_limit, None);
        assert!(!Capabilities::parse(b"IMAP4 MOVED LITERAL AUTH_PLAIN").moves);
        assert_eq!(Capabilities::parse(b""), Capabilities::default());
    }

    #[test]
    fn a_list_without_end_is_bounded() {
        let words = format!("{} {} MOVE", "x".repeat(MAX_WORD + 1), "A ".repeat(100_000));
        let caps = Capabilities::parse(words.as_bytes());
        assert!(caps.words.len() <= MAX_WORDS && !caps.moves);
    }
}
