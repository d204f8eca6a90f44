//! Layer 7: the manual pages, made from the definitions of the command line, the table of configuration keys and
//! the table of JSON fields. `postie man` prints them, and `cargo run --example docs` writes them to `man/`, and the
//! completion scripts to `completions/`.

mod commands;
mod configuration;
mod examples;
mod json;
mod plain;
mod sendmail;
mod writer;

pub use plain::plain;

use crate::cli::Cli;
use crate::cli::complete::SHELLS;
use clap::CommandFactory as _;
use std::io;
use std::path::PathBuf;

pub struct Page {
    /// As in `postie-fetch`.
    pub name: String,
    /// 1 for a command, 5 for a file format.
    pub section: u8,
    pub roff: Vec<u8>,
}

impl Page {
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.name, self.section)
    }
}

/// Every page, postie(1) first. Cannot fail: everything is written to memory.
pub fn pages() -> io::Result<Vec<Page>> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = vec![commands::overview(&root)?];
    for command in root.get_subcommands() {
        pages.push(commands::page(command)?);
    }
    pages.push(sendmail::page()?);
    pages.push(configuration::page()?);
    pages.push(json::page()?);
    Ok(pages)
}

/// The page with this name: `fetch`, `postie-fetch`, `config.5`, `postie-config(5)`. Without a section, a command
/// comes first.
pub fn find(pages: Vec<Page>, wanted: &str) -> Option<Page> {
    let wanted = wanted.trim_end_matches(')').replace('(', ".");
    let (name, section) = match wanted.rsplit_once('.') {
        Some((name, digit)) => (name.to_owned(), digit.parse::<u8>().ok()),
        None => (wanted, None),
    };
    let long = format!("postie-{name}");
    pages.into_iter().find(|page| {
        (page.name == name || page.name == long) && section.is_none_or(|section| section == page.section)
    })
}

/// Every generated file: its path in the source tree, and its content.
pub fn files() -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for shell in SHELLS {
        files.push((PathBuf::from("completions").join(shell.file), shell.script().into_bytes()));
    }
    for page in pages()? {
        files.push((PathBuf::from("man").join(page.file_name()), page.roff));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_by_every_way_to_call_it() {
        for (wanted, file) in [
            ("postie", "postie.1"),
            ("fetch", "postie-fetch.1"),
            ("postie-fetch", "postie-fetch.1"),
            ("fetch.1", "postie-fetch.1"),
            ("config", "postie-config.1"),
            ("config.5", "postie-config.5"),
            ("postie-config(5)", "postie-config.5"),
            ("json", "postie-json.5"),
            ("sendmail", "postie-sendmail.1"),
        ] {
            let found = find(pages().unwrap(), wanted).map(|page| page.file_name());
            assert_eq!(found.as_deref(), Some(file), "{wanted}");
        }
        for wanted in ["", "fetch.5", "frob", "..", "postie-"] {
            assert!(find(pages().unwrap(), wanted).is_none(), "{wanted}");
        }
    }

    #[test]
    fn plain_text_has_no_roff_left_in_it() {
        for page in pages().unwrap() {
            let text = plain(&page.roff);
            assert!(text.lines().count() > 20, "{}:\n{text}", page.name);
            for line in text.lines() {
                assert!(!line.starts_with('.') && !line.contains('\\'), "{}: {line:?}", page.name);
            }
            assert!(text.contains("SEE ALSO"), "{}", page.name);
        }
    }
}
