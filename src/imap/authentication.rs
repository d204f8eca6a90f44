//! Login: AUTHENTICATE (`RFC 3501 §6.2.2`) and LOGIN (`§6.2.3`). One attempt, one mechanism: after a refusal
//! nothing else is tried, so that no account gets locked.

use super::mailboxes::Authenticated;
use super::{Connection, NotAuthenticated, answer::shorten};
use crate::codec::imap::{CANCEL, Capabilities, Command, Response, Status, Tag};
use crate::codec::sasl::{self, Exchange, ExchangeFault, Mechanism};
use crate::net::authentication::exchange;
use crate::words::secret::REDACTED;
use crate::words::{Failure, Kind, MechanismName, Secret, Stage};

const STAGE: Stage = Stage::Authentication;

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The command LOGIN.
    Login,
    /// AUTHENTICATE with a SASL mechanism.
    Sasl(Mechanism),
}

impl Method {
    /// The name, as `auth` in the output has it.
    pub fn name(self) -> MechanismName {
        match self {
            Method::Login => const { MechanismName::of("LOGIN") },
            Method::Sasl(mechanism) => mechanism.name(),
        }
    }

    /// The stage of a login by it.
    fn stage(self) -> Stage {
        match self {
            Method::Login => Stage::Login,
            Method::Sasl(mechanism) => Stage::AuthenticateBy(mechanism.name()),
        }
    }

    /// The method for this server; `None` where there is none in common. The command LOGIN, which every server
    /// has that does not announce LOGINDISABLED, comes behind the mechanisms that are as good, and last where the
    /// server lists none that sends the password. `in_clear`: others can read what is sent.
    fn choose(capabilities: &Capabilities, login: &ImapLogin, in_clear: bool) -> Option<Method> {
        let offered = &capabilities.sasl;
        match login.method {
            Some(Method::Sasl(asked)) => return asked.is_in(offered).then_some(Method::Sasl(asked)),
            Some(Method::Login) => return (!capabilities.login_disabled).then_some(Method::Login),
            None => {}
        }
        let best = Mechanism::choose(offered, login.is_token, in_clear);
        if login.is_token {
            return best.or(offered.is_empty().then_some(Mechanism::XOAuth2)).map(Method::Sasl);
        }
        match best {
            Some(Mechanism::Plain) => best.map(Method::Sasl),
            Some(mechanism) if !mechanism.sends_password() => Some(Method::Sasl(mechanism)),
            _ if !capabilities.login_disabled => Some(Method::Login),
            best => best.map(Method::Sasl),
        }
    }
}

/// Who logs in, and how.
pub type ImapLogin = sasl::Login<Method>;

/// The longest initial response; what is longer answers the server's first challenge, on a line of its own.
const MAX_INITIAL: usize = 6000;

impl NotAuthenticated {
    /// Logs in. Fails with [`Kind::Auth`], [`Kind::Deferred`] (too many sessions, too early), [`Kind::Missing`]
    /// (no such method), [`Kind::Config`] (a secret in clear, control characters) and those of the wire.
    pub fn login(self, login: &ImapLogin) -> Result<(Authenticated, Method), Failure> {
        let done = self.log_in(login);
        login.settle(&done);
        done
    }

    fn log_in(mut self, login: &ImapLogin) -> Result<(Authenticated, Method), Failure> {
        let connection = &mut self.connection;
        check(connection, login)?;
        let in_clear = connection.wire.tls().is_none();
        let Some(method) = Method::choose(&connection.capabilities, login, in_clear) else {
            return Err(not_offered(connection, login));
        };
        connection.wire.learn_secret(&login.credentials.secret);
        // What the server could before the login holds no more (`RFC 3501 §6.2.2`).
        let before = std::mem::take(&mut connection.capabilities);
        let logged_in = match method {
            Method::Login => connection.login(login, &before),
            Method::Sasl(mechanism) => connection.authenticate(login, mechanism, &before),
        };
        logged_in?;
        connection.ask_capability()?;
        if connection.capabilities.utf8_only {
            connection.enable_utf8()?;
        }
        if connection.capabilities.id || before.id {
            connection.identify()?;
        }
        Ok((Authenticated::new(self.connection), method))
    }
}

/// Refuses what must not be sent: a secret in clear, or anything that would break a line or an exchange.
fn check(connection: &Connection, login: &ImapLogin) -> Result<(), Failure> {
    let place = connection.wire.place();
    let refused = |what: &str| Failure::new(Kind::Config, STAGE, format!("{STAGE}: {what}")).at(place);
    if connection.wire.tls().is_none() && !login.plaintext {
        return Err(refused("refused, the connection has no TLS"));
    }
    login.credentials.check().map_err(refused)
}

