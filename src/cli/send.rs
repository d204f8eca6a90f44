//! The arguments of send.

use crate::account::server::ehlo_name;
use crate::account::values;
use crate::codec::smtp::EhloName;
use crate::mail::compose::Charset;
use clap::{ArgMatches, Args, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Send one message.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "Standard input is the text body unless --body or --body-file is given; with --raw \
                        it is the whole message. Everything is read and checked before the first connection.")]
pub struct SendArgs {
    /// Recipients (To)
    #[arg(value_name = "TO")]
    pub recipients: Vec<String>,

    /// The author [default: the account's name and address]
    #[arg(short, long, value_name = "ADDR", help_heading = "Addresses", allow_hyphen_values = true)]
    pub from: Option<String>,

    /// Recipients, an address list as in a header
    #[arg(short, long, value_name = "ADDR", help_heading = "Addresses", allow_hyphen_values = true)]
    pub to: Vec<String>,

    /// Recipients of copies
    #[arg(short, long, value_name = "ADDR", help_heading = "Addresses", allow_hyphen_values = true)]
    pub cc: Vec<String>,

    /// Recipients of blind copies, who never appear in the message
    #[arg(short, long, value_name = "ADDR", help_heading = "Addresses", allow_hyphen_values = true)]
    pub bcc: Vec<String>,

    /// Who gets the answers
    #[arg(long, value_name = "ADDR", help_heading = "Addresses", allow_hyphen_values = true)]
    pub reply_to: Vec<String>,

    /// The subject
    #[arg(short, long, value_name = "TEXT", help_heading = "Message", allow_hyphen_values = true)]
    pub subject: Option<OsString>,

    /// The text body
    #[arg(long, value_name = "TEXT", help_heading = "Message", group = "text", allow_hyphen_values = true)]
    pub body: Option<OsString>,

    /// The text body from a file (- is standard input)
    #[arg(long, value_name = "FILE", help_heading = "Message", group = "text")]
    pub body_file: Option<PathBuf>,

    /// An HTML body
    #[arg(long, value_name = "TEXT", help_heading = "Message", group = "markup", allow_hyphen_values = true)]
    pub html: Option<OsString>,

    /// An HTML body from a file (- is standard input)
    #[arg(long, value_name = "FILE", help_heading = "Message", group = "markup")]
    pub html_file: Option<PathBuf>,

    /// The charset of a text or HTML body that is not UTF-8 [default: unknown-8bit]
    #[arg(long, value_name = "NAME", help_heading = "Message", value_parser = Charset::parse)]
    pub charset: Option<Charset>,

    /// Attach a file (- is standard input)
    #[arg(short, long, value_name = "PATH", help_heading = "Message")]
    pub attach: Vec<PathBuf>,

    /// The name of the attachment before it
    #[arg(long, value_name = "NAME", help_heading = "Message", allow_hyphen_values = true)]
    pub attach_name: Vec<String>,

    /// The media type of the attachment before it
    #[arg(long, value_name = "TYPE", help_heading = "Message")]
    pub attach_type: Vec<String>,

    /// A file shown inside the HTML body
    #[arg(long, value_name = "PATH", help_heading = "Message")]
    pub inline: Vec<PathBuf>,

    /// The Content-ID of the inline file before it: `cid:ID` in the HTML
    #[arg(long, value_name = "ID", help_heading = "Message")]
    pub cid: Vec<String>,

    /// Another header field
    #[arg(short = 'H', long, value_name = "NAME: VALUE", help_heading = "Message")]
    pub header: Vec<String>,

    /// The Message-ID of the message that this one answers
    #[arg(long, value_name = "ID", help_heading = "Message")]
    pub in_reply_to: Option<String>,

    /// The Message-IDs of the thread
    #[arg(long, value_name = "IDS", help_heading = "Message")]
    pub references: Option<String>,

    /// The Message-ID [default: a new one]
    #[arg(long, value_name = "ID", help_heading = "Message")]
    pub message_id: Option<String>,

