//! The certificate authorities that the system trusts: where they are, and an OpenSSL store of them.
//!
//! Most systems have them twice: as one bundle, which OpenSSL reads whole (some 150 certificates, 15 ms and
//! more), and as a directory whose file names are hashes of the subjects, in which OpenSSL looks up what it
//! needs. The directory is used first; if a certificate does not lead to an authority in it, the bundle is read
//! and decides ([`super::judge`]). If the bundle has trust settings of its own (`openssl x509 -addreject`),
//! which a directory may lack, it is read at once.
//!
//! `$SSL_CERT_FILE` replaces the bundle and `$SSL_CERT_DIR`, a list with colons, the directories, as in OpenSSL
//! itself, even if nothing is there.

use memchr::memmem;
use openssl::error::ErrorStack;
use openssl::ssl::SslFiletype;
use openssl::x509::X509;
use openssl::x509::store::{X509Lookup, X509StoreBuilder};
use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::retry_on_intr;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The first line of a certificate with trust settings (`openssl-x509(1)`, "Trust Settings").
const TRUST_SETTINGS: &[u8] = b"-----BEGIN TRUSTED CERTIFICATE-----";

/// A bundle of more octets is not searched for trust settings, but read at once.
const MAX_BUNDLE: u64 = 8 * 1024 * 1024;

/// All trusted authorities.
#[derive(Clone, Debug, Default)]
pub(super) struct Roots {
    bundle: Option<PathBuf>,
    dirs: Vec<PathBuf>,
    /// Those of `--ca-file`.
    more: Vec<X509>,
    /// Whether the directories may be used without the bundle.
    dirs_first: bool,
}

impl Roots {
    /// The system's authorities, or those that the environment names instead, and `more`.
    pub fn find(more: Vec<X509>) -> Self {
        let given = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty());
        let bundle = match given(openssl_probe::ENV_CERT_FILE) {
            Some(path) => Some(path.into()),
            None => openssl_probe::probe().cert_file,
        };
        // OpenSSL would wait for the writer of a FIFO, and read a device for ever.
        let bundle = bundle.filter(|path: &PathBuf| path.metadata().is_ok_and(|about| about.is_file()));
        let dirs = match given(openssl_probe::ENV_CERT_DIR) {
            Some(list) => env::split_paths(&list).collect(),
            None => openssl_probe::candidate_cert_dirs().map(Path::to_owned).collect(),
        };
        Roots::of(bundle, dirs, more)
    }

    fn of(bundle: Option<PathBuf>, dirs: Vec<PathBuf>, more: Vec<X509>) -> Self {
        let dirs_first = dirs.iter().any(|dir| has_hashed(dir))
            && bundle.as_deref().is_none_or(|path| !may_have_trust_settings(path));
        Roots { bundle, dirs, more, dirs_first }
    }

    /// Whether [`Self::first`] may lack authorities that [`Self::all`] has.
    pub fn has_more(&self) -> bool {
        self.dirs_first && self.bundle.is_some()
    }

    /// The store to try first: only the directories, if possible.
    pub fn first(&self) -> Result<X509StoreBuilder, ErrorStack> {
        self.store(if self.dirs_first { None } else { self.bundle.as_deref() })
    }

    pub fn all(&self) -> Result<X509StoreBuilder, ErrorStack> {
        self.store(self.bundle.as_deref())
    }

    fn store(&self, bundle: Option<&Path>) -> Result<X509StoreBuilder, ErrorStack> {
        let mut store = X509StoreBuilder::new()?;
        if let Some(path) = bundle.filter(|path| is_name(path)) {
            let lookup = store.add_lookup(X509Lookup::file())?;
            // A missing bundle adds nothing; a broken one adds what comes before the fault.
            let _ = lookup.load_cert_file(path, SslFiletype::PEM);
        }
        let lookup = store.add_lookup(X509Lookup::hash_dir())?;
        for dir in self.dirs.iter().filter(|dir| is_name(dir)).filter_map(|dir| dir.to_str()) {
            lookup.add_dir(dir, SslFiletype::PEM)?;
        }
        for authority in &self.more {
            store.add_cert(authority.clone())?;
        }
        Ok(store)
    }
}

/// Whether OpenSSL's bindings accept it as a file name.
fn is_name(path: &Path) -> bool {
    path.to_str().is_some_and(|name| !name.is_empty() && !name.contains('\0'))
}

/// Whether `dir` has a file name that OpenSSL may look up.
fn has_hashed(dir: &Path) -> bool {
    // Not `std::fs::read_dir`: it fails when a signal interrupts it, and panics if closing fails.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| rustix::fs::open(dir, flags, Mode::empty()));
    let entries = opened.and_then(|opened| retry_on_intr(|| Dir::read_from(&opened)));
    entries.into_iter().flatten().flatten().any(|entry| is_hashed(entry.file_name().to_bytes()))
}

/// Whether OpenSSL looks such names up: eight hexadecimal digits, a dot, a number.
fn is_hashed(name: &[u8]) -> bool {
    let Some((hash, number)) = name.split_at_checked(8) else { return false };
    let is_number = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    hash.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        && number.strip_prefix(b".").is_some_and(is_number)
}

/// Whether a bundle has certificates with trust settings, or cannot be searched for them.
fn may_have_trust_settings(path: &Path) -> bool {
    let mut content = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_BUNDLE + 1).read_to_end(&mut content));
    match read {
        Ok(_) => content.len() as u64 > MAX_BUNDLE || memmem::find(&content, TRUST_SETTINGS).is_some(),
        // OpenSSL will not read it either.
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_go_first_only_where_they_are_hashed_and_the_bundle_has_no_settings() {
        let dir = tempfile::tempdir().unwrap();
        let certs = dir.path().join("certs");
        fs::create_dir(&certs).unwrap();
        let bundle = dir.path().join("bundle.pem");
        let first =
            |bundle: Option<&PathBuf>| Roots::of(bundle.cloned(), vec![certs.clone()], Vec::new()).dirs_first;
        assert!(!first(Some(&bundle)), "nothing is hashed");
        fs::write(certs.join("authority.pem"), "").unwrap();
        assert!(!first(Some(&bundle)));
        fs::write(certs.join("0123abcd.0"), "").unwrap();
        assert!(first(Some(&bundle)), "the bundle is not there");
        assert!(first(None));
        fs::write(&bundle, "-----BEGIN CERTIFICATE-----").unwrap();
        assert!(first(Some(&bundle)));
        fs::write(&bundle, "x\n-----BEGIN TRUSTED CERTIFICATE-----\n").unwrap();
        assert!(!first(Some(&bundle)));
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

    #[test]
    fn names_that_openssl_cannot_take_are_passed_over() {
        use std::os::unix::ffi::OsStrExt;
        let odd = PathBuf::from(std::ffi::OsStr::from_bytes(b"/tmp/\xff"));
        let roots =
            Roots::of(Some(odd.clone()), vec![odd, PathBuf::new(), "/nonexistent".into()], Vec::new());
        assert!(roots.all().is_ok() && roots.first().is_ok());
    }
}
