//! What a person at a terminal of 80 columns is told during a login. The address and the code are for standard output, where
//! a script finds them; the rest is told on standard error.

use crate::account::Env;
use crate::account::oauth::Flow;
use crate::codec::oauth::device::DeviceAuthorization;
use crate::output::Output;
use crate::work::authorize::Told;
use crate::work::authorize::browser::{self, NoBrowser};
use serde::Serialize;

/// `authorization`.
#[derive(Serialize)]
struct AuthorizationLine<'a> {
    account: &'a str,
    flow: &'static str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_complete: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
}

/// How the person is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// The account's flow; a browser is opened if there is one here.
    #[default]
    Usual,
    /// A browser is opened, also at the end of an SSH connection.
    Browser,
    /// The address is only shown.
    NoBrowser,
    /// A code is shown.
    Device,
}

/// Tells the person.
pub struct Guide<'a> {
    pub account: &'a str,
    pub way: Way,
    pub out: &'a mut Output,
    pub env: &'a Env,
}

impl Guide<'_> {
    pub fn tell(&mut self, told: Told<'_>) {
        match told {
            Told::Visit { url, port } => self.visit(url, port),
            Told::Type(authorization) => self.show_code(authorization),
            Told::NotThat(what) => self.out.tell(&format!("{what}; paste it again")),
            Told::Unreachable(failure) => self.out.tell(&format!("{failure}; it is asked again")),
        }
    }

    fn visit(&mut self, url: &str, port: Option<u16>) {
        let opened = match self.way {
            Way::NoBrowser => None,
            way => Some(browser::open(url, self.env, way == Way::Browser)),
        };
        self.out.tell(match opened {
            Some(Ok(())) => "log in on the page that the browser opens, and allow the access; it is",
            _ => "open this address in a browser, log in there and allow the access:",
        });
        let line = AuthorizationLine {
            account: self.account,
            flow: Flow::Code.name(),
            url,
            url_complete: None,
            user_code: None,
            port,
            expires_in: None,
        };
        self.out.text(url);
        self.out.line("authorization", &line);
        self.out.flush();
        match opened {
            Some(Err(NoBrowser::Ssh)) => {
                self.out.tell("no browser is opened by SSH (--browser opens one all the same)");
            }
            Some(Err(NoBrowser::NoDisplay)) => {
                self.out.tell("no browser is opened: there is no display here")
            }
            Some(Err(NoBrowser::NotStarted)) => self.out.tell("no browser could be started"),
            Some(Ok(())) | None => {}
        }
        let elsewhere = !matches!(opened, Some(Ok(())));
        match port {
            Some(port) if elsewhere => {
                self.out.tell(&format!(
                    "waiting for the answer on port {port} of this machine; from another one,"
                ));
                self.out.tell(&format!("  ssh -N -L {port}:127.0.0.1:{port} THIS-MACHINE"));
                self.out.tell("leads there; or paste the address that the browser ends at:");
            }
            Some(port) => {
                self.out.tell(&format!("waiting for the answer on port {port}; Ctrl-C ends it"));
            }
            None => self.out.tell("paste the address that the browser ends at, or the code on that page:"),
        }
    }

    fn show_code(&mut self, authorization: &DeviceAuthorization) {
        let DeviceAuthorization {
            user_code, verification_uri, verification_uri_complete, expires_in, ..
        } = authorization;
        self.out.tell("on any device, open this address, log in, and type the code:");
        let line = AuthorizationLine {
            account: self.account,
            flow: Flow::Device.name(),
            url: verification_uri,
            url_complete: verification_uri_complete.as_deref(),
            user_code: Some(user_code),
            port: None,
            expires_in: Some(expires_in.as_secs()),
        };
        self.out.text(verification_uri);
        self.out.text(user_code);
        self.out.line("authorization", &line);
        self.out.flush();
        let minutes = expires_in.as_secs().div_ceil(60);
        self.out.tell(&format!("waiting until it is typed, {minutes} minutes at the most; Ctrl-C ends it"));
    }
}
