//! Circles between modules: between rooms, and between the files of one room.
//!
//! A module and everything inside it count as one here, so a module's own file may name its children and they
//! may name it. What matters is siblings: a module that names what another one defines, or anything inside
//! that one, depends on it. Names that a module only passes on (`pub use`) are followed to their definition.

use std::collections::{BTreeMap, BTreeSet};

/// The segments of a module's path below the crate.
pub type Module = Vec<String>;

/// What one file says about others.
#[derive(Debug, Default)]
struct Names {
    /// Paths that it uses.
    uses: Vec<Vec<String>>,
    /// Names that it passes on, and the path of each.
    passed_on: BTreeMap<String, Vec<String>>,
}

/// The modules of a crate.
#[derive(Debug, Default)]
pub struct Crate(BTreeMap<Module, Names>);

impl Crate {
    /// Adds a module: its path, and the content of its file.
    pub fn add(&mut self, module: Module, source: &str) {
        self.0.insert(module, Names::of(source));
    }

    /// Every circle of siblings: its members, and the names by which they depend on each other.
    pub fn circles(&self) -> Vec<String> {
        let parents: BTreeSet<&[String]> =
            self.0.keys().flat_map(|module| (0..module.len()).map(|end| &module[..end])).collect();
        parents.into_iter().flat_map(|parent| self.circles_in(parent)).collect()
    }

    fn circles_in(&self, parent: &[String]) -> Vec<String> {
        let mut edges: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
        let at = parent.len();
        let inside = |module: &[String]| module.len() > at && module.starts_with(parent);
        for (from, names) in self.0.iter().filter(|(from, _)| inside(from)) {
            for path in &names.uses {
                let Some(to) = self.resolve(from, path, 0) else { continue };
                if inside(to) && to[at] != from[at] {
                    let by = format!("{} names {}", from[at..].join("/"), path.join("::"));
                    edges.entry(&from[at]).or_default().entry(&to[at]).or_insert(by);
                }
            }
        }
        let reach = |from: &str| {
            let (mut seen, mut next) = (BTreeSet::<String>::new(), vec![from.to_owned()]);
            while let Some(one) = next.pop() {
                for to in edges.get(one.as_str()).into_iter().flat_map(BTreeMap::keys) {
                    if seen.insert((*to).to_owned()) {
                        next.push((*to).to_owned());
                    }
                }
            }
            seen
        };
        let mut found = Vec::new();
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for from in edges.keys() {
            let there = reach(from);
            if !there.contains(*from) || told.contains(*from) {
                continue;
            }
            let ring: BTreeSet<String> = there.into_iter().filter(|to| reach(to).contains(*from)).collect();
            let by = ring.iter().flat_map(|one| {
                let to = edges.get(one.as_str()).into_iter().flatten();
                to.filter(|(to, _)| ring.contains(**to)).map(|(_, by)| by.clone())
            });
            found.push(format!("in {:?}: {}", parent.join("/"), by.collect::<Vec<_>>().join("; ")));
            told.extend(edges.keys().filter(|one| ring.contains(**one)));
        }
        found
    }

    /// The module that defines what `path` means in `module`; `None` if that is another crate's.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<&Module> {
        /// No name is passed on this many times.
        const MOST: usize = 10;
        let absolute = self.absolute(module, path)?;
        let (home, _) = (0..=absolute.len()).rev().find_map(|end| self.0.get_key_value(&absolute[..end]))?;
        let rest = &absolute[home.len()..];
        let names = &self.0[home];
        let Some((first, behind)) = rest.split_first().filter(|_| depth < MOST) else { return Some(home) };
        if let Some(target) = names.passed_on.get(first) {
            let whole: Vec<String> = target.iter().chain(behind).cloned().collect();
            return self.resolve(home, &whole, depth + 1).or(Some(home));
        }
        Some(home)
    }

    /// The path from the crate's root.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => return Some(rest.to_vec()),
            "self" | "super" => module.to_vec(),
            _ => {
                let whole: Module = module.iter().chain([first]).cloned().collect();
                let is_child = self.0.contains_key(&whole);
                return is_child.then(|| whole.into_iter().chain(rest.iter().cloned()).collect());
            }
        };
        let ups = path.iter().take_while(|segment| matches!(segment.as_str(), "self" | "super"));
        let mut taken = 0;
        for segment in ups {
            taken += 1;
            if segment == "super" {
                base.pop();
            }
        }
        base.extend(path[taken..].iter().cloned());
        Some(base)
    }
}

impl Names {
    fn of(source: &str) -> Self {
        let code = code(source);
        let mut names = Names::default();
        let mut rest = String::new();
        let mut lines = code.lines();
        while let Some(line) = lines.next() {
            let Some((passes_on, tree)) = import(line) else {
                rest.push_str(line);
                rest.push('\n');
                continue;
            };
            let mut tree = tree.to_owned();
            while !tree.contains(';') {
                let Some(more) = lines.next() else { break };
                tree.push_str(more);
            }
            names.add(passes_on, tree.split(';').next().unwrap_or_default());
        }
        names.uses.extend(inline(&rest));
        names
    }

