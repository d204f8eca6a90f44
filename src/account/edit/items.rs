//! What settings become in the file: from words of a command line, or from values that postie has.

use super::{Setting, split};
use crate::account::keys::Type;
use crate::account::values;
use crate::process::Program;
use crate::words::Failure;
use toml_edit::{Array, DocumentMut, Item, Table, Value};

/// What the words of a command line make of a key.
pub(super) fn item_of_words(key: &str, kind: Type, words: &[&str]) -> Result<Item, Failure> {
    let usage = |what: String| Failure::usage(format!("{key}: {what}"));
    let is_list = matches!(kind, Type::Command | Type::Texts);
    let text = match words {
        [text] => text,
        words if is_list => {
            let array: Result<Array, String> = words.iter().map(|word| values::plain_text(word)).collect();
            return array.map(Item::from).map_err(usage);
        }
        _ => {
            return Err(usage("one value is wanted, and there are several".into())
                .hint("put a value with spaces within quotes"));
        }
    };
    if let Some(array) = is_list.then(|| array_of(text)).flatten() {
        return array.map(Item::from).map_err(|what| {
            usage(what)
                .hint("an array is written [\"pass\", \"show\", \"x\"], within single quotes for the shell")
        });
    }
    match kind {
        Type::Password => Err(usage(
            "a password in the arguments is refused: everybody can read them".into(),
        )
        .hint("give it on standard input (`postie config set NAME password -`), or use password-command")),
        Type::Text | Type::Command | Type::Texts => values::plain_text(text).map(Item::from).map_err(usage),
        Type::Port => values::port(text).map(|port| Item::from(i64::from(port))).map_err(usage),
        Type::Boolean => match *text {
            "true" => Ok(Item::from(true)),
            "false" => Ok(Item::from(false)),
            _ => Err(usage("true or false is wanted".into())),
        },
        Type::Table(_) | Type::Aliases | Type::Accounts => Err(usage("a table; set one of its keys".into())),
    }
}

/// Reads a text as an array of strings; `None` if it is something else, such as a line for the shell.
fn array_of(text: &str) -> Option<Result<Array, String>> {
    let read = text.parse::<Value>().ok().and_then(|value| value.as_array().cloned());
    match read {
        Some(array) if array.iter().all(Value::is_str) => {
            let words = array.iter().filter_map(Value::as_str).map(values::plain_text);
            Some(words.collect::<Result<Array, _>>())
        }
        Some(_) => Some(Err("an array of strings is wanted".into())),
        // No line for the shell begins like this; it must be an array with a typing error.
        None if text.starts_with("[\"") || text.starts_with("['") => {
            Some(Err("not an array of strings".into()))
        }
        None => None,
    }
}

pub(super) fn item_of(setting: &Setting) -> Result<Item, Failure> {
    let checked = |text: &str| values::plain_text(text).map_err(Failure::usage);
    Ok(match setting {
        Setting::Text(text) => Item::from(checked(text)?),
        Setting::Texts(texts) => {
            let texts = texts.iter().map(|text| checked(text).map(Value::from));
            Item::from(texts.collect::<Result<Array, _>>()?)
        }
        Setting::Port(port) => Item::from(i64::from(*port)),
        Setting::Command(Program::Shell(line)) => Item::from(checked(line)?),
        Setting::Command(Program::Argv(words)) => {
            let words = words.iter().map(|word| checked(word).map(Value::from));
            Item::from(words.collect::<Result<Array, _>>()?)
        }
        Setting::Password(secret) => {
            let text = std::str::from_utf8(secret.expose())
                .map_err(|_| Failure::usage("password: not valid UTF-8, which the file must be"))?;
            Item::from(text)
        }
    })
}

/// Settings of an account as they stand in the file; a password is not shown.
pub fn shown_settings(name: &str, settings: &[(String, Setting)]) -> Result<String, Failure> {
    let mut document = DocumentMut::new();
    let mut own = Table::new();
    // Where all is in tables of servers the account needs no line of its own.
    own.set_implicit(settings.iter().all(|(key, _)| key.contains('.')));
    for (key, setting) in settings {
        let (within, last) = split(key);
        let table = match within {
            Some(within) => own.entry(within).or_insert_with(|| Item::Table(Table::new())).as_table_mut(),
            None => Some(&mut own),
        };
        let item = match setting {
            Setting::Password(_) => Item::from(HIDDEN),
            setting => item_of(setting)?,
        };
        table.and_then(|table| table.insert(last, item));
    }
    let mut accounts = Table::new();
    accounts.set_implicit(true);
    accounts.insert(name, Item::Table(own));
    document.insert("accounts", Item::Table(accounts));
    Ok(document.to_string())
}

/// What is shown instead of a password.
const HIDDEN: &str = "(not shown)";
