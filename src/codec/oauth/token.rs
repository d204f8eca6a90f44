//! The answers of a token endpoint (`RFC 6749 §5`). They are hostile: of the tokens only what can stand in a login is
//! taken, of the texts a short line without control characters.

use super::MAX_ANSWER;
use super::members::{self, MemberText, Members};
use crate::words::{Kind, Secret};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// The most octets of a token.
pub const MAX_TOKEN: usize = 16 * 1024;

/// The most characters of an error's code, and of its description.
const MAX_CODE: usize = 64;
const MAX_DESCRIPTION: usize = 300;

/// What was granted (`RFC 6749 §5.1`).
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access_token: Secret,
    /// None: one that the client has goes on to hold.
    pub refresh_token: Option<Secret>,
    /// How long the access token holds from when it was asked for; none: nobody knows.
    pub lifetime: Option<Duration>,
    /// What it is for, where that is not what was asked.
    pub scope: Option<String>,
}

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The server says why (`RFC 6749 §5.2`).
    Refused(TokenRefusal),
    /// The server cannot now, or somebody else answered in its place: what came is no answer of OAuth.
    Busy {
        /// The status of HTTP.
        status: u16,
    },
    /// It is an answer, and one that makes no sense.
    Nonsense(&'static str),
}

/// A server's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRefusal {
    pub error: ErrorCode,
    /// The server's words for people: one line, bounded, without control characters.
    pub description: Option<String>,
    /// Numbers that Microsoft gives the causes (`AADSTS…`).
    pub numbers: Vec<u32>,
    /// The status of HTTP.
    pub status: u16,
}

/// The codes of `RFC 6749 §5.2`, and those of its extensions that a mail client meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    /// `RFC 8707 §2`.
    InvalidTarget,
    /// The user, or an administrator, said no (`RFC 6749 §4.1.2.1`, `RFC 8628 §3.5`).
    AccessDenied,
    /// OpenID Connect Core 1.0 §3.1.2.6: somebody must look at a page again.
    InteractionRequired,
    LoginRequired,
    ConsentRequired,
    ServerError,
    TemporarilyUnavailable,
    /// `RFC 8628 §3.5`: the user has not answered yet.
    AuthorizationPending,
    /// `RFC 8628 §3.5`: ask less often.
    SlowDown,
    /// `RFC 8628 §3.5`: the device code has ended.
    ExpiredToken,
    /// `RFC 7009 §2.2.1`.
    UnsupportedTokenType,
    /// Another one: letters, digits and punctuation.
    Other(String),
}

impl ErrorCode {
    const KNOWN: [(&'static str, ErrorCode); 17] = [
        ("invalid_request", ErrorCode::InvalidRequest),
        ("invalid_client", ErrorCode::InvalidClient),
        ("invalid_grant", ErrorCode::InvalidGrant),
        ("unauthorized_client", ErrorCode::UnauthorizedClient),
        ("unsupported_grant_type", ErrorCode::UnsupportedGrantType),
        ("invalid_scope", ErrorCode::InvalidScope),
        ("invalid_target", ErrorCode::InvalidTarget),
        ("access_denied", ErrorCode::AccessDenied),
        ("interaction_required", ErrorCode::InteractionRequired),
        ("login_required", ErrorCode::LoginRequired),
        ("consent_required", ErrorCode::ConsentRequired),
        ("server_error", ErrorCode::ServerError),
        ("temporarily_unavailable", ErrorCode::TemporarilyUnavailable),
        ("authorization_pending", ErrorCode::AuthorizationPending),
        ("slow_down", ErrorCode::SlowDown),
        ("expired_token", ErrorCode::ExpiredToken),
        ("unsupported_token_type", ErrorCode::UnsupportedTokenType),
    ];

    /// The code that a server named.
    pub fn read(text: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|(name, _)| *name == text);
        known.map_or_else(|| ErrorCode::Other(line(text, MAX_CODE)), |(_, code)| code)
    }

    /// The name as the standards have it.
    pub fn name(&self) -> &str {
        match self {
            ErrorCode::Other(name) => name,
            code => Self::KNOWN.iter().find(|(_, known)| known == code).map_or("", |(name, _)| name),
        }
    }

    /// What kind of failure it is where a token was asked for.
    pub fn kind(&self) -> Kind {
        match self {
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidClient
            | ErrorCode::UnauthorizedClient
            | ErrorCode::UnsupportedGrantType
            | ErrorCode::UnsupportedTokenType
            | ErrorCode::InvalidScope
            | ErrorCode::InvalidTarget => Kind::Config,
            ErrorCode::ServerError
            | ErrorCode::TemporarilyUnavailable
            | ErrorCode::AuthorizationPending
            | ErrorCode::SlowDown => Kind::Deferred,
            ErrorCode::InvalidGrant
            | ErrorCode::AccessDenied
            | ErrorCode::InteractionRequired
            | ErrorCode::LoginRequired
            | ErrorCode::ConsentRequired
            | ErrorCode::ExpiredToken
            | ErrorCode::Other(_) => Kind::Auth,
        }
    }
}

impl TokenRefusal {
    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        if is_busy(self.status) { Kind::Deferred } else { self.error.kind() }
    }
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error.name())?;
        self.description.as_ref().map_or(Ok(()), |description| write!(f, ": {description}"))
    }
}

