//! Where the system keeps the authorities it trusts.
//!
//! Most systems have them twice: as one bundle, which OpenSSL reads whole (some 150 certificates, 15 ms and
//! more), and as a directory of names made from the hash of each subject, in which it looks up the one that
//! it needs. The directory serves where it holds all of the bundle, certificate for certificate; an
//! authority that somebody added to the bundle alone is trusted all the same, only more slowly.

use memchr::memmem;
use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// A bundle above this is not compared, only read.
const MAX_BUNDLE: u64 = 8 * 1024 * 1024;

/// The directories of hashed names that together say the same as everything else the system trusts; none if
/// they do not. `$SSL_CERT_FILE` and `$SSL_CERT_DIR` count, as everywhere.
pub(super) fn hashed() -> Vec<PathBuf> {
    let found = openssl_probe::probe();
    let bundle = found.cert_file.map_or(Some(Vec::new()), |path| read(&path));
    match bundle {
        Some(bundle) if hold(&found.cert_dir, &bundle) => found.cert_dir,
        _ => Vec::new(),
    }
}

/// Whether every certificate of `bundle` stands in one of `dirs` under a hashed name.
fn hold(dirs: &[PathBuf], bundle: &[u8]) -> bool {
    let mut missing: HashSet<&[u8]> = certificates(bundle).collect();
    let mut any = false;
    for entry in dirs.iter().flat_map(fs::read_dir).flatten().flatten() {
        if !is_hashed(entry.file_name().as_encoded_bytes()) {
            continue;
        }
        any = true;
        if missing.is_empty() {
            break;
        }
        for certificate in certificates(&read(&entry.path()).unwrap_or_default()) {
            missing.remove(certificate);
        }
    }
    any && missing.is_empty()
}

/// Whether a name is one that OpenSSL looks up: eight hexadecimal digits, a dot, a number.
fn is_hashed(name: &[u8]) -> bool {
    let Some((hash, number)) = name.split_at_checked(8) else { return false };
    let is_number = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    hash.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        && number.strip_prefix(b".").is_some_and(is_number)
}

/// The text of each certificate (PEM) in `text`, as it stands there.
fn certificates(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    memmem::find_iter(text, BEGIN).filter_map(|begin| {
        let body = &text[begin + BEGIN.len()..];
        memmem::find(body, END).map(|end| body[..end].trim_ascii())
    })
}

/// The content of a file of sane size; `None` where it cannot be had.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let file = fs::File::open(path).ok().filter(|file| file.metadata().is_ok_and(|meta| meta.is_file()))?;
    file.take(MAX_BUNDLE + 1).read_to_end(&mut content).ok()?;
    (content.len() as u64 <= MAX_BUNDLE).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(name: &str) -> String {
        format!("# {name}\n-----BEGIN CERTIFICATE-----\nQUJD{name}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn a_directory_serves_only_if_it_holds_every_certificate_of_the_bundle_under_a_hashed_name() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = [dir.path().to_owned()];
        let put = |name: &str, content: &str| fs::write(dir.path().join(name), content).unwrap();
        let bundle = pem("one") + &pem("two");
        assert!(!hold(&dirs, bundle.as_bytes()), "an empty directory");
        assert!(!hold(&dirs, b""), "an empty directory trusts nobody");
        put("0123abcd.0", &pem("one"));
        put("two.pem", &pem("two"));
        assert!(!hold(&dirs, bundle.as_bytes()), "nobody looks for two.pem");
        put("0123abcd.1", &pem("two"));
        assert!(hold(&dirs, bundle.as_bytes()));
        assert!(hold(&dirs, b""), "there is no bundle");
        assert!(!hold(&dirs, (bundle + &pem("three")).as_bytes()), "one was added by hand");
        assert!(!hold(&[dir.path().join("none")], b""));
        assert!(!hold(&[], b""));
    }

    #[test]
    fn hashed_names_are_told_from_others() {
        for name in ["00000000.0", "deadbeef.12"] {
            assert!(is_hashed(name.as_bytes()), "{name}");
        }
        for name in
            ["", "deadbeef", "deadbeef.", "deadbeef.r0", "DEADBEEF.0", "deadbee.0", "deadbeef0.0", "ca.pem"]
        {
            assert!(!is_hashed(name.as_bytes()), "{name}");
        }
    }
}
