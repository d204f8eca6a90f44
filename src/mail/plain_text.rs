//! Makes the text part of a message that is given only as HTML: for readers that do not show HTML, and for
//! filters that distrust mail without a text part. Words, link addresses and table cells are kept, formatting is
//! dropped.
//!
//! html5gum reads tags and character references (WHATWG HTML §13.2.5); the rest is one pass without recursion.
//! Bad HTML gives bad text, never an error.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// The elements whose content is not shown.
const HIDDEN: [&str; 6] = ["script", "style", "title", "iframe", "noframes", "noembed"];
/// The elements with a blank line before and after them.
const PARAGRAPHS: [&str; 14] =
    ["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "hr"];
/// The elements on lines of their own.
const LINES: [&str; 15] = [
    "div", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "nav", "aside", "main", "form",
    "figure", "caption",
];
/// Lists nested deeper than this are not indented any further.
const MAX_INDENT: usize = 8;

/// `html` as plain text.
pub fn of_html(html: &str) -> String {
    let mut emitter = DefaultEmitter::<()>::default();
    emitter.naively_switch_states(true);
    let mut text = TextWriter::default();
    for token in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Ok(Token::StartTag(tag)) => text.open(&tag),
            Ok(Token::EndTag(tag)) => text.close(&String::from_utf8_lossy(&tag.name)),
            Ok(Token::String(words)) if text.hidden.is_none() => text.add(&String::from_utf8_lossy(&words)),
            Ok(_) | Err(_) => {}
        }
    }
    text.finish()
}

/// A link that is not closed yet.
struct OpenLink {
    href: String,
    /// Where its text begins in the output.
    start: usize,
}

#[derive(Default)]
struct TextWriter {
    out: String,
    /// Line ends to write before the next word.
    breaks: usize,
    /// Whether a space comes before the next word.
    space: bool,
    /// Whether a cell border comes before the next word.
    border: bool,
    /// The list mark (`- `, `1. `) before the next word.
    mark: String,
    /// Whether the row has a cell already.
    has_cell: bool,
    /// The open lists; for a numbered one the number of its last item.
    lists: Vec<Option<usize>>,
    /// How many `pre` elements are open.
    pre: usize,
    /// Whether the innermost `pre` is empty so far.
    begins_pre: bool,
    hidden: Option<String>,
    link: Option<OpenLink>,
}

impl TextWriter {
    fn open(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name);
        if self.hidden.is_some() {
            return;
        }
        if HIDDEN.contains(&&*name) {
            self.hidden = Some(name.into_owned());
            return;
        }
        let attribute = |name: &[u8]| {
            let value = tag.attributes.get(name)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        self.block(&name);
        match &*name {
            "br" => self.breaks = (self.breaks + 1).min(2),
            "ul" => self.lists.push(None),
            "ol" => self.lists.push(Some(0)),
            "li" => self.item(),
            "tr" => self.has_cell = false,
            "td" | "th" => self.border = std::mem::replace(&mut self.has_cell, true),
            "pre" => (self.pre, self.begins_pre) = (self.pre + 1, true),
            "img" => self.add(&attribute(b"alt").unwrap_or_default()),
            "a" => {
                self.end_link();
                let href = attribute(b"href").and_then(|href| shown(&href));
                self.link = href.map(|href| OpenLink { href, start: self.out.len() });
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if self.hidden.is_some() {
            if self.hidden.as_deref() == Some(name) {
                self.hidden = None;
            }
            return;
        }
        match name {
            "a" => self.end_link(),
            "ul" | "ol" => drop(self.lists.pop()),
            "pre" => self.pre = self.pre.saturating_sub(1),
            _ => {}
        }
        self.block(name);
    }

    /// Asks for the line ends around an element.
    fn block(&mut self, name: &str) {
        let is_inner = !self.lists.is_empty() && matches!(name, "ul" | "ol");
        let due = match name {
            _ if PARAGRAPHS.contains(&name) && !is_inner => 2,
            _ if is_inner || LINES.contains(&name) => 1,
            _ => return,
        };
        self.breaks = self.breaks.max(due);
    }

    fn item(&mut self) {
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(MAX_INDENT));
        self.mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{indent}{number}. ")
            }
            _ => format!("{indent}- "),
        };
    }

    /// Adds text; outside of `pre` a run of white space is one space.
    fn add(&mut self, words: &str) {
        for c in words.chars() {
            let is_white = c.is_ascii_whitespace();
            match c {
                '\n' if self.pre > 0 && std::mem::take(&mut self.begins_pre) => {}
                '\n' if self.pre > 0 => self.breaks += 1,
                '\t' | ' ' if self.pre > 0 => self.put(c),
                _ if is_white => self.space = true,
                c if c.is_control() => {}
                c => self.put(c),
            }
            self.begins_pre &= is_white && c != '\n';
        }
    }

    /// Writes a character, and before it the line ends, border, space and mark that are pending.
    fn put(&mut self, c: char) {
        if self.breaks > 0 || self.out.is_empty() {
            self.out.truncate(self.out.trim_end_matches([' ', '\t']).len());
            if !self.out.is_empty() {
                self.out.extend(std::iter::repeat_n('\n', self.breaks));
            }
        } else if self.border {
            self.out.push('\t');
        } else if self.space {
            self.out.push(' ');
        }
        (self.breaks, self.border, self.space) = (0, false, false);
        self.out.push_str(&std::mem::take(&mut self.mark));
        self.out.push(c);
    }

    /// Writes the address of a link, unless its text is the same.
    fn end_link(&mut self) {
        let Some(OpenLink { href, start }) = self.link.take() else { return };
        let text = self.out.get(start..).unwrap_or_default().trim();
        if text.is_empty() {
            format!("<{href}>").chars().for_each(|c| self.put(c));
            return;
        }
        let bare = |text: &str| {
            let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
            text.trim_end_matches('/').to_owned()
        };
        if bare(text) != bare(&href) {
            self.out.push_str(&format!(" <{href}>"));
        }
    }

    fn finish(mut self) -> String {
        self.end_link();
        let mut text = self.out.trim_end().to_owned();
        text.push('\n');
        text
    }
}

