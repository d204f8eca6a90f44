//! A small, strict SMTP submission server over loopback (`RFC 5321`, `3207`, `4954`, `1870`, `6152`, `6531`,
//! `2920`, `3030`). Accepted messages go into a mailbox. It records every octet that a correct client would
//! not send. A hook lets a test misbehave at any command.

use super::authority::{Authority, Certificate, Versions};
use super::embedded::Listener;
use super::mailbox::Mailbox;
use super::peer::{End, Peer, Phase};
use super::pop3d::{Act, Event, Mode, SECRET, USER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::ssl::SslAcceptor;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

/// One transaction whose content arrived.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The argument of MAIL after the colon.
    pub mail: String,
    /// The addresses of RCPT that were accepted, without angle brackets.
    pub recipients: Vec<String>,
    /// The content, dot-stuffing undone; lines end in CRLF.
    pub content: Vec<u8>,
}

type Hook = dyn Fn(&Event<'_>) -> Act + Send + Sync;

/// An SMTP server about to start. For its hook the final dot is the verb `.`, the answers to LOGIN's prompts are the
/// verbs `Username:` and `Password:`.
pub struct Setup {
    mailbox: Mailbox,
    mode: Mode,
    certificate: Certificate,
    versions: Versions,
    extensions: Vec<&'static str>,
    hook: Box<Hook>,
}

/// A running SMTP server.
pub struct Smtpd {
    listener: Listener,
    mode: Mode,
    accepted: Arc<Mutex<Vec<Accepted>>>,
}

impl Deref for Smtpd {
    type Target = Listener;

    fn deref(&self) -> &Listener {
        &self.listener
    }
}

/// What a good server announces; STARTTLS is added when it is possible.
const EXTENSIONS: [&str; 6] =
    ["PIPELINING", "SIZE 10000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN"];

impl Smtpd {
    /// A good server, about to start; accepted messages go into `mailbox`.
    pub fn for_mailbox(mailbox: &Mailbox) -> Setup {
        Setup {
            mailbox: mailbox.clone(),
            mode: Mode::Implicit,
            certificate: Certificate::Good,
            versions: Versions::Modern,
            extensions: EXTENSIONS.to_vec(),
            hook: Box::new(|_| Act::Normal),
        }
    }

    /// The `--server` URL.
    pub fn url(&self) -> String {
        let scheme = match self.mode {
            Mode::Implicit => "smtps",
            Mode::Upgrade => "smtp",
            Mode::Plain => "smtp+insecure",
        };
        format!("{scheme}://{USER}@localhost:{}", self.port())
    }

    /// The accepted messages, once all connections have ended.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.journals();
        self.accepted.lock().unwrap().clone()
    }

    /// The one message that was accepted.
    #[track_caller]
    pub fn the_message(&self) -> Accepted {
        let mut accepted = self.accepted();
        assert_eq!(accepted.len(), 1, "accepted: {accepted:#?}");
        accepted.remove(0)
    }
}

impl Setup {
    super::embedded::server_options!();

    /// It does not announce an extension.
    pub fn without(mut self, extension: &str) -> Setup {
        self.extensions.retain(|has| has.split(' ').next() != Some(extension));
        self
    }

    /// It announces one more.
    pub fn with(mut self, extension: &'static str) -> Setup {
        self.extensions.push(extension);
        self
    }

    /// Starts it, guarded against the password in clear unless TLS is off.
    pub fn start(self) -> Smtpd {
        let mode = self.mode;
        let acceptor = Authority::shared().identity(self.certificate).acceptor(self.versions);
        let accepted = Arc::<Mutex<Vec<Accepted>>>::default();
        let shared = Arc::new((self, acceptor, Arc::clone(&accepted)));
        let mut listener = Listener::start(move |peer, connection| {
            let mut session = Session {
                setup: &shared.0,
                acceptor: &shared.1,
                accepted: &shared.2,
                peer,
                connection,
                extended: false,
                logged_in: false,
                transaction: None,
                chunk: Vec::new(),
            };
            // A connection that ends in the middle accepts nothing; the journal has what came before.
            let _ = session.run();
        });
        if mode != Mode::Plain {
            listener.guard(SECRET);
        }
        Smtpd { listener, mode, accepted }
    }
}

