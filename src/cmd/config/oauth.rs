//! `config add` for an account that logs in by OAuth2: what is asked for.

use super::ask::{Asker, wrapped};
use super::guide::Way;
use crate::account::edit::Setting;
use crate::account::oauth::{Provider, endpoint, settings};
use crate::account::providers::{self, PasswordKind};
use crate::account::{Protocol, Server, terminal};
use crate::words::{Address, Failure, Secret};

/// Keys of an account and their values.
type OauthSettings = Vec<(&'static str, Setting)>;

/// Who gives the tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    Known(Provider),
    /// An issuer's address.
    Issuer(String),
}

impl Authority {
    /// Reads `--oauth`.
    pub fn read(text: &str) -> Result<Authority, String> {
        if text.contains("://") {
            return endpoint::url(text).map(Authority::Issuer);
        }
        let known = Provider::read(text).map(Authority::Known);
        known.map_err(|_| {
            let names = Provider::ALL.map(Provider::name).join(", ");
            format!("not one of {names}, and no address of an authorization server (https://…)")
        })
    }

    /// The keys for it and its client.
    pub fn settings(&self, client: Option<RegisteredClient>) -> OauthSettings {
        let mut settings: OauthSettings = vec![match self {
            Authority::Known(provider) => ("oauth.provider", Setting::Text(provider.name().into())),
            Authority::Issuer(url) => ("oauth.issuer", Setting::Text(url.clone())),
        }];
        if let Some(RegisteredClient { id, secret }) = client {
            settings.push(("oauth.client-id", Setting::Text(id)));
            settings.extend(secret.map(|secret| ("oauth.client-secret", Setting::Password(secret))));
        }
        settings
    }
}

/// A client that the user has registered.
pub struct RegisteredClient {
    pub id: String,
    pub secret: Option<Secret>,
}

/// OAuth2 as a choice for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    authority: Authority,
    /// Who takes nothing else.
    alone: Option<String>,
}

impl Offer {
    /// For an account with these servers and this address. `issuer`: what was found to give the tokens that they want,
    /// if they want them. `None` if nobody is known who does.
    pub fn of<'a>(
        servers: impl IntoIterator<Item = &'a Server>,
        email: &Address,
        issuer: Option<&str>,
    ) -> Option<Offer> {
        let by_domain = providers::of_domain(email.domain());
        let its_server = by_domain.and_then(|provider| provider.server(Protocol::Imap, email));
        let hosts: Vec<String> = servers.into_iter().map(|server| server.host.clone()).collect();
        let mut known = hosts.iter().chain(its_server.iter().map(|server| &server.host));
        if let Some(provider) = known.find_map(|host| Provider::of_host(host)) {
            let mail = hosts.iter().find_map(|host| providers::of_host(host)).or(by_domain);
            let alone =
                mail.filter(|mail| mail.secret == PasswordKind::Token).map(|mail| mail.name.to_owned());
            return Some(Offer { authority: Authority::Known(provider), alone });
        }
        // Many documents have a host where a URL should be.
        let issuer = issuer.map(|issuer| match issuer.contains("://") {
            true => issuer.to_owned(),
            false => format!("https://{issuer}"),
        })?;
        let authority = Authority::Issuer(endpoint::url(&issuer).ok()?);
        Some(Offer { authority, alone: Some(hosts.first()?.clone()) })
    }

    /// Who takes nothing but a token.
    pub fn alone(&self) -> Option<&str> {
        self.alone.as_deref()
    }

    /// Who gives the tokens, if nothing else is taken.
    pub fn only(self) -> Option<Authority> {
        self.alone.is_some().then_some(self.authority)
    }

    /// Asks for the client; gives the keys.
    pub fn ask(&self, asker: &mut Asker<'_>, name: &str) -> Result<OauthSettings, Failure> {
        let client = ask_client(asker, &self.authority, name)?;
        Ok(self.authority.settings(client))
    }
}

