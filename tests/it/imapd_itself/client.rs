//! A client without any logic: it sends what it is given, and returns what it receives as text.

use crate::support::authority::Authority;
use crate::support::imapd::Imapd;
use crate::support::pop3d::{SECRET, USER};
use openssl::ssl::{SslConnector, SslMethod};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub trait Both: Read + Write {}

impl<T: Read + Write> Both for T {}

/// One connection.
pub struct Client {
    stream: Box<dyn Both>,
    read: Vec<u8>,
    tag: usize,
}

pub fn socket(server: &Imapd) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

pub fn secured(socket: TcpStream) -> Box<dyn Both> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    let ca = openssl::x509::X509::from_pem(&Authority::shared().pem()).unwrap();
    connector.cert_store_mut().add_cert(ca).unwrap();
    Box::new(connector.build().connect("localhost", socket).unwrap())
}

impl Client {
    /// Connects in clear.
    pub fn connect(server: &Imapd) -> Client {
        Client::over(Box::new(socket(server)))
    }

    /// Talks over this.
    pub fn over(stream: Box<dyn Both>) -> Client {
        Client { stream, read: Vec::new(), tag: 0 }
    }

    /// Connects, and logs in.
    pub fn login(server: &Imapd) -> Client {
        let mut client = Client::connect(server);
        client.line();
        let answer = client.ask(&format!("LOGIN {USER} {SECRET}"));
        assert!(answer.contains("a1 OK "), "{answer}");
        client
    }

    /// Connects to a server on this port, whichever it is, and logs in.
    #[track_caller]
    pub fn at_port(port: u16, user: &str) -> Client {
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut client = Client::over(Box::new(socket));
        client.line();
        let answer = client.ask(&format!("LOGIN {user} {SECRET}"));
        assert!(answer.contains("a1 OK "), "{answer}");
        client
    }

    /// Files a message, given with LF as line ends, on a server that takes literals unasked; gives the answer.
    pub fn append(&mut self, mailbox: &str, flags: &str, message: &[u8]) -> String {
        let lines: Vec<&[u8]> = message.split(|octet| *octet == b'\n').collect();
        let message = lines.join(&b"\r\n"[..]);
        self.tag += 1;
        let tag = format!("a{}", self.tag);
        self.send(format!("{tag} APPEND {mailbox} ({flags}) {{{}+}}\r\n", message.len()));
        self.send([&message, &b"\r\n"[..]].concat());
        self.until(&format!("{tag} "))
    }

    /// The flags of the messages of INBOX by their UIDs, each in order of the alphabet and less `\Recent`.
    #[track_caller]
    pub fn flags(&mut self) -> Vec<(u32, String)> {
        let answer = self.ask("EXAMINE INBOX");
        assert!(answer.contains(" OK "), "{answer}");
        let rows = self.ask("UID FETCH 1:* (UID FLAGS)");
        let between = |line: &str, from: &str, to: &str| {
            let rest = line.split_once(from)?.1;
            Some(rest.split_once(to)?.0.to_owned())
        };
        let row = |line: &str| {
            let uid = between(&line.replace(')', " "), "UID ", " ")?.parse().ok()?;
            let mut flags: Vec<String> =
                between(line, "FLAGS (", ")")?.split_whitespace().map(str::to_owned).collect();
            flags.retain(|flag| flag != "\\Recent");
            flags.sort();
            Some((uid, flags.join(" ")))
        };
        rows.lines().filter(|line| line.starts_with("* ")).filter_map(row).collect()
    }

    /// Logs in and opens INBOX.
    pub fn select(server: &Imapd) -> Client {
        let mut client = Client::login(server);
        let answer = client.ask("SELECT INBOX");
        assert!(answer.contains("a2 OK "), "{answer}");
        client
    }

    /// Sends octets.
    pub fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.write_all(octets.as_ref()).unwrap();
    }

    /// Sends commands, each with a tag, in one write; gives the tags.
    pub fn send_all(&mut self, commands: &[&str]) -> Vec<String> {
        let first = self.tag + 1;
        self.tag += commands.len();
        let tags: Vec<String> = (first..=self.tag).map(|number| format!("a{number}")).collect();
        let lines = tags.iter().zip(commands).map(|(tag, command)| format!("{tag} {command}\r\n"));
        let flight: String = lines.collect();
        self.send(flight);
        tags
    }

    /// Sends a command; gives everything up to its tagged answer, that included.
    pub fn ask(&mut self, command: &str) -> String {
        let tag = self.send_all(&[command]).remove(0);
        self.until(&format!("{tag} "))
    }

    /// Everything up to a line that begins so, that line included; or up to the end.
    pub fn until(&mut self, start: &str) -> String {
        let mut text = String::new();
        loop {
            let line = self.line();
            text.push_str(&line);
            if line.is_empty() || line.starts_with(start) {
                return text;
            }
        }
    }

    /// A line with its end; nothing at the end of the connection, half a line where it ends there.
    pub fn line(&mut self) -> String {
        let end = loop {
            if let Some(end) = memchr::memchr(b'\n', &self.read) {
                break end + 1;
            }
            if !self.more() {
                break self.read.len();
            }
        };
        let line: Vec<u8> = self.read.drain(..end).collect();
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Everything received up to the end of the connection.
    pub fn rest(&mut self) -> String {
        while self.more() {}
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    fn more(&mut self) -> bool {
        let mut block = [0; 4096];
        let got = match self.stream.read(&mut block) {
            Ok(got) => got,
            Err(error) => {
                let timed_out =
                    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
                assert!(
                    !timed_out,
                    "the server says nothing, behind {:?}",
                    String::from_utf8_lossy(&self.read)
                );
                0
            }
        };
        self.read.extend_from_slice(&block[..got]);
        got > 0
    }
}
