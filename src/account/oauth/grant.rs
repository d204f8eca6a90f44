//! What an account asks of which authorization server: its table of the file, and what the provider is known to want.

use super::provider::{Endpoints, Flow, Provider, TokenUses};
use super::settings::{OAuthSettings, TokenStore};
use crate::words::Failure;
use std::path::PathBuf;

/// What an account asks of an authorization server.
#[derive(Clone, Debug)]
pub struct Grant {
    pub settings: OAuthSettings,
    /// The account's name.
    pub account: String,
    /// The table of the file, for failures: `accounts.work.oauth`.
    pub place: String,
    /// The authorization server that its tokens belong to: they are shown to no other.
    pub issuer: String,
    /// The endpoints that are known. Where the settings name an issuer, it tells the others itself.
    pub endpoints: Endpoints,
    pub scopes: Vec<String>,
    /// What the tokens are for, where the server wants to know (`RFC 8707`).
    pub resource: Option<String>,
    /// Whose mail it is for; none: the program logs in in its own name.
    pub user: Option<String>,
    /// The certificate authorities of the account, for a server of it that has none of its own: a login trusts them too.
    pub ca_file: Option<PathBuf>,
}

/// Whether the server may register a client: the user has none, and it is or may be known where.
fn registers(settings: &OAuthSettings, endpoints: &Endpoints) -> bool {
    let is_known = settings.issuer.is_some() || endpoints.register.is_some();
    settings.client_id.is_none() && settings.flow.is_by_person() && is_known
}

/// The tenants that are none: whoever has an account of this sort.
const MANY: [&str; 3] = ["common", "consumers", "organizations"];

impl Grant {
    /// What the settings of an account come to. `user`: who logs in unless the settings name another. The error says
    /// what is wrong, and what mends it.
    pub fn new(
        settings: OAuthSettings,
        account: &str,
        place: &str,
        uses: TokenUses,
        user: Option<String>,
    ) -> Result<Self, (&'static str, &'static str)> {
        let tenant = settings.tenant.as_deref().unwrap_or("common");
        if settings.provider.is_some() && settings.issuer.is_some() {
            return Err(("it has both a provider and an issuer", "leave one of the two out"));
        }
        if settings.tenant.is_some() && settings.provider != Some(Provider::Microsoft) {
            return Err((
                "only Microsoft has tenants",
                "leave the tenant out, or set provider = \"microsoft\"",
            ));
        }
        let known = settings.provider.map(|provider| provider.endpoints(tenant)).unwrap_or_default();
        let named = settings.provider.map(|provider| provider.issuer(tenant));
        // Tokens of an endpoint that the user names are that endpoint's.
        let Some(issuer) = settings.token_url.clone().or(named).or_else(|| settings.issuer.clone()) else {
            return Err((
                "it names no authorization server",
                "provider = \"google\" (or microsoft, fastmail, yandex, mailru, yahoo), or issuer = URL, or token-url = URL",
            ));
        };
        let own = Endpoints {
            authorize: settings.authorize_url.clone(),
            token: settings.token_url.clone(),
            device: settings.device_url.clone(),
            revoke: settings.revoke_url.clone(),
            register: settings.register_url.clone(),
        };
        let endpoints = own.or(known);
        let registers = registers(&settings, &endpoints);
        let of_registered = settings.provider.filter(|_| registers);
        let of_provider = || {
            let usual = || settings.provider.map(|provider| provider.scopes(uses, settings.flow));
            of_registered.and_then(Provider::scopes_of_registered).or_else(usual)
        };
        let scopes = settings.scopes.clone().or_else(of_provider).unwrap_or_default();
        let resource = of_registered.and_then(Provider::resource_of_registered).map(str::to_owned);
        let resource = settings.resource.clone().or(resource);
        // A program is allowed into many mailboxes by the same token.
        let is_person = settings.flow != Flow::ClientCredentials;
        let user = settings.username.clone().or(user).filter(|_| is_person);
        Ok(Grant {
            account: account.to_owned(),
            place: place.to_owned(),
            issuer,
            endpoints,
            scopes,
            resource,
            user,
            ca_file: None,
            settings,
        })
    }

    pub fn provider(&self) -> Option<Provider> {
        self.settings.provider
    }

    pub fn flow(&self) -> Flow {
        self.settings.flow
    }

    /// Whether the endpoints are to be asked of the issuer.
    pub fn is_to_be_discovered(&self) -> bool {
        self.settings.issuer.is_some()
    }

    /// Whether a client may be registered at the login, because the user has none (`RFC 7591`).
    pub fn registers(&self) -> bool {
        registers(&self.settings, &self.endpoints)
    }

    /// The name under which the client is registered. Fails with `config` where the user has none yet.
    pub fn client_id(&self) -> Result<&str, Failure> {
        self.settings.client_id.as_deref().ok_or_else(|| {
            let hint = self.provider().map_or(
                "register a client with the provider, then `postie config set NAME oauth.client-id ID`",
                Provider::without_client,
            );
            self.fault("looking for the client: no client-id is set")
                .hint(hint.replace("NAME", &self.account))
        })
    }

