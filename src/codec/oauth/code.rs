//! The authorization code grant (`RFC 6749 §4.1`) with PKCE (`RFC 7636`) for a program on the user's machine
//! (`RFC 8252`): the address for the browser, and what comes back in the redirect.
//!
//! Left out: the implicit grant, the challenge method `plain`, pushed and signed requests.

use super::text;
use crate::words::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::{Serializer, parse};
use sha2::{Digest as _, Sha256};

/// The most octets of a code, or of a parameter of the redirect. Codes of Microsoft have some 1500.
pub const MAX_VALUE: usize = 6 * 1024;

/// The least characters of a code that is typed; less is a word, typed by mistake. Yandex's codes have seven digits.
const SHORTEST: usize = 6;

/// What proves to the token endpoint that whoever brings the code also asked for it (`RFC 7636 §4.1`).
#[derive(Clone, Debug)]
pub struct Verifier(Secret);

impl Verifier {
    /// From 32 random octets, which make 43 characters.
    pub fn new(random: [u8; 32]) -> Self {
        Verifier(Secret::new(URL_SAFE_NO_PAD.encode(random)))
    }

    /// Its text, for the token endpoint alone.
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    /// The challenge by the method S256 (`RFC 7636 §4.2`).
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose()))
    }
}

/// What ties a redirect to its request (`RFC 6749 §10.12`).
#[derive(Clone, Debug)]
pub struct State(String);

impl State {
    /// From 16 random octets or more.
    pub fn new(random: &[u8]) -> Self {
        State(URL_SAFE_NO_PAD.encode(random))
    }

    /// Compares in a time that does not depend on where they differ.
    fn is(&self, other: &str) -> bool {
        self.0.len() == other.len() && openssl::memcmp::eq(self.0.as_bytes(), other.as_bytes())
    }
}

/// A request for the browser (`RFC 6749 §4.1.1`, `RFC 7636 §4.3`).
#[derive(Clone, Debug)]
pub struct AuthorizationRequest<'a> {
    /// The authorization endpoint. It may have a query of its own.
    pub endpoint: &'a str,
    pub client_id: &'a str,
    pub redirect_uri: &'a str,
    pub scopes: &'a [String],
    pub state: &'a State,
    pub challenge: &'a str,
    /// What this server wants besides, as `prompt=consent` or `login_hint` (OpenID Connect Core 1.0 §3.1.2.1).
    pub more: &'a [(&'static str, String)],
}

impl AuthorizationRequest<'_> {
    /// The address to open in the browser.
    pub fn url(&self) -> String {
        let (before, query) = match self.endpoint.split_once('?') {
            Some((before, query)) => (before, query),
            None => (self.endpoint, ""),
        };
        let mut query = Serializer::new(query.to_owned());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id)
            .append_pair("redirect_uri", self.redirect_uri);
        if !self.scopes.is_empty() {
            query.append_pair("scope", &self.scopes.join(" "));
        }
        query
            .append_pair("state", &self.state.0)
            .append_pair("code_challenge", self.challenge)
            .append_pair("code_challenge_method", "S256");
        query.extend_pairs(self.more.iter().map(|(name, value)| (name, value)));
        format!("{before}?{}", query.finish())
    }
}

/// What a redirect must have to be the answer to a request.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub state: &'a State,
    /// The server that was asked, if it has said who it is.
    pub issuer: Option<&'a str>,
    /// Whether it says that every answer names it (`RFC 9207 §3`).
    pub names_itself: bool,
}

/// The answer of the person at the browser, and of the server.
#[derive(Clone, Debug)]
pub enum RedirectAnswer {
    /// A code for the token endpoint.
    Code(Secret),
    /// No login; as `access_denied` (`RFC 6749 §4.1.2.1`).
    Refused(RedirectRefusal),
}

/// An error that the server gave, shortened and without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectRefusal {
    pub error: String,
    pub description: Option<String>,
}

/// Why something is no answer to the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// It has nothing of a redirect in it: another page was asked for.
    Unrelated,
    /// It belongs to another request.
    OtherState,
    /// Another server than the one that was asked has answered (`RFC 9207 §2.4`); this one, or it does not say.
    OtherIssuer(Option<String>),
    /// It has neither a code nor an error, or one of them twice.
    Malformed,
}

impl NoAnswer {
    /// For a person who pasted it.
    pub fn describe(&self) -> &'static str {
        match self {
            NoAnswer::Unrelated => "this is neither a code nor the address that the browser was sent to",
            NoAnswer::OtherState => "this is the answer to another login, not to this one",
            NoAnswer::OtherIssuer(_) => "this is the answer of another server",
            NoAnswer::Malformed => "there is no code in this address",
        }
    }
}

