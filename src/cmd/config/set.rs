//! `postie config set`: changes a key, and says if something else overrides it.

use super::{Context, editor, tell_account};
use crate::account::edit::Setting;
use crate::account::keys::{self, KeyPart, Type};
use crate::account::schema::Contents;
use crate::account::{Account, Server, URL_VARIABLES, secret_file};
use crate::words::Failure;

/// Sets `key` of account `name`.
pub fn run(
    name: &str,
    key: &str,
    value: &str,
    more: &[String],
    context: &mut Context,
) -> Result<(), Failure> {
    let is_password = keys::find(key).is_ok_and(|row| matches!(row.kind, Type::Password));
    // Read before the file is locked: typing may take a while.
    let secret = (is_password && value == "-" && more.is_empty())
        .then(|| secret_file::from_descriptor(0, "password", &context.limits))
        .transpose()?;
    let mut editor = editor(context)?;
    match secret {
        Some(secret) => editor.set_to(name, key, &Setting::Password(secret))?,
        None => {
            let words: Vec<&str> = std::iter::once(value).chain(more.iter().map(String::as_str)).collect();
            editor.set(name, key, &words)?;
        }
    }
    let in_table = |table: &str| editor.has(name, &format!("{table}.{key}"));
    let tables: Vec<&str> = ["pop3", "imap", "smtp"].into_iter().filter(|table| in_table(table)).collect();
    let contents = editor.save()?;
    tell_account(&contents, name, context);
    context.out.say(&format!("account {name}: {key} is set"));
    for what in hidden(name, key, &tables, &contents, context) {
        context.out.tell(&format!("account {name}: {key} is set, but {what}"));
    }
    Ok(())
}

/// What overrides `key`, each a clause. `tables`: the servers that have the key in their own table.
fn hidden(name: &str, key: &str, tables: &[&str], contents: &Contents, context: &Context) -> Vec<String> {
    let part = keys::find(key).map_or(KeyPart::Other, |row| row.part);
    let mut found = Vec::new();
    if part == KeyPart::Trust {
        found.extend(tables.iter().map(|table| format!("{table}.{key} comes before it for that server")));
    }
    let Some(account) = contents.account(name) else { return found };
    if part == KeyPart::Secret {
        for variable in ["POSTIE_PASSWORD", "POSTIE_PASSWORD_FILE"] {
            if context.env.get(variable).is_some() {
                found.push(format!("${variable} is set in this environment and comes before it"));
            }
        }
        let own = format!("accounts.{name}.{key}");
        for server in concerned(account, key) {
            let table = server.protocol.name();
            match server.secrets.0.first() {
                _ if server.oauth.is_some() => found.push(format!(
                    "the login to {table} is by OAuth2; `postie config unset {name} oauth` ends that"
                )),
                Some(first) if first.by != own => {
                    let before = first.by.trim_start_matches(&format!("accounts.{name}."));
                    found.push(format!("{before} comes before it for {table}"));
                }
                Some(_) => {}
                None => found.push(format!("nobody logs in to {table}: its auth is \"none\"")),
            }
        }
    }
    found
}

/// The servers that a key applies to: that of its table, or all.
fn concerned<'a>(account: &'a Account, key: &'a str) -> impl Iterator<Item = &'a Server> {
    let table = key.split_once('.').map(|(table, _)| table);
    account.servers().filter(move |server| table.is_none_or(|table| table == server.protocol.name()))
}

/// Says if the environment selects another account than the default.
pub fn tell_other_account(context: &mut Context) {
    if let Some(other) = context.env.text("POSTIE_ACCOUNT").ok().flatten().map(str::to_owned) {
        context.out.tell(&format!("but $POSTIE_ACCOUNT is set in this environment: commands use {other}"));
        return;
    }
    for (variable, _) in URL_VARIABLES {
        if context.env.get(variable).is_some() {
            context.out.tell(&format!(
                "but ${variable} is set in this environment: commands use that server unless --account names one"
            ));
        }
    }
}
