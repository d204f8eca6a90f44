//! One session of the POP3 server, a command at a time.

use super::*;

pub(super) struct Session<'a> {
    setup: &'a Setup,
    acceptor: &'a SslAcceptor,
    peer: Peer,
    connection: usize,
    user: Option<String>,
    open: Option<Open>,
    /// The reply that is sent after the next one.
    overtaken: Vec<u8>,
}

/// The TRANSACTION state.
struct Open {
    listing: Vec<Stored>,
    deleted: Vec<usize>,
}

impl<'a> Session<'a> {
    pub(super) fn new(setup: &'a Setup, acceptor: &'a SslAcceptor, peer: Peer, connection: usize) -> Self {
        Session { setup, acceptor, peer, connection, user: None, open: None, overtaken: Vec::new() }
    }

    pub(super) fn run(&mut self) -> io::Result<()> {
        if self.setup.mode == Mode::Implicit {
            self.peer.start_tls(self.acceptor)?;
        }
        match self.ask("", "") {
            Act::Normal => self.ok(self.setup.greeting),
            act => {
                if self.misbehave(act)? {
                    return Ok(());
                }
            }
        }
        loop {
            let line = self.peer.read_command()?;
            let tls = self.peer.phase() == Phase::Tls;
            if line.len() > 253 && !line.starts_with("AUTH") {
                self.peer.violation(format!("a command of {} octets", line.len()));
            }
            if !line.is_ascii() {
                self.peer.violation(format!("8-bit octets in {line:?}"));
            }
            if !tls && leak::find(line.as_bytes(), SECRET).is_some() && self.setup.mode != Mode::Plain {
                self.peer.violation("the password in clear");
            }
            if self.peer.has_input() && !self.setup.capabilities.contains(&"PIPELINING") {
                self.peer.violation(format!("pipelined behind {line:?} without PIPELINING"));
            }
            if self.setup.prompt {
                self.peer.flush()?;
            }
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            match self.ask(&verb, &line) {
                Act::Normal => {
                    if self.command(&verb, &line)? {
                        return Ok(());
                    }
                }
                Act::Cut(octets, end) => {
                    self.peer.flush()?;
                    self.peer.cut_after(octets, end);
                    if self.command(&verb, &line)? {
                        return Ok(());
                    }
                }
                act => {
                    if self.misbehave(act)? {
                        return Ok(());
                    }
                }
            }
            if self.stumble(&verb)? {
                return Ok(());
            }
        }
    }

    /// Fails at pipelining, if the server is to; returns true if the session has ended.
    fn stumble(&mut self, verb: &str) -> io::Result<bool> {
        let overtaken = std::mem::take(&mut self.overtaken);
        self.peer.send(overtaken);
        let Some((at, flaw)) = self.setup.flaw else { return Ok(false) };
        if !self.peer.has_input() || !(at.is_empty() || at == verb) {
            return Ok(false);
        }
        match flaw {
            Flaw::Drops => self.peer.forget_input(usize::MAX),
            Flaw::Swallows(octets) => self.peer.forget_input(octets),
            Flaw::HangsUp => self.peer.end(End::Close),
            Flaw::Waits => self.peer.await_more()?,
            Flaw::Swaps => self.overtaken = self.peer.take_output(),
        }
        Ok(flaw == Flaw::HangsUp)
    }

    fn ask(&self, verb: &str, line: &str) -> Act {
        let tls = self.peer.phase() == Phase::Tls;
        (self.setup.hook)(&Event { connection: self.connection, verb, line, tls, socket: self.peer.socket() })
    }

    /// Returns true if the session has ended.
    fn misbehave(&mut self, act: Act) -> io::Result<bool> {
        match act {
            Act::Normal | Act::Cut(..) => Ok(false),
            Act::Reply(octets) => {
                self.peer.send(octets);
                Ok(false)
            }
            Act::Then(octets, end) => {
                self.peer.send(octets);
                self.peer.end(end);
                Ok(true)
            }
        }
    }

    fn ok(&mut self, text: &str) {
        self.peer.send(format!("+OK {text}\r\n"));
    }

    fn err(&mut self, text: &str) {
        self.peer.send(format!("-ERR {text}\r\n"));
    }

    fn knows(&self, capability: &str) -> bool {
        self.setup.capabilities.iter().any(|has| has.split(' ').next() == Some(capability))
    }

    /// Answers; true at the end of the session.
    fn command(&mut self, verb: &str, line: &str) -> io::Result<bool> {
        let argument = line.split_once(' ').map_or("", |(_, rest)| rest);
        match (verb, self.open.is_some()) {
            ("CAPA", _) => self.capa(),
            ("QUIT", _) => return self.quit(),
            ("STLS", false) if self.setup.mode == Mode::Upgrade && self.peer.phase() == Phase::Plain => {
                self.ok("begin TLS");
                self.peer.start_tls(self.acceptor)?;
                self.user = None;
            }
            ("USER", false) if self.knows("USER") => {
                self.user = Some(argument.to_owned());
                self.ok("and the password");
            }
            ("PASS", false) => {
                let good = self.user.as_deref() == Some(USER) && argument == SECRET;
                self.login(good);
            }
            ("APOP", false) => self.apop(argument),
            ("AUTH", false) if self.knows("SASL") => self.auth(argument)?,
            ("NOOP", true) => self.ok("nothing done"),
            ("RSET", true) => {
                self.transaction().deleted.clear();
                self.ok("nothing is deleted");
            }
            ("STAT" | "LIST" | "UIDL" | "RETR" | "TOP" | "DELE", true) => self.transact(verb, argument),
            _ => self.err("not known here"),
        }
        Ok(false)
    }

