//! postie-config(5), made from the table of keys.

use super::Page;
use super::writer::Writer;
use crate::account::keys::{self, KeyRow};
use std::io;

const EXAMPLE: &str = r#"default-account = "work"

[accounts.work]
email = "ana@example.org"
name = "Ana Example"
password-command = ["pass", "show", "mail/work"]

[accounts.work.pop3]
host = "pop.example.org"

[accounts.work.smtp]
host = "smtp.example.org"
tls = "starttls"

[accounts.work.fetch]
maildir = "~/Mail/work"
after = "delete-after 14d""#;

pub fn page() -> io::Result<Page> {
    let mut page = Writer::page("postie-config", 5, "the configuration file of postie");
    page.section("DESCRIPTION")
        .line(
            "The file is TOML, UTF-8, at ~/.config/postie/config.toml; `postie config path` prints the path. \
             `postie config` reads and changes it, and keeps comments and order; an editor does as well. A key that \
             is not known, or a value that makes no sense, is an error with line and column: `postie config check` \
             looks at all of it.",
        )
        .paragraph(
            "Paths may begin with ~/; relative paths start from the directory of the file. With a password in it, the \
             file must be mode 0600 and belong to you.",
        );
    page.section("KEYS OF THE FILE");
    table(&mut page, keys::rows(keys::ROOT));
    page.section("KEYS OF AN ACCOUNT").line(
        "In [accounts.NAME]. The keys for secrets and certificates may also be in the table of a server: then they \
         count only for that server, and come first.",
    );
    table(&mut page, keys::rows(keys::ACCOUNT));
    page.section("KEYS OF A SERVER").line(
        "In [accounts.NAME.pop3] and [accounts.NAME.smtp]; for `config set` they are pop3.host and so on.",
    );
    table(&mut page, keys::rows(keys::SERVER));
    page.section("KEYS OF FETCHING")
        .line("In [accounts.NAME.fetch]; for `config set` they are fetch.maildir and so on.");
    table(&mut page, keys::rows(keys::FETCH));
    page.section("KEYS OF OAUTH2").line(
        "In [accounts.NAME.oauth]; for `config set` they are oauth.provider and so on. `postie config login NAME` gets \
         the first tokens.",
    );
    table(&mut page, keys::rows(keys::OAUTH));
    page.section("WHICH SECRET COUNTS").line(
        "The first that is set: an option (--password-file, --password-fd, --password-env, --password-command, \
         --token-command), the variables POSTIE_PASSWORD and POSTIE_PASSWORD_FILE, the server's own table, the \
         account's oauth, the account's. Within a table: password-command, password-file, password-env, token-command, password. With \
         none at all, postie asks on the terminal. If the one that counts fails, no other is tried.",
    );
    page.examples(&[("Fetching by POP3 over TLS, sending by SMTP with STARTTLS:", EXAMPLE)]);
    page.see_also(&["postie(1)", "postie-config(1)", "postie-sendmail(1)", "postie-json(5)"]);
    let mut roff = Vec::new();
    page.finish(&mut roff)?;
    Ok(Page { name: "postie-config".into(), section: 5, roff })
}

fn table(page: &mut Writer, rows: Vec<KeyRow>) {
    for row in rows {
        page.item(&format!("{} ({})", row.name, row.kind.name()), row.text);
    }
}
