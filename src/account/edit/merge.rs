//! What an edit does not touch stays octet for octet.
//!
//! The library writes a document in its own way: every line end is LF, and a table's header has its keys as they were
//! written first. So an edit counts as the lines that differ between what it writes before and after, and only these
//! change in the text of the file.

use crate::account::document;
use zeroize::Zeroizing;

/// The largest comparison, in pairs of lines; beyond it all between the first and the last change counts as changed.
const MOST_PAIRS: usize = 4_000_000;

/// The text of the file, with what an edit has changed: `after` is what the library writes then.
///
/// If that cannot be told from the lines, it is all of `after`, with the line ends that the file has.
pub fn merge(text: &str, after: &str) -> Zeroizing<String> {
    let after = Zeroizing::new(after.replace("\r\n", "\n"));
    by_lines(text, &after).unwrap_or_else(|| match text.contains("\r\n") {
        true => Zeroizing::new(after.replace('\n', "\r\n")),
        false => after,
    })
}

fn by_lines(text: &str, after: &str) -> Option<Zeroizing<String>> {
    let before = rewritten(text)?;
    let (old, new): (Vec<&str>, Vec<&str>) = (before.split('\n').collect(), after.split('\n').collect());
    let mut own: Vec<&str> = text.split('\n').collect();
    // The library ends the last line.
    if own.len() + 1 == old.len() && old.last() == Some(&"") {
        own.push("");
    }
    if own.len() != old.len() {
        return None;
    }
    let kept = kept(&old, &new);
    let mut merged = Zeroizing::new(put_together(&own, text.matches('\n').count(), &new, &kept));
    // The last line of the file gets no end where it had none, and nothing follows it now.
    let last = own.len().checked_sub(2);
    if !text.ends_with('\n') && kept.len() > 1 && last.is_some() && kept[kept.len() - 2] == last {
        let unended = merged.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text).len());
        let left = unended.unwrap_or(merged.len());
        merged.truncate(left);
    }
    (rewritten(&merged)?.trim_end() == after.trim_end()).then_some(merged)
}

/// What the library writes for a text.
fn rewritten(text: &str) -> Option<Zeroizing<String>> {
    let document = document::parse(text).ok()?.into_mut();
    Some(Zeroizing::new(document.to_string().replace("\r\n", "\n")))
}

/// For each of the new lines which of the old ones it is.
fn kept(old: &[&str], new: &[&str]) -> Vec<Option<usize>> {
    let most = old.len().min(new.len());
    let first = (0..most).take_while(|at| old[*at] == new[*at]).count();
    let last =
        (0..most - first).take_while(|back| old[old.len() - 1 - back] == new[new.len() - 1 - back]).count();
    let mut kept: Vec<Option<usize>> = (0..first).map(Some).collect();
    kept.extend(
        common(&old[first..old.len() - last], &new[first..new.len() - last])
            .map(|at| at.map(|at| first + at)),
    );
    kept.extend((old.len() - last..old.len()).map(Some));
    kept
}

/// The same by the longest common subsequence.
fn common(old: &[&str], new: &[&str]) -> impl Iterator<Item = Option<usize>> + use<> {
    let (rows, columns) = (old.len() + 1, new.len() + 1);
    let mut found = vec![None; new.len()];
    if rows * columns <= MOST_PAIRS {
        // How many lines the rests have in common.
        let mut lengths = vec![0_u32; rows * columns];
        let at = |row: usize, column: usize| row * columns + column;
        for row in (0..old.len()).rev() {
            for column in (0..new.len()).rev() {
                lengths[at(row, column)] = match old[row] == new[column] {
                    true => lengths[at(row + 1, column + 1)] + 1,
                    false => lengths[at(row + 1, column)].max(lengths[at(row, column + 1)]),
                };
            }
        }
        let (mut row, mut column) = (0, 0);
        while row < old.len() && column < new.len() {
            if old[row] == new[column] {
                found[column] = Some(row);
                (row, column) = (row + 1, column + 1);
            } else if lengths[at(row + 1, column)] >= lengths[at(row, column + 1)] {
                row += 1;
            } else {
                column += 1;
            }
        }
    }
    found.into_iter()
}

