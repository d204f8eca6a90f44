//! Login: USER and PASS (`RFC 1939 §7`), APOP, SASL (`RFC 5034`). One attempt, one mechanism: after a
//! refusal nothing else is tried, so that no account gets locked.

use super::transaction::{Survey, Transaction};
use super::{Answer, Authorization, Dialogue};
use crate::codec::pop3::{Capabilities, Refusal, refusal, response_code};
use crate::codec::sasl::{Credentials, Exchange, Mechanism, apop_digest};
use crate::words::{Failure, Kind, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// USER and PASS.
    User,
    /// APOP: only where it is asked for; it protects the password on the wire and nothing else.
    Apop,
    /// AUTH with a SASL mechanism.
    Sasl(Mechanism),
}

impl Method {
    /// The name, as `auth` in the output has it.
    pub fn name(self) -> &'static str {
        match self {
            Method::User => "USER",
            Method::Apop => "APOP",
            Method::Sasl(mechanism) => mechanism.name(),
        }
    }

    /// The method for a server where none is asked for.
    fn choose(capabilities: &Capabilities, is_token: bool) -> Method {
        if is_token {
            let bearer = capabilities.has_sasl("OAUTHBEARER") && !capabilities.has_sasl("XOAUTH2");
            return Method::Sasl(if bearer { Mechanism::OAuthBearer } else { Mechanism::XOAuth2 });
        }
        if capabilities.user || !capabilities.known {
            return Method::User;
        }
        let wanted = [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5];
        let offered = wanted.into_iter().find(|mechanism| capabilities.has_sasl(mechanism.name()));
        offered.map_or(Method::User, Method::Sasl)
    }
}

/// Who logs in, and how.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// User and secret.
    pub credentials: &'a Credentials,
    /// Whether the secret is an OAuth2 access token.
    pub is_token: bool,
    /// The method; `None` chooses one by the capabilities.
    pub method: Option<Method>,
    /// Whether the secret may go over a wire without TLS.
    pub plaintext: bool,
}

/// The longest command line with an initial response (`RFC 5034 §4`: 255 octets with CRLF).
const MAX_COMMAND: usize = 253;

impl Authorization {
    /// Logs in, and sends the commands of `survey` in the same flight where the server pipelines and the
    /// method allows it. Fails with [`Kind::Auth`], [`Kind::Deferred`] (locked, too early), [`Kind::Missing`]
    /// (no such method), [`Kind::Config`] (a secret in clear, control characters) and those of the wire.
    pub fn login(mut self, login: &Login<'_>, survey: Survey) -> Result<(Transaction, Method), Failure> {
        let dialogue = &mut self.dialogue;
        check(dialogue, login)?;
        dialogue.wire.learn_secret(&login.credentials.secret);
        let method = login.method.unwrap_or_else(|| Method::choose(&dialogue.capabilities, login.is_token));
        let mut sent = Survey::NOTHING;
        match method {
            Method::User if dialogue.capabilities.pipelining => {
                dialogue.command(&format!("USER {}", login.credentials.user))?;
                pass(dialogue, login)?;
                survey.send(dialogue)?;
                sent = survey;
                dialogue.flush("PASS")?;
                answer(dialogue, "USER")?;
                answer(dialogue, "PASS")?;
            }
            Method::User => {
                dialogue.command(&format!("USER {}", login.credentials.user))?;
                dialogue.flush("USER")?;
                answer(dialogue, "USER")?;
                pass(dialogue, login)?;
                dialogue.flush("PASS")?;
                answer(dialogue, "PASS")?;
            }
            Method::Apop => {
                let Some(timestamp) = &self.timestamp else {
                    let message = format!(
                        "{}: APOP: the server's greeting has no timestamp for it",
                        dialogue.wire.place()
                    );
                    return Err(Failure::new(Kind::Missing, "APOP", message)
                        .hint("the server does not have APOP; use another auth"));
                };
                let digest = apop_digest(timestamp, &login.credentials.secret);
                let line = Secret::new(format!("APOP {} {digest}", login.credentials.user));
                let shown = format!("APOP {} [redacted]", login.credentials.user);
                dialogue.secret_command("APOP", &line, &shown)?;
                dialogue.flush("APOP")?;
                answer(dialogue, "APOP")?;
            }
            Method::Sasl(mechanism) => auth(dialogue, login, mechanism)?,
        }
        Ok((Transaction::new(self.dialogue, survey, sent), method))
    }
}

/// Refuses what must not be sent: a secret in clear, or anything that would break the line.
fn check(dialogue: &Dialogue, login: &Login<'_>) -> Result<(), Failure> {
    let place = dialogue.wire.place();
    if dialogue.wire.tls().is_none() && !login.plaintext {
        let message = format!("{place}: authentication: refused, the connection has no TLS");
        return Err(Failure::new(Kind::Config, "authentication", message));
    }
    let broken = |text: &[u8]| text.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0));
    if broken(login.credentials.user.as_bytes()) || login.credentials.secret.breaks_lines() {
        let message = format!("{place}: authentication: the user name or the secret holds CR, LF or NUL");
        return Err(Failure::new(Kind::Config, "authentication", message));
    }
    Ok(())
}

