//! The arguments of fetch, list and test-account.

use crate::account::{Account, Protocol, values};
use crate::words::Failure;
use clap::{Args, value_parser};
use std::path::PathBuf;
use std::time::Duration;

/// Download new messages.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "Without a destination here, the account's is used. A message is deleted from the \
                        server only after it would survive a power cut here. The notes that some mail servers keep as \
                        the first message (\"FOLDER INTERNAL DATA\") are fetched only with --all and --uid.")]
pub struct FetchArgs {
    /// Deliver into this Maildir
    #[arg(long, value_name = "DIR", group = "destination")]
    pub maildir: Option<PathBuf>,

    /// Deliver into this mbox (mboxrd)
    #[arg(long, value_name = "FILE", group = "destination")]
    pub mbox: Option<PathBuf>,

    /// Give each message to a command (run by sh -c): exit status 0 accepts it, 75 leaves it for the next run
    ///
    /// 79: accepted, with an unknown outcome; this is reported, and the message is never given again, nor deleted.
    /// 126 and 127: the command cannot be run, and the run ends. Any other status: the message has failed, as it has
    /// if the command takes longer than ten minutes (or --timeout, if that is longer).
    #[arg(long, value_name = "CMD", group = "destination")]
    pub exec: Option<String>,

    /// Write the messages to standard output (mboxrd; with --json as parsed lines); only --delete deletes them
    #[arg(long, group = "destination")]
    pub stdout: bool,

    /// With --stdout or --exec: record nothing and delete nothing; the next run fetches the same messages
    #[arg(long, conflicts_with_all = ["maildir", "mbox", "delete", "delete_after", "mark_seen", "forget"])]
    pub peek: bool,

    /// Leave messages on the server (the default)
    #[arg(long, group = "afterwards")]
    pub keep: bool,

    /// Delete messages from the server once they are stored durably
    ///
    /// These are the messages that this run delivers, and those that earlier runs delivered and kept. Messages that
    /// were only marked as seen stay. With --uid only the named messages are deleted. An account's after = "delete"
    /// does the same, but not with --stdout.
    #[arg(long, group = "afterwards")]
    pub delete: bool,

    /// Delete delivered messages from the server so long after they were first seen
    #[arg(long, value_name = "DUR", group = "afterwards", value_parser = values::duration)]
    pub delete_after: Option<Duration>,

    /// Fetch all messages, also those fetched before
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

    /// Print what would be done, and change nothing anywhere
    #[arg(long)]
    pub dry_run: bool,

    /// Fetch from every account
    #[arg(long, conflicts_with_all = ["account", "server"])]
    pub all_accounts: bool,

    /// With --all-accounts: how many accounts at once
    #[arg(short, long, value_name = "N", requires = "all_accounts", default_value = "4", value_parser = value_parser!(u8).range(1..=64))]
    pub jobs: u8,

    /// How long to wait for another run of the same account
    #[arg(long, value_name = "DUR", default_value = "0s", value_parser = values::duration)]
    pub wait: Duration,

    /// Repeat sessions until the server lists nothing new
    #[arg(long)]
    pub until_empty: bool,

    /// Mark the messages as fetched, and fetch nothing; messages that were only marked are never deleted
    #[arg(long, conflicts_with_all = ["forget", "destination", "afterwards", "all", "until_empty"])]
    pub mark_seen: bool,

    /// Forget these UIDs, so that they count as new again; fetch nothing
    #[arg(long, value_name = "UID", num_args = 1.., conflicts_with_all = ["destination", "afterwards", "all", "until_empty"])]
    pub forget: Vec<String>,

    /// Go on although all known UIDs are gone and others are listed
    #[arg(long)]
    pub accept_uid_reset: bool,

    #[command(flatten)]
    pub from: SourceArgs,
}

/// Which server mail is fetched from, and which folder.
#[derive(Clone, Debug, Default, Args)]
pub struct SourceArgs {
    /// Use the account's POP3 server
    #[arg(long)]
    pub pop3: bool,

    /// Use the account's IMAP server
    #[arg(long, conflicts_with = "pop3")]
    pub imap: bool,

    /// Use this folder of an IMAP server, named as in list --folders (default: INBOX)
    #[arg(long, value_name = "NAME", conflicts_with = "pop3")]
    pub folder: Option<String>,
}

impl SourceArgs {
    /// Has the account fetch by the protocol and from the folder that are named, if any are.
    pub fn apply(&self, account: &mut Account) -> Result<(), Failure> {
        match self {
            SourceArgs { pop3: true, .. } => account.fetch_by(Protocol::Pop3)?,
            SourceArgs { imap: true, .. } => account.fetch_by(Protocol::Imap)?,
            SourceArgs { .. } => {}
        }
        self.folder.as_deref().map_or(Ok(()), |folder| account.fetch_from(folder))
    }
}

/// Show what is on the server.
#[derive(Clone, Debug, Default, Args)]
pub struct ListArgs {
    /// Only messages that fetch would fetch
    #[arg(long)]
    pub new: bool,

    /// Only the newest N messages
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub limit: Option<u64>,

    /// Only sizes and UIDs: does not ask for headers
    #[arg(long)]
    pub no_headers: bool,

    /// Show the folders of an IMAP account instead of messages
    #[arg(long, conflicts_with_all = ["new", "limit", "no_headers", "folder"])]
    pub folders: bool,

    #[command(flatten)]
    pub from: SourceArgs,
}

/// Check an account step by step.
#[derive(Clone, Debug, Default, Args)]
pub struct TestAccountArgs {
    /// Only the receiving side, by POP3
    #[arg(long, conflicts_with_all = ["smtp", "imap"])]
    pub pop3: bool,

    /// Only the receiving side, by IMAP
    #[arg(long, conflicts_with = "smtp")]
    pub imap: bool,

    /// Only the sending side
    #[arg(long)]
    pub smtp: bool,
}