    /// The date, RFC 3339 or RFC 5322 [default: now]
    #[arg(long, value_name = "DATE", help_heading = "Message")]
    pub date: Option<String>,

    /// Send nothing if the body is empty, and exit 0
    #[arg(short = 'E', long, help_heading = "Message")]
    pub skip_empty: bool,

    /// Send a complete message, from a file or standard input
    #[arg(long, value_name = "FILE|-", num_args = 0..=1, default_missing_value = "-", help_heading = "Message")]
    pub raw: Option<PathBuf>,

    /// Mend a complete message that some servers would refuse
    ///
    /// For --raw, and for the raw lines of --batch. Parts with 8-bit octets or lines of more than 998 octets are
    /// re-encoded, header fields encoded and folded, even if the server could take them as they are. What is fine
    /// stays as it is, octet by octet. A signed part that would change is refused instead.
    #[arg(long, help_heading = "Message")]
    pub fix: bool,

    /// Send many messages: JSON Lines on standard input, a JSON line for each on standard output
    ///
    /// A line is an object with to, cc, bcc, from, reply_to, subject, text, html, headers, attachments,
    /// message_id, in_reply_to, references, date, envelope_from, or with raw / raw_base64 and perhaps to and
    /// envelope_from; id is given back. Every line gives one line of type receipt or error, in order; blank
    /// lines are skipped. One connection serves all. --from and --envelope-from apply to lines without these
    /// fields. A signal ends the batch after the current message.
    #[arg(long, help_heading = "Message", conflicts_with_all = [
        "recipients", "to", "cc", "bcc", "reply_to", "subject", "text", "markup", "attach", "inline",
        "header", "in_reply_to", "references", "message_id", "date", "skip_empty", "raw", "print", "check",
        "retry_for",
    ])]
    pub batch: bool,

    /// Send at most so many messages of a batch per second, minute or hour: 2/s, 30/min, 500/h
    #[arg(long, value_name = "N/min", help_heading = "Control", value_parser = pace)]
    pub rate: Option<Duration>,

    /// The sender of the envelope; <> for none
    #[arg(long, value_name = "ADDR|<>", help_heading = "Envelope", allow_hyphen_values = true)]
    pub envelope_from: Option<String>,

    /// When to be notified: never, or of success, failure, delay
    #[arg(long, value_name = "WHEN", help_heading = "Envelope", value_delimiter = ',')]
    pub dsn_notify: Vec<DsnNotify>,

    /// What a notification returns
    #[arg(long, value_name = "WHAT", help_heading = "Envelope")]
    pub dsn_return: Option<DsnReturn>,

    /// The identifier a notification carries
    #[arg(long, value_name = "ID", help_heading = "Envelope")]
    pub dsn_envid: Option<String>,

    /// Require TLS from every server on the way (REQUIRETLS)
    #[arg(long, help_heading = "Envelope")]
    pub require_tls: bool,

    /// The client's name in EHLO [default: the account's, or the host's]
    #[arg(long, value_name = "NAME", help_heading = "Envelope", value_parser = ehlo_name)]
    pub ehlo_name: Option<EhloName>,

    /// If a recipient is refused: nobody gets the message (abort), or the others do (send)
    #[arg(long, value_name = "WHAT", help_heading = "Envelope", default_value = "abort")]
    pub on_rejected: OnRejectedArg,

    /// Build and check the message, print what would be done
    #[arg(long, help_heading = "Control", conflicts_with_all = ["print", "check"])]
    pub dry_run: bool,

    /// Print the exact octets that would be sent
    #[arg(long, help_heading = "Control", conflicts_with = "check")]
    pub print: bool,

    /// Ask the server whether it accepts the recipients, send nothing
    #[arg(long, help_heading = "Control")]
    pub check: bool,

    /// Try again for so long after temporary failures
    #[arg(long, value_name = "DUR", help_heading = "Control", value_parser = values::duration)]
    pub retry_for: Option<Duration>,

    /// Store a copy of what was accepted: maildir:DIR, mbox:FILE, imap or imap:FOLDER
    ///
    /// imap files it on the account's IMAP server, in the folder for sent mail unless another is named, as `list
    /// --folders` shows it. Nothing is filed that the folder has already, or where the server files what is sent by
    /// itself (Gmail, Outlook, iCloud). A copy that cannot be stored ends in 1; the message is not sent again.
    #[arg(long, value_name = "WHERE", help_heading = "Control")]
    pub save_copy: Option<String>,

    /// The attachments and inline files in their order, with their names and types.
    #[arg(skip)]
    pub parts: Vec<AttachedPart>,
}

