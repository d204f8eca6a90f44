//! Layer 7: the command line, as clap types. The doc comments of arguments are the help texts, and go into the
//! manual pages.

pub(crate) mod complete;
pub(crate) mod config;
pub(crate) mod global;
pub(crate) mod manual;
pub(crate) mod receive;
pub(crate) mod send;
pub(crate) mod sendmail;

pub(crate) use config::{ConfigArgs, ConfigVerb};
pub(crate) use global::{ColorWhen, Global};
pub(crate) use manual::{CompletionsArgs, ManArgs};
pub(crate) use receive::{FetchArgs, ListArgs, TestAccountArgs};
pub(crate) use send::{AttachedPart, SendArgs};
pub(crate) use sendmail::{SendmailArgs, SendmailMode};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::ffi::OsString;

/// Fetch, send and list mail; made for scripts.
///
/// A message is never lost, doubled or torn; the exit code and the JSON lines say what happened.
#[derive(Debug, Parser)]
#[command(name = "postie", version, max_term_width = 100, propagate_version = false)]
#[command(after_help = "Exit codes: 0 done, 1 part done, 64-79 as `postie man` lists them.")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Download new messages into a Maildir, an mbox, or to a command
    Fetch(Box<FetchArgs>),
    /// Show what is on the server, download nothing
    List(ListArgs),
    /// Send a message
    Send(Box<SendArgs>),
    /// Check every step from DNS to login, and say what to change
    TestAccount(TestAccountArgs),
    /// Manage accounts
    Config(ConfigArgs),
    /// Print a script that completes postie's arguments in the shell
    Completions(CompletionsArgs),
    /// Show a page of the manual
    Man(ManArgs),
}

impl Command {
    /// The name of every command.
    pub const NAMES: &'static [&'static str] =
        &["fetch", "list", "send", "test-account", "config", "completions", "man"];

    /// The command's name, as in the JSON `summary`.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Fetch(_) => "fetch",
            Command::List(_) => "list",
            Command::Send(_) => "send",
            Command::TestAccount(_) => "test-account",
            Command::Config(_) => "config",
            Command::Completions(_) => "completions",
            Command::Man(_) => "man",
        }
    }
}

impl Cli {
    /// Reads the arguments; the first is the program's name.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Cli::command().try_get_matches_from(args)?;
        let mut cli = Cli::from_arg_matches(&matches)?;
        if let (Command::Send(send), Some((_, matches))) = (&mut cli.command, matches.subcommand()) {
            send.bind_parts(matches)?;
            // A batch always answers in JSON Lines.
            cli.global.json |= send.batch;
        }
        Ok(cli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(std::iter::once("postie").chain(line.split_whitespace()).map(OsString::from))
    }

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_behind_the_command() {
        for line in ["-A work --json fetch", "fetch -A work --json", "--json fetch -A work"] {
            let cli = read(line).unwrap();
            assert_eq!(cli.global.account.as_deref(), Some("work"), "{line}");
            assert!(cli.global.json, "{line}");
        }
    }

    #[test]
    fn names_and_types_belong_to_the_attachment_before_them() {
        let line =
            "send -a one --attach two --attach-name b.txt --attach-type text/x --inline pic --cid p1 -a -";
        let Command::Send(send) = read(line).unwrap().command else { panic!("not send") };
        let shown: Vec<_> = send
            .parts
            .iter()
            .map(|p| {
                (
                    p.path.to_str().unwrap(),
                    p.name.as_deref(),
                    p.content_type.as_deref(),
                    p.inline,
                    p.cid.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("one", None, None, false, None),
                ("two", Some("b.txt"), Some("text/x"), false, None),
                ("pic", None, None, true, Some("p1")),
                ("-", None, None, false, None),
            ]
        );
        assert!(read("send --attach-name x -a one").is_err(), "a name before any attachment");
        assert!(read("send -a one --cid x").is_err(), "an attachment is not inline");
        assert!(read("send -a one --attach-name x --attach-name y").is_err(), "two names for one");
    }

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "fetch --keep --delete",
            "fetch --maildir a --mbox b",
            "fetch --delete --delete-after 3d",
            "fetch --limit -1",
            "fetch --max-size x",
            "fetch --all-accounts -A work",
            "--timeout 0s list",
            "list --password x",
            "send --body x --body-file y",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
