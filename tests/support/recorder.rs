//! SMTP servers that accept and record everything, as a strict reader and as a lax one see it. Each is a
//! machine with octets in and replies out, over a link in memory or a loopback port.
//!
//! The strict one accepts only CRLF as a line end. The lax one accepts LF, CR and CRLF, in commands and in
//! content, so that `LF.LF`, `LF.CRLF`, `CR.CR`, `CR.CRLF`, `LF.CR` and all the others end a message: a
//! client that leaves one of them in a message has sent two.

use postie::net::{Allowance, Link, NetError, Secure, TlsInfo};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// How a server reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionMode {
    /// LF and CR end a line too.
    pub lax: bool,
    /// What it announces.
    pub extensions: Vec<&'static str>,
}

impl SessionMode {
    /// Whether a run may end with this code because of an extension that the server does not announce.
    pub fn may_be_lacking(&self, code: u8) -> bool {
        let lacks = |name: &str| !self.extensions.contains(&name);
        match code {
            65 => lacks("8BITMIME"),
            69 => lacks("SMTPUTF8"),
            _ => false,
        }
    }
}

/// One message as a server got it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The argument of MAIL, after `FROM:`.
    pub mail: String,
    /// The argument of each RCPT, after `TO:`.
    pub recipients: Vec<String>,
    /// The content, dots unstuffed, line ends CRLF.
    pub content: Vec<u8>,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MAIL FROM:{}, RCPT TO:{:?}\n{}", self.mail, self.recipients, self.content.escape_ascii())
    }
}

/// Everything that came over one or more connections.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The complete messages.
    pub messages: Vec<Seen>,
    /// Mistakes of the client.
    pub violations: Vec<String>,
    /// How many connections there were.
    pub connections: usize,
}

enum State {
    Command,
    Data,
    /// So many octets of a chunk are still to come; whether it is the last.
    Chunk(usize, bool),
}

/// One connection.
pub struct Machine {
    manner: SessionMode,
    state: State,
    line: Vec<u8>,
    /// Whether the last octet was a CR.
    after_cr: bool,
    message: Option<Seen>,
    replies: Vec<u8>,
    over: bool,
    record: Arc<Mutex<Record>>,
}

impl Machine {
    pub fn new(manner: &SessionMode, record: Arc<Mutex<Record>>) -> Machine {
        record.lock().unwrap().connections += 1;
        let mut machine = Machine {
            manner: manner.clone(),
            state: State::Command,
            line: Vec::new(),
            after_cr: false,
            message: None,
            replies: Vec::new(),
            over: false,
            record,
        };
        machine.say("220 recorder");
        machine
    }

    fn say(&mut self, reply: &str) {
        self.replies.extend_from_slice(reply.as_bytes());
        self.replies.extend_from_slice(b"\r\n");
    }

    fn complain(&self, what: String) {
        self.record.lock().unwrap().violations.push(what);
    }

    fn announces(&self, name: &str) -> bool {
        self.manner.extensions.iter().any(|has| has.split(' ').next() == Some(name))
    }

