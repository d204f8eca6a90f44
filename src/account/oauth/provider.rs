//! The large providers, as of 2026, from their own pages: endpoints, scopes, and what their users are told. No client
//! is registered for postie anywhere: each user has their own.

/// How tokens are had first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// A person allows it in a browser (`RFC 6749 §4.1`, `RFC 7636`, `RFC 8252`).
    #[default]
    Code,
    /// A person allows it in a browser elsewhere (`RFC 8628`).
    Device,
    /// The program itself is allowed to (`RFC 6749 §4.4`).
    ClientCredentials,
    /// A service account speaks for the user, as its organisation allows it to (`RFC 7523 §2.1`).
    ServiceAccount,
}

impl Flow {
    const ALL: [Flow; 4] = [Flow::Code, Flow::Device, Flow::ClientCredentials, Flow::ServiceAccount];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Flow::Code => "code",
            Flow::Device => "device",
            Flow::ClientCredentials => "client-credentials",
            Flow::ServiceAccount => "service-account",
        }
    }

    pub fn read(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|flow| flow.name() == text);
        found.ok_or_else(|| "not one of code, device, client-credentials, service-account".into())
    }

    /// Whether a person logs in, once.
    pub fn is_by_person(self) -> bool {
        matches!(self, Flow::Code | Flow::Device)
    }
}

/// Which of its servers an account logs in to by tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenUses {
    pub pop3: bool,
    pub imap: bool,
    pub smtp: bool,
}

/// The endpoints of an authorization server, as far as they are known (`RFC 6749 §3`, `RFC 8628 §3.1`, `RFC 7009 §2`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    pub authorize: Option<String>,
    pub token: Option<String>,
    pub device: Option<String>,
    pub revoke: Option<String>,
    /// `RFC 7591 §3`
    pub register: Option<String>,
}

impl Endpoints {
    /// These, their gaps filled by others.
    pub fn or(self, others: Endpoints) -> Self {
        Endpoints {
            authorize: self.authorize.or(others.authorize),
            token: self.token.or(others.token),
            device: self.device.or(others.device),
            revoke: self.revoke.or(others.revoke),
            register: self.register.or(others.register),
        }
    }
}

/// What is asked of an issuer for which nobody has set scopes, as far as it knows them: all of mail
/// (draft-ietf-mailmaint-oauth-public), and a token to refresh.
pub const USUAL_SCOPES: [&str; 2] = ["urn:ietf:params:oauth:scope:mail", "offline_access"];

/// The value of `oauth.provider`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Google,
    Microsoft,
    Fastmail,
    Yandex,
    MailRu,
    Yahoo,
}

/// What is asked of everybody who logs in.
pub type LoginParameters = &'static [(&'static str, &'static str)];

