//! What a message is known by: the server account it came from, and its UID there.
//!
//! Invariant: an [`Identity`] is the same in every run, so that a run recognises what an earlier one stored.
//! Protocol, host and user make the account, and the port unless it is one of the protocol's default ports;
//! nothing else does. So another name in the configuration or another TLS mode changes no identity.
//!
//! If a protocol has folders (`RFC 9051`), each folder has a key and a ledger of its own, and a UID counts
//! only together with the folder's UIDVALIDITY (`§2.3.1.1`). POP3 has neither.

use sha2::{Digest, Sha256};

/// The longest readable part of a ledger's file name, in octets (a name may have 255).
const NAME_LIMIT: usize = 120;

/// A server account: protocol, host, user, and the port unless it is a default one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountKey(String);

impl AccountKey {
    /// The key of an account. Upper and lower case are the same in host names, but not in user names.
    pub fn new(protocol: &str, host: &str, port: u16, user: &str) -> Self {
        let mut key = escape(protocol.as_bytes());
        key.push_str("://");
        key.push_str(&escape(user.as_bytes()));
        key.push('@');
        key.push_str(&escape(host.to_ascii_lowercase().as_bytes()));
        if !default_ports(protocol).contains(&port) {
            key.push(':');
            key.push_str(&port.to_string());
        }
        AccountKey(key)
    }

    /// The key of a folder of the account, if the protocol has folders.
    pub fn folder(&self, name: &[u8]) -> Self {
        AccountKey(format!("{}/{}", self.account(), escape(name)))
    }

    /// The key without a folder.
    fn account(&self) -> &str {
        let start = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[start..].find('/').map_or(self.0.len(), |at| start + at);
        &self.0[..end]
    }

    /// Reads the key in a ledger's first line; `None` if it is malformed.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        text.contains("://").then(|| AccountKey(text.to_owned()))
    }

    /// The keys of this account in the first version, which always had the port.
    pub(super) fn older(&self) -> Vec<Self> {
        let protocol = self.0.split("://").next().unwrap_or_default();
        match self.server().contains(':') {
            true => Vec::new(),
            false => {
                default_ports(protocol).iter().map(|port| AccountKey(format!("{}:{port}", self.0))).collect()
            }
        }
    }

    /// Whether the other key is of the same user and protocol, on another server.
    pub(super) fn is_of_same_user(&self, other: &Self) -> bool {
        let user = |key: &Self| key.account().len() - key.server().len();
        let folder = |key: &Self| key.0[key.account().len()..].to_owned();
        self != other && self.0[..user(self)] == other.0[..user(other)] && folder(self) == folder(other)
    }

    /// Host and port.
    fn server(&self) -> &str {
        self.account().rsplit_once('@').map_or("", |(_, server)| server)
    }

    /// The key as one word without spaces or control characters: `pop3://user@host:port`, percent-encoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account as it is shown to users: `user@host:port`, percent-encoded.
    pub fn label(&self) -> &str {
        self.0.split_once("://").map_or(&self.0, |(_, label)| label)
    }

    /// The file name of the account's ledger: readable, and made unique by a hash.
    pub fn file_name(&self) -> String {
        let mut name: String = self.0.replace("://", "_").replace(['/', ':'], "_");
        name.truncate(NAME_LIMIT);
        format!("{name}-{}.ledger", hex(&self.digest()[..4]))
    }

    /// The file name of the map of the account's folders; `more` distinguishes several maps.
    pub(super) fn map_name(&self, more: &[u8]) -> String {
        let mut name: String = self.account().replace("://", "_").replace(['/', ':'], "_");
        name.truncate(NAME_LIMIT);
        let digest: [u8; 32] = Sha256::digest([self.account().as_bytes(), b"\0", more].concat()).into();
        format!("{name}-{}.folders", hex(&digest[..8]))
    }

    /// The key without a folder, as one word.
    pub(super) fn without_folder(&self) -> &str {
        self.account()
    }

    /// Sixteen hexadecimal digits that stand for the account in file names.
    pub(super) fn token(&self) -> String {
        hex(&self.digest()[..8])
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The identity of the message with this UID. `copy` is 0; if the server lists the UID more than once, it
    /// is the index among those.
    pub fn identity(&self, uid: &[u8], copy: u32) -> Identity {
        self.identity_in(None, uid, copy)
    }

    /// The same for a UID under a UIDVALIDITY.
    pub fn identity_in(&self, validity: Option<u64>, uid: &[u8], copy: u32) -> Identity {
        let mut hash = Sha256::new();
        hash.update((self.0.len() as u64).to_be_bytes());
        hash.update(self.0.as_bytes());
        hash.update((uid.len() as u64).to_be_bytes());
        hash.update(uid);
        hash.update(copy.to_be_bytes());
        // Without a UIDVALIDITY nothing is hashed here: the identities of POP3 stay what they always were.
        if let Some(number) = validity {
            hash.update(number.to_be_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Identity { uid: uid.to_vec(), copy, key }
    }
}

/// The default ports of a protocol: with TLS from the start, and without.
fn default_ports(protocol: &str) -> &'static [u16] {
    match protocol {
        "pop3" => &[995, 110],
        "imap" => &[993, 143],
        _ => &[],
    }
}

/// One message of one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    uid: Vec<u8>,
    copy: u32,
    key: [u8; 16],
}

