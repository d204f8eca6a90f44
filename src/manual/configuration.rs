//! postie-config(5): every key of the configuration file, from the table that reads them.

use super::Page;
use super::writer::Writer;
use crate::account::keys::{self, Row};
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

/// The page.
pub fn page() -> io::Result<Page> {
    let mut page = Writer::page("postie-config", 5, "the configuration file of postie");
    page.section("DESCRIPTION")
        .line(
            "The file is TOML, UTF-8, at ~/.config/postie/config.toml; `postie config path` tells where. \
             `postie config` reads and changes it, and keeps comments and order; an editor does as well. A key that \
             is not known, or a value that makes no sense, is an error with line and column: `postie config check` \
             looks at all of it.",
        )
        .paragraph(
            "Paths may begin with ~/; a relative one lies beside the file. If a password stands in the file, it \
             must be mode 0600 and yours.",
        );
    page.section("KEYS OF THE FILE");
    table(&mut page, keys::rows(keys::ROOT));
    page.section("KEYS OF AN ACCOUNT").line(
        "In [accounts.NAME]. The secret and the trust may stand in a server's own table too, where they count for \
         that server alone and come first.",
    );
    table(&mut page, keys::rows(keys::ACCOUNT));
    page.section("KEYS OF A SERVER").line(
        "In [accounts.NAME.pop3] and [accounts.NAME.smtp]; `config set` takes them as pop3.host and so on.",
    );
    table(&mut page, keys::rows(keys::SERVER));
    page.section("KEYS OF FETCHING")
        .line("In [accounts.NAME.fetch]; `config set` takes them as fetch.maildir and so on.");
    table(&mut page, keys::rows(keys::FETCH));
    page.section("WHICH SECRET COUNTS").line(
        "The first that is set: an option (--password-file, --password-fd, --password-env, --password-command, \
         --token-command), the variables POSTIE_PASSWORD and POSTIE_PASSWORD_FILE, the server's own table, the \
         account's. Within a table: password-command, password-file, password-env, token-command, password. With \
         none at all, postie asks on the terminal. If the one that counts fails, no other is tried.",
    );
    page.examples(&[("Mail comes by POP3 over TLS and goes by STARTTLS:", EXAMPLE)]);
    page.see_also(&["postie(1)", "postie-config(1)", "postie-sendmail(1)", "postie-json(5)"]);
    let mut roff = Vec::new();
    page.finish(&mut roff)?;
    Ok(Page { name: "postie-config".into(), section: 5, roff })
}

fn table(page: &mut Writer, rows: Vec<Row>) {
    for row in rows {
        page.item(&format!("{} ({})", row.name, row.kind.name()), row.text);
    }
}
