//! `postie fetch --forget UID…`: changes the ledger, fetches nothing.

use crate::account::Account;
use crate::cli::FetchArgs;
use crate::cmd::Context;
use crate::cmd::service;
use crate::output::About;
use crate::store::{AccountKey, AtStage, Ledger};
use crate::words::{Exit, Failure, Stage};
use std::path::Path;

/// Forgets the UIDs for each account; they are new again. A dry run prints them and changes nothing.
pub fn forget(args: &FetchArgs, context: &mut Context, accounts: &[Account]) -> anyhow::Result<()> {
    let ledgers = context.env.state_dir()?.join("ledger");
    for account in accounts {
        let stop = context.limits.stop.clone();
        let forgotten = service::incoming_key(account).and_then(|key| match args.dry_run {
            true => rehearsed(args, &ledgers, &key),
            false => forgotten(args, &ledgers, &key, &|| stop.raised()),
        });
        match forgotten {
            Ok(uids) => {
                let would = if args.dry_run { "would be " } else { "" };
                context.out.tell(&format!("{}: {} UID(s) {would}forgotten", account.label, uids.len()));
                for uid in uids.iter().filter(|_| args.dry_run) {
                    context.out.text(&format!("forget {uid}"));
                }
                context.out.settle(Exit::Ok);
            }
            Err(failure) => context.out.fail(&About::account(&account.label), &failure),
        }
    }
    Ok(())
}

fn rehearsed<'a>(args: &'a FetchArgs, dir: &Path, key: &AccountKey) -> Result<Vec<&'a str>, Failure> {
    let ledger = Ledger::peek(dir, key).at(Stage::Ledger)?;
    Ok(chosen(args, &ledger))
}

fn forgotten<'a>(
    args: &'a FetchArgs,
    dir: &Path,
    key: &AccountKey,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<&'a str>, Failure> {
    let mut ledger = Ledger::open(dir, key, args.wait, stop).at(Stage::Ledger)?;
    let uids = chosen(args, &ledger);
    ledger.forget(uids.iter().map(|uid| uid.as_bytes())).at(Stage::Ledger)?;
    ledger.close().at(Stage::Ledger)?;
    Ok(uids)
}

/// The UIDs in the ledger that `--uid`, `--max-size` and `--limit` select: an unknown size is not too large.
fn chosen<'a>(args: &'a FetchArgs, ledger: &Ledger) -> Vec<&'a str> {
    let named = |uid: &&String| args.uid.is_empty() || args.uid.contains(uid);
    let small = |uid: &&String| {
        let size = ledger.lookup(uid.as_bytes()).last().and_then(|known| known.size);
        args.max_size.is_none_or(|max| size.is_none_or(|size| size <= max))
    };
    let most = args.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let mut chosen: Vec<&str> = Vec::new();
    for uid in args.forget.iter().filter(named).filter(|uid| ledger.knows(uid.as_bytes())).filter(small) {
        if chosen.len() < most && !chosen.contains(&uid.as_str()) {
            chosen.push(uid);
        }
    }
    chosen
}
