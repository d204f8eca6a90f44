//! What a fetch says while it runs.

use crate::cmd::message::{MessageLine, uid_text};
use crate::output::{About, Output};
use crate::store::Place;
use crate::work::fetch::{Action, Event, MessageReport, Observer};
use crate::work::plan::Reason;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

/// Tells one event of one account.
pub fn tell(out: &mut Output, account: &str, event: &Event) {
    match event {
        Event::Planned(messages, octets) => {
            out.say(&format!("{account}: {messages} message(s), {octets} octets to fetch"));
            if *messages > 0 {
                out.progress().begin(account, *messages, *octets);
            }
        }
        Event::Message(told) => {
            // The line of what went to standard output is there already: it was the delivery.
            let is_written = told.action == Action::Delivered && told.place == Some(Place::Stdout);
            if out.is_json() && !is_written {
                out.line("message", &MessageLine::fetched(account, told));
            }
            let uid = uid_text(&told.row).unwrap_or_default();
            match told.action {
                Action::Delivered => {
                    out.progress().message_done();
                    out.count("delivered", 1);
                    out.count("bytes", told.stored.unwrap_or(0));
                    out.say(&format!("{account}: message {} ({uid}): delivered", told.row.number));
                }
                Action::Skipped => {
                    out.count("skipped", 1);
                    let why = told.reason.map(why).unwrap_or("left alone");
                    out.say(&format!("{account}: message {} ({uid}): skipped: {why}", told.row.number));
                }
                Action::Deleted => {
                    out.count("deleted", 1);
                    out.say(&format!(
                        "{account}: message {} ({uid}): deleted from the server",
                        told.row.number
                    ));
                }
                Action::WouldDeliver => out.plan(&plan_line("fetch", &uid, told)),
                Action::WouldCompare => out.plan(&plan_line("compare", &uid, told)),
                Action::WouldDelete => out.plan(&plan_line("delete", &uid, told)),
                Action::WouldMark => out.plan(&plan_line("mark", &uid, told)),
            }
        }
        Event::Failed(row, failure) => {
            out.progress().message_done();
            out.count("failed", 1);
            let uid = row.as_ref().and_then(uid_text);
            let about = About {
                account: Some(account),
                uid: uid.as_deref(),
                number: row.as_ref().map(|row| u64::from(row.number)),
                recipient: None,
            };
            out.error(&about, failure);
        }
        Event::NothingNew(known) => out.note_known(*known),
        Event::Octets(octets) => out.progress().advance(*octets),
        Event::Note(text) => out.tell(&format!("{account}: {text}")),
        Event::Ended(failure) => out.error(&About::account(account), failure),
    }
}

/// Why a message is left alone, for people.
fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::TooLarge => "larger than --max-size",
        Reason::Stored => "the Maildir has it already",
        Reason::BeyondLimit => "beyond --limit",
        Reason::Resized => "fetched before, and the same; only its listed size is another",
        Reason::NoUid => "the server names no usable UID for it",
        Reason::Ambiguous => "fetched before, but kept on the server: its UID was listed more than once",
        Reason::FolderInternal => "no mail, but the notes of a mail server (--all fetches it)",
    }
}

fn plan_line(what: &str, uid: &str, told: &MessageReport) -> String {
    let size = told.row.size.map_or_else(|| "?".to_owned(), |size| size.to_string());
    format!("{what} {} {uid} {size}", told.row.number)
}

/// What became of one account of several.
#[derive(Clone, Debug, Default)]
pub struct AccountTally {
    delivered: u64,
    deleted: u64,
    failed: u64,
    ended: bool,
}

impl AccountTally {
    /// Counts what an event tells.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Message(told) if told.action == Action::Delivered => self.delivered += 1,
            Event::Message(told) if told.action == Action::Deleted => self.deleted += 1,
            Event::Failed(..) => self.failed += 1,
            Event::Ended(_) => self.ended = true,
            _ => {}
        }
    }

    /// All of it in words; the errors have been told already.
    pub fn in_words(&self) -> String {
        let counts = [(self.delivered, "delivered"), (self.deleted, "deleted"), (self.failed, "failed")];
        let told: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        match (told.is_empty(), self.ended) {
            (true, true) => "failed".into(),
            (true, false) => "nothing new".into(),
            (false, true) => format!("{}, then it failed", told.join(", ")),
            (false, false) => told.join(", "),
        }
    }
}

/// Tells events as they come.
pub struct Direct<'a> {
    /// The account's label.
    pub account: &'a str,
    /// Where they go.
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

/// Passes events on to the thread that tells them.
pub struct Passed {
    /// Which account of several.
    pub index: usize,
    /// To the thread that tells.
    pub sender: Sender<(usize, Option<Event>)>,
    /// Whether headers are of interest.
    pub headers: bool,
    /// Set when there is nobody left to tell.
    pub gone: Arc<AtomicBool>,
}

impl Observer for Passed {
    fn event(&mut self, event: Event) {
        // The receiver outlives the threads; were it gone, there would be nobody to tell.
        let _ = self.sender.send((self.index, Some(event)));
    }

    fn wants_headers(&self) -> bool {
        self.headers
    }

    fn gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}
