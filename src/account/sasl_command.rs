//! `sasl-command`: a program of the user's that logs in by a mechanism postie does not have.
//!
//! It is started when the login begins, and learns from its environment what is wanted: `POSTIE_SASL_MECHANISM`,
//! `_SERVICE` (pop, imap, smtp), `_HOST`, `_PORT`, `_USER`, `_AUTHZID`, and where there is a channel binding
//! `_CHANNEL_BINDING_TYPE` and `_CHANNEL_BINDING_DATA` (base64). Each challenge of the server is a line of base64 on its
//! standard input, each response one on its standard output; an empty line, or `=`, is an empty response, `*` gives up.
//! A first challenge without content is not passed on: where the client speaks first, the program does so by itself. A
//! first line that is the mechanism's name is passed over, because GNU SASL's `gsasl --client` writes that.
//!
//! What it answers is never judged here, but by the server. Its exit status counts only if it ends before the server is
//! content: 75 is for what may pass, 78, 126 and 127 for a wrong set-up, all others are a refused login. It may take
//! `--timeout` for each response, and is killed with all that it started once the login is over.

use super::terminal::terminal;
use crate::codec::sasl::{ChannelBinding, Credentials, ExchangeFault, Helper, MechanismClient};
use crate::net::Limits;
use crate::process::{Ending, Program, Running, StdoutTo, Task};
use crate::streams::{self, Halt};
use crate::words::{Failure, Kind, MechanismName, Stage};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::event::{PollFd, PollFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use std::ffi::OsString;
use std::process::ChildStdout;
use std::time::{Duration, Instant};
use std::{fmt, io};
use zeroize::Zeroizing;

/// The longest line of the program, in octets.
const MAX_LINE: usize = 64 * 1024;

/// How long a program that has closed its output may take to end, so that its status can tell why.
const GRACE: Duration = Duration::from_millis(500);
/// How long it may take to end once the login is over. Mail waits meanwhile, and GNU SASL's does not end by itself.
const LAST_GRACE: Duration = Duration::from_millis(20);

/// Starts the program for each login.
#[derive(Debug)]
pub struct SaslCommand {
    program: Program,
    service: &'static str,
    limits: Limits,
}

impl SaslCommand {
    pub fn new(program: Program, service: &'static str, limits: Limits) -> Self {
        SaslCommand { program, service, limits }
    }
}

impl Helper for SaslCommand {
    fn start(
        &self,
        mechanism: MechanismName,
        credentials: &Credentials,
        binding: Option<&ChannelBinding>,
    ) -> Result<Box<dyn MechanismClient>, Failure> {
        let cannot = |error: &io::Error| {
            let name = self.program.file().display();
            let failure = failed(mechanism, Kind::Config, &format!("starting {name}: {error}"));
            match error.kind() {
                io::ErrorKind::NotFound => failure.hint(NOT_FOUND),
                _ => failure,
            }
        };
        let (input, to) = pipe_with(PipeFlags::CLOEXEC).map_err(|errno| cannot(&errno.into()))?;
        let mut variables: Vec<(&'static str, OsString)> = vec![
            ("POSTIE_SASL_MECHANISM", mechanism.to_string().into()),
            ("POSTIE_SASL_SERVICE", self.service.into()),
            ("POSTIE_SASL_HOST", (&credentials.host).into()),
            ("POSTIE_SASL_PORT", credentials.port.to_string().into()),
            ("POSTIE_SASL_USER", (&credentials.user).into()),
            ("POSTIE_SASL_AUTHZID", (&credentials.user).into()),
        ];
        if let Some(binding) = binding {
            variables.push(("POSTIE_SASL_CHANNEL_BINDING_TYPE", binding.kind.name().into()));
            variables.push(("POSTIE_SASL_CHANNEL_BINDING_DATA", STANDARD.encode(&binding.data).into()));
        }
        let task = Task {
            program: &self.program,
            input: Some(input.into()),
            output: StdoutTo::Piped,
            variables,
            // At a terminal it may ask for the PIN of a card.
            own_group: terminal().is_none(),
        };
        let mut running = task.start().map_err(|error| cannot(&error))?;
        let from = running.output();
        let player = Player {
            mechanism,
            limits: self.limits.clone(),
            running: Some(running),
            to: Some(to),
            from,
            ahead: Zeroizing::default(),
            begun: false,
            answered: false,
        };
        player.make_nonblocking().map_err(|errno| cannot(&errno.into()))?;
        Ok(Box::new(player))
    }
}

/// The hint if the program does not exist.
const NOT_FOUND: &str =
    "no such program was found: is it installed? cron's PATH is short, so give its whole path";
const NO_TICKET: &str = "no Kerberos ticket: kinit, or KRB5_CLIENT_KTNAME for cron (docs/logins.md); what the \
                         program wrote to standard error may say more";
const GAVE_UP: &str = "what the program wrote to standard error may say why";

fn failed(mechanism: MechanismName, kind: Kind, what: &str) -> Failure {
    Failure::new(kind, Stage::Authentication, format!("sasl-command: {mechanism}: {what}"))
}

/// The program while it runs.
struct Player {
    mechanism: MechanismName,
    limits: Limits,
    running: Option<Running>,
    to: Option<OwnedFd>,
    from: Option<ChildStdout>,
    /// What it has written beyond the last line that was taken.
    ahead: Zeroizing<Vec<u8>>,
    /// Whether the first challenge has come.
    begun: bool,
    /// Whether it has given a response.
    answered: bool,
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

impl Player {
    fn make_nonblocking(&self) -> Result<(), Errno> {
        let both = self.to.iter().map(AsFd::as_fd).chain(self.from.iter().map(AsFd::as_fd));
        both.into_iter().try_for_each(|descriptor| rustix::io::ioctl_fionbio(descriptor, true))
    }

    fn fail(&self, kind: Kind, what: &str) -> Failure {
        failed(self.mechanism, kind, what)
    }

    /// Waits until a descriptor is ready.
    fn wait(&self, on: impl AsFd, what: PollFlags, until: Instant) -> Result<(), Failure> {
        let mut waits = vec![PollFd::from_borrowed_fd(on.as_fd(), what)];
        match streams::wait(&mut waits, Some(until), &self.limits) {
            Ok(()) if !waits[0].revents().is_empty() => Ok(()),
            Ok(()) => Err(self.fail(Kind::Timeout, "it gave no response in time")),
            Err(error) => match Halt::of(&error) {
                Some(halt) => Err(self.fail(halt.kind(), &halt.to_string())),
                None => Err(self.fail(Kind::Config, &error.to_string())),
            },
        }
    }

    /// Gives it a challenge.
    fn tell(&mut self, challenge: &[u8], until: Instant) -> Result<(), Failure> {
        let line = Zeroizing::new(STANDARD.encode(challenge) + "\n");
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            let Some(to) = &self.to else { return Err(self.ended()) };
            match rustix::io::write(to, rest) {
                Ok(taken) => rest = &rest[taken..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(to, PollFlags::OUT, until)?,
                // It reads no more: why, its end tells.
                Err(_) => return Err(self.ended()),
            }
        }
        Ok(())
    }

    /// Its next line, without the line end.
    fn line(&mut self, until: Instant) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut block = Zeroizing::new([0; 4096]);
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.ahead) {
                let line = Zeroizing::new(self.ahead[..end].trim_ascii().to_vec());
                self.ahead.drain(..=end);
                return Ok(line);
            }
            if self.ahead.len() > MAX_LINE {
                return Err(self.fail(Kind::Config, &format!("its line has more than {MAX_LINE} octets")));
            }
            let Some(from) = &self.from else { return Err(self.ended()) };
            match rustix::io::read(from, &mut block[..]) {
                Ok(0) => return Err(self.ended()),
                Ok(got) => self.ahead.extend_from_slice(&block[..got]),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(from, PollFlags::IN, until)?,
                Err(errno) => return Err(self.fail(Kind::Config, &io::Error::from(errno).to_string())),
            }
        }
    }

    /// The failure of a program that ends, or closes its output, before the login is done.
    fn ended(&mut self) -> Failure {
        self.to = None;
        let ending = self.running.take().map(|running| {
            running.ends_within(GRACE);
            running.kill()
        });
        let (kind, how) = match ending {
            Some(Ok(Ending::Status(127))) => {
                return self.fail(Kind::Config, "the shell found no such program").hint(NOT_FOUND);
            }
            Some(Ok(Ending::Status(code))) => {
                let kind = match code {
                    75 => Kind::Deferred,
                    78 | 126 => Kind::Config,
                    _ => Kind::Auth,
                };
                (kind, format!("it ended with exit status {code} before the login was done"))
            }
            Some(Ok(Ending::Signal(signal))) => (Kind::Auth, format!("it was ended by signal {signal}")),
            _ => (Kind::Auth, "it ended before the login was done".into()),
        };
        self.gave_up(kind, &how)
    }

    fn gave_up(&self, kind: Kind, how: &str) -> Failure {
        let failure = self.fail(kind, how);
        match kind {
            Kind::Auth if matches!(&*self.mechanism, "GSSAPI" | "GSS-SPNEGO") => failure.hint(NO_TICKET),
            _ => failure.hint(GAVE_UP),
        }
    }

    fn response(&mut self, until: Instant) -> Result<Vec<u8>, Failure> {
        let mut line = self.line(until)?;
        if !self.answered && line.eq_ignore_ascii_case(self.mechanism.as_bytes()) {
            line = self.line(until)?;
        }
        self.answered = true;
        match line.as_slice() {
            b"" | b"=" => Ok(Vec::new()),
            b"*" => Err(self.gave_up(Kind::Auth, "it gave up")),
            text => STANDARD.decode(text).map_err(|_| {
                self.fail(Kind::Config, "it wrote what is not base64")
                    .hint("a sasl-command writes one line of base64 for each response, and nothing else")
            }),
        }
    }
}

impl MechanismClient for Player {
    fn first(&mut self) -> Option<Vec<u8>> {
        None
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        let until = self.limits.until(self.limits.timeout);
        let is_start = !std::mem::replace(&mut self.begun, true) && challenge.is_empty();
        if !is_start {
            self.tell(challenge, until)?;
        }
        Ok(self.response(until)?)
    }

    /// Some servers begin with a remark (NTLM).
    fn respond_to_prose(&mut self, _: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        if self.begun { Err(ExchangeFault::NONSENSE) } else { self.respond(b"") }
    }

    /// Only the program knows, and the server.
    fn is_done(&self) -> bool {
        self.answered
    }

    fn may_be_asked(&self) -> bool {
        true
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // The end of its input tells it that the login is over.
        (self.to, self.from) = (None, None);
        if let Some(running) = self.running.take() {
            running.ends_within(LAST_GRACE);
            let _ = running.kill();
        }
    }
}

#[cfg(test)]
mod tests;
