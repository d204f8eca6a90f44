//! Waits for the browser's redirect on this machine (`RFC 8252 §7.3`): the least of an HTTP server (`RFC 9112`) that
//! takes one answer. It never waits itself: the caller does, for its descriptors.
//!
//! Browsers open connections ahead of need, and any program of this machine can connect. So there are several
//! connections at once, each with little time and room, and none holds up another. No page repeats what was asked for.

use rustix::fd::{AsFd, BorrowedFd};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// The most octets of a request.
pub const MAX_REQUEST: usize = 8 * 1024;

/// How long a connection may take to make its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most connections at once; a new one takes the place of the oldest.
const MOST: usize = 16;

/// The most fields of a header that are looked at.
const MOST_FIELDS: usize = 100;

/// How this machine is called in the redirect's address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoopbackName {
    /// `127.0.0.1`, which no name service can lead elsewhere (`RFC 8252 §8.3`).
    #[default]
    Address,
    /// `localhost`, for servers that allow only this. Browsers may try `::1` first.
    Name,
}

impl LoopbackName {
    /// As in an address.
    pub fn text(self) -> &'static str {
        match self {
            LoopbackName::Address => "127.0.0.1",
            LoopbackName::Name => "localhost",
        }
    }
}

/// What the caller thinks of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestVerdict<T> {
    /// It is what was waited for. The page says that the login goes on.
    Taken(T),
    /// It is the answer, but a refusal: the page says that there will be no login.
    Refused(T),
    /// It is something else; go on waiting.
    Unrelated,
}

/// The listener.
#[derive(Debug)]
pub struct LoopbackListener {
    sockets: Vec<TcpListener>,
    port: u16,
    visitors: Vec<Visitor>,
}

/// A connection that has not made its whole request yet.
#[derive(Debug)]
struct Visitor {
    stream: TcpStream,
    request: Vec<u8>,
    until: Instant,
}

impl LoopbackListener {
    /// Listens on this port, 0 for any that is free.
    pub fn bind(name: LoopbackName, port: u16) -> io::Result<Self> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let port = first.local_addr()?.port();
        let mut sockets = vec![first];
        if name == LoopbackName::Name {
            // Where there is no IPv6 the browser has no other way either.
            sockets.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok());
        }
        for socket in &sockets {
            socket.set_nonblocking(true)?;
        }
        Ok(LoopbackListener { sockets, port, visitors: Vec::new() })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// If one of these can be read, [`serve`](Self::serve) has something to do.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let visitors = self.visitors.iter().map(|visitor| visitor.stream.as_fd());
        self.sockets.iter().map(|socket| socket.as_fd()).chain(visitors)
    }

    /// When it has something to do at the latest.
    pub fn due(&self) -> Option<Instant> {
        self.visitors.iter().map(|visitor| visitor.until).min()
    }

    /// Answers what has come, without waiting. `judge` is given the target of each GET (`/?code=…`); the first request
    /// that it takes ends this.
    pub fn serve<T>(
        &mut self,
        now: Instant,
        mut judge: impl FnMut(&str) -> RequestVerdict<T>,
    ) -> io::Result<Option<T>> {
        self.accept(now)?;
        let mut taken = None;
        self.visitors.retain_mut(|visitor| {
            if taken.is_some() {
                return true;
            }
            match visitor.look() {
                RequestState::Waiting => now < visitor.until,
                RequestState::Gone => false,
                RequestState::Bad(page) => visitor.answer(page),
                RequestState::Target(target) => match judge(&target) {
                    RequestVerdict::Taken(value) => {
                        taken = Some(value);
                        visitor.answer(TAKEN)
                    }
                    RequestVerdict::Refused(value) => {
                        taken = Some(value);
                        visitor.answer(REFUSED)
                    }
                    RequestVerdict::Unrelated => visitor.answer(UNRELATED),
                },
            }
        });
        Ok(taken)
    }

    fn accept(&mut self, now: Instant) -> io::Result<()> {
        for socket in &self.sockets {
            loop {
                match socket.accept() {
                    Ok((stream, _)) => {
                        if stream.set_nonblocking(true).is_err() {
                            continue;
                        }
                        if self.visitors.len() >= MOST {
                            self.visitors.remove(0);
                        }
                        self.visitors.push(Visitor { stream, request: Vec::new(), until: now + PATIENCE });
                    }
                    Err(error) => match error.kind() {
                        ErrorKind::WouldBlock => break,
                        // The client has closed the connection already.
                        ErrorKind::Interrupted
                        | ErrorKind::ConnectionAborted
                        | ErrorKind::ConnectionReset => {}
                        _ => return Err(error),
                    },
                }
            }
        }
        Ok(())
    }
}

