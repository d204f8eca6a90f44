//! What is generated is current, and what is said in several places is said the same.

use crate::manual;
use clap::CommandFactory as _;
use postie::cli::Cli;
use postie::words::Exit;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn completions_and_manual_pages_are_those_the_definitions_make() {
    let files = manual::files().unwrap();
    let mut made = BTreeSet::new();
    for (path, content) in &files {
        let path = path.to_str().unwrap();
        assert!(
            read(path).as_bytes() == content.as_slice(),
            "{path} is not current: run `cargo run --example docs` and commit what it writes"
        );
        made.insert(path.to_owned());
    }
    for dir in ["completions", "man"] {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)).unwrap() {
            let name = format!("{dir}/{}", entry.unwrap().file_name().to_str().unwrap());
            assert!(made.contains(&name), "{name} is not made from the definitions any more");
        }
    }
}

#[test]
fn every_command_has_a_page_that_names_all_its_options_and_every_exit_code() {
    let mut root = Cli::command();
    root.build();
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        let page = read(&format!("man/postie-{}.1", command.get_name()));
        for option in command.get_arguments().filter_map(|option| option.get_long()) {
            let escaped = option.replace('-', "\\-");
            assert!(
                page.contains(&format!("\\-\\-{escaped}")),
                "postie-{}.1: --{option}",
                command.get_name()
            );
        }
        for exit in Exit::ALL {
            assert!(
                page.contains(&exit.meaning().replace('-', "\\-")),
                "postie-{}.1: {exit}",
                command.get_name()
            );
        }
    }
}

#[test]
fn the_readme_has_the_exit_codes_of_the_program() {
    let readme = read("README.md");
    for exit in Exit::ALL {
        let code = exit.code();
        let row = readme.lines().find(|line| {
            line.starts_with('|')
                && line
                    .split('|')
                    .nth(1)
                    .is_some_and(|cell| cell.split(['/', ' ']).any(|word| word == code.to_string()))
        });
        let row = row.unwrap_or_else(|| panic!("README.md: no row for exit code {code}"));
        let known = exit.meaning().split([',', ';', ':', '(']).next().unwrap().trim();
        assert!(row.contains(known), "README.md: {code}: {row:?} does not say {known:?}");
    }
}

#[test]
fn the_completions_load_in_the_shells_that_are_here() {
    for (shell, file, probe) in [
        ("bash", "postie.bash", "source \"$0\" && complete -p postie"),
        ("zsh", "_postie", "autoload -U compinit && compinit -u -D && source \"$0\""),
        ("fish", "postie.fish", "source $argv[1]"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        let run = Command::new(shell).arg("-c").arg(probe).arg(&path).output();
        match run {
            Ok(output) => assert!(
                output.status.success(),
                "{shell} does not take {file}: {}",
                String::from_utf8_lossy(&output.stderr)
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => panic!("{shell}: {error}"),
        }
    }
}
