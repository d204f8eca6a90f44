//! The keys of the configuration file. A key is one row of `table.rs`, `fetch.rs` or `oauth.rs`: name, type, how it is read, how it is shown,
//! what it means. The rows are used by the reader, `config set`, `config show`, the completions, the hints for mistyped
//! keys and postie-config(5).

mod connection;
mod fetch;
mod nearest;
mod oauth;
mod table;

pub use fetch::FETCH;
pub use oauth::OAUTH;
pub use table::{ACCOUNT, ROOT, SERVER};

use super::document::{Fault, Node};
use super::draft::Shared;
use super::shown::{Shown, ShownTable};
use super::values;
use crate::words::Secret;
use std::path::Path;

/// The type of a key's value.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    Text,
    /// A string that is a secret, so it is refused in arguments.
    Password,
    Port,
    Boolean,
    /// A string for the shell, or an array of words.
    Command,
    /// A string, or an array of them.
    Texts,
    /// A table from local names to addresses.
    Aliases,
    /// A table of further keys.
    Table(fn() -> Vec<KeyRow>),
    /// A table for each account, by name.
    Accounts,
}

impl Type {
    /// The name of the type in TOML.
    pub fn name(self) -> &'static str {
        match self {
            Type::Text | Type::Password => "string",
            Type::Port => "integer",
            Type::Boolean => "boolean",
            Type::Command | Type::Texts => "string or array",
            Type::Aliases | Type::Table(_) | Type::Accounts => "table",
        }
    }
}

/// What a key is about; for some of them another source (an option, the server's table) comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPart {
    /// Where the secret comes from.
    Secret,
    /// Trusted certificates.
    Trust,
    Other,
}

/// The description of a key.
#[derive(Clone, Copy, Debug)]
pub struct KeyRow {
    pub name: &'static str,
    pub kind: Type,
    pub part: KeyPart,
    /// Its meaning, for postie-config(5): one or more sentences, the default last.
    pub text: &'static str,
}

/// A key of a table: it is read into a `D`, and shown from a `W`.
pub struct Key<D, W> {
    row: KeyRow,
    get: Get<D>,
    show: fn(&W) -> Shown,
}

type GetFn<D> = fn(&mut D, &Node<'_>) -> Result<(), Fault>;

/// How a value is read.
enum Get<D> {
    Own(GetFn<D>),
    /// Into the fields that accounts and servers share.
    Shared(fn(&mut D) -> &mut Shared, GetFn<Shared>),
}

const fn key<D, W>(
    name: &'static str,
    kind: Type,
    get: GetFn<D>,
    show: fn(&W) -> Shown,
    text: &'static str,
) -> Key<D, W> {
    Key { row: KeyRow { name, kind, part: KeyPart::Other, text }, get: Get::Own(get), show }
}

/// A key that accounts and servers share.
struct SharedKey {
    row: KeyRow,
    get: GetFn<Shared>,
}

const fn common(
    part: KeyPart,
    name: &'static str,
    kind: Type,
    get: GetFn<Shared>,
    text: &'static str,
) -> SharedKey {
    SharedKey { row: KeyRow { name, kind, part, text }, get }
}

const fn shared<D: AsMut<Shared>, W>(of: &SharedKey, show: fn(&W) -> Shown) -> Key<D, W> {
    Key { row: of.row, get: Get::Shared(D::as_mut, of.get), show }
}

/// Stores a value in its field.
fn set<F: From<T>, T>(field: &mut F, read: Result<T, Fault>) -> Result<(), Fault> {
    read.map(|value| *field = value.into())
}

/// How a path is shown.
fn path(path: Option<&Path>) -> Shown {
    Shown::maybe(path.map(Path::display))
}

/// How a key is shown that is not.
fn hidden<W>(_: &W) -> Shown {
    Shown::Absent
}

fn variable_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['=', '\0', '$']) {
        return Err("not the name of an environment variable".into());
    }
    values::plain_text(text)
}

fn literal(text: &str) -> Result<Secret, String> {
    let secret = Secret::new(text);
    if secret.is_empty() {
        return Err("the password is empty".into());
    }
    if secret.breaks_lines() { Err("the password has a CR, LF or NUL in it".into()) } else { Ok(secret) }
}

pub fn rows<D, W>(keys: &[Key<D, W>]) -> Vec<KeyRow> {
    keys.iter().map(|key| key.row).collect()
}

