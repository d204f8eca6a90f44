//! CRAM-MD5 (`RFC 2195 §2`): the response is the user name, a space, and the keyed MD5 digest of the challenge.

use super::client::{ExchangeFault, MechanismClient};
use super::{Credentials, hex};
use crate::words::Secret;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

#[derive(Debug)]
pub(super) struct CramMd5 {
    user: String,
    secret: Secret,
    done: bool,
}

impl CramMd5 {
    pub fn new(c: &Credentials) -> Self {
        CramMd5 { user: c.user.clone(), secret: c.secret.clone(), done: false }
    }
}

impl MechanismClient for CramMd5 {
    fn first(&mut self) -> Option<Vec<u8>> {
        None
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        if std::mem::replace(&mut self.done, true) {
            return Err(ExchangeFault::NONSENSE);
        }
        let mut mac = match Hmac::<Md5>::new_from_slice(self.secret.expose()) {
            Ok(mac) => mac,
            Err(_) => unreachable!("HMAC takes keys of any length (RFC 2104 §2)"),
        };
        mac.update(challenge);
        Ok(format!("{} {}", self.user, hex(&mac.finalize().into_bytes())).into_bytes())
    }

    fn is_done(&self) -> bool {
        self.done
    }
}
