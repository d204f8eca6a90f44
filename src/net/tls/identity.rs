//! The client's own certificate, for servers that ask for one (`RFC 8446 §4.3.2`).

use crate::words::{Failure, Kind, Secret, Stage};
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use std::fmt;

/// A certificate with its private key, and those of its issuers.
#[derive(Clone)]
pub struct ClientIdentity {
    pub(super) certificate: X509,
    pub(super) key: PKey<Private>,
    pub(super) issuers: Vec<X509>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity")
    }
}

/// The files that an identity is read from, as messages name them.
pub struct IdentityFiles<'a> {
    pub certificate: &'a str,
    pub key: &'a str,
}

impl ClientIdentity {
    /// Reads PEM: the certificate, its issuers behind it, and the key (PKCS#8, PKCS#1 or SEC 1), which may be encrypted
    /// with the passphrase. Fails with [`Kind::Config`].
    pub fn read(
        certificate: &[u8],
        key: &Secret,
        passphrase: Option<&Secret>,
        files: &IdentityFiles<'_>,
    ) -> Result<ClientIdentity, Failure> {
        let bad = |file: &str, what: &str| {
            let message = format!("{file}: reading the client certificate: {what}");
            Failure::new(Kind::Config, Stage::ClientCertificate, message)
        };
        let mut chain = X509::stack_from_pem(certificate).unwrap_or_default().into_iter();
        let leaf = chain.next().ok_or_else(|| {
            bad(files.certificate, "no certificate in it")
                .hint("client-certificate is a file in PEM form: the certificate, then those of its issuers")
        })?;
        let mut asked = false;
        // Without the callback OpenSSL would ask on the terminal.
        let read = PKey::private_key_from_pem_callback(key.expose(), |into| {
            asked = true;
            let phrase = passphrase.map_or(&[][..], Secret::expose);
            let len = phrase.len().min(into.len());
            into[..len].copy_from_slice(&phrase[..len]);
            Ok(len)
        });
        let key = read.map_err(|_| match (asked, passphrase) {
            (true, None) => bad(files.key, "the key is encrypted")
                .hint("client-key-password-command, client-key-password-file or client-key-password-env gives its passphrase"),
            (true, Some(_)) => bad(files.key, "the passphrase does not open the key"),
            (false, _) => bad(files.key, "no private key in it")
                .hint("client-key is a file in PEM form; without it the key is looked for in client-certificate"),
        })?;
        if !leaf.public_key().is_ok_and(|public| public.public_eq(&key)) {
            return Err(bad(files.key, "the key does not belong to the certificate"));
        }
        Ok(ClientIdentity { certificate: leaf, key, issuers: chain.collect() })
    }
}
