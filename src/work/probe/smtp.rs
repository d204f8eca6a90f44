//! Probes the SMTP server of an account, step by step.

use super::{ProbeTarget, Steps, describe, explain, log_in, other_mode, reach, reach_again, step};
use crate::account::{Account, AccountLogin, Server, Vault};
use crate::codec::smtp::Extensions;
use crate::codec::smtp::command::MailCommand;
use crate::codec::smtp::ehlo::SizeLimit;
use crate::net::Security;
use crate::smtp::{Greeted, Introduced, ehlo_name};
use crate::words::{Address, Failure, ReversePath, Stage};
use crate::work::access::smtp_login;
use serde_json::{Map, Value, json};

/// Probes an SMTP server up to MAIL with the account's address; nothing is sent. If the secret cannot be had, the step
/// `auth` fails.
pub fn probe_smtp(
    target: &ProbeTarget<'_>,
    account: &Account,
    server: &Server,
    vault: &Vault,
    steps: Steps<'_>,
) -> Result<(), Failure> {
    let wire = reach(target, steps)?;
    let name = server.ehlo_name.clone().unwrap_or_else(|| ehlo_name(wire.local_ip()));
    let greeted = step(steps, "greeting", |detail| {
        let greeted =
            Greeted::greet(wire).map_err(|failure| other_mode::after_greeting(target, failure, detail))?;
        detail.insert("text".into(), greeted.banner().into());
        Ok(greeted)
    })?;
    let mut introduced = step(steps, "capabilities", |detail| capabilities(greeted.hello(&name)?, detail))?;
    if target.endpoint.security == Security::StartTls {
        let greeted = step(steps, "tls", |detail| {
            let secured = introduced.start_tls(target.tls(Stage::StartTls)?, &target.endpoint.host);
            let greeted = secured.map_err(|failure| {
                explain(target, failure, detail, &mut |wire| {
                    let mut introduced = Greeted::greet(wire)?.hello(&name)?;
                    introduced.ask_start_tls()?;
                    Ok(introduced.into_wire())
                })
            })?;
            describe(greeted.tls(), detail);
            Ok(greeted)
        })?;
        introduced = step(steps, "capabilities", |detail| capabilities(greeted.hello(&name)?, detail))?;
    }
    let mut again = || {
        let introduced = Greeted::greet(reach_again(target)?)?.hello(&name)?;
        if target.endpoint.security != Security::StartTls {
            return Ok(introduced);
        }
        introduced.start_tls(target.tls(Stage::StartTls)?, &target.endpoint.host)?.hello(&name)
    };
    let mut by = |introduced: Introduced, login: Option<&AccountLogin>, detail: &mut Map<String, Value>| {
        let Some(login) = login else {
            detail.insert("mechanism".into(), Value::Null);
            return Ok(introduced.without_login());
        };
        let ready = introduced.login(&smtp_login(server, login))?;
        detail.insert(
            "mechanism".into(),
            ready.mechanism().map(|mechanism| mechanism.name().to_string()).into(),
        );
        detail.insert("user".into(), login.credentials.user.clone().into());
        Ok(ready)
    };
    let mut ready = log_in((server, vault), steps, introduced, &mut again, &mut by)?;
    let address = account
        .email
        .clone()
        .or_else(|| server.username.as_deref().and_then(|user| Address::parse(user).ok()));
    // Without an address, the null sender shows at least whether the server accepts mail.
    step(steps, "sender", |detail| {
        detail.insert("address".into(), address.as_ref().map_or("<>", Address::as_str).into());
        let smtp_utf8 = address.as_ref().is_some_and(|address| !address.is_ascii());
        let from = address.map_or(ReversePath::Null, ReversePath::Mailbox);
        let reply = ready.check_sender(&MailCommand { from, smtp_utf8, ..MailCommand::default() })?;
        detail.insert("reply".into(), reply.to_string().into());
        Ok(())
    })?;
    ready.quit();
    Ok(())
}

fn capabilities(introduced: Introduced, detail: &mut Map<String, Value>) -> Result<Introduced, Failure> {
    detail.insert("list".into(), json!(names(introduced.extensions())));
    Ok(introduced)
}

/// The extensions by their keywords.
fn names(found: &Extensions) -> Vec<String> {
    let size = match found.size {
        SizeLimit::Absent => None,
        SizeLimit::Unlimited => Some("SIZE".to_owned()),
        SizeLimit::Octets(limit) => Some(format!("SIZE {limit}")),
    };
    let flags = [
        (found.start_tls, "STARTTLS"),
        (found.pipelining, "PIPELINING"),
        (found.eight_bit_mime, "8BITMIME"),
        (found.smtp_utf8, "SMTPUTF8"),
        (found.chunking, "CHUNKING"),
        (found.binary_mime, "BINARYMIME"),
        (found.dsn, "DSN"),
        (found.require_tls, "REQUIRETLS"),
        (found.enhanced_status_codes, "ENHANCEDSTATUSCODES"),
    ];
    let auth = (!found.auth.is_empty()).then(|| format!("AUTH {}", found.auth.join(" ")));
    let there = flags.into_iter().filter(|(there, _)| *there).map(|(_, name)| name.to_owned());
    auth.into_iter().chain(size).chain(there).collect()
}