    /// Looks for what is wrong with it before anything is sent. Fails with `config`.
    pub fn check(&self) -> Result<(), Failure> {
        self.check_service_account()?;
        if !self.registers() && self.flow() != Flow::ServiceAccount {
            self.client_id()?;
        }
        let OAuthSettings { client_certificate, client_key, token_store, .. } = &self.settings;
        if client_certificate.is_some() != client_key.is_some() {
            return Err(
                self.fault("looking for the certificate: client-certificate and client-key belong together")
            );
        }
        let commands = [&self.settings.token_load, &self.settings.token_save];
        if *token_store == TokenStore::Command && commands.iter().any(|command| command.is_none()) {
            return Err(self
                .fault("looking for the tokens: token-store = \"command\" wants token-load and token-save"));
        }
        if self.flow() == Flow::ClientCredentials {
            if self.settings.client_secret().is_none() && client_key.is_none() {
                return Err(self.fault(
                    "looking for the client: flow = \"client-credentials\" wants a client-secret, or client-certificate and client-key",
                ));
            }
            let tenant = self.settings.tenant.as_deref().unwrap_or("common");
            if self.provider() == Some(Provider::Microsoft) && MANY.contains(&tenant) {
                return Err(self
                    .fault("looking for the tenant: a program is of one tenant")
                    .hint("set tenant to the tenant's id or domain"));
            }
        }
        Ok(())
    }

    fn check_service_account(&self) -> Result<(), Failure> {
        match (self.flow(), &self.settings.service_account_key) {
            (Flow::ServiceAccount, None) => Err(self
                .fault(
                    "looking for the service account: flow = \"service-account\" wants service-account-key",
                )
                .hint(format!("`postie config set {} oauth.service-account-key FILE`", self.account))),
            (Flow::ServiceAccount, Some(_)) if self.user.is_none() => {
                Err(self.fault("looking for the mailbox: whose is it?").hint("set the account's email"))
            }
            (Flow::ServiceAccount, Some(_)) | (_, None) => Ok(()),
            (_, Some(_)) => Err(self
                .fault(
                    "looking for the service account: service-account-key wants flow = \"service-account\"",
                )
                .hint(format!("`postie config set {} oauth.flow service-account`", self.account))),
        }
    }

    /// What is wrong with the settings.
    pub fn fault(&self, what: &str) -> Failure {
        Failure::config(what).at(&self.place)
    }

    /// The command by which a person logs in.
    pub fn login_command(&self) -> String {
        format!("postie config login {}", self.account)
    }

