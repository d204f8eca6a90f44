//! `postie fetch`: accounts, destinations and policy from the arguments; one job per account.

mod destination;
mod folders;
mod manage;
mod parsed;
mod report;

use super::{Context, service};
use crate::account::{Account, FolderChoice, Need, Vault, all};
use crate::cli::FetchArgs;
use crate::output::About;
use crate::words::{After, Exit, Failure, Kind, Scope, Stage};
use crate::work::fetch::{Event, Mode, Observer, Run, Watch};
use crate::work::plan::Policy;
use destination::Outlet;
use report::{AccountTally, Direct, Passed};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// How long after a fetch `--watch` looks again, where the server does not tell of new mail.
const EVERY: Duration = Duration::from_secs(5 * 60);

pub fn run(args: &FetchArgs, context: &mut Context) -> anyhow::Result<()> {
    for name in ["delivered", "skipped", "deleted", "failed", "bytes"] {
        context.out.count(name, 0);
    }
    if args.watch && args.stdout && args.all_accounts {
        let failure = Failure::usage("--stdout: not for all accounts at once with --watch");
        return Err(failure.hint("watch one account (-A), or store the messages elsewhere").into());
    }
    let mut accounts = if args.all_accounts {
        context.vault.serve_many()?;
        all(&context.selection(Need::Incoming)?, &context.env)?
    } else {
        vec![context.select(Need::Incoming, None)?]
    };
    let mut folders = Vec::with_capacity(accounts.len());
    for account in &mut accounts {
        args.from.apply(account)?;
        folders.push(folders::choose(args, account)?);
    }
    if !args.forget.is_empty() {
        return manage::forget(args, context, &accounts);
    }
    let accounts = accounts.into_iter().zip(folders).collect();
    let runs = prepare(args, context, accounts);
    let jobs = match args {
        FetchArgs { stdout: true, .. } => 1,
        // Each is watched by a thread of its own.
        FetchArgs { watch: true, .. } => runs.len(),
        _ => usize::from(args.jobs),
    };
    let every = args.watch.then(|| args.every.unwrap_or(EVERY));
    match runs.len() {
        0 => {}
        1 => one(runs, every, context),
        _ => several(runs, every, jobs, context),
    }
    // What was marked has been reported, and is not "nothing new".
    if !args.mark_seen {
        context.out.sum_up();
    }
    Ok(())
}

/// Does everything that can fail without a server, for each account by itself.
fn prepare(
    args: &FetchArgs,
    context: &mut Context,
    accounts: Vec<(Account, Option<FolderChoice>)>,
) -> Vec<Run> {
    let mut runs = Vec::with_capacity(accounts.len());
    for (account, folders) in accounts {
        let label = account.label.clone();
        match prepare_one(args, context, &account, folders) {
            Ok(run) => runs.push(run),
            Err(failure) => context.out.fail(&About::account(&label), &failure.scoped(Scope::Account)),
        }
    }
    runs
}

fn prepare_one(
    args: &FetchArgs,
    context: &mut Context,
    account: &Account,
    folders: Option<FolderChoice>,
) -> Result<Run, Failure> {
    let mode = match args {
        FetchArgs { mark_seen: true, dry_run, .. } => Mode::MarkSeen { rehearse: *dry_run },
        FetchArgs { dry_run: true, .. } => Mode::DryRun,
        FetchArgs { until_empty: true, .. } => Mode::FetchUntilEmpty,
        _ => Mode::Fetch,
    };
    let destination = Box::new(Outlet::of(args, mode, context, account)?);
    let ledgers = context.env.state_dir()?.join("ledger");
    let service = service::incoming(account, context)?;
    let others = context.other_keys(&service.key());
    let (policy, limits) = (policy(args, account), context.limits.clone());
    // Of several folders the one that messages go to is left out.
    if let (After::MoveTo(folder), None) = (&policy.after, &folders) {
        account.check_move_to(folder)?;
    }
    Ok(Run {
        service,
        folders,
        watched: None,
        destination,
        dedupe: args.dedupe,
        twins: None,
        ledgers,
        wait: args.wait,
        mode,
        peek: args.peek,
        policy,
        limits,
        others,
    })
}