    fn capa(&mut self) {
        let mut lines: Vec<&str> = self.setup.capabilities.clone();
        if self.setup.mode == Mode::Upgrade && self.peer.phase() == Phase::Plain {
            lines.push("STLS");
        }
        self.ok("these");
        self.peer.send(format!("{}\r\n.\r\n", lines.join("\r\n")));
    }

    fn quit(&mut self) -> io::Result<bool> {
        if let Some(open) = self.open.take() {
            self.setup.mailbox.remove(&open.listing, &open.deleted);
        }
        self.peer.let_go();
        self.ok("goodbye");
        self.peer.flush()?;
        self.peer.end(End::Close);
        Ok(true)
    }

    fn login(&mut self, good: bool) {
        if !good {
            return self.err("[AUTH] no such user or password");
        }
        let sees = !self.setup.blind;
        match self.peer.socket().and_then(|socket| self.setup.mailbox.hold(socket, sees)) {
            None => self.err("[IN-USE] another session has the mailbox"),
            Some(hold) => {
                let listing = self.setup.mailbox.messages();
                self.open = Some(Open { listing, deleted: Vec::new() });
                self.peer.keep(hold);
                self.ok("the mailbox is open");
            }
        }
    }

    fn apop(&mut self, argument: &str) {
        let stamp = self.setup.greeting.find('<').map(|at| &self.setup.greeting[at..]).unwrap_or_default();
        let digest = hex(&Md5::digest(format!("{stamp}{SECRET}")));
        self.login(argument == format!("{USER} {digest}") && !stamp.is_empty());
    }

    fn auth(&mut self, argument: &str) -> io::Result<()> {
        let (mechanism, initial) = match argument.split_once(' ') {
            Some((mechanism, initial)) => (mechanism.to_ascii_uppercase(), Some(initial.to_owned())),
            None => (argument.to_ascii_uppercase(), None),
        };
        let step = |session: &mut Self, prompt: &str, initial: Option<String>| {
            let answer = match initial {
                Some(initial) => initial,
                None => {
                    session.peer.send(format!("+ {}\r\n", STANDARD.encode(prompt)));
                    session.peer.read_command()?
                }
            };
            Ok::<_, io::Error>(STANDARD.decode(answer.trim_start_matches('=')).unwrap_or_default())
        };
        let good = match mechanism.as_str() {
            "PLAIN" => step(self, "", initial)? == format!("\0{USER}\0{SECRET}").as_bytes(),
            "LOGIN" => {
                let user = step(self, "Username:", initial)?;
                let password = step(self, "Password:", None)?;
                user == USER.as_bytes() && password == SECRET.as_bytes()
            }
            "CRAM-MD5" => {
                let challenge = "<4711.17@localhost>";
                let mut mac = Hmac::<Md5>::new_from_slice(SECRET.as_bytes()).unwrap();
                mac.update(challenge.as_bytes());
                let wanted = format!("{USER} {}", hex(&mac.finalize().into_bytes()));
                step(self, challenge, None)? == wanted.as_bytes()
            }
            _ => {
                self.err("no such mechanism");
                return Ok(());
            }
        };
        self.login(good);
        Ok(())
    }

    fn transaction(&mut self) -> &mut Open {
        self.open.as_mut().expect("checked by the caller")
    }

    fn transact(&mut self, verb: &str, argument: &str) {
        if (verb == "UIDL" && !self.knows("UIDL")) || (verb == "TOP" && !self.knows("TOP")) {
            return self.err("not known here");
        }
        let open = self.open.as_mut().expect("checked by the caller");
        let there: Vec<(usize, Stored)> = open
            .listing
            .iter()
            .enumerate()
            .filter(|(at, _)| !open.deleted.contains(at))
            .map(|(at, message)| (at, message.clone()))
            .collect();
        let row = |(at, message): &(usize, Stored)| match verb {
            "UIDL" => format!("{} {}", at + 1, message.uid),
            _ => format!("{} {}", at + 1, message.wire.len()),
        };
        match (verb, argument) {
            ("STAT", _) => {
                let octets: usize = there.iter().map(|(_, message)| message.wire.len()).sum();
                return self.ok(&format!("{} {octets}", there.len()));
            }
            ("LIST" | "UIDL", "") => {
                self.ok("these");
                let rows: String = there.iter().map(|entry| row(entry) + "\r\n").collect();
                return self.peer.send(format!("{rows}.\r\n"));
            }
            _ => {}
        }
        let mut words = argument.split(' ').map(str::parse::<usize>);
        let number = words.next().and_then(Result::ok).unwrap_or(0);
        let Some(found) = there.into_iter().find(|(at, _)| at + 1 == number) else {
            self.peer.violation(format!("{verb} of a message that is not there: {argument}"));
            return self.err("no such message");
        };
        match verb {
            "LIST" | "UIDL" => self.ok(&row(&found)),
            "DELE" => {
                self.transaction().deleted.push(found.0);
                self.ok("marked");
            }
            "RETR" => self.body(&found.1.wire),
            "TOP" => match words.next() {
                Some(Ok(lines)) => self.body(&top(&found.1.wire, lines)),
                _ => self.err("TOP wants two numbers"),
            },
            _ => self.err("not known here"),
        }
    }

    fn body(&mut self, wire: &[u8]) {
        self.ok("here it is");
        self.peer.send(stuffed(wire));
    }
}

fn top(wire: &[u8], lines: usize) -> Vec<u8> {
    let head = memchr::memmem::find(wire, b"\r\n\r\n").map_or(wire.len(), |at| at + 4);
    let rest = wire[head..].split_inclusive(|octet| *octet == b'\n').take(lines);
    wire[..head].iter().copied().chain(rest.flatten().copied()).collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
