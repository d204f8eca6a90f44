//! Progress bars on a terminal's standard error; elsewhere nothing.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// At most one bar at a time.
pub struct Progress {
    wanted: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// `wanted`: whether bars are shown at all.
    pub fn new(wanted: bool) -> Self {
        Progress { wanted, bar: None }
    }

    /// Shows a bar for `total` octets of `label`.
    pub fn begin(&mut self, label: &str, total: u64) {
        if !self.wanted {
            return;
        }
        self.clear();
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let style = "{prefix} {wide_bar} {msg} {bytes}/{total_bytes} {bytes_per_sec}";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(super::sanitize::safe(label).into_owned());
        self.bar = Some(bar);
    }

    /// Moves the bar on by `octets`.
    pub fn advance(&mut self, octets: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(octets);
        }
    }

    /// Sets the text beside the bar.
    pub fn message(&mut self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(super::sanitize::safe(text).into_owned());
        }
    }

    /// Takes the bar off the terminal.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Does `something` to the terminal with the bar out of the way.
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
