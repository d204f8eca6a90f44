//! The receiving side of an account that has IMAP, step by step.

use super::{ProbeTarget, Steps, describe, explain, log_in, other_mode, reach, reach_again, step};
use crate::account::{AccountLogin, Server, Vault};
use crate::codec::imap::{Capabilities, MailboxName};
use crate::imap::NotAuthenticated;
use crate::net::{Security, Wire};
use crate::words::{Failure, Stage};
use crate::work::access::imap_login;
use serde_json::{Map, Value, json};

/// Probes an IMAP server up to the counts of INBOX. A secret that cannot be had fails the step `auth`.
pub fn probe_imap(
    target: &ProbeTarget<'_>,
    server: &Server,
    vault: &Vault,
    steps: Steps<'_>,
) -> Result<(), Failure> {
    let wire = reach(target, steps)?;
    let mut session = step(steps, "greeting", |detail| {
        let session = NotAuthenticated::greet(wire)
            .map_err(|failure| other_mode::after_greeting(target, failure, detail))?;
        detail.insert("text".into(), session.greeting().into());
        Ok(session)
    })?;
    step(steps, "capabilities", |detail| capabilities(session.capability()?, detail))?;
    if target.endpoint.security == Security::StartTls {
        step(steps, "tls", |detail| {
            let secured = session.starttls(target.tls(Stage::StartTls)?, &target.endpoint.host);
            secured.map_err(|failure| explain(target, failure, detail, &mut to_starttls))?;
            describe(session.tls(), detail);
            Ok(())
        })?;
        step(steps, "capabilities", |detail| capabilities(session.capability()?, detail))?;
    }
    let mut again = || {
        let mut session = NotAuthenticated::greet(reach_again(target)?)?;
        session.capability()?;
        if target.endpoint.security == Security::StartTls {
            session.starttls(target.tls(Stage::StartTls)?, &target.endpoint.host)?;
            session.capability()?;
        }
        Ok(session)
    };
    let mut by =
        |session: NotAuthenticated, login: Option<&AccountLogin>, detail: &mut Map<String, Value>| {
            let missing = || Failure::usage("a mailbox needs a user name").at(server.place());
            let login = login.ok_or_else(missing)?;
            let (session, method) = session.login(&imap_login(server, login))?;
            detail.insert("mechanism".into(), method.name().as_str().into());
            detail.insert("user".into(), login.credentials.user.clone().into());
            detail.insert("capabilities".into(), json!(session.capabilities().words));
            Ok(session)
        };
    let mut session = log_in((server, vault), steps, session, &mut again, &mut by)?;
    let alerts = session.take_alerts();
    step(steps, "mailbox", |detail| {
        if !alerts.is_empty() {
            detail.insert("alerts".into(), json!(alerts));
        }
        let mut mailbox = session.examine(&MailboxName::inbox()).map_err(|refused| refused.failure)?;
        let unseen = mailbox.unseen()?;
        detail.insert("messages".into(), mailbox.exists().into());
        detail.insert("unseen".into(), json!(unseen));
        detail.insert("uidvalidity".into(), json!(mailbox.uidvalidity()));
        mailbox.leave().logout();
        Ok(())
    })
}

/// Brings a fresh connection to the point where TLS begins.
fn to_starttls(wire: Wire) -> Result<Wire, Failure> {
    let mut session = NotAuthenticated::greet(wire)?;
    session.capability()?;
    session.ask_starttls()?;
    Ok(session.into_wire())
}

fn capabilities(found: &Capabilities, detail: &mut Map<String, Value>) -> Result<(), Failure> {
    detail.insert("list".into(), json!(found.words));
    Ok(())
}