/// The server has no method that fits.
fn not_offered(connection: &Connection, login: &ImapLogin) -> Failure {
    let capabilities = &connection.capabilities;
    let what = match login.method {
        Some(Method::Login) => "LOGIN is not allowed".to_owned(),
        Some(asked) => format!("{} is not offered", asked.name()),
        None => format!("no mechanism for {} in common", if login.is_token { "tokens" } else { "passwords" }),
    };
    let message = format!("{STAGE}: {what}: {}", offered(capabilities));
    let failure = Failure::new(Kind::Missing, STAGE, message).at(connection.wire.place());
    failure.hint(sasl::advice(&capabilities.sasl, login.is_token))
}

fn offered(capabilities: &Capabilities) -> String {
    let login = if capabilities.login_disabled { &[][..] } else { &["LOGIN"] };
    let sasl = capabilities.sasl.iter().map(String::as_str);
    match sasl.chain(login.iter().copied()).collect::<Vec<&str>>().as_slice() {
        [] => "the server names no mechanism".to_owned(),
        names => format!("the server offers only {}", names.join(", ")),
    }
}

impl Connection {
    fn login(&mut self, login: &ImapLogin, before: &Capabilities) -> Result<(), Failure> {
        const STAGE: Stage = Stage::Login;
        let credentials = &login.credentials;
        let command = Command::login(&credentials.user, &credentials.secret).ok_or_else(|| {
            let message = "LOGIN: user or secret hold what no command can";
            Failure::new(Kind::Config, STAGE, message).at(self.wire.place())
        })?;
        // Literals go by what was announced.
        self.capabilities = before.clone();
        let tag = self.send(STAGE, &command).map_err(|failure| self.login_failed(login, failure))?;
        self.capabilities = Capabilities::default();
        match self.complete(STAGE, tag, |_| {})? {
            Status::Ok => Ok(()),
            Status::No | Status::Bad => Err(self.login_refused(login, Method::Login, before)),
        }
    }

    /// AUTHENTICATE. An initial response spares a round trip (`RFC 4959`). A server that announces SASL-IR and
    /// does not know it (Coremail) answers BAD: then the exchange is begun once more, without.
    fn authenticate(
        &mut self,
        login: &ImapLogin,
        mechanism: Mechanism,
        before: &Capabilities,
    ) -> Result<(), Failure> {
        if before.sasl_ir {
            let mut exchange = exchange(&self.wire, mechanism, login, &before.sasl)?;
            if let Some(initial) = exchange.initial(MAX_INITIAL) {
                if let Some(secret) = &initial.secret {
                    self.wire.learn_secret(secret);
                }
                let command = Command::authenticate(&mechanism.name(), Some(&initial.line));
                if self.exchange(login, mechanism, exchange, &command, true, before)? {
                    return Ok(());
                }
            }
        }
        let exchange = exchange(&self.wire, mechanism, login, &before.sasl)?;
        let command = Command::authenticate(&mechanism.name(), None);
        self.exchange(login, mechanism, exchange, &command, false, before).map(drop)
    }

    /// One exchange; `false` where the server did not understand the initial response.
    fn exchange(
        &mut self,
        login: &ImapLogin,
        mechanism: Mechanism,
        mut exchange: Exchange,
        command: &Command,
        has_initial: bool,
        before: &Capabilities,
    ) -> Result<bool, Failure> {
        let stage = Stage::AuthenticateBy(mechanism.name());
        let tag = self.send(stage, command)?;
        let mut challenged = false;
        loop {
            let challenge = match self.challenge(stage, tag)? {
                Challenge::Said(challenge) => challenge,
                Challenge::Ended(Status::Ok, text) => match exchange.accept(&text) {
                    Ok(()) => return Ok(true),
                    Err(fault) => return Err(self.unproven(stage, &fault)),
                },
                Challenge::Ended(Status::Bad, _) if has_initial && !challenged => return Ok(false),
                Challenge::Ended(..) => {
                    let failure = self.login_refused(login, Method::Sasl(mechanism), before);
                    let complaint = exchange.complaint();
                    return Err(sasl::explain(failure, mechanism, complaint, |it| self.wire.redact(it)));
                }
            };
            challenged = true;
            match exchange.answer(&challenge) {
                Ok(response) => {
                    if let Some(secret) = &response.secret {
                        self.wire.learn_secret(secret);
                    }
                    self.line(stage, &response.line, REDACTED)?;
                }
                Err(fault) => return Err(self.cancel(stage, tag, fault, &challenge)),
            }
        }
    }