impl Identity {
    /// The UID as the server lists it.
    pub fn uid(&self) -> &[u8] {
        &self.uid
    }

    /// Which of several messages with the same UID it is; 0 unless the UID is ambiguous.
    pub fn copy(&self) -> u32 {
        self.copy
    }

    /// The identity as octets.
    pub(super) fn raw_key(&self) -> [u8; 16] {
        self.key
    }

    /// The identity as 32 hexadecimal digits: an idempotency key, the same in every run.
    pub fn key(&self) -> String {
        hex(&self.key)
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(octets.len() * 2);
    for octet in octets {
        out.push(DIGITS[usize::from(octet >> 4)] as char);
        out.push(DIGITS[usize::from(octet & 15)] as char);
    }
    out
}

/// Reads `N` octets that [`hex`] wrote.
pub(super) fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    // Two plain loops, so that the compiler processes many digits at once: a ledger holds millions.
    let (mut values, mut out, mut wrong) = ([[0; 2]; N], [0; N], 0);
    for (value, digit) in values.as_flattened_mut().iter_mut().zip(digits) {
        *value = value_of(*digit);
        wrong |= *value;
    }
    for (octet, pair) in out.iter_mut().zip(values) {
        *octet = pair[0] << 4 | pair[1] & 15;
    }
    (wrong < 16).then_some(out)
}

/// The value of a lower-case hexadecimal digit; above 15 for any other octet. It has no branch: a directory
/// may hold 10^6 names with 32 digits each.
#[inline(always)]
fn value_of(digit: u8) -> u8 {
    let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    let letter = if letter < 6 { letter + 10 } else { 255 };
    if number < 10 { number } else { letter }
}

/// The value of a lower-case hexadecimal digit.
pub(super) fn nibble(digit: u8) -> Option<u8> {
    Some(value_of(digit)).filter(|value| *value < 16)
}

