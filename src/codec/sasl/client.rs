//! What a mechanism is made of, and what it is given.

use super::Credentials;
use super::binding::ChannelBinding;
use crate::words::{Failure, MechanismName};
use std::fmt;

/// Why an exchange cannot go on. It must be cancelled ([`super::CANCEL`]).
#[derive(Clone, Debug)]
pub enum ExchangeFault {
    /// What the server said makes no sense, or must not be trusted; why, for people.
    Nonsense(&'static str),
    /// This side cannot go on.
    Failed(Box<Failure>),
}

impl ExchangeFault {
    /// A challenge that is not base64 where that matters, or for which the mechanism has no response.
    pub const NONSENSE: ExchangeFault = ExchangeFault::Nonsense("the server's challenge makes no sense");
}

impl From<Failure> for ExchangeFault {
    fn from(failure: Failure) -> Self {
        ExchangeFault::Failed(Box::new(failure))
    }
}

/// The client's side of one mechanism. No initial response (`None`) and an empty one (`Some(vec![])`) are not
/// the same.
pub trait MechanismClient: fmt::Debug {
    /// The initial response, if the client speaks first.
    fn first(&mut self) -> Option<Vec<u8>>;
    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeFault>;
    /// Whether it has sent and checked all it has to. The server's success counts only then.
    fn is_done(&self) -> bool;
    /// Takes the text of the server's success, which may hold what [`Self::is_done`] still waits for.
    fn conclude(&mut self, _text: &[u8]) -> Result<(), ExchangeFault> {
        Err(ExchangeFault::NONSENSE)
    }
    /// Whether the server may still have a question.
    fn may_be_asked(&self) -> bool {
        !self.is_done()
    }
    /// Answers a challenge that is not base64. Some servers send plain text, which does where the response does not
    /// depend on it.
    fn respond_to_prose(&mut self, _text: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        Err(ExchangeFault::NONSENSE)
    }
    /// What the server said about a refused login before it refused it.
    fn complaint(&self) -> Option<&[u8]> {
        None
    }
}

/// Starts the client of a mechanism that postie does not have itself.
pub trait Helper: fmt::Debug + Send + Sync {
    fn start(
        &self,
        mechanism: MechanismName,
        credentials: &Credentials,
        binding: Option<&ChannelBinding>,
    ) -> Result<Box<dyn MechanismClient>, Failure>;
}

/// Asked now and then during a long computation: fails if it must be given up.
pub type GoOn = Box<dyn Fn() -> Result<(), Failure>>;

/// What an exchange needs besides the credentials.
pub struct ExchangeSetting<'a> {
    /// What ties the login to the connection; `None` without TLS, or where TLS has nothing to offer.
    pub binding: Option<&'a ChannelBinding>,
    /// Whether everybody on the way can read the exchange.
    pub in_clear: bool,
    /// The mechanisms that the server offers, in upper case.
    pub offered: &'a [String],
    /// Octets that nobody can guess.
    pub random: [u8; 18],
    pub go_on: GoOn,
    /// Plays the mechanism; `None`: postie does.
    pub helper: Option<&'a dyn Helper>,
}

impl fmt::Debug for ExchangeSetting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeSetting").field("binding", &self.binding).finish_non_exhaustive()
    }
}
