//! Login (`RFC 4954`): one mechanism, one attempt. After a refusal nothing else is tried, so that no
//! account gets locked.

use super::demand::{Demand, blames_secret};
use super::dialogue::Dialogue;
use crate::codec::sasl::{Credentials, Exchange, Mechanism};
use crate::codec::smtp::reply::Class;
use crate::codec::smtp::{Command, Extensions, Reply, command};
use crate::words::secret::REDACTED;
use crate::words::{Failure, Kind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const STAGE: &str = "AUTH";

/// Who logs in, and how.
#[derive(Clone, Debug)]
pub struct Login {
    /// User and secret.
    pub credentials: Credentials,
    /// Whether the secret is an OAuth2 access token.
    pub is_token: bool,
    /// The mechanism; `None` chooses one of those that the server offers.
    pub mechanism: Option<Mechanism>,
    /// Whether the secret may go over a wire without TLS.
    pub plaintext: bool,
}

/// Logs in and says how it was done.
pub(super) fn login(
    dialogue: &mut Dialogue,
    extensions: &Extensions,
    login: &Login,
) -> Result<Mechanism, Failure> {
    check(dialogue, login)?;
    let mechanism = choose(extensions, login).map_err(|what| missing(dialogue, extensions, login, &what))?;
    dialogue.wire.learn_secret(&login.credentials.secret);
    let mut exchange = begin(dialogue, mechanism, &login.credentials)?;
    loop {
        let reply = dialogue.reply_or_closing(STAGE)?;
        match reply.class() {
            Class::Success => return Ok(mechanism),
            Class::Intermediate if reply.code() == 334 => {
                let answer = challenge(mechanism, &reply).and_then(|it| exchange.respond(&it).ok());
                let Some(answer) = answer else { return Err(cancel(dialogue, &reply)) };
                dialogue.queue_secret(&command::response(&answer), REDACTED, STAGE)?;
                dialogue.flush(STAGE)?;
            }
            Class::Intermediate => return Err(dialogue.nonsense(STAGE, &reply)),
            Class::Transient | Class::Permanent => {
                return Err(refused(dialogue, &reply, mechanism, exchange.complaint()));
            }
        }
    }
}

/// Refuses what must not be sent: a secret in clear, or anything that would break the exchange.
fn check(dialogue: &Dialogue, login: &Login) -> Result<(), Failure> {
    let place = dialogue.wire.place();
    let config = |what: &str| Failure::new(Kind::Config, STAGE, format!("{place}: {STAGE}: {what}"));
    if dialogue.wire.tls().is_none() && !login.plaintext {
        return Err(config("refused, the connection has no TLS"));
    }
    if login.credentials.user.chars().any(|c| matches!(c, '\0' | '\r' | '\n' | '\u{1}')) {
        return Err(config("the user name holds a control character"));
    }
    if login.credentials.secret.breaks_lines() || login.credentials.secret.expose().contains(&1) {
        return Err(config("the secret holds a control character"));
    }
    Ok(())
}

/// The mechanism to use; an error says what is missing.
fn choose(extensions: &Extensions, login: &Login) -> Result<Mechanism, String> {
    let offers = |mechanism: &Mechanism| extensions.auth.iter().any(|name| name == mechanism.name());
    let offered = || match extensions.auth.as_slice() {
        [] => "the server offers no login on this connection".to_owned(),
        names => format!("the server offers only {}", names.join(", ")),
    };
    match login.mechanism {
        Some(asked) if offers(&asked) => Ok(asked),
        Some(asked) => Err(format!("{} is not offered: {}", asked.name(), offered())),
        None => {
            let wanted: &[Mechanism] = if login.is_token {
                &[Mechanism::XOAuth2, Mechanism::OAuthBearer]
            } else {
                &[Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5]
            };
            let what = if login.is_token { "tokens" } else { "passwords" };
            let none = || format!("no mechanism for {what} in common: {}", offered());
            wanted.iter().copied().find(offers).ok_or_else(none)
        }
    }
}

fn missing(dialogue: &Dialogue, extensions: &Extensions, login: &Login, what: &str) -> Failure {
    let message = format!("{}: {STAGE}: {what}", dialogue.wire.place());
    let token_only = !extensions.auth.is_empty()
        && !login.is_token
        && extensions.auth.iter().all(|name| matches!(name.as_str(), "XOAUTH2" | "OAUTHBEARER"));
    Failure::new(Kind::Missing, STAGE, message).hint(if token_only {
        "the server wants an OAuth2 access token instead of a password: token-command gets one"
    } else if extensions.start_tls && dialogue.wire.tls().is_none() {
        "the server offers more under TLS: set tls = \"starttls\" (smtp:// in a URL)"
    } else {
        "a server that wants no login is named without a user; many offer a login only under TLS"
    })
}

/// Sends `AUTH`, with the initial response where there is one and the command is not too long for it.
fn begin<'a>(
    dialogue: &mut Dialogue,
    mechanism: Mechanism,
    credentials: &'a Credentials,
) -> Result<Exchange<'a>, Failure> {
    let mut exchange = Exchange::new(mechanism, credentials);
    match exchange.initial().and_then(|initial| Command::auth_with_initial(mechanism, &initial)) {
        Some(line) => {
            let shown = format!("AUTH {} {REDACTED}", mechanism.name());
            dialogue.queue_secret(&line, &shown, STAGE)?;
        }
        None => {
            // The response waits for the server's empty challenge (RFC 4954 §4).
            exchange = Exchange::new(mechanism, credentials);
            dialogue.queue(&Command::Auth(mechanism), STAGE)?;
        }
    }
    dialogue.flush(STAGE)?;
    Ok(exchange)
}

