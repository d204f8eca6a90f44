//! `postie config logout`: ends what was granted to postie, and forgets the tokens.

use super::status::without;
use crate::account::oauth::{Keeper, Provider, TokenSource};
use crate::cmd::Context;
use crate::output::{About, transcript};
use crate::words::{Exit, Failure, Kind, Scope};
use std::sync::Arc;

/// Runs the command. The tokens are forgotten even where the server cannot be told.
pub fn run(name: Option<&str>, context: &mut Context) -> Result<(), Failure> {
    let config = super::load(context)?;
    let name = match (name, &config.contents.default_account, config.contents.accounts.as_slice()) {
        (Some(name), ..) => name.to_owned(),
        (None, Some(name), _) => name.clone(),
        (None, None, [only]) => only.label.clone(),
        _ => return Err(Failure::usage("config logout: which account?").hint(config.known())),
    };
    let account = config.account(&name)?;
    let grant = account.oauth.clone().ok_or_else(|| without(&name))?;
    let ca_file = account.servers().find_map(|server| server.tls.ca_file.clone());
    let common = (context.env.clone(), context.limits.clone());
    let tap = context.out.wants_transcript().then_some(transcript::tap as fn(String) -> _);
    let source = TokenSource::new(Arc::clone(&grant), common, true, ca_file, tap);
    let id = match source.known_client()? {
        Some(id) => id,
        None if grant.registers() => return nobody(&name, context),
        None => source.client_id()?,
    };
    let keeper = Keeper::new(&grant, &id, &context.env, &context.limits);
    let locked = keeper.lock()?;
    let Some(held) = locked.load()? else { return nobody(&name, context) };
    let revoked = source.revoke(&held);
    locked.remove(&held)?;
    let page = grant.provider().map(Provider::permissions_page);
    match revoked {
        Ok(true) => context.out.tell(&format!("account {name}: logged out; the tokens hold no more")),
        Ok(false) => {
            let by_hand = page.map_or_else(String::new, |page| format!(", which is done at {page}"));
            context.out.tell(&format!(
                "account {name}: the tokens are forgotten; the server has no way to end what was granted{by_hand}"
            ));
        }
        Err(failure) => {
            let failure = failure
                .as_kind(Kind::Partial)
                .scoped(Scope::Account)
                .more("; the tokens are forgotten here, and may hold on there until they end");
            let failure = match page {
                Some(page) => failure.hint(format!("end what was granted at {page}")),
                None => failure,
            };
            context.out.fail(&About::account(&name), &failure);
            return Ok(());
        }
    }
    context.out.settle(Exit::Ok);
    Ok(())
}

fn nobody(name: &str, context: &mut Context) -> Result<(), Failure> {
    context.out.tell(&format!("account {name}: nobody is logged in"));
    context.out.settle(Exit::Ok);
    Ok(())
}
