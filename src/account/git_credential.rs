//! Secrets of git's credential helpers (gitcredentials(7)): `git credential fill` gets one, `approve` has the helpers
//! keep one that a server took, `reject` has them forget one that it refused.
//!
//! What git answers goes back to it as it came: an expiry and a refresh token of OAuth2 are in it, where a helper has
//! such.

use super::command;
use super::drain::{self, DrainError};
use crate::codec::sasl::Verdict;
use crate::net::Limits;
use crate::process::{Ending, Program};
use crate::words::{Failure, Kind, Secret};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// The most octets of an answer.
const MAX_ANSWER: usize = 64 * 1024;

/// The secret of one user of one server, as git knows it.
#[derive(Default)]
pub struct GitCredential {
    /// For whom it is, in git's words.
    request: String,
    state: Mutex<HelperState>,
}

/// How far it is.
#[derive(Default)]
enum HelperState {
    #[default]
    Unknown,
    /// git gave it, with this answer.
    Filled(ServerJudgement),
    /// A server took it.
    Approved(ServerJudgement),
}

#[derive(Clone)]
struct ServerJudgement {
    octets: Zeroizing<Vec<u8>>,
    secret: Secret,
    limits: Limits,
}

impl fmt::Debug for GitCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GitCredential")
    }
}

impl GitCredential {
    /// That of `user` on the server at `place` (host and port).
    pub fn of(protocol: &str, place: &str, user: &str) -> Self {
        let request = format!("protocol={protocol}\nhost={place}\nusername={user}\n\n");
        GitCredential { request, state: Mutex::default() }
    }

    /// The secret, which git is asked for once; `by` names the key in failures. Fails with [`Kind::Config`],
    /// [`Kind::Interrupted`], or [`Kind::Timeout`] if the time of the whole run is over.
    pub fn fill(&self, by: &str, limits: &Limits) -> Result<Secret, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let HelperState::Filled(answer) | HelperState::Approved(answer) = &*state {
            return Ok(answer.secret.clone());
        }
        let failed = |what: &str| drain::failure(Kind::Config, format!("{by}: git credential fill: {what}"));
        let request = Zeroizing::new(self.request.clone().into_bytes());
        let (ending, octets) = run("fill", request, limits).map_err(|error| match error {
            DrainError::Start(errno) => {
                failed(&std::io::Error::from(errno).to_string()).hint("is git installed?")
            }
            error => error.failure(by),
        })?;
        let asked = self.request.trim_end().replace('\n', ", ");
        let hint = format!("`git credential approve` has a helper keep one; it was asked for {asked}");
        match ending {
            Ending::Status(0) => {}
            Ending::Status(code) => return Err(failed(&format!("it ended with {code}")).hint(hint)),
            Ending::Signal(signal) => return Err(failed(&format!("it was killed by signal {signal}"))),
        }
        let password = octets.split(|octet| *octet == b'\n').find_map(|line| line.strip_prefix(b"password="));
        let secret = password.map(Secret::new).filter(|secret| !secret.is_empty() && !secret.breaks_lines());
        let secret = secret.ok_or_else(|| failed("there is no password in its answer").hint(hint))?;
        *state =
            HelperState::Filled(ServerJudgement { octets, secret: secret.clone(), limits: limits.clone() });
        Ok(secret)
    }

    /// Whether this is the secret that git gave.
    pub fn gave(&self, secret: &Secret) -> bool {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            HelperState::Filled(answer) | HelperState::Approved(answer) => {
                answer.secret.expose() == secret.expose()
            }
            HelperState::Unknown => false,
        }
    }
}

impl Verdict for GitCredential {
    /// Each is approved once.
    fn accepted(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let HelperState::Filled(answer) = &*state {
            let answer = answer.clone();
            tell("approve", &answer);
            *state = HelperState::Approved(answer);
        }
    }

    /// The next login asks again.
    fn refused(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let HelperState::Filled(answer) | HelperState::Approved(answer) = std::mem::take(&mut *state) {
            tell("reject", &answer);
        }
    }
}

/// What goes wrong with it changes nothing about the login.
fn tell(what: &str, answer: &ServerJudgement) {
    let _ = run(what, answer.octets.clone(), &answer.limits);
}

fn run(
    what: &str,
    input: Zeroizing<Vec<u8>>,
    limits: &Limits,
) -> Result<(Ending, Zeroizing<Vec<u8>>), DrainError> {
    let words = ["git", "credential", what].map(str::to_owned).to_vec();
    let program = Program::argv(words).map_err(|_| DrainError::Io(Errno::INVAL))?;
    // Nobody is asked: a run from cron would wait for ever.
    let variables = vec![("GIT_TERMINAL_PROMPT", OsString::from("0"))];
    command::answer(&program, input, variables, MAX_ANSWER, limits)
}
