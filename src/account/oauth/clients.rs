//! Clients that registered themselves (`RFC 7591`). Each is kept with the server that it is registered with, and serves all
//! accounts that want the same of it. None is registered again while it holds.

use super::endpoint;
use super::grant::Grant;
use super::held::text;
use super::keeper::PATIENCE;
use super::told;
use crate::account::Env;
use crate::codec::oauth::registration::{self, Registered, Registration};
use crate::net::{Http, Limits};
use crate::store::{AtStage as _, StoreError, TokenFile};
use crate::words::{Failure, Kind, Secret, Stage, clock};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use zeroize::Zeroizing;

/// The version of the format.
const VERSION: u32 = 1;

/// A registered client, as it is kept. Unknown members are passed over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptClient {
    v: u32,
    /// The server that knows it.
    pub issuer: String,
    pub client_id: String,
    #[serde(default, with = "text", skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// When the secret ends; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_expires_at: Option<Timestamp>,
    /// Where the browser is sent back to.
    pub redirect_uri: String,
    pub registered_at: Timestamp,
}

impl KeptClient {
    /// Whether the server still takes it, as far as that can be known.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.client_secret_expires_at.is_none_or(|end| now < end)
    }

    /// Reads one. What is damaged is none. Fails if a newer version wrote it.
    fn read(octets: &[u8]) -> Result<Option<Self>, ()> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        match serde_json::from_slice::<Version>(octets) {
            Ok(Version { v }) if v > VERSION => Err(()),
            _ => Ok(serde_json::from_slice::<KeptClient>(octets)
                .ok()
                .filter(|kept| !kept.client_id.is_empty())),
        }
    }

    fn write(&self) -> Zeroizing<Vec<u8>> {
        // It has its full size from the start, because growing it would leave copies behind.
        let mut octets = Zeroizing::new(Vec::with_capacity(64 * 1024));
        // Texts and numbers can always be written to memory.
        if serde_json::to_writer_pretty(&mut *octets, self).is_ok() {
            octets.push(b'\n');
        }
        octets
    }
}

/// Chooses where the browser is sent back to, of what the server has registered if it says; none: it has nothing of use.
pub type Choose<'a> = &'a dyn Fn(Option<&[String]>) -> Option<String>;

/// Keeps the client of one server, for accounts that want the same of it.
pub struct Clients<'a> {
    grant: &'a Grant,
    limits: &'a Limits,
    file: Result<TokenFile, Failure>,
}

impl<'a> Clients<'a> {
    pub fn new(grant: &'a Grant, env: &Env, limits: &'a Limits) -> Self {
        let settings = &grant.settings;
        let port = settings.redirect_port.map(|port| port.to_string()).unwrap_or_default();
        let back = settings.redirect_uri.as_deref().unwrap_or_default();
        let scopes = grant.scopes.join(" ");
        let parts = [grant.issuer.as_str(), back, &port, &scopes];
        let host = endpoint::place(&grant.issuer);
        let file = env.state_dir().map(|state| TokenFile::of_client(&state, &host, &parts));
        Clients { grant, limits, file }
    }

    /// The client, if one is registered. Fails with [`Kind::Config`], or as the file does.
    pub fn load(&self) -> Result<Option<KeptClient>, Failure> {
        let file = self.file.as_ref().map_err(Clone::clone)?;
        self.read(file, file.read().at(Stage::Authorization)?)
    }

    /// Registers one, unless another login has done so meanwhile. `refused`: the one that is not to be used any more.
    ///
    /// It is durable when it returns. Fails with [`Kind::Config`], [`Kind::Missing`], [`Kind::Deferred`],
    /// [`Kind::Protocol`], and the kinds of the network and the store.
    pub fn register(
        &self,
        http: &Http,
        endpoint: &str,
        own: &Registration<'_>,
        refused: Option<&KeptClient>,
        choose: Choose<'_>,
    ) -> Result<KeptClient, Failure> {
        let file = self.file.as_ref().map_err(Clone::clone)?;
        let end = self.limits.end;
        let wait = end.map_or(PATIENCE, |end| PATIENCE.min(end.saturating_duration_since(Instant::now())));
        let locked = file.lock(wait, &|| self.limits.stop.raised()).map_err(|error| self.unkept(error))?;
        let is_other = |kept: &KeptClient| refused.is_none_or(|refused| refused.client_id != kept.client_id);
        let kept = self.read(file, locked.read().at(Stage::Authorization)?)?;
        if let Some(kept) = kept.filter(|kept| is_other(kept) && kept.holds(clock::now())) {
            return Ok(kept);
        }
        // Before anything is asked for: a client that cannot be kept would be registered again and again.
        let room = locked.prepare().map_err(|error| self.unkept(error))?;
        let client = self.ask(http, endpoint, own, choose)?;
        let octets = client.write();
        if room.put(&octets).is_err() {
            // With another file, as for tokens.
            locked.prepare().and_then(|room| room.put(&octets)).map_err(|error| self.unkept(error))?;
        }
        Ok(client)
    }

