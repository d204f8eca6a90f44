//! Probes the POP3 server of an account, step by step.

use super::{ProbeTarget, Steps, describe, explain, log_in, other_mode, reach, reach_again, step};
use crate::account::{AccountLogin, Server, Vault};
use crate::codec::pop3::Capabilities;
use crate::net::{Security, Wire};
use crate::pop3::{Authorization, Listings};
use crate::words::{Failure, Stage};
use crate::work::access::pop3_login;
use serde_json::{Map, Value, json};

/// Probes a POP3 server up to the counts of the mailbox. If the secret cannot be had, the step `auth` fails.
pub fn probe_pop3(
    target: &ProbeTarget<'_>,
    server: &Server,
    vault: &Vault,
    steps: Steps<'_>,
) -> Result<(), Failure> {
    let wire = reach(target, steps)?;
    let mut authorization = step(steps, "greeting", |detail| {
        let authorization = Authorization::greet(wire)
            .map_err(|failure| other_mode::after_greeting(target, failure, detail))?;
        detail.insert("text".into(), authorization.greeting().into());
        Ok(authorization)
    })?;
    step(steps, "capabilities", |detail| capabilities(authorization.capa()?, detail))?;
    if target.endpoint.security == Security::StartTls {
        step(steps, "tls", |detail| {
            let secured = authorization.stls(target.tls(Stage::Stls)?, &target.endpoint.host);
            secured.map_err(|failure| explain(target, failure, detail, &mut to_stls))?;
            describe(authorization.tls(), detail);
            Ok(())
        })?;
        step(steps, "capabilities", |detail| capabilities(authorization.capa()?, detail))?;
    }
    // A server that fails with PIPELINING would only cost time here.
    authorization.without_pipelining();
    let mut again = || {
        let mut authorization = Authorization::greet(reach_again(target)?)?;
        authorization.capa()?;
        if target.endpoint.security == Security::StartTls {
            authorization.stls(target.tls(Stage::Stls)?, &target.endpoint.host)?;
            authorization.capa()?;
        }
        authorization.without_pipelining();
        Ok(authorization)
    };
    let mut by =
        |authorization: Authorization, login: Option<&AccountLogin>, detail: &mut Map<String, Value>| {
            let missing = || Failure::usage("a mailbox needs a user name").at(server.place());
            let login = login.ok_or_else(missing)?;
            let (transaction, method) = authorization.login(&pop3_login(server, login), Listings::FULL)?;
            detail.insert("mechanism".into(), method.name().as_str().into());
            detail.insert("user".into(), login.credentials.user.clone().into());
            Ok(transaction)
        };
    let mut transaction = log_in((server, vault), steps, authorization, &mut again, &mut by)?;
    step(steps, "mailbox", |detail| {
        let mut listing = transaction.listing()?;
        if let Some(failure) = listing.incomplete.take() {
            return Err(failure);
        }
        let octets = (0..listing.len()).filter_map(|place| listing.size(place)).fold(0, u64::saturating_add);
        detail.insert("messages".into(), listing.len().into());
        detail.insert("octets".into(), octets.into());
        detail.insert("uidl".into(), listing.has_uids.into());
        Ok(())
    })?;
    transaction.leave();
    Ok(())
}

/// Brings a fresh connection to the point where TLS begins.
fn to_stls(wire: Wire) -> Result<Wire, Failure> {
    let mut authorization = Authorization::greet(wire)?;
    authorization.ask_stls()?;
    Ok(authorization.into_wire())
}

fn capabilities(found: &Capabilities, detail: &mut Map<String, Value>) -> Result<(), Failure> {
    detail.insert("known".into(), found.known.into());
    detail.insert("list".into(), json!(found.lines));
    Ok(())
}
