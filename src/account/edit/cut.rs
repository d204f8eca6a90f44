//! Takes keys and tables out of the text of the file, by whole lines; all other lines stay octet for octet.
//!
//! The library hangs what stands before a key or a table on it, up to the one before: with the first account it would
//! take along the head of the file. Here a comment goes with what it stands directly above, and only that.

use crate::account::document;
use std::ops::Range;
use toml_edit::{Item, TableLike};
use zeroize::Zeroizing;

/// The text without what this path names. `None` if that has no lines of its own (it is in an inline table, for
/// example), or is not there.
pub fn without(text: &str, path: &[&str]) -> Option<Zeroizing<String>> {
    let document = document::parse(text).ok()?;
    let mut own = Vec::new();
    collect(item_at(document.as_item(), path)?, text, &mut own);
    let mut table = document.as_item();
    for (at, name) in path.iter().enumerate() {
        let (key, item) = table.as_table()?.get_key_value(name)?;
        if at + 1 == path.len() && item.is_value() {
            own.push(lines_of(text, key.span()?.start..item.span()?.end));
        }
        table = item;
    }
    own.sort_by_key(|lines| lines.start);
    let mut left = Zeroizing::new(text.to_owned());
    for lines in joined(text, &own).into_iter().rev() {
        left.replace_range(with_surroundings(text, lines), "");
    }
    is_all_the_rest(text, &left, path).then_some(left)
}

fn item_at<'a>(top: &'a Item, path: &[&str]) -> Option<&'a Item> {
    path.iter().try_fold(top, |item, name| item.as_table()?.get(name))
}

/// The lines of headers and values in a table, as far as it has some of its own.
fn collect(item: &Item, text: &str, own: &mut Vec<Range<usize>>) {
    let Some(table) = item.as_table() else { return };
    if !table.is_implicit() && !table.is_dotted() {
        own.extend(table.span().map(|span| lines_of(text, span)));
    }
    for (name, item) in table.iter() {
        match (item.is_value(), table.key(name).and_then(toml_edit::Key::span), item.span()) {
            (true, Some(key), Some(value)) => own.push(lines_of(text, key.start..value.end)),
            _ => collect(item, text, own),
        }
    }
}

/// The whole lines that a part of the text touches.
fn lines_of(text: &str, part: Range<usize>) -> Range<usize> {
    let end = text[part.end..].find('\n').map_or(text.len(), |at| part.end + at + 1);
    line_start(text, part.start)..end
}

/// Where the line of this place begins.
fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}

/// The lines, with the blank ones and the comments that have nothing else on either side.
fn joined(text: &str, own: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for lines in own {
        match all.last_mut() {
            Some(last) if last.end >= lines.start || text[last.end..lines.start].lines().all(is_idle) => {
                last.end = last.end.max(lines.end);
            }
            _ => all.push(lines.clone()),
        }
    }
    all
}

/// The lines, with the comment directly above them and the blank lines that would be left twice.
fn with_surroundings(text: &str, mut lines: Range<usize>) -> Range<usize> {
    let is_header = text[lines.start..].trim_start().starts_with('[');
    let comment = above(text, lines.start, is_comment);
    let before = text[..comment].lines().next_back();
    // The head of the file is about all of it. What stands directly below another table's last key may be that table's.
    if comment > 0 && (!is_header || before.is_some_and(is_blank)) {
        lines.start = comment;
    }
    let behind = below(text, lines.end, is_blank);
    if lines.start == 0 {
        lines.end = behind;
    } else if behind > lines.end || lines.end == text.len() {
        lines.start = above(text, lines.start, is_blank);
    }
    lines
}

/// Where the lines of this sort begin that end at `at`.
fn above(text: &str, mut at: usize, sort: fn(&str) -> bool) -> usize {
    while at > 0 {
        let start = line_start(text, at - 1);
        if !sort(&text[start..at]) {
            break;
        }
        at = start;
    }
    at
}

/// Where the lines of this sort end that begin at `at`.
pub(super) fn below(text: &str, mut at: usize, sort: fn(&str) -> bool) -> usize {
    while at < text.len() {
        let end = lines_of(text, at..at).end;
        if !sort(&text[at..end]) {
            break;
        }
        at = end;
    }
    at
}

pub(super) fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

pub(super) fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

fn is_idle(line: &str) -> bool {
    is_blank(line) || is_comment(line)
}

/// Whether the second text has the values of the first but for those below the path.
fn is_all_the_rest(text: &str, left: &str, path: &[&str]) -> bool {
    let values = |text: &str| {
        let document = document::parse(text).ok()?;
        let mut found = Vec::new();
        list(document.as_table(), &mut Vec::new(), &mut found);
        Some(found)
    };
    let (Some(mut wanted), Some(found)) = (values(text), values(left)) else { return false };
    wanted.retain(|(at, _)| !at.iter().map(String::as_str).take(path.len()).eq(path.iter().copied()));
    wanted == found
}

