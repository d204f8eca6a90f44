//! Finds a secret in what was shown, written or sent without TLS, in any encoding.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The forms in which `secret` may show up: as it is, and base64 at all three alignments (less the
/// characters at either end that depend on its neighbours).
pub fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    for ahead in 0..3 {
        let padded: Vec<u8> = std::iter::repeat_n(0, ahead).chain(secret.bytes()).chain([0, 0, 0]).collect();
        let encoded = STANDARD.encode(&padded);
        // Octets `ahead` .. `ahead + len` begin within character ahead * 8 / 6 and end within the last
        // character that holds any of their bits; those two depend on the neighbours.
        let first = (ahead * 8).div_ceil(6);
        let last = (ahead + secret.len()) * 8 / 6;
        forms.push(encoded.as_bytes()[first..last].to_vec());
    }
    forms
}

/// The form in which `secret` shows up in `text`, if it does.
pub fn find(text: &[u8], secret: &str) -> Option<String> {
    forms(secret)
        .into_iter()
        .find(|form| memchr::memmem::find(text, form).is_some())
        .map(|form| String::from_utf8_lossy(&form).into_owned())
}

/// Fails if `secret` shows up in `text`.
#[track_caller]
pub fn assert_absent(text: &[u8], secret: &str, place: &str) {
    if let Some(form) = find(text, secret) {
        panic!("the secret (as {form:?}) shows up in {place}:\n{}", String::from_utf8_lossy(text));
    }
}
