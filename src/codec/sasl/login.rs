//! LOGIN (`draft-murchison-sasl-login`): the server asks for the user name, then for the password. The prompts
//! vary ("Username:", "User Name\0"), so only their order counts.

use super::Credentials;
use super::client::{ExchangeFault, MechanismClient};
use crate::words::Secret;

#[derive(Debug)]
pub(super) struct LoginClient {
    user: String,
    secret: Secret,
    step: u8,
}

impl LoginClient {
    pub fn new(c: &Credentials) -> Self {
        LoginClient { user: c.user.clone(), secret: c.secret.clone(), step: 0 }
    }
}

impl MechanismClient for LoginClient {
    fn first(&mut self) -> Option<Vec<u8>> {
        None
    }

    fn respond(&mut self, _: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        self.step = self.step.saturating_add(1);
        match self.step {
            1 => Ok(self.user.as_bytes().to_vec()),
            2 => Ok(self.secret.expose().to_vec()),
            _ => Err(ExchangeFault::NONSENSE),
        }
    }

    fn respond_to_prose(&mut self, text: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        self.respond(text)
    }

    fn is_done(&self) -> bool {
        self.step >= 2
    }
}
