//! Signed assertions, which are JSON Web Tokens (`RFC 7519`) signed by RS256 (`RFC 7518 §3.3`), or by ES256 (§3.4) with a
//! key on the curve P-256: what a client shows instead of a secret (`RFC 7523 §2.2`), or a service account to get a token
//! for a user (§2.1). The header names the certificate by its thumbprints (`RFC 7515 §4.1.7`, §4.1.8), or the key by its id
//! (§4.1.4). Other keys are left out.

use crate::words::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer as Signature;
use openssl::x509::X509;
use serde_json::json;

/// How long an assertion holds, in seconds.
const LIFETIME: u64 = 600;

/// How much earlier it begins to hold than this clock says, in seconds: the server's may be behind.
const SLACK: u64 = 60;

/// Signs assertions.
pub struct Signer {
    key: PKey<Private>,
    /// What the header says of the key.
    named: Vec<(&'static str, String)>,
}

impl Signer {
    /// Takes a certificate and its key, both in PEM. The error says what is wrong with them.
    pub fn read(certificate: &[u8], key: &[u8]) -> Result<Self, &'static str> {
        let certificate = X509::from_pem(certificate).map_err(|_| "the certificate is not PEM")?;
        let key = usable(key)?;
        let public = certificate.public_key().map_err(|_| "the certificate has no usable key")?;
        if !public.public_eq(&key) {
            return Err("the key is not that of the certificate");
        }
        let thumbprint = |digest| -> Result<String, &'static str> {
            let octets = certificate.digest(digest).map_err(|_| "the certificate has no thumbprint")?;
            Ok(URL_SAFE_NO_PAD.encode(octets))
        };
        Ok(Signer {
            // Microsoft looks the certificate up by SHA-1.
            named: vec![
                ("x5t", thumbprint(MessageDigest::sha1())?),
                ("x5t#S256", thumbprint(MessageDigest::sha256())?),
            ],
            key,
        })
    }

    /// Takes a key in PEM without a certificate. `id`: the name that the server knows it by, if it has one.
    pub fn of_key(key: &[u8], id: Option<String>) -> Result<Self, &'static str> {
        Ok(Signer { key: usable(key)?, named: id.map(|id| ("kid", id)).into_iter().collect() })
    }

    /// The assertion of this client for the token endpoint `audience`. `now`: seconds since 1970; `id`: a value that
    /// no other assertion has.
    pub fn assertion(&self, client: &str, audience: &str, now: u64, id: &str) -> Result<Secret, ErrorStack> {
        let begins = now.saturating_sub(SLACK);
        self.sign(&json!({
            "iss": client, "sub": client, "aud": audience, "jti": id,
            "iat": begins, "nbf": begins, "exp": now.saturating_add(LIFETIME),
        }))
    }

    /// The assertion of a service account (`RFC 7523 §2.1`), to get a token for `user`; the other values as for
    /// [`assertion`](Self::assertion). The scope is in it, as Google wants it.
    pub fn for_user(
        &self,
        (account, user, scope): (&str, &str, &str),
        audience: &str,
        now: u64,
        id: &str,
    ) -> Result<Secret, ErrorStack> {
        // Google refuses one that lives for more than an hour.
        let begins = now.saturating_sub(SLACK);
        self.sign(&json!({
            "iss": account, "sub": user, "scope": scope, "aud": audience, "jti": id,
            "iat": begins, "exp": now.saturating_add(LIFETIME),
        }))
    }

    fn sign(&self, claims: &serde_json::Value) -> Result<Secret, ErrorStack> {
        let by = if is_rsa(&self.key) { "RS256" } else { "ES256" };
        let mut header = json!({"alg": by, "typ": "JWT"});
        self.named.iter().for_each(|(name, value)| header[*name] = value.as_str().into());
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = Signature::new(MessageDigest::sha256(), &self.key)?;
        signature.update(signed.as_bytes())?;
        let mut octets = signature.sign_to_vec()?;
        if !is_rsa(&self.key) {
            // The two numbers side by side, not in DER (RFC 7518 §3.4).
            let pair = EcdsaSig::from_der(&octets)?;
            octets = [pair.r().to_vec_padded(32)?, pair.s().to_vec_padded(32)?].concat();
        }
        Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(octets))))
    }
}

