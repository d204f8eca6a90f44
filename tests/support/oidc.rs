//! `oidc-provider`, an authorization server that nobody here wrote, and the person at the browser. `.ci/run` installs it
//! into `target/oidc`; it needs Node. It ends with the tests that use it.

use super::real::{Server, free_port, have, program};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Where it is installed.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/oidc/node_modules");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/oidc/server.mjs");
const ENTRY: &str = "oidc-provider/lib/index.js";

/// How long it may take to start, or to answer.
const PATIENCE: Duration = Duration::from_secs(300);

/// Whether it can be run: it is installed, and there is a Node that is new enough.
pub fn is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| Path::new(ROOT).join(ENTRY).exists() && node().is_some())
}

/// Node: the one that was installed beside, else the system's.
fn node() -> Option<PathBuf> {
    let own = ["x64", "arm64"].map(|machine| Path::new(ROOT).join(format!("node-linux-{machine}/bin/node")));
    let node = own.into_iter().find(|path| path.exists()).or_else(|| program("node"))?;
    let version = Command::new(&node).args(["-p", "process.versions.node"]).output().ok()?;
    let major = String::from_utf8_lossy(&version.stdout).split('.').next()?.parse::<u32>().ok()?;
    (major >= 20).then_some(node)
}

/// The server, running.
pub struct Oidc {
    _server: Server,
    dir: tempfile::TempDir,
    port: u16,
}

impl Oidc {
    /// The one that the tests of this process share as long as one of them runs; or skips the test.
    #[track_caller]
    pub fn shared(test: &str) -> Option<Arc<Oidc>> {
        static SHARED: Mutex<Weak<Oidc>> = Mutex::new(Weak::new());
        if !have(test, &["oidc-provider"]) {
            return None;
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        Some(shared.upgrade().unwrap_or_else(|| {
            let oidc = Arc::new(Oidc::start());
            *shared = Arc::downgrade(&oidc);
            oidc
        }))
    }

    fn start() -> Oidc {
        let dir = tempfile::Builder::new().prefix("postie-oidc-").tempdir().unwrap();
        let port = free_port();
        let entry = format!("{ROOT}/{ENTRY}");
        let args = [SCRIPT, &entry, &port.to_string()];
        let server = Server::start(&node().unwrap(), &args, &dir.path().join("log"));
        let oidc = Oidc { _server: server, dir, port };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "oidc-provider does not start:\n{}", oidc.log().join("\n"));
            // Nothing tells of the event: look again soon.
            thread::park_timeout(Duration::from_millis(5));
        }
        oidc
    }

    /// Its name, which is where it tells about itself.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What Dovecot asks whether a token is good.
    pub fn introspection(&self) -> String {
        format!("http://dovecot:s3cret-of-dovecot@127.0.0.1:{}/token/introspection", self.port)
    }

    /// What it logged, line by line: `token CLIENT GRANT-TYPE granted` or the error.
    pub fn log(&self) -> Vec<String> {
        super::process::read_or_empty(&self.dir.path().join("log")).lines().map(str::to_owned).collect()
    }

    /// Revokes a refresh token, as a person does on the page of the provider.
    pub fn revoke(&self, client: &str, refresh_token: &str) {
        let form = [("client_id", client), ("token", refresh_token)];
        let page = Browser::new("nobody").ask(&format!("{}/token/revocation", self.issuer()), Some(&form));
        assert_eq!(page.status, 200, "{}", page.body);
    }
}

/// A page, or a redirect.
pub struct Page {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
}

/// The person at the browser, who keeps cookies and says yes to everything.
pub struct Browser {
    login: String,
    /// By name and path.
    cookies: BTreeMap<(String, String), String>,
}

impl Browser {
    /// A person who logs in by this name.
    pub fn new(login: &str) -> Browser {
        Browser { login: login.to_owned(), cookies: BTreeMap::new() }
    }

    /// Opens the address of a login, logs in and consents; gives the redirect, which is not followed.
    #[track_caller]
    pub fn consent(&mut self, url: &str) -> String {
        self.play(url, true)
    }

    /// The same, but says no on the first page.
    #[track_caller]
    pub fn refuse(&mut self, url: &str) -> String {
        self.play(url, false)
    }