/// Reads the query of a redirect (`RFC 6749 §4.1.2`).
pub fn read_query(query: &str, expected: &Expected<'_>) -> Result<RedirectAnswer, NoAnswer> {
    let (mut code, mut state, mut issuer, mut error, mut description) = (None, None, None, None, None);
    for (name, value) in parse(query.as_bytes()) {
        let slot = match &*name {
            "code" => &mut code,
            "state" => &mut state,
            "iss" => &mut issuer,
            "error" => &mut error,
            "error_description" => &mut description,
            _ => continue,
        };
        // No parameter may come twice (`RFC 6749 §3.1`).
        if slot.is_some() || value.len() > MAX_VALUE {
            return Err(NoAnswer::Malformed);
        }
        *slot = Some(value.into_owned());
    }
    match &state {
        None => return Err(NoAnswer::Unrelated),
        Some(state) if !expected.state.is(state) => return Err(NoAnswer::OtherState),
        Some(_) => {}
    }
    check_issuer(issuer, expected)?;
    match (code, error) {
        (None, Some(error)) => Ok(RedirectAnswer::Refused(RedirectRefusal {
            error: text::shown(&error),
            description: description.map(|description| text::shown(&description)),
        })),
        (Some(code), None) if is_code(&code) => Ok(RedirectAnswer::Code(Secret::new(code))),
        _ => Err(NoAnswer::Malformed),
    }
}

/// The mix-up attack (`RFC 9207 §1`): the code of another server must not go to the one that was asked.
fn check_issuer(found: Option<String>, expected: &Expected<'_>) -> Result<(), NoAnswer> {
    match (&found, expected.issuer) {
        (Some(found), Some(wanted)) if found == wanted => Ok(()),
        (None, Some(_)) if !expected.names_itself => Ok(()),
        (_, None) => Ok(()),
        _ => Err(NoAnswer::OtherIssuer(found.as_deref().map(text::shown))),
    }
}

