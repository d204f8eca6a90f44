//! `auth = "gssapi"` by the system's Kerberos library (feature `gssapi`): with the ticket that `kinit` has got, or the one
//! that the library gets with a keytab. Where those are, its own variables say (`KRB5CCNAME`, `KRB5_CLIENT_KTNAME`), and
//! `krb5.conf` says how the server's name is looked up.
//!
//! The library asks the KDC as long as it likes, and no signal ends that. So the first step, which alone does this, is
//! made on a thread, and whoever waits for it may give it up.

use crate::codec::sasl::{ChannelBinding, Credentials, ExchangeFault, Helper, MechanismClient};
use crate::codec::sasl::{GssapiClient, SecurityContext};
use crate::net::Limits;
use crate::streams::Halt;
use crate::words::{Failure, Kind, MechanismName, Stage};
use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext as _};
use libgssapi::error::Error;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_HOSTBASED_SERVICE};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How often whoever waits for the KDC looks up.
const LOOK_UP: Duration = Duration::from_millis(50);

/// Each side proves itself, and messages are protected from changes.
const WANTED: CtxFlags = CtxFlags::GSS_C_MUTUAL_FLAG.union(CtxFlags::GSS_C_INTEG_FLAG);

const NO_TICKET: &str = "no Kerberos ticket: kinit, or KRB5_CLIENT_KTNAME for cron (docs/logins.md)";
const NO_SERVER: &str = "the host in the account must be the name that the server's key is for, not an address or \
                         another of its names; krb5.conf says of which realm it is";
const NO_KDC: &str = "krb5.conf names no KDC for the realm, and name service neither";
const NO_CLOCK: &str = "the clocks of this machine and of the server, or the KDC, are too far apart";
const NOT_SERVER: &str = "the server's token is not of the service that the ticket is for";
const NOT_PROTECTED: &str = "the server's offer is not protected by the context";

/// Logs in to one service (`pop`, `imap`, `smtp`) of the server.
#[derive(Debug)]
pub struct Kerberos {
    service: &'static str,
    limits: Limits,
}

impl Kerberos {
    pub fn new(service: &'static str, limits: Limits) -> Self {
        Kerberos { service, limits }
    }

    /// The context and its first token.
    fn begin(&self, host: &str) -> Result<(GssContext, Vec<u8>), Failure> {
        let target = format!("{}@{host}", self.service);
        let (sender, receiver) = channel();
        std::thread::spawn({
            let target = target.clone();
            // Nobody waits any more if it fails.
            move || drop(sender.send(first_step(&target)))
        });
        let until = self.limits.until(self.limits.timeout);
        let begun = loop {
            let left = until.saturating_duration_since(Instant::now());
            match receiver.recv_timeout(left.min(LOOK_UP)) {
                Ok(begun) => break begun,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(failed(Kind::Internal, "its thread died")),
            }
            if let Some(halt) = Halt::due(&self.limits) {
                return Err(failed(halt.kind(), &halt.to_string()));
            }
            if left.is_zero() {
                return Err(failed(Kind::Timeout, "the KDC gave no ticket in time"));
            }
        };
        begun.map_err(|fault| fault.failure(&target))
    }
}

impl Helper for Kerberos {
    fn start(
        &self,
        _: MechanismName,
        credentials: &Credentials,
        _: Option<&ChannelBinding>,
    ) -> Result<Box<dyn MechanismClient>, Failure> {
        let (context, token) = self.begin(&credentials.host)?;
        Ok(Box::new(GssapiClient::new(context, token, &credentials.user)))
    }
}

fn failed(kind: Kind, what: &str) -> Failure {
    Failure::new(kind, Stage::Authentication, format!("GSSAPI: {what}"))
}

fn first_step(target: &str) -> Result<(GssContext, Vec<u8>), LibraryFault> {
    let name = Name::new(target.as_bytes(), Some(GSS_NT_HOSTBASED_SERVICE)).map_err(LibraryFault::of)?;
    let mut context = ClientCtx::new(None, name, WANTED, Some(GSS_MECH_KRB5));
    let token = context.step(None, None).map_err(LibraryFault::of)?;
    Ok((GssContext(context), token.map_or(Vec::new(), |token| token.to_vec())))
}

