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

/// A key and the type of its value.
pub type Key = (&'static str, Type);

/// The keys at the top of the file.
pub const ROOT: &[Key] = &[("default-account", Type::Text), ("accounts", Type::Table(&[]))];

/// The keys of `[accounts.NAME]`.
pub const ACCOUNT: &[Key] = &[
    ("email", Type::Text),
    ("name", Type::Text),
    ("description", Type::Text),
    ("from", Type::Text),
    ("log-file", Type::Text),
    ("aliases", Type::Aliases),
    ("password-command", Type::Command),
    ("password-file", Type::Text),
    ("password-env", Type::Text),
    ("token-command", Type::Command),
    ("password", Type::Text),
    ("ca-file", Type::Text),
    ("tls-fingerprint", Type::Text),
    ("pop3", Type::Table(SERVER)),
    ("smtp", Type::Table(SERVER)),
    ("fetch", Type::Table(FETCH)),
];

/// The keys of `[accounts.NAME.pop3]` and `[accounts.NAME.smtp]`.
pub const SERVER: &[Key] = &[
    ("host", Type::Text),
    ("port", Type::Integer),
    ("tls", Type::Text),
    ("username", Type::Text),
    ("auth", Type::Text),
    ("ehlo-name", Type::Text),
    ("password-command", Type::Command),
    ("password-file", Type::Text),
    ("password-env", Type::Text),
    ("token-command", Type::Command),
    ("password", Type::Text),
    ("allow-plaintext-auth", Type::Boolean),
    ("ca-file", Type::Text),
    ("tls-fingerprint", Type::Text),
];

/// The keys of `[accounts.NAME.fetch]`.
pub const FETCH: &[Key] =
    &[("maildir", Type::Text), ("mbox", Type::Text), ("exec", Type::Command), ("after", Type::Text)];

/// The type of a dotted key inside an account (`pop3.host`).
pub fn find(dotted: &str) -> Option<Type> {
    let mut keys = ACCOUNT;
    let mut parts = dotted.split('.').peekable();
    while let Some(part) = parts.next() {
        let (_, found) = keys.iter().find(|(name, _)| *name == part)?;
        match found {
            Type::Table(below) if parts.peek().is_some() => keys = below,
            // A local name may hold dots, but a dotted key cannot say so: such a name is for an editor.
            Type::Aliases if parts.peek().is_some() => {
                return parts
                    .next()
                    .filter(|name| !name.is_empty() && parts.peek().is_none())
                    .map(|_| Type::Text);
            }
            found if parts.peek().is_none() => return Some(*found),
            _ => return None,
        }
    }
    None
}

/// What to say of a key that is none of `known`: the nearest one, if it is near, or all.
pub fn suggest(typed: &str, known: &[Key]) -> String {
    // A whole dialect of underscores and capitals is one slip, not many.
    let normal = typed.to_lowercase().replace(['_', ' '], "-");
    let nearest = known
        .iter()
        .map(|(name, _)| (distance(&normal, name), *name))
        .min()
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1));
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            format!("known here: {}", names.join(", "))
        }
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
            assert_eq!(suggest(typed, SERVER), format!("did you mean `{meant}`?"));
        }
        assert!(suggest("frobnicate", FETCH).starts_with("known here: maildir, mbox"));
        assert!(suggest(&"x".repeat(100_000), FETCH).starts_with("known here"));
        assert!(suggest("", FETCH).starts_with("known here"));
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
