//! The commands that look at a mailbox: fetch, list, test-account.

use crate::account::values;
use clap::{Args, value_parser};
use std::path::PathBuf;
use std::time::Duration;

/// Download new messages.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "Without a destination here, the account's is used. A message is deleted from the \
                        server only after it would survive a power cut here. The notes that some mail servers keep as \
                        the first message (\"FOLDER INTERNAL DATA\") are left alone, but for --all and --uid.")]
pub struct FetchArgs {
    /// Deliver into this Maildir
    #[arg(long, value_name = "DIR", group = "destination")]
    pub maildir: Option<PathBuf>,

    /// Deliver into this mbox (mboxrd)
    #[arg(long, value_name = "FILE", group = "destination")]
    pub mbox: Option<PathBuf>,

    /// Give each message to a command (run by sh -c): exit status 0 takes it, 75 leaves it for the next run
    ///
    /// 79: taken, and what became of it is not known; that is told, and the message is never given again, nor
    /// deleted. 126 and 127: the command cannot be run, and the run ends. Any other status: the message has failed.
    /// So has one whose command is not done after ten minutes (or --timeout, if that is longer).
    #[arg(long, value_name = "CMD", group = "destination")]
    pub exec: Option<String>,

    /// Write the messages to standard output (mboxrd; with --json as parsed lines); only --delete deletes them
    #[arg(long, group = "destination")]
    pub stdout: bool,

    /// With --stdout or --exec: record nothing and delete nothing; the next run takes the same messages
    #[arg(long, conflicts_with_all = ["maildir", "mbox", "delete", "delete_after", "mark_seen", "forget"])]
    pub peek: bool,

    /// Leave messages on the server (the default)
    #[arg(long, group = "afterwards")]
    pub keep: bool,

    /// Delete from the server what is safe here
    ///
    /// That is what this run delivers, and what earlier runs delivered and kept. Messages that were only marked as
    /// seen stay. With --uid only the messages named go. An account's after = "delete" does the same, but not
    /// with --stdout.
    #[arg(long, group = "afterwards")]
    pub delete: bool,

    /// Delete what was delivered from the server this long after it was first seen
    #[arg(long, value_name = "DUR", group = "afterwards", value_parser = values::duration)]
    pub delete_after: Option<Duration>,

    /// Fetch everything, fetched before or not
    #[arg(long)]
    pub all: bool,

    /// Fetch at most N messages
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub limit: Option<u64>,

    /// Skip messages larger than this
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub max_size: Option<u64>,

    /// Fetch only the messages with these UIDs
    #[arg(long, value_name = "UID", num_args = 1..)]
    pub uid: Vec<String>,

    /// Print the plan and change nothing anywhere
    #[arg(long)]
    pub dry_run: bool,

    /// Run every account
    #[arg(long, conflicts_with_all = ["account", "server"])]
    pub all_accounts: bool,

    /// With --all-accounts: how many at once
    #[arg(short, long, value_name = "N", requires = "all_accounts", default_value = "4", value_parser = value_parser!(u8).range(1..=64))]
    pub jobs: u8,

    /// How long to wait for another run of the same account
    #[arg(long, value_name = "DUR", default_value = "0s", value_parser = values::duration)]
    pub wait: Duration,

    /// Repeat sessions until the server lists nothing new
    #[arg(long)]
    pub until_empty: bool,

    /// Mark what would be fetched as seen, and fetch nothing; what was only marked is never deleted
    #[arg(long, conflicts_with_all = ["forget", "destination", "afterwards", "all", "until_empty"])]
    pub mark_seen: bool,

    /// Forget these UIDs, so that they count as new again, and fetch nothing
    #[arg(long, value_name = "UID", num_args = 1.., conflicts_with_all = ["destination", "afterwards", "all", "until_empty"])]
    pub forget: Vec<String>,

    /// Go on although every UID known is gone and others are listed
    #[arg(long)]
    pub accept_uid_reset: bool,
}

/// Show what is on the server.
#[derive(Clone, Debug, Default, Args)]
pub struct ListArgs {
    /// Only what fetch would take
    #[arg(long)]
    pub new: bool,

    /// Only the newest N
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub limit: Option<u64>,

    /// Sizes and UIDs alone: asks for no headers
    #[arg(long)]
    pub no_headers: bool,
}

/// Check an account step by step.
#[derive(Clone, Debug, Default, Args)]
pub struct TestAccountArgs {
    /// Only the receiving side
    #[arg(long, conflicts_with = "smtp")]
    pub pop3: bool,

    /// Only the sending side
    #[arg(long)]
    pub smtp: bool,
}
