//! What the pages for developers name exists: tests, paths, the grammar of transcripts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every file of these directories, as paths from the root of the repository.
fn files(dirs: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = dirs.iter().map(|dir| root.join(dir)).collect();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
    found
}

/// The text between backticks in a page.
fn quoted(page: &str) -> Vec<&str> {
    page.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_server_oddity_names_an_rfc_section_and_an_existing_test() {
    let (page, sources) = (read("docs/servers.md"), files(&["tests/it", "src"]));
    let transcripts: BTreeSet<String> = files(&["tests/transcripts/pop3/quirks"])
        .iter()
        .map(|path| Path::new(path).file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut named = BTreeSet::new();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| a server"));
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [server, _, section, tests] = cells[..] else { panic!("{row}: four columns") };
        assert!(section.contains('§') && section.starts_with(|c: char| c.is_ascii_digit()), "{row}: the RFC");
        let tests = quoted(tests);
        assert!(!tests.is_empty(), "{row}: a test");
        for test in tests {
            let Some((module, name)) = test.rsplit_once("::") else {
                let transcript = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/{test}.txt"));
                assert!(transcript.exists(), "docs/servers.md names {test}");
                continue;
            };
            let there = sources.iter().any(|path| {
                path.ends_with(&format!("/{module}.rs")) && read(path).contains(&format!("fn {name}()"))
            });
            assert!(there, "docs/servers.md names {test}");
        }
        if let Some((_, list)) = server.split_once('[') {
            named.extend(list.trim_end_matches(']').split(", ").map(str::to_owned));
        }
    }
    assert_eq!(named, transcripts, "the transcripts that docs/servers.md names, and those that are there");
}

#[test]
fn every_path_and_command_in_the_pages_for_developers_exists() {
    let everything =
        files(&["src", "tests", "docs", "man", "completions", "fuzz", "benches", "examples", ".ci"]);
    let dirs: BTreeSet<&str> = everything.iter().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
    let is_there = |path: &str| {
        let path = path.trim_end_matches('/').split('*').next().unwrap();
        let at = |root: &str| format!("{root}{path}");
        ["", "src/", "tests/"].iter().any(|root| {
            let full = at(root);
            Path::new(env!("CARGO_MANIFEST_DIR")).join(&full).exists()
                || everything.iter().any(|file| file.starts_with(&full))
        })
    };
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/servers.md", "docs/measurements.md"] {
        let text = read(page);
        // In a walk or a table a name is relative to the room that was named last, or unique in the whole
        // tree.
        for word in quoted(&text) {
            let is_path = word.contains('/') || word.ends_with(".rs") || word.ends_with(".md");
            if !is_path || word.contains([' ', '=', ':', '<', '$', '~']) {
                continue;
            }
            let below = || {
                dirs.iter().any(|dir| everything.contains(&format!("{dir}/{word}")))
                    || dirs.iter().any(|dir| dir.ends_with(&format!("/{}", word.trim_end_matches('/'))))
            };
            assert!(is_there(word) || below(), "{page} names {word}");
        }
        for line in text.lines().filter(|line| line.contains("cargo test --test it -- ")) {
            let filter = line.split("cargo test --test it -- ").nth(1).unwrap();
            let filter = filter.split(['`', ' ']).next().unwrap().trim_end_matches("::");
            let module = format!("tests/it/{}", filter.split("::").next().unwrap());
            assert!(everything.iter().any(|file| file.starts_with(&module)), "{page}: {line}");
        }
    }
}

#[test]
fn the_grammar_of_transcripts_is_that_of_their_reader() {
    let page = read("CONTRIBUTING.md");
    for line in read("tests/support/script.rs").lines().filter_map(|line| line.strip_prefix("//! | `")) {
        assert!(page.contains(&format!("\n| `{line}\n")), "CONTRIBUTING.md has no {line:?}");
    }
}
