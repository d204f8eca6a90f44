//! Generated files are current, and what is written in several places agrees.

use crate::support::process::Run;
use crate::world;
use clap::CommandFactory as _;
use postie::account::keys::{self, KeyRow, Type};
use postie::cli::Cli;
use postie::codec::sasl::Mechanism;
use postie::manual;
use postie::output::fields::LINES;
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
fn completions_and_manual_pages_are_current() {
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

/// The text of a page, without its roff.
fn page(file: &str) -> String {
    manual::plain(read(&format!("man/{file}")).as_bytes()).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_page_that_a_page_refers_to_exists_and_each_has_examples() {
    let names: BTreeSet<String> =
        manual::pages().unwrap().iter().map(|page| format!("{}({})", page.name, page.section)).collect();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("man")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let text = page(&file);
        for word in text.split([' ', ',']).filter(|word| word.starts_with("postie")) {
            let Some(end) = word.find(')') else { continue };
            if word.contains('(') {
                assert!(names.contains(&word[..=end]), "{file} refers to {word}");
            }
        }
        for section in ["EXAMPLES", "SEE ALSO"] {
            assert!(text.contains(section), "{file} has no {section}");
        }
    }
}

#[test]
fn the_page_of_the_configuration_has_every_key_its_type_and_every_mechanism() {
    fn below(rows: &[KeyRow], text: &str) {
        for row in rows {
            assert!(
                text.contains(&format!("{} ({}) {}", row.name, row.kind.name(), row.text)),
                "{}",
                row.name
            );
            if let Type::Table(inner) = row.kind {
                below(&inner(), text);
            }
        }
    }
    let text = page("postie-config.5");
    below(&keys::rows(keys::ROOT), &text);
    below(&keys::rows(keys::ACCOUNT), &text);
    for mechanism in Mechanism::ALL {
        assert!(text.contains(&mechanism.name().to_lowercase()), "{}", mechanism.name());
    }
}

#[test]
fn the_page_of_json_has_every_type_and_every_field() {
    // That the table has every field of every line is checked wherever a test reads JSON.
    let text = page("postie-json.5");
    for line in LINES {
        let head = format!("LINES OF TYPE {}", line.kind);
        let at = text.find(&head).unwrap_or_else(|| panic!("{head}"));
        for (field, meaning) in line.fields() {
            assert!(text[at..].contains(&format!("{field} {meaning}")), "{}: {field}", line.kind);
        }
    }
}

#[test]
fn a_page_is_printed_as_roff_and_an_unknown_page_is_an_error_that_lists_all_pages() {
    let world = world();
    for (args, file) in [
        (&["man"][..], "postie.1"),
        (&["man", "fetch"], "postie-fetch.1"),
        (&["man", "config.5"], "postie-config.5"),
    ] {
        let outcome = world.postie(args).go();
        outcome.assert_exit(0);
        assert!(outcome.out() == read(&format!("man/{file}")), "{args:?}");
    }
    let missing = world.postie(["--json", "man", "frob"]).go();
    let error = missing.assert_failure(64, "usage");
    assert!(error["hint"].as_str().unwrap().contains("postie-json.5"), "{error}");
    let json = world.postie(["--json", "man", "json"]).go();
    assert_eq!(json.of_type("page")[0]["text"], read("man/postie-json.5"));
}

#[test]
fn a_script_for_every_shell_is_printed() {
    let world = world();
    for (shell, file) in [("bash", "postie.bash"), ("zsh", "_postie"), ("fish", "postie.fish")] {
        let outcome = world.postie(["completions", shell]).go();
        outcome.assert_exit(0);
        assert!(outcome.out() == read(&format!("completions/{file}")), "{shell}");
    }
    world.postie(["completions", "frob"]).go().assert_exit(64);
    let json = world.postie(["--json", "completions", "fish"]).go();
    assert_eq!(json.of_type("script")[0]["shell"], "fish");
}

#[test]
fn accounts_keys_and_options_complete_in_the_installed_shells() {
    let world = world();
    world.config(
        "[accounts.work]\nemail = \"ana@example.org\"\n[accounts.home]\nemail = \"ana@home.example\"\n",
    );
    let bin = Path::new(env!("CARGO_BIN_EXE_postie")).parent().unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    for (line, wanted) in [
        ("postie -A ", "work"),
        ("postie fetch --account ho", "home"),
        ("postie config show wo", "work"),
        ("postie config set work pop3.ho", "pop3.host"),
        ("postie config set work smtp.allow", "smtp.allow-plaintext-auth"),
        ("postie config unset home fetch.mail", "fetch.maildir"),
        ("postie -v config default ", "home"),
        ("postie --color always -A ", "home"),
        ("postie completions fi", "fish"),
        ("postie fetch --until", "--until-empty"),
        ("postie test", "test-account"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let bash = format!(
            "source completions/postie.bash; COMP_WORDS=({line}); COMP_CWORD={}; \
             COMP_TYPE=9; cd \"$HOME\"; _postie_names postie '{}' x; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.len() - 1,
            words.last().unwrap()
        );
        let fish = format!("source completions/postie.fish; cd \"$HOME\"; complete -C '{line}' | cut -f1");
        for (shell, script) in [("bash", bash), ("fish", fish)] {
            if !is_here(shell) {
                continue;
            }
            let outcome = Run::new(shell)
                .args(["-c", &script])
                .dir(env!("CARGO_MANIFEST_DIR"))
                .env("HOME", world.root())
                .env("PATH", &path)
                .run();
            let found = outcome.out();
            assert!(found.lines().any(|line| line.trim() == wanted), "{shell}: {line}: {outcome:?}");
        }
    }
}

/// Whether a program is installed; in CI it must be.
fn is_here(program: &str) -> bool {
    match Command::new(program).arg("--version").output() {
        Ok(_) => true,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(std::env::var_os("POSTIE_REQUIRE_ALL").is_none(), "{program} is missing");
            let said = format!("SKIPPED: {program} is not installed\n");
            std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).unwrap();
            false
        }
        Err(error) => panic!("{program}: {error}"),
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
        let row = format!("| {} | {} | {} |", exit.code(), exit.meaning(), exit.advice());
        assert!(readme.lines().any(|line| line == row), "README.md: there is no row {row:?}");
    }
}