    /// The replies to what came so far.
    pub fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.replies)
    }

    /// Takes what the client sent.
    pub fn feed(&mut self, octets: &[u8]) {
        for octet in octets {
            // The lax one has read QUIT or BDAT at its CR.
            let is_raw = self.over || matches!(self.state, State::Chunk(..));
            if is_raw && std::mem::take(&mut self.after_cr) && self.manner.lax && *octet == b'\n' {
                continue;
            }
            if self.over {
                return self.complain("octets behind QUIT".into());
            }
            match &mut self.state {
                State::Chunk(left, last) => {
                    let last = *last;
                    *left -= 1;
                    let done = *left == 0;
                    self.chunk(*octet);
                    if done {
                        self.chunk_ended(last);
                    }
                }
                _ => self.octet(*octet),
            }
        }
    }

    fn octet(&mut self, octet: u8) {
        let after_cr = std::mem::replace(&mut self.after_cr, octet == b'\r');
        if after_cr && octet != b'\n' {
            self.complain("a bare CR".into());
        }
        match octet {
            b'\r' if self.manner.lax => self.line_ended(),
            b'\r' => {}
            b'\n' if after_cr && self.manner.lax => {}
            b'\n' if after_cr => self.line_ended(),
            b'\n' => {
                self.complain("a bare LF".into());
                if self.manner.lax {
                    self.line_ended();
                }
            }
            0 => self.complain("a NUL".into()),
            _ => self.line.push(octet),
        }
    }

    fn line_ended(&mut self) {
        let line = std::mem::take(&mut self.line);
        match self.state {
            State::Command => self.command(&String::from_utf8_lossy(&line)),
            State::Data if line == b"." => self.message_ended(),
            _ => {
                let content = line.strip_prefix(b".").unwrap_or(&line);
                if let Some(message) = &mut self.message {
                    message.content.extend_from_slice(content);
                    message.content.extend_from_slice(b"\r\n");
                }
            }
        }
    }

    fn chunk(&mut self, octet: u8) {
        if let Some(message) = &mut self.message {
            message.content.push(octet);
        }
    }

    fn chunk_ended(&mut self, last: bool) {
        self.state = State::Command;
        match last {
            true => self.message_ended(),
            false => self.say("250 more"),
        }
    }

    fn message_ended(&mut self) {
        self.state = State::Command;
        if let Some(message) = self.message.take() {
            self.judge(&message);
            self.record.lock().unwrap().messages.push(message);
        }
        self.say("250 2.0.0 queued as R1");
    }

    /// What holds for the content of every message.
    fn judge(&self, message: &Seen) {
        let content = &message.content;
        let declared = message.mail.contains(" BODY=8BITMIME") || message.mail.contains(" BODY=BINARYMIME");
        if !content.is_ascii() && !declared {
            self.complain("8-bit content that was not declared".into());
        }
        let header = memchr::memmem::find(content, b"\r\n\r\n").map_or(&content[..], |end| &content[..end]);
        if !header.is_ascii() && !message.mail.contains(" SMTPUTF8") {
            self.complain("an 8-bit header that was not declared".into());
        }
        if content.split(|octet| *octet == b'\n').any(|line| line.len() > 999) {
            self.complain("a line of more than 998 octets".into());
        }
        let pairs = memchr::memmem::find_iter(content, b"\r\n").count();
        let count = |octet| memchr::memchr_iter(octet, content).count();
        if count(b'\r') != pairs || count(b'\n') != pairs || count(0) > 0 {
            self.complain("bare CR, bare LF or NUL in the content".into());
        }
        if !content.ends_with(b"\r\n") {
            self.complain("the content does not end in CRLF".into());
        }
    }

    fn command(&mut self, line: &str) {
        let upper = line.to_ascii_uppercase();
        if line.chars().any(char::is_control) {
            self.complain(format!("a control character in {line:?}"));
        }
        let is_declared = upper.ends_with(" SMTPUTF8")
            || self.message.as_ref().is_some_and(|message| message.mail.contains(" SMTPUTF8"));
        if !line.is_ascii() && !is_declared {
            self.complain(format!("8-bit octets in {line:?}"));
        }
        match upper.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => {
                let names = self.manner.extensions.clone();
                self.say(if names.is_empty() { "250 recorder" } else { "250-recorder" });
                for (at, name) in names.iter().enumerate() {
                    let dash = if at + 1 == names.len() { ' ' } else { '-' };
                    self.say(&format!("250{dash}{name}"));
                }
            }
            "MAIL" if upper.starts_with("MAIL FROM:<") => {
                if self.message.is_some() {
                    self.complain("MAIL within a transaction".into());
                }
                let mail = line["MAIL FROM:".len()..].to_owned();
                self.message = Some(Seen { mail, ..Seen::default() });
                self.say("250 ok");
            }
            "RCPT" if upper.starts_with("RCPT TO:<") && self.message.is_some() => {
                if let Some(message) = &mut self.message {
                    message.recipients.push(line["RCPT TO:".len()..].to_owned());
                }
                self.say("250 ok");
            }
            "DATA" if self.message.is_some() => {
                self.state = State::Data;
                self.say("354 go");
            }
            "BDAT" if self.announces("CHUNKING") && self.message.is_some() => {
                let mut words = upper.split(' ').skip(1);
                let size = words.next().and_then(|size| size.parse().ok());
                let last = words.next() == Some("LAST");
                match size {
                    Some(0) => self.chunk_ended(last),
                    Some(size) => self.state = State::Chunk(size, last),
                    None => self.complain(format!("not a chunk: {line:?}")),
                }
            }
            "RSET" => {
                self.message = None;
                self.say("250 ok");
            }
            "QUIT" => {
                self.over = true;
                self.say("221 bye");
            }
            _ => {
                self.complain(format!("an unknown command: {line:?}"));
                self.say("500 what?");
            }
        }
    }
}

