//! EXTERNAL (`RFC 4422` appendix A): the server knows the client by something else, here by its certificate. The
//! client only says who it wants to be.

use super::Credentials;
use super::client::{ExchangeFault, MechanismClient};

#[derive(Debug)]
pub(super) struct External {
    user: Vec<u8>,
}

impl External {
    pub fn new(c: &Credentials) -> Self {
        External { user: c.user.as_bytes().to_vec() }
    }
}

impl MechanismClient for External {
    fn first(&mut self) -> Option<Vec<u8>> {
        Some(self.user.clone())
    }

    fn respond(&mut self, _: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        Err(ExchangeFault::NONSENSE)
    }

    fn is_done(&self) -> bool {
        true
    }
}