struct Session<'a> {
    setup: &'a Setup,
    acceptor: &'a SslAcceptor,
    accepted: &'a Mutex<Vec<Accepted>>,
    peer: Peer,
    connection: usize,
    extended: bool,
    logged_in: bool,
    transaction: Option<Accepted>,
    /// The chunk of the current BDAT.
    chunk: Vec<u8>,
}

/// Whether the session continues.
enum Flow {
    On,
    Over,
}

impl Session<'_> {
    fn run(&mut self) -> io::Result<()> {
        if self.setup.mode == Mode::Implicit {
            self.peer.start_tls(self.acceptor)?;
        }
        if let Flow::Over = self.answer("", "")? {
            return Ok(());
        }
        loop {
            let line = self.peer.read_command()?;
            self.inspect(&line);
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            if let Flow::Over = self.answer(&verb, &line)? {
                return Ok(());
            }
        }
    }

    fn inspect(&mut self, line: &str) {
        let international = self.transaction.as_ref().is_some_and(|t| t.mail.contains("SMTPUTF8"))
            || line.contains("SMTPUTF8");
        if !line.is_ascii() && !international {
            self.peer.violation(format!("8-bit octets in {line:?} without SMTPUTF8"));
        }
        if line.len() + 2 > 512 + 12288 {
            self.peer.violation(format!("a command of {} octets", line.len()));
        }
        if self.peer.has_input() && !self.announced("PIPELINING") && !line.starts_with("BDAT") {
            self.peer.violation(format!("pipelined behind {line:?} without PIPELINING"));
        }
    }

    fn announced(&self, extension: &str) -> bool {
        self.extended && self.setup.extensions.iter().any(|has| has.split(' ').next() == Some(extension))
    }

    /// Asks the hook, then answers.
    fn answer(&mut self, verb: &str, line: &str) -> io::Result<Flow> {
        if verb == "BDAT" && self.announced("CHUNKING") {
            // Whatever the reply is, the chunk comes before the next command.
            let size = line.split(' ').nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
            self.chunk = self.peer.read_exactly(size)?;
        }
        match self.misbehave(verb, line)? {
            Some(flow) => Ok(flow),
            None => self.command(verb, line),
        }
    }

    /// Asks the hook, and does what it returns instead of the usual.
    fn misbehave(&mut self, verb: &str, line: &str) -> io::Result<Option<Flow>> {
        let tls = self.peer.phase() == Phase::Tls;
        let socket = self.peer.socket();
        match (self.setup.hook)(&Event { connection: self.connection, verb, line, tls, socket }) {
            Act::Normal => Ok(None),
            Act::Cut(octets, end) => {
                self.peer.flush()?;
                self.peer.cut_after(octets, end);
                Ok(None)
            }
            Act::Reply(octets) => {
                self.peer.send(octets);
                Ok(Some(Flow::On))
            }
            Act::Then(octets, end) => {
                // The commands before this one were answered, pipelined or not.
                self.peer.flush()?;
                self.peer.send(octets);
                self.peer.end(end);
                Ok(Some(Flow::Over))
            }
        }
    }

    fn say(&mut self, reply: &str) -> Flow {
        self.peer.send(format!("{reply}\r\n"));
        Flow::On
    }

    fn command(&mut self, verb: &str, line: &str) -> io::Result<Flow> {
        let argument = line.split_once([' ', ':']).map_or("", |(_, rest)| rest);
        Ok(match verb {
            "" => self.say("220 localhost ESMTP"),
            "EHLO" => self.ehlo(),
            "HELO" => {
                self.transaction = None;
                self.say("250 localhost")
            }
            "STARTTLS" if self.setup.mode == Mode::Upgrade && self.peer.phase() == Phase::Plain => {
                self.say("220 2.0.0 begin TLS");
                self.peer.start_tls(self.acceptor)?;
                (self.extended, self.logged_in, self.transaction) = (false, false, None);
                Flow::On
            }
            "AUTH" if self.announced("AUTH") => self.auth(argument)?,
            "MAIL" => self.mail(argument),
            "RCPT" => self.rcpt(argument),
            "DATA" => return self.data(),
            "BDAT" if self.announced("CHUNKING") => return self.bdat(argument),
            "RSET" => {
                self.transaction = None;
                self.say("250 2.0.0 forgotten")
            }
            "NOOP" => self.say("250 2.0.0 nothing done"),
            "QUIT" => {
                self.say("221 2.0.0 goodbye");
                self.peer.flush()?;
                self.peer.end(End::Close);
                Flow::Over
            }
            _ => self.say("500 5.5.1 not known here"),
        })
    }

    fn ehlo(&mut self) -> Flow {
        self.extended = true;
        self.transaction = None;
        let mut lines = vec!["localhost"];
        lines.extend(&self.setup.extensions);
        if self.setup.mode == Mode::Upgrade && self.peer.phase() == Phase::Plain {
            lines.push("STARTTLS");
        }
        let last = lines.len() - 1;
        for (at, line) in lines.iter().enumerate() {
            let dash = if at == last { ' ' } else { '-' };
            self.peer.send(format!("250{dash}{line}\r\n"));
        }
        Flow::On
    }

    fn auth(&mut self, argument: &str) -> io::Result<Flow> {
        let (mechanism, initial) = match argument.split_once(' ') {
            Some((mechanism, initial)) => (mechanism.to_ascii_uppercase(), Some(initial.to_owned())),
            None => (argument.to_ascii_uppercase(), None),
        };
        let good = match mechanism.as_str() {
            "PLAIN" => self.challenge("", initial)? == format!("\0{USER}\0{SECRET}").as_bytes(),
            "LOGIN" => {
                let user = self.challenge("Username:", initial)?;
                if let Some(flow) = self.misbehave("Username:", "")? {
                    return Ok(flow);
                }
                let password = self.challenge("Password:", None)?;
                if let Some(flow) = self.misbehave("Password:", "")? {
                    return Ok(flow);
                }
                user == USER.as_bytes() && password == SECRET.as_bytes()
            }
            "XOAUTH2" => {
                let wanted = format!("user={USER}\x01auth=Bearer {SECRET}\x01\x01");
                self.challenge("", initial)? == wanted.as_bytes()
            }
            _ => return Ok(self.say("504 5.5.4 no such mechanism")),
        };
        self.logged_in = good;
        Ok(self.say(if good { "235 2.7.0 welcome" } else { "535 5.7.8 no such user or password" }))
    }

    fn challenge(&mut self, prompt: &str, initial: Option<String>) -> io::Result<Vec<u8>> {
        let answer = match initial {
            Some(initial) => initial,
            None => {
                self.say(&format!("334 {}", STANDARD.encode(prompt)));
                self.peer.read_command()?
            }
        };
        Ok(STANDARD.decode(answer).unwrap_or_default())
    }

    fn mail(&mut self, argument: &str) -> Flow {
        let announces_auth = self.setup.extensions.iter().any(|has| has.starts_with("AUTH"));
        if announces_auth && !self.logged_in {
            return self.say("530 5.7.0 log in first");
        }
        if self.transaction.is_some() {
            self.peer.violation("MAIL within a transaction");
            return self.say("503 5.5.1 one at a time");
        }
        let Some(mail) = argument.strip_prefix("FROM:<").or_else(|| argument.strip_prefix("From:<")) else {
            self.peer.violation(format!("MAIL {argument:?}"));
            return self.say("501 5.5.4 wrong syntax");
        };
        for parameter in mail.split(' ').skip(1) {
            let name = parameter.split('=').next().unwrap_or_default().to_ascii_uppercase();
            let extension = match name.as_str() {
                "BODY" => "8BITMIME",
                "RET" | "ENVID" => "DSN",
                other => other,
            };
            if !self.announced(extension) {
                self.peer.violation(format!("MAIL parameter {parameter:?} was not announced"));
            }
        }
        let mail = format!("<{mail}");
        self.transaction = Some(Accepted { mail, recipients: Vec::new(), content: Vec::new() });
        self.say("250 2.1.0 sender ok")
    }

    fn rcpt(&mut self, argument: &str) -> Flow {
        let address =
            argument.strip_prefix("TO:<").and_then(|rest| rest.split('>').next()).map(str::to_owned);
        match (address, &mut self.transaction) {
            (Some(address), Some(transaction)) => {
                transaction.recipients.push(address);
                self.say("250 2.1.5 recipient ok")
            }
            (None, _) => {
                self.peer.violation(format!("RCPT {argument:?}"));
                self.say("501 5.5.4 wrong syntax")
            }
            (_, None) => self.say("503 5.5.1 MAIL first"),
        }
    }

    fn data(&mut self) -> io::Result<Flow> {
        if self.transaction.as_ref().is_none_or(|transaction| transaction.recipients.is_empty()) {
            return Ok(self.say("554 5.5.1 no valid recipients"));
        }
        self.say("354 go ahead");
        let mut content = Vec::new();
        loop {
            let line = self.peer.read_line()?;
            if line == b"." {
                break;
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            content.extend_from_slice(b"\r\n");
            if line.first() == Some(&b'.') && line.get(1) != Some(&b'.') {
                // A dot that was not doubled has just been removed.
                self.peer
                    .violation(format!("a line's dot is not doubled: {:?}", line.escape_ascii().to_string()));
            }
        }
        self.finish(content)
    }

    fn bdat(&mut self, argument: &str) -> io::Result<Flow> {
        let Some(transaction) = &mut self.transaction else {
            return Ok(self.say("503 5.5.1 MAIL first"));
        };
        if transaction.recipients.is_empty() {
            return Ok(self.say("554 5.5.1 no valid recipients"));
        }
        transaction.content.append(&mut self.chunk);
        if argument.split(' ').nth(1).is_some_and(|word| word.eq_ignore_ascii_case("LAST")) {
            let content = std::mem::take(&mut transaction.content);
            return self.finish(content);
        }
        Ok(self.say("250 2.0.0 more"))
    }

    fn finish(&mut self, content: Vec<u8>) -> io::Result<Flow> {
        self.judge(&content);
        let mut transaction = self.transaction.take().expect("a transaction is under way");
        transaction.content.clone_from(&content);
        if let Some(flow) = self.misbehave(".", ".")? {
            return Ok(flow);
        }
        self.setup.mailbox.add(&content);
        self.accepted.lock().unwrap().push(transaction);
        Ok(self.say("250 2.0.0 queued as 4711ABCDEF"))
    }

    /// Records content that no client may send (`RFC 5321 §2.3.8`, `§4.5.3.1.6`).
    fn judge(&mut self, content: &[u8]) {
        let mail = self.transaction.as_ref().map(|transaction| transaction.mail.clone()).unwrap_or_default();
        if !content.is_ascii() && !mail.contains("BODY=8BITMIME") && !mail.contains("BODY=BINARYMIME") {
            self.peer.violation("8-bit content that was not declared");
        }
        if content.contains(&0) {
            self.peer.violation("NUL in the content");
        }
        let pairs = memchr::memmem::find_iter(content, b"\r\n").count();
        let (returns, feeds) = (memchr::memchr_iter(b'\r', content), memchr::memchr_iter(b'\n', content));
        if returns.count() != pairs || feeds.count() != pairs {
            self.peer.violation("bare CR or LF in the content");
        }
        if content.split(|octet| *octet == b'\n').any(|line| line.len() > 999) {
            self.peer.violation("a line of more than 998 octets");
        }
        if !content.ends_with(b"\r\n") {
            self.peer.violation("the content does not end in CRLF");
        }
    }
}
