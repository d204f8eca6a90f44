//! The arguments of fetch, list and test-account.

use crate::account::{Account, Protocol, values};
use crate::store::Layout;
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

    /// Deliver into this directory, an mbox for each folder (IMAP)
    #[arg(long, value_name = "DIR", group = "destination")]
    pub mbox_dir: Option<PathBuf>,

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
    #[arg(long, conflicts_with_all = ["maildir", "mbox", "delete", "delete_after", "move_to", "mark_seen", "forget"])]
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

    /// Move messages to this folder of the server once they are stored durably, instead of deleting them (IMAP)
    ///
    /// These are the same messages that --delete would delete. The folder is named as in list --folders, and has to be
    /// there. A server without MOVE copies them and then deletes them.
    #[arg(long, value_name = "FOLDER", group = "afterwards", value_parser = values::folder_name)]
    pub move_to: Option<String>,

    /// Fetch all messages, also those fetched before
    #[arg(long)]
    pub all: bool,

    /// Fetch, or mark, at most N messages, of all folders together
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

    /// Fetch as mail arrives, until a signal or --max-time ends it
    ///
    /// By IMAP the server tells of new mail (IDLE), of several folders in INBOX or the first one; the others, servers
    /// without IDLE and POP3 servers are looked at from time to time (--every). Failures that may pass do not end it.
    /// Nothing is locked while it waits. With --all-accounts each account is watched, whatever -j says.
    #[arg(long, conflicts_with_all = ["dry_run", "mark_seen", "forget", "peek", "until_empty", "all", "uid"])]
    pub watch: bool,

    /// With --watch: how long after a fetch to look again, where the server does not tell of new mail (5m)
    #[arg(long, value_name = "DUR", requires = "watch", value_parser = values::pause)]
    pub every: Option<Duration>,

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

    /// Fetch from these folders of an IMAP server, named as in list --folders (default: INBOX)
    ///
    /// In a name, * and % stand for others, as in IMAP. One folder goes to the destination itself, several to subfolders of a
    /// Maildir (see --layout), or with --mbox-dir to an mbox each.
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "pop3")]
    pub folder: Vec<String>,

    /// Fetch from all folders of an IMAP server
    ///
    /// These are those that hold the user's own mail: not what the server calls All, Junk or Trash, nor folders of
    /// other users and shared ones.
    #[arg(long, conflicts_with_all = ["pop3", "folder"])]
    pub all_folders: bool,

    /// Store a message that stands in several folders once: the first folder's copy
    ///
    /// The content decides. Its other copies count as fetched, and --delete deletes them, too.
    #[arg(long, conflicts_with = "pop3")]
    pub dedupe: bool,

    /// How several folders lie in one Maildir: maildir++ (.A.B, the default) or nested (A/B)
    #[arg(long, value_name = "LAYOUT", value_parser = values::layout, conflicts_with_all = ["pop3", "mbox", "mbox_dir", "exec", "stdout"])]
    pub layout: Option<Layout>,
}

/// Which server mail is fetched from.
#[derive(Clone, Debug, Default, Args)]
pub struct SourceArgs {
    /// Use the account's POP3 server
    #[arg(long)]
    pub pop3: bool,

    /// Use the account's IMAP server
    #[arg(long, conflicts_with = "pop3")]
    pub imap: bool,
}

impl SourceArgs {
    /// Has the account fetch by the protocol that is named, if one is.
    pub fn apply(&self, account: &mut Account) -> Result<(), Failure> {
        match self {
            SourceArgs { pop3: true, .. } => account.fetch_by(Protocol::Pop3),
            SourceArgs { imap: true, .. } => account.fetch_by(Protocol::Imap),
            SourceArgs { .. } => Ok(()),
        }
    }
}

/// Show what is on the server.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "By POP3 the messages come in the server's order, by IMAP the newest first.")]
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

    /// Use this folder of an IMAP server, named as in --folders (default: INBOX)
    #[arg(long, value_name = "NAME", conflicts_with = "pop3")]
    pub folder: Option<String>,

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
