//! What is needed for each login of a run. A password stays the same; a token does not last, so each login asks for one
//! that is good then.

use super::oauth::{Issued, TokenSource};
use super::server::Server;
use crate::codec::sasl::{Credentials, Helper};
use crate::words::Failure;
use std::sync::{Arc, Mutex, PoisonError};

/// What is needed to log in.
#[derive(Clone, Debug)]
pub struct AccountLogin {
    pub credentials: Credentials,
    /// Whether the secret is an OAuth2 access token.
    pub is_token: bool,
    /// Plays the mechanism, where postie does not.
    pub helper: Option<Arc<dyn Helper>>,
}

impl AccountLogin {
    /// Whether the user is known by something else than a secret.
    pub fn is_without_secret(&self) -> bool {
        self.credentials.secret.is_empty()
    }
}

/// Gives what is needed for each login to a server of an account.
pub trait Logins: Send + Sync {
    /// For the next login.
    fn next(&self) -> Result<AccountLogin, Failure>;

    /// For one more login, after the server has refused the last one; none: another try would only lock the account.
    fn another(&self) -> Result<Option<AccountLogin>, Failure>;
}

impl Logins for AccountLogin {
    fn next(&self) -> Result<AccountLogin, Failure> {
        Ok(self.clone())
    }

    fn another(&self) -> Result<Option<AccountLogin>, Failure> {
        Ok(None)
    }
}

/// Logins by the tokens of an account.
pub struct TokenLogins {
    source: Arc<TokenSource>,
    user: String,
    host: String,
    port: u16,
    last: Mutex<Option<Issued>>,
}

impl TokenLogins {
    /// The logins of `user` to `server`.
    pub fn new(source: Arc<TokenSource>, server: &Server, user: String) -> Self {
        TokenLogins { source, user, host: server.host.clone(), port: server.port, last: Mutex::default() }
    }

    fn login(&self, issued: Issued) -> AccountLogin {
        let secret = issued.token.clone();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(issued);
        let credentials =
            Credentials { user: self.user.clone(), secret, host: self.host.clone(), port: self.port };
        AccountLogin { credentials, is_token: true, helper: None }
    }
}

impl Logins for TokenLogins {
    fn next(&self) -> Result<AccountLogin, Failure> {
        self.source.token().map(|issued| self.login(issued))
    }

    fn another(&self) -> Result<Option<AccountLogin>, Failure> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match last {
            Some(refused) if !refused.is_fresh => {
                self.source.instead_of(&refused.token).map(|issued| Some(self.login(issued)))
            }
            _ => Ok(None),
        }
    }
}
