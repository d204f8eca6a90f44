//! `postie fetch --forget UID…`: changes the ledger, fetches nothing.

use crate::account::Account;
use crate::cli::FetchArgs;
use crate::cmd::Context;
use crate::cmd::side;
use crate::output::About;
use crate::store::Ledger;
use crate::words::{Exit, Failure};

/// Forgets the UIDs for each account; they are new again.
pub fn forget(args: &FetchArgs, context: &mut Context, accounts: &[Account]) -> anyhow::Result<()> {
    let ledgers = context.env.state_dir()?.join("ledger");
    for account in accounts {
        let stop = context.limits.stop.clone();
        let forgotten = side::pop3_key(account).and_then(|key| {
            let ledger = Ledger::open(&ledgers, &key, args.wait, &|| stop.raised());
            let mut ledger = ledger.map_err(|error| error.failure("ledger"))?;
            let uids = args.forget.iter().map(String::as_bytes);
            let count = ledger.forget(uids).map_err(|error| error.failure("ledger"))?;
            ledger.close().map_err(|error| error.failure("ledger"))?;
            Ok::<usize, Failure>(count)
        });
        match forgotten {
            Ok(count) => {
                context.out.tell(&format!("{}: {count} UID(s) forgotten", account.label));
                context.out.settle(Exit::Ok);
            }
            Err(failure) => context.out.fail(&About::account(&account.label), &failure),
        }
    }
    Ok(())
}