/// The new lines; those that are kept as the file has them, the others with the line end of the line that they stand
/// for, or of the one before them. Of the file's own lines `ended` have an end.
fn put_together(own: &[&str], ended: usize, new: &[&str], kept: &[Option<usize>]) -> String {
    let mut text = String::with_capacity(own.iter().chain(new).map(|line| line.len() + 2).sum());
    let is_crlf = |at: usize| own.get(at).is_some_and(|line| line.ends_with('\r'));
    // Which own line is the next that is kept.
    let mut next = vec![own.len(); new.len() + 1];
    for number in (0..new.len()).rev() {
        next[number] = kept[number].unwrap_or(next[number + 1]);
    }
    let (mut crlf, mut at) = (is_crlf(0), 0);
    for (number, (line, from)) in new.iter().zip(kept).enumerate() {
        let is_last = number + 1 == new.len();
        text.push_str(from.map_or(*line, |from| own[from]));
        // Where an own line that is dropped comes next, this one stands for it.
        let counterpart = match from {
            Some(from) => Some(*from),
            None => (at < next[number]).then_some(at),
        };
        at = counterpart.map_or(at, |own| own + 1);
        crlf = counterpart.filter(|own| *own < ended).map_or(crlf, is_crlf);
        // What is kept has its end already, but for the last line of the file, where something follows it now.
        let has_end = from.is_some_and(|from| from < ended);
        if crlf && !has_end && !is_last {
            text.push('\r');
        }
        if !is_last {
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml_edit::DocumentMut;

    /// The text with `port = 1` set in `[a]`, and whatever else is asked for.
    fn edited(text: &str, change: impl FnOnce(&mut DocumentMut)) -> String {
        let mut document = document::parse(text).unwrap().into_mut();
        change(&mut document);
        merge(text, &document.to_string()).to_string()
    }

    fn with_port(text: &str) -> String {
        edited(text, |document| document["a"]["port"] = toml_edit::value(1))
    }

    #[test]
    fn line_ends_of_both_kinds_stay_as_they_are_and_a_new_line_is_like_the_one_before_it() {
        for (text, wanted) in [
            ("# x\r\n[a]\nb = 1\r\n\n[c]\r\n", "# x\r\n[a]\nb = 1\r\nport = 1\r\n\n[c]\r\n"),
            ("# x\r\n[a]\r\nb = 1\n\r\n[c]\n", "# x\r\n[a]\r\nb = 1\nport = 1\n\r\n[c]\n"),
            ("[a]\nb = 1\n#\r\n", "[a]\nb = 1\nport = 1\n#\r\n"),
            ("[a]\r\nb = 1\r\n", "[a]\r\nb = 1\r\nport = 1\r\n"),
            ("[a]\r\nb = 1", "[a]\r\nb = 1\r\nport = 1\r\n"),
            ("[a]\nb = 1", "[a]\nb = 1\nport = 1\n"),
            ("[a]\nport = 7 # x\r\nb = 1\n", "[a]\nport = 1 # x\r\nb = 1\n"),
        ] {
            let replaced = edited(text, |document| {
                let port = document["a"].get_mut("port").and_then(toml_edit::Item::as_value_mut);
                let decor = port.map(|port| port.decor().clone());
                document["a"]["port"] = toml_edit::value(1);
                if let (Some(decor), Some(port)) = (decor, document["a"]["port"].as_value_mut()) {
                    *port.decor_mut() = decor;
                }
            });
            assert_eq!(replaced, wanted, "{text:?}");
        }
    }

    #[test]
    fn a_last_line_without_an_end_stays_so_unless_something_follows_it() {
        for (text, wanted) in [
            ("[a]\nb = 1\n[c]\nd = 1", "[a]\nb = 1\nport = 1\n[c]\nd = 1"),
            ("[a]\r\nb = 1\r\n[c]\r\nd = 1", "[a]\r\nb = 1\r\nport = 1\r\n[c]\r\nd = 1"),
            ("[a]\nb = 1\n# end", "[a]\nb = 1\nport = 1\n# end"),
            ("[c]\n[a]", "[c]\n[a]\nport = 1\n"),
        ] {
            assert_eq!(with_port(text), wanted, "{text:?}");
        }
        for text in ["[a]\nb = 1", "[a]", "a = 1", "# x", "[a]\r\nb = 1", ""] {
            assert_eq!(edited(text, |_| {}), text, "nothing was changed");
        }
    }

    #[test]
    fn a_line_end_within_a_value_is_part_of_it() {
        let text = "[a]\nb = '''x\ny\r\nz'''\n[c]\r\nd = \"\"\"\\\r\n  e\"\"\"\r\n";
        let wanted = text.replace("z'''\n", "z'''\nport = 1\n");
        assert_eq!(with_port(text), wanted);
    }

    #[test]
    fn headers_and_keys_stay_as_they_were_written() {
        let text = " [ \"x\" . y ] \n c = 1\n[ x.'z' ] # q\n[a]\nb=1\n\t\n[x . \"\\u0079y\"]\n";
        assert_eq!(with_port(text), text.replace("b=1\n", "b=1\nport = 1\n"));
    }

    #[test]
    fn changes_at_both_ends_leave_what_is_between() {
        let middle = "[a] \r\nb = 1\n".to_owned() + &"# same\r\n# same\n".repeat(300);
        let changed = edited(&middle, |document| {
            document["z"] = toml_edit::table();
            document["z"]["y"] = toml_edit::value("x");
            document["a"]["port"] = toml_edit::value(1);
        });
        assert!(changed.contains("[a] \r\nb = 1\nport = 1\n"), "{changed:.200}");
        assert!(changed.contains(&"# same\r\n# same\n".repeat(300)));
        let fresh = edited("", |document| document["d"] = toml_edit::value("x"));
        assert_eq!(fresh, "d = \"x\"\n");
    }
}
