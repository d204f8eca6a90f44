//! The most used providers: their servers, the kind of secret they want, and where to switch POP on. For their
//! addresses `config add` needs no servers, and a refused login is explained.
//!
//! As of 2026, from the providers' own pages and Thunderbird's autoconfiguration data. All use the whole address as
//! the user name, except with [`Provider::local_user`].

use super::server::{Protocol, Server};
use crate::net::Security;
use crate::words::Address;

/// The kind of secret that a provider wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordKind {
    /// Only an OAuth2 access token.
    Token,
    /// A password made for one application (or an OAuth2 access token).
    AppPassword,
    /// The account's own password, or an app password if two-factor authentication is on.
    Password,
}

impl PasswordKind {
    /// For the middle of a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            PasswordKind::Token => "an OAuth2 access token (token-command), no password",
            PasswordKind::AppPassword => "an app password, not the password of the web site",
            PasswordKind::Password => {
                "the account's password, or an app password where two-factor login is on"
            }
        }
    }
}

/// The facts about a provider.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    /// Its name.
    pub name: &'static str,
    domains: &'static str,
    pop3: Option<(&'static str, Security)>,
    smtp: (&'static str, Security),
    /// Whether the user name is only the local part of the address.
    pub local_user: bool,
    pub secret: PasswordKind,
    /// On what the secret depends.
    pub condition: Option<&'static str>,
    /// Where to switch POP on.
    pub pop_switch: Option<&'static str>,
    /// Its help page.
    pub help: &'static str,
    /// Anything else that may surprise.
    pub quirk: Option<&'static str>,
}

impl Provider {
    /// Its server for `protocol`, with the user name for `email`; `None` if it has none.
    pub fn server(&self, protocol: Protocol, email: &Address) -> Option<Server> {
        let (host, security) = match protocol {
            Protocol::Pop3 => self.pop3?,
            Protocol::Imap => return None,
            Protocol::Smtp => self.smtp,
        };
        let mut server = Server::new(protocol, host.to_owned(), security);
        let user = if self.local_user { email.local() } else { email.as_str() };
        server.username = Some(user.to_owned());
        Some(server)
    }

    /// What the user should know before adding an account, one sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = vec![format!("{} wants {}: {}", self.name, self.secret.describe(), self.help)];
        remarks.extend(self.condition.map(str::to_owned));
        remarks.extend(self.pop_switch.map(|page| format!("POP must be switched on first: {page}")));
        remarks.extend(self.quirk.map(str::to_owned));
        remarks
    }

    /// The hint for a refused login.
    pub fn advice(&self, protocol: Protocol) -> String {
        let mut advice = format!("{} wants {}", self.name, self.secret.describe());
        if let (Protocol::Pop3, Some(page)) = (protocol, self.pop_switch) {
            advice.push_str(&format!("; POP must be switched on: {page}"));
        }
        if let Some(more) = self.quirk.filter(|_| self.local_user).or(self.condition) {
            advice.push_str(&format!("; {more}"));
        }
        format!("{advice}; see {}", self.help)
    }
}

/// The provider of addresses in `domain`.
pub fn of_domain(domain: &str) -> Option<&'static Provider> {
    let domain = domain.to_ascii_lowercase();
    // Each tenant of Microsoft 365 has a name under this domain.
    let domain = if domain.ends_with(".onmicrosoft.com") { "onmicrosoft.com" } else { &domain };
    PROVIDERS.iter().find(|provider| provider.domains.split_whitespace().any(|known| known == domain))
}

/// The provider that runs `host`.
pub fn of_host(host: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| {
        let hosts = provider.pop3.iter().chain(std::iter::once(&provider.smtp));
        hosts.into_iter().any(|(known, _)| known.eq_ignore_ascii_case(host))
    })
}

/// The hint for a login that `server` refused; `None` if its provider is not known.
pub fn advice(server: &Server) -> Option<String> {
    of_host(&server.host).map(|provider| provider.advice(server.protocol))
}

