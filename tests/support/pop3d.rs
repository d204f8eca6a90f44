//! A small, strict POP3 server over loopback (`RFC 1939`, `2449`, `2595`, `5034`). Deleted messages are
//! removed at a clean QUIT and not before. A hook lets a test misbehave at any command.

mod session;

use super::authority::{Authority, Certificate, Versions};
use super::embedded::Listener;
use super::leak;
use super::mailbox::{self, Mailbox, Stored};
use super::peer::{End, Peer, Phase};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use openssl::ssl::SslAcceptor;
use session::Session;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// The user every embedded server knows.
pub const USER: &str = "ana";

/// The password of [`USER`]; no other text contains it by accident.
pub const SECRET: &str = "kumquat-7Gx-secret-Qz9";

/// How a server uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// From the first octet.
    Implicit,
    /// After STLS or STARTTLS.
    Upgrade,
    /// Never.
    Plain,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 3] = [Mode::Implicit, Mode::Upgrade, Mode::Plain];
}

/// A command as a hook sees it.
#[derive(Debug)]
pub struct Event<'a> {
    /// The connection, from 0.
    pub connection: usize,
    /// The command's first word in capitals; empty for the greeting.
    pub verb: &'a str,
    /// The whole command.
    pub line: &'a str,
    /// Whether TLS is up.
    pub tls: bool,
    /// The connection to the client, while it is up.
    pub socket: Option<&'a TcpStream>,
}

impl Event<'_> {
    /// Waits so long for the client to disconnect, and fails if it does.
    pub fn outwait(&self, time: Duration) {
        let gone = self.socket.is_none_or(|socket| mailbox::is_gone_within(socket, time));
        assert!(!gone, "the client has given up at {:?}", self.line);
    }
}

/// What a hook does about a command.
#[derive(Clone, Debug)]
pub enum Act {
    /// Nothing: the server answers.
    Normal,
    /// These octets instead of the server's answer.
    Reply(Vec<u8>),
    /// These octets, then the end.
    Then(Vec<u8>, End),
    /// The server answers, and after so many octets of that the connection ends.
    Cut(usize, End),
}

impl Act {
    /// A reply of one or more lines; the last CRLF is added.
    pub fn reply(text: &str) -> Act {
        Act::Reply(format!("{text}\r\n").into_bytes())
    }

    /// The end, without an answer.
    pub fn end(end: End) -> Act {
        Act::Then(Vec::new(), end)
    }
}

/// How a server that announces PIPELINING fails at it: what it does if more commands are waiting after one
/// that it has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It forgets the waiting commands.
    Drops,
    /// It ends the connection.
    HangsUp,
    /// It reads the waiting commands only when still more come.
    Waits,
    /// It answers the next one first.
    Swaps,
    /// It loses so many octets of the waiting commands, and reads the rest as commands.
    Swallows(usize),
}

impl Flaw {
    /// Every flaw but those that lose only a part.
    pub const ALL: [Flaw; 4] = [Flaw::Drops, Flaw::HangsUp, Flaw::Waits, Flaw::Swaps];
}

type Hook = dyn Fn(&Event<'_>) -> Act + Send + Sync;

/// A POP3 server about to start.
pub struct Setup {
    mailbox: Mailbox,
    mode: Mode,
    certificate: Certificate,
    versions: Versions,
    capabilities: Vec<&'static str>,
    greeting: &'static str,
    hook: Box<Hook>,
    flaw: Option<(&'static str, Flaw)>,
    prompt: bool,
    blind: bool,
}

/// A running POP3 server.
pub struct Pop3d {
    listener: Listener,
    mode: Mode,
}

impl Deref for Pop3d {
    type Target = Listener;

    fn deref(&self) -> &Listener {
        &self.listener
    }
}

/// What a good server announces; STLS comes and goes by itself.
const CAPABILITIES: [&str; 6] =
    ["TOP", "UIDL", "USER", "SASL PLAIN LOGIN CRAM-MD5", "RESP-CODES", "PIPELINING"];

impl Pop3d {
    /// A good server, about to start, whose answer to CAPA has these lines.
    pub fn announcing(mailbox: &Mailbox, lines: &str) -> Setup {
        let answer = format!("+OK\r\n{}\r\n.", lines.replace(", ", "\r\n"));
        Pop3d::for_mailbox(mailbox).hook(move |event| match event.verb {
            "CAPA" => Act::reply(&answer),
            _ => Act::Normal,
        })
    }

    /// A good server for `mailbox`, about to start.
    pub fn for_mailbox(mailbox: &Mailbox) -> Setup {
        Setup {
            mailbox: mailbox.clone(),
            mode: Mode::Implicit,
            certificate: Certificate::Good,
            versions: Versions::Modern,
            capabilities: CAPABILITIES.to_vec(),
            greeting: "ready <17.4711@localhost>",
            hook: Box::new(|_| Act::Normal),
            flaw: None,
            prompt: false,
            blind: false,
        }
    }

    /// The `--server` URL.
    pub fn url(&self) -> String {
        let scheme = match self.mode {
            Mode::Implicit => "pop3s",
            Mode::Upgrade => "pop3",
            Mode::Plain => "pop3+insecure",
        };
        format!("{scheme}://{USER}@localhost:{}", self.port())
    }
}

impl Setup {
    super::embedded::server_options!();

    /// It neither announces nor knows a capability.
    pub fn without(mut self, capability: &str) -> Setup {
        self.capabilities.retain(|has| has.split(' ').next() != Some(capability));
        self
    }

    /// Its greeting, less the `+OK`.
    pub fn greeting(mut self, greeting: &'static str) -> Setup {
        self.greeting = greeting;
        self
    }

    /// It fails at pipelining after this verb; after any verb if it is empty.
    pub fn flawed(mut self, verb: &'static str, flaw: Flaw) -> Setup {
        self.flaw = Some((verb, flaw));
        self
    }

    /// It sends each reply before it reads the next command, even if that is waiting.
    pub fn prompt(mut self) -> Setup {
        self.prompt = true;
        self
    }

    /// It does not notice that a client has disconnected while it works for it.
    pub fn blind(mut self) -> Setup {
        self.blind = true;
        self
    }

    /// Starts it, guarded against the password in clear unless TLS is off.
    pub fn start(self) -> Pop3d {
        self.serve(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    /// The same at a port that another server has just left, as one account's next server.
    pub fn start_at(self, port: u16) -> Pop3d {
        self.serve(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap())
    }

    fn serve(self, socket: TcpListener) -> Pop3d {
        let mode = self.mode;
        let acceptor = Authority::shared().identity(self.certificate).acceptor(self.versions);
        let shared = Arc::new((self, acceptor));
        let mut listener = Listener::on(socket, move |peer, connection| {
            let (setup, acceptor) = (&shared.0, &shared.1);
            let mut session = Session::new(setup, acceptor, peer, connection);
            // A connection that ends in the middle deletes nothing; the journal has what came before.
            let _ = session.run();
        });
        if mode != Mode::Plain {
            listener.guard(SECRET);
        }
        Pop3d { listener, mode }
    }
}

/// The body of a multi-line reply: dots doubled, ended by a line with only a dot.
pub fn stuffed(wire: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(wire.len() + 8);
    let mut line_start = true;
    for (at, octet) in wire.iter().enumerate() {
        if line_start && *octet == b'.' {
            out.push(b'.');
        }
        out.push(*octet);
        line_start = *octet == b'\n' && at > 0 && wire[at - 1] == b'\r';
    }
    if !wire.is_empty() && !line_start {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}