/// Asks for the client of the user.
pub fn ask_client(
    asker: &mut Asker<'_>,
    authority: &Authority,
    name: &str,
) -> Result<Option<RegisteredClient>, Failure> {
    let (how, question) = match authority {
        Authority::Issuer(_) => (
            "This needs a client id. The authorization server may register one at the login; if it does not, its operator does."
                .to_owned(),
            "Client id (empty: register one at the login)",
        ),
        Authority::Known(provider) => {
            let how = provider.without_client().replace("NAME", name);
            let how = format!("This needs a client id of your own; postie ships none. To get one: {how}");
            (how, "Client id (empty: not yet)")
        }
    };
    asker.say(&wrapped(&how));
    let id = asker.ask(question, Some(""), |text| match text {
        "" => Ok(None),
        text => settings::identifier(text).map(Some),
    })?;
    let Some(id) = id else { return Ok(None) };
    // Google's clients for programs have a secret, which it wants although it cannot be one.
    let secret = match authority {
        Authority::Known(Provider::Google) => Some(terminal::ask("Client secret: ", asker.limits)?),
        _ => None,
    };
    Ok(Some(RegisteredClient { id, secret }))
}

/// The ways to log in that can be chosen at the terminal.
pub fn read_way(text: &str, device: bool) -> Result<Option<Way>, String> {
    match text {
        "browser" => Ok(Some(Way::Usual)),
        "paste" => Ok(Some(Way::NoBrowser)),
        "device" if device => Ok(Some(Way::Device)),
        "later" => Ok(None),
        _ => Err("one of these words".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Security;

    fn offer(host: &str, email: &str, issuer: Option<&str>) -> Option<(Authority, Option<String>)> {
        let server = Server::new(Protocol::Imap, host.into(), Security::Implicit);
        let offer = Offer::of([&server], &Address::parse(email).unwrap(), issuer);
        offer.map(|offer| (offer.authority, offer.alone))
    }

    #[test]
    fn it_is_offered_where_the_provider_has_it() {
        for (host, email, wanted) in [
            ("imap.gmail.com", "a@company.example", Some((Provider::Google, None))),
            ("outlook.office365.com", "a@outlook.com", Some((Provider::Microsoft, Some("Outlook.com")))),
            ("localhost", "a@outlook.com", Some((Provider::Microsoft, Some("Outlook.com")))),
            ("imap.fastmail.com", "a@fastmail.com", Some((Provider::Fastmail, None))),
            ("imap.example.org", "a@example.org", None),
            ("imap.gmx.net", "a@gmx.de", None),
        ] {
            let wanted =
                wanted.map(|(provider, alone)| (Authority::Known(provider), alone.map(str::to_owned)));
            assert_eq!(offer(host, email, None), wanted, "{host} {email}");
        }
        for (issuer, wanted) in [
            ("https://login.example/x", Some("https://login.example/x")),
            ("login.example", Some("https://login.example")),
            ("http://login.example", None),
            ("not a host", None),
        ] {
            let found = offer("imap.example.org", "a@example.org", Some(issuer));
            let wanted =
                wanted.map(|url| (Authority::Issuer(url.into()), Some("imap.example.org".to_owned())));
            assert_eq!(found, wanted, "{issuer}");
        }
    }

    #[test]
    fn an_authority_is_a_provider_or_an_address() {
        assert_eq!(Authority::read("google"), Ok(Authority::Known(Provider::Google)));
        assert_eq!(
            Authority::read("https://login.example"),
            Ok(Authority::Issuer("https://login.example".into()))
        );
        for bad in ["gmail", "http://login.example", "", "login.example"] {
            assert!(Authority::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lines_fit_a_terminal_of_eighty_columns() {
        for provider in Provider::ALL {
            let text = wrapped(provider.without_client());
            for line in text.lines() {
                assert!(
                    line.starts_with("  ") && (line.chars().count() <= 80 || !line.trim().contains(' ')),
                    "{line}"
                );
            }
        }
    }
}