/// A key that can sign.
fn usable(pem: &[u8]) -> Result<PKey<Private>, &'static str> {
    // A key under a pass phrase is refused, and OpenSSL not let ask for it.
    let key = PKey::private_key_from_pem_callback(pem, |_| Ok(0));
    let key = key.map_err(|_| "the key is not PEM, or it has a pass phrase")?;
    match is_rsa(&key) || is_on_p256(&key) {
        true => Ok(key),
        false => Err("the key is neither an RSA key nor one on the curve P-256"),
    }
}

fn is_rsa(key: &PKey<Private>) -> bool {
    key.id() == Id::RSA
}

fn is_on_p256(key: &PKey<Private>) -> bool {
    key.ec_key().is_ok_and(|key| key.group().curve_name() == Some(Nid::X9_62_PRIME256V1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::rsa::Rsa;
    use openssl::sign::Verifier;
    use openssl::symm::Cipher;

    fn rsa() -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
    }

    fn on(curve: Nid) -> PKey<Private> {
        let group = EcGroup::from_curve_name(curve).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    }

    fn certificate(key: &PKey<Private>) -> Vec<u8> {
        let mut made = X509::builder().unwrap();
        made.set_pubkey(key).unwrap();
        made.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        made.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        made.sign(key, MessageDigest::sha256()).unwrap();
        made.build().to_pem().unwrap()
    }

    fn part(text: &str) -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    }

    #[test]
    fn an_assertion_names_client_and_server_and_its_signature_is_that_of_the_key() {
        let key = rsa();
        let pem = certificate(&key);
        let signer = Signer::read(&pem, &key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        let made = signer.assertion("me", "https://as.example/token", 1_000_000, "id").unwrap();
        let text = std::str::from_utf8(made.expose()).unwrap().to_owned();
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else { panic!("{text}") };
        let thumbprint = X509::from_pem(&pem).unwrap().digest(MessageDigest::sha1()).unwrap();
        assert_eq!(part(header)["alg"], "RS256");
        assert_eq!(part(header)["x5t"], URL_SAFE_NO_PAD.encode(thumbprint));
        assert_eq!(
            part(claims),
            json!({"iss": "me", "sub": "me", "aud": "https://as.example/token", "jti": "id",
                "iat": 999_940, "nbf": 999_940, "exp": 1_000_600})
        );
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
        verifier.update(format!("{header}.{claims}").as_bytes()).unwrap();
        assert!(verifier.verify(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap());
    }

    #[test]
    fn a_key_on_p256_signs_by_two_numbers_of_32_octets() {
        let key = on(Nid::X9_62_PRIME256V1);
        let signer = Signer::read(&certificate(&key), &key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        // A number with zeros in front is as long: one signature in 128 has one.
        for n in 0..300 {
            let made = signer.assertion("me", "https://as.example/token", n, "id").unwrap();
            let text = std::str::from_utf8(made.expose()).unwrap().to_owned();
            let parts: Vec<&str> = text.split('.').collect();
            let [header, claims, signature] = parts.as_slice() else { panic!("{text}") };
            assert_eq!(part(header)["alg"], "ES256");
            let octets = URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert_eq!(octets.len(), 64);
            let [r, s] = [&octets[..32], &octets[32..]].map(|octets| BigNum::from_slice(octets).unwrap());
            let der = EcdsaSig::from_private_components(r, s).unwrap().to_der().unwrap();
            let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
            verifier.update(format!("{header}.{claims}").as_bytes()).unwrap();
            assert!(verifier.verify(&der).unwrap());
        }
    }

    #[test]
    fn keys_that_cannot_sign_for_the_certificate_are_refused_without_a_question() {
        let key = rsa();
        let pem = certificate(&key);
        let plain = key.private_key_to_pem_pkcs8().unwrap();
        let locked = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"phrase").unwrap();
        let curve = on(Nid::SECP384R1);
        let curve_pem = curve.private_key_to_pem_pkcs8().unwrap();
        let other = rsa().private_key_to_pem_pkcs8().unwrap();
        let refused = |certificate: &[u8], key: &[u8]| Signer::read(certificate, key).err();
        assert_eq!(refused(&pem, &plain), None);
        assert_eq!(refused(&plain, &plain), Some("the certificate is not PEM"));
        assert_eq!(refused(&pem, b""), Some("the key is not PEM, or it has a pass phrase"));
        assert_eq!(refused(&pem, &locked), Some("the key is not PEM, or it has a pass phrase"));
        assert_eq!(
            refused(&certificate(&curve), &curve_pem),
            Some("the key is neither an RSA key nor one on the curve P-256")
        );
        assert_eq!(refused(&pem, &other), Some("the key is not that of the certificate"));
    }
}
