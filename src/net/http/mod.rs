//! An HTTP/1.1 client (`RFC 9110`, `RFC 9112`) for the few small documents that postie reads by it: settings that a
//! domain publishes, and the tokens of an authorization server.
//!
//! ureq speaks the protocol, over connections of our own: so `--ca-file`, the time limits and signals hold here as
//! everywhere. Left out: connections that are used again, compression, cookies, a login at the server of a document.

mod proxy;
mod transport;
mod urls;

pub use proxy::HttpProxy;

use super::error::NetError;
use super::limits::Limits;
use super::tls::Tls;
use super::wire::{Direction, Tap};
use crate::words::{Failure, Kind, Secret, Stage};
use std::fmt;
use std::io::Read as _;
use std::sync::{Arc, Mutex};
use transport::{Dialler, NoLookUp, TransportFault};
use ureq::http::{Request, Uri, header};
use ureq::{Agent, Body, ResponseExt as _};
use zeroize::Zeroizing;

/// The most octets of an answer to [`Http::post_form`].
const MOST_OF_ANSWER: usize = 64 * 1024;
/// The most octets of the header of an answer.
const MOST_OF_HEADER: usize = 32 * 1024;

/// What a request carries in a field of its form, or of its header.
#[derive(Clone, Copy, Debug)]
pub enum FieldValue<'a> {
    Text(&'a str),
    Secret(&'a Secret),
}

impl FieldValue<'_> {
    fn octets(&self) -> &[u8] {
        match self {
            FieldValue::Text(text) => text.as_bytes(),
            FieldValue::Secret(secret) => secret.expose(),
        }
    }
}

/// What a server answered, whatever its status.
pub struct HttpAnswer {
    /// `RFC 9110 §15`: 200 to 299 is success.
    pub status: u16,
    /// Content-Type as it came, or empty.
    pub content_type: String,
    /// The URL that answered: another than was asked for if there were redirects.
    pub final_url: String,
    /// The content; wiped when it goes, as it may hold tokens.
    pub body: Zeroizing<Vec<u8>>,
}

impl HttpAnswer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The host that answered, without its port, in lower case.
    pub fn host(&self) -> String {
        host_of(&self.final_url).unwrap_or_default()
    }
}

impl fmt::Debug for HttpAnswer {
    // The content may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpAnswer")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("final_url", &self.final_url)
            .field("octets", &self.body.len())
            .finish()
    }
}

/// The host of a URL, without its port, in lower case; `None` if it is no absolute URL.
pub fn host_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    uri.scheme()?;
    uri.host().map(str::to_ascii_lowercase)
}

/// The client. A clone shares the transcript.
#[derive(Clone)]
pub struct Http {
    tls: Tls,
    limits: Limits,
    http_allowed: bool,
    proxy: Option<HttpProxy>,
    tap: Option<Arc<Mutex<Box<dyn Tap>>>>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("http_allowed", &self.http_allowed).finish_non_exhaustive()
    }
}

impl Http {
    /// A client that trusts what `tls` trusts. One request, with its redirects, takes no longer than
    /// `limits.timeout`, however fast octets come.
    ///
    /// It speaks https, and http only to a loopback address.
    pub fn new(tls: Tls, limits: Limits) -> Self {
        Http { tls, limits, http_allowed: false, proxy: None, tap: None }
    }

    /// Whether http is spoken to other machines too.
    pub fn with_http_allowed(self, http_allowed: bool) -> Self {
        Http { http_allowed, ..self }
    }

    /// Goes through `proxy`, where it is for the host.
    pub fn with_proxy(self, proxy: Option<HttpProxy>) -> Self {
        Http { proxy, ..self }
    }

    /// Gives the transcript to `tap`: what was asked for and what came back, never the content of either.
    pub fn with_tap(self, tap: Option<Box<dyn Tap>>) -> Self {
        Http { tap: tap.map(|tap| Arc::new(Mutex::new(tap))), ..self }
    }

    /// The same client with other limits.
    pub fn within(&self, limits: Limits) -> Self {
        Http { limits, ..self.clone() }
    }

    /// Asks for a document of at most `most` octets, and follows up to `redirects` redirects, from https only to
    /// https. Any status is an answer.
    ///
    /// Fails with the kinds of [`NetError::kind`]; [`Kind::Protocol`] for what is not HTTP, for an answer that is
    /// too large and for redirects that do not end; [`Kind::Config`] for a URL that is none or not allowed.
    pub fn get(&self, url: &str, accept: &str, redirects: u32, most: usize) -> Result<HttpAnswer, Failure> {
        let run = RequestRun { http: self, stage: Stage::Get, url, redirects, most };
        let request = Request::get(url).header(header::ACCEPT, accept).body(());
        run.go(|agent| agent.run(request.map_err(ureq::Error::Http)?))
    }