/// The library's own context.
#[derive(Debug)]
struct GssContext(ClientCtx);

impl SecurityContext for GssContext {
    fn step(&mut self, token: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        let answer = self.0.step(Some(token), None).map_err(|_| ExchangeFault::Nonsense(NOT_SERVER))?;
        if self.is_established() && !self.0.flags().is_ok_and(|flags| flags.contains(WANTED)) {
            return Err(ExchangeFault::Nonsense(NOT_SERVER));
        }
        Ok(answer.map_or(Vec::new(), |answer| answer.to_vec()))
    }

    fn is_established(&self) -> bool {
        self.0.is_complete()
    }

    fn unwrap(&mut self, message: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        // The library takes no token for a reason to say so.
        if message.is_empty() {
            return Err(ExchangeFault::Nonsense(NOT_PROTECTED));
        }
        let content = self.0.unwrap(message).map_err(|_| ExchangeFault::Nonsense(NOT_PROTECTED))?;
        Ok(content.to_vec())
    }

    fn wrap(&mut self, content: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        let wrapped = self.0.wrap(false, content);
        let wrapped = wrapped.map_err(|error| LibraryFault::of(error).failure("answering the offer"))?;
        Ok(wrapped.to_vec())
    }
}

/// An error of the library, with its words, which only the thread that met it can have.
#[derive(Debug)]
struct LibraryFault {
    /// The routine error (`RFC 2744 §3.9.1`).
    routine: u32,
    /// The mechanism's own code; of MIT's Kerberos one of `krb5_err.et`.
    minor: i32,
    words: String,
}

impl LibraryFault {
    fn of(error: Error) -> Self {
        let minor = i32::from_ne_bytes(error.minor.to_ne_bytes());
        LibraryFault { routine: error.major.bits() >> 16 & 0xff, minor, words: error.to_string() }
    }

    fn failure(self, tried: &str) -> Failure {
        let (kind, hint) = self.meaning();
        let failure = failed(kind, &format!("{tried}: {}", self.words.trim()));
        if hint.is_empty() { failure } else { failure.hint(hint) }
    }

    fn meaning(&self) -> (Kind, &'static str) {
        /// The first of Kerberos's own codes (`ERROR_TABLE_BASE_krb5`).
        const BASE: i32 = -1_765_328_384;
        match (self.routine, self.minor.wrapping_sub(BASE)) {
            // KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN: the KDC knows no such server.
            (_, 7) => (Kind::Config, NO_SERVER),
            // KRB5KRB_AP_ERR_SKEW
            (_, 37) => (Kind::Auth, NO_CLOCK),
            // KRB5KDC_ERR_SVC_UNAVAILABLE, KRB5_KDC_UNREACH
            (_, 29 | 156) => (Kind::Network, ""),
            // KRB5_REALM_UNKNOWN
            (_, 154) => (Kind::Config, NO_KDC),
            // KRB5_CONFIG_CANTOPEN, KRB5_CONFIG_BADFORMAT, KRB5_CC_BADNAME, KRB5_CC_UNKNOWN_TYPE, KRB5_CONFIG_NODEFREALM
            (_, 135 | 136 | 139 | 140 | 224) => (Kind::Config, ""),
            // GSS_S_BAD_NAME, GSS_S_BAD_NAMETYPE
            (2 | 3, _) => (Kind::Config, NO_SERVER),
            // GSS_S_NO_CRED, GSS_S_DEFECTIVE_CREDENTIAL, GSS_S_CREDENTIALS_EXPIRED; KRB5KRB_AP_ERR_TKT_EXPIRED
            (7 | 10 | 11, _) | (_, 32) => (Kind::Auth, NO_TICKET),
            _ => (Kind::Auth, ""),
        }
    }
}