#[test]
fn the_readme_begins_with_what_a_newcomer_does_first() {
    let readme = read("README.md");
    let headings: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(headings[..3], ["Install", "First fetch", "First send"]);
    let install = readme.lines().position(|line| line == "## Install").unwrap();
    assert!(install < 40, "line {install}");
}

#[test]
fn the_completions_load_in_the_installed_shells() {
    for (shell, file, probe) in [
        ("bash", "postie.bash", "source \"$0\" && complete -p postie"),
        ("zsh", "_postie", "autoload -U compinit && compinit -u -D && source \"$0\""),
        ("fish", "postie.fish", "source $argv[1]"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        if !is_here(shell) {
            continue;
        }
        let output = Command::new(shell).arg("-c").arg(probe).arg(&path).output().unwrap();
        assert!(
            output.status.success(),
            "{shell} does not take {file}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The calls of postie in a text of examples, as the shell would split them; without what is only printed and
/// the schedule before them.
fn calls(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(|line| split(line).into_iter().filter_map(call)).collect()
}

/// Simple commands of a line: words, without redirections and anything after `#`.
fn split(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (vec![], vec![], String::new());
    let (mut quote, mut started) = (None, false);
    for c in line.chars().chain(['\n']) {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.push(c),
            (None, '\'' | '"') => (quote, started) = (Some(c), true),
            (None, ' ' | '\n' | '|' | ';' | ')') => {
                if started || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                    started = false;
                }
                if c != ' ' {
                    commands.push(std::mem::take(&mut words));
                }
            }
            (None, '#') if word.is_empty() => break,
            (None, c) => word.push(c),
        }
    }
    commands.push(words);
    commands
}

fn call(words: Vec<String>) -> Option<Vec<String>> {
    let start = words.iter().position(|word| word == "postie")?;
    let words = words.into_iter().skip(start);
    Some(words.take_while(|word| !word.starts_with(['>', '<'])).collect())
}

#[test]
fn every_example_in_the_pages_is_a_valid_call() {
    let readme = read("README.md");
    let shown: Vec<&str> = readme.lines().filter(|line| line.starts_with("    ")).collect();
    // The table of the commands at the top says what each does.
    let shown: Vec<&str> = shown.into_iter().skip_while(|line| !line.contains("cargo install")).collect();
    let mut all = calls(&shown.join("\n"));
    assert!(all.len() > 20, "the README has examples: {all:?}");
    for page in manual::pages().unwrap() {
        let text = manual::plain(&page.roff);
        let Some((_, examples)) = text.split_once("\nEXAMPLES\n") else { continue };
        let examples = examples.split_once("\nSEE ALSO").map_or(examples, |(examples, _)| examples);
        let verbatim: Vec<&str> = examples.lines().filter(|line| line.starts_with("        ")).collect();
        all.extend(calls(&verbatim.join("\n")));
    }
    assert!(all.len() > 40, "and so have the pages: {all:?}");
    for call in all {
        let read = Cli::read(call.iter().map(Into::into));
        assert!(read.is_ok(), "{call:?}: {}", read.err().unwrap());
    }
}
