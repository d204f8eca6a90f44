//! PLAIN (`RFC 4616 §2`): user and password in one message; the authorization identity is left empty.

use super::Credentials;
use super::client::{ExchangeFault, MechanismClient};
use crate::words::Secret;

#[derive(Debug)]
pub(super) struct Plain(Secret);

impl Plain {
    pub fn new(c: &Credentials) -> Self {
        Plain(Secret::new([b"\0", c.user.as_bytes(), b"\0", c.secret.expose()].concat()))
    }
}

impl MechanismClient for Plain {
    fn first(&mut self) -> Option<Vec<u8>> {
        Some(self.0.expose().to_vec())
    }

    fn respond(&mut self, _: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        Err(ExchangeFault::NONSENSE)
    }

    fn is_done(&self) -> bool {
        true
    }
}