fn pass(dialogue: &mut Dialogue, login: &Login<'_>) -> Result<(), Failure> {
    let line = Secret::new([b"PASS ", login.credentials.secret.expose()].concat());
    dialogue.secret_command("PASS", &line, "PASS [redacted]")
}

/// Reads the answer to a step of the login.
fn answer(dialogue: &mut Dialogue, stage: &str) -> Result<(), Failure> {
    match dialogue.answer(stage).map_err(misspelt)?.0 {
        Answer::Ok(_) => Ok(()),
        Answer::Err(text) => Err(refused(dialogue, stage, &text)),
        Answer::Continue(text) => Err(dialogue.out_of_step(stage, &text)),
    }
}

/// At least one server refuses a login with `+ERR`. It is no reply, but what it means is plain.
fn misspelt(failure: Failure) -> Failure {
    let line = failure.reply.as_ref().and_then(|reply| reply.lines.first());
    if failure.kind != Kind::Protocol || !line.is_some_and(|line| line.starts_with("+ERR")) {
        return failure;
    }
    Failure { kind: Kind::Auth, retry: Kind::Auth.retry(), ..failure }
}

/// A refusal during login is one of the credentials unless the server says otherwise.
fn refused(dialogue: &Dialogue, stage: &str, text: &[u8]) -> Failure {
    let kind = match refusal(text) {
        Refusal::Temporary => Kind::Deferred,
        Refusal::Permanent => Kind::Rejected,
        Refusal::Credentials | Refusal::Unsaid => Kind::Auth,
    };
    let failure = dialogue.refused_as(kind, stage, text);
    match kind {
        Kind::Auth => failure
            .hint("check user name and secret; many providers want an app password instead of the account's"),
        Kind::Deferred if response_code(text).is_some_and(|code| code.eq_ignore_ascii_case("IN-USE")) => {
            failure.hint("another session holds the mailbox; it is free when that one ends")
        }
        _ => failure,
    }
}

/// AUTH (`RFC 5034`). Tokens always go on a line of their own: they are long, and one large provider
/// takes them no other way.
fn auth(dialogue: &mut Dialogue, login: &Login<'_>, mechanism: Mechanism) -> Result<(), Failure> {
    let mut exchange = Exchange::new(mechanism, login.credentials);
    let command = format!("AUTH {}", mechanism.name());
    let inline = match exchange.initial() {
        Some(initial) if !mechanism.wants_token() => {
            dialogue.wire.learn_secret(&initial);
            let line = Secret::new(format!("{command} {}", encode(&initial)));
            (line.expose().len() <= MAX_COMMAND).then_some(line)
        }
        _ => None,
    };
    match inline {
        Some(line) => {
            let shown = format!("{command} [redacted]");
            dialogue.secret_command(&command, &line, &shown)?;
        }
        None => {
            exchange = Exchange::new(mechanism, login.credentials);
            dialogue.command(&command)?;
        }
    }
    dialogue.flush(&command)?;
    loop {
        match dialogue.answer(&command)?.0 {
            // A few servers write `+OK` where `+` belongs.
            Answer::Ok(text) if exchange.expects_more() => respond(dialogue, &command, &text, &mut exchange)?,
            Answer::Ok(_) => return Ok(()),
            Answer::Err(text) => return Err(auth_refused(dialogue, &command, &text, &exchange)),
            Answer::Continue(challenge) => respond(dialogue, &command, &challenge, &mut exchange)?,
        }
    }
}

/// Answers one challenge. One that makes no sense is cancelled (`RFC 5034 §4`: `*`).
fn respond(
    dialogue: &mut Dialogue,
    command: &str,
    challenge: &[u8],
    exchange: &mut Exchange<'_>,
) -> Result<(), Failure> {
    // Some servers put prose where an empty challenge belongs: it is read as one.
    let decoded = STANDARD.decode(challenge).unwrap_or_default();
    match exchange.respond(&decoded) {
        Ok(response) => {
            dialogue.wire.learn_secret(&response);
            let line = Secret::new(encode(&response));
            dialogue.secret_command(command, &line, "[redacted]")?;
        }
        Err(_) => {
            dialogue.command("*")?;
            dialogue.flush(command)?;
            // What it says to the cancellation is not of interest.
            let _ = dialogue.answer(command)?;
            let message = format!(
                "{}: {command}: the server asked for more than the mechanism has",
                dialogue.wire.place()
            );
            return Err(Failure::new(Kind::Protocol, command, message));
        }
    }
    dialogue.flush(command)
}

fn auth_refused(dialogue: &Dialogue, command: &str, text: &[u8], exchange: &Exchange<'_>) -> Failure {
    let mut failure = refused(dialogue, command, text);
    if let Some(complaint) = exchange.complaint() {
        failure.message.push_str(&format!(" ({})", dialogue.wire.redact(complaint)));
        failure =
            failure.hint("the access token was refused: it may have expired, or lack the scope for POP3");
    }
    failure
}

fn encode(secret: &Secret) -> String {
    STANDARD.encode(secret.expose())
}