fn policy(args: &FetchArgs, account: &Account) -> Policy {
    let after = if args.keep || args.peek {
        After::Keep
    } else if args.delete {
        After::Delete
    } else if let Some(age) = args.delete_after {
        After::DeleteAfter(age)
    } else if let Some(folder) = &args.move_to {
        After::MoveTo(folder.clone())
    } else if args.stdout {
        // The account's setting is meant for its own destination, not for `--peek`.
        After::Keep
    } else {
        account.fetch.after.clone()
    };
    Policy {
        all: args.all,
        limit: args.limit,
        max_size: args.max_size,
        uids: (!args.uid.is_empty()).then(|| args.uid.iter().map(|uid| uid.as_bytes().to_vec()).collect()),
        after,
        accept_uid_reset: args.accept_uid_reset,
        ..Policy::default()
    }
}

/// Fetches once, or again and again where so much time is to pass in between.
fn go(run: Run, every: Option<Duration>, vault: &Vault, observer: &mut dyn Observer) -> Exit {
    match every {
        None => run.go(observer),
        Some(every) => run.watch(Watch { every, renew: &|server| vault.logins_again(server) }, observer),
    }
}

/// Fetches one account on this thread, and reports events as they happen.
fn one(runs: Vec<Run>, every: Option<Duration>, context: &mut Context) {
    for run in runs {
        let label = run.service.label.clone();
        let exit = go(run, every, &context.vault, &mut Direct { account: &label, out: &mut context.out });
        context.out.progress().clear();
        context.out.settle(exit);
    }
}

/// Fetches several accounts in parallel. An account that fails does not stop the others.
fn several(runs: Vec<Run>, every: Option<Duration>, jobs: usize, context: &mut Context) {
    let labels: Vec<String> = runs.iter().map(|run| run.service.label.clone()).collect();
    let gone = Arc::new(AtomicBool::new(false));
    let headers = context.out.is_json();
    let waiting = Mutex::new(runs.into_iter().enumerate());
    let (sender, events) = mpsc::channel::<(usize, Option<Event>)>();
    let mut tallies = vec![AccountTally::default(); labels.len()];
    let mut exits = vec![None; labels.len()];
    let mut no_thread = None;
    let vault = &context.vault;
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for _ in 0..jobs.min(labels.len()) {
            let (sender, gone, waiting) = (sender.clone(), Arc::clone(&gone), &waiting);
            let worker = move || {
                let mut ended = Vec::new();
                while let Some((index, run)) = waiting.lock().ok().and_then(|mut waiting| waiting.next()) {
                    let mut observer =
                        Passed { index, sender: sender.clone(), headers, gone: Arc::clone(&gone) };
                    ended.push((index, go(run, every, vault, &mut observer)));
                    // The receiver outlives the threads.
                    let _ = sender.send((index, None));
                }
                ended
            };
            match thread::Builder::new().spawn_scoped(scope, worker) {
                Ok(worker) => workers.push(worker),
                // The threads that were started do all the work.
                Err(error) => no_thread = Some(error.to_string()),
            }
        }
        drop(sender);
        for (index, event) in events {
            let Some(event) = event else {
                context.out.tell_at_terminal(&format!("{}: {}", labels[index], tallies[index].in_words()));
                continue;
            };
            tallies[index].note(&event);
            // Progress bars of several accounts would overwrite each other.
            if !matches!(event, Event::Planned(..) | Event::Octets(_)) {
                report::tell(&mut context.out, &labels[index], &event);
            }
            gone.store(context.out.stdout_lost(), Ordering::Relaxed);
        }
        for worker in workers {
            // The accounts of a worker that panicked have no outcome.
            for (index, exit) in worker.join().unwrap_or_default() {
                exits[index] = Some(exit);
            }
        }
    });
    for (label, exit) in labels.iter().zip(exits) {
        match exit {
            Some(exit) => context.out.settle(exit),
            None => {
                let failure = match &no_thread {
                    Some(why) => {
                        Failure::new(Kind::Deferred, Stage::Fetch, format!("fetch: starting a thread: {why}"))
                    }
                    None => {
                        Failure::new(Kind::Internal, Stage::Fetch, "the run stopped at an internal error")
                    }
                };
                context.out.fail(&About::account(label), &failure);
            }
        }
    }
    debug_assert!(context.out.exit() != Exit::Usage);
}
