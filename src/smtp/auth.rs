//! AUTH (`RFC 4954`). One attempt with one mechanism: after a refusal nothing else is tried, so that no account
//! gets locked. The AUTH parameter of MAIL (§5) is not used.

use super::demand::{Demand, blames_secret};
use super::dialogue::Dialogue;
use crate::codec::sasl::{self, ClientResponse, Exchange, ExchangeFault, Mechanism};
use crate::codec::smtp::command::MAX_AUTH_COMMAND;
use crate::codec::smtp::reply::Class;
use crate::codec::smtp::{Extensions, Reply, SmtpCommand};
use crate::net::authentication::exchange;
use crate::words::secret::REDACTED;
use crate::words::{Failure, Kind, Secret, Stage};

const STAGE: Stage = Stage::Auth;
/// The longest line of a challenge: `RFC 4954 §4` has 12288 octets, a Kerberos ticket may have more.
const MAX_CHALLENGE: usize = 60 * 1024;

pub type SmtpLogin = sasl::Login<Mechanism>;

/// Logs in; returns the mechanism used.
pub(super) fn login(
    dialogue: &mut Dialogue,
    extensions: &Extensions,
    login: &SmtpLogin,
) -> Result<Mechanism, Failure> {
    let done = log_in(dialogue, extensions, login);
    login.settle(&done);
    done
}

fn log_in(dialogue: &mut Dialogue, extensions: &Extensions, login: &SmtpLogin) -> Result<Mechanism, Failure> {
    check(dialogue, login)?;
    let in_clear = dialogue.wire.tls().is_none();
    let mechanism =
        choose(extensions, login, in_clear).map_err(|what| missing(dialogue, extensions, login, &what))?;
    dialogue.wire.learn_secret(&login.credentials.secret);
    let mut exchange = begin(dialogue, mechanism, login, &extensions.auth)?;
    loop {
        let reply = dialogue.reply_within(STAGE, MAX_CHALLENGE)?;
        match reply.class() {
            Class::Success => match exchange.accept(&reply.texts().collect::<Vec<_>>().join(&b' ')) {
                Ok(()) => return Ok(mechanism),
                Err(fault) => return Err(unproven(dialogue, &fault, &reply)),
            },
            Class::Intermediate if reply.code() == 334 => {
                match exchange.answer(reply.texts().last().unwrap_or_default()) {
                    Ok(response) => send(dialogue, &response, &response.line, REDACTED)?,
                    Err(fault) => return Err(cancel(dialogue, fault, &reply)),
                }
            }
            Class::Intermediate => return Err(dialogue.nonsense(STAGE, &reply)),
            Class::Transient | Class::Permanent => {
                let failure = refused(dialogue, extensions, &reply, mechanism);
                return Err(sasl::explain(failure, mechanism, exchange.complaint(), |it| {
                    dialogue.wire.redact(it)
                }));
            }
        }
    }
}

/// Refuses to send a secret without TLS, or anything that would break the exchange.
fn check(dialogue: &Dialogue, login: &SmtpLogin) -> Result<(), Failure> {
    let place = dialogue.wire.place();
    let config = |what: &str| Failure::new(Kind::Config, STAGE, format!("{STAGE}: {what}")).at(place);
    if dialogue.wire.tls().is_none() && !login.plaintext {
        return Err(config("refused, the connection has no TLS"));
    }
    login.credentials.check().map_err(config)
}

/// The mechanism to use, or what is missing.
fn choose(extensions: &Extensions, login: &SmtpLogin, in_clear: bool) -> Result<Mechanism, String> {
    let offered = || match extensions.auth.as_slice() {
        [] => "the server offers no login on this connection".to_owned(),
        names => format!("the server offers only {}", names.join(", ")),
    };
    match login.method {
        Some(asked) if asked.is_in(&extensions.auth) => Ok(asked),
        Some(asked) => Err(format!("{} is not offered: {}", asked.name(), offered())),
        None => {
            let what = if login.is_token { "tokens" } else { "passwords" };
            let none = || format!("no mechanism for {what} in common: {}", offered());
            Mechanism::choose(&extensions.auth, login.is_token, in_clear).ok_or_else(none)
        }
    }
}

