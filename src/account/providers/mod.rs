//! The most used providers: their servers, the kind of secret they want, and where to switch POP on. For their
//! addresses `config add` needs no servers and asks nobody, and a refused login is explained.
//!
//! As of 2026, from the providers' own pages and Thunderbird's autoconfiguration data. All use the whole address as
//! the user name, except with [`UserName::Local`].

mod table;

use super::server::{Protocol, Server};
use crate::net::Security;
use crate::words::Address;
use std::net::IpAddr;

/// The kind of secret that a provider wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordKind {
    /// Only an OAuth2 access token.
    Token,
    /// A password made for one application (or an OAuth2 access token).
    AppPassword,
    /// A name and a password that the provider makes for programs that send.
    Credentials,
    /// The account's own password, or an app password if two-factor authentication is on.
    Password,
}

impl PasswordKind {
    /// For the middle of a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            PasswordKind::Token => "an OAuth2 token (`postie config login`), no password",
            PasswordKind::AppPassword => "an app password, not the password of the web site",
            PasswordKind::Credentials => "what is made for programs that send, not the login of the web site",
            PasswordKind::Password => {
                "the account's password, or an app password where two-factor login is on"
            }
        }
    }
}

/// The user name for the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UserName {
    /// By the whole address.
    Address,
    /// By the local part of the address.
    Local,
    /// By the local part by IMAP, else by the whole address.
    LocalByImap,
}

/// The facts about a provider.
#[derive(Clone, Copy, Debug)]
pub struct ProviderFacts {
    /// Its name.
    pub name: &'static str,
    /// The domains of its addresses.
    domains: &'static str,
    /// What the names of its MX hosts end in: a domain with one of these has its mail there.
    mx: &'static str,
    /// Its servers, `host:port/tls` or `host:port/starttls`; the first is the usual one. Empty: it has none.
    pop3: &'static str,
    imap: &'static str,
    smtp: &'static str,
    user: UserName,
    pub secret: PasswordKind,
    /// The name of its OAuth2 settings, the value of `oauth.provider`.
    pub oauth: Option<&'static str>,
    /// A condition for getting that secret.
    pub condition: Option<&'static str>,
    /// Where to switch POP on.
    pub pop_switch: Option<&'static str>,
    /// Where to switch IMAP on.
    imap_switch: Option<&'static str>,
    /// Its help page.
    pub help: &'static str,
    /// Anything else that may surprise.
    pub quirk: Option<&'static str>,
    /// The SMTP servers that file what is sent through them among the user's sent mail.
    files_sent: &'static [&'static str],
    /// Whether its mailboxes are moving to another provider, which the MX hosts tell.
    pub moves: bool,
}

/// A provider about which nothing is known.
const NOTHING: ProviderFacts = ProviderFacts {
    name: "",
    domains: "",
    mx: "",
    pop3: "",
    imap: "",
    smtp: "",
    user: UserName::Address,
    secret: PasswordKind::Password,
    oauth: None,
    condition: None,
    pop_switch: None,
    imap_switch: None,
    help: "",
    quirk: None,
    files_sent: &[],
    moves: false,
};

/// Reads a server of the table; `None` if it is not written as it should be.
fn place(text: &str) -> Option<(&str, u16, Security)> {
    let (place, security) = text.split_once('/')?;
    let (host, port) = place.split_once(':')?;
    let security = match security {
        "tls" => Security::Implicit,
        "starttls" => Security::StartTls,
        _ => return None,
    };
    Some((host, port.parse().ok()?, security))
}

impl ProviderFacts {
    /// Its server for `protocol`, with the user name for `email`; `None` if it has none.
    pub fn server(&self, protocol: Protocol, email: &Address) -> Option<Server> {
        let servers = match protocol {
            Protocol::Pop3 => self.pop3,
            Protocol::Imap => self.imap,
            Protocol::Smtp => self.smtp,
        };
        let (host, port, security) = place(servers.split_whitespace().next()?)?;
        let mut server = Server::new(protocol, host.to_owned(), security);
        server.port = port;
        let user = match (self.user, protocol) {
            (UserName::Local, _) | (UserName::LocalByImap, Protocol::Imap) => email.local(),
            (UserName::Address | UserName::LocalByImap, _) => email.as_str(),
        };
        server.username = Some(user.to_owned());
        Some(server)
    }

