//! GSSAPI (`RFC 4752`): Kerberos says who the client is, and each side proves itself to the other. No security layer
//! protects what follows: TLS does.
//!
//! What Kerberos itself does is a [`SecurityContext`]; here is only what SASL makes of it. Left out: security layers
//! (§3.1), and channel bindings, which the mechanism does not have.

use super::client::{ExchangeFault, MechanismClient};
use crate::words::{Failure, Kind, Stage};
use std::fmt;

/// The client's side of a context of the GSS-API (`RFC 2743`).
pub trait SecurityContext: fmt::Debug {
    /// Takes the server's next token; gives the next one for the server, empty if there is none.
    fn step(&mut self, token: &[u8]) -> Result<Vec<u8>, ExchangeFault>;
    /// Whether it is established: each side knows the other.
    fn is_established(&self) -> bool;
    /// What a message of the server says, which only that server can have made.
    fn unwrap(&mut self, message: &[u8]) -> Result<Vec<u8>, ExchangeFault>;
    /// A message for the server, protected from changes, not from readers.
    fn wrap(&mut self, content: &[u8]) -> Result<Vec<u8>, ExchangeFault>;
}

/// The layers that a server offers, as bits (§3.3).
const NO_LAYER: u8 = 1;
const LAYERS: u8 = 7;
/// What stands for the size of a message: no more can be written in three octets.
const ANY_SIZE: [u8; 3] = [0xff; 3];

const NO_TOKEN: &str = "the server sent no token";
const BAD_OFFER: &str = "the server's offer of security layers is not one";
const BAD_SIZE: &str = "the server offers no security layer, and names a size for it";

/// The client. `context` has given `token`, its first.
pub struct GssapiClient<C> {
    context: C,
    /// The first token, until it is sent.
    token: Option<Vec<u8>>,
    user: Vec<u8>,
    step: GssapiStep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GssapiStep {
    /// A token of the server's comes next.
    Tokens,
    /// Its offer of security layers comes next.
    Offer,
    /// The layer is chosen, and the user named.
    Chosen,
}

impl<C: SecurityContext> GssapiClient<C> {
    /// Logs in as `user`, whom the ticket must allow to be that.
    pub fn new(context: C, token: Vec<u8>, user: &str) -> Self {
        let step = if context.is_established() { GssapiStep::Offer } else { GssapiStep::Tokens };
        GssapiClient { context, token: Some(token), user: user.as_bytes().to_vec(), step }
    }

    fn exchange(&mut self, token: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        // Some libraries would take it for the beginning of another exchange.
        if token.is_empty() {
            return Err(ExchangeFault::Nonsense(NO_TOKEN));
        }
        let answer = self.context.step(token)?;
        if self.context.is_established() {
            // Without a token an empty response asks for the offer (§3.1).
            self.step = GssapiStep::Offer;
        } else if answer.is_empty() {
            return Err(ExchangeFault::NONSENSE);
        }
        Ok(answer)
    }

    /// Answers the offer (§3.1): without a layer, of no size, and who it is.
    fn choose(&mut self, message: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        let offer = self.context.unwrap(message)?;
        let Ok([layers, size @ ..]) = <[u8; 4]>::try_from(offer) else {
            return Err(ExchangeFault::Nonsense(BAD_OFFER));
        };
        if layers & LAYERS == 0 {
            return Err(ExchangeFault::Nonsense(BAD_OFFER));
        }
        if layers & NO_LAYER == 0 {
            return Err(demands_layer().into());
        }
        // Then it must be 0; Dovecot names the largest.
        if layers & LAYERS == NO_LAYER && size != [0; 3] && size != ANY_SIZE {
            return Err(ExchangeFault::Nonsense(BAD_SIZE));
        }
        let choice = [&[NO_LAYER, 0, 0, 0], self.user.as_slice()].concat();
        let answer = self.context.wrap(&choice)?;
        self.step = GssapiStep::Chosen;
        Ok(answer)
    }
}

impl<C: SecurityContext> MechanismClient for GssapiClient<C> {
    fn first(&mut self) -> Option<Vec<u8>> {
        self.token.take()
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        match self.step {
            GssapiStep::Tokens => self.exchange(challenge),
            GssapiStep::Offer => self.choose(challenge),
            GssapiStep::Chosen => Err(ExchangeFault::NONSENSE),
        }
    }

    fn is_done(&self) -> bool {
        self.step == GssapiStep::Chosen
    }
}

impl<C> fmt::Debug for GssapiClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GssapiClient").field("step", &self.step).finish_non_exhaustive()
    }
}

/// The server's own rules want more than postie has.
fn demands_layer() -> Failure {
    let what = "authentication: GSSAPI: the server demands a security layer of the mechanism's own";
    Failure::new(Kind::Missing, Stage::Authentication, what)
        .hint("postie has none, and needs none where there is TLS: ask whoever runs the server to allow that")
}

#[cfg(test)]
mod tests;