/// Any octets as one word of visible ASCII: all but letters, digits and `@._-+=` become `%xx`.
pub(super) fn escape(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len());
    for &octet in octets {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'.' | b'_' | b'-' | b'+' | b'=' => {
                out.push(octet as char)
            }
            _ => {
                out.push('%');
                out.push_str(&hex(&[octet]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_one_readable_safe_and_unique_file_name() {
        let key = AccountKey::new("pop3", "Pop.Example.org", 995, "ana@example.org");
        assert_eq!(key.as_str(), "pop3://ana@example.org@pop.example.org");
        assert!(key.file_name().starts_with("pop3_ana@example.org@pop.example.org-"));
        assert_eq!(key, AccountKey::new("pop3", "pop.example.org", 110, "ana@example.org"));
        assert_ne!(key, AccountKey::new("pop3", "pop.example.org", 993, "ana@example.org"));
        let older: Vec<_> = key.older().into_iter().map(|key| key.0).collect();
        let old = "pop3://ana@example.org@pop.example.org";
        assert_eq!(older, [format!("{old}:995"), format!("{old}:110")]);
        assert!(AccountKey::new("pop3", "::1", 1110, "a:b").older().is_empty());
        assert_eq!(AccountKey::new("pop3", "::1", 995, "a:b").older().len(), 2);
        let names: Vec<String> =
            ["../../etc", "a/b", "a b", "a\nb", "a_b", &"x".repeat(900), &"é".repeat(900)]
                .iter()
                .map(|user| AccountKey::new("pop3", "h", 1, user).file_name())
                .collect();
        for name in &names {
            assert!(name.len() <= 255 && !name.contains('/') && name.bytes().all(|b| b.is_ascii_graphic()));
        }
        let unique: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
    }

    #[test]
    fn identities_differ_only_by_account_uid_and_copy() {
        let a = AccountKey::new("pop3", "h", 1, "u");
        let b = AccountKey::new("pop3", "h", 2, "u");
        assert_eq!(a.identity(b"1", 0), a.identity(b"1", 0));
        let keys = [a.identity(b"1", 0), a.identity(b"1", 1), a.identity(b"1\0", 0), b.identity(b"1", 0)]
            .map(|i| i.key());
        for (n, key) in keys.iter().enumerate() {
            assert_eq!(key.len(), 32);
            assert!(!keys[n + 1..].contains(key));
        }
    }

    #[test]
    fn same_user_means_the_same_name_on_another_server() {
        let key = |host, port, user| AccountKey::new("pop3", host, port, user);
        let own = key("h", 995, "ana");
        for (other, same) in [
            (key("h2", 995, "ana"), true),
            (key("h", 1995, "ana"), true),
            (key("h", 110, "ana"), false),
            (key("h2", 995, "anna"), false),
            (key("h2", 995, "ana@h"), false),
            (AccountKey::new("imap", "h2", 993, "ana"), false),
        ] {
            assert_eq!(own.is_of_same_user(&other), same, "{other:?}");
        }
    }

    #[test]
    fn a_folder_and_a_uidvalidity_make_another_mailbox_and_other_messages() {
        let account = AccountKey::new("imap", "imap.example.org", 993, "ana@example.org");
        let inbox = account.folder(b"INBOX");
        assert_eq!(inbox.as_str(), "imap://ana@example.org@imap.example.org/INBOX");
        assert_eq!(account.folder("a/b @é".as_bytes()).as_str().rsplit('/').next(), Some("a%2fb%20@%c3%a9"));
        assert_eq!(inbox.folder(b"Sent"), account.folder(b"Sent"));
        assert_eq!(AccountKey::read(inbox.as_str().as_bytes()), Some(inbox.clone()));
        assert!(inbox.file_name().starts_with("imap_ana@example.org@imap.example.org_INBOX-"));
        assert_ne!(inbox.file_name(), account.folder(b"Sent").file_name());
        let elsewhere = AccountKey::new("imap", "other.example.org", 1143, "ana@example.org");
        assert!(inbox.is_of_same_user(&elsewhere.folder(b"INBOX")));
        assert!(!inbox.is_of_same_user(&elsewhere.folder(b"Sent")) && !inbox.is_of_same_user(&elsewhere));
        assert!(!inbox.is_of_same_user(&account.folder(b"a@other.example.org")));
        let keys = [None, Some(0), Some(1), Some(u64::MAX)].map(|it| inbox.identity_in(it, b"1", 0).key());
        for (n, key) in keys.iter().enumerate() {
            assert!(!keys[n + 1..].contains(key));
        }
        assert_eq!(keys[0], inbox.identity(b"1", 0).key());
    }

    #[test]
    fn the_keys_of_pop3_messages_are_those_of_the_first_version() {
        let key = AccountKey::new("pop3", "pop.example.org", 995, "ana");
        assert_eq!(key.file_name(), "pop3_ana@pop.example.org-6105a6ec.ledger");
        assert_eq!(key.identity(b"1", 0).key(), "0dd662ddf4391f062aafe12f91747764");
    }

    #[test]
    fn hexadecimal_is_read_back_and_anything_else_is_refused() {
        assert_eq!(unhex::<3>(hex(&[0, 171, 255]).as_bytes()), Some([0, 171, 255]));
        for bad in ["", "0", "00", "0000000", "00000g", "00000A"] {
            assert_eq!(unhex::<3>(bad.as_bytes()), None, "{bad}");
        }
    }
}
