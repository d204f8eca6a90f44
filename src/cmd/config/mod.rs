//! `postie config`: the accounts in the file. What changes the file says so on standard error; `--json` gives
//! the account as it is then.

mod add;
mod ask;
mod draft;
mod find;
mod guide;
mod import;
mod login;
mod logout;
mod oauth;
mod offer;
mod set;
mod show;
mod status;
mod wizard;

use super::Context;
use crate::account::edit::Editor;
use crate::account::schema::Contents;
use crate::account::view::AccountView;
use crate::account::{Config, SecretSource, config, secret_file};
use crate::cli::{ConfigArgs, ConfigVerb};
use crate::words::{Exit, Failure};
use serde::Serialize;
use std::path::PathBuf;

/// `path`.
#[derive(Serialize)]
struct PathLine {
    path: String,
    exists: bool,
}

/// Runs the command.
pub fn run(args: &ConfigArgs, context: &mut Context) -> anyhow::Result<()> {
    match &args.verb {
        // A test that failed has been reported already, so no success is printed.
        ConfigVerb::Add(args) => return Ok(add::run(args, context)?),
        ConfigVerb::Import(args) => return Ok(import::run(args, context)?),
        ConfigVerb::List => list(context)?,
        ConfigVerb::Show { name } => {
            let config = load(context)?;
            config.account(name)?;
            show::one(&config.contents, name, &mut context.out);
        }
        ConfigVerb::Set { name, key, value, more } => set::run(name, key, value, more, context)?,
        ConfigVerb::Unset { name, key } => unset(name, key, context)?,
        ConfigVerb::Remove { name } => {
            let mut editor = editor(context)?;
            editor.remove(name)?;
            editor.save()?;
            context.out.tell(&format!("account {name} is removed; its ledger and its mail stay"));
        }
        ConfigVerb::Default { name: Some(name) } => {
            let mut editor = editor(context)?;
            editor.set_default(name)?;
            let contents = editor.save()?;
            tell_account(&contents, name, context);
            context.out.tell(&format!("account {name} is the default"));
            set::tell_other_account(context);
        }
        ConfigVerb::Default { name: None } => show_default(context)?,
        ConfigVerb::Login(args) => return Ok(login::run(args, context)?),
        ConfigVerb::Path => {
            let path = path(context)?;
            context.out.text(&path.display().to_string());
            let exists = path.exists();
            context.out.line("path", &PathLine { path: path.display().to_string(), exists });
        }
        ConfigVerb::Check => check(context)?,
        ConfigVerb::Status { name } => return Ok(status::run(name.as_deref(), context)?),
        ConfigVerb::Logout { name } => return Ok(logout::run(name.as_deref(), context)?),
    }
    context.out.settle(Exit::Ok);
    Ok(())
}

fn load(context: &Context) -> Result<Config, Failure> {
    Config::load(context.global.config.as_deref(), &context.env)
}

fn path(context: &Context) -> Result<PathBuf, Failure> {
    config::path(context.global.config.as_deref(), &context.env)
}

/// The file to change.
fn path_to_edit(context: &Context) -> Result<PathBuf, Failure> {
    config::path_to_edit(context.global.config.as_deref(), &context.env)
}

fn editor(context: &Context) -> Result<Editor, Failure> {
    Editor::open(&path_to_edit(context)?, &context.env, &context.limits)
}

/// The account after the change, for scripts.
fn tell_account(contents: &Contents, name: &str, context: &mut Context) {
    if let Some(account) = contents.account(name) {
        context.out.line("account", &AccountView::of(account, contents.default_account.as_deref()));
    }
}

fn list(context: &mut Context) -> Result<(), Failure> {
    let config = load(context)?;
    context.out.count("accounts", config.contents.accounts.len() as u64);
    if config.contents.accounts.is_empty() {
        context.out.tell(&format!("{}: no accounts yet; {}", config.path.display(), config::MAKE_ONE));
    }
    show::all(&config.contents, &mut context.out);
    Ok(())
}

fn unset(name: &str, key: &str, context: &mut Context) -> Result<(), Failure> {
    let mut editor = editor(context)?;
    if !editor.unset(name, key)? {
        context.out.tell(&format!("account {name}: {key} was not set"));
        return Ok(());
    }
    let contents = editor.save()?;
    tell_account(&contents, name, context);
    context.out.say(&format!("account {name}: {key} is no longer set"));
    Ok(())
}

fn show_default(context: &mut Context) -> Result<(), Failure> {
    let config = load(context)?;
    let accounts = &config.contents.accounts;
    let name = match (&config.contents.default_account, accounts.as_slice()) {
        (Some(name), _) => name.clone(),
        (None, [only]) => only.label.clone(),
        _ => {
            let message = format!("{}: looking for the default: there is none", config.path.display());
            return Err(Failure::config(message).hint(config.known()));
        }
    };
    context.out.text(&name);
    tell_account(&config.contents, &name, context);
    Ok(())
}

/// Reads the file as every command does, and checks the files it names without showing their contents.
fn check(context: &mut Context) -> Result<(), Failure> {
    let config = load(context)?;
    let path = config.path.display();
    if !config.found {
        let message = format!("{path}: reading the configuration: there is no such file");
        return Err(Failure::config(message).hint(config::MAKE_ONE));
    }
    context.out.count("accounts", config.contents.accounts.len() as u64);
    for account in &config.contents.accounts {
        for server in account.servers() {
            crate::cmd::service::tls(server, context.vault.identity(server)?, &context.limits)
                .map_err(|failure| failure.at(&account.label))?;
            if let Some(stated) = server.secrets.0.first()
                && let SecretSource::File(path) = &stated.source
            {
                secret_file::from_file(path, &stated.by, &context.env, &context.limits)?;
            }
        }
        if let Some(grant) = &account.oauth {
            grant.check()?;
        }
        let view = AccountView::of(account, config.contents.default_account.as_deref());
        context.out.line("account", &view);
        if account.servers().next().is_none() {
            context.out.tell(&format!("account {}: it has no server yet", account.label));
        }
    }
    let accounts = config.contents.accounts.len();
    let noun = if accounts == 1 { "account" } else { "accounts" };
    context.out.text(&format!("{path}: {accounts} {noun}, no mistakes"));
    Ok(())
}