/// Reads what a person pasted: the address that the browser was sent to, its query, or the code alone.
///
/// The address has the state in it, which is compared; a code alone has none, and only PKCE protects it.
pub fn read_pasted(pasted: &str, expected: &Expected<'_>) -> Result<RedirectAnswer, NoAnswer> {
    let pasted = pasted.trim();
    // The scheme of a program (`RFC 8252 §7.1`), which has a dot in it: `org.example.mail:/back?code=…`.
    let has_scheme = pasted.split_once(":/").is_some_and(|(scheme, _)| {
        scheme.contains('.')
            && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
    });
    let looks_like_a_query =
        ["code=", "error=", "state="].iter().any(|name| pasted.trim_start_matches('?').starts_with(name));
    if pasted.contains("://") || has_scheme || pasted.starts_with('?') || looks_like_a_query {
        let query = pasted.split_once('?').map_or(pasted, |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        return read_query(query, expected);
    }
    // A code that was cut out of an address is still encoded as it was there.
    let (code, _) = parse(pasted.as_bytes()).next().ok_or(NoAnswer::Unrelated)?;
    let code = if pasted.contains('%') && !pasted.contains('+') { &*code } else { pasted };
    let is_long = code.len() >= SHORTEST;
    if is_code(code) && is_long {
        Ok(RedirectAnswer::Code(Secret::new(code)))
    } else {
        Err(NoAnswer::Unrelated)
    }
}

/// Visible characters of ASCII (`RFC 6749 appendix A.11`).
fn is_code(text: &str) -> bool {
    (1..=MAX_VALUE).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.example.org";

    fn state() -> State {
        State::new(b"0123456789abcdef")
    }

    fn expected(state: &State) -> Expected<'_> {
        Expected { state, issuer: Some(ISSUER), names_itself: true }
    }

    /// `code:…`, `refused:…`, or the reason why it is no answer.
    fn told(answer: Result<RedirectAnswer, NoAnswer>) -> String {
        match answer {
            Ok(RedirectAnswer::Code(code)) => format!("code:{}", String::from_utf8_lossy(code.expose())),
            Ok(RedirectAnswer::Refused(RedirectRefusal { error, description })) => {
                format!("refused:{error}:{}", description.unwrap_or_default())
            }
            Err(no) => format!("{no:?}"),
        }
    }

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636 appendix B.
        let random = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
            214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = Verifier::new(random);
        assert_eq!(verifier.secret().expose(), b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(!format!("{verifier:?}").contains("dBjft"));
    }

    #[test]
    fn the_address_has_all_that_was_asked_for_and_what_the_endpoint_had() {
        let state = state();
        let scopes = ["https://mail.example.org/".to_owned(), "offline_access".to_owned()];
        let more = [("login_hint", "ana+x@example.org".to_owned()), ("prompt", "consent".to_owned())];
        let request = |endpoint| AuthorizationRequest {
            endpoint,
            client_id: "a&b",
            redirect_uri: "http://127.0.0.1:4711",
            scopes: &scopes,
            state: &state,
            challenge: "CH",
            more: &more,
        };
        let rest = "response_type=code&client_id=a%26b&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711\
                    &scope=https%3A%2F%2Fmail.example.org%2F+offline_access&state=MDEyMzQ1Njc4OWFiY2RlZg\
                    &code_challenge=CH&code_challenge_method=S256&login_hint=ana%2Bx%40example.org&prompt=consent";
        assert_eq!(request("https://h/auth").url(), format!("https://h/auth?{rest}"));
        assert_eq!(request("https://h/auth?t=1").url(), format!("https://h/auth?t=1&{rest}"));
    }

    #[test]
    fn a_redirect_is_an_answer_only_with_the_state_and_the_issuer_that_were_asked() {
        let state = state();
        const S: &str = "state=MDEyMzQ1Njc4OWFiY2RlZg";
        const I: &str = "iss=https%3A%2F%2Flogin.example.org";
        let long = "x".repeat(MAX_VALUE + 1);
        for (query, wanted) in [
            (format!("code=c0%2Fde&{S}&{I}"), "code:c0/de"),
            (format!("{I}&session_state=9&{S}&code=c"), "code:c"),
            (
                format!("error=access_denied&error_description=The+user%0D%0Asaid+no&{S}&{I}"),
                "refused:access_denied:The user said no",
            ),
            (format!("error=%1b%5b31m&{S}&{I}"), "refused:[31m:"),
            (String::new(), "Unrelated"),
            ("code=c".into(), "Unrelated"),
            ("code=c&state=".into(), "OtherState"),
            ("code=c&state=MDEyMzQ1Njc4OWFiY2RlZh".into(), "OtherState"),
            (format!("code=c&{S}"), "OtherIssuer(None)"),
            (format!("code=c&{S}&iss=https://evil.example"), "OtherIssuer(Some(\"https://evil.example\"))"),
            // An error of another server is not believed either.
            (format!("error=access_denied&{S}"), "OtherIssuer(None)"),
            (format!("{S}&{I}"), "Malformed"),
            (format!("code=&{S}&{I}"), "Malformed"),
            (format!("code=c&error=e&{S}&{I}"), "Malformed"),
            (format!("code=c&code=d&{S}&{I}"), "Malformed"),
            (format!("code=c&{S}&{S}&{I}"), "Malformed"),
            (format!("code=a%0Ab&{S}&{I}"), "Malformed"),
            (format!("code=%C3%A4&{S}&{I}"), "Malformed"),
            (format!("code={long}&{S}&{I}"), "Malformed"),
        ] {
            assert_eq!(told(read_query(&query, &expected(&state))), wanted, "{query:.200}");
        }
    }

    #[test]
    fn who_does_not_name_itself_need_not_but_must_not_name_another() {
        let state = state();
        let with = |issuer, names_itself| Expected { state: &state, issuer, names_itself };
        let (plain, named) = ("code=c&state=MDEyMzQ1Njc4OWFiY2RlZg", "&iss=https://login.example.org");
        let both = format!("{plain}{named}");
        assert_eq!(told(read_query(plain, &with(Some(ISSUER), false))), "code:c");
        assert_eq!(told(read_query(&both, &with(Some(ISSUER), false))), "code:c");
        assert_eq!(
            told(read_query(&both, &with(Some("https://other.example"), false))),
            "OtherIssuer(Some(\"https://login.example.org\"))"
        );
        // A server that is known by its endpoints alone has no name to compare.
        assert_eq!(told(read_query(&both, &with(None, false))), "code:c");
    }

    #[test]
    fn an_address_or_a_code_can_be_pasted_and_nothing_else() {
        let state = state();
        const S: &str = "state=MDEyMzQ1Njc4OWFiY2RlZg";
        const I: &str = "iss=https%3A%2F%2Flogin.example.org";
        for (pasted, wanted) in [
            (format!("http://127.0.0.1:4711/?code=c%2Fd&{S}&{I}\n"), "code:c/d"),
            (format!("  http://localhost/?code=c&{S}&{I}#_=_ "), "code:c"),
            (format!("?code=c&{S}&{I}"), "code:c"),
            (format!("code=c&{S}&{I}"), "code:c"),
            (format!("{S}&code=c&{I}"), "code:c"),
            (format!("https://h/cb?error=access_denied&{S}&{I}"), "refused:access_denied:"),
            ("4/0AX4XfWh-_x==".into(), "code:4/0AX4XfWh-_x=="),
            ("4%2F0AX4XfWh".into(), "code:4/0AX4XfWh"),
            ("a+b%2Fc".into(), "code:a+b%2Fc"),
            ("M.C5_BAY.2.U!x*y$$".into(), "code:M.C5_BAY.2.U!x*y$$"),
            (String::new(), "Unrelated"),
            ("two words".into(), "Unrelated"),
            ("what?".into(), "Unrelated"),
            ("1234567".into(), "code:1234567"),
            ("b\u{fc}cher".into(), "Unrelated"),
            ("http://127.0.0.1:4711/".into(), "Unrelated"),
            ("http://127.0.0.1:4711/?code=c".into(), "Unrelated"),
            ("http://127.0.0.1:4711/?code=c&state=x".into(), "OtherState"),
        ] {
            assert_eq!(told(read_pasted(&pasted, &expected(&state))), wanted, "{pasted:?}");
        }
    }
}