/// Reads a table that may have only these keys.
pub fn read<D, W>(keys: &[Key<D, W>], table: &Node<'_>, draft: &mut D) -> Result<(), Fault> {
    let mut found = Vec::new();
    for entry in table.entries()? {
        let Some(row) = keys.iter().position(|key| key.row.name == entry.key) else {
            let names: Vec<&str> = keys.iter().map(|key| key.row.name).collect();
            let hint = Some(nearest::suggest(entry.key, &names, ""));
            return Err(Fault { hint, ..table.fault_at(&entry, "this key is not known") });
        };
        found.push(table.below(&entry, row, keys[row].row.name));
    }
    found.iter().try_for_each(|node| match keys[node.row].get {
        Get::Own(get) => get(draft, node),
        Get::Shared(part, get) => get(part(draft), node),
    })
}

/// The values of a table to be shown.
pub fn show<D, W>(keys: &[Key<D, W>], whole: &W) -> ShownTable {
    let shown = keys.iter().map(|key| (key.row.name, (key.show)(whole)));
    ShownTable(shown.filter(|(_, shown)| !matches!(shown, Shown::Absent)).collect())
}

/// Every key of an account, with dots as for `config set`.
pub fn all_dotted() -> Vec<String> {
    let of_row = |row: KeyRow| match row.kind {
        Type::Table(inner) => inner().iter().map(|below| format!("{}.{}", row.name, below.name)).collect(),
        Type::Aliases => vec![format!("{}.root", row.name)],
        _ => vec![row.name.to_owned()],
    };
    rows(ACCOUNT).into_iter().flat_map(of_row).collect()
}

/// The row of a dotted key of an account (`pop3.host`), or a hint at a similar one.
pub fn find(dotted: &str) -> Result<KeyRow, String> {
    let keys = rows(ACCOUNT);
    let names = |rows: &[KeyRow]| rows.iter().map(|row| row.name).collect::<Vec<_>>();
    let row = |rows: &[KeyRow], name: &str| rows.iter().find(|row| row.name == name).copied();
    let unknown = || nearest::suggest(dotted, &names(&keys), "");
    let Some((table, last)) = dotted.split_once('.') else {
        return row(&keys, dotted).ok_or_else(unknown);
    };
    // A mistyped table with a key that is there is one slip.
    let near = nearest::nearest(table, &names(&keys)).and_then(|name| row(&keys, name));
    match near {
        // A local name may hold dots, but a dotted key cannot say so: such a name is for an editor.
        Some(row)
            if matches!(row.kind, Type::Aliases)
                && row.name == table
                && !last.is_empty()
                && !last.contains('.') =>
        {
            Ok(KeyRow { kind: Type::Texts, ..row })
        }
        Some(KeyRow { name, kind: Type::Table(inner), .. }) => {
            let inner = inner();
            match row(&inner, last) {
                Some(row) if name == table => Ok(row),
                Some(_) => Err(format!("did you mean `{name}.{last}`?")),
                None => Err(nearest::suggest(last, &names(&inner), &format!("{name}."))),
            }
        }
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_keys_have_the_type_of_their_table() {
        let name = |dotted: &str| find(dotted).map(|row| row.kind.name());
        for (dotted, kind) in [
            ("email", "string"),
            ("pop3.port", "integer"),
            ("smtp.allow-plaintext-auth", "boolean"),
            ("fetch.exec", "string or array"),
            ("aliases.root", "string or array"),
            ("aliases", "table"),
            ("pop3", "table"),
        ] {
            assert_eq!(name(dotted), Ok(kind), "{dotted}");
        }
        for bad in [
            "",
            ".",
            "pop3.",
            "pop3.host.x",
            "email.x",
            "fetch.host",
            "accounts",
            "jmap.host",
            "aliases.",
            "aliases.a.b",
        ] {
            assert!(name(bad).is_err(), "{bad}");
        }
        assert!(all_dotted().iter().all(|dotted| find(dotted).is_ok()));
    }

    #[test]
    fn no_table_has_a_key_twice() {
        for rows in [rows(ROOT), rows(ACCOUNT), rows(SERVER), rows(FETCH), rows(OAUTH)] {
            for (at, row) in rows.iter().enumerate() {
                assert!(rows[..at].iter().all(|other| other.name != row.name), "{}", row.name);
            }
        }
    }
}
