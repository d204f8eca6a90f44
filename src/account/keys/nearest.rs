//! Hints for mistyped keys.

/// The hint for a name that is not `known`: the nearest one, if it is near, else all. `table` is put before the nearest
/// name: nothing, or the table's name and a dot.
pub fn suggest(typed: &str, known: &[&str], table: &str) -> String {
    match nearest(typed, known) {
        Some(name) => format!("did you mean `{table}{name}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The name that the user most likely meant.
pub fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    // A file written in snake_case or capitals is reported once, not once for each key.
    let normal = typed.to_lowercase().replace(['_', ' '], "-");
    let rated = known.iter().map(|name| (distance(&normal, name), *name));
    let (distance, name) = rated.min()?;
    (distance <= (name.len() / 3).max(1)).then_some(name)
}

/// How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b` (optimal string alignment).
/// Names much longer than any key just get a large number.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_the_key_that_was_meant() {
        let server =
            ["host", "port", "tls", "username", "auth", "password-command", "password-file", "password"];
        for (typed, meant) in [
            ("tsl", "tls"),
            ("hots", "host"),
            ("usrname", "username"),
            ("password_command", "password-command"),
            ("Port", "port"),
            ("passwort", "password"),
        ] {
            assert_eq!(suggest(typed, &server, ""), format!("did you mean `{meant}`?"));
        }
        for far in ["frobnicate", &"x".repeat(100_000), ""] {
            assert_eq!(suggest(far, &["maildir", "mbox"], ""), "known here: maildir, mbox");
        }
    }
}