/// One attachment or inline file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachedPart {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// Its name in the message.
    pub name: Option<String>,
    pub content_type: Option<String>,
    /// Whether it is shown inside the HTML body.
    pub inline: bool,
    /// The Content-ID of an inline file.
    pub cid: Option<String>,
}

/// When a delivery status notification is wanted (`RFC 3461 §4.1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DsnNotify {
    /// Never
    Never,
    /// When it was delivered
    Success,
    /// When it could not be delivered
    Failure,
    /// When it is late
    Delay,
}

/// What a delivery status notification returns (`RFC 3461 §4.3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DsnReturn {
    /// The whole message
    Full,
    /// Its header
    Hdrs,
}

/// Who gets the message if a recipient is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnRejectedArg {
    /// Nobody gets it
    #[default]
    Abort,
    /// The others get it
    Send,
}

impl SendArgs {
    /// Gives each `--attach-name`, `--attach-type` and `--cid` to the file before it.
    pub(super) fn bind_parts(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let at = |name: &str| matches.indices_of(name).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
        let mut parts: Vec<(usize, AttachedPart)> = Vec::new();
        for (inline, paths, indices) in
            [(false, &self.attach, at("attach")), (true, &self.inline, at("inline"))]
        {
            let each = indices.into_iter().zip(paths);
            parts.extend(each.map(|(i, path)| {
                (i, AttachedPart { path: path.clone(), inline, ..AttachedPart::default() })
            }));
        }
        parts.sort_by_key(|(index, _)| *index);
        for (option, texts) in
            [("attach_name", &self.attach_name), ("attach_type", &self.attach_type), ("cid", &self.cid)]
        {
            for (index, text) in at(option).into_iter().zip(texts) {
                let before = parts.iter_mut().rev().find(|(part, _)| *part < index).map(|(_, part)| part);
                let slot = match (before, option) {
                    (Some(part), "attach_name") => &mut part.name,
                    (Some(part), "attach_type") => &mut part.content_type,
                    (Some(part), _) if part.inline => &mut part.cid,
                    _ => return Err(misplaced(option, "there is no file before it that it could belong to")),
                };
                if slot.replace(text.clone()).is_some() {
                    return Err(misplaced(option, "the file before it has one already"));
                }
            }
        }
        self.parts = parts.into_iter().map(|(_, part)| part).collect();
        Ok(())
    }
}

/// The time between two messages, from a rate such as `30/min`.
fn pace(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number above 0 and a time: 30/min, 2/s, 500/h".to_owned();
    let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
    let count = count.parse::<u32>().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_secs(seconds) / count)
}

fn misplaced(option: &str, why: &str) -> clap::Error {
    let option = option.replace('_', "-");
    clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("--{option}: {why}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_in_a_time() {
        assert_eq!(pace("30/min"), Ok(Duration::from_secs(2)));
        assert_eq!(pace("4/s"), Ok(Duration::from_millis(250)));
        assert_eq!(pace("1/h"), Ok(Duration::from_secs(3600)));
        for bad in ["", "30", "0/min", "-1/min", "x/min", "3/day", "/min"] {
            assert!(pace(bad).is_err(), "{bad}");
        }
    }
}
