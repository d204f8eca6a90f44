//! Only one thing may read standard input.

use crate::cli::{Global, SendArgs};
use crate::output::Output;
use crate::words::Failure;
use std::io::IsTerminal as _;
use std::path::Path;

/// The names of standard input: `-`, and the paths that the system has for it.
pub fn is_stdin(path: &Path) -> bool {
    ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].iter().any(|name| path == Path::new(name))
}

/// Refuses two readers of standard input.
pub fn check(args: &SendArgs, global: &Global) -> Result<(), Failure> {
    let mut readers = claims(args);
    if global.password_fd == Some(0) {
        readers.push("--password-fd 0");
    }
    if readers.len() < 2 && body_reads_it(args) {
        readers.push("the text body (--body gives one without it)");
    }
    match readers.as_slice() {
        [] | [_] => Ok(()),
        [first, second, ..] => {
            Err(Failure::usage(format!("standard input: read by {first} and by {second}; only one can")))
        }
    }
}

/// The options that read standard input.
fn claims(args: &SendArgs) -> Vec<&'static str> {
    let named = |path: &Option<std::path::PathBuf>| path.as_deref().is_some_and(is_stdin);
    let mut claims = Vec::new();
    for (path, name) in
        [(&args.raw, "--raw"), (&args.body_file, "--body-file"), (&args.html_file, "--html-file")]
    {
        if named(path) {
            claims.push(name);
        }
    }
    if args.batch {
        claims.push("--batch");
    }
    for part in args.parts.iter().filter(|part| is_stdin(&part.path)) {
        claims.push(if part.inline { "--inline" } else { "--attach" });
    }
    claims
}

/// Explains at a terminal how to end the text that is typed.
pub fn announce(args: &SendArgs, out: &mut Output) {
    let what = match claims(args).first() {
        None if body_reads_it(args) => "the text",
        Some(&"--batch") => "messages, a line each",
        Some(_) => "the input",
        None => return,
    };
    if std::io::stdin().is_terminal() {
        out.tell_at_terminal(&format!("type {what}, and end it with Ctrl-D on a line of its own"));
    }
}

/// Whether the text body will be typed at a terminal.
pub fn is_typed(args: &SendArgs) -> bool {
    !args.batch && body_reads_it(args) && std::io::stdin().is_terminal()
}

/// Whether the text body is standard input: unless it is given, or an option reads standard input, or
/// there is HTML and nobody pipes anything in.
pub fn body_reads_it(args: &SendArgs) -> bool {
    let given = args.raw.is_some() || args.body.is_some() || args.body_file.is_some();
    let html = args.html.is_some() || args.html_file.is_some();
    !given && claims(args).is_empty() && !(html && std::io::stdin().is_terminal())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::AttachedPart;

    #[test]
    fn one_reader_is_fine_and_two_are_not() {
        let stdin = || Some("-".into());
        let body = SendArgs::default();
        let raw = SendArgs { raw: stdin(), ..SendArgs::default() };
        let html = SendArgs { html_file: stdin(), ..SendArgs::default() };
        let part = AttachedPart { path: "-".into(), ..AttachedPart::default() };
        let attached = SendArgs { parts: vec![part.clone()], ..SendArgs::default() };
        let two = SendArgs { body_file: stdin(), parts: vec![part], ..SendArgs::default() };
        let fine = Global::default();
        let secret = Global { password_fd: Some(0), ..Global::default() };
        for args in [&body, &raw, &html, &attached] {
            assert!(check(args, &fine).is_ok(), "{args:?}");
            assert!(check(args, &secret).is_err(), "{args:?}");
        }
        assert!(check(&two, &fine).is_err());
        let given = SendArgs { body: Some("x".into()), ..SendArgs::default() };
        assert!(check(&given, &secret).is_ok());
        assert!(body_reads_it(&body) && !body_reads_it(&attached) && !body_reads_it(&given));
    }
}
