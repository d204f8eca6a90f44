//! SASLprep (`RFC 4013`): user names and passwords as both sides compare them.

use crate::words::{Failure, Kind, Secret, Stage};
use stringprep::saslprep;
use zeroize::Zeroizing;

/// The password as a "stored string" (`RFC 5802 §2.2`). ASCII stays what it is.
pub(super) fn password(secret: &Secret) -> Result<Secret, Failure> {
    if secret.expose().is_ascii() {
        return Ok(secret.clone());
    }
    let refused = |what: &str| {
        let message = format!("authentication: the password cannot be used with SCRAM: {what}");
        Failure::new(Kind::Config, Stage::Authentication, message).hint("auth = \"plain\" takes it as it is")
    };
    let text = std::str::from_utf8(secret.expose()).map_err(|_| refused("it is not UTF-8"))?;
    // The library's own error has a character of the password in it.
    let prepared = saslprep(text).map_err(|_| refused("it has characters that RFC 4013 does not allow"))?;
    let prepared = Zeroizing::new(prepared.into_owned());
    if prepared.is_empty() {
        return Err(refused("nothing is left of it (RFC 4013)"));
    }
    Ok(Secret::new(prepared.as_bytes()))
}

/// The user name; as it is where it cannot be prepared.
pub(super) fn user(name: &str) -> String {
    match saslprep(name) {
        Ok(prepared) if !prepared.is_empty() => prepared.into_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4013_come_out() {
        let got = |text: &str| password(&Secret::new(text)).map(|secret| secret.expose().to_vec());
        for (text, wanted) in [
            ("I\u{ad}X", "IX"),
            ("user", "user"),
            ("USER", "USER"),
            ("\u{aa}", "a"),
            ("\u{2168}", "IX"),
            ("p\u{a0}w", "p w"),
            ("pa\u{308}ss", "p\u{e4}ss"),
        ] {
            assert_eq!(got(text).unwrap(), wanted.as_bytes(), "{text}");
        }
        for bad in ["\u{627}1", "\u{ad}", "\u{e000}x", "\u{221}"] {
            let failure = got(bad).unwrap_err();
            assert_eq!(failure.kind(), Kind::Config, "{bad:?}");
            assert!(!failure.message.contains(bad), "{failure}");
        }
        assert_eq!(password(&Secret::new(&b"\xff"[..])).unwrap_err().kind(), Kind::Config);
        assert_eq!(user("\u{2168}"), "IX");
        assert_eq!(user("\u{627}1"), "\u{627}1");
    }
}
