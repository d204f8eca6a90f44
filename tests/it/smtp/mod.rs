//! SMTP over scripted links: the session's states, and the job of sending a message.

mod batch;
mod chunking;
mod job;
mod matrix;
mod opening;
mod retry;
mod transaction;
mod transcripts;

use crate::support::link::ScriptLink;
use postie::codec::sasl::{Credentials, Mechanism};
use postie::codec::smtp::{EhloName, MailCommand, RcptCommand};
use postie::net::{Endpoint, Limits, Security, Tls, TlsSettings, Wire};
use postie::smtp::{
    ContentHooks, Delivery, MailTransaction, OnRejected, Opening, Ready, RecipientStatus, SmtpLogin,
    TransactionOutcome, open,
};
use postie::words::{Address, Failure, Kind, Secret};

/// Servers that offer nothing, PIPELINING, CHUNKING too.
const PLAIN: &str = "S: 220 mx\nC: EHLO client.example.org\nS: 250 mx\n";
const PIPED: &str = "S: 220 mx\nC: EHLO client.example.org\nS: 250-mx\nS: 250 PIPELINING\n";
const CHUNKED: &str =
    "S: 220 mx\nC: EHLO client.example.org\nS: 250-mx\nS: 250-PIPELINING\nS: 250 CHUNKING\n";

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
        proxy: None,
    }
}

fn login(mechanism: Option<Mechanism>) -> SmtpLogin {
    let credentials = Credentials {
        user: "tim".into(),
        secret: Secret::new("tanstaaf"),
        host: "mx.example.org".into(),
        port: 587,
    };
    SmtpLogin {
        credentials,
        is_token: false,
        method: mechanism,
        plaintext: true,
        helper: None,
        verdict: None,
    }
}

/// A session as far as the login.
fn opened(link: &ScriptLink, security: Security, login: Option<&SmtpLogin>) -> Result<Ready, Failure> {
    opened_over(link.wire(Limits::default()), security, login)
}

fn opened_over(wire: Wire, security: Security, login: Option<&SmtpLogin>) -> Result<Ready, Failure> {
    let tls = Tls::prepare(&TlsSettings::default(), &Limits::default()).unwrap();
    let name = EhloName::domain("client.example.org").unwrap();
    open(wire, &Opening { endpoint: &endpoint(security), tls: Some(&tls), login, name: Some(&name) })
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

fn statuses(delivery: &Delivery) -> Vec<RecipientStatus> {
    delivery.results.iter().map(|result| result.status).collect()
}

fn kind(delivery: &Delivery) -> Option<Kind> {
    match &delivery.outcome {
        TransactionOutcome::Failed(failure) => Some(failure.kind()),
        _ => None,
    }
}
