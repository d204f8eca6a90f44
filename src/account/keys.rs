//! The keys of the configuration file, each table's own: what the reader takes, what `config set` knows, and
//! what a typo is compared with.

/// What kind of TOML value a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A string.
    Text,
    /// An integer.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A string for the shell, or an array of words.
    Command,
    /// A table of any local names, each with a string or an array of strings.
    Aliases,
    /// A table of further keys.
    Table(&'static [Key]),
}

/// A key of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Type,
    /// What it means, for postie-config(5): a sentence or more, the default last.
    pub text: &'static str,
}

const fn key(name: &'static str, kind: Type, text: &'static str) -> Key {
    Key { name, kind, text }
}

/// The keys at the top of the file.
pub const ROOT: &[Key] = &[
    key(
        "default-account",
        Type::Text,
        "The account of a command that names none. `postie config default NAME` sets it; the first account that \
         `postie config add` makes gets it.",
    ),
    key(
        "accounts",
        Type::Table(&[]),
        "A table for each account, called by the account's name: [accounts.work].",
    ),
];

const PASSWORD_COMMAND: Key = key(
    "password-command",
    Type::Command,
    "A command whose first line of output is the password: a string is run by sh -c, an array is a program and its \
     arguments.",
);
const PASSWORD_FILE: Key = key(
    "password-file",
    Type::Text,
    "A file whose first line is the password. It must belong to you or root and be closed to everybody else.",
);
const PASSWORD_ENV: Key =
    key("password-env", Type::Text, "The name of an environment variable that holds the password.");
const TOKEN_COMMAND: Key = key(
    "token-command",
    Type::Command,
    "A command that prints an OAuth2 access token; the login is then by OAUTHBEARER or XOAUTH2.",
);
const PASSWORD: Key = key(
    "password",
    Type::Text,
    "The password itself. The file must then be mode 0600. `postie config set NAME password -` reads it from \
     standard input; in arguments it is refused.",
);
const CA_FILE: Key = key(
    "ca-file",
    Type::Text,
    "A file of certificate authorities (PEM) that are trusted beside the system's.",
);
const TLS_FINGERPRINT: Key = key(
    "tls-fingerprint",
    Type::Text,
    "sha256: and 64 hexadecimal digits: the one certificate that is trusted, whatever its chain, names and dates. \
     `postie test-account` shows it.",
);

/// The keys of `[accounts.NAME]`.
pub const ACCOUNT: &[Key] = &[
    key(
        "email",
        Type::Text,
        "The address of the account's owner: the From of what is sent, and the login of both servers where they \
         have no username.",
    ),
    key("name", Type::Text, "The name shown beside the address in From."),
    key("description", Type::Text, "A remark for yourself."),
    key(
        "from",
        Type::Text,
        "Called as sendmail: the address that stands for local senders (root, www-data). Default: email.",
    ),
    key(
        "log-file",
        Type::Text,
        "Called as sendmail: a file that gets a line for each message, taken or not. Default: syslog, for failures.",
    ),
    key(
        "aliases",
        Type::Aliases,
        "Called as sendmail: a table of local names (root, or * for every other one), each with an address, \
         several behind commas, or an array of them.",
    ),
    PASSWORD_COMMAND,
    PASSWORD_FILE,
    PASSWORD_ENV,
    TOKEN_COMMAND,
    PASSWORD,
    CA_FILE,
    TLS_FINGERPRINT,
    key("pop3", Type::Table(SERVER), "The server that mail is fetched from."),
    key("smtp", Type::Table(SERVER), "The server that mail is sent through."),
    key("fetch", Type::Table(FETCH), "How mail is fetched."),
];

/// The keys of `[accounts.NAME.pop3]` and `[accounts.NAME.smtp]`.
pub const SERVER: &[Key] = &[
    key("host", Type::Text, "The server's name or address. Required."),
    key(
        "port",
        Type::Integer,
        "The TCP port. Default: with tls = \"implicit\" 995 (POP3) and 465 (SMTP), with \"starttls\" 110 and 587, \
         with \"none\" 110 and 25.",
    ),
    key(
        "tls",
        Type::Text,
        "implicit: TLS from the first octet; starttls: an upgrade by STLS or STARTTLS, required; none: no TLS, and \
         then a secret goes to this machine only. Default: implicit.",
    ),
    key("username", Type::Text, "Who logs in. Default: the account's email."),
    key(
        "auth",
        Type::Text,
        "The way to log in: auto, plain, login, cram-md5, oauthbearer, xoauth2; for POP3 user and apop too; for SMTP \
         none, which sends without a login. Default: auto, the best that the server offers.",
    ),
    key(
        "ehlo-name",
        Type::Text,
        "SMTP alone: the name given in EHLO, a domain name or an address in brackets. Default: this machine's address.",
    ),
    PASSWORD_COMMAND,
    PASSWORD_FILE,
    PASSWORD_ENV,
    TOKEN_COMMAND,
    PASSWORD,
    key(
        "allow-plaintext-auth",
        Type::Boolean,
        "true lets the secret travel without TLS with tls = \"none\": everybody on the way can read it. \
         Default: false.",
    ),
    CA_FILE,
    TLS_FINGERPRINT,
];

