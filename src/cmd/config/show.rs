//! Accounts as people and scripts see them. The keys of `config show` are those of `config set`.

use crate::account::schema::Contents;
use crate::account::view::{AccountView, SecretView, ServerView};
use crate::output::Output;
use crate::output::table::{Align, layout};

/// The width of the table: wide enough not to cut names that scripts may read.
const WIDTH: usize = 400;

/// Every account: a table, or a line each.
pub fn all(contents: &Contents, out: &mut Output) {
    let views: Vec<AccountView> = contents
        .accounts
        .iter()
        .map(|account| AccountView::of(account, contents.default_account.as_deref()))
        .collect();
    for view in &views {
        out.line("account", view);
    }
    if views.is_empty() {
        return;
    }
    let heads = [
        ("NAME", Align::Left),
        ("DEFAULT", Align::Left),
        ("EMAIL", Align::Left),
        ("POP3", Align::Left),
        ("SMTP", Align::Left),
    ];
    let rows: Vec<Vec<String>> = views.iter().map(row).collect();
    for line in layout(&heads, &rows, WIDTH) {
        out.text(line.trim_end());
    }
}

fn row(view: &AccountView) -> Vec<String> {
    let place = |server: &Option<ServerView>| {
        server.as_ref().map_or("-".into(), |server| format!("{}:{}", server.host, server.port))
    };
    vec![
        view.account.clone(),
        if view.default { "*".into() } else { "-".into() },
        view.email.clone().unwrap_or_else(|| "-".into()),
        place(&view.pop3),
        place(&view.smtp),
    ]
}

/// One account: a line for each key, the defaults filled in.
pub fn one(contents: &Contents, name: &str, out: &mut Output) {
    let Some(account) = contents.accounts.iter().find(|account| account.label == name) else { return };
    let view = AccountView::of(account, contents.default_account.as_deref());
    out.line("account", &view);
    let lines = lines(&view);
    let width = lines.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
    for (key, value) in lines {
        out.text(&format!("{key:<width$}  {value}"));
    }
}

fn lines(view: &AccountView) -> Vec<(String, String)> {
    let default = if view.default { " (the default)" } else { "" };
    let mut lines = vec![("account".to_owned(), format!("{}{default}", view.account))];
    let mut add = |key: String, value: Option<String>| lines.extend(value.map(|value| (key, value)));
    add("email".into(), view.email.clone());
    add("name".into(), view.name.clone());
    add("description".into(), view.description.clone());
    add("from".into(), view.from.clone());
    add("log-file".into(), view.log_file.clone());
    for (name, addresses) in &view.aliases {
        add(format!("aliases.{name}"), Some(addresses.join(", ")));
    }
    for (table, server) in [("pop3", &view.pop3), ("smtp", &view.smtp)] {
        let Some(server) = server else { continue };
        let mut put = |key: &str, value: Option<String>| add(format!("{table}.{key}"), value);
        put("host", Some(server.host.clone()));
        put("port", Some(server.port.to_string()));
        put("tls", Some(server.tls.to_owned()));
        put("username", server.username.clone());
        put("auth", Some(server.auth.clone()));
        put("ehlo-name", server.ehlo_name.clone());
        put("allow-plaintext-auth", server.allow_plaintext_auth.then(|| "true".into()));
        put("ca-file", server.ca_file.clone());
        put("tls-fingerprint", server.tls_fingerprint.clone());
        match &server.secret {
            Some(SecretView { source, value, from }) => {
                let shared = !from.ends_with(&format!("{table}.{source}"));
                put(source, Some(format!("{value}{}", if shared { " (of the account)" } else { "" })));
            }
            None if server.username.is_some() => put("password", Some("asked on the terminal".into())),
            None => {}
        }
    }
    add("fetch.maildir".into(), view.fetch.maildir.clone());
    add("fetch.mbox".into(), view.fetch.mbox.clone());
    add("fetch.exec".into(), view.fetch.exec.clone());
    add("fetch.after".into(), Some(view.fetch.after.clone()));
    lines
}
