//! Adds an account, or which is the default, to the text of the file. By itself the library puts an account above the
//! comments that end the file, and the default above those that begin it.

use super::cut::{below, is_blank, is_comment};
use toml_edit::{Key, Value};
use zeroize::Zeroizing;

/// The text with the header of an account at its end.
pub fn account(text: &str, name: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(text.to_owned());
    let is_crlf = text.rfind('\n').is_some_and(|at| text[..at].ends_with('\r'));
    let line_end = if is_crlf { "\r\n" } else { "\n" };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(line_end);
    }
    if !text.is_empty() {
        text.push_str(line_end);
    }
    text.push_str(&format!("[accounts.{}]{line_end}", Key::new(name).display_repr()));
    text
}

/// The text with `default-account`, which it does not have, above all but the comment that begins it.
pub fn default(text: &str, name: &str) -> Zeroizing<String> {
    let is_crlf = text.split('\n').next().is_some_and(|line| line.ends_with('\r'));
    let line_end = if is_crlf { "\r\n" } else { "\n" };
    let comment = below(text, 0, is_comment);
    let rest = below(text, comment, is_blank);
    // A comment directly above something is about that.
    let at = if rest > comment || comment == text.len() { rest } else { 0 };
    let mut whole = Zeroizing::new(text[..at].to_owned());
    if !whole.is_empty() && !whole.ends_with('\n') {
        whole.push_str(line_end);
    }
    whole.push_str(&format!("default-account = {}{line_end}", Value::from(name).to_string().trim()));
    if !text[at..].is_empty() {
        whole.push_str(line_end);
    }
    whole.push_str(&text[at..]);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_stands_below_the_comment_that_begins_the_file_and_above_all_else() {
        for (text, wanted) in [
            ("[accounts.a]\n", "default-account = \"a\"\n\n[accounts.a]\n"),
            ("# mine\n\n[accounts.a]\n", "# mine\n\ndefault-account = \"a\"\n\n[accounts.a]\n"),
            ("# of a\n[accounts.a]\n", "default-account = \"a\"\n\n# of a\n[accounts.a]\n"),
            (
                "# mine\r\n\r\n[accounts.a]\r\n",
                "# mine\r\n\r\ndefault-account = \"a\"\r\n\r\n[accounts.a]\r\n",
            ),
            ("accounts.a.x = 1", "default-account = \"a\"\n\naccounts.a.x = 1"),
            ("# only", "# only\ndefault-account = \"a\"\n"),
            ("", "default-account = \"a\"\n"),
        ] {
            assert_eq!(*default(text, "a"), wanted, "{text:?}");
        }
    }
}
