//! `postie completions` and `postie man`.

use super::Context;
use crate::cli::complete::{self, SHELLS};
use crate::cli::{CompletionsArgs, ManArgs};
use crate::manual::{self, Page};
use crate::words::{Exit, Failure, Kind, Stage};
use serde::Serialize;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

/// `script`.
#[derive(Serialize)]
struct ScriptLine<'a> {
    shell: &'a str,
    text: &'a str,
}

/// `page`.
#[derive(Serialize)]
struct PageLine<'a> {
    page: &'a str,
    text: &'a str,
}

/// Prints the completion script of a shell, or the names that one asks for.
pub fn completions(args: &CompletionsArgs, context: &mut Context) -> anyhow::Result<()> {
    let text = match SHELLS.iter().find(|shell| shell.name == args.shell) {
        Some(shell) => shell.script(),
        None => {
            let names = complete::names(&args.shell, context.global.config.as_deref(), &context.env);
            names.iter().map(|name| format!("{name}\n")).collect()
        }
    };
    context.out.line("script", &ScriptLine { shell: &args.shell, text: &text });
    if !context.out.is_json() {
        context.out.raw(text.as_bytes());
    }
    context.out.settle(Exit::Ok);
    Ok(())
}

/// Shows a page.
pub fn man(args: &ManArgs, context: &mut Context) -> anyhow::Result<()> {
    let pages = manual::pages().map_err(cannot_make)?;
    let names: Vec<String> = pages.iter().map(Page::file_name).collect();
    let wanted = args.page.as_deref().unwrap_or("postie");
    let page = manual::find(pages, wanted).ok_or_else(|| {
        Failure::usage(format!("{wanted:?}: looking for the page: there is none of that name"))
            .hint(format!("the pages: {}", names.join(", ")))
    })?;
    let text = String::from_utf8_lossy(&page.roff);
    context.out.line("page", &PageLine { page: &page.file_name(), text: &text });
    if !context.out.is_json() {
        if !io::stdout().is_terminal() {
            context.out.raw(&page.roff);
        } else if !by_man(&page.roff) {
            context.out.raw(manual::plain(&page.roff).as_bytes());
        }
    }
    context.out.settle(Exit::Ok);
    Ok(())
}

/// Has man(1) show a page; `false` where there is none.
fn by_man(roff: &[u8]) -> bool {
    let Ok(mut man) = Command::new("man").args(["-l", "-"]).stdin(Stdio::piped()).spawn() else {
        return false;
    };
    let Some(mut input) = man.stdin.take() else { return false };
    // Leaving the pager early is not an error.
    let fed = match input.write_all(roff) {
        Ok(()) => true,
        Err(error) => error.kind() == ErrorKind::BrokenPipe,
    };
    drop(input);
    fed && man.wait().is_ok_and(|status| status.success())
}

fn cannot_make(error: io::Error) -> Failure {
    Failure::new(Kind::Internal, Stage::Manual, format!("making it: {error}"))
}