    fn ask(
        &self,
        http: &Http,
        endpoint: &str,
        own: &Registration<'_>,
        choose: Choose<'_>,
    ) -> Result<KeptClient, Failure> {
        let answer = http.post_json(endpoint, &own.body()).map_err(|failure| match failure.kind() {
            // What is no answer may come from something between: that passes.
            Kind::Protocol => {
                failure.as_kind(Kind::Deferred).hint("run it again: the client is registered then")
            }
            _ => failure,
        })?;
        let registered_at = clock::now();
        let now = u64::try_from(registered_at.as_second()).unwrap_or_default();
        let refused = |no| told::not_registered(&no, self.grant, endpoint);
        let client = registration::read(answer.status, &answer.body, now).map_err(refused)?;
        let Registered { client_id, secret, secret_expires_at, redirect_uris } = client;
        let redirect_uri = choose(redirect_uris.as_deref());
        let redirect_uri = redirect_uri.ok_or_else(|| told::elsewhere(self.grant, endpoint))?;
        // A time that is too large for the calendar never comes.
        let ends = secret_expires_at.and_then(|end| Timestamp::from_second(i64::try_from(end).ok()?).ok());
        Ok(KeptClient {
            v: VERSION,
            issuer: self.grant.issuer.clone(),
            client_id,
            client_secret: secret,
            client_secret_expires_at: ends,
            redirect_uri,
            registered_at,
        })
    }

    fn read(
        &self,
        file: &TokenFile,
        octets: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Option<KeptClient>, Failure> {
        let Some(octets) = octets else { return Ok(None) };
        let kept = KeptClient::read(&octets).map_err(|()| {
            let message = "reading the registered client: a newer postie wrote it";
            Failure::new(Kind::Config, Stage::Authorization, message)
                .at(file.path().display())
                .hint("use that")
        })?;
        // The file's name is only a part of a hash.
        Ok(kept.filter(|kept| kept.issuer == self.grant.issuer))
    }

    /// The failure where a client cannot be kept.
    fn unkept(&self, error: StoreError) -> Failure {
        let hint = format!(
            "what is registered must be kept: make the directory writable; or register a client by hand, and `postie config set \
             {} oauth.client-id ID`",
            self.grant.account
        );
        let failure = error.failure(Stage::Authorization);
        if matches!(failure.kind(), Kind::Locked | Kind::Interrupted) { failure } else { failure.hint(hint) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> KeptClient {
        KeptClient {
            v: VERSION,
            issuer: "https://as.example".into(),
            client_id: "me".into(),
            client_secret: Some(Secret::new("S3CRET")),
            client_secret_expires_at: Timestamp::from_second(1000).ok(),
            redirect_uri: "http://127.0.0.1/callback".into(),
            registered_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_is_kept_reads_back_and_what_is_damaged_is_none() {
        let octets = kept().write();
        let read = KeptClient::read(&octets).unwrap().unwrap();
        assert_eq!(*read.write(), *octets);
        assert!(!format!("{read:?}").contains("S3CRET"));
        for end in 0..octets.len() - 2 {
            assert!(KeptClient::read(&octets[..end]).unwrap().is_none(), "{end}");
        }
        let text = String::from_utf8(octets.to_vec()).unwrap();
        assert!(KeptClient::read(text.replace("\"v\": 1", "\"v\": 2").as_bytes()).is_err());
        assert!(KeptClient::read(text.replace("\"me\"", "\"\"").as_bytes()).unwrap().is_none());
    }

    #[test]
    fn a_client_holds_until_its_secret_ends() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(kept().holds(at(999)) && !kept().holds(at(1000)));
        assert!(KeptClient { client_secret_expires_at: None, ..kept() }.holds(at(9_999_999)));
    }
}