    fn hosts(&self) -> impl Iterator<Item = &'static str> {
        let servers = [self.pop3, self.imap, self.smtp].into_iter().flat_map(str::split_whitespace);
        servers.filter_map(|server| place(server).map(|(host, ..)| host))
    }

    /// What the user should know before adding an account, one sentence each; `by_token`: one that logs in by OAuth2.
    pub fn remarks(&self, by_token: bool) -> Vec<String> {
        let mut remarks = Vec::new();
        if !by_token || self.secret == PasswordKind::Token {
            remarks.push(format!("{} wants {}: {}", self.name, self.secret.describe(), self.help));
            remarks.extend(self.condition.map(str::to_owned));
        }
        remarks.extend(self.pop_switch.map(|page| format!("POP must be switched on first: {page}")));
        remarks.extend(self.quirk.map(str::to_owned));
        remarks
    }

    /// The hint for a refused login.
    pub fn advice(&self, protocol: Protocol) -> String {
        let mut advice = format!("{} wants {}", self.name, self.secret.describe());
        let switch = match protocol {
            Protocol::Pop3 => self.pop_switch.map(|page| ("POP", page)),
            Protocol::Imap => self.imap_switch.map(|page| ("IMAP", page)),
            Protocol::Smtp => None,
        };
        if let Some((what, page)) = switch {
            advice.push_str(&format!("; {what} must be switched on: {page}"));
        }
        // What is odd about logins by POP3.
        let is_odd = self.user == UserName::Local && protocol == Protocol::Pop3;
        if let Some(more) = self.quirk.filter(|_| is_odd).or(self.condition) {
            advice.push_str(&format!("; {more}"));
        }
        format!("{advice}; see {}", self.help)
    }
}

/// All providers.
fn all() -> impl Iterator<Item = &'static ProviderFacts> {
    table::ALL.iter().flat_map(|part| part.iter())
}

/// The provider of addresses in `domain`.
pub fn of_domain(domain: &str) -> Option<&'static ProviderFacts> {
    let domain = domain.to_ascii_lowercase();
    // Each tenant of Microsoft 365 has a name under this domain.
    let domain = if domain.ends_with(".onmicrosoft.com") { "onmicrosoft.com" } else { &domain };
    all().find(|provider| provider.domains.split_whitespace().any(|known| known == domain))
}

/// The provider that takes mail at the MX host `host`.
pub fn of_mx(host: &str) -> Option<&'static ProviderFacts> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let fits = |suffix: &&str| {
        host.strip_suffix(suffix).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    let longest = |provider: &&ProviderFacts| provider.mx.split_whitespace().filter(fits).map(str::len).max();
    all().filter(|provider| longest(provider).is_some()).max_by_key(longest)
}

/// The provider that runs `host`.
pub fn of_host(host: &str) -> Option<&'static ProviderFacts> {
    // A server on this machine (a bridge) is anybody's.
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    all().find(|provider| provider.hosts().any(|known| is_same(known, host)))
}

/// Whether `host` is `known`, in which `<…>` stands for one label.
fn is_same(known: &str, host: &str) -> bool {
    match known.split_once('<') {
        None => known.eq_ignore_ascii_case(host),
        Some((before, rest)) => {
            let after = rest.split_once('>').map_or("", |(_, after)| after);
            let host = host.to_ascii_lowercase();
            let label = host.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
        }
    }
}

/// Whether this SMTP server files what is sent through it among the user's sent mail, so that a copy of the client's
/// would be a second one.
pub fn files_sent(smtp_host: &str) -> bool {
    let mut hosts = all().flat_map(|provider| provider.files_sent);
    hosts.any(|known| known.eq_ignore_ascii_case(smtp_host))
}

