//! The tokens of an account as they are kept: JSON, version 1.

use super::grant::Grant;
use crate::codec::oauth::token::{Tokens, is_token};
use crate::store::MAX_TOKENS;
use crate::words::Secret;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

/// A token with less left is as good as none: what comes next takes its time.
const ENOUGH: Duration = Duration::from_secs(60);

/// A token that is not older than this was only just issued: if it is refused, a newer one would be, too.
const JUST_NOW: Duration = Duration::from_secs(60);

/// The version of the format.
const VERSION: u32 = 1;

/// What is kept. Unknown members are passed over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HeldToken {
    v: u32,
    /// The authorization server that all of it is for, and no other.
    pub issuer: String,
    pub client_id: String,
    /// Whose mail it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What was asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What was granted, where the server says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, with = "text", skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Secret>,
    /// When the access token ends; none: nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(default, with = "text", skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the access token was asked for.
    pub obtained_at: Timestamp,
    /// When the last refresh succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refresh: Option<Timestamp>,
    /// Why the last one did not, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// The endpoints that the issuer told at the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_url: Option<String>,
}

/// A refresh that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    pub at: Timestamp,
    /// Whether only a person can mend it, by another login.
    pub needs_login: bool,
    pub message: String,
}

/// Why what is kept is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Useless {
    /// It is not what postie writes.
    Damaged,
    /// A newer version wrote it.
    TooNew,
}

impl HeldToken {
    /// What a server granted, which was asked for at this time.
    pub fn new(grant: &Grant, client_id: &str, tokens: Tokens, asked_at: Timestamp) -> Self {
        let mut held = HeldToken::without_tokens(grant, client_id, asked_at);
        held.take(tokens, asked_at);
        held
    }

    /// The same before anything was granted.
    pub fn without_tokens(grant: &Grant, client_id: &str, asked_at: Timestamp) -> Self {
        HeldToken {
            v: VERSION,
            issuer: grant.issuer.clone(),
            client_id: client_id.to_owned(),
            user: grant.user.clone(),
            scopes: grant.scopes.clone(),
            scope: None,
            access_token: None,
            expires_at: None,
            refresh_token: None,
            obtained_at: asked_at,
            last_refresh: None,
            last_error: None,
            token_url: None,
            revoke_url: None,
        }
    }

    /// Takes in what a server granted. A refresh token that it does not replace goes on to hold (`RFC 6749 §6`).
    pub fn take(&mut self, tokens: Tokens, asked_at: Timestamp) {
        let Tokens { access_token, refresh_token, lifetime, scope } = tokens;
        self.access_token = Some(access_token);
        self.refresh_token = refresh_token.or(self.refresh_token.take());
        self.expires_at = lifetime.and_then(|lifetime| asked_at.checked_add(lifetime).ok());
        self.obtained_at = asked_at;
        self.scope = scope.or(self.scope.take());
        self.last_error = None;
    }

    /// The access token, if it is good for a login now.
    pub fn good(&self, now: Timestamp) -> Option<&Secret> {
        let token = self.access_token.as_ref()?;
        // Made in the future: the clock was put back, and nothing can be said about the end.
        let is_odd = self.obtained_at > now;
        let ends = self.expires_at.is_some_and(|end| now.checked_add(ENOUGH).is_ok_and(|then| then >= end));
        (!is_odd && !ends).then_some(token)
    }

    /// Whether the access token was issued only just now.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.obtained_at);
        !age.is_negative() && age.unsigned_abs() < JUST_NOW
    }

    /// Whether it is what the account asks for, of the same server by the same client.
    pub fn fits(&self, grant: &Grant, client_id: &str) -> bool {
        self.issuer == grant.issuer
            && self.client_id == client_id
            && self.user == grant.user
            && grant.scopes.iter().all(|scope| self.scopes.contains(scope))
    }

    /// Reads what was kept; none: there are no tokens in it.
    pub fn read(octets: &[u8]) -> Result<Option<Self>, Useless> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        if octets.trim_ascii().is_empty() {
            return Ok(None);
        }
        let Version { v } = serde_json::from_slice(octets).map_err(|_| Useless::Damaged)?;
        if v != VERSION {
            return Err(if v > VERSION { Useless::TooNew } else { Useless::Damaged });
        }
        let held: HeldToken = serde_json::from_slice(octets).map_err(|_| Useless::Damaged)?;
        let tokens = [&held.access_token, &held.refresh_token];
        match tokens.iter().all(|token| token.as_ref().is_none_or(is_token)) {
            true if tokens.iter().all(|token| token.is_none()) => Ok(None),
            true => Ok(Some(held)),
            false => Err(Useless::Damaged),
        }
    }

    /// The form in which it is kept.
    pub fn write(&self) -> Zeroizing<Vec<u8>> {
        // It has its full size from the start, because growing it would leave copies behind.
        let mut octets = Zeroizing::new(Vec::with_capacity(MAX_TOKENS));
        // Texts and numbers can always be written to memory.
        if serde_json::to_writer_pretty(&mut *octets, self).is_ok() {
            octets.push(b'\n');
        }
        octets
    }
}

