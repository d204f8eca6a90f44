//! Converts a page to plain text, for machines without man(1).

/// One step of indentation.
const MARGIN: usize = 4;
/// The width of the text.
const WIDTH: usize = 78;

/// Converts a page. Only the roff that postie's pages use is known here.
pub fn plain(roff: &[u8]) -> String {
    let mut page = PageText::default();
    for line in String::from_utf8_lossy(roff).lines() {
        match line.strip_prefix('.') {
            Some(control) => page.control(control),
            None => page.words(&unescape(line)),
        }
    }
    page.flush();
    page.out
}

/// A line of text without its escapes.
fn unescape(line: &str) -> String {
    ["\\fB", "\\fI", "\\fR", "\\fP", "\\&"]
        .iter()
        .fold(line.to_owned(), |text, mark| text.replace(mark, ""))
        .replace("\\*(Aq", "'")
        .replace("\\(aq", "'")
        .replace("\\-", "-")
        .replace("\\e", "\\")
        .replace("\\\\", "\\")
}

#[derive(Default)]
struct PageText {
    out: String,
    paragraph: String,
    /// Whether the next line is a term; the text after it is indented further.
    term: bool,
    moved_in: bool,
    verbatim: bool,
}

impl PageText {
    fn control(&mut self, control: &str) {
        let (name, rest) = control.split_once(' ').unwrap_or((control, ""));
        match name {
            "SH" | "SS" => {
                self.flush();
                self.moved_in = false;
                let title = unescape(rest).trim_matches('"').to_owned();
                let margin = if name == "SH" { "" } else { "  " };
                self.out.push_str(&format!("\n{margin}{title}\n"));
            }
            "TP" => {
                self.flush();
                self.term = true;
            }
            "PP" => {
                self.flush();
                self.moved_in = false;
                self.out.push('\n');
            }
            "nf" | "fi" => {
                self.flush();
                self.verbatim = name == "nf";
            }
            "br" => self.flush(),
            // Title, indentation, definitions: not shown in plain text.
            _ => {}
        }
    }

    fn words(&mut self, text: &str) {
        if self.verbatim {
            self.out.push_str(&format!("{:1$}{text}\n", "", 2 * MARGIN));
        } else if std::mem::take(&mut self.term) {
            self.out.push_str(&format!("{:1$}{text}\n", "", MARGIN));
            self.moved_in = true;
        } else {
            self.paragraph.push_str(text);
            self.paragraph.push(' ');
        }
    }

    /// Writes the paragraph, wrapped.
    fn flush(&mut self) {
        let margin = if self.moved_in { 3 * MARGIN } else { MARGIN };
        let mut line = String::new();
        for word in std::mem::take(&mut self.paragraph).split_whitespace() {
            if !line.is_empty() && margin + line.len() + 1 + word.len() > WIDTH {
                self.out.push_str(&format!("{:margin$}{line}\n", ""));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            self.out.push_str(&format!("{:margin$}{line}\n", ""));
        }
    }
}
