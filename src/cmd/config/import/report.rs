//! What an import says.

use super::marks::Marked;
use crate::account::Server;
use crate::account::edit::shown_settings;
use crate::account::import::Omission;
use crate::account::import::place::{How, Placed};
use crate::account::schema::Contents;
use crate::cmd::Context;
use crate::cmd::config::tell_account;
use crate::words::Failure;
use serde::Serialize;

/// `not_taken`.
#[derive(Serialize)]
struct NotTaken<'a> {
    file: String,
    line: Option<usize>,
    account: Option<&'a str>,
    what: &'a str,
    why: &'a str,
    hint: Option<&'a str>,
    matters: bool,
}

/// Says which accounts there are now, or would be.
pub fn accounts(
    placed: &[Placed],
    contents: &Contents,
    is_dry: bool,
    context: &mut Context,
) -> Result<(), Failure> {
    for one in placed {
        let name = &one.name;
        tell_account(contents, name, context);
        if is_dry && !one.settings.is_empty() {
            let toml = shown_settings(name, &one.settings)?;
            toml.lines().for_each(|line| context.out.text(line));
            context.out.text("");
        }
        let would = |done: &str, planned: &str| if is_dry { planned.to_owned() } else { done.to_owned() };
        let said = match one.how {
            How::Added => format!("account {name} {}", would("is added", "would be added")),
            How::Joined => {
                let kinds: Vec<&str> =
                    one.draft.servers.iter().map(|server| server.protocol.name()).collect();
                let verb = would("gets", "would get");
                format!(
                    "account {name} {verb} {}: the same user on a server of the same domain",
                    kinds.join(" and ")
                )
            }
            How::There => format!("account {name} has these servers already: it stays as it is"),
        };
        context.out.tell(&said);
        let is_new = |server: &Server| one.draft.servers.iter().any(|it| it.protocol == server.protocol);
        if let Some(account) = contents.account(name).filter(|_| one.how != How::There) {
            let lacking = account
                .servers()
                .filter(|server| server.username.is_some() && server.secrets.0.is_empty() && is_new(server));
            let tables: Vec<&str> = lacking.map(|server| server.protocol.name()).collect();
            for table in tables {
                context.out.tell(&format!(
                    "account {name} has no secret for {table} yet: `postie config set {name} {table}.password-command \
                     COMMAND` gives it one; else it is asked for at the terminal"
                ));
            }
        }
    }
    Ok(())
}

/// Says how many messages count as fetched now.
pub fn marks(marked: &[Marked], is_dry: bool, context: &mut Context) {
    for one in marked {
        context.out.line("marks", one);
        context.out.count("marked", one.marked as u64);
        let verb = if is_dry { "would count" } else { "count" };
        context.out.tell(&format!(
            "account {}: {} of {} message(s) in {} {verb} as fetched from now on; postie never deletes them",
            one.account, one.marked, one.listed, one.file
        ));
    }
}

/// Says what was not taken.
pub fn omissions(omissions: &[Omission], context: &mut Context) {
    for one in omissions {
        let file = one.file.display().to_string();
        let account = one.account.as_deref();
        context.out.line(
            "not_taken",
            &NotTaken {
                file: file.clone(),
                line: one.line,
                account,
                what: &one.what,
                why: &one.why,
                hint: one.hint.as_deref(),
                matters: one.matters,
            },
        );
        context.out.count("not_taken", 1);
        let line = one.line.map(|line| format!(":{line}")).unwrap_or_default();
        let hint = one.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        context.out.tell(&format!("{file}{line}: {}: {}{hint}", one.what, one.why));
    }
}