impl Provider {
    pub const ALL: [Provider; 6] = [
        Provider::Google,
        Provider::Microsoft,
        Provider::Fastmail,
        Provider::Yandex,
        Provider::MailRu,
        Provider::Yahoo,
    ];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Google => "google",
            Provider::Microsoft => "microsoft",
            Provider::Fastmail => "fastmail",
            Provider::Yandex => "yandex",
            Provider::MailRu => "mailru",
            Provider::Yahoo => "yahoo",
        }
    }

    pub fn read(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|provider| provider.name() == text).ok_or_else(|| {
            format!("not one of {}; any other server is named by issuer or token-url", names())
        })
    }

    /// The provider that runs this mail server.
    pub fn of_host(host: &str) -> Option<Self> {
        let ends = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        let of = |domains: &[&str], provider: Provider| domains.iter().any(|it| ends(it)).then_some(provider);
        of(&["gmail.com", "googlemail.com"], Provider::Google)
            .or_else(|| of(&["office365.com", "outlook.com"], Provider::Microsoft))
            .or_else(|| of(&["fastmail.com"], Provider::Fastmail))
            .or_else(|| of(&["yandex.ru", "yandex.com"], Provider::Yandex))
            .or_else(|| of(&["mail.ru"], Provider::MailRu))
            .or_else(|| of(&["yahoo.com"], Provider::Yahoo))
    }

    /// The name of the authorization server. `tenant`: Microsoft's; else it is not looked at.
    pub fn issuer(self, tenant: &str) -> String {
        match self {
            Provider::Google => "https://accounts.google.com".into(),
            Provider::Microsoft => format!("https://login.microsoftonline.com/{tenant}/v2.0"),
            Provider::Fastmail => "https://api.fastmail.com".into(),
            Provider::Yandex => "https://oauth.yandex.ru".into(),
            Provider::MailRu => "https://o2.mail.ru".into(),
            Provider::Yahoo => "https://api.login.yahoo.com".into(),
        }
    }

    /// Its endpoints. Google's for devices is left out: it refuses the scope for mail.
    pub fn endpoints(self, tenant: &str) -> Endpoints {
        let of = |authorize: &str, token: &str, device: Option<&str>, revoke: Option<&str>| Endpoints {
            authorize: Some(authorize.into()),
            token: Some(token.into()),
            device: device.map(Into::into),
            revoke: revoke.map(Into::into),
            register: None,
        };
        match self {
            Provider::Google => of(
                "https://accounts.google.com/o/oauth2/v2/auth",
                "https://oauth2.googleapis.com/token",
                None,
                Some("https://oauth2.googleapis.com/revoke"),
            ),
            Provider::Microsoft => {
                let base = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0");
                let device = format!("{base}/devicecode");
                of(&format!("{base}/authorize"), &format!("{base}/token"), Some(&device), None)
            }
            // Its token endpoint is called so for codes, too.
            Provider::Fastmail => Endpoints {
                register: Some("https://api.fastmail.com/oauth/register".into()),
                ..of(
                    "https://api.fastmail.com/oauth/authorize",
                    "https://api.fastmail.com/oauth/refresh",
                    None,
                    Some("https://api.fastmail.com/oauth/revoke"),
                )
            },
            Provider::Yandex => of(
                "https://oauth.yandex.ru/authorize",
                "https://oauth.yandex.ru/token",
                Some("https://oauth.yandex.ru/device/code"),
                Some("https://oauth.yandex.ru/revoke_token"),
            ),
            Provider::MailRu => of("https://o2.mail.ru/login", "https://o2.mail.ru/token", None, None),
            Provider::Yahoo => of(
                "https://api.login.yahoo.com/oauth2/request_auth",
                "https://api.login.yahoo.com/oauth2/get_token",
                None,
                Some("https://api.login.yahoo.com/oauth2/revoke"),
            ),
        }
    }

    /// What the account's servers need, and no more.
    pub fn scopes(self, uses: TokenUses, flow: Flow) -> Vec<String> {
        let some = |all: &[(bool, &str)]| {
            all.iter().filter(|(wanted, _)| *wanted).map(|(_, scope)| (*scope).to_owned()).collect()
        };
        match self {
            Provider::Google => some(&[(true, "https://mail.google.com/")]),
            Provider::Microsoft if flow == Flow::ClientCredentials => {
                some(&[(true, "https://outlook.office365.com/.default")])
            }
            // Without offline_access there is no refresh token.
            Provider::Microsoft => some(&[
                (uses.pop3, "https://outlook.office.com/POP.AccessAsUser.All"),
                (uses.imap, "https://outlook.office.com/IMAP.AccessAsUser.All"),
                (uses.smtp, "https://outlook.office.com/SMTP.Send"),
                (true, "offline_access"),
            ]),
            Provider::Fastmail => some(&[
                (uses.pop3, "https://www.fastmail.com/dev/protocol-pop"),
                (uses.imap, "https://www.fastmail.com/dev/protocol-imap"),
                (uses.smtp, "https://www.fastmail.com/dev/protocol-smtp"),
            ]),
            Provider::Yandex => some(&[(uses.imap, "mail:imap_full"), (uses.smtp, "mail:smtp")]),
            Provider::MailRu => some(&[(true, "userinfo"), (true, "mail.imap")]),
            Provider::Yahoo => some(&[(true, "mail-w")]),
        }
    }

    /// What a client asks for that has registered itself, where that is not the same.
    pub fn scopes_of_registered(self) -> Option<Vec<String>> {
        match self {
            Provider::Fastmail => Some(USUAL_SCOPES.map(str::to_owned).to_vec()),
            _ => None,
        }
    }

    /// What such a client has to say its tokens are for (`RFC 8707`).
    pub fn resource_of_registered(self) -> Option<&'static str> {
        match self {
            Provider::Fastmail => Some("https://api.fastmail.com/jmap/session"),
            _ => None,
        }
    }

    /// What its page for the login is given in addition (`RFC 6749 §4.1.1`).
    pub fn parameters(self) -> LoginParameters {
        match self {
            // Without both there is no refresh token, or none the second time.
            Provider::Google => &[("access_type", "offline"), ("prompt", "consent")],
            Provider::Yandex => &[("force_confirm", "yes")],
            _ => &[],
        }
    }

    /// Whether its page takes the address that is to log in (`login_hint`).
    pub fn takes_login_hint(self) -> bool {
        !matches!(self, Provider::MailRu | Provider::Fastmail)
    }

    /// The name of the field with the token that is to hold no more (`RFC 7009 §2.1`: `token`).
    pub fn revocation_field(self) -> &'static str {
        match self {
            Provider::Yandex => "access_token",
            _ => "token",
        }
    }

    /// The page on which a user ends what was granted.
    pub fn permissions_page(self) -> &'static str {
        match self {
            Provider::Google => "https://myaccount.google.com/connections",
            Provider::Microsoft => "https://account.live.com/consent/Manage or https://myapps.microsoft.com",
            Provider::Fastmail => "https://app.fastmail.com/settings/security/integrations",
            Provider::Yandex => "https://id.yandex.ru/personal/data-access",
            Provider::MailRu => "https://account.mail.ru/user/2-step-auth/passwords",
            Provider::Yahoo => "https://login.yahoo.com/account/security",
        }
    }

    /// The shortest true way of somebody who has no client registered.
    pub fn without_client(self) -> &'static str {
        match self {
            Provider::Google => {
                "an app password is simpler (2-Step Verification on): https://myaccount.google.com/apppasswords; or \
                 register a client of your own (type Desktop, publish it): https://console.cloud.google.com/auth/clients, \
                 then `postie config set NAME oauth.client-id ID`, and its oauth.client-secret"
            }
            Provider::Microsoft => {
                "register a client of your own (free): https://entra.microsoft.com, App registrations, platform Mobile \
                 and desktop, redirect http://localhost, \"Allow public client flows\" on; then `postie config set \
                 NAME oauth.client-id ID`"
            }
            Provider::Fastmail => {
                "an app password is simpler: https://app.fastmail.com/settings/security/apppw; or set no client id, and \
                 `postie config login NAME` registers a client of its own"
            }
            Provider::Yandex => {
                "an app password is simpler: https://id.yandex.ru/security/app-passwords; or register a client of your \
                 own: https://oauth.yandex.ru/client/new"
            }
            Provider::MailRu => {
                "an app password is simpler: https://account.mail.ru/user/2-step-auth/passwords; or register a client \
                 of your own: https://o2.mail.ru/app/"
            }
            Provider::Yahoo => {
                "use an app password: https://login.yahoo.com/account/security (Yahoo registers no new clients for mail)"
            }
        }
    }

    /// Why a refresh token of this provider usually ends.
    pub fn usual_end(self) -> &'static str {
        match self {
            Provider::Google => {
                "Google ends it after 7 days while the client is in \"Testing\", after 6 months unused, and with a new password"
            }
            Provider::Microsoft => "Microsoft ends it after 90 days unused, and with a new password",
            Provider::Yahoo => "Yahoo ends it with a new password",
            Provider::Fastmail | Provider::Yandex | Provider::MailRu => {
                "it ends when it is unused for long, revoked, or used twice"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::endpoint;
    use super::*;

    const ALL: TokenUses = TokenUses { pop3: true, imap: true, smtp: true };

    #[test]
    fn names_read_back_and_nothing_else_does() {
        for provider in Provider::ALL {
            assert_eq!(Provider::read(provider.name()), Ok(provider));
        }
        assert!(Provider::read("gmail").unwrap_err().contains("google, microsoft"));
    }

    #[test]
    fn every_endpoint_is_one_that_secrets_may_go_to() {
        for provider in Provider::ALL {
            let Endpoints { authorize, token, device, revoke, register } = provider.endpoints("common");
            assert!(authorize.is_some() && token.is_some(), "{provider:?}");
            for url in [authorize, token, device, revoke, register, Some(provider.issuer("common"))]
                .into_iter()
                .flatten()
            {
                assert_eq!(endpoint::url(&url).as_deref(), Ok(&*url));
                assert!(url.starts_with("https://"), "{url}");
            }
        }
    }

    #[test]
    fn only_the_protocols_that_an_account_has_are_asked_for() {
        let scopes = |provider: Provider, uses| provider.scopes(uses, Flow::Code).join(" ");
        let pop3 = TokenUses { pop3: true, ..TokenUses::default() };
        let outgoing = TokenUses { smtp: true, ..TokenUses::default() };
        assert_eq!(
            scopes(Provider::Microsoft, pop3),
            "https://outlook.office.com/POP.AccessAsUser.All offline_access"
        );
        assert_eq!(
            scopes(Provider::Microsoft, outgoing),
            "https://outlook.office.com/SMTP.Send offline_access"
        );
        assert_eq!(scopes(Provider::Fastmail, outgoing), "https://www.fastmail.com/dev/protocol-smtp");
        assert_eq!(scopes(Provider::Yandex, ALL), "mail:imap_full mail:smtp");
        assert_eq!(scopes(Provider::Google, outgoing), "https://mail.google.com/");
        assert_eq!(scopes(Provider::MailRu, ALL), "userinfo mail.imap");
        assert_eq!(scopes(Provider::Yahoo, ALL), "mail-w");
        assert_eq!(
            Provider::Microsoft.scopes(ALL, Flow::ClientCredentials),
            ["https://outlook.office365.com/.default"]
        );
    }

    #[test]
    fn mail_servers_belong_to_their_provider() {
        for (host, wanted) in [
            ("imap.gmail.com", Some(Provider::Google)),
            ("outlook.office365.com", Some(Provider::Microsoft)),
            ("smtp-mail.outlook.com", Some(Provider::Microsoft)),
            ("imap.fastmail.com", Some(Provider::Fastmail)),
            ("imap.yandex.ru", Some(Provider::Yandex)),
            ("imap.mail.ru", Some(Provider::MailRu)),
            ("smtp.mail.yahoo.com", Some(Provider::Yahoo)),
            ("notgmail.com", None),
            ("gmail.com.example.org", None),
        ] {
            assert_eq!(Provider::of_host(host), wanted, "{host}");
        }
    }
}
