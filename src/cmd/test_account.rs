//! `postie test-account`: tests every step of receiving and sending, and says what to change.

use super::Context;
use super::service;
use crate::account::shown::show_program;
use crate::account::{Account, Destination, Need, Server};
use crate::cli::TestAccountArgs;
use crate::net::{Limits, Tap};
use crate::output::transcript::Transcript;
use crate::output::{About, Output};
use crate::store::{AtStage, Maildir, Mbox, check_mbox_dir};
use crate::words::{Exit, Failure, Kind, Scope, Stage};
use crate::work::probe::{ProbeStep, ProbeTarget, probe_imap, probe_pop3, probe_smtp};
use crate::work::service::advise;
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::Path;
use std::time::Instant;

/// `step`.
#[derive(Serialize)]
struct StepLine<'a> {
    account: &'a str,
    side: &'a str,
    step: &'a str,
    ok: bool,
    elapsed_ms: u64,
    detail: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

/// Runs the command.
pub fn run(args: &TestAccountArgs, context: &mut Context) -> anyhow::Result<()> {
    context.out.count("passed", 0);
    context.out.count("failed", 0);
    let need = match (args.pop3 || args.imap, args.smtp) {
        (true, _) => Need::Incoming,
        (_, true) => Need::Smtp,
        _ => Need::Either,
    };
    let account = context.select(need, None)?;
    test(&account, args, context)?;
    Ok(())
}

/// Tests the sides of an account that `args` asks for. What fails is reported; the other side goes on.
pub fn test(account: &Account, args: &TestAccountArgs, context: &mut Context) -> Result<(), Failure> {
    let wanted = [
        ("pop3", &account.pop3, !args.smtp && !args.imap),
        ("imap", &account.imap, !args.smtp && !args.pop3),
        ("smtp", &account.smtp, !args.pop3 && !args.imap),
    ];
    let mut tested = false;
    for (name, server, asked) in wanted {
        let (Some(server), true) = (server, asked) else { continue };
        tested = true;
        let mut results = vec![test_side(account, name, server, context)];
        if server.protocol.is_incoming() {
            results.extend(test_destination(account, name, context));
        }
        // A refused login stays a failure if the destination is fine.
        if results.iter().all(Result::is_ok) {
            context.out.settle(Exit::Ok);
        }
        for failure in results.into_iter().filter_map(Result::err) {
            context.out.fail(&About::account(&account.label), &failure);
        }
    }
    if !tested {
        return Err(Failure::config(format!(
            "{}: test-account: the account has no such server",
            account.label
        )));
    }
    Ok(())
}

fn test_side(account: &Account, name: &str, server: &Server, context: &mut Context) -> Result<(), Failure> {
    let tls = service::tls(server, context.vault.identity(server)?, &context.limits)?;
    let mut server = server.clone();
    context.vault.open_proxy(&mut server)?;
    let (server, endpoint) = (&server, server.endpoint());
    let limits: Limits = context.limits.clone();
    let transcript = context.out.wants_transcript();
    let place = server.place();
    let tap = || transcript.then(|| Box::new(Transcript::new(place.clone())) as Box<dyn Tap>);
    let target = ProbeTarget {
        protocol: server.protocol,
        endpoint: &endpoint,
        tls: tls.as_ref(),
        limits: &limits,
        tap: &tap,
    };
    context.out.text(&format!("{name} {place}"));
    context.out.flush();
    let Context { vault, out, .. } = context;
    let mut tell = |mut step: ProbeStep| {
        step.failure = step.failure.map(|failure| advise(failure, server));
        report(out, account, name, step);
    };
    match name {
        "pop3" => probe_pop3(&target, server, vault, &mut tell),
        "imap" => probe_imap(&target, server, vault, &mut tell),
        _ => probe_smtp(&target, account, server, vault, &mut tell),
    }
    .map_err(|failure| advise(failure, server))
}

/// Whether fetch could write where the account's mail goes; nothing where it says nothing of that.
fn test_destination(account: &Account, side: &str, context: &mut Context) -> Option<Result<(), Failure>> {
    let started = Instant::now();
    let mut detail = Map::new();
    let mut note = |kind: &str, what: String| detail.insert(kind.into(), what.into());
    let checked = match account.fetch.destination.as_ref()? {
        Destination::Maildir(path) => {
            note("maildir", path.display().to_string());
            Maildir::check(path).at(Stage::Destination).and_then(|()| has_room(path))
        }
        Destination::Mbox(path) => {
            note("mbox", path.display().to_string());
            Mbox::check(path).at(Stage::Destination).and_then(|()| has_room(path))
        }
        Destination::MboxDir(path) => {
            note("mbox_dir", path.display().to_string());
            check_mbox_dir(path).at(Stage::Destination).and_then(|()| has_room(path))
        }
        Destination::Exec(program) => {
            note("exec", show_program(program));
            Ok(())
        }
    };
    let failure = checked.as_ref().err().cloned();
    let step = ProbeStep { name: "destination", elapsed: started.elapsed(), detail, failure };
    report(&mut context.out, account, side, step);
    Some(checked.map_err(|failure| failure.scoped(Scope::Account)))
}

/// Refuses a file system that is full. `path` need not exist yet.
fn has_room(path: &Path) -> Result<(), Failure> {
    let there = path.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/"));
    // If that cannot be read, fetch will find out.
    let Ok(volume) = rustix::fs::statvfs(there) else { return Ok(()) };
    if volume.f_blocks == 0 || volume.f_bavail > 0 {
        return Ok(());
    }
    let message = format!("{}: looking for room: the disk is full", path.display());
    Err(Failure::new(Kind::Storage, Stage::Destination, message).hint("free some space"))
}

/// Prints a step as soon as it is done.
fn report(out: &mut Output, account: &Account, side: &str, step: ProbeStep) {
    let failure = step.failure;
    let hint =
        failure.as_ref().map(|failure| failure.hint.clone().unwrap_or_else(|| failure.message.clone()));
    out.count(if failure.is_none() { "passed" } else { "failed" }, 1);
    let elapsed_ms = u64::try_from(step.elapsed.as_millis()).unwrap_or(u64::MAX);
    out.line(
        "step",
        &StepLine {
            account: &account.label,
            side,
            step: step.name,
            ok: failure.is_none(),
            elapsed_ms,
            detail: &step.detail,
            hint: hint.as_deref(),
        },
    );
    let mark = if failure.is_none() { "ok  " } else { "FAIL" };
    out.text(&format!("  {mark} {:<13} {elapsed_ms:>5} ms  {}", step.name, in_words(&step.detail)));
    out.flush();
}

/// The findings of a step on one line.
fn in_words(detail: &Map<String, Value>) -> String {
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    };
    detail
        .iter()
        .map(|(key, value)| format!("{}: {}", key.replace('_', " "), word(value)))
        .collect::<Vec<_>>()
        .join("; ")
}
