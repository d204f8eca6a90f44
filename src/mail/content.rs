//! The readable content of a message: its texts, and what is attached. For `fetch --stdout --json` only;
//! nothing here decides about delivery.

use super::guard::guarded;
use mail_parser::{Message, MessageParser, MimeHeaders as _, PartType};

/// So many messages may be nested in one another; the parser recurses over them.
const MAX_NESTED: usize = 32;

/// What is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// The file name.
    pub name: Option<String>,
    /// The media type.
    pub content_type: Option<String>,
    /// Octets, decoded.
    pub size: usize,
}

/// The readable content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The text body.
    pub text: Option<String>,
    /// The HTML body.
    pub html: Option<String>,
    /// What is attached.
    pub attachments: Vec<Attached>,
}

impl Content {
    /// Reads a message; `None` for one that is nested too deep to be parsed safely, or not at all.
    pub fn of(message: &[u8]) -> Option<Content> {
        let nested = memchr::memmem::find_iter(&message.to_ascii_lowercase(), b"message/").count();
        if nested > MAX_NESTED {
            return None;
        }
        guarded(|| MessageParser::default().parse(message).map(|message| read(&message))).flatten()
    }
}

fn read(message: &Message<'_>) -> Content {
    let text = |parts: &[u32], wanted: fn(&PartType<'_>) -> bool| {
        let own = parts.iter().filter_map(|id| message.part(*id)).find(|part| wanted(&part.body));
        own.and_then(|part| part.text_contents()).map(str::to_owned)
    };
    Content {
        text: text(&message.text_body, |body| matches!(body, PartType::Text(_))),
        html: text(&message.html_body, |body| matches!(body, PartType::Html(_))),
        attachments: message
            .attachments()
            .map(|part| Attached {
                name: part.attachment_name().map(str::to_owned),
                content_type: part.content_type().map(|kind| match kind.subtype() {
                    Some(subtype) => format!("{}/{subtype}", kind.ctype()),
                    None => kind.ctype().to_owned(),
                }),
                size: part.len(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_attachments_are_read() {
        let message = b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n\
            --c\nContent-Type: text/plain; charset=utf-8\n\nGr\xc3\xbc\xc3\x9fe\n--c\nContent-Type: text/html\n\n<p>x</p>\n--c--\n\
            --b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"a.pdf\"\n\
            Content-Transfer-Encoding: base64\n\nQUJD\n--b--\n";
        let content = Content::of(message).unwrap();
        assert_eq!(content.text.as_deref().map(str::trim), Some("Grüße"));
        assert_eq!(content.html.as_deref().map(str::trim), Some("<p>x</p>"));
        let pdf =
            Attached { name: Some("a.pdf".into()), content_type: Some("application/pdf".into()), size: 3 };
        assert_eq!(content.attachments, [pdf]);
    }

    #[test]
    fn a_message_nested_beyond_reason_is_not_parsed() {
        let deep = b"Content-Type: message/rfc822\n\n".repeat(100_000);
        assert_eq!(Content::of(&deep), None);
        for odd in [&b""[..], b"\n", b"\xff\xfe\n\n\xff", b"Content-Type: multipart/mixed\n\n--"] {
            let _ = Content::of(odd);
        }
    }
}
