//! Secrets, which cannot be printed, and their redaction in what servers send back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::Zeroizing;

/// Replaces a secret in texts.
pub const REDACTED: &str = "[redacted]";

/// A password or token. `Debug` never shows it, there is no `Display`, and its memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        Secret(Zeroizing::new(octets.into()))
    }

    /// The octets. This is the only way to get them, so every use can be found by this name.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has an octet that is not allowed in a line of a protocol (CR, LF or NUL).
    pub fn breaks_lines(&self) -> bool {
        self.0.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Replaces secrets, and every base64 form of them, in text that comes from elsewhere.
#[derive(Clone, Default)]
pub struct Redactor {
    needles: Vec<Zeroizing<Vec<u8>>>,
}

impl Redactor {
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on `secret` is replaced, as it is and in base64, at each of the three alignments that it can have
    /// inside a longer encoded string (as in SASL PLAIN).
    pub fn learn(&mut self, secret: &[u8]) {
        if secret.is_empty() {
            return;
        }
        self.needles.push(Zeroizing::new(secret.to_vec()));
        for lead in 0..3 {
            let mut padded = Zeroizing::new(vec![0u8; lead]);
            padded.extend_from_slice(secret);
            let encoded = Zeroizing::new(STANDARD.encode(&*padded));
            // Characters that also depend on the neighbours of the secret are left out.
            let start = (lead * 8).div_ceil(6);
            let end = padded.len() * 8 / 6;
            if end >= start + MIN_BASE64 {
                self.needles.push(Zeroizing::new(encoded.as_bytes()[start..end].to_vec()));
            }
        }
        // The longest first, so that a whole form is replaced, not a piece of it.
        self.needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    }

    /// `text` as UTF-8 (invalid octets replaced), with every known secret replaced by [`REDACTED`].
    pub fn redact(&self, text: &[u8]) -> String {
        if !self.needles.iter().any(|needle| memchr::memmem::find(text, needle).is_some()) {
            return String::from_utf8_lossy(text).into_owned();
        }
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            match self.needles.iter().find(|needle| rest.starts_with(needle)) {
                Some(needle) => {
                    out.extend_from_slice(REDACTED.as_bytes());
                    rest = &rest[needle.len()..];
                }
                None => {
                    out.push(rest[0]);
                    rest = &rest[1..];
                }
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

/// The shortest run of base64 that is taken for a secret: below, ordinary words would be replaced.
const MIN_BASE64: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_in_debug_output() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret");
    }

    #[test]
    fn echoes_are_redacted_in_clear_and_in_base64_at_every_alignment() {
        let mut redactor = Redactor::new();
        redactor.learn(b"correct horse");
        for lead in ["", "x", "xy", "xyz", "\0ana@example.org\0"] {
            let blob = format!("{lead}correct horse");
            let encoded = STANDARD.encode(&blob);
            let shown = redactor.redact(format!("-ERR bad line: AUTH PLAIN {encoded} ({blob})").as_bytes());
            assert!(!shown.contains("correct horse"), "{shown}");
            assert!(!shown.contains(&encoded), "{shown}");
            assert!(shown.contains(REDACTED), "{shown}");
        }
    }

    #[test]
    fn other_text_is_left_alone() {
        let mut redactor = Redactor::new();
        redactor.learn(b"s3cret");
        assert_eq!(redactor.redact(b"+OK welcome \xff"), "+OK welcome \u{fffd}");
    }
}