/// The keys of `[accounts.NAME.fetch]`.
pub const FETCH: &[Key] = &[
    key(
        "maildir",
        Type::Text,
        "The Maildir that messages are fetched into. Only one of maildir, mbox and exec.",
    ),
    key("mbox", Type::Text, "The mbox (mboxrd) that messages are appended to."),
    key(
        "exec",
        Type::Command,
        "The command that gets each message on its standard input: a string is run by sh -c, an array is a program \
         and its arguments.",
    ),
    key(
        "after",
        Type::Text,
        "What happens on the server to what was fetched: keep, delete, or \"delete-after 14d\". It holds for what \
         earlier runs fetched, too. Default: keep.",
    ),
];

/// A key as `config set` takes it, with its dots, and the row of the table that it is in.
pub fn all_dotted() -> Vec<(String, Key)> {
    fn below(prefix: &str, keys: &[Key], found: &mut Vec<(String, Key)>) {
        for key in keys {
            let dotted = format!("{prefix}{}", key.name);
            match key.kind {
                Type::Table(inner) => below(&format!("{dotted}."), inner, found),
                Type::Aliases => found.push((format!("{dotted}.root"), *key)),
                _ => found.push((dotted, *key)),
            }
        }
    }
    let mut found = Vec::new();
    below("", ACCOUNT, &mut found);
    found
}

/// The type of a dotted key inside an account (`pop3.host`).
pub fn find(dotted: &str) -> Option<Type> {
    let mut keys = ACCOUNT;
    let mut parts = dotted.split('.').peekable();
    while let Some(part) = parts.next() {
        let found = keys.iter().find(|key| key.name == part)?;
        match &found.kind {
            Type::Table(below) if parts.peek().is_some() => keys = below,
            // A local name may hold dots, but a dotted key cannot say so: such a name is for an editor.
            Type::Aliases if parts.peek().is_some() => {
                return parts
                    .next()
                    .filter(|name| !name.is_empty() && parts.peek().is_none())
                    .map(|_| Type::Text);
            }
            kind if parts.peek().is_none() => return Some(*kind),
            _ => return None,
        }
    }
    None
}

/// The error for a key that is not in `known`: the nearest one, if it is near, or all. `table` stands before
/// the nearest one's name: nothing, or the table's own name and a dot where keys are given whole.
pub fn suggest(typed: &str, known: &[Key], table: &str) -> String {
    match nearest(typed, known) {
        Some(Key { name, .. }) => format!("did you mean `{table}{name}`?"),
        None => {
            let names: Vec<&str> = known.iter().map(|key| key.name).collect();
            format!("known here: {}", names.join(", "))
        }
    }
}

/// The key that was most likely meant.
fn nearest<'a>(typed: &str, known: &'a [Key]) -> Option<&'a Key> {
    // A file written in snake_case or capitals is reported once, not once for each key.
    let normal = typed.to_lowercase().replace(['_', ' '], "-");
    let rated = known.iter().map(|key| (distance(&normal, key.name), key));
    let (distance, key) = rated.min_by_key(|(distance, key)| (*distance, key.name))?;
    (distance <= (key.name.len() / 3).max(1)).then_some(key)
}

/// The table of an account of that name, or of the nearest one, and its keys.
pub fn near_table(typed: &str) -> Option<(&'static str, &'static [Key])> {
    match nearest(typed, ACCOUNT)? {
        Key { name, kind: Type::Table(below), .. } => Some((name, below)),
        _ => None,
    }
}

/// How many insertions, deletions, replacements and swaps of neighbours make `b` of `a` (optimal string
/// alignment). What is much longer than any key is simply far away.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_the_key_that_was_meant() {
        for (typed, meant) in [
            ("tsl", "tls"),
            ("hots", "host"),
            ("usrname", "username"),
            ("password_command", "password-command"),
            ("Port", "port"),
            ("passwort", "password"),
        ] {
            assert_eq!(suggest(typed, SERVER, ""), format!("did you mean `{meant}`?"));
        }
        assert!(suggest("frobnicate", FETCH, "").starts_with("known here: maildir, mbox"));
        assert!(suggest(&"x".repeat(100_000), FETCH, "").starts_with("known here"));
        assert!(suggest("", FETCH, "").starts_with("known here"));
    }

    #[test]
    fn dotted_keys_have_the_type_of_their_table() {
        assert_eq!(find("email"), Some(Type::Text));
        assert_eq!(find("pop3.port"), Some(Type::Integer));
        assert_eq!(find("smtp.allow-plaintext-auth"), Some(Type::Boolean));
        assert_eq!(find("fetch.exec"), Some(Type::Command));
        assert_eq!(find("pop3"), Some(Type::Table(SERVER)));
        assert_eq!(find("aliases.root"), Some(Type::Text));
        assert_eq!(find("aliases"), Some(Type::Aliases));
        for bad in [
            "",
            ".",
            "pop3.",
            "pop3.host.x",
            "email.x",
            "fetch.host",
            "accounts",
            "imap.host",
            "aliases.",
            "aliases.a.b",
        ] {
            assert_eq!(find(bad), None, "{bad}");
        }
    }
}
