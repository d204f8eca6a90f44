//! `config import netrc`: it names hosts and users, but no protocol, so it makes no account. A server of an account that
//! has no secret, and whose host and user stand there, gets a reference to it.

use super::{places, report};
use crate::account::edit::{Editor, Setting, shown_settings};
use crate::account::import::netrc::{self, NetrcEntry};
use crate::account::import::{ImportText, Omission, Tool, file};
use crate::account::{Account, Server};
use crate::cli::config::ImportArgs;
use crate::cmd::Context;
use crate::cmd::config::{path_to_edit, tell_account};
use crate::words::{Exit, Failure};
use std::path::Path;

/// Runs the command.
pub fn run(args: &ImportArgs, context: &mut Context) -> Result<(), Failure> {
    let paths = places::files(Tool::Netrc, args.file.as_deref(), &context.env)?;
    let path = paths.first().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
    let path = path.unwrap_or_default();
    let missing = || file::missing(&path, "there is no such file");
    let octets = file::read(&path, file::MAX_SETTINGS)?.ok_or_else(missing)?;
    let mut omissions = Vec::new();
    let entries = netrc::read(ImportText { path: &path, octets: &octets }, &mut omissions);
    let shown = path_to_edit(context)?;
    let mut editor = match args.dry_run {
        true => Editor::rehearse(&shown, &context.env)?,
        false => Editor::open(&shown, &context.env, &context.limits)?,
    };
    let only: Option<Vec<String>> =
        context.global.account.as_ref().map(|names| names.split(',').map(str::to_owned).collect());
    let mut contents = editor.check()?;
    let mut done = Vec::new();
    for account in contents.accounts.clone() {
        if only.as_ref().is_some_and(|names| !names.contains(&account.label)) {
            continue;
        }
        let settings = settings_of(&account, &entries, &path, args.with_secrets, &mut omissions);
        if settings.is_empty() {
            continue;
        }
        let borrowed: Vec<(&str, Setting)> =
            settings.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        contents = editor.attempt(|editor| editor.extend(&account.label, &borrowed))?;
        done.push((account.label.clone(), settings));
    }
    if !args.dry_run && !done.is_empty() {
        editor.save()?;
    }
    for (name, settings) in &done {
        tell_account(&contents, name, context);
        if args.dry_run {
            shown_settings(name, settings)?.lines().for_each(|line| context.out.text(line));
        }
        let verb = if args.dry_run { "would get" } else { "gets" };
        let keys: Vec<&str> = settings.iter().map(|(key, _)| key.as_str()).collect();
        context.out.tell(&format!("account {name} {verb} {}", keys.join(", ")));
    }
    if done.is_empty() {
        context.out.tell(match omissions.iter().any(|omission| omission.account.is_some()) {
            true => "no secret was taken; those that would fit are named below",
            false => "no server without a secret has its host and user there",
        });
    }
    report::omissions(&omissions, context);
    context.out.count("accounts", done.len() as u64);
    context.out.settle(Exit::Ok);
    Ok(())
}

/// The secrets that the servers of an account find there.
fn settings_of(
    account: &Account,
    entries: &[NetrcEntry],
    path: &Path,
    with_secrets: bool,
    omissions: &mut Vec<Omission>,
) -> Vec<(String, Setting)> {
    let mut settings = Vec::new();
    for server in account.servers().filter(|server| server.secrets.0.is_empty()) {
        let Some(entry) = entries.iter().find(|entry| is_of(entry, server)) else { continue };
        let table = server.protocol.name();
        let command = path.to_str().and_then(|path| entry.command(path));
        match (&entry.secret, command) {
            (Some(secret), _) if with_secrets && !secret.breaks_lines() => {
                settings.push((format!("{table}.password"), Setting::Password(secret.clone())));
            }
            (_, Some(command)) => {
                settings.push((format!("{table}.password-command"), Setting::Command(command)))
            }
            _ => omissions.push(Omission {
                file: path.to_owned(),
                line: Some(entry.line),
                account: Some(account.label.clone()),
                what: "password".into(),
                why: "it stands there so that no small command finds it (remarks, macros, its order)".into(),
                hint: Some("--with-secrets takes it".into()),
                matters: false,
            }),
        }
    }
    settings
}

fn is_of(entry: &NetrcEntry, server: &Server) -> bool {
    let host = entry.host.as_ref().is_some_and(|host| host.eq_ignore_ascii_case(&server.host));
    host && entry.user.is_some() && entry.user == server.username
}
