//! A domain of the tests' own, `own.test`: its name server, its web server, its mail servers, and those of a hoster and
//! a stranger. All are on loopback; `$POSTIE_DNS` and `$POSTIE_RESOLVE` lead there.

use super::authority::{Authority, Certificate};
use super::mailbox::Mailbox;
use super::named::{Named, Record, Say};
use super::pop3d::Pop3d;
use super::process::Run;
use super::smtpd::Smtpd;
use super::web::{Reply, Request, Web};
use simple_dns::TYPE;

/// The domain.
pub struct Played {
    pub named: Named,
    pub web: Web,
    pub pop3: Pop3d,
    pub smtp: Smtpd,
    pub mailbox: Mailbox,
}

/// A server of a published document.
pub fn server(kind: &str, host: &str, port: u16, tls: &str) -> String {
    let tag = if kind == "smtp" { "outgoingServer" } else { "incomingServer" };
    format!(
        "<{tag} type=\"{kind}\"><hostname>{host}</hostname><port>{port}</port><socketType>{tls}</socketType>\
         <username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication></{tag}>"
    )
}

/// A document for `domain` with these servers.
pub fn document(domain: &str, servers: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><clientConfig version=\"1.1\"><emailProvider id=\"x\"><domain>{domain}</domain>\
         {servers}</emailProvider></clientConfig>"
    )
}

/// The servers that `own.test` publishes, at hosts in `place`.
pub fn usual(place: &str) -> String {
    server("pop3", &format!("pop.{place}"), 995, "SSL")
        + &server("smtp", &format!("smtp.{place}"), 465, "SSL")
}

impl Played {
    /// `page` answers for the web servers, `record` for the name server.
    pub fn new(
        page: impl Fn(&Request) -> Reply + Send + Sync + 'static,
        record: impl Fn(&str, TYPE) -> Option<Say> + Send + Sync + 'static,
    ) -> Played {
        let mailbox = Mailbox::with(2);
        let played = Certificate::Played;
        Played {
            named: Named::start(move |name, kind| record(name, kind).unwrap_or(Say::NoSuchName)),
            web: Web::start(Authority::shared().identity(played), page),
            pop3: Pop3d::for_mailbox(&mailbox).certificate(played).start(),
            smtp: Smtpd::for_mailbox(&mailbox).certificate(played).start(),
            mailbox,
        }
    }

    /// A domain that publishes this document at `autoconfig.own.test`, and nothing else.
    pub fn with_document(reply: Reply) -> Played {
        Played::new(
            move |request| match (request.host.as_str(), request.path.as_str()) {
                ("autoconfig.own.test", "/mail/config-v1.1.xml") => reply.clone(),
                _ => Reply::missing(),
            },
            |_, _| None,
        )
    }

    /// Where its names lead.
    pub fn resolve(&self) -> String {
        let mut entries = Vec::new();
        let mut lead = |host: &str, from: u16, to: u16| entries.push(format!("{host}:{from}:127.0.0.1:{to}"));
        for host in [
            "autoconfig.own.test",
            "own.test",
            "ispdb.test",
            "autoconfig.hoster.test",
            "autoconfig.other.test",
        ] {
            lead(host, 443, self.web.https.port());
            lead(host, 80, self.web.http.port());
        }
        for place in ["own.test", "hoster.test", "other.test"] {
            lead(&format!("pop.{place}"), 995, self.pop3.port());
            lead(&format!("smtp.{place}"), 465, self.smtp.port());
        }
        // The certificate is not for this name.
        lead("mail.wrong.test", 995, self.pop3.port());
        entries.join(",")
    }

    /// The same run, in the played world.
    pub fn with(&self, run: Run) -> Run {
        run.env("POSTIE_DNS", self.named.address())
            .env("POSTIE_RESOLVE", self.resolve())
            .env("POSTIE_ISPDB", "https://ispdb.test/v1.1/")
    }
}

/// The SRV records of the services for which `of` has one, by the name without its underscores.
pub fn srv(name: &str, kind: TYPE, of: impl Fn(&str) -> Option<Record>) -> Option<Say> {
    let service = name.strip_suffix("._tcp.own.test")?.trim_start_matches('_');
    (kind == TYPE::SRV).then(|| of(service)).flatten().map(|record| Say::Records(vec![record]))
}