/// A secret as a text.
pub(super) mod text {
    use crate::words::Secret;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
        let text = secret.as_ref().and_then(|secret| std::str::from_utf8(secret.expose()).ok());
        match text {
            Some(text) => serializer.serialize_str(text),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.map(Secret::new))
    }
}

#[cfg(test)]
mod tests {
    use super::super::provider::TokenUses;
    use super::super::settings::OAuthSettings;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn grant(scopes: &[&str]) -> Grant {
        let settings = OAuthSettings {
            token_url: Some("https://as.example/token".into()),
            client_id: Some("id".into()),
            scopes: Some(scopes.iter().map(|scope| (*scope).to_owned()).collect()),
            ..OAuthSettings::default()
        };
        Grant::new(settings, "work", "x", TokenUses::default(), Some("ana@example.org".into())).unwrap()
    }

    fn tokens(access: &str, refresh: Option<&str>, lifetime: Option<u64>) -> Tokens {
        Tokens {
            access_token: Secret::new(access),
            refresh_token: refresh.map(Secret::new),
            lifetime: lifetime.map(Duration::from_secs),
            scope: None,
        }
    }

    fn held(lifetime: Option<u64>) -> HeldToken {
        HeldToken::new(&grant(&["a", "b"]), "id", tokens("access", Some("refresh"), lifetime), at(0))
    }

    #[test]
    fn a_token_is_good_from_when_it_was_made_until_a_minute_before_its_end() {
        let held = held(Some(3600));
        for (now, good) in [(-1, false), (0, true), (3539, true), (3540, false), (9999, false)] {
            assert_eq!(held.good(at(now)).is_some(), good, "{now}");
        }
        assert!(super::tests::held(None).good(at(9_999_999)).is_some(), "nobody knows its end");
        assert!(super::tests::held(Some(0)).good(at(0)).is_none());
    }

    #[test]
    fn a_refresh_keeps_what_the_server_does_not_replace() {
        let mut held = held(Some(3600));
        held.last_error = Some(LastError { at: at(1), needs_login: true, message: "x".into() });
        held.take(tokens("new", None, Some(10)), at(100));
        assert_eq!(held.refresh_token.as_ref().unwrap().expose(), b"refresh");
        assert_eq!((held.obtained_at, held.expires_at), (at(100), Some(at(110))));
        assert_eq!(held.last_error, None);
        held.take(tokens("newer", Some("next"), None), at(200));
        assert_eq!(held.refresh_token.as_ref().unwrap().expose(), b"next");
        assert_eq!(held.expires_at, None);
    }

    #[test]
    fn what_is_kept_reads_back_and_shows_no_token_in_debug_output() {
        let mut held = held(Some(3600));
        held.token_url = Some("https://as.example/token".into());
        let read = HeldToken::read(&held.write()).unwrap().unwrap();
        assert_eq!(*read.write(), *held.write());
        assert_eq!(read.access_token.as_ref().unwrap().expose(), b"access");
        assert!(!format!("{held:?}").contains("refresh\""));
        let json: serde_json::Value = serde_json::from_slice(&held.write()).unwrap();
        assert_eq!(json["v"], 1);
        assert_eq!(json["expires_at"], "1970-01-12T14:46:40Z");
    }

    #[test]
    fn what_is_no_such_file_is_not_used() {
        assert!(HeldToken::read(b"").unwrap().is_none());
        assert!(HeldToken::read(b" \n").unwrap().is_none());
        let mut empty = held(None);
        (empty.access_token, empty.refresh_token) = (None, None);
        assert!(HeldToken::read(&empty.write()).unwrap().is_none());
        let text = String::from_utf8(held(None).write().to_vec()).unwrap();
        assert_eq!(
            HeldToken::read(text.replace("\"v\": 1", "\"v\": 2").as_bytes()).unwrap_err(),
            Useless::TooNew
        );
        for bad in [
            "{}".to_owned(),
            "[]".to_owned(),
            text.replace("\"v\": 1", "\"v\": 0"),
            text.replace("\"refresh\"", "\"re\\u0001fresh\""),
            text.replace("\"access\"", "7"),
            text[..text.len() / 2].to_owned(),
        ] {
            assert_eq!(HeldToken::read(bad.as_bytes()).unwrap_err(), Useless::Damaged, "{bad}");
        }
    }

    #[test]
    fn tokens_of_another_server_client_or_user_or_for_less_do_not_fit() {
        let held = held(None);
        assert!(held.fits(&grant(&["a", "b"]), "id"));
        assert!(held.fits(&grant(&["b"]), "id"));
        assert!(!held.fits(&grant(&["b", "c"]), "id"));
        assert!(!held.fits(&grant(&["a"]), "other"));
        assert!(!held.fits(&Grant { issuer: "https://x".into(), ..grant(&["a"]) }, "id"));
        assert!(!held.fits(&Grant { user: None, ..grant(&["a"]) }, "id"));
    }
}
