//! A server's certificate (X.509): what `test-account` shows of it, and its fingerprint for pinning.

use jiff::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::x509::{X509, X509NameRef};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The SHA-256 of a certificate (DER), as `--tls-fingerprint sha256:HEX` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub fn of(der: &[u8]) -> Self {
        Fingerprint(Sha256::digest(der).into())
    }

    /// Reads `sha256:HEX`; colons between the octets and upper case are allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, hex) = text.split_at_checked(7)?;
        if !name.eq_ignore_ascii_case("sha256:") {
            return None;
        }
        let digits: Vec<u8> = hex
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<_>>()?;
        let octets: Vec<u8> =
            digits.chunks(2).map(|pair| pair.iter().fold(0, |value, digit| value << 4 | digit)).collect();
        if digits.len() != 64 {
            return None;
        }
        octets.try_into().ok().map(Fingerprint)
    }

    /// The 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, octet| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{octet:02x}");
            text
        })
    }
}

/// The parts of a certificate that show a person what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The subject's common name; if there is none, the whole subject.
    pub subject: String,
    /// The same of the issuer.
    pub issuer: String,
    /// The DNS names and IP addresses it is for.
    pub names: Vec<String>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub fingerprint: Fingerprint,
}

impl Certificate {
    /// `None` if it cannot be read.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        Self::read(der).ok()
    }

    fn read(der: &[u8]) -> Result<Self, ErrorStack> {
        let x509 = X509::from_der(der)?;
        let mut names = Vec::new();
        for name in x509.subject_alt_names().into_iter().flatten() {
            if let Some(dns) = name.dnsname() {
                names.push(dns.to_owned());
            } else if let Some(ip) = name.ipaddress() {
                names.push(match ip.len() {
                    4 => <[u8; 4]>::try_from(ip)
                        .map(|ip| std::net::IpAddr::from(ip).to_string())
                        .unwrap_or_default(),
                    _ => <[u8; 16]>::try_from(ip)
                        .map(|ip| std::net::IpAddr::from(ip).to_string())
                        .unwrap_or_default(),
                });
            }
        }
        Ok(Certificate {
            subject: common_name(x509.subject_name()),
            issuer: common_name(x509.issuer_name()),
            names,
            not_before: timestamp(x509.not_before())?,
            not_after: timestamp(x509.not_after())?,
            fingerprint: Fingerprint::of(der),
        })
    }
}

fn common_name(name: &X509NameRef) -> String {
    let text = |nid: Option<Nid>| {
        name.entries()
            .filter(|entry| nid.is_none_or(|nid| entry.object().nid() == nid))
            .filter_map(|entry| entry.data().to_string().ok())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let common = text(Some(Nid::COMMONNAME));
    if common.is_empty() { text(None) } else { common }
}

fn timestamp(time: &openssl::asn1::Asn1TimeRef) -> Result<Timestamp, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Ok(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_with_and_without_colons() {
        let plain = format!("sha256:{}", "ab".repeat(32));
        let colons = format!("SHA256:{}", ["AB"; 32].join(":"));
        assert_eq!(Fingerprint::parse(&plain).unwrap().hex(), "ab".repeat(32));
        assert_eq!(Fingerprint::parse(&colons), Fingerprint::parse(&plain));
        for bad in ["", "sha256:", "sha1:abcd", &plain[..70], &format!("{plain}a"), "sha256:zz"] {
            assert_eq!(Fingerprint::parse(bad), None, "{bad}");
        }
    }
}
