//! Login: USER and PASS, APOP (`RFC 1939 §7`), AUTH (SASL, `RFC 5034`). One attempt with one mechanism: after a
//! refusal nothing else is tried, so that no account gets locked.

use super::authorization::LATER;
use super::transaction::{Listings, Transaction};
use super::{Authorization, Connection, StatusAnswer};
use crate::codec::pop3::{Capabilities, LoginRefusal, Refusal, login_refusal, response_code};
use crate::codec::sasl::{self, ClientResponse, ExchangeFault, Mechanism, apop_digest};
use crate::net::authentication::exchange;
use crate::words::secret::REDACTED;
use crate::words::{Failure, Kind, MechanismName, Secret, Stage};

const STAGE: Stage = Stage::Authentication;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pop3Method {
    /// USER and PASS.
    User,
    /// APOP: only if the user asks for it, since it protects the password on the wire and nothing else.
    Apop,
    /// AUTH with a SASL mechanism.
    Sasl(Mechanism),
}

impl Pop3Method {
    /// The name, as in `auth` of the JSON output.
    pub fn name(self) -> MechanismName {
        match self {
            Pop3Method::User => const { MechanismName::of("USER") },
            Pop3Method::Apop => const { MechanismName::of("APOP") },
            Pop3Method::Sasl(mechanism) => mechanism.name(),
        }
    }

    /// The method for this server; `None` if there is none in common. What the SASL capability lists decides: a
    /// server that lists neither PLAIN nor LOGIN would rather not see the password, even if it lists USER (Dovecot
    /// always does). `in_clear`: others can read what is sent.
    fn choose(capabilities: &Capabilities, login: &Pop3Login, in_clear: bool) -> Option<Pop3Method> {
        let offered = &capabilities.sasl;
        match login.method {
            Some(Pop3Method::Sasl(asked)) if !offered.is_empty() && !asked.is_in(offered) => return None,
            Some(asked) => return Some(asked),
            None => {}
        }
        let best = Mechanism::choose(offered, login.is_token, in_clear);
        if login.is_token {
            return best.or(offered.is_empty().then_some(Mechanism::XOAuth2)).map(Pop3Method::Sasl);
        }
        let has_user = capabilities.user || !capabilities.known;
        match best {
            Some(mechanism) if !mechanism.sends_password() || !has_user => Some(Pop3Method::Sasl(mechanism)),
            _ => (has_user || offered.is_empty()).then_some(Pop3Method::User),
        }
    }
}

pub type Pop3Login = sasl::Login<Pop3Method>;

/// The longest command line with an initial response (`RFC 5034 §4`: 255 octets with CRLF).
const MAX_COMMAND: usize = 253;
/// The longest challenge: a Kerberos ticket may have some 12 KiB, and the wire takes lines of 64 KiB.
const MAX_CHALLENGE: usize = 60 * 1024;

impl Authorization {
    /// Logs in. `listings` are asked for next, or in the same flight (see `early.rs`). Fails with [`Kind::Auth`],
    /// [`Kind::Deferred`] (locked, too early), [`Kind::Missing`] (no such method), [`Kind::Config`] (a secret
    /// without TLS, control characters) and the kinds of the wire.
    pub fn login(self, login: &Pop3Login, listings: Listings) -> Result<(Transaction, Pop3Method), Failure> {
        let done = self.log_in(login, listings);
        login.settle(&done);
        done
    }

    fn log_in(mut self, login: &Pop3Login, listings: Listings) -> Result<(Transaction, Pop3Method), Failure> {
        let may_list_early = self.may_list_early();
        let dialogue = &mut self.dialogue;
        check(dialogue, login)?;
        let in_clear = dialogue.wire.tls().is_none();
        let Some(method) = Pop3Method::choose(&dialogue.capabilities, login, in_clear) else {
            return Err(not_offered(dialogue, login));
        };
        dialogue.wire.learn_secret(&login.credentials.secret);
        let together = dialogue.capabilities.pipelining && method == Pop3Method::User;
        utf8(dialogue, together)?;
        let early = may_list_early.then_some(listings);
        let listed_early = match method {
            Pop3Method::User => user(dialogue, login, together, early)?,
            Pop3Method::Apop => apop(dialogue, login, self.timestamp.as_deref(), early)?,
            Pop3Method::Sasl(mechanism) => auth(dialogue, login, mechanism, early)?,
        };
        Ok((Transaction::new(self.dialogue, listings, listed_early), method))
    }
}