    /// What the page for the login is given beside what the protocol wants.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let fixed = self.provider().map(Provider::parameters).unwrap_or_default();
        let mut all: Vec<(&'static str, String)> =
            fixed.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let takes_hint = self.provider().is_none_or(Provider::takes_login_hint);
        all.extend(self.user.clone().filter(|_| takes_hint).map(|user| ("login_hint", user)));
        all.extend(self.resource.clone().map(|resource| ("resource", resource)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Kind;

    const INCOMING: TokenUses = TokenUses { pop3: false, imap: true, smtp: false };

    fn grant(settings: OAuthSettings) -> Grant {
        Grant::new(settings, "work", "accounts.work.oauth", INCOMING, Some("ana@example.org".into())).unwrap()
    }

    fn of(provider: Provider) -> OAuthSettings {
        OAuthSettings { provider: Some(provider), client_id: Some("id".into()), ..OAuthSettings::default() }
    }

    #[test]
    fn a_provider_fills_in_what_the_settings_leave_open() {
        let made = grant(of(Provider::Google));
        assert_eq!(made.issuer, "https://accounts.google.com");
        assert_eq!(made.endpoints.token.as_deref(), Some("https://oauth2.googleapis.com/token"));
        assert_eq!(
            made.parameters(),
            [
                ("access_type", "offline".to_owned()),
                ("prompt", "consent".to_owned()),
                ("login_hint", "ana@example.org".to_owned())
            ]
        );
        assert!(made.check().is_ok());
        let made = grant(OAuthSettings {
            tenant: Some("example.org".into()),
            scopes: Some(vec!["x".into()]),
            revoke_url: Some("https://example.org/r".into()),
            ..of(Provider::Microsoft)
        });
        assert_eq!(made.issuer, "https://login.microsoftonline.com/example.org/v2.0");
        assert_eq!(
            made.endpoints.device.as_deref(),
            Some("https://login.microsoftonline.com/example.org/oauth2/v2.0/devicecode")
        );
        assert_eq!(made.endpoints.revoke.as_deref(), Some("https://example.org/r"));
        assert_eq!(made.scopes, ["x"]);
    }

    #[test]
    fn tokens_of_an_endpoint_that_the_user_names_belong_to_that_endpoint() {
        let url = "https://login.partner.example/token";
        let made = grant(OAuthSettings { token_url: Some(url.into()), ..of(Provider::Microsoft) });
        assert_eq!(made.issuer, url);
        assert_eq!(made.endpoints.token.as_deref(), Some(url));
        let own = OAuthSettings { token_url: Some(url.into()), ..OAuthSettings::default() };
        assert!(grant(own).scopes.is_empty());
    }

    #[test]
    fn whoever_has_no_client_is_told_how_to_get_one() {
        for provider in Provider::ALL.into_iter().filter(|provider| *provider != Provider::Fastmail) {
            let failure = grant(OAuthSettings { client_id: None, ..of(provider) }).check().unwrap_err();
            assert_eq!(failure.kind(), Kind::Config);
            assert!(failure.hint.unwrap().contains("https://"), "{provider:?}");
        }
        let failure =
            grant(OAuthSettings { client_id: None, ..of(Provider::Microsoft) }).check().unwrap_err();
        assert_eq!(failure.message, "accounts.work.oauth: looking for the client: no client-id is set");
        assert!(failure.hint.unwrap().contains("`postie config set work oauth.client-id ID`"));
    }

    #[test]
    fn a_client_that_registers_itself_asks_for_what_the_provider_gives_to_such() {
        let own = |client_id: Option<&str>| OAuthSettings {
            client_id: client_id.map(str::to_owned),
            ..of(Provider::Fastmail)
        };
        let made = grant(own(None));
        assert!(made.registers() && made.check().is_ok());
        assert_eq!(made.scopes, ["urn:ietf:params:oauth:scope:mail", "offline_access"]);
        assert_eq!(made.parameters(), [("resource", "https://api.fastmail.com/jmap/session".to_owned())]);
        let made = grant(own(Some("me")));
        assert!(!made.registers());
        assert_eq!(made.scopes, ["https://www.fastmail.com/dev/protocol-imap"]);
        assert_eq!(made.parameters(), []);
        let issuer =
            || OAuthSettings { issuer: Some("https://as.example".into()), ..OAuthSettings::default() };
        assert!(grant(issuer()).registers());
        assert!(!grant(OAuthSettings { flow: Flow::ClientCredentials, ..issuer() }).registers());
        assert!(!grant(OAuthSettings { client_id: None, ..of(Provider::Google) }).registers());
    }

    #[test]
    fn a_service_account_needs_its_key_and_a_mailbox_and_no_client() {
        let own = |flow, key: Option<&str>| OAuthSettings {
            client_id: None,
            flow,
            service_account_key: key.map(Into::into),
            ..of(Provider::Google)
        };
        let made = grant(own(Flow::ServiceAccount, Some("/k")));
        assert!(made.check().is_ok());
        assert_eq!(
            (made.user.as_deref(), &*made.scopes),
            (Some("ana@example.org"), &["https://mail.google.com/".to_owned()][..])
        );
        assert!(Grant { user: None, ..made }.check().is_err());
        for (flow, key) in
            [(Flow::ServiceAccount, None), (Flow::Code, Some("/k")), (Flow::ClientCredentials, Some("/k"))]
        {
            let settings = OAuthSettings { client_id: Some("me".into()), ..own(flow, key) };
            let failure = grant(settings).check().unwrap_err();
            assert_eq!(failure.kind(), Kind::Config);
            assert!(failure.message.contains("service account"), "{failure}");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
        let many = |settings: OAuthSettings| {
            Grant::new(settings, "work", "accounts.work.oauth", INCOMING, None)
                .map(|grant| grant.check().is_ok())
        };
        assert!(many(OAuthSettings::default()).is_err());
        assert!(
            many(OAuthSettings { issuer: Some("https://x.example".into()), ..of(Provider::Google) }).is_err()
        );
        assert!(many(OAuthSettings { tenant: Some("x".into()), ..of(Provider::Google) }).is_err());
        let refused = [
            OAuthSettings { client_key: Some("/k".into()), ..of(Provider::Microsoft) },
            OAuthSettings { token_store: TokenStore::Command, ..of(Provider::Microsoft) },
            OAuthSettings { flow: Flow::ClientCredentials, ..of(Provider::Google) },
            OAuthSettings {
                flow: Flow::ClientCredentials,
                client_key: Some("/k".into()),
                client_certificate: Some("/c".into()),
                ..of(Provider::Microsoft)
            },
        ];
        for settings in refused {
            assert_eq!(many(settings.clone()), Ok(false), "{settings:?}");
        }
    }

    #[test]
    fn a_program_logs_in_for_nobody_in_particular() {
        let made = grant(OAuthSettings { flow: Flow::ClientCredentials, ..of(Provider::Microsoft) });
        assert_eq!(made.user, None);
        assert_eq!(made.scopes, ["https://outlook.office365.com/.default"]);
    }
}
