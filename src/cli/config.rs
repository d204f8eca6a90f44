//! The arguments of `postie config`.
#![allow(rustdoc::broken_intra_doc_links, reason = "these texts are the help, where brackets are brackets")]

use crate::account::import::Tool;
use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Manage accounts.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub verb: ConfigVerb,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ConfigVerb {
    /// Add an account; on a terminal, asks for what is missing
    Add(Box<AddArgs>),
    /// Take over accounts of another mail program
    Import(ImportArgs),
    /// List the accounts
    List,
    /// Show an account, without secrets
    Show {
        /// The account
        name: String,
    },
    /// Set one key of an account
    Set {
        /// The account
        name: String,
        /// The key, with dots inside tables: pop3.host
        key: String,
        /// The value; for a command a line for sh -c, or its words, or an array: '["pass", "show", "x"]'
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// More words of a command or more addresses of an alias; -- comes before words that begin with a dash
        #[arg(value_name = "VALUE")]
        more: Vec<String>,
    },
    /// Remove one key of an account
    Unset {
        /// The account
        name: String,
        /// The key, with dots inside tables: pop3.host
        key: String,
    },
    /// Remove an account
    Remove {
        /// The account
        name: String,
    },
    /// Show the default account, or set it
    Default {
        /// The account
        name: Option<String>,
    },
    /// Log in to an account's provider in a browser (OAuth2), once; from then on tokens are renewed
    Login(LoginArgs),
    /// Print the path of the configuration file
    Path,
    /// Check the configuration file
    Check,
    /// Show how it stands with OAuth2 tokens; exit code 77 if somebody must log in
    Status {
        /// The account; else all that have tokens
        name: Option<String>,
    },
    /// Log out: end what was granted to postie, and forget the tokens
    Logout {
        /// The account; else the default account
        name: Option<String>,
    },
}

/// Add an account. The secret options (--password-command and so on) say where its secret comes from.
#[derive(Clone, Debug, Default, Args)]
pub struct AddArgs {
    /// The account's name in postie; or its mail address, whose domain names it
    #[arg(value_name = "NAME")]
    pub account_name: Option<String>,

    /// The mail address
    #[arg(long, value_name = "ADDR")]
    pub email: Option<String>,

    /// The display name
    #[arg(long, value_name = "DISPLAY")]
    pub name: Option<String>,

    /// A remark
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// The server to fetch from: pop3s://[user@]host[:port]; without a URL, the one that is found
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    pub pop3: Option<String>,

    /// The server to fetch from by IMAP: imaps://[user@]host[:port]; without a URL, the one that is found
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "", conflicts_with = "pop3")]
    pub imap: Option<String>,

    /// The server to send through: smtps://[user@]host[:port]
    #[arg(long, value_name = "URL")]
    pub smtp: Option<String>,

    /// Log in by OAuth2: with a provider (google, microsoft, …) or an authorization server (https://…)
    #[arg(long, value_name = "WHERE")]
    pub oauth: Option<String>,

    /// The id of your client there
    #[arg(long, value_name = "ID", requires = "oauth")]
    pub client_id: Option<String>,

    /// Fetch into this Maildir
    #[arg(long, value_name = "DIR", group = "destination")]
    pub maildir: Option<PathBuf>,

    /// Fetch into this mbox
    #[arg(long, value_name = "FILE", group = "destination")]
    pub mbox: Option<PathBuf>,

    /// Give fetched messages to this command
    #[arg(long, value_name = "CMD", group = "destination")]
    pub exec: Option<String>,

    /// What happens to fetched messages on the server: keep, delete, "delete-after 14d", "move-to FOLDER"
    #[arg(long, value_name = "WHAT")]
    pub after: Option<String>,

    /// Do not look for servers, neither in the name service nor on the web
    #[arg(long)]
    pub no_discovery: bool,

    /// Also take settings that are published by http, which anybody on the way can change
    #[arg(long, conflicts_with = "no_discovery")]
    pub allow_http: bool,

    /// Use this host if it is found, whoever named it (repeatable)
    #[arg(long, value_name = "HOST", num_args = 1)]
    pub accept_host: Vec<String>,

    /// The database of settings, or none; else $POSTIE_ISPDB, else Mozilla's
    #[arg(long, value_name = "URL")]
    pub ispdb: Option<String>,

    /// Show what is found, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Test the account before it is saved
    #[arg(long)]
    pub test: bool,
}

/// Take over accounts of another mail program, and which messages it has fetched. With --account NAME (several: with
/// commas between them) only those. What cannot be taken is named, line by line; 1 if some of it matters.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The program
    pub tool: Tool,

    /// Its file; else its usual places are looked at
    pub file: Option<PathBuf>,

    /// Print what would be added, and what is not taken; change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Also take passwords that stand in the file
    #[arg(long)]
    pub with_secrets: bool,

    /// Leave the lists of fetched messages: the first fetch brings everything that is on the server
    #[arg(long)]
    pub no_uids: bool,
}

impl ValueEnum for Tool {
    fn value_variants<'a>() -> &'a [Self] {
        Tool::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(match self {
            Tool::Msmtp => "Sends mail: ~/.msmtprc",
            Tool::Mpop => "Fetches mail by POP3: ~/.mpoprc",
            Tool::Getmail => "Fetches mail: ~/.config/getmail/getmailrc",
            Tool::Fetchmail => "Fetches mail: ~/.fetchmailrc, which fetchmail itself has to read",
            Tool::Netrc => "Passwords for servers that are in postie's file already: ~/.netrc",
            Tool::Mutt => "Reads and sends mail: ~/.muttrc",
            Tool::Himalaya => "Reads and sends mail: ~/.config/himalaya/config.toml",
            Tool::Thunderbird => "Reads and sends mail: a profile, or its prefs.js",
        }))
    }
}

/// Log in to an account's provider in a browser (OAuth2).
#[derive(Clone, Debug, Default, Args)]
pub struct LoginArgs {
    /// The account
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Open the browser also at the end of an SSH connection
    #[arg(long, group = "way")]
    pub browser: bool,

    /// Only show the address; the answer, or the address that the browser ends at, may be pasted
    #[arg(long, group = "way")]
    pub no_browser: bool,

    /// Show a code to type in a browser on any device
    #[arg(long, group = "way")]
    pub device: bool,

    /// Have the server register another client for postie (RFC 7591), when it knows the last one no more
    #[arg(long)]
    pub register: bool,
}