/// Refuses to send a secret without TLS, or anything that would break a line or an exchange.
fn check(dialogue: &Connection, login: &Pop3Login) -> Result<(), Failure> {
    let place = dialogue.wire.place();
    let refused = |what: &str| Failure::new(Kind::Config, STAGE, format!("{STAGE}: {what}")).at(place);
    if dialogue.wire.tls().is_none() && !login.plaintext {
        return Err(refused("refused, the connection has no TLS"));
    }
    login.credentials.check().map_err(refused)
}

/// The failure for a server that has no fitting method.
fn not_offered(dialogue: &Connection, login: &Pop3Login) -> Failure {
    let place = dialogue.wire.place();
    let what = match login.method {
        Some(asked) => format!("{} is not offered", asked.name()),
        None => format!("no mechanism for {} in common", if login.is_token { "tokens" } else { "passwords" }),
    };
    let message = format!("{STAGE}: {what}: {}", offered(&dialogue.capabilities));
    Failure::new(Kind::Missing, STAGE, message)
        .at(place)
        .hint(sasl::advice(&dialogue.capabilities.sasl, login.is_token))
}

fn offered(capabilities: &Capabilities) -> String {
    let user = if capabilities.user { &["USER"][..] } else { &[] };
    let names: Vec<&str> = capabilities.sasl.iter().map(String::as_str).chain(user.iter().copied()).collect();
    match names.as_slice() {
        [] => "the server names no mechanism".to_owned(),
        names => format!("the server offers only {}", names.join(", ")),
    }
}

/// Asks for UTF-8 mode if the server has it (`RFC 6856 §2.1`): without it the server may send a substitute
/// for a message that is not ASCII. A refusal is not a failure. `together`: USER and PASS follow in the same
/// flight.
fn utf8(dialogue: &mut Connection, together: bool) -> Result<(), Failure> {
    if !dialogue.capabilities.utf8 {
        return Ok(());
    }
    dialogue.command(Stage::Utf8, "UTF8")?;
    if !together {
        dialogue.flush(Stage::Utf8)?;
        utf8_answer(dialogue)?;
    }
    Ok(())
}

fn utf8_answer(dialogue: &mut Connection) -> Result<(), Failure> {
    match dialogue.answer(Stage::Utf8)?.0 {
        StatusAnswer::Ok(_) | StatusAnswer::Err(_) => Ok(()),
        StatusAnswer::Continue(text) => Err(dialogue.out_of_step(Stage::Utf8, &text)),
    }
}

/// Sends the last command of the login, and with it the early listings; returns whether there are any.
fn end(dialogue: &mut Connection, stage: Stage, early: Option<Listings>) -> Result<bool, Failure> {
    if let Some(listings) = early {
        listings.send(dialogue)?;
    }
    dialogue.flush(stage)?;
    Ok(early.is_some())
}

fn user(
    dialogue: &mut Connection,
    login: &Pop3Login,
    together: bool,
    early: Option<Listings>,
) -> Result<bool, Failure> {
    dialogue.command(Stage::User, &format!("USER {}", login.credentials.user))?;
    if !together {
        dialogue.flush(Stage::User)?;
        answer(dialogue, login, Stage::User)?;
    }
    let line = Secret::new([b"PASS ", login.credentials.secret.expose()].concat());
    dialogue.secret_command(Stage::Pass, &line, &format!("PASS {REDACTED}"))?;
    let listed_early = end(dialogue, Stage::Pass, early)?;
    if together {
        if dialogue.capabilities.utf8 {
            utf8_answer(dialogue)?;
        }
        answer(dialogue, login, Stage::User)?;
    }
    answer(dialogue, login, Stage::Pass)?;
    Ok(listed_early)
}

