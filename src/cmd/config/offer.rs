//! The login at the end of `config add`, for an account that logs in by OAuth2.

use super::Context;
use super::{login, wizard};
use crate::account::Account;
use crate::output::About;
use crate::words::Failure;

/// What came of the offer to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// The account can be used, as far as the login goes.
    Ready,
    /// Somebody has to log in later.
    Later,
    /// The login failed, and the account is not to be added.
    GivenUp,
}

/// Offers to log in, where the account does so by a person.
pub fn offer_login(
    account: &Account,
    ahead: &mut Vec<u8>,
    context: &mut Context,
) -> Result<Offered, Failure> {
    let Some(grant) = account.oauth.as_ref().filter(|grant| grant.flow().is_by_person()) else {
        return Ok(Offered::Ready);
    };
    if grant.check().is_err() {
        return Ok(Offered::Later);
    }
    let device = grant.endpoints.device.is_some() || grant.is_to_be_discovered();
    let Some(way) = wizard::way_to_log_in(ahead, &context.limits, device)? else { return Ok(Offered::Later) };
    match login::log_in(account, (way, false), ahead, context) {
        Ok(()) => Ok(Offered::Ready),
        Err(failure) => {
            context.out.fail(&About::account(&account.label), &failure);
            Ok(if wizard::insists(ahead, &context.limits)? { Offered::Later } else { Offered::GivenUp })
        }
    }
}

/// What has to be done before an account can be used that nobody has logged in to.
pub fn next_steps(account: &Account) -> Vec<String> {
    let grant = account.oauth.as_ref().filter(|grant| grant.flow().is_by_person());
    let Some(grant) = grant else { return Vec::new() };
    let client =
        format!("next, with your client's id: `postie config set {} oauth.client-id ID`", account.label);
    let login = format!("next: `{}`", grant.login_command());
    let has_client = grant.settings.client_id.is_some() || grant.registers();
    (!has_client).then_some(client).into_iter().chain([login]).collect()
}
