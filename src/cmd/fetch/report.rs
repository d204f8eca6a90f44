//! What a fetch prints while it runs.

use crate::cmd::message::{MessageLine, uid_text};
use crate::mailbox::Row;
use crate::output::{About, Output};
use crate::store::Place;
use crate::work::fetch::{Action, Event, MessageReport, Observer};
use crate::work::plan::Reason;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

/// Prints one event of one account.
pub fn tell(out: &mut Output, account: &str, event: &Event) {
    match event {
        Event::Planned(messages, octets) => {
            out.say(&format!("{account}: {messages} message(s), {octets} octets to fetch"));
            if *messages > 0 {
                out.progress().begin(account, *messages, *octets);
            }
        }
        Event::Message(report) => {
            // A message delivered to standard output has its line already.
            let is_written = report.action == Action::Delivered && report.place == Some(Place::Stdout);
            if out.is_json() && !is_written {
                out.line("message", &MessageLine::fetched(account, report));
            }
            let uid = uid_text(&report.row).unwrap_or_default();
            match report.action {
                Action::Delivered => {
                    out.progress().message_done();
                    out.count("delivered", 1);
                    out.count("bytes", report.stored.unwrap_or(0));
                    out.say(&format!(
                        "{account}: {}message {} ({uid}): delivered",
                        folder(&report.row),
                        report.row.number
                    ));
                }
                Action::Skipped => {
                    out.count("skipped", 1);
                    let why = report.reason.map(why).unwrap_or("left alone");
                    out.say(&format!(
                        "{account}: {}message {} ({uid}): skipped: {why}",
                        folder(&report.row),
                        report.row.number
                    ));
                }
                Action::Deleted => {
                    out.count("deleted", 1);
                    let what = match &report.moved_to {
                        Some(folder) => format!("moved to {folder}"),
                        None => "deleted from the server".to_owned(),
                    };
                    out.say(&format!(
                        "{account}: {}message {} ({uid}): {what}",
                        folder(&report.row),
                        report.row.number
                    ));
                }
                Action::WouldDeliver => out.plan(&plan_line("fetch", &uid, report)),
                Action::WouldCompare => out.plan(&plan_line("compare", &uid, report)),
                Action::WouldDelete => {
                    let what = if report.moved_to.is_some() { "move" } else { "delete" };
                    out.plan(&plan_line(what, &uid, report));
                }
                Action::WouldMark => out.plan(&plan_line("mark", &uid, report)),
            }
        }
        Event::Failed(row, failure) => {
            out.progress().message_done();
            out.count("failed", 1);
            let uid = row.as_ref().and_then(uid_text);
            let about = About {
                account: Some(account),
                folder: row.as_ref().and_then(|row| row.folder.as_deref()),
                uid: uid.as_deref(),
                number: row.as_ref().map(|row| u64::from(row.number)),
                recipient: None,
            };
            out.error(&about, failure);
        }
        Event::NothingNew(known) => out.note_known(*known),
        Event::Octets(octets) => out.progress().advance(*octets),
        Event::LoginDelay(_) => {}
        Event::Waits { what, delivered } => {
            out.progress().clear();
            if *delivered > 0 {
                out.tell_at_terminal(&format!("{account}: {delivered} delivered"));
            }
            if let Some(what) = what {
                out.tell_at_terminal(&format!("{account}: {what}; Ctrl-C ends it"));
            }
        }
        Event::NotListed(uid) => {
            out.count("not_listed", 1);
            out.tell(&format!("{account}: UID {uid}: the server has no such message"));
        }
        Event::Marked { count, is_rehearsed } => {
            out.tell(&format!("{account}: {}", Event::marked_in_words(*count, *is_rehearsed)));
        }
        Event::Note(text) => out.tell(&format!("{account}: {text}")),
        Event::Ended(failure) => out.error(&About::account(account), failure),
        Event::FolderEnded(folder, failure) => {
            out.error(&About { folder: Some(folder), ..About::account(account) }, failure);
        }
    }
}

/// Why a message was skipped, for people.
fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::TooLarge => "larger than --max-size",
        Reason::Stored => "the Maildir has it already",
        Reason::InOtherFolder => "stored already, as a message of another folder",
        Reason::BeyondLimit => "beyond --limit",
        Reason::Resized => "fetched before, and the same; only its listed size is another",
        Reason::NoUid => "the server names no usable UID for it",
        Reason::Ambiguous => "fetched before, but kept on the server: its UID was listed more than once",
        Reason::FolderInternal => "no mail, but the notes of a mail server (--all fetches it)",
    }
}

fn plan_line(what: &str, uid: &str, report: &MessageReport) -> String {
    let size = report.row.size.map_or_else(|| "?".to_owned(), |size| size.to_string());
    let folder = match named(&report.row) {
        Some(folder) => format!(" {folder}"),
        None => String::new(),
    };
    format!("{what} {} {uid} {size}{folder}", report.row.number)
}

/// The folder a message is in, unless it is the inbox.
fn named(row: &Row) -> Option<&str> {
    row.folder.as_deref().filter(|folder| *folder != "INBOX")
}

/// The same, as the beginning of a line.
fn folder(row: &Row) -> String {
    named(row).map(|folder| format!("{folder}: ")).unwrap_or_default()
}

/// The counts of one account, if there are several.
#[derive(Clone, Debug, Default)]
pub struct AccountTally {
    delivered: u64,
    deleted: u64,
    failed: u64,
    ended: bool,
}

impl AccountTally {
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Message(report) if report.action == Action::Delivered => self.delivered += 1,
            Event::Message(report) if report.action == Action::Deleted => self.deleted += 1,
            Event::Failed(..) => self.failed += 1,
            Event::Ended(_) | Event::FolderEnded(..) => self.ended = true,
            _ => {}
        }
    }

    /// The counts in words; errors have been printed already.
    pub fn in_words(&self) -> String {
        let counts = [(self.delivered, "delivered"), (self.deleted, "deleted"), (self.failed, "failed")];
        let counted: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        match (counted.is_empty(), self.ended) {
            (true, true) => "failed".into(),
            (true, false) => "nothing new".into(),
            (false, true) => format!("{}, then it failed", counted.join(", ")),
            (false, false) => counted.join(", "),
        }
    }
}

/// Prints events as they happen.
pub struct Direct<'a> {
    pub account: &'a str,
    pub out: &'a mut Output,
}

impl Observer for Direct<'_> {
    fn event(&mut self, event: Event) {
        tell(self.out, self.account, &event);
    }

    fn wants_headers(&self) -> bool {
        self.out.is_json()
    }

    fn gone(&self) -> bool {
        self.out.stdout_lost()
    }
}

/// Passes events on to the thread that prints them.
pub struct Passed {
    /// The index of the account.
    pub index: usize,
    pub sender: Sender<(usize, Option<Event>)>,
    /// Whether headers are printed.
    pub headers: bool,
    /// Set once the receiver is gone.
    pub gone: Arc<AtomicBool>,
}

impl Observer for Passed {
    fn event(&mut self, event: Event) {
        // The receiver outlives the threads; if it is gone, nobody needs the event.
        let _ = self.sender.send((self.index, Some(event)));
    }

    fn wants_headers(&self) -> bool {
        self.headers
    }

    fn gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}
