//! In whose name a token is asked for, and what proves it: the client of the user, one that registered itself, or a service
//! account.

use super::clients::{Clients, KeptClient};
use super::provider::Flow;
use super::renewal::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TokenSource};
use super::told;
use crate::account::{obtain, secret_file};
use crate::codec::oauth::assertion::Signer;
use crate::codec::oauth::service_key::{self, ServiceKey};
use crate::codec::oauth::{self as codec, Client, Proof, Request};
use crate::net::small_file::{self, MAX_CERTIFICATES};
use crate::words::{Failure, Secret, clock};
use std::path::Path;

impl TokenSource {
    /// The name of the client. Fails with `config` where there is none, and with `auth` where it is registered by a login.
    pub fn client_id(&self) -> Result<String, Failure> {
        match self.known_client()? {
            Some(id) => Ok(id),
            // A refresh token that is given belongs to a client that is to be named.
            None if self.grant.registers() && self.variable(REFRESH_TOKEN)?.is_none() => {
                Err(told::login_needed(&self.grant, "nobody has logged in yet"))
            }
            None => self.grant.client_id().map(str::to_owned),
        }
    }

    /// The same, if there is one.
    pub fn known_client(&self) -> Result<Option<String>, Failure> {
        if self.grant.flow() == Flow::ServiceAccount {
            return self.service_account().map(|key| Some(key.email));
        }
        if let Some(named) = self.named_client()? {
            return Ok(Some(named));
        }
        Ok(self.registered_client()?.map(|kept| kept.client_id))
    }

    /// The client that the user names.
    pub fn named_client(&self) -> Result<Option<String>, Failure> {
        match self.variable(CLIENT_ID)? {
            Some(id) => {
                let id = String::from_utf8_lossy(id.expose());
                let read = super::settings::identifier(&id);
                read.map(Some).map_err(|what| Failure::config(format!("${CLIENT_ID}: reading: {what}")))
            }
            None => Ok(self.grant.settings.client_id.clone()),
        }
    }

    /// The client that registered itself.
    pub fn registered_client(&self) -> Result<Option<KeptClient>, Failure> {
        if !self.grant.registers() || self.named_client()?.is_some() {
            return Ok(None);
        }
        self.clients().load()
    }

    /// Where such clients are kept.
    pub fn clients(&self) -> Clients<'_> {
        Clients::new(&self.grant, &self.env, &self.limits)
    }

    /// The client, with what it shows at this endpoint.
    pub fn client(&self, url: &str) -> Result<Client, Failure> {
        let id = self.client_id()?;
        if let Some(secret) = self.variable(CLIENT_SECRET)? {
            return Ok(Client { id, proof: Proof::Post(secret) });
        }
        let settings = &self.grant.settings;
        let proof = match (settings.client_secret(), &settings.client_certificate, &settings.client_key) {
            (Some(named), ..) => {
                Proof::Post(obtain::obtain(&named.source, &named.by, &self.env, &self.limits)?)
            }
            (None, Some(certificate), Some(key)) => {
                Proof::Assertion(self.assertion(&id, url, (certificate, key))?)
            }
            _ => self.proof_of_registered()?,
        };
        Ok(Client { id, proof })
    }

    fn proof_of_registered(&self) -> Result<Proof, Failure> {
        let Some(kept) = self.registered_client()? else { return Ok(Proof::None) };
        match (kept.holds(clock::now()), kept.client_secret) {
            (true, Some(secret)) => Ok(Proof::Post(secret)),
            (true, None) => Ok(Proof::None),
            (false, _) => Err(told::login_needed(
                &self.grant,
                "the registered client's secret has ended, and a login registers another",
            )),
        }
    }

    fn assertion(&self, id: &str, url: &str, (certificate, key): (&Path, &Path)) -> Result<Secret, Failure> {
        let failed = |what: String| self.grant.fault(&format!("client-certificate: {what}"));
        let pem = small_file::read(certificate, MAX_CERTIFICATES, &self.limits).map_err(|unread| {
            failed(format!("{}: {unread}", certificate.display())).as_kind(unread.kind())
        })?;
        let key = secret_file::content(key, "client-key", &self.env, &self.limits)?;
        let signer = Signer::read(&pem, key.expose()).map_err(|what| failed(what.into()))?;
        let unique = unique().map_err(failed)?;
        signer.assertion(id, url, now(), &unique).map_err(|error| failed(error.to_string()))
    }

    /// The request for a token without a person, to this endpoint.
    pub(super) fn own_request(&self, url: &str) -> Result<Request, Failure> {
        let scopes = &self.grant.scopes;
        if self.grant.flow() != Flow::ServiceAccount {
            let form = codec::for_resource(codec::client_credentials(scopes), self.grant.resource.as_deref());
            return Ok(self.client(url)?.request(form));
        }
        let failed = |what: String| self.grant.fault(&format!("service-account-key: signing: {what}"));
        let ServiceKey { email, signer } = self.service_account()?;
        let user = self.grant.user.as_deref().unwrap_or_default();
        let unique = unique().map_err(failed)?;
        let assertion = signer.for_user((&email, user, &scopes.join(" ")), url, now(), &unique);
        Ok(codec::by_assertion(&assertion.map_err(|error| failed(error.to_string()))?))
    }

    fn service_account(&self) -> Result<ServiceKey, Failure> {
        self.grant.check()?;
        let path = self.grant.settings.service_account_key.as_deref().unwrap_or(Path::new(""));
        let place = format!("{}.service-account-key", self.grant.place);
        let octets = secret_file::content(path, &place, &self.env, &self.limits)?;
        service_key::read(octets.expose()).map_err(|what| {
            let failure = Failure::config(format!("{}: reading the key of the service account: {what}", path.display()));
            failure.at(&place).hint(
                "console.cloud.google.com, IAM & Admin, Service accounts, Keys, Add key, JSON makes such a file",
            )
        })
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    u64::try_from(clock::now().as_second()).unwrap_or_default()
}

/// A value that no other assertion has.
fn unique() -> Result<String, String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    Ok(random.iter().map(|octet| format!("{octet:02x}")).collect())
}