fn missing(dialogue: &Dialogue, extensions: &Extensions, login: &SmtpLogin, what: &str) -> Failure {
    let message = format!("{STAGE}: {what}");
    let token_only = !extensions.auth.is_empty()
        && !login.is_token
        && extensions.auth.iter().all(|name| matches!(name.as_str(), "XOAUTH2" | "OAUTHBEARER"));
    Failure::new(Kind::Missing, STAGE, message).at(dialogue.wire.place()).hint(if token_only {
        "the server wants an OAuth2 access token instead of a password: token-command gets one".into()
    } else if extensions.start_tls && dialogue.wire.tls().is_none() {
        "the server offers more under TLS: set tls = \"starttls\" (smtp:// in a URL)".into()
    } else if extensions.auth.is_empty() || dialogue.wire.tls().is_none() {
        "a server that wants no login is named without a user; many offer a login only under TLS".into()
    } else {
        sasl::advice(&extensions.auth, login.is_token)
    })
}

/// Sends AUTH, with the initial response if there is one and it fits into the command.
fn begin(
    dialogue: &mut Dialogue,
    mechanism: Mechanism,
    login: &SmtpLogin,
    offered: &[String],
) -> Result<Exchange, Failure> {
    let mut exchange = exchange(&dialogue.wire, mechanism, login, offered)?;
    let command = format!("AUTH {}", mechanism.name());
    match exchange.initial(MAX_AUTH_COMMAND - command.len() - " \r\n".len()) {
        Some(initial) => {
            let line = Secret::new([command.as_bytes(), b" ", initial.line.expose()].concat());
            send(dialogue, &initial, &line, &format!("{command} {REDACTED}"))?;
        }
        None => {
            // The response is sent after the server's empty challenge (RFC 4954 §4).
            dialogue.queue(&SmtpCommand::Auth(mechanism), STAGE)?;
            dialogue.flush(STAGE)?;
        }
    }
    Ok(exchange)
}

fn send(
    dialogue: &mut Dialogue,
    response: &ClientResponse,
    line: &Secret,
    shown: &str,
) -> Result<(), Failure> {
    if let Some(secret) = &response.secret {
        dialogue.wire.learn_secret(secret);
    }
    dialogue.queue_secret(line, shown, STAGE)?;
    dialogue.flush(STAGE)
}

/// Cancels an exchange that cannot go on (`RFC 4954 §4`).
fn cancel(dialogue: &mut Dialogue, fault: ExchangeFault, challenge: &Reply) -> Failure {
    let why = match fault {
        ExchangeFault::Failed(failure) => {
            let _ = dialogue.queue(&SmtpCommand::CancelAuth, STAGE).and_then(|()| dialogue.flush(STAGE));
            dialogue.wire.mark_broken();
            return failure.at_least_at(dialogue.wire.place());
        }
        ExchangeFault::Nonsense(why) => why,
    };
    match dialogue.exchange(&SmtpCommand::CancelAuth, STAGE) {
        Ok(_) => {
            let reply = dialogue.redacted(challenge);
            let message = format!("{STAGE}: {why}: {reply}");
            Failure::new(Kind::Protocol, STAGE, message).at(dialogue.wire.place()).with_reply(reply)
        }
        Err(failure) => failure,
    }
}

/// The server lets the client in although the exchange is not at its end, or did not prove who it is.
fn unproven(dialogue: &mut Dialogue, fault: &ExchangeFault, reply: &Reply) -> Failure {
    let mut failure = dialogue.nonsense(STAGE, reply);
    if let ExchangeFault::Nonsense(why) = fault {
        failure = failure.more(&format!("; {why}"));
    }
    failure
}

/// The failure for a refused login.
fn refused(dialogue: &Dialogue, extensions: &Extensions, reply: &Reply, mechanism: Mechanism) -> Failure {
    let kind = match (reply.class(), reply.code()) {
        // Some servers report a wrong password by 4yz, or by 421. Trying again could lock the account.
        (Class::Transient, _) if blames_secret(reply) => Kind::Auth,
        (Class::Transient, _) => Kind::Deferred,
        (_, 500 | 502 | 504) => Kind::Missing,
        _ => Kind::Auth,
    };
    if let Some(Demand::Tls) = Demand::of(reply).filter(|_| dialogue.wire.tls().is_none()) {
        return Demand::Tls.explain(dialogue.refused(Kind::Missing, STAGE, reply));
    }
    let failure = dialogue.refused(kind, STAGE, reply);
    match kind {
        Kind::Missing => failure.hint(sasl::advice(&extensions.auth, mechanism.wants_token())),
        Kind::Auth if mechanism.wants_token() => {
            failure.hint("the access token may have expired, or lack the right to send mail")
        }
        Kind::Auth => failure.hint(
            "check user name and password; many providers want an app password here, not the account's own",
        ),
        _ => failure,
    }
}
