//! Sending: lines, news and rows, in one write where the client has more to say.

use super::quirks::Quirk;
use super::row::{Row, Stop, Value};
use super::session::Session;
use super::view::News;
use std::io;

/// So many octets are gathered before they go out.
const GATHERED: usize = 256 * 1024;

impl Session<'_> {
    /// Sends octets, in their time.
    pub(super) fn send(&mut self, octets: &[u8]) {
        self.sent += octets.len();
        self.waiting += octets.len();
        self.peer.send(octets);
    }

    /// Sends a line.
    pub(super) fn line(&mut self, text: &str) {
        self.send(text.as_bytes());
        self.send(self.line_end());
    }

    /// Asks the client to go on.
    pub(super) fn go_on(&mut self, text: &str) {
        let bare = self.is(|quirk| matches!(quirk, Quirk::BarePlus));
        self.line(&if bare { "+".to_owned() } else { format!("+ {text}") });
    }

    fn line_end(&self) -> &'static [u8] {
        if self.is(|quirk| matches!(quirk, Quirk::BareLf)) { b"\n" } else { b"\r\n" }
    }

    /// Sends what is gathered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.waiting = 0;
        self.peer.flush()
    }

    /// Tells the session what is new in its folder.
    pub(super) fn tell_news(&mut self, may_go: bool) -> io::Result<()> {
        let Some(mut view) = self.view.take() else { return Ok(()) };
        let news = view.sync(&self.setup.store.lock(), may_go);
        self.view = Some(view);
        for one in news {
            match one {
                News::Expunged(number) => self.line(&format!("* {number} EXPUNGE")),
                News::Exists(count) => self.line(&format!("* {count} EXISTS")),
                News::Flags(row) => self.row(&row)?,
            }
        }
        Ok(())
    }

    /// Sends a row.
    pub(super) fn row(&mut self, row: &Row) -> io::Result<()> {
        let small = self.is(|quirk| matches!(quirk, Quirk::SmallLetters));
        let case = |text: &str| if small { text.to_ascii_lowercase() } else { text.to_owned() };
        let fetch = case("FETCH");
        self.send(format!("* {} {fetch} (", row.number).as_bytes());
        let mut gap = "";
        if !row.ahead_of_items.is_empty() {
            self.send(row.ahead_of_items.as_bytes());
            gap = " ";
        }
        for item in &row.items {
            self.send(format!("{gap}{} ", case(&item.name)).as_bytes());
            gap = " ";
            match &item.value {
                Value::Text(text) => self.send(text),
                Value::Octets(octets) => {
                    self.send(octets.announced.as_bytes());
                    self.send(self.line_end());
                    self.literal(&octets.data, octets.stop.as_ref())?;
                }
            }
        }
        if !row.behind_items.is_empty() {
            self.send(format!("{gap}{}", row.behind_items).as_bytes());
        }
        self.send(b")");
        self.send(self.line_end());
        if self.waiting > GATHERED { self.flush() } else { Ok(()) }
    }

    fn literal(&mut self, data: &[u8], stop: Option<&(usize, Stop)>) -> io::Result<()> {
        let (first, rest) = data.split_at(stop.map_or(0, |(behind, _)| *behind));
        self.send(first);
        match stop {
            None => {}
            Some((_, Stop::End(end))) => {
                self.flush()?;
                self.peer.end(*end);
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Some((_, Stop::Gate(gate))) => {
                self.flush()?;
                gate.pass();
            }
        }
        for piece in rest.chunks(4 * GATHERED) {
            if piece.len() == 4 * GATHERED {
                self.flush()?;
            }
            self.send(piece);
        }
        Ok(())
    }
}
