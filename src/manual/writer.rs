//! Writes a manual page in roff (`man(7)`).

use clap_mangen::roff::{Roff, bold, roman};
use std::io;

/// The text at the foot of a page.
pub fn source() -> String {
    format!("postie {}", env!("CARGO_PKG_VERSION"))
}

/// The text at the head of a page.
pub const MANUAL: &str = "postie manual";

/// Writes a page, or a part of one.
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

    pub fn section(&mut self, title: &str) -> &mut Self {
        self.roff.control("SH", [title]);
        self
    }

    pub fn subsection(&mut self, title: &str) -> &mut Self {
        self.roff.control("SS", [title]);
        self
    }

    /// Text, joined with that before it.
    pub fn line(&mut self, text: &str) -> &mut Self {
        self.roff.text([roman(text)]);
        self
    }

    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.roff.control("PP", []);
        self.line(text)
    }

    /// A term and its meaning.
    pub fn item(&mut self, term: &str, text: &str) -> &mut Self {
        self.roff.control("TP", []);
        self.roff.text([bold(term)]);
        self.line(text)
    }

    /// Lines that are not filled.
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

    /// EXAMPLES: what each does, and its lines.
    pub fn examples(&mut self, examples: &[(&str, &str)]) -> &mut Self {
        self.section("EXAMPLES");
        for (what, lines) in examples {
            self.paragraph(what).verbatim(lines);
        }
        self
    }

    pub fn see_also(&mut self, pages: &[&str]) -> &mut Self {
        self.section("SEE ALSO").line(&pages.join(", "))
    }

    /// Appends the page to `out`.
    pub fn finish(&self, out: &mut Vec<u8>) -> io::Result<()> {
        self.roff.to_writer(out)
    }
}
