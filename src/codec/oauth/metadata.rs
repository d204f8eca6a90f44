//! What an authorization server says about itself (`RFC 8414`; OpenID Connect Discovery 1.0 §4).

use super::members::{self, Members};
use super::text;
use super::url::{UrlUse, check};

/// Where the documents of an issuer may be, in the order to ask: that of `RFC 8414 §3.1`, then OpenID Connect's (§4),
/// which puts its words behind the path instead of before it.
pub fn addresses(issuer: &str) -> Result<Vec<String>, String> {
    let uri = check(issuer, UrlUse::Issuer)?;
    let (scheme, authority) =
        (uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |host| host.as_str()));
    let path = uri.path().trim_end_matches('/');
    let root = format!("{scheme}://{authority}");
    Ok(vec![
        format!("{root}/.well-known/oauth-authorization-server{path}"),
        format!("{root}{path}/.well-known/openid-configuration"),
    ])
}

/// The parts of a document that a login needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: Option<String>,
    pub token_endpoint: String,
    pub device_authorization_endpoint: Option<String>,
    pub revocation_endpoint: Option<String>,
    /// Where clients register themselves (`RFC 7591 §3`).
    pub registration_endpoint: Option<String>,
    /// Whether every redirect names the issuer (`RFC 9207 §3`).
    pub names_itself: bool,
    /// The scopes it knows, if it tells.
    pub scopes: Vec<String>,
    /// What is wrong with endpoints that were left out for it, each with its name.
    pub faults: Vec<String>,
}

/// The most scopes that are kept.
const MOST_SCOPES: usize = 200;

