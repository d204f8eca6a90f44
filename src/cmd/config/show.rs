//! Accounts as people and scripts see them. The keys of `config show` are those of `config set`.

use crate::account::schema::Contents;
use crate::account::view::AccountView;
use crate::account::{Account, Server};
use crate::output::Output;
use crate::output::table::{Align, layout};

/// The width of the table: wide enough not to cut names that scripts may read.
const WIDTH: usize = 400;

/// Prints all accounts: a table, or a line each.
pub fn all(contents: &Contents, out: &mut Output) {
    let mut rows = Vec::new();
    for account in &contents.accounts {
        let view = AccountView::of(account, contents.default_account.as_deref());
        out.line("account", &view);
        rows.push(row(account, view.default));
    }
    if rows.is_empty() {
        return;
    }
    let heads = [
        ("NAME", Align::Left),
        ("DEFAULT", Align::Left),
        ("EMAIL", Align::Left),
        ("FETCH", Align::Left),
        ("SEND", Align::Left),
    ];
    for line in layout(&heads, &rows, WIDTH) {
        out.text(line.trim_end());
    }
}

fn row(account: &Account, is_default: bool) -> Vec<String> {
    let place = |server: Option<&Server>| {
        server.map_or("-".into(), |server| format!("{}:{}", server.host, server.port))
    };
    vec![
        account.label.clone(),
        if is_default { "*".into() } else { "-".into() },
        account.email.as_ref().map_or_else(|| "-".into(), ToString::to_string),
        place(account.incoming()),
        place(account.smtp.as_ref()),
    ]
}

/// Prints one account: a line for each key, with the defaults.
pub fn one(contents: &Contents, name: &str, out: &mut Output) {
    let Some(account) = contents.account(name) else { return };
    let view = AccountView::of(account, contents.default_account.as_deref());
    out.line("account", &view);
    let default = if view.default { " (the default)" } else { "" };
    let mut lines = vec![("account".to_owned(), format!("{}{default}", view.account))];
    lines.extend(view.keys.lines());
    let width = lines.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
    for (key, value) in lines {
        out.text(&format!("{key:<width$}  {value}"));
    }
}