fn list(table: &dyn TableLike, at: &mut Vec<String>, found: &mut Vec<(Vec<String>, Zeroizing<String>)>) {
    for (name, item) in table.iter() {
        at.push(name.to_owned());
        match item.as_table_like() {
            Some(table) => list(table, at, found),
            None => found.push((at.clone(), Zeroizing::new(item.to_string().trim().to_owned()))),
        }
        at.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left without an account of that name.
    fn rest(text: &str, name: &str) -> String {
        without(text, &["accounts", name]).unwrap().to_string()
    }

    const FILE: &str = "# all my mail; see the wiki\n# second line\n\n[accounts.a] # first\nemail = 'a@b.example' # of a\n\
        \n# servers of a\n[accounts.a.pop3]\nhost = 'h'\n# port = 1\n\n# about b\n# more\n[accounts.b]\n\
        email = 'b@b.example'\n# name = 'B'\n\n[accounts.c]\nemail = 'c@b.example'\n# the end\n";

    #[test]
    fn an_account_goes_with_its_own_comments_alone() {
        let head = "# all my mail; see the wiki\n# second line\n";
        for (name, wanted) in [
            ("a", format!("{head}{}", &FILE[FILE.find("# port = 1").unwrap()..])),
            ("b", FILE.replace("# about b\n# more\n[accounts.b]\nemail = 'b@b.example'\n", "")),
            ("c", FILE.replace("\n[accounts.c]\nemail = 'c@b.example'\n", "\n")),
        ] {
            let wanted =
                if name == "a" { wanted.replace("# second line\n#", "# second line\n\n#") } else { wanted };
            assert_eq!(rest(FILE, name), wanted, "{name}");
            let crlf = FILE.replace('\n', "\r\n");
            assert_eq!(rest(&crlf, name), wanted.replace('\n', "\r\n"), "{name}");
        }
        let unended = FILE.trim_end();
        assert_eq!(rest(unended, "b"), rest(FILE, "b").trim_end());
    }

    #[test]
    fn a_comment_that_begins_the_file_stays_even_directly_above_the_first_account() {
        assert_eq!(
            rest("# mine\n[accounts.a]\nemail = 'x'\n\n[accounts.b]\n", "a"),
            "# mine\n\n[accounts.b]\n"
        );
        assert_eq!(rest("# mine\n[accounts.a]\nemail = 'x'", "a"), "# mine\n");
        assert_eq!(rest("[accounts.a]\nemail = 'x'\n\n[accounts.b]\n", "a"), "[accounts.b]\n");
        let text = "# mine\ndefault-account = 'a' # it\n\n[accounts.a]\n";
        assert_eq!(*without(text, &["default-account"]).unwrap(), "# mine\n\n[accounts.a]\n");
    }

    #[test]
    fn the_tables_of_an_account_may_lie_anywhere_in_any_form() {
        for (text, wanted) in [
            (
                "[accounts.a]\nx = 1\n[accounts.b]\ny = 1\n\n# q\n[accounts.a.pop3]\nz = 1\n[accounts.b.pop3]\n",
                "[accounts.b]\ny = 1\n\n[accounts.b.pop3]\n",
            ),
            ("[accounts]\na.x = 1\n# b\nb.y = 2\na.z.z = 3\n", "[accounts]\n# b\nb.y = 2\n"),
            ("accounts.a.x = 1\naccounts.b.y = 2\naccounts.a.p.x = 3\n", "accounts.b.y = 2\n"),
            ("[accounts]\na = { x = 1 } # a\nb = { y = 2 }\n", "[accounts]\nb = { y = 2 }\n"),
            (
                "[accounts.b]\ny = 1\n[accounts.a]\nx = '''\n[accounts.b]\n'''\n[other]\n",
                "[accounts.b]\ny = 1\n[other]\n",
            ),
            ("[ accounts . \"a\" ]\nx = [\n 1, # one\n\n 2 ]\n[accounts.b]\n", "[accounts.b]\n"),
            ("[accounts.a.pop3]\nx = 1\n\n[accounts.a.smtp]\n\n[accounts.b]\n", "[accounts.b]\n"),
        ] {
            assert_eq!(rest(text, "a"), wanted, "{text:?}");
        }
    }

    #[test]
    fn what_has_no_lines_of_its_own_is_left_to_the_library() {
        for text in
            ["accounts = { a = { x = 1 }, b = { y = 2 } }\n", "[accounts.b]\n", "", "accounts = 1\n", "[["]
        {
            assert!(without(text, &["accounts", "a"]).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_key_goes_with_the_comment_directly_above_it() {
        let text = "[accounts.a]\n# about x\n\nx = 1 # one\n# of y\ny = 2\n\nz = 3\n\n# end\n";
        let left = |key: &str| without(text, &["accounts", "a", key]).unwrap().to_string();
        assert_eq!(left("x"), "[accounts.a]\n# about x\n\n# of y\ny = 2\n\nz = 3\n\n# end\n");
        assert_eq!(left("y"), "[accounts.a]\n# about x\n\nx = 1 # one\n\nz = 3\n\n# end\n");
        assert_eq!(left("z"), "[accounts.a]\n# about x\n\nx = 1 # one\n# of y\ny = 2\n\n# end\n");
    }
}