/// The address of a link, if it means anything outside of the page.
fn shown(href: &str) -> Option<String> {
    let href: String = href.chars().filter(|c| !c.is_control()).collect();
    let href = href.trim();
    let (scheme, rest) = href.split_once(':').unwrap_or(("", href));
    match scheme.to_ascii_lowercase().as_str() {
        "javascript" | "data" | "cid" => None,
        "mailto" | "tel" => rest.split('?').next().filter(|to| !to.is_empty()).map(str::to_owned),
        _ if href.is_empty() || href.starts_with('#') => None,
        _ => Some(href.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::of_html;

    #[test]
    fn the_words_remain_and_the_looks_go() {
        for (html, text) in [
            ("", "\n"),
            ("plain", "plain\n"),
            ("<p>Hello   <b>wor</b>ld</p><p>Bye</p>", "Hello world\n\nBye\n"),
            ("a<br>b<br/>c<br><br>d", "a\nb\nc\n\nd\n"),
            ("<div>a</div><div>b</div>c", "a\nb\nc\n"),
            ("<ul><li>one</li><li>two<ul><li>in</ul></ul>x", "- one\n- two\n  - in\n\nx\n"),
            ("<ol><li>one<li>two</ol>", "1. one\n2. two\n"),
            ("1 &lt; 2 &amp;&amp; 3 &#62; 2 &#x20AC; &nosuch; &", "1 < 2 && 3 > 2 \u{20ac} &nosuch; &\n"),
            ("<head><title>t</title></head><style>p{}</style>x<SCRIPT>if(a<b){}</script>y", "xy\n"),
            ("<head><meta charset=utf-8><body>a head without its end", "a head without its end\n"),
            ("a<!-- <p>no</p> -->b", "ab\n"),
            ("a < b and c > d", "a < b and c > d\n"),
            ("<b title='a>b'>x</b>", "x\n"),
            ("<script>endless", "\n"),
            ("<!-- endless", "\n"),
            ("J\u{f6}rg &#13;&#10;x&#7;y", "J\u{f6}rg xy\n"),
            ("<img src=x alt='Load: 95%'> now", "Load: 95% now\n"),
            ("a<pre>\n x\n\n  y\n</pre>b", "a\n\n x\n\n  y\n\nb\n"),
        ] {
            assert_eq!(of_html(html), text, "{html}");
        }
    }

    #[test]
    fn every_character_reference_of_the_standard_is_read() {
        for (html, text) in [
            (
                "caf&eacute; &copy; &hellip; &euro; &NotEqualTilde;",
                "caf\u{e9} \u{a9} \u{2026} \u{20ac} \u{2242}\u{338}\n",
            ),
            ("&copy 2026 &ampx &notit; &#128; &#xD800;", "\u{a9} 2026 &x \u{ac}it; \u{20ac} \u{fffd}\n"),
        ] {
            assert_eq!(of_html(html), text, "{html}");
        }
    }

    #[test]
    fn links_say_where_they_lead() {
        for (html, text) in [
            ("<a href='https://x.org/c?a=1&amp;b=2'>Confirm</a>!", "Confirm <https://x.org/c?a=1&b=2>!\n"),
            ("<a href='https://x.org/?a=1&copy=2'>x</a>", "x <https://x.org/?a=1&copy=2>\n"),
            (
                "<a href='https://x.org/'>https://x.org</a> <a href=http://x.org>x.org</a>",
                "https://x.org x.org\n",
            ),
            (
                "<a href='mailto:a@x.org?subject=y'>Ana</a> <a href='mailto:a@x.org'>a@x.org</a>",
                "Ana <a@x.org> a@x.org\n",
            ),
            ("<a href='#top'>up</a> <a href='JavaScript:x()'>do</a> <a name=y>here</a>", "up do here\n"),
            ("<a href='https://x.org/b'><img src=b></a>", "<https://x.org/b>\n"),
            ("<a href='https://x.org/b'><div>Button</div></a><p>x", "Button <https://x.org/b>\n\nx\n"),
            ("<a href=/one>1<a href=' /t\nwo '>2", "1 </one>2 </two>\n"),
        ] {
            assert_eq!(of_html(html), text, "{html}");
        }
    }

    #[test]
    fn cells_are_apart_and_rows_are_lines() {
        let table =
            "<table><tr><th>disk</th><th>used</th></tr>\n<tr> <td>/</td> <td>95%</td></tr></table>end";
        assert_eq!(of_html(table), "disk\tused\n/\t95%\n\nend\n");
    }

    #[test]
    fn hostile_markup_takes_linear_time() {
        of_html(&"<".repeat(200_000));
        of_html(&"&".repeat(1_000_000));
        of_html(&"<b>".repeat(300_000));
        of_html(&"<ul><li>".repeat(100_000));
        of_html(&"<a href=x>".repeat(100_000));
        of_html(&"<style></style>".repeat(2_000));
    }
}