    fn add(&mut self, passes_on: bool, tree: &str) {
        for (path, name) in leaves(tree) {
            match passes_on {
                true => drop(self.passed_on.insert(name, path)),
                false => self.uses.push(path),
            }
        }
    }
}

/// The code of a file without comments and without the tests in it.
fn code(source: &str) -> String {
    let production = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    production.lines().flat_map(|line| [line.split("//").next().unwrap_or_default(), "\n"]).collect()
}

/// The text after `use`, and whether the line passes it on.
fn import(line: &str) -> Option<(bool, &str)> {
    let line = line.trim_start();
    if let Some(tree) = line.strip_prefix("use ") {
        return Some((false, tree));
    }
    let public = line.strip_prefix("pub")?;
    let public = match public.strip_prefix('(') {
        Some(narrow) => narrow.split_once(')')?.1,
        None => public,
    };
    public.strip_prefix(" use ").map(|tree| (true, tree))
}

/// Each path of a tree of imports, and the name that it gets.
fn leaves(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let (before, inner) = (segments(&tree[..open]), &tree[open + 1..]);
        let inner = &inner[..matching(inner).unwrap_or(inner.len())];
        let with = |(path, name): (Vec<String>, String)| {
            let path: Vec<String> = before.iter().cloned().chain(path).collect();
            match path.last().is_some_and(|last| last == "self") && path.len() > 1 {
                true => {
                    let path = path[..path.len() - 1].to_vec();
                    let name = if name == "self" { path.last().cloned().unwrap_or_default() } else { name };
                    (path, name)
                }
                false => (path, name),
            }
        };
        return split(inner).into_iter().flat_map(leaves).map(with).collect();
    }
    let (path, name) = tree.split_once(" as ").map_or((tree, None), |(path, name)| (path, Some(name.trim())));
    let path = segments(path);
    let Some(last) = path.last().cloned() else { return Vec::new() };
    vec![(path, name.map_or(last, str::to_owned))]
}

/// Where the bracket closes that was opened just before `text`.
fn matching(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The parts between commas that are in no bracket.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
}

/// The paths that code names without an import: those from `crate`, `super` and `self`.
fn inline(code: &str) -> Vec<Vec<String>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = code.split(|c: char| !is_word(c));
    let rooted = |word: &&str| ["crate::", "super::", "self::"].iter().any(|root| word.starts_with(root));
    words.filter(rooted).map(segments).collect()
}

/// A crate of these modules.
fn planted(files: &[(&str, &str)]) -> Vec<String> {
    let mut planted = Crate::default();
    for (module, source) in files {
        planted.add(module.split('/').filter(|one| !one.is_empty()).map(str::to_owned).collect(), source);
    }
    planted.circles()
}

#[test]
fn a_circle_between_files_of_a_room_is_found_in_every_form_of_import() {
    for back in [
        "use super::link::Link;",
        "use crate::net::link::Link;",
        "use crate::net::{error, link::{Link, Other as _}};",
        "use crate::{\n    net::{\n        error,\n        link,\n    },\n};",
        "fn f() { super::link::g(); }",
        "fn f(link: &crate::net::link::Link) {}",
        "use crate::net::Link;",
        "use super::Link;",
        "use super::super::net::Link as Other;",
    ] {
        let found = planted(&[
            ("", "pub mod net;"),
            ("net", "pub mod error;\npub mod link;\npub mod tls;\npub use self::link::Link;"),
            ("net/error", ""),
            ("net/link", "use super::tls::Tls;\npub struct Link;"),
            ("net/tls", back),
        ]);
        assert_eq!(found.len(), 1, "{back}: {found:?}");
        assert!(
            found[0].contains("link names super::tls::Tls") && found[0].contains("tls names"),
            "{found:?}"
        );
    }
}

#[test]
fn a_circle_between_rooms_or_of_three_files_is_found_and_reported_once() {
    let rooms = [
        ("account", "pub mod values;"),
        ("account/values", "use crate::work::After;"),
        ("work", "mod plan;\npub use plan::After;"),
        ("work/plan", "use crate::account;\npub enum After {}"),
    ];
    assert_eq!(planted(&rooms).len(), 1);
    let three = [
        ("smtp", ""),
        ("smtp/a", "use super::b::B;"),
        ("smtp/b", "use super::c::deep::C;"),
        ("smtp/c", ""),
        ("smtp/c/deep", "use crate::smtp::a::A;"),
    ];
    let found = planted(&three);
    assert_eq!(found.len(), 1, "{found:?}");
    for by in ["a names super::b::B", "b names super::c::deep::C", "c/deep names crate::smtp::a::A"] {
        assert!(found[0].contains(by), "{found:?}");
    }
}

#[test]
fn a_module_counts_with_its_children_and_tests_and_comments_are_ignored() {
    let found = planted(&[
        ("net", "mod tls;\nuse tls::Tls;\npub struct Wire;\nuse crate::words::Failure;"),
        ("net/tls", "use super::Wire;\n// use super::link::Link;"),
        ("net/link", "use super::tls::Tls;"),
        ("words", "#[cfg(test)]\nmod tests {\n    use crate::net::Wire;\n}"),
    ]);
    assert!(found.is_empty(), "{found:?}");
}
