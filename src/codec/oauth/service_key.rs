//! The key file of a service account, in the form that Google gives it out (JSON).

use super::assertion::Signer;
use super::members::{self, Members};
use super::text;
use serde_json::Value;
use zeroize::Zeroizing;

/// The most octets of a name in it.
const MAX_NAME: usize = 320;

/// A service account, which can sign for itself.
pub struct ServiceKey {
    /// Its name, which looks like an address.
    pub email: String,
    pub signer: Signer,
}

/// Reads the file. The error says what is wrong with it, and quotes nothing that is secret.
///
/// The endpoint that it names is not used: whoever changes that would be sent assertions.
pub fn read(octets: &[u8]) -> Result<ServiceKey, String> {
    let octets = members::text(octets);
    let file = Members::read(&octets).map_err(|error| super::json_problem(&error))?;
    if ["installed", "web"].iter().any(|name| file.value(name).is_some()) {
        return Err("it is the file of an OAuth2 client, not the key of a service account".into());
    }
    match file.value("type") {
        Some(Value::String(kind)) if kind == "service_account" => {}
        Some(Value::String(kind)) => {
            return Err(format!("it is of the type {}, not service_account", text::shown(&kind)));
        }
        _ => return Err("it is not the key of a service account: it has no type".into()),
    }
    let is_name = |name: &String| {
        (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|octet| octet.is_ascii_graphic())
    };
    let email =
        file.text("client_email").filter(is_name).ok_or("it has no client_email that could be one")?;
    let key = file.text("private_key").map(Zeroizing::new).ok_or("it has no private_key")?;
    let id = file.text("private_key_id").filter(is_name);
    let signer = Signer::of_key(key.as_bytes(), id).map_err(|what| format!("private_key: {what}"))?;
    Ok(ServiceKey { email, signer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::sign::Verifier;
    use serde_json::json;

    fn key() -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
    }

    fn file(key: &PKey<Private>) -> Value {
        let pem = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        json!({"type": "service_account", "project_id": "p", "private_key_id": "k1", "private_key": pem,
            "client_email": "mail@p.iam.gserviceaccount.com", "token_uri": "https://elsewhere.example/token"})
    }

    fn fault(file: &Value) -> String {
        read(file.to_string().as_bytes()).err().expect("a fault")
    }

    #[test]
    fn a_key_file_signs_for_a_user() {
        let key = key();
        let read = read(file(&key).to_string().as_bytes()).unwrap();
        let user = ("mail@p.iam.gserviceaccount.com", "ana@example.org", "https://mail.google.com/");
        let made = read.signer.for_user(user, "https://as.example/token", 1_000_000, "id").unwrap();
        let text = std::str::from_utf8(made.expose()).unwrap().to_owned();
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else { panic!("{text}") };
        let part =
            |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
        assert_eq!(part(header), json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
        assert_eq!(
            part(claims),
            json!({"iss": read.email, "sub": "ana@example.org", "scope": "https://mail.google.com/", "jti": "id",
                "aud": "https://as.example/token", "iat": 999_940, "exp": 1_000_600})
        );
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
        verifier.update(format!("{header}.{claims}").as_bytes()).unwrap();
        assert!(verifier.verify(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap());
    }

    #[test]
    fn another_file_is_named_and_nothing_of_it_quoted() {
        let good = file(&key());
        let with = |name: &str, value: Value| {
            let mut file = good.clone();
            file[name] = value;
            file
        };
        for (file, wanted) in [
            (json!({"installed": {"client_id": "x", "client_secret": "S3CRET"}}), "an OAuth2 client"),
            (json!({"web": {}}), "an OAuth2 client"),
            (json!({"type": "authorized_user", "refresh_token": "S3CRET"}), "authorized_user"),
            (json!({}), "no type"),
            (json!([]), "no JSON object"),
            (with("client_email", json!("")), "client_email"),
            (with("client_email", json!("a\nb")), "client_email"),
            (with("client_email", json!(7)), "client_email"),
            (with("private_key", json!(null)), "no private_key"),
            (with("private_key", json!("S3CRET")), "not PEM"),
        ] {
            let fault = fault(&file);
            assert!(fault.contains(wanted) && !fault.contains("S3CRET"), "{wanted}: {fault}");
        }
        assert!(read(b"-----BEGIN PRIVATE KEY-----").err().unwrap().contains("not JSON"));
        // What is not needed may be odd.
        assert!(read(with("private_key_id", json!([1])).to_string().as_bytes()).is_ok());
    }
}