impl Rejection {
    pub fn kind(&self) -> Kind {
        match self {
            Rejection::Refused(refusal) => refusal.kind(),
            Rejection::Busy { .. } => Kind::Deferred,
            Rejection::Nonsense(_) => Kind::Protocol,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::Refused(refusal) => refusal.fmt(f),
            Rejection::Busy { status } if is_busy(*status) => {
                write!(f, "the server answers HTTP {status}, which may pass")
            }
            Rejection::Busy { status } if (300..400).contains(status) => {
                write!(f, "HTTP {status}: a redirect, which is not followed here")
            }
            Rejection::Busy { status } => write!(f, "HTTP {status}, and no answer of OAuth2 in it"),
            Rejection::Nonsense(what) => f.write_str(what),
        }
    }
}

/// Whether the server says that it cannot now.
fn is_busy(status: u16) -> bool {
    status == 429 || status >= 500
}

/// Reads the answer of a token endpoint.
///
/// Only what is needed has to be as it should: the access token, and its type if the answer has one. Whatever else is odd
/// counts as missing, as a lost answer may be the end of all that was granted.
pub fn read(status: u16, body: &[u8]) -> Result<Tokens, Rejection> {
    let text = members::text(body);
    let answer = object(body, &text).ok_or(Rejection::Busy { status })?;
    let tokens = if is_success(status) { tokens(&answer) } else { Err(Rejection::Busy { status }) };
    // Some providers refuse with status 200; others write an error that is none beside the tokens.
    match error_code(&answer, tokens.is_ok()) {
        Some(error) => Err(Rejection::Refused(refusal(status, error, &answer))),
        None => tokens,
    }
}

/// The refresh token in an answer that is otherwise of no use: the one before it may hold no more.
pub fn replaced(status: u16, body: &[u8]) -> Option<Secret> {
    let text = members::text(body);
    refresh_token(&object(body, &text).filter(|_| is_success(status))?)
}

fn object<'a>(body: &[u8], text: &'a MemberText<'_>) -> Option<Members<'a>> {
    if body.len() > MAX_ANSWER { None } else { Members::read(text).ok() }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// The error in an answer, if it has one. `has_tokens`: then an empty text is none.
fn error_code(answer: &Members<'_>, has_tokens: bool) -> Option<ErrorCode> {
    Some(match answer.value("error")? {
        Value::String(code) if has_tokens && code.trim().is_empty() => return None,
        Value::Bool(false) => return None,
        Value::String(code) => ErrorCode::read(&code),
        // The form of Google's other interfaces.
        Value::Object(inner) => {
            ErrorCode::Other(line(inner.get("status").and_then(Value::as_str).unwrap_or("error"), MAX_CODE))
        }
        _ => ErrorCode::Other("error".into()),
    })
}

fn refusal(status: u16, error: ErrorCode, answer: &Members<'_>) -> TokenRefusal {
    let description = answer.text("error_description");
    let description = description.map(|text| line(&text, MAX_DESCRIPTION)).filter(|text| !text.is_empty());
    let numbers = answer.value("error_codes");
    let numbers = numbers.as_ref().and_then(Value::as_array).into_iter().flatten();
    let numbers = numbers.filter_map(|number| u32::try_from(number.as_u64()?).ok()).take(8).collect();
    TokenRefusal { error, description, numbers, status }
}

fn tokens(answer: &Members<'_>) -> Result<Tokens, Rejection> {
    let Some(access_token) = answer.text("access_token").map(Secret::new) else {
        return Err(Rejection::Nonsense("the answer has no access token in it"));
    };
    if !is_token(&access_token) {
        return Err(Rejection::Nonsense("the access token is empty, too long, or has odd characters in it"));
    }
    match answer.value("token_type") {
        None => {}
        Some(Value::String(kind)) if kind.trim().is_empty() => {}
        Some(Value::String(kind)) if kind.trim().eq_ignore_ascii_case("bearer") => {}
        Some(_) => return Err(Rejection::Nonsense("the token is not of type Bearer")),
    }
    let lifetime = answer.value("expires_in").as_ref().and_then(seconds);
    let scope = answer.texts("scope").map(|all| line(&all.join(" "), 2048)).filter(|text| !text.is_empty());
    Ok(Tokens { access_token, refresh_token: refresh_token(answer), lifetime, scope })
}

/// The refresh token; none: there is none that could be used.
fn refresh_token(answer: &Members<'_>) -> Option<Secret> {
    answer.text("refresh_token").map(Secret::new).filter(is_token)
}

/// Whether it is visible ASCII (`RFC 6749 appendix A.12`), which no login and no header can break on.
pub fn is_token(token: &Secret) -> bool {
    let octets = token.expose();
    !octets.is_empty() && octets.len() <= MAX_TOKEN && octets.iter().all(|octet| (0x20..0x7f).contains(octet))
}

/// A number of seconds. Some servers write it as a text, some as a fraction.
pub(super) fn seconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    // No token that ends after more than ten years can be told from one that never ends.
    const MOST: f64 = 10.0 * 365.0 * 86_400.0;
    // What has ended already counts as such.
    number.is_finite().then(|| Duration::from_secs_f64(number.clamp(0.0, MOST).trunc()))
}

/// The first line of a text that has something in it, with at most `most` characters and no control characters.
pub fn line(text: &str, most: usize) -> String {
    let first = text.split(['\r', '\n']).map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut short: String = first.chars().take(most).map(plain).collect();
    if first.chars().count() > most {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
