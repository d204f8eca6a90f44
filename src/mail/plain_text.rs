//! The text part of a message that is composed of HTML alone: for readers that show no HTML, and for
//! filters that distrust mail without text. It carries the words, not the looks.
//!
//! One pass, no nesting, no recursion: what is in a tag is dropped, a few tags end a line, and character
//! references become characters. Bad HTML gives bad text, never an error.

/// The tags whose content is no text.
const HIDDEN: [&str; 4] = ["script", "style", "head", "title"];
/// The tags that end a line.
const BREAKS: [&str; 15] =
    ["br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr"];

/// The words of `html`.
pub fn of_html(html: &str) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.words(&rest[..at]);
        rest = &rest[at..];
        rest = if let Some(comment) = rest.strip_prefix("<!--") {
            comment.find("-->").map_or("", |end| &comment[end + 3..])
        } else if rest.starts_with('<') {
            tag(rest, &mut text)
        } else {
            reference(rest, &mut text)
        };
    }
    text.words(rest);
    text.finish()
}

/// Takes the tag that `rest` begins with; returns what follows it, or what follows its hidden content.
fn tag<'a>(rest: &'a str, text: &mut Text) -> &'a str {
    let Some(end) = rest.find('>') else {
        // No tag ends any more: all that is left is text.
        text.words(rest);
        return "";
    };
    let inner = &rest[1..end];
    let closing = inner.starts_with('/');
    let name: String = inner
        .trim_start_matches('/')
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    let after = &rest[end + 1..];
    if HIDDEN.contains(&name.as_str()) && !closing {
        return skip_hidden(after, &name);
    }
    if BREAKS.contains(&name.as_str()) {
        text.end_line();
        if name == "li" && !closing {
            text.words("- ");
        }
    }
    after
}

/// What follows the end tag of `name`.
fn skip_hidden<'a>(mut rest: &'a str, name: &str) -> &'a str {
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        if rest.as_bytes().get(..name.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes())) {
            return rest.find('>').map_or("", |end| &rest[end + 1..]);
        }
    }
    ""
}

/// Takes the character reference that `rest` begins with; returns what follows it.
fn reference<'a>(rest: &'a str, text: &mut Text) -> &'a str {
    let end = rest.bytes().take(12).position(|b| b == b';');
    let decoded = end.and_then(|end| {
        let name = &rest[1..end];
        let c = match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" => '\u{a0}',
            "copy" => '\u{a9}',
            "euro" => '\u{20ac}',
            "ndash" => '\u{2013}',
            "mdash" => '\u{2014}',
            "hellip" => '\u{2026}',
            _ => numeric(name)?,
        };
        Some((c, end))
    });
    match decoded {
        Some((c, end)) => {
            text.character(c);
            &rest[end + 1..]
        }
        None => {
            text.words("&");
            &rest[1..]
        }
    }
}

fn numeric(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    char::from_u32(number.ok()?).filter(|c| !c.is_control())
}

/// Text as it is gathered: runs of white space are one space, and lines begin and end without any.
#[derive(Default)]
struct Text {
    out: String,
    space: bool,
}

impl Text {
    fn words(&mut self, words: &str) {
        for c in words.chars() {
            if c.is_ascii_whitespace() { self.space = true } else { self.character(c) }
        }
        // A list's dash keeps its space.
        self.space |= words.ends_with(' ');
    }

    fn character(&mut self, c: char) {
        if self.space && !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push(' ');
        }
        self.space = false;
        self.out.push(c);
    }

    fn end_line(&mut self) {
        self.space = false;
        // One blank line at most between two lines of text.
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn finish(self) -> String {
        let mut text = self.out.trim().to_owned();
        text.push('\n');
        text
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
            ("a<br>b<br/>c", "a\nb\nc\n"),
            ("<ul><li>one</li><li>two</li></ul>", "- one\n\n- two\n"),
            ("1 &lt; 2 &amp;&amp; 3 &#62; 2 &#x20AC; &nosuch; &", "1 < 2 && 3 > 2 \u{20ac} &nosuch; &\n"),
            ("<head><title>t</title></head><style>p{}</style>x<SCRIPT>if(a<b){}</script>y", "xy\n"),
            ("a<!-- <p>no</p> -->b", "ab\n"),
            ("a < b", "a < b\n"),
            ("<script>endless", "\n"),
            ("<!-- endless", "\n"),
            ("J\u{f6}rg &#0;&#13;", "J\u{f6}rg &#0;&#13;\n"),
        ] {
            assert_eq!(of_html(html), text, "{html}");
        }
    }

    #[test]
    fn hostile_markup_takes_linear_time() {
        of_html(&"<".repeat(200_000));
        of_html(&"&".repeat(1_000_000));
        of_html(&"<b>".repeat(300_000));
        of_html(&"<style></style>".repeat(2_000));
    }
}
