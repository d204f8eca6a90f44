//! The sessions against scripted servers.

mod chunking;
mod opening;
mod transaction;

use super::scripted::Script;
use super::*;
use crate::codec::sasl::{Credentials, Mechanism};
use crate::codec::smtp::{EhloName, MailCommand, RcptCommand};
use crate::net::{Endpoint, Security, Tls, TlsSettings};
use crate::words::{Address, Failure, Secret};

/// A message, and the lines in which it goes by DATA and by BDAT.
const TEXT: &[u8] = b"Subject: x\r\n\r\n.dot\r\n";
const TEXT_LINES: &str = "C: Subject: x\nC: \nC: ..dot\nC: .\n";
const CHUNK_LINES: &str = "C: BDAT 20 LAST\nC: Subject: x\nC: \nC: .dot\n";

fn endpoint(security: Security) -> Endpoint {
    Endpoint {
        host: "mx.example.org".into(),
        port: 587,
        security,
        carries_secret: true,
        allow_plaintext_auth: false,
    }
}

fn login(mechanism: Option<Mechanism>) -> SmtpLogin {
    let credentials = Credentials {
        user: "tim".into(),
        secret: Secret::new("tanstaaf"),
        host: "mx.example.org".into(),
        port: 587,
    };
    SmtpLogin { credentials, is_token: false, method: mechanism, plaintext: true }
}

fn opened(script: &Script, security: Security, login: Option<&SmtpLogin>) -> Result<Ready, Failure> {
    let tls = Tls::prepare(&TlsSettings::default()).unwrap();
    let name = EhloName::domain("client.example.org").unwrap();
    let endpoint = endpoint(security);
    open(script.wire(), &Opening { endpoint: &endpoint, tls: Some(&tls), login, name: Some(&name) })
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// A message of [`TEXT`]'s size from Ana to these.
fn transaction(names: &[&str], on_rejected: OnRejected) -> MailTransaction {
    let rcpt =
        |name: &&str| RcptCommand { to: address(&format!("{name}@example.org")), notify: None, orcpt: None };
    MailTransaction {
        mail: MailCommand { from: address("a@example.org").into(), ..MailCommand::default() },
        recipients: names.iter().map(rcpt).collect(),
        on_rejected,
        size: 20,
    }
}