/// The providers.
pub static PROVIDERS: &[Provider] = &[
    Provider {
        name: "Gmail",
        domains: "gmail.com googlemail.com",
        pop3: Some(("pop.gmail.com", Security::Implicit)),
        smtp: ("smtp.gmail.com", Security::Implicit),
        local_user: false,
        secret: PasswordKind::AppPassword,
        condition: Some("2-Step Verification must be on; the account's own password is refused"),
        pop_switch: Some("https://mail.google.com/mail/u/0/#settings/fwdandpop"),
        help: "https://support.google.com/mail/answer/7104828",
        quirk: Some(
            "what was fetched is never listed again; \"recent:\" before the user name lists the last 30 days",
        ),
    },
    Provider {
        name: "Outlook.com",
        domains: "hotmail.com live.com msn.com outlook.com windowslive.com outlook.at outlook.be outlook.cl \
            outlook.cz outlook.de outlook.dk outlook.es outlook.fr outlook.hu outlook.ie outlook.in \
            outlook.it outlook.jp outlook.kr outlook.lv outlook.my outlook.ph outlook.pt outlook.sa \
            outlook.sg outlook.sk outlook.co.id outlook.co.il outlook.co.th outlook.com.ar \
            outlook.com.au outlook.com.br outlook.com.gr outlook.com.tr outlook.com.vn hotmail.be \
            hotmail.ca hotmail.cl hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fi hotmail.fr \
            hotmail.gr hotmail.hu hotmail.it hotmail.lt hotmail.lv hotmail.my hotmail.nl hotmail.no \
            hotmail.ph hotmail.rs hotmail.se hotmail.sg hotmail.sk hotmail.co.id hotmail.co.il \
            hotmail.co.in hotmail.co.jp hotmail.co.kr hotmail.co.th hotmail.co.uk hotmail.co.za \
            hotmail.com.ar hotmail.com.au hotmail.com.br hotmail.com.hk hotmail.com.tr hotmail.com.tw \
            hotmail.com.vn live.at live.be live.ca live.cl live.cn live.de live.dk live.fi live.fr \
            live.hk live.ie live.in live.it live.jp live.nl live.no live.ru live.se live.co.jp \
            live.co.kr live.co.uk live.co.za live.com.ar live.com.au live.com.mx live.com.my live.com.ph \
            live.com.pt live.com.sg livemail.tw",
        pop3: Some(("outlook.office365.com", Security::Implicit)),
        smtp: ("smtp-mail.outlook.com", Security::StartTls),
        local_user: false,
        secret: PasswordKind::Token,
        condition: Some("passwords and app passwords have been refused since September 2024"),
        pop_switch: Some("https://outlook.live.com/mail/0/options/mail/popAndImap"),
        help: "https://support.microsoft.com/office/d088b986-291d-42b8-9564-9c414e2aa040",
        quirk: None,
    },
    Provider {
        name: "Microsoft 365",
        domains: "office365.com onmicrosoft.com",
        pop3: Some(("outlook.office365.com", Security::Implicit)),
        smtp: ("smtp.office365.com", Security::StartTls),
        local_user: false,
        secret: PasswordKind::Token,
        condition: Some("an administrator switches POP, IMAP and SMTP AUTH on for each mailbox"),
        pop_switch: None,
        help: "https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth",
        quirk: None,
    },
    Provider {
        name: "Yahoo Mail",
        domains: "yahoo.com yahoo.ca yahoo.de yahoo.it yahoo.fr yahoo.es yahoo.se yahoo.co.in yahoo.co.uk \
            yahoo.co.nz yahoo.com.au yahoo.com.ar yahoo.com.br yahoo.com.mx ymail.com myyahoo.com \
            rocketmail.com cox.net",
        pop3: Some(("pop.mail.yahoo.com", Security::Implicit)),
        smtp: ("smtp.mail.yahoo.com", Security::Implicit),
        local_user: false,
        secret: PasswordKind::AppPassword,
        condition: Some("some accounts are offered OAuth2 only"),
        pop_switch: None,
        help: "https://help.yahoo.com/kb/SLN4724.html",
        quirk: None,
    },
    Provider {
        name: "AOL",
        domains: "aol.com aim.com netscape.net netscape.com compuserve.com cs.com wmconnect.com aol.de aol.it \
            aol.fr aol.es aol.se aol.co.uk aol.co.nz aol.com.au aol.com.ar aol.com.br aol.com.mx \
            verizon.net",
        pop3: Some(("pop.aol.com", Security::Implicit)),
        smtp: ("smtp.aol.com", Security::Implicit),
        local_user: false,
        secret: PasswordKind::AppPassword,
        condition: Some("some accounts are offered OAuth2 only"),
        pop_switch: None,
        help: "https://help.aol.com/articles/Create-and-manage-app-password",
        quirk: None,
    },
    Provider {
        name: "Apple iCloud",
        domains: "mac.com me.com icloud.com",
        pop3: None,
        smtp: ("smtp.mail.me.com", Security::StartTls),
        local_user: false,
        secret: PasswordKind::AppPassword,
        condition: Some("two-factor authentication must be on"),
        pop_switch: None,
        help: "https://support.apple.com/102525",
        quirk: Some("it has no POP3, so mail can only be sent"),
    },
    Provider {
        name: "Fastmail",
        domains: "fastmail.com fastmail.fm 123mail.org 150mail.com 150ml.com 16mail.com 2-mail.com 4email.net \
            50mail.com airpost.net allmail.net bestmail.us cluemail.com elitemail.org emailcorner.net \
            emailengine.net emailengine.org emailgroups.net emailplus.org emailuser.net eml.cc f-m.fm \
            fast-email.com fast-mail.org fastem.com fastemail.us fastemailer.com fastest.cc fastimap.com \
            fastmail.cn fastmail.co.uk fastmail.com.au fastmail.de fastmail.es fastmail.fr fastmail.im \
            fastmail.in fastmail.jp fastmail.mx fastmail.net fastmail.nl fastmail.org fastmail.se \
            fastmail.to fastmail.tw fastmail.uk fastmail.us fastmailbox.net fastmessaging.com fea.st \
            fmail.co.uk fmailbox.com fmgirl.com fmguy.com ftml.net h-mail.us hailmail.net imap-mail.com \
            imap.cc imapmail.org inoutbox.com internet-e-mail.com internet-mail.org internetemails.net \
            internetmailing.net jetemail.net justemail.net letterboxes.org mail-central.com \
            mail-page.com mailandftp.com mailas.com mailbolt.com mailc.net mailcan.com mailforce.net \
            mailftp.com mailhaven.com mailingaddress.org mailite.com mailmight.com mailnew.com \
            mailsent.net mailservice.ms mailup.net mailworks.org ml1.net mm.st myfastmail.com \
            mymacmail.com nospammail.net ownmail.net petml.com postinbox.com postpro.net proinbox.com \
            promessage.com realemail.net reallyfast.biz reallyfast.info rushpost.com sent.as sent.at \
            sent.com speedpost.net speedymail.org ssl-mail.com swift-mail.com the-fastest.net \
            the-quickest.com theinternetemail.com veryfast.biz veryspeedy.net warpmail.net xsmail.com \
            yepmail.net your-mail.com",
        pop3: Some(("pop.fastmail.com", Security::Implicit)),
        smtp: ("smtp.fastmail.com", Security::Implicit),
        local_user: false,
        secret: PasswordKind::AppPassword,
        condition: Some("the Basic plan has none"),
        pop_switch: None,
        help: "https://www.fastmail.help/hc/en-us/articles/1500000278342",
        quirk: Some("the user is the primary address, not an alias"),
    },
    Provider {
        name: "Zoho Mail",
        domains: "zoho.com zohomail.com",
        pop3: Some(("pop.zoho.com", Security::Implicit)),
        smtp: ("smtp.zoho.com", Security::Implicit),
        local_user: false,
        secret: PasswordKind::Password,
        condition: None,
        pop_switch: Some("https://www.zoho.com/mail/help/pop-access.html"),
        help: "https://www.zoho.com/mail/help/pop-access.html",
        quirk: Some("the wrong data centre (.eu, .in, …) refuses every login"),
    },
    Provider {
        name: "Zoho Mail (EU)",
        domains: "zoho.eu zohomail.eu",
        pop3: Some(("pop.zoho.eu", Security::Implicit)),
        smtp: ("smtp.zoho.eu", Security::Implicit),
        local_user: false,
        secret: PasswordKind::Password,
        condition: None,
        pop_switch: Some("https://www.zoho.com/mail/help/pop-access.html"),
        help: "https://www.zoho.com/mail/help/pop-access.html",
        quirk: Some("the wrong data centre (.com, .in, …) refuses every login"),
    },
    Provider {
        name: "GMX",
        domains: "gmx.net gmx.de gmx.at gmx.ch gmx.eu gmx.biz gmx.org gmx.info mein.gmx mail.gmx email.gmx",
        pop3: Some(("pop.gmx.net", Security::Implicit)),
        smtp: ("mail.gmx.net", Security::Implicit),
        local_user: false,
        secret: PasswordKind::Password,
        condition: None,
        pop_switch: Some("https://hilfe.gmx.net/pop-imap/einschalten.html"),
        help: "https://hilfe.gmx.net/pop-imap/imap/imap-serverdaten.html",
        quirk: None,
    },
    Provider {
        name: "GMX (international)",
        domains: "gmx.com gmx.tm gmx.us gmx.co.uk gmx.es gmx.fr gmx.ca gmx.cn gmx.co.in gmx.com.br gmx.com.my \
            gmx.hk gmx.ie gmx.ph gmx.pt gmx.ru gmx.se gmx.sg gmx.tw gmx.com.tr gmx.it gmx.li",
        pop3: Some(("pop.gmx.com", Security::Implicit)),
        smtp: ("mail.gmx.com", Security::Implicit),
        local_user: false,
        secret: PasswordKind::Password,
        condition: None,
        pop_switch: Some("https://support.gmx.com/pop-imap/toggle.html"),
        help: "https://support.gmx.com/pop-imap/pop3/index.html",
        quirk: None,
    },
    Provider {
        name: "WEB.DE",
        domains: "web.de email.de flirt.ms hallo.ms kuss.ms love.ms magic.ms singles.ms cool.ms kanzler.ms \
            okay.ms party.ms pop.ms stars.ms techno.ms clever.ms deutschland.ms genial.ms ich.ms \
            online.ms smart.ms wichtig.ms action.ms fussball.ms joker.ms planet.ms power.ms",
        pop3: Some(("pop3.web.de", Security::Implicit)),
        smtp: ("smtp.web.de", Security::Implicit),
        local_user: true,
        secret: PasswordKind::Password,
        condition: None,
        pop_switch: Some("https://hilfe.web.de/pop-imap/einschalten.html"),
        help: "https://hilfe.web.de/pop-imap/imap/imap-serverdaten.html",
        quirk: Some(
            "free accounts may log in to POP once in 15 minutes; earlier, the right password is refused too",
        ),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_server_is_a_host_and_every_domain_belongs_to_one_provider() {
        let mut seen = HashSet::new();
        for provider in PROVIDERS {
            for (host, _) in provider.pop3.iter().chain([&provider.smtp]) {
                assert_eq!(super::super::server::host(host).as_deref(), Ok(*host));
            }
            for domain in provider.domains.split_whitespace() {
                assert!(seen.insert(domain), "{domain} is there twice");
                assert!(Address::parse(&format!("a@{domain}")).is_ok(), "{domain}");
                assert_eq!(of_domain(&domain.to_uppercase()).unwrap().name, provider.name);
            }
            assert!(provider.help.starts_with("https://"));
        }
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
        assert_eq!(of_domain("contoso.onmicrosoft.com").unwrap().name, "Microsoft 365");
        assert!(of_domain("example.org").is_none());
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
        assert_eq!(advice(&server(Protocol::Smtp, "mail.example.org")), None);
    }
}
