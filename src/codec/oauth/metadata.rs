//! What an authorization server says about itself (`RFC 8414`; OpenID Connect Discovery 1.0 §4).

use super::text;
use super::url::{Address, check};
use serde::Deserialize;

/// Where the documents of an issuer may be, in the order to ask: that of `RFC 8414 §3.1`, then OpenID Connect's (§4),
/// which puts its words behind the path instead of before it.
pub fn addresses(issuer: &str) -> Result<Vec<String>, String> {
    let uri = check(issuer, Address::Issuer)?;
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
    /// Whether every redirect names the issuer (`RFC 9207 §3`).
    pub names_itself: bool,
    /// The scopes it knows, if it tells.
    pub scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

/// The most scopes that are kept.
const MOST_SCOPES: usize = 200;

/// Reads the document of `issuer`. The error says what is wrong with it.
pub fn read(body: &[u8], issuer: &str) -> Result<Metadata, String> {
    let document: Document = serde_json::from_slice(body).map_err(|error| super::json_problem(&error))?;
    // Else a server could speak for another (`RFC 8414 §3.3`).
    if document.issuer != issuer {
        return Err(format!("it is the document of another issuer: {}", text::shown(&document.issuer)));
    }
    let checked = |name: &str, url: Option<String>, use_as| match url {
        Some(url) => check(&url, use_as).map(|_| Some(url)).map_err(|what| format!("{name}: {what}")),
        None => Ok(None),
    };
    if let Some(methods) = &document.code_challenge_methods_supported
        && !methods.iter().any(|method| method == "S256")
    {
        return Err("it has PKCE without the method S256".into());
    }
    let token_endpoint = checked("token_endpoint", document.token_endpoint, Address::Endpoint)?;
    Ok(Metadata {
        issuer: document.issuer,
        authorization_endpoint: checked(
            "authorization_endpoint",
            document.authorization_endpoint,
            Address::ForPeople,
        )?,
        token_endpoint: token_endpoint.ok_or("it has no token_endpoint")?,
        device_authorization_endpoint: checked(
            "device_authorization_endpoint",
            document.device_authorization_endpoint,
            Address::Endpoint,
        )?,
        revocation_endpoint: checked("revocation_endpoint", document.revocation_endpoint, Address::Endpoint)?,
        names_itself: document.authorization_response_iss_parameter_supported,
        scopes: document.scopes_supported.into_iter().take(MOST_SCOPES).collect(),
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
    fn a_document_of_another_issuer_or_with_bad_addresses_is_refused() {
        for (from, to, wanted) in [
            ("example.org/t\"", "example.org/t/\"", "another issuer: https://login.example.org/t/"),
            ("example.org/t\"", "example.org\"", "another issuer"),
            ("\"issuer\"", "\"was\"", "issuer"),
            ("https://b.example/token", "http://b.example/token", "token_endpoint: it is not protected"),
            ("\"token_endpoint\"", "\"x\"", "no token_endpoint"),
            ("https://a.example/auth", "file:///etc/passwd", "authorization_endpoint"),
            ("https://c.example", "ftp://c.example", "device_authorization_endpoint"),
            ("https://d.example", "http://d.example", "revocation_endpoint"),
            (",\"S256\"", "", "S256"),
            ("[\"openid\",\"mail\"]", "3", "line 4"),
        ] {
            let error = read(GOOD.replace(from, to).as_bytes(), ISSUER).unwrap_err();
            assert!(error.contains(wanted), "{to}: {error}");
        }
        for end in 0..GOOD.len() {
            assert!(read(&GOOD.as_bytes()[..end], ISSUER).is_err(), "{end}");
        }
    }
}