/// The hint for a login that `server` refused; `None` if its provider is not known.
pub fn advice(server: &Server) -> Option<String> {
    of_host(&server.host).map(|provider| provider.advice(server.protocol))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_server_is_a_host_and_every_domain_belongs_to_one_provider() {
        let mut seen = HashSet::new();
        for provider in all() {
            for text in
                [provider.pop3, provider.imap, provider.smtp].into_iter().flat_map(str::split_whitespace)
            {
                let (host, port, _) = place(text).unwrap_or_else(|| panic!("{text}"));
                let sample = host.replace("<region>", "eu-west-1");
                assert_eq!(crate::account::server::host(&sample).as_deref(), Ok(sample.as_str()));
                assert!(port > 0 && host == host.to_ascii_lowercase(), "{text}");
            }
            for domain in provider.domains.split_whitespace() {
                assert!(seen.insert(domain), "{domain} is there twice");
                assert!(Address::parse(&format!("a@{domain}")).is_ok(), "{domain}");
                assert_eq!(of_domain(&domain.to_uppercase()).unwrap().name, provider.name);
            }
            for suffix in provider.mx.split_whitespace() {
                assert_eq!(of_mx(&format!("mx1.{suffix}.")).unwrap().name, provider.name);
            }
            assert!(!provider.name.is_empty() && provider.help.starts_with("https://"), "{}", provider.name);
            assert!(provider.oauth.is_none_or(|name| crate::account::oauth::Provider::read(name).is_ok()));
            assert!(!provider.smtp.is_empty(), "{}", provider.name);
            assert!(provider.pop_switch.is_none() || !provider.pop3.is_empty(), "{}", provider.name);
            assert!(provider.imap_switch.is_none() || !provider.imap.is_empty(), "{}", provider.name);
        }
        assert_eq!((all().count(), seen.len()), (55, 675));
    }

    #[test]
    fn a_domain_of_ones_own_is_known_by_its_mx_hosts() {
        let name = |host: &str| of_mx(host).map(|provider| provider.name);
        assert_eq!(name("ASPMX.L.google.com."), Some("Gmail"));
        assert_eq!(name("contoso-com.mail.protection.outlook.com"), Some("Microsoft 365"));
        assert_eq!(name("contoso-com.o-v1.mx.microsoft"), Some("Microsoft 365"));
        assert_eq!(name("hotmail-com.olc.protection.outlook.com"), Some("Outlook.com"));
        assert_eq!(name("in1-smtp.messagingengine.com"), Some("Fastmail"));
        assert_eq!(name("mx-aol.mail.gm0.yahoodns.net"), Some("AOL"));
        assert_eq!(name("mta5.am0.yahoodns.net"), Some("Yahoo Mail"));
        for other in ["mx.example.org", "google.com.example.org", "fakegoogle.com", "com", ""] {
            assert_eq!(name(other), None, "{other}");
        }
        assert!(of_domain("comcast.net").unwrap().moves);
    }

    #[test]
    fn a_region_in_a_host_and_servers_on_other_ports_are_known() {
        let name = |host: &str| of_host(host).map(|provider| provider.name);
        assert_eq!(name("email-smtp.eu-west-1.amazonaws.com"), Some("Amazon SES"));
        for other in
            ["email-smtp..amazonaws.com", "email-smtp.a.b.amazonaws.com", "127.0.0.1", "localhost", ""]
        {
            assert_eq!(name(other), None, "{other}");
        }
        let ana = Address::parse("ana@proton.me").unwrap();
        let bridge = of_domain("proton.me").unwrap().server(Protocol::Imap, &ana).unwrap();
        assert_eq!(bridge.label(), "ana@proton.me@127.0.0.1:1143");
        assert_eq!(bridge.security, Security::StartTls);
    }

    #[test]
    fn servers_have_the_user_that_the_provider_wants() {
        let user = |email: &str, protocol| {
            let email = Address::parse(email).unwrap();
            of_domain(email.domain()).unwrap().server(protocol, &email).map(|server| server.label())
        };
        let gmail = "ana@gmail.com";
        assert_eq!(user(gmail, Protocol::Pop3).as_deref(), Some("ana@gmail.com@pop.gmail.com:995"));
        assert_eq!(user("a@web.de", Protocol::Smtp).as_deref(), Some("a@smtp.web.de:465"));
        let outlook = user("a@hotmail.co.uk", Protocol::Smtp);
        assert_eq!(outlook.as_deref(), Some("a@hotmail.co.uk@smtp-mail.outlook.com:587"));
        assert_eq!(user("a@icloud.com", Protocol::Pop3), None);
        assert_eq!(user("a@icloud.com", Protocol::Imap).as_deref(), Some("a@imap.mail.me.com:993"));
        assert_eq!(
            user("a@icloud.com", Protocol::Smtp).as_deref(),
            Some("a@icloud.com@smtp.mail.me.com:587")
        );
        assert_eq!(of_domain("contoso.onmicrosoft.com").unwrap().name, "Microsoft 365");
        assert!(of_domain("example.org").is_none());
    }

    #[test]
    fn who_files_sent_mail_himself_is_known_by_the_smtp_server() {
        for host in ["smtp.gmail.com", "SMTP.office365.com", "smtp-mail.outlook.com", "smtp.mail.me.com"] {
            assert!(files_sent(host), "{host}");
        }
        // A relay of Google's files nothing, and most providers neither.
        for host in ["smtp-relay.gmail.com", "imap.gmail.com", "smtp.fastmail.com", "smtp.example.org", ""] {
            assert!(!files_sent(host), "{host}");
        }
    }

    #[test]
    fn a_refused_login_is_explained_where_the_host_is_known() {
        let server = |protocol, host: &str| Server::new(protocol, host.into(), Security::Implicit);
        let gmail = advice(&server(Protocol::Pop3, "POP.gmail.com")).unwrap();
        assert!(gmail.contains("app password") && gmail.contains("fwdandpop"), "{gmail}");
        let smtp = advice(&server(Protocol::Smtp, "smtp.gmail.com")).unwrap();
        assert!(!smtp.contains("fwdandpop"), "{smtp}");
        assert!(advice(&server(Protocol::Pop3, "pop3.web.de")).unwrap().contains("15 minutes"));
        assert!(advice(&server(Protocol::Smtp, "smtp.office365.com")).unwrap().contains("token"));
        let imap = advice(&server(Protocol::Imap, "imap.web.de")).unwrap();
        assert!(imap.contains("einschalten") && !imap.contains("15 minutes"), "{imap}");
        assert!(!advice(&server(Protocol::Imap, "imap.gmail.com")).unwrap().contains("switched on"));
        assert_eq!(advice(&server(Protocol::Smtp, "mail.example.org")), None);
    }
}
