//! `postie test-account`: every step of both sides, and what to change.

use super::Context;
use super::side::{self, advise};
use crate::account::{Account, Need, Server};
use crate::cli::TestAccountArgs;
use crate::net::{Limits, Tap};
use crate::output::About;
use crate::output::transcript::Transcript;
use crate::words::{Exit, Failure};
use crate::work::probe::{Step, Target, probe_pop3, probe_smtp};
use serde::Serialize;
use serde_json::{Map, Value};

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
    let need = match (args.pop3, args.smtp) {
        (true, _) => Need::Pop3,
        (_, true) => Need::Smtp,
        _ => Need::Either,
    };
    let account = context.select(need, None)?;
    test(&account, args, context)?;
    Ok(())
}

/// Tests the sides of an account that `args` asks for. What fails is reported; the other side goes on.
pub fn test(account: &Account, args: &TestAccountArgs, context: &mut Context) -> Result<(), Failure> {
    let wanted = [("pop3", &account.pop3, !args.smtp), ("smtp", &account.smtp, !args.pop3)];
    let mut tested = false;
    for (name, server, asked) in wanted {
        let (Some(server), true) = (server, asked) else { continue };
        tested = true;
        match test_side(account, name, server, context) {
            Ok(()) => context.out.settle(Exit::Ok),
            Err(failure) => context.out.fail(&About::account(&account.label), &failure),
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
    let tls = side::tls(server)?;
    let endpoint = server.endpoint();
    let limits: Limits = context.limits.clone();
    let transcript = context.out.wants_transcript();
    let place = server.place();
    let tap = || transcript.then(|| Box::new(Transcript::new(place.clone())) as Box<dyn Tap>);
    let target =
        Target { endpoint: &endpoint, tls: tls.as_ref(), settings: &server.tls, limits: &limits, tap: &tap };
    context.out.text(&format!("{name} {place}"));
    let Context { vault, out, .. } = context;
    let mut tell = |step: Step| report(out, account, name, server, step);
    match name {
        "pop3" => probe_pop3(&target, server, vault, &mut tell),
        _ => probe_smtp(&target, account, server, vault, &mut tell),
    }
    .map_err(|failure| advise(failure, server))
}

fn report(out: &mut crate::output::Output, account: &Account, side: &str, server: &Server, step: Step) {
    let failure = step.failure.map(|failure| advise(failure, server));
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
