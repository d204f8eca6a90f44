//! Imports go sideways or down, never up, and never in a circle: a module's layer says what it may know.

mod circles;

use circles::Crate;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module's layer; see the table in `lib.rs`.
const LAYERS: &[(&str, usize)] = &[
    ("words", 0),
    ("codec", 1),
    ("process", 1),
    ("net", 2),
    ("store", 2),
    ("streams", 2),
    ("mailbox", 3),
    ("pop3", 4),
    ("imap", 4),
    ("smtp", 4),
    ("mail", 5),
    ("account", 5),
    ("work", 6),
    ("cli", 7),
    ("output", 7),
    ("manual", 7),
    ("cmd", 7),
    ("fuzzing", 8),
];

/// Imports that the layers would allow, and that are forbidden all the same.
const FORBIDDEN: &[(&str, &str)] = &[
    ("pop3", "smtp"),
    ("smtp", "pop3"),
    ("imap", "pop3"),
    ("imap", "smtp"),
    ("pop3", "imap"),
    ("smtp", "imap"),
    ("store", "net"),
    ("store", "codec"),
    ("net", "store"),
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules of this crate that a source names through `crate::`, also within `{…}`.
fn imports(source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.chars().chain(['\n']))
        .collect();
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = code[at + "crate::".len()..].trim_start();
        let Some(inner) = rest.strip_prefix('{') else {
            found.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    found.push(word(&inner[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// Why module `from` may not name module `to`.
fn judge(from: &str, to: &str) -> Option<String> {
    let own = layer(from)?;
    let Some(other) = layer(to) else {
        // A macro or an item at the root is an edge without a place in the table.
        return Some(format!("{from} imports {to}, which has no layer"));
    };
    let forbidden = other > own || FORBIDDEN.contains(&(from, to));
    forbidden.then(|| format!("{from} (layer {own}) imports {to} (layer {other})"))
}

#[test]
fn no_import_points_up_a_layer() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 20, "the sources are found");
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let from = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let from = from.strip_suffix(".rs").unwrap_or(from);
        if matches!(from, "lib" | "main") {
            continue;
        }
        if layer(from).is_none() {
            wrong.push(format!("{}: {from} has no layer", relative.display()));
        }
        let source = fs::read_to_string(&file).unwrap();
        let edges = imports(&source).into_iter().filter_map(|to| judge(from, &to));
        wrong.extend(edges.map(|edge| format!("{}: {edge}", relative.display())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut whole = Crate::default();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap().with_extension("");
        let mut module: Vec<String> =
            relative.iter().map(|segment| segment.to_str().unwrap().to_owned()).collect();
        if module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        // Modules that only tests use; and the root, which names every room.
        if module.iter().any(|segment| matches!(segment.as_str(), "tests" | "lib" | "main")) {
            continue;
        }
        whole.add(module, &fs::read_to_string(&file).unwrap());
    }
    let circles = whole.circles();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn only_the_edge_prints_or_exits() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let module = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let is_test =
            relative.ends_with("tests.rs") || relative.components().any(|part| part.as_os_str() == "tests");
        if is_test || layer(module).is_none_or(|layer| layer == 7) {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        for call in ["println!(", "eprintln!(", "print!(", "eprint!(", "process::exit(", "io::stdout()"] {
            if source.lines().any(|line| line.split("//").next().unwrap_or_default().contains(call)) {
                wrong.push(format!("{}: {call}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// jiff's own ways to ask the clock panic where it stands beyond the calendar.
#[test]
fn the_clock_is_read_for_a_calendar_in_one_place() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let asks = ["Timestamp::now()", "Zoned::now()", "SystemTime::now().into()"];
    let is_wrong = |file: &&PathBuf| {
        let source = fs::read_to_string(file).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        asks.iter().any(|ask| source.contains(ask))
    };
    let wrong: Vec<&PathBuf> = files.iter().filter(is_wrong).collect();
    assert!(wrong.is_empty(), "words::clock::now() instead: {wrong:#?}");
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let source = "use crate::words::Secret;\nuse crate::{codec::line, net::{Link, Wire},\n    store};\n\
                  // use crate::cmd::x;\nfn f() { crate::work::run(); mycrate::cli::x(); }";
    assert_eq!(imports(source), ["words", "codec", "net", "store", "work"]);
    assert!(judge("store", "net").is_some());
    assert!(judge("pop3", "smtp").is_some());
    assert!(judge("net", "work").is_some());
    assert!(judge("cmd", "words").is_none());
}

/// Types of two rooms that the RFCs give one name, and that are never seen together.
const SHARED_NAMES: &[&str] = &["Capabilities", "Command", "Connection"];

#[test]
fn no_name_stands_for_two_types() {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    // What tests alone have may be named as it suits them.
    found.retain(|path| {
        !path.components().any(|part| part.as_os_str() == "tests") && !path.ends_with("tests.rs")
    });
    let mut types: Vec<(String, PathBuf)> = Vec::new();
    for path in found {
        for line in fs::read_to_string(&path).unwrap().lines() {
            let words = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub(super) "));
            let words = words.or(line.strip_prefix("pub ")).unwrap_or(line);
            let name =
                ["struct ", "enum ", "trait ", "type "].iter().find_map(|kind| words.strip_prefix(kind));
            let Some(name) = name else { continue };
            let end = name.find(|octet: char| !octet.is_alphanumeric()).unwrap_or(name.len());
            types.push((name[..end].to_owned(), path.clone()));
        }
    }
    assert!(types.len() > 500, "{} types", types.len());
    types.sort();
    for two in types.windows(2) {
        let shared = SHARED_NAMES.contains(&two[0].0.as_str());
        assert!(two[0].0 != two[1].0 || shared || two[0].1 == two[1].1, "{two:?}");
    }
}
