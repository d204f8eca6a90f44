//! An account as `config list` and `config show` show it, with its defaults.

use super::shown::ShownTable;
use super::{Account, keys};
use serde::Serialize;

/// An account.
#[derive(Clone, Debug, Serialize)]
pub struct AccountView {
    pub account: String,
    /// Whether `default-account` names it.
    pub default: bool,
    #[serde(flatten)]
    pub keys: ShownTable,
}

impl AccountView {
    pub fn of(account: &Account, default_account: Option<&str>) -> Self {
        AccountView {
            account: account.label.clone(),
            default: account.name_in_config.as_deref().is_some_and(|name| default_account == Some(name)),
            keys: keys::show(keys::ACCOUNT, account),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::PathContext;
    use super::super::{Env, schema};
    use super::*;
    use std::path::Path;

    fn view(text: &str) -> serde_json::Value {
        let env = Env::default();
        let context = PathContext { env: &env, beside: Path::new("/c") };
        let contents = schema::read(text, context).unwrap();
        let view = AccountView::of(&contents.accounts[0], contents.default_account.as_deref());
        serde_json::to_value(view).unwrap()
    }

    #[test]
    fn what_holds_is_told_with_its_defaults_and_never_a_secret() {
        let told = view(
            "default-account = 'a'\n[accounts.a]\nemail = 'ana@b.example'\npassword = 'S3CRET'\n\
             pop3.host = 'h'\nsmtp.host = 's'\nsmtp.auth = 'none'\nfetch.mbox = 'in.mbox'",
        );
        assert!(!told.to_string().contains("S3CRET"));
        assert_eq!(told["default"], true);
        assert_eq!(told["pop3"]["port"], 995);
        assert_eq!(told["pop3"]["username"], "ana@b.example");
        assert_eq!(told["pop3"]["secret"]["source"], "password");
        assert_eq!(told["pop3"]["secret"]["value"], "set");
        assert_eq!(told["smtp"]["auth"], "none");
        assert!(told["smtp"]["secret"].is_null());
        assert_eq!(told["fetch"]["mbox"], "/c/in.mbox");
        assert_eq!(told["fetch"]["after"], "keep");
    }

    #[test]
    fn commands_are_told_on_one_line() {
        let told = view(
            "[accounts.a]\nemail = 'ana@b.example'\npop3.host = 'h'\n\
             password-command = ['pass', 'show', \"it's\", '']",
        );
        assert_eq!(told["pop3"]["secret"]["value"], "pass show 'it'\\''s' ''");
        assert_eq!(told["pop3"]["secret"]["from"], "accounts.a.password-command");
    }
}