fn apop(
    dialogue: &mut Connection,
    login: &Pop3Login,
    timestamp: Option<&str>,
    early: Option<Listings>,
) -> Result<bool, Failure> {
    let Some(timestamp) = timestamp else {
        let message = "APOP: the server's greeting has no timestamp for it";
        return Err(Failure::new(Kind::Missing, Stage::Apop, message)
            .at(dialogue.wire.place())
            .hint("the server does not have APOP; use another auth"));
    };
    let digest = apop_digest(timestamp, &login.credentials.secret);
    let line = Secret::new(format!("APOP {} {digest}", login.credentials.user));
    dialogue.wire.learn_secret(&Secret::new(digest));
    dialogue.secret_command(Stage::Apop, &line, &format!("APOP {} {REDACTED}", login.credentials.user))?;
    let listed_early = end(dialogue, Stage::Apop, early)?;
    answer(dialogue, login, Stage::Apop)?;
    Ok(listed_early)
}

fn answer(dialogue: &mut Connection, login: &Pop3Login, stage: Stage) -> Result<(), Failure> {
    match dialogue.answer(stage).map_err(misspelt)?.0 {
        StatusAnswer::Ok(_) => Ok(()),
        StatusAnswer::Err(text) => Err(refused(dialogue, login, stage, &text)),
        StatusAnswer::Continue(text) => Err(dialogue.out_of_step(stage, &text)),
    }
}

/// Takes `+ERR` for a refusal: at least one server writes that.
fn misspelt(failure: Failure) -> Failure {
    let line = failure.reply.as_ref().and_then(|reply| reply.lines.first());
    let plain = |line: &String| line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("+ERR"));
    if failure.kind() != Kind::Protocol || !line.is_some_and(plain) {
        return failure;
    }
    failure.as_kind(Kind::Auth)
}

/// The failure for a refused login: wrong credentials, unless the server says otherwise.
fn refused(dialogue: &Connection, login: &Pop3Login, stage: Stage, text: &[u8]) -> Failure {
    let kind = match login_refusal(text) {
        LoginRefusal::Mechanism => Kind::Missing,
        LoginRefusal::Other(Refusal::Temporary) => Kind::Deferred,
        LoginRefusal::Other(Refusal::Permanent) => Kind::Rejected,
        LoginRefusal::Other(Refusal::Credentials | Refusal::Unstated) => Kind::Auth,
    };
    let mut failure = dialogue.refused_as(kind, stage, text);
    match kind {
        Kind::Missing => {
            failure.message.push_str(&format!("; {}", offered(&dialogue.capabilities)));
            failure.hint(sasl::advice(&dialogue.capabilities.sasl, login.is_token))
        }
        Kind::Auth if login.is_token => {
            failure.hint("the access token was refused: it may have expired, or lack the scope for POP3")
        }
        Kind::Auth if sasl::takes_tokens(&dialogue.capabilities.sasl) => failure.hint(
            "check user name and secret; a server that offers XOAUTH2 or OAUTHBEARER often takes no account password any more, but an app password or an OAuth2 token (token-command)",
        ),
        // It was tried because the server names no mechanism at all.
        Kind::Auth
            if login.method.is_some()
                && matches!(stage, Stage::AuthBy(_))
                && dialogue.capabilities.sasl.is_empty() =>
        {
            failure.hint(
                "the server does not say that it has this way to log in: auth = \"auto\" takes one that it has; \
                 else check user name and secret",
            )
        }
        Kind::Auth => failure
            .hint("check user name and secret; many providers want an app password instead of the account's"),
        Kind::Deferred if response_code(text).is_some_and(|code| code.eq_ignore_ascii_case("IN-USE")) => {
            failure.hint("another session holds the mailbox; it is free when that one ends")
        }
        Kind::Deferred => failure.hint(LATER),
        _ => failure,
    }
}