/// Reads the document of `issuer`. The error says what is wrong with it.
///
/// The issuer and the token endpoint are needed. Another endpoint that is bad is left out; whatever else is odd counts as
/// missing.
pub fn read(body: &[u8], issuer: &str) -> Result<Metadata, String> {
    let body = members::text(body);
    let document = Members::read(&body).map_err(|error| super::json_problem(&error))?;
    let own = document.text("issuer").ok_or("it does not name its issuer")?;
    // Else a server could speak for another (`RFC 8414 §3.3`).
    if own != issuer {
        return Err(format!("it is the document of another issuer: {}", text::shown(&own)));
    }
    if let Some(methods) = document.texts("code_challenge_methods_supported")
        && !methods.iter().any(|method| method == "S256")
    {
        return Err("it has PKCE without the method S256".into());
    }
    let token_endpoint = document.text("token_endpoint").ok_or("it has no token_endpoint")?;
    check(&token_endpoint, UrlUse::Endpoint).map_err(|what| format!("token_endpoint: {what}"))?;
    let mut faults = Vec::new();
    let mut other = |name: &str, use_as| {
        let value = document.value(name)?;
        let checked = match value.as_str() {
            Some(url) => check(url, use_as).map(|_| url.to_owned()),
            None => Err("it is no text".to_owned()),
        };
        checked.map_err(|what| faults.push(format!("{name}: {what}"))).ok()
    };
    Ok(Metadata {
        authorization_endpoint: other("authorization_endpoint", UrlUse::ForPeople),
        device_authorization_endpoint: other("device_authorization_endpoint", UrlUse::Endpoint),
        revocation_endpoint: other("revocation_endpoint", UrlUse::Endpoint),
        registration_endpoint: other("registration_endpoint", UrlUse::Endpoint),
        issuer: own,
        token_endpoint,
        names_itself: document.flag("authorization_response_iss_parameter_supported"),
        scopes: document
            .texts("scopes_supported")
            .unwrap_or_default()
            .into_iter()
            .take(MOST_SCOPES)
            .collect(),
        faults,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.example.org/t";
    const GOOD: &str = r#"{"issuer":"https://login.example.org/t","authorization_endpoint":"https://a.example/auth?x=1",
        "token_endpoint":"https://b.example/token","device_authorization_endpoint":"https://c.example/device",
        "revocation_endpoint":"https://d.example/revoke","code_challenge_methods_supported":["plain","S256"],
        "authorization_response_iss_parameter_supported":true,"scopes_supported":["openid","mail"],"other":[{}]}"#;

    #[test]
    fn the_documents_are_where_the_two_standards_put_them() {
        for (issuer, first, second) in [
            (
                "https://h",
                "https://h/.well-known/oauth-authorization-server",
                "https://h/.well-known/openid-configuration",
            ),
            (
                "https://h/",
                "https://h/.well-known/oauth-authorization-server",
                "https://h/.well-known/openid-configuration",
            ),
            (
                "https://h:8443/a/b",
                "https://h:8443/.well-known/oauth-authorization-server/a/b",
                "https://h:8443/a/b/.well-known/openid-configuration",
            ),
            (
                "http://127.0.0.1:1/",
                "http://127.0.0.1:1/.well-known/oauth-authorization-server",
                "http://127.0.0.1:1/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(addresses(issuer).unwrap(), [first, second], "{issuer}");
        }
        for bad in ["http://h", "h", "https://h?x", "https://h#x", "https://u@h", ""] {
            assert!(addresses(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_document_is_read_and_most_of_it_may_be_missing() {
        let metadata = read(GOOD.as_bytes(), ISSUER).unwrap();
        assert_eq!(metadata.authorization_endpoint.as_deref(), Some("https://a.example/auth?x=1"));
        assert_eq!(metadata.token_endpoint, "https://b.example/token");
        assert_eq!(metadata.device_authorization_endpoint.as_deref(), Some("https://c.example/device"));
        assert_eq!(metadata.revocation_endpoint.as_deref(), Some("https://d.example/revoke"));
        assert!(metadata.names_itself);
        assert_eq!(metadata.scopes, ["openid", "mail"]);
        let least = r#"{"issuer":"https://login.example.org/t","token_endpoint":"http://127.0.0.1:7/t"}"#;
        let metadata = read(least.as_bytes(), ISSUER).unwrap();
        assert_eq!((metadata.names_itself, metadata.authorization_endpoint), (false, None));
    }

    #[test]
    fn what_is_not_needed_may_be_odd_and_a_bad_endpoint_is_left_out_with_its_fault() {
        for (from, to, wanted) in [
            ("https://a.example/auth", "file:///etc/passwd", "authorization_endpoint: not an address"),
            (
                "https://c.example",
                "ftp://c.example",
                "device_authorization_endpoint: not an address of https",
            ),
            ("\"https://c.example/device\"", "[7]", "device_authorization_endpoint: it is no text"),
            (
                "https://d.example",
                "http://d.example",
                "revocation_endpoint: it is not protected: https is wanted",
            ),
        ] {
            let metadata = read(GOOD.replace(from, to).as_bytes(), ISSUER).unwrap();
            assert_eq!(metadata.faults, [wanted], "{to}");
            let all = [
                metadata.authorization_endpoint,
                metadata.device_authorization_endpoint,
                metadata.revocation_endpoint,
            ];
            assert_eq!(all.iter().flatten().count(), 2, "{to}");
        }
        for odd in ["null", "3", "{}", "[7]", "\"odd\""] {
            let text = GOOD
                .replace("[\"openid\",\"mail\"]", odd)
                .replace("supported\":true", &format!("supported\":{odd}"));
            let metadata = read(text.as_bytes(), ISSUER).unwrap();
            assert_eq!((metadata.faults.len(), metadata.names_itself), (0, false), "{odd}");
        }
        let text =
            GOOD.replace("[\"plain\",\"S256\"]", "null").replace("\"https://d.example/revoke\"", "null");
        assert_eq!(read(text.as_bytes(), ISSUER).unwrap().faults, [""; 0]);
    }

    #[test]
    fn a_document_of_another_issuer_or_with_bad_addresses_is_refused() {
        for (from, to, wanted) in [
            ("example.org/t\"", "example.org/t/\"", "another issuer: https://login.example.org/t/"),
            ("example.org/t\"", "example.org\"", "another issuer"),
            ("\"issuer\"", "\"was\"", "issuer"),
            ("https://b.example/token", "http://b.example/token", "token_endpoint: it is not protected"),
            ("\"token_endpoint\"", "\"x\"", "no token_endpoint"),
            ("\"https://b.example/token\"", "7", "no token_endpoint"),
            (",\"S256\"", "", "S256"),
            ("[\"plain\",\"S256\"]", "\"plain\"", "S256"),
        ] {
            let error = read(GOOD.replace(from, to).as_bytes(), ISSUER).unwrap_err();
            assert!(error.contains(wanted), "{to}: {error}");
        }
        for end in 0..GOOD.len() {
            assert!(read(&GOOD.as_bytes()[..end], ISSUER).is_err(), "{end}");
        }
    }
}
