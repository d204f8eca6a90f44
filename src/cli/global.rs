//! The options of every command.
#![allow(rustdoc::broken_intra_doc_links, reason = "these texts are the help, where brackets are brackets")]

use crate::account::values;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// The options of every command, accepted before or after it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Which account
    #[arg(short = 'A', long, global = true, value_name = "NAME", display_order = 900)]
    pub account: Option<String>,

    /// The configuration file
    #[arg(short = 'C', long, global = true, value_name = "FILE", display_order = 901)]
    pub config: Option<PathBuf>,

    /// A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://
    #[arg(long, global = true, value_name = "URL", display_order = 902)]
    pub server: Option<String>,

    /// Read the password from a file
    #[arg(long, global = true, value_name = "FILE", display_order = 903, group = "secret")]
    pub password_file: Option<PathBuf>,

    /// Read the password from an open file descriptor
    #[arg(long, global = true, value_name = "N", display_order = 904, group = "secret")]
    pub password_fd: Option<u32>,

    /// Take the password from an environment variable
    #[arg(long, global = true, value_name = "NAME", display_order = 905, group = "secret")]
    pub password_env: Option<String>,

    /// Take the password from a command's output (run by sh -c)
    #[arg(long, global = true, value_name = "CMD", display_order = 906, group = "secret")]
    pub password_command: Option<String>,

    /// Take an OAuth2 access token from a command's output (run by sh -c)
    #[arg(long, global = true, value_name = "CMD", display_order = 907, group = "secret")]
    pub token_command: Option<String>,

    /// Also trust these certificate authorities (PEM)
    #[arg(long, global = true, value_name = "FILE", display_order = 908)]
    pub ca_file: Option<PathBuf>,

    /// Trust only the certificate with this fingerprint, whatever its chain and names
    #[arg(long, global = true, value_name = "sha256:HEX", display_order = 909)]
    pub tls_fingerprint: Option<String>,

    /// Show servers this certificate of yours, with those of its issuers (PEM)
    #[arg(long, global = true, value_name = "FILE", display_order = 910)]
    pub client_certificate: Option<PathBuf>,

    /// The key of that certificate (PEM) [default: in the same file]
    #[arg(long, global = true, value_name = "FILE", display_order = 911)]
    pub client_key: Option<PathBuf>,

    /// Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy
    #[arg(long, global = true, value_name = "URL", display_order = 912)]
    pub proxy: Option<String>,

    /// Write JSON Lines to standard output
    #[arg(long, global = true, display_order = 913)]
    pub json: bool,

    /// Print only errors
    #[arg(short, long, global = true, display_order = 914, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say what is done; twice: show the protocol's transcript, without secrets
    #[arg(short, long, global = true, display_order = 915, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// The time for one network operation [default: 60s; the reply to a sent message: 10m]
    #[arg(long, global = true, value_name = "DUR", display_order = 916, value_parser = positive_duration)]
    pub timeout: Option<Duration>,

    /// The time for the whole run
    #[arg(long, global = true, value_name = "DUR", display_order = 917, value_parser = positive_duration)]
    pub max_time: Option<Duration>,

    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", display_order = 918, default_value = "auto")]
    pub color: ColorWhen,

    /// Show no progress bar
    #[arg(long, global = true, display_order = 919)]
    pub no_progress: bool,
}

/// When to use colors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A duration above zero: a limit of zero would let nothing happen.
fn positive_duration(text: &str) -> Result<Duration, String> {
    match values::duration(text)? {
        Duration::ZERO => Err("must be more than zero".into()),
        duration => Ok(duration),
    }
}