/// What has come of a request.
enum RequestState {
    /// Not all of it.
    Waiting,
    /// Nothing, and nothing will.
    Gone,
    /// The target of a whole GET.
    Target(String),
    /// It gets this page.
    Bad(BrowserPage),
}

impl Visitor {
    fn look(&mut self) -> RequestState {
        let mut block = [0; 2048];
        let ended = loop {
            match self.stream.read(&mut block) {
                Ok(0) => break true,
                Ok(got) => {
                    self.request.extend_from_slice(&block[..got]);
                    if self.request.len() > MAX_REQUEST {
                        return RequestState::Bad(TOO_LARGE);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return RequestState::Gone,
            }
        };
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(&self.request) {
            Ok(httparse::Status::Partial) if ended => RequestState::Gone,
            Ok(httparse::Status::Partial) => RequestState::Waiting,
            Ok(httparse::Status::Complete(_)) => match (request.method, request.path) {
                (Some("GET"), Some(path)) => RequestState::Target(path.to_owned()),
                _ => RequestState::Bad(NOT_ALLOWED),
            },
            Err(httparse::Error::TooManyHeaders) => RequestState::Bad(TOO_LARGE),
            Err(_) => RequestState::Bad(MALFORMED),
        }
    }

    /// Sends a page, which always fits into the socket's buffer; `false`: the connection is not needed any more.
    fn answer(&mut self, page: BrowserPage) -> bool {
        let _ = self.stream.write_all(page.octets().as_bytes());
        // What is left unread would make the system throw the page away.
        let mut rest = [0; 2048];
        while self.stream.read(&mut rest).is_ok_and(|got| got > 0) {}
        let _ = self.stream.shutdown(Shutdown::Write);
        false
    }
}

/// A page, which is always the same.
#[derive(Clone, Copy)]
struct BrowserPage {
    status: &'static str,
    title: &'static str,
    text: &'static str,
}

const TAKEN: BrowserPage = BrowserPage {
    status: "200 OK",
    title: "postie has the answer",
    text: "The terminal says how it goes on. This window can be closed.",
};

const REFUSED: BrowserPage = BrowserPage {
    status: "200 OK",
    title: "postie gets no access",
    text: "The login was refused; the terminal says more. This window can be closed.",
};

const UNRELATED: BrowserPage = BrowserPage {
    status: "404 Not Found",
    title: "Nothing here",
    text: "postie waits here for another address.",
};

const TOO_LARGE: BrowserPage = BrowserPage {
    status: "431 Request Header Fields Too Large",
    title: "Too large",
    text: "The request is larger than postie reads. Paste the address of this page into the terminal.",
};

const NOT_ALLOWED: BrowserPage =
    BrowserPage { status: "405 Method Not Allowed", title: "Not allowed", text: "postie answers GET alone." };

const MALFORMED: BrowserPage =
    BrowserPage { status: "400 Bad Request", title: "Not HTTP", text: "This is no request." };

impl BrowserPage {
    /// The whole answer. No cache keeps it, and no other page learns the address, which has a code in it.
    fn octets(self) -> String {
        let BrowserPage { status, title, text } = self;
        let body = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1><p>{text}</p></html>\n"
        );
        let allow = if status.starts_with("405") { "Allow: GET\r\n" } else { "" };
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n{allow}\
             Connection: close\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
             Content-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\n\r\n{body}",
            body.len()
        )
    }
}

#[cfg(test)]
mod tests;
