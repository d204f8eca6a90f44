//! What a session does before it has a folder: capabilities, TLS, login, ID, and the end.

use super::super::peer::{End, Phase};
use super::super::pop3d::{Mode, SECRET, USER};
use super::Wrong;
use super::quirks::Quirk;
use super::reading::Command;
use super::session::{Answer, Session, bad, no, ok};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use std::io;

impl Session<'_> {
    /// Whether the server announces a capability now.
    pub(super) fn announces(&self, capability: &str) -> bool {
        self.capabilities().iter().any(|has| has.eq_ignore_ascii_case(capability))
    }

    fn capabilities(&self) -> Vec<String> {
        let list = if self.logged_in { &self.setup.after } else { &self.setup.before };
        let mut list = list.clone();
        if self.setup.mode == Mode::Upgrade && self.peer.phase() == Phase::Plain && !self.logged_in {
            list.retain(|has| !has.starts_with("AUTH="));
            list.extend(["STARTTLS".into(), "LOGINDISABLED".into()]);
        }
        list
    }

    /// The response code with all capabilities, for those servers that tell them unasked.
    pub(super) fn capability_code(&self) -> String {
        match self.setup.says_capabilities {
            true => format!("[CAPABILITY {}]", self.capabilities().join(" ")),
            false => String::new(),
        }
    }

    /// Notes the use of an extension that is not announced; whether it is.
    pub(super) fn may_use(&mut self, capability: &str, command: &Command) -> bool {
        let may = self.announces(capability);
        if !may {
            self.wrong(Wrong::Unannounced, &format!("{capability}: {:?}", command.text));
        }
        may
    }

    /// Answers a command.
    pub(super) fn command(&mut self, command: &Command) -> io::Result<Answer> {
        match command.verb.as_str() {
            "CAPABILITY" => {
                let list = self.capabilities().join(" ");
                self.line(&format!("* CAPABILITY {list}"));
                ok("these")
            }
            "NOOP" => ok("nothing done"),
            "LOGOUT" => self.logout(command),
            "ID" => self.id(command),
            "STARTTLS" => self.starttls(command),
            "LOGIN" | "AUTHENTICATE" if self.logged_in => {
                self.wrong(Wrong::State, &format!("logged in already: {:?}", command.verb));
                bad("logged in already")
            }
            "LOGIN" => self.login(command),
            "AUTHENTICATE" => self.authenticate(command),
            _ => self.command_of_folders(command),
        }
    }

    fn logout(&mut self, command: &Command) -> io::Result<Answer> {
        if !self.is(|quirk| matches!(quirk, Quirk::RudeLogout)) {
            self.line("* BYE until next time");
            self.line(&format!("{} OK done", command.tag));
        }
        if self.peer.has_input() {
            self.wrong(Wrong::State, "octets behind LOGOUT");
        }
        // A cut that is due comes first.
        self.flush()?;
        self.peer.end(End::Close);
        Ok(Answer::Over)
    }

    fn id(&mut self, command: &Command) -> io::Result<Answer> {
        if !self.may_use("ID", command) {
            return bad("not known here");
        }
        let pairs = command.args.first().and_then(|arg| arg.list());
        let is_nil = command.word(0) == "NIL";
        if command.args.len() != 1
            || !(is_nil || pairs.is_some_and(|pairs| !pairs.is_empty() && pairs.len() % 2 == 0))
        {
            self.wrong(Wrong::Syntax, &format!("neither NIL nor pairs: {:?}", command.text));
            return bad("NIL or pairs");
        }
        self.identified = true;
        self.line(r#"* ID ("name" "imapd")"#);
        ok("pleased to meet you")
    }

    fn starttls(&mut self, command: &Command) -> io::Result<Answer> {
        if !self.announces("STARTTLS") {
            self.wrong(Wrong::Unannounced, "STARTTLS");
            return bad("not known here");
        }
        self.line(&format!("{} OK begin TLS", command.tag));
        let says = self.quirk(|quirk| match quirk {
            Quirk::StarttlsSays(says) => Some(*says),
            _ => None,
        });
        self.send(says.unwrap_or_default().as_bytes());
        self.flush()?;
        self.peer.start_tls(self.acceptor)?;
        (self.identified, self.view) = (false, None);
        // Its tagged answer is sent: nothing more is said.
        Ok(Answer::Said)
    }

    fn login(&mut self, command: &Command) -> io::Result<Answer> {
        if self.announces("LOGINDISABLED") {
            self.wrong(Wrong::Unannounced, "LOGIN though it is disabled");
            return no("[PRIVACYREQUIRED] not without TLS");
        }
        let (Some(user), Some(secret), 2) = (command.octets(0), command.octets(1), command.args.len()) else {
            self.wrong(Wrong::Syntax, "LOGIN wants two strings");
            return bad("two strings, please");
        };
        self.logged_in_if(user == USER.as_bytes() && secret == SECRET.as_bytes())
    }

    fn logged_in_if(&mut self, good: bool) -> io::Result<Answer> {
        if !good {
            return no("[AUTHENTICATIONFAILED] no such user or password");
        }
        self.logged_in = true;
        ok(&format!("{} welcome", self.capability_code()))
    }

    fn authenticate(&mut self, command: &Command) -> io::Result<Answer> {
        let mechanism = command.word(0);
        if !self.may_use(&format!("AUTH={mechanism}"), command) {
            return no("no such mechanism");
        }
        let initial = command.octets(1).map(|text| String::from_utf8_lossy(text).into_owned());
        if initial.is_some() {
            let may = self.may_use("SASL-IR", command);
            if !may || self.is(|quirk| matches!(quirk, Quirk::InitialResponseBad)) {
                return bad("one argument, please");
            }
        }
        let good = match mechanism.as_str() {
            "PLAIN" => self.challenge("", initial)? == Some(format!("\0{USER}\0{SECRET}").into_bytes()),
            "LOGIN" => {
                let user = self.challenge("Username:", initial)?;
                let secret = self.challenge("Password:", None)?;
                user.as_deref() == Some(USER.as_bytes()) && secret.as_deref() == Some(SECRET.as_bytes())
            }
            "CRAM-MD5" => {
                let challenge = "<4711.17@localhost>";
                let mut mac = Hmac::<Md5>::new_from_slice(SECRET.as_bytes()).unwrap();
                mac.update(challenge.as_bytes());
                let digest: String =
                    mac.finalize().into_bytes().iter().map(|octet| format!("{octet:02x}")).collect();
                self.challenge(challenge, None)? == Some(format!("{USER} {digest}").into_bytes())
            }
            "XOAUTH2" => self.token(initial, &format!("user={USER}\x01auth=Bearer {SECRET}\x01\x01"))?,
            "OAUTHBEARER" => {
                let port =
                    self.peer.socket().and_then(|socket| socket.local_addr().ok()).map_or(0, |at| at.port());
                let wanted =
                    format!("n,a={USER},\x01host=localhost\x01port={port}\x01auth=Bearer {SECRET}\x01\x01");
                self.token(initial, &wanted)?
            }
            _ => return no("no such mechanism"),
        };
        self.logged_in_if(good)
    }

    /// A response to a challenge; nothing where the client gives up.
    fn challenge(&mut self, prompt: &str, initial: Option<String>) -> io::Result<Option<Vec<u8>>> {
        let answer = match initial {
            Some(initial) => initial,
            None => {
                self.go_on(&STANDARD.encode(prompt));
                self.flush()?;
                self.peer.read_command()?
            }
        };
        if answer == "*" {
            return Ok(None);
        }
        // A lone `=` is an initial response without octets.
        let decoded = STANDARD.decode(if answer == "=" { "" } else { &answer });
        if decoded.is_err() {
            self.wrong(Wrong::Syntax, "a response that is not base64");
        }
        Ok(decoded.ok())
    }

    /// A token. Of one that is refused the client hears why, and says that it has heard.
    fn token(&mut self, initial: Option<String>, wanted: &str) -> io::Result<bool> {
        if self.challenge("", initial)? == Some(wanted.as_bytes().to_vec()) {
            return Ok(true);
        }
        self.challenge(r#"{"status":"invalid_token"}"#, None)?;
        Ok(false)
    }
}
