//! A temporary certificate authority, made once in each process, and good and bad server certificates.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslMethod, SslOptions, SslVersion};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};
use sha2::{Digest as _, Sha256};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certificate {
    /// Nothing: `localhost` and `127.0.0.1`, signed by the authority.
    Good,
    /// It ended yesterday.
    Expired,
    /// It is its own authority.
    SelfSigned,
    /// It is for another host.
    WrongHost,
    /// It is signed by an authority nobody trusts.
    UnknownRoot,
    /// Nothing; it is for the domains that the tests play.
    Played,
}

/// The domains that the tests play.
const PLAYED: [&str; 7] =
    ["own.test", "*.own.test", "hoster.test", "*.hoster.test", "other.test", "*.other.test", "ispdb.test"];

impl Certificate {
    /// Every kind that must be refused.
    pub const BAD: [Certificate; 4] =
        [Certificate::Expired, Certificate::SelfSigned, Certificate::WrongHost, Certificate::UnknownRoot];
}

/// The TLS versions that a server supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// 1.2 and 1.3.
    Modern,
    /// 1.1 alone, which no client may accept any more (`RFC 8996`).
    OnlyTls11,
}

/// A key and its certificate.
pub struct Identity {
    key: PKey<Private>,
    certificate: X509,
}

impl Identity {
    /// The certificate, PEM.
    pub fn certificate_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }

    /// The private key, PEM.
    pub fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().unwrap()
    }

    /// The fingerprint as `--tls-fingerprint` wants it.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.certificate.to_der().unwrap());
        let hex: Vec<String> = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("sha256:{}", hex.concat())
    }

    /// A server's side of TLS.
    pub fn acceptor(&self, versions: Versions) -> SslAcceptor {
        let mut builder = match versions {
            Versions::Modern => SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap(),
            Versions::OnlyTls11 => {
                let mut old = SslAcceptor::mozilla_intermediate(SslMethod::tls_server()).unwrap();
                old.set_security_level(0);
                old.clear_options(SslOptions::NO_TLSV1_1);
                old.set_min_proto_version(Some(SslVersion::TLS1_1)).unwrap();
                old.set_max_proto_version(Some(SslVersion::TLS1_1)).unwrap();
                old.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
                old
            }
        };
        builder.set_private_key(&self.key).unwrap();
        builder.set_certificate(&self.certificate).unwrap();
        builder.build()
    }

    /// The same for a server with settings of its own.
    pub fn acceptor_with(&self, set: impl FnOnce(&mut SslAcceptorBuilder)) -> SslAcceptor {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        builder.set_private_key(&self.key).unwrap();
        builder.set_certificate(&self.certificate).unwrap();
        set(&mut builder);
        builder.build()
    }
}

/// The authority the tests have postie trust with `--ca-file`.
pub struct Authority {
    trusted: Identity,
    leaves: Vec<(Certificate, Identity)>,
}

impl Authority {
    /// The one of this process.
    pub fn shared() -> &'static Authority {
        static SHARED: OnceLock<Authority> = OnceLock::new();
        SHARED.get_or_init(Authority::make)
    }

    /// The authority's certificate, PEM.
    pub fn pem(&self) -> Vec<u8> {
        self.trusted.certificate_pem()
    }

    /// A server's identity.
    pub fn identity(&self, kind: Certificate) -> &Identity {
        &self.leaves.iter().find(|(has, _)| *has == kind).unwrap().1
    }

    /// The identity of a server with other names.
    pub fn named(&self, names: &[&str]) -> Identity {
        Leaf { names, from_to: (-86_400, 30 * 86_400), issuer: Some(&self.trusted) }.make()
    }

    fn make() -> Authority {
        let trusted = root("postie test authority");
        let stranger = root("somebody else's authority");
        let day = 86_400;
        let valid = (-day, 30 * day);
        let own = ["localhost", "127.0.0.1"];
        let leaf =
            |names: &[&str], from_to, issuer: Option<&Identity>| Leaf { names, from_to, issuer }.make();
        let leaves = vec![
            (Certificate::Good, leaf(&own, valid, Some(&trusted))),
            (Certificate::Expired, leaf(&own, (-10 * day, -day), Some(&trusted))),
            (Certificate::SelfSigned, leaf(&own, valid, None)),
            (Certificate::WrongHost, leaf(&["mail.example.org"], valid, Some(&trusted))),
            (Certificate::UnknownRoot, leaf(&own, valid, Some(&stranger))),
            (Certificate::Played, leaf(&PLAYED, valid, Some(&trusted))),
        ];
        Authority { trusted, leaves }
    }
}

struct Leaf<'a> {
    names: &'a [&'a str],
    from_to: (i64, i64),
    issuer: Option<&'a Identity>,
}

impl Leaf<'_> {
    fn make(&self) -> Identity {
        let key = ec_key();
        let name = common_name(self.names[0]);
        let mut builder = blank(&name, &key, self.from_to);
        let issuer_name = self.issuer.map_or(name.as_ref(), |issuer| issuer.certificate.subject_name());
        builder.set_issuer_name(issuer_name).unwrap();
        builder.append_extension(BasicConstraints::new().critical().build().unwrap()).unwrap();
        builder
            .append_extension(ExtendedKeyUsage::new().server_auth().client_auth().build().unwrap())
            .unwrap();
        let mut alternative = SubjectAlternativeName::new();
        for name in self.names {
            match name.parse::<std::net::IpAddr>() {
                Ok(_) => alternative.ip(name),
                Err(_) => alternative.dns(name),
            };
        }
        let context = builder.x509v3_context(self.issuer.map(|issuer| issuer.certificate.as_ref()), None);
        let alternative = alternative.build(&context).unwrap();
        let key_id = SubjectKeyIdentifier::new().build(&context).unwrap();
        builder.append_extension(alternative).unwrap();
        builder.append_extension(key_id).unwrap();
        if let Some(issuer) = self.issuer {
            let context = builder.x509v3_context(Some(&issuer.certificate), None);
            let authority = AuthorityKeyIdentifier::new().keyid(false).build(&context).unwrap();
            builder.append_extension(authority).unwrap();
        }
        builder.sign(self.issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
        Identity { key, certificate: builder.build() }
    }
}

fn root(name: &str) -> Identity {
    let key = ec_key();
    let name = common_name(name);
    let mut builder = blank(&name, &key, (-86_400, 30 * 86_400));
    builder.set_issuer_name(&name).unwrap();
    builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build().unwrap();
    builder.append_extension(usage).unwrap();
    let key_id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(key_id).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    Identity { key, certificate: builder.build() }
}

fn blank(name: &X509Name, key: &PKey<Private>, (from, to): (i64, i64)) -> X509Builder {
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, MsbOption::MAYBE_ZERO, false).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(name).unwrap();
    builder.set_pubkey(key).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let time = |offset: i64| Asn1Time::from_unix(now + offset).unwrap();
    builder.set_not_before(&time(from)).unwrap();
    builder.set_not_after(&time(to)).unwrap();
    builder
}

fn ec_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn common_name(name: &str) -> X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    builder.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    builder.build()
}
