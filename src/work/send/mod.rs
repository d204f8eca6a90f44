//! The send job: connects, logs in, sends a message, and reports the result for every recipient. With `--retry-for`
//! temporary failures are tried again, with the same Message-ID, for those recipients who do not have the message; an
//! unknown outcome never.

mod backoff;
mod channel;
mod copy;
mod declare;
mod passage;
mod queue_id;
mod receipt;

pub(crate) use backoff::Backoff;
pub use backoff::FIRST_PAUSE;
pub use channel::Channel;
pub(crate) use copy::{CopyTo, without_copy};
pub use receipt::{DeliveryStatus, Receipt};
pub(crate) use receipt::{SavedCopy, TlsUsed};

/// The queue id in a reply, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub fn queue_id(text: &str) -> Option<String> {
    queue_id::find(text)
}

use crate::codec::smtp::{Notify, Return};
use crate::mail::Outgoing;
use crate::net::{Limits, Wire};
use crate::smtp::{OnRejected, Opening, Ready, SmtpLogin, open};
use crate::streams;
use crate::words::{Exit, Failure, Kind};
use backoff::longer;
use passage::Passage;
use std::time::{Duration, Instant};

/// The options for sending.
#[derive(Clone, Debug)]
pub struct Options {
    pub on_rejected: OnRejected,
    /// When a notification is wanted.
    pub notify: Option<Notify>,
    /// What a notification returns.
    pub ret: Option<Return>,
    /// The identifier of a notification.
    pub envid: Option<String>,
    /// Whether every server on the way must use TLS.
    pub require_tls: bool,
    /// How long to try again after temporary failures.
    pub retry_for: Option<Duration>,
    /// The first pause between two attempts ([`FIRST_PAUSE`]).
    pub first_pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            on_rejected: OnRejected::Abort,
            notify: None,
            ret: None,
            envid: None,
            require_tls: false,
            retry_for: None,
            first_pause: FIRST_PAUSE,
        }
    }
}

impl Options {
    fn asks_for_reports(&self) -> bool {
        self.notify.is_some() || self.ret.is_some() || self.envid.is_some()
    }
}

/// Gives what is needed for a login, or with `true` for one more after a refused one; none: without one, or no other.
pub type NextLogin<'a> = dyn Fn(bool) -> Result<Option<SmtpLogin>, Failure> + 'a;

/// How to reach the server, and the options.
pub struct SendJob<'a> {
    pub opening: Opening<'a>,
    /// Gives the login for the next session, instead of that of `opening`.
    pub login: Option<&'a NextLogin<'a>>,
    /// Makes a connection.
    pub connect: &'a dyn Fn() -> Result<Wire, Failure>,
    pub limits: &'a Limits,
    pub options: &'a Options,
}

impl SendJob<'_> {
    /// Opens a session; once more by another token where the server refuses one that is not new.
    fn session(&self) -> Result<Ready, Failure> {
        let Some(ask) = self.login else { return open((self.connect)()?, &self.opening) };
        let by = |login: Option<&SmtpLogin>| {
            (self.connect)().and_then(|wire| open(wire, &Opening { login, ..self.opening }))
        };
        let login = ask(false)?;
        let is_token = login.as_ref().is_some_and(|login| login.is_token);
        match by(login.as_ref()) {
            Err(refused) if is_token && refused.kind() == Kind::Auth => match ask(true)? {
                Some(other) => by(Some(&other)),
                None => Err(refused),
            },
            opened => opened,
        }
    }
}

/// The result of sending a message.
#[derive(Debug)]
pub struct Report {
    pub receipt: Receipt,
    /// The failure of the message or session, or those of recipients with their address.
    pub failures: Vec<(Option<String>, Failure)>,
    pub exit: Exit,
}

/// Whether to send the message, or only to ask whether the recipients are accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SendMode {
    Send,
    Check,
}

/// Sends the message. `progress` gets the octets of content as they are sent; each attempt starts again.
pub fn send(job: &SendJob<'_>, outgoing: &mut Outgoing, progress: &mut dyn FnMut(u64)) -> Report {
    run(job, outgoing, SendMode::Send, progress)
}

/// Asks whether the recipients are accepted, and sends nothing.
pub fn check(job: &SendJob<'_>, outgoing: &mut Outgoing) -> Report {
    run(job, outgoing, SendMode::Check, &mut |_| {})
}

fn run(
    job: &SendJob<'_>,
    outgoing: &mut Outgoing,
    extent: SendMode,
    progress: &mut dyn FnMut(u64),
) -> Report {
    let started = Instant::now();
    let deadline = job.options.retry_for.map(|time| started + time);
    let mut pause = job.options.first_pause;
    let mut passage = Passage::new(job, outgoing);
    loop {
        let failure = passage.run(outgoing, extent, progress).err();
        if passage.take_unchunked() && !job.limits.stop.raised() {
            continue;
        }
        let again = passage.is_temporary(failure.as_ref())
            && !job.limits.stop.raised()
            && deadline.is_some_and(|deadline| Instant::now() + pause <= deadline)
            && job.limits.end.is_none_or(|end| Instant::now() + pause <= end);
        if again && streams::pause(pause, job.limits) {
            pause = longer(pause);
            continue;
        }
        return passage.report(failure, extent, started);
    }
}

#[cfg(test)]
mod tests;