    /// Sends a line of the exchange.
    fn line(&mut self, stage: Stage, line: &Secret, shown: &str) -> Result<(), Failure> {
        self.wire.secret_line(line, shown).map_err(|error| self.lost(stage, &error))?;
        self.flush(stage)
    }

    /// Reads the next challenge, or how the exchange ended.
    fn challenge(&mut self, stage: Stage, tag: Tag) -> Result<Challenge, Failure> {
        loop {
            self.wire.begin();
            self.skip_to_response(stage)?;
            match self.response(stage)? {
                Response::Continue(challenge) => return Ok(Challenge::Said(challenge.to_vec())),
                Response::Tagged { status, tag: own, text, .. } if tag.is(own) => {
                    let text = text.to_vec();
                    self.done(stage)?;
                    return Ok(Challenge::Ended(status, text));
                }
                Response::Tagged { .. } => return Err(self.out_of_turn(stage)),
                _ => {}
            }
        }
    }

    /// Gives an exchange up that cannot go on (`RFC 3501 §6.2.2`). What the server says to that is of no
    /// interest.
    fn cancel(&mut self, stage: Stage, tag: Tag, fault: ExchangeFault, challenge: &[u8]) -> Failure {
        let sent = self.line(stage, &Secret::new(CANCEL), CANCEL);
        let why = match fault {
            ExchangeFault::Failed(failure) => {
                self.wire.mark_broken();
                return failure.at_least_at(self.wire.place());
            }
            ExchangeFault::Nonsense(why) => why,
        };
        if let Err(failure) = sent.and_then(|()| self.challenge(stage, tag)) {
            return failure;
        }
        let reply = self.wire.reply(None, None, &[challenge]);
        let message = format!("{stage}: {why}: {}", shorten(&reply.lines[0]));
        Failure::new(Kind::Protocol, stage, message).at(self.wire.place()).with_reply(reply)
    }

    /// The server lets the client in although the exchange is not at its end, or did not prove who it is.
    fn unproven(&mut self, stage: Stage, fault: &ExchangeFault) -> Failure {
        let failure = self.out_of_turn(stage);
        match fault {
            ExchangeFault::Nonsense(why) => failure.more(&format!("; {why}")),
            ExchangeFault::Failed(_) => failure,
        }
    }

    /// A refusal during login is one of the credentials unless the server says otherwise.
    fn login_refused(&self, login: &ImapLogin, method: Method, before: &Capabilities) -> Failure {
        let failure = self.refused_unless_said(method.stage(), Kind::Auth);
        let lacks = failure.reply.as_ref().is_some_and(|reply| sasl::lacks_mechanism(&reply.to_string()));
        let failure = match failure.kind() {
            Kind::Auth if lacks => failure.as_kind(Kind::Missing),
            _ => failure,
        };
        match failure.kind() {
            Kind::Missing => failure.hint(sasl::advice(&before.sasl, login.is_token)),
            _ => self.login_failed(login, failure),
        }
    }

    fn login_failed(&self, login: &ImapLogin, failure: Failure) -> Failure {
        match failure.kind() {
            Kind::Auth if login.is_token => {
                failure.hint("the access token was refused: it may have expired, or lack the scope for IMAP")
            }
            Kind::Auth => failure.hint(
                "check user name and secret; many providers want an app password instead of the account's, and IMAP switched on",
            ),
            _ => failure,
        }
    }

    /// Has names and headers in UTF-8, without which a server with `UTF8=ONLY` does nothing (`RFC 9755 §6`).
    fn enable_utf8(&mut self) -> Result<(), Failure> {
        const STAGE: Stage = Stage::Enable;
        let tag = self.send(STAGE, &Command::enable_utf8())?;
        self.utf8 = true;
        self.expect_ok(STAGE, tag, |_| {}).map_err(|failure| match failure.kind() {
            Kind::Rejected => {
                let failure = failure.as_kind(Kind::Missing);
                failure.hint(
                    "the server says that it works with UTF-8 alone (UTF8=ONLY), and does not switch it on",
                )
            }
            _ => failure,
        })
    }

    /// Says who asks (`RFC 2971`). What the server says to that is of no interest, but NetEase's lets nobody in
    /// who did not.
    fn identify(&mut self) -> Result<(), Failure> {
        let command = Command::id(&[("name", "postie"), ("version", env!("CARGO_PKG_VERSION"))]);
        // It goes out with the next command, and its end is taken with that one's.
        self.command(Stage::Id, &command).map(drop)
    }
}

/// What comes in an exchange.
enum Challenge {
    Said(Vec<u8>),
    /// With this text.
    Ended(Status, Vec<u8>),
}
