//! Sections of a manual page in roff (`man(7)`).

use clap_mangen::roff::{Roff, bold, roman};
use std::io;

/// What a page is called after, at its foot.
pub fn source() -> String {
    format!("postie {}", env!("CARGO_PKG_VERSION"))
}

/// The manual that the pages are part of, at their head.
pub const MANUAL: &str = "postie manual";

/// A page, or a part of one, being written.
#[derive(Default)]
pub struct Writer {
    roff: Roff,
}

impl Writer {
    /// A page with its title and its NAME section.
    pub fn page(name: &str, section: u8, about: &str) -> Writer {
        let mut writer = Writer::default();
        let section = section.to_string();
        let source = source();
        writer.roff.control("TH", [name, section.as_str(), "", source.as_str(), MANUAL]);
        writer.section("NAME").line(&format!("{name} - {about}"));
        writer
    }

    /// Begins a section.
    pub fn section(&mut self, title: &str) -> &mut Self {
        self.roff.control("SH", [title]);
        self
    }

    /// Begins a part of a section.
    pub fn subsection(&mut self, title: &str) -> &mut Self {
        self.roff.control("SS", [title]);
        self
    }

    /// A line of text, joined with the one before.
    pub fn line(&mut self, text: &str) -> &mut Self {
        self.roff.text([roman(text)]);
        self
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.roff.control("PP", []);
        self.line(text)
    }

    /// A term and what it means.
    pub fn item(&mut self, term: &str, text: &str) -> &mut Self {
        self.roff.control("TP", []);
        self.roff.text([bold(term)]);
        self.line(text)
    }

    /// Lines that stand as they are.
    pub fn verbatim(&mut self, text: &str) -> &mut Self {
        self.roff.control("RS", ["4"]);
        self.roff.control("nf", []);
        for line in text.lines() {
            self.line(line);
        }
        self.roff.control("fi", []);
        self.roff.control("RE", []);
        self
    }

    /// The section of examples: what each does, and its lines.
    pub fn examples(&mut self, examples: &[(&str, &str)]) -> &mut Self {
        self.section("EXAMPLES");
        for (what, lines) in examples {
            self.paragraph(what).verbatim(lines);
        }
        self
    }

    /// The last section.
    pub fn see_also(&mut self, pages: &[&str]) -> &mut Self {
        self.section("SEE ALSO").line(&pages.join(", "))
    }

    /// Appends what was written to `out`.
    pub fn finish(&self, out: &mut Vec<u8>) -> io::Result<()> {
        self.roff.to_writer(out)
    }
}