/// A machine as a link.
pub struct MachineLink {
    machine: Machine,
    ready: Vec<u8>,
}

impl MachineLink {
    pub fn new(manner: &SessionMode, record: Arc<Mutex<Record>>) -> MachineLink {
        MachineLink { machine: Machine::new(manner, record), ready: Vec::new() }
    }
}

impl Read for MachineLink {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.ready.extend(self.machine.take_replies());
        if self.ready.is_empty() {
            return if self.machine.over { Ok(0) } else { Err(NetError::Timeout.into()) };
        }
        let count = self.ready.len().min(into.len());
        into[..count].copy_from_slice(&self.ready[..count]);
        self.ready.drain(..count);
        Ok(count)
    }
}

impl Write for MachineLink {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.machine.feed(from);
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Link for MachineLink {
    fn arm(&mut self, _: Allowance) {}

    fn secure(self: Box<Self>, _tls: &dyn Secure, _host: &str) -> Result<Box<dyn Link>, NetError> {
        Err(NetError::NotTls)
    }

    fn tls(&self) -> Option<&TlsInfo> {
        None
    }
}

/// A machine on a loopback port, without TLS.
pub struct Recorder {
    /// How it reads.
    pub manner: SessionMode,
    port: u16,
    record: Arc<Mutex<Record>>,
    open: Arc<(Mutex<usize>, Condvar)>,
}

impl Recorder {
    /// Listens; the thread ends with the process.
    pub fn start(manner: SessionMode) -> Recorder {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let (record, open) = (Arc::<Mutex<Record>>::default(), Arc::<(Mutex<usize>, Condvar)>::default());
        let (shared, counted, own) = (Arc::clone(&record), Arc::clone(&open), manner.clone());
        thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                *counted.0.lock().unwrap() += 1;
                serve(stream, Machine::new(&own, Arc::clone(&shared)));
                *counted.0.lock().unwrap() -= 1;
                counted.1.notify_all();
            }
        });
        Recorder { manner, port, record, open }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("smtp+insecure://localhost:{}", self.port)
    }

    /// What was received, once every connection has ended; it is then forgotten.
    pub fn take(&self) -> Record {
        let patience = Duration::from_secs(300);
        let open = self.open.0.lock().unwrap();
        let waited = self.open.1.wait_timeout_while(open, patience, |open| *open > 0).unwrap();
        assert!(!waited.1.timed_out(), "a connection is still open");
        std::mem::take(&mut *self.record.lock().unwrap())
    }
}

fn serve(mut stream: TcpStream, mut machine: Machine) {
    let _ = stream.set_nodelay(true);
    let mut block = vec![0; 64 * 1024];
    loop {
        if stream.write_all(&machine.take_replies()).is_err() || machine.over {
            return;
        }
        match stream.read(&mut block) {
            Ok(count) if count > 0 => machine.feed(&block[..count]),
            _ => return,
        }
    }
}