/// AUTH (`RFC 5034 §4`). Tokens are always sent on a line of their own: they are long, and one large provider
/// takes them no other way. Listings are sent early only after the last response to a challenge: a server that
/// takes no initial response, or refuses a token by a challenge, would take them for the next response.
fn auth(
    dialogue: &mut Connection,
    login: &Pop3Login,
    mechanism: Mechanism,
    early: Option<Listings>,
) -> Result<bool, Failure> {
    let early = early.filter(|_| !mechanism.wants_token());
    let mut listed_early = false;
    let mut exchange = exchange(&dialogue.wire, mechanism, login, &dialogue.capabilities.sasl)?;
    let stage = Stage::AuthBy(mechanism.name());
    let command = stage.to_string();
    let alone = mechanism.wants_token() || mechanism == Mechanism::External;
    let room = if alone { 0 } else { MAX_COMMAND - command.len() - 1 };
    match exchange.initial(room) {
        Some(initial) => {
            let line = Secret::new([command.as_bytes(), b" ", initial.line.expose()].concat());
            send(dialogue, stage, &initial, &line, &format!("{command} {REDACTED}"))?;
            dialogue.flush(stage)?;
        }
        None => {
            dialogue.command(stage, &command)?;
            dialogue.flush(stage)?;
        }
    }
    loop {
        let (challenge, doubt) = match dialogue.answer_within(stage, MAX_CHALLENGE).map_err(misspelt)?.0 {
            StatusAnswer::Ok(text) => match exchange.accept(&text) {
                Ok(()) => return Ok(listed_early),
                // A few servers write `+OK` instead of `+`.
                Err(fault) => (text, Some(fault)),
            },
            StatusAnswer::Continue(challenge) if listed_early => {
                return Err(dialogue.out_of_step(stage, &[b"+ ", challenge.as_slice()].concat()));
            }
            StatusAnswer::Continue(challenge) => (challenge, None),
            StatusAnswer::Err(text) => {
                let failure = refused(dialogue, login, stage, &text);
                return Err(sasl::explain(failure, mechanism, exchange.complaint(), |it| {
                    dialogue.wire.redact(it)
                }));
            }
        };
        match exchange.answer(&challenge) {
            Ok(response) => {
                send(dialogue, stage, &response, &response.line, REDACTED)?;
                listed_early = end(dialogue, stage, early.filter(|_| exchange.is_at_its_end()))?;
            }
            Err(fault) => return Err(cancel(dialogue, stage, doubt.unwrap_or(fault), &challenge)),
        }
    }
}

/// Adds a line of the exchange to the next flight.
fn send(
    dialogue: &mut Connection,
    stage: Stage,
    response: &ClientResponse,
    line: &Secret,
    shown: &str,
) -> Result<(), Failure> {
    if let Some(secret) = &response.secret {
        dialogue.wire.learn_secret(secret);
    }
    dialogue.secret_command(stage, line, shown)
}

/// Cancels an exchange that cannot go on (`RFC 5034 §4`), whatever the server answers.
fn cancel(dialogue: &mut Connection, stage: Stage, fault: ExchangeFault, challenge: &[u8]) -> Failure {
    let sent = dialogue.command(stage, sasl::CANCEL).and_then(|()| dialogue.flush(stage));
    let why = match fault {
        ExchangeFault::Failed(failure) => {
            dialogue.wire.mark_broken();
            return failure.at_least_at(dialogue.wire.place());
        }
        ExchangeFault::Nonsense(why) => why,
    };
    if let Err(failure) = sent.and_then(|()| dialogue.answer(stage)) {
        return failure;
    }
    let reply = dialogue.wire.reply(None, None, &[challenge]);
    let place = dialogue.wire.place();
    let line = super::shorten(&reply.lines[0]);
    let message = format!("{stage}: {why}: {line}");
    Failure::new(Kind::Protocol, stage, message).at(place).with_reply(reply)
}