    #[track_caller]
    fn play(&mut self, url: &str, yes: bool) -> String {
        let back = parameter(url, "redirect_uri").expect("an address with a redirect");
        let mut page = self.ask(url, None);
        let mut at = url.to_owned();
        for _ in 0..20 {
            if let Some(to) = page.location.take() {
                at = absolute(&at, &to);
                if at.split('?').next().unwrap().trim_end_matches('/') == back.trim_end_matches('/') {
                    return at;
                }
                page = self.ask(&at, None);
                continue;
            }
            page = match (yes, between(&page.body, "href=\"", "/abort\"")) {
                (false, Some(abort)) => self.ask(&format!("{}/abort", absolute(&at, &abort)), None),
                _ => self.submit(&page.body),
            };
        }
        panic!("the pages do not end");
    }

    /// Types the code of a device, logs in and says yes, or no; gives the text of the last page.
    #[track_caller]
    pub fn device(&mut self, url: &str, code: &str, yes: bool) -> String {
        let mut page = self.ask(url, None);
        let mut at = url.to_owned();
        for _ in 0..20 {
            if let Some(to) = page.location.take() {
                at = absolute(&at, &to);
                page = self.ask(&at, None);
                continue;
            }
            if !page.body.contains("<form") {
                return page.body;
            }
            if page.body.contains("name=\"prompt\"") {
                page = self.submit(&page.body);
                continue;
            }
            let action = between(&page.body, "action=\"", "\"").unwrap();
            let xsrf = between(&page.body, "name=\"xsrf\" value=\"", "\"").unwrap();
            let mut form = vec![("xsrf", xsrf.as_str()), ("user_code", code)];
            // The page that asks whether the code is the device's.
            let last = page.body.contains("name=\"confirm\"");
            if last {
                form.push(("confirm", "yes"));
            }
            if last && !yes {
                form.push(("abort", "yes"));
            }
            page = self.ask(&absolute(&at, &action), Some(&form));
            if last && !yes {
                return page.body;
            }
        }
        panic!("the pages do not end");
    }

    /// Fills in the form of a page: the login, or the consent.
    #[track_caller]
    fn submit(&mut self, body: &str) -> Page {
        let action = between(body, "action=\"", "\"").unwrap_or_else(|| panic!("no form: {body}"));
        let prompt = between(body, "name=\"prompt\" value=\"", "\"").unwrap_or_default();
        let login = self.login.clone();
        let mut form = vec![("prompt", prompt.as_str())];
        if prompt == "login" {
            form.extend([("login", login.as_str()), ("password", "any")]);
        }
        self.ask(&action, Some(&form))
    }

    /// One request; a form is sent by POST.
    #[track_caller]
    pub fn ask(&mut self, url: &str, form: Option<&[(&str, &str)]>) -> Page {
        let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("not http: {url}"));
        let (host, target) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let path = target.split('?').next().unwrap().to_owned();
        let mut stream = TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let cookies = self.cookies.iter().filter(|((_, of), _)| path.starts_with(of.as_str()));
        let cookies: Vec<String> = cookies.map(|((name, _), value)| format!("{name}={value}")).collect();
        let mut request = format!(
            "{} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nCookie: {}\r\n",
            if form.is_some() { "POST" } else { "GET" },
            cookies.join("; ")
        );
        if let Some(form) = form {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            let length = body.len();
            request += "Content-Type: application/x-www-form-urlencoded\r\n";
            request += &format!("Content-Length: {length}\r\n\r\n{body}");
        } else {
            request += "\r\n";
        }
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{url}: {answer}"));
        let mut location = None;
        for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "location" => location = Some(value.to_owned()),
                "set-cookie" => self.keep(value),
                _ => {}
            }
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Page { status, location, body: body.to_owned() }
    }

    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let path = parts.clone().find_map(|part| part.strip_prefix("path=")).unwrap_or("/").to_owned();
        let key = (name.to_owned(), path);
        if parts.any(|part| part.contains("1970")) {
            self.cookies.remove(&key);
        } else {
            self.cookies.insert(key, value.to_owned());
        }
    }
}

/// The value of a parameter in an address's query.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1.as_bytes();
    form_urlencoded::parse(query).find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// The address that a reference on the page `at` means.
fn absolute(at: &str, to: &str) -> String {
    // By the scheme of a program, too.
    if to.split_once(":/").is_some_and(|(scheme, _)| !scheme.contains('/')) {
        return to.to_owned();
    }
    let root = at.match_indices('/').nth(2).map_or(at, |(slash, _)| &at[..slash]);
    format!("{root}{to}")
}

/// The text between two others.
fn between(text: &str, before: &str, behind: &str) -> Option<String> {
    let start = text.find(before)? + before.len();
    let end = text[start..].find(behind)? + start;
    // Only the innermost: what stands before may come again.
    let start = text[..end].rfind(before)? + before.len();
    Some(text[start..end].replace("&amp;", "&"))
}