    /// Sends a form (`application/x-www-form-urlencoded`) and reads an answer of at most 64 KiB, in JSON if the
    /// server can. No redirect is followed: it is the answer.
    ///
    /// Fails as [`Http::get`] does.
    pub fn post_form(
        &self,
        url: &str,
        fields: &[(&str, FieldValue<'_>)],
        headers: &[(&str, FieldValue<'_>)],
    ) -> Result<HttpAnswer, Failure> {
        let run = RequestRun { http: self, stage: Stage::Post, url, redirects: 0, most: MOST_OF_ANSWER };
        let form = form(fields);
        let mut request = Request::post(url)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, value.octets());
        }
        let request = request.body(form.as_slice());
        run.go(|agent| agent.run(request.map_err(ureq::Error::Http)?))
    }

    /// Sends JSON, which has no secrets in it, and reads an answer as [`Http::post_form`] does.
    pub fn post_json(&self, url: &str, json: &str) -> Result<HttpAnswer, Failure> {
        let run = RequestRun { http: self, stage: Stage::Post, url, redirects: 0, most: MOST_OF_ANSWER };
        let request = Request::post(url)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .body(json.as_bytes());
        run.go(|agent| agent.run(request.map_err(ureq::Error::Http)?))
    }

    fn tell(&self, direction: Direction, text: &str) {
        if let Some(tap) = &self.tap
            && let Ok(mut tap) = tap.lock()
        {
            tap.line(direction, text);
        }
    }
}

/// The fields as `application/x-www-form-urlencoded` (the URL Standard): all but letters, digits and `-._~` is
/// percent-encoded.
fn form(fields: &[(&str, FieldValue<'_>)]) -> Zeroizing<Vec<u8>> {
    // It is long enough from the start, so that no piece of a secret stays where it was before.
    let most = fields.iter().map(|(name, value)| 3 * (name.len() + value.octets().len()) + 2).sum();
    let mut form = Zeroizing::new(Vec::with_capacity(most));
    for (name, value) in fields {
        if !form.is_empty() {
            form.push(b'&');
        }
        form.extend(encoded(name.as_bytes()));
        form.push(b'=');
        form.extend(encoded(value.octets()));
    }
    form
}

fn encoded(octets: &[u8]) -> impl Iterator<Item = u8> {
    percent_encoding::percent_encode(octets, UNRESERVED).flat_map(|piece| piece.bytes())
}

/// All but the unreserved characters (`RFC 3986 §2.3`).
const UNRESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value as a part of a URL's query.
pub fn query_value(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, UNRESERVED).to_string()
}

/// One request, with its redirects.
struct RequestRun<'a> {
    http: &'a Http,
    stage: Stage,
    url: &'a str,
    redirects: u32,
    most: usize,
}

impl RequestRun<'_> {
    fn go(
        &self,
        send: impl FnOnce(&Agent) -> Result<ureq::http::Response<Body>, ureq::Error>,
    ) -> Result<HttpAnswer, Failure> {
        let uri = self.check()?;
        self.http.tell(Direction::Client, &format!("{} {}", self.stage, self.url));
        // The end holds whatever the server sends, and however fast.
        let limits = &self.http.limits;
        let within = Limits { end: Some(limits.until(limits.timeout)), ..limits.clone() };
        let dialler = Dialler {
            tls: self.http.tls.clone(),
            limits: within,
            http_allowed: self.http.http_allowed,
            proxy: self.http.proxy.clone(),
            // What one connection may bring: a header, and a document in chunks of an octet.
            most: MOST_OF_HEADER + 6 * self.most + 1024,
        };
        let agent = Agent::with_parts(self.config(&uri), dialler.chained(), NoLookUp);
        let answered = send(&agent).and_then(|response| self.answer(response));
        let answer = answered.map_err(|error| self.failure(error))?;
        let octets = answer.body.len();
        let from = if answer.final_url == self.url { "" } else { answer.final_url.as_str() };
        self.http.tell(
            Direction::Server,
            format!("{} {from} {}, {octets} octets", answer.status, answer.content_type)
                .replace("  ", " ")
                .trim_end(),
        );
        Ok(answer)
    }

    /// The URL, if it is one and allowed.
    fn check(&self) -> Result<Uri, Failure> {
        let bad = |what: &str| {
            let message = format!("{}: {}: {what}", self.url, self.stage);
            Failure::new(Kind::Config, self.stage, message)
        };
        let uri: Uri = self.url.parse().map_err(|_| bad("this is not a URL"))?;
        match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(_)) => Ok(uri),
            (Some("http"), Some(host)) if self.http.http_allowed || urls::is_loopback(host) => Ok(uri),
            (Some("http"), Some(_)) => Err(bad("refused, http is not encrypted").hint("use https://")),
            _ => Err(bad("this is not an https URL")),
        }
    }

    fn config(&self, uri: &Uri) -> ureq::config::Config {
        let proxy = self.http.proxy.as_ref().and_then(|proxy| proxy.for_ureq(uri));
        Agent::config_builder()
            .https_only(uri.scheme_str() == Some("https"))
            .http_status_as_error(false)
            .max_redirects(self.redirects)
            .max_redirects_will_error(self.redirects > 0)
            .max_response_header_size(MOST_OF_HEADER)
            .max_idle_connections(0)
            .user_agent(concat!("postie/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy)
            .build()
    }

    fn answer(&self, response: ureq::http::Response<Body>) -> Result<HttpAnswer, ureq::Error> {
        let status = response.status().as_u16();
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
        let final_url = response.get_uri().to_string();
        let mut body = Zeroizing::new(Vec::new());
        let limit = u64::try_from(self.most).unwrap_or(u64::MAX).saturating_add(1);
        response.into_body().into_reader().take(limit).read_to_end(&mut body)?;
        if body.len() > self.most {
            return Err(TransportFault::too_much(self.most));
        }
        Ok(HttpAnswer { status, content_type, final_url, body })
    }

    fn failure(&self, error: ureq::Error) -> Failure {
        let (place, stage, error) = match TransportFault::of(error) {
            Ok(TransportFault::Net { place, stage, error }) => (place, stage, error),
            Ok(TransportFault::Proxy(failure)) => return failure,
            Err(error) => return self.protocol_failure(&error),
        };
        // The time of the request is over, not that of the run.
        let error = match error {
            NetError::RunOver if !self.http.limits.run_over() => NetError::Timeout,
            error => error,
        };
        let place = place.unwrap_or_else(|| self.place());
        let stage = stage.unwrap_or(self.stage);
        self.http.tell(Direction::Note, &format!("{place}: {stage}: {error}"));
        let plain =
            |message: String| Failure::new(error.kind(), stage, format!("{stage}: {message}")).at(&place);
        match &error {
            // The hints of a mail server's failures do not help here.
            NetError::Timeout => plain(error.to_string()),
            NetError::TooMuch(_) => plain(format!("the answer is larger than {} octets", self.most)),
            _ => error.failure(&place, stage),
        }
    }

    /// The failure for what is wrong with the dialogue itself.
    fn protocol_failure(&self, error: &ureq::Error) -> Failure {
        let (kind, what) = match error {
            ureq::Error::TooManyRedirects => {
                (Kind::Protocol, format!("more than {} redirects", self.redirects))
            }
            ureq::Error::RequireHttpsOnly(url) => {
                (Kind::Protocol, format!("a redirect to {url}, which is not encrypted: not followed"))
            }
            ureq::Error::LargeResponseHeader(..) => (Kind::Protocol, "the header is too large".to_owned()),
            ureq::Error::Protocol(what) => (Kind::Protocol, format!("what came is not HTTP: {what}")),
            ureq::Error::BadUri(url) => (Kind::Protocol, format!("a redirect to what is no URL: {url}")),
            ureq::Error::ConnectProxyFailed(what) => (Kind::Network, format!("the proxy: {what}")),
            ureq::Error::Http(what) => (Kind::Config, format!("the request cannot be made: {what}")),
            error => (Kind::Protocol, error.to_string()),
        };
        self.http.tell(Direction::Note, &format!("{}: {}: {what}", self.place(), self.stage));
        Failure::new(kind, self.stage, format!("{}: {what}", self.stage)).at(self.place())
    }

    /// `host:port` of the URL, the name of the server in failures.
    fn place(&self) -> String {
        let uri: Option<Uri> = self.url.parse().ok();
        uri.as_ref().and_then(urls::place).unwrap_or_else(|| self.url.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_every_octet_that_means_something_encoded() {
        let secret = Secret::new("a&b=c %+\u{e9}\n");
        let form =
            form(&[("grant_type", FieldValue::Text("x:y-z_~.1")), ("p w", FieldValue::Secret(&secret))]);
        assert_eq!(
            String::from_utf8_lossy(&form),
            "grant_type=x%3Ay-z_~.1&p%20w=a%26b%3Dc%20%25%2B%C3%A9%0A"
        );
        assert!(form.capacity() >= form.len() && form.starts_with(b"grant"));
    }

    #[test]
    fn what_is_no_https_url_is_refused_before_anything_is_looked_up() {
        let tls = Tls::prepare(&crate::net::TlsSettings::default(), &Limits::default()).unwrap();
        let http = Http::new(tls, Limits::default());
        for url in
            ["http://example.org/", "ftp://example.org/", "example.org", "", "https://", "https://a b/", "/x"]
        {
            assert_eq!(http.get(url, "*/*", 3, 10).unwrap_err().kind(), Kind::Config, "{url}");
            assert_eq!(http.post_form(url, &[], &[]).unwrap_err().kind(), Kind::Config, "{url}");
        }
    }
}
