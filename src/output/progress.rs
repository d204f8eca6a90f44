//! A progress bar on standard error, if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// At most one bar at a time.
pub struct Progress {
    wanted: bool,
    bar: Option<ProgressBar>,
    messages: u64,
    done: u64,
}

impl Progress {
    /// `wanted`: whether it is shown at all.
    pub fn new(wanted: bool) -> Self {
        Progress { wanted, bar: None, messages: 0, done: 0 }
    }

    /// Shows a bar for so many messages, which moves on by their octets.
    pub fn begin(&mut self, label: &str, messages: u64, octets: u64) {
        if !self.wanted {
            return;
        }
        self.clear();
        let style = "{prefix} {wide_bar} {msg}, {bytes}/{total_bytes} {bytes_per_sec}";
        (self.messages, self.done) = (messages, 0);
        // Complete before it is drawn for the first time.
        let bar = ProgressBar::with_draw_target(Some(octets), ProgressDrawTarget::stderr())
            .with_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()))
            .with_prefix(super::sanitize::safe(label).into_owned())
            .with_message(counted(0, messages));
        bar.tick();
        self.bar = Some(bar);
    }

    /// Counts a message that is done, also one that failed.
    pub fn message_done(&mut self) {
        self.done += 1;
        self.show_messages();
    }

    fn show_messages(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message(counted(self.done.min(self.messages), self.messages));
        }
    }

    /// Moves the bar on by `octets`.
    pub fn advance(&mut self, octets: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(octets);
        }
    }

    /// Removes the bar.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Hides the bar while `something` writes to the terminal.
    pub fn suspend(&mut self, something: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(something),
            None => something(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// `3/12 messages`.
fn counted(done: u64, all: u64) -> String {
    let noun = if all == 1 { "message" } else { "messages" };
    format!("{done}/{all} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted() {
        assert_eq!(counted(0, 1), "0/1 message");
        assert_eq!(counted(3, 12), "3/12 messages");
    }
}
