//! A POP3 server that gives its messages in random pieces, with CRLF or LF for line ends.

use super::made::pieces;
use crate::support::random::Random;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// How it serves.
pub struct SessionMode {
    /// What ends its lines.
    pub end: &'static str,
    /// It announces PIPELINING.
    pub pipelines: bool,
}

/// A server for one connection.
pub struct Popper {
    port: u16,
    thread: JoinHandle<()>,
}

impl Popper {
    /// Serves these, whose lines all end in that of the manner.
    pub fn start(messages: Vec<Vec<u8>>, manner: SessionMode, random: Random) -> Popper {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let thread = thread::spawn(move || {
            let (stream, _) = socket.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            serve(stream, &messages, &manner, random);
        });
        Popper { port, thread }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("pop3+insecure://ana@localhost:{}", self.port)
    }

    /// Waits for the end of the connection.
    pub fn end(self) {
        self.thread.join().expect("the dialogue went well");
    }
}

fn serve(mut stream: TcpStream, messages: &[Vec<u8>], manner: &SessionMode, mut random: Random) {
    let mut input = BufReader::new(stream.try_clone().unwrap());
    let end = manner.end;
    let mut say = |octets: &[u8], random: &mut Random| -> std::io::Result<()> {
        let mut rest = octets;
        for length in pieces(random, octets) {
            let (piece, behind) = rest.split_at(length);
            stream.write_all(piece)?;
            rest = behind;
        }
        Ok(())
    };
    say(format!("+OK ready{end}").as_bytes(), &mut random).unwrap();
    let mut line = String::new();
    while {
        line.clear();
        input.read_line(&mut line).unwrap()
    } > 0
    {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let number = words.next().and_then(|word| word.parse::<usize>().ok());
        let list = |row: &dyn Fn(usize) -> String| {
            let rows: String = (0..messages.len()).map(|at| format!("{} {}{end}", at + 1, row(at))).collect();
            format!("+OK{end}{rows}.{end}").into_bytes()
        };
        let answer = match (verb.as_str(), number) {
            ("CAPA", _) => {
                let pipelining = if manner.pipelines { format!("PIPELINING{end}") } else { String::new() };
                format!("+OK{end}USER{end}UIDL{end}{pipelining}.{end}").into_bytes()
            }
            ("USER" | "PASS" | "NOOP" | "DELE" | "QUIT", _) => format!("+OK{end}").into_bytes(),
            ("STAT", _) => {
                let total: usize = messages.iter().map(Vec::len).sum();
                format!("+OK {} {total}{end}", messages.len()).into_bytes()
            }
            ("LIST", None) => list(&|at| messages[at].len().to_string()),
            ("UIDL", None) => list(&|at| format!("u{at}")),
            ("RETR", Some(number)) => retrieved(&messages[number - 1], end),
            _ => format!("-ERR what?{end}").into_bytes(),
        };
        let said = say(&answer, &mut random);
        if verb == "QUIT" {
            // Not every client waits for all of this answer.
            return;
        }
        said.unwrap();
    }
}

/// A message as RETR gives it.
fn retrieved(message: &[u8], end: &str) -> Vec<u8> {
    let mut out = format!("+OK{end}").into_bytes();
    let mut begins = true;
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if begins && line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        // A bare LF ends no line of a server that ends its lines in CRLF.
        begins = line.ends_with(end.as_bytes());
    }
    assert!(begins, "a message ends in a line end");
    out.extend_from_slice(format!(".{end}").as_bytes());
    out
}