/// The octets of a challenge. Only CRAM-MD5 answers by them; other mechanisms are asked in words by some
/// servers, in base64 or not.
fn challenge(mechanism: Mechanism, reply: &Reply) -> Option<Vec<u8>> {
    let text = reply.texts().last().unwrap_or_default().trim_ascii();
    match STANDARD.decode(text) {
        Ok(octets) => Some(octets),
        Err(_) if mechanism == Mechanism::CramMd5 => None,
        Err(_) => Some(text.to_vec()),
    }
}

/// Ends an exchange that makes no sense (`RFC 4954 §4`): a lone `*`, and the server's answer to it.
fn cancel(dialogue: &mut Dialogue, challenge: &Reply) -> Failure {
    match dialogue.exchange(&Command::CancelAuth, STAGE) {
        Ok(_) => {
            let said = dialogue.said(challenge);
            let message =
                format!("{}: {STAGE}: the server's challenge makes no sense: {said}", dialogue.wire.place());
            Failure::new(Kind::Protocol, STAGE, message).with_reply(said)
        }
        Err(failure) => failure,
    }
}

/// The failure for a refused login, with what the server said about a refused token.
fn refused(dialogue: &Dialogue, reply: &Reply, mechanism: Mechanism, complaint: Option<&[u8]>) -> Failure {
    let kind = match (reply.class(), reply.code()) {
        // Some say so with a 4yz, or close over it; trying again would lock the account.
        (Class::Transient, _) if blames_secret(reply) => Kind::Auth,
        (Class::Transient, _) => Kind::Deferred,
        (_, 500 | 502 | 504) => Kind::Missing,
        _ => Kind::Auth,
    };
    if let Some(Demand::Tls) = Demand::of(reply).filter(|_| dialogue.wire.tls().is_none()) {
        return Demand::Tls.explain(dialogue.refused(Kind::Missing, STAGE, reply));
    }
    let mut failure = dialogue.refused(kind, STAGE, reply);
    if let Some(complaint) = complaint {
        failure.message.push_str(&format!(" ({})", dialogue.wire.redact(complaint)));
    }
    match kind {
        Kind::Auth if mechanism.wants_token() => {
            failure.hint("the access token may have expired, or lack the right to send mail")
        }
        Kind::Auth => failure.hint(
            "check user name and password; many providers want an app password here, not the account's own",
        ),
        _ => failure,
    }
}
