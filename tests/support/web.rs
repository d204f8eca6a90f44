//! A web server over loopback, by https and by http, that answers as a test says, or badly.

use super::authority::{Identity, Versions};
use super::embedded::Listener;
use super::peer::{End, Peer};
use std::io;
use std::sync::{Arc, Mutex};

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `https` or `http`.
    pub scheme: &'static str,
    pub method: String,
    /// The Host field, without its port.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    pub query: String,
    /// The fields of the header, their names in lower case.
    pub header: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// A field of the header, or an empty text.
    pub fn field(&self, name: &str) -> &str {
        self.header.iter().find(|(has, _)| has == name).map_or("", |(_, value)| value)
    }
}

/// What the server does.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Status, fields, content.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// These octets, and this end.
    Raw(Vec<u8>, End),
    /// Nothing, until the client goes.
    Stall,
    /// These octets again and again, until the client goes.
    Flood(Vec<u8>, Vec<u8>),
}

impl Reply {
    pub fn ok(body: impl Into<Vec<u8>>) -> Reply {
        Reply::Answer(200, vec![("Content-Type", "application/xml".into())], body.into())
    }

    pub fn to(location: impl Into<String>) -> Reply {
        Reply::Answer(302, vec![("Location", location.into())], Vec::new())
    }

    pub fn missing() -> Reply {
        Reply::Answer(404, vec![], b"no such document\n".to_vec())
    }
}

/// The server.
pub struct Web {
    pub https: Listener,
    pub http: Listener,
    requests: Arc<Mutex<Vec<Request>>>,
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

impl Web {
    /// Starts it with this certificate.
    pub fn start(identity: &Identity, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Web {
        let handler: Arc<Handler> = Arc::new(handler);
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let acceptor = identity.acceptor(Versions::Modern);
        let (log, answers) = (Arc::clone(&requests), Arc::clone(&handler));
        let https = Listener::start(move |mut peer, _| {
            if peer.start_tls(&acceptor).is_ok() {
                let _ = serve(peer, "https", &*answers, &log);
            }
        });
        let log = Arc::clone(&requests);
        let http = Listener::start(move |peer, _| {
            let _ = serve(peer, "http", &*handler, &log);
        });
        Web { https, http, requests }
    }

    /// The requests so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// `https://localhost:PORT` and `path`.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.https.port())
    }

    /// `http://localhost:PORT` and `path`.
    pub fn http_url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.http.port())
    }
}

fn serve(
    mut peer: Peer,
    scheme: &'static str,
    handler: &Handler,
    log: &Mutex<Vec<Request>>,
) -> io::Result<()> {
    let request = read(&mut peer, scheme)?;
    log.lock().unwrap().push(request.clone());
    match handler(&request) {
        Reply::Answer(status, fields, body) => {
            peer.send(format!("HTTP/1.1 {status} Said\r\n"));
            for (name, value) in fields {
                peer.send(format!("{name}: {value}\r\n"));
            }
            peer.send(format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()));
            peer.send(&body);
            peer.flush()?;
            peer.end(End::Close);
        }
        Reply::Raw(octets, end) => {
            peer.send(octets);
            peer.flush()?;
            peer.end(end);
        }
        Reply::Stall => peer.end(End::Stall),
        Reply::Flood(first, more) => {
            peer.send(first);
            loop {
                peer.send(&more);
                peer.flush()?;
            }
        }
    }
    Ok(())
}

fn read(peer: &mut Peer, scheme: &'static str) -> io::Result<Request> {
    let text = |line: Vec<u8>| String::from_utf8_lossy(&line).trim_end().to_owned();
    let first = text(peer.read_line()?);
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut header = Vec::new();
    loop {
        let line = text(peer.read_line()?);
        let Some((name, value)) = line.split_once(':') else { break };
        header.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        scheme,
        method: method.to_owned(),
        host: String::new(),
        path: path.to_owned(),
        query: query.to_owned(),
        header,
        body: Vec::new(),
    };
    request.host = request.field("host").split(':').next().unwrap_or_default().to_owned();
    let length = request.field("content-length").parse().unwrap_or(0);
    request.body = peer.read_exactly(length)?;
    Ok(request)
}
