//! Checks the values that the user gives for header fields.

use crate::mail::addresses::Mailbox;
use crate::mail::outgoing::bad_message;
use crate::words::Failure;

/// The fields that `--header` refuses, because they have options or postie writes them, with a hint.
const OWN: [(&str, &str); 17] = [
    ("From", "--from names the author"),
    ("To", "--to names recipients"),
    ("Cc", "--cc names recipients"),
    ("Bcc", "--bcc names recipients"),
    ("Reply-To", "--reply-to names who gets the answers"),
    ("Subject", "--subject is the option for it"),
    ("Date", "--date is the option for it"),
    ("Message-ID", "--message-id is the option for it"),
    ("In-Reply-To", "--in-reply-to is the option for it"),
    ("References", "--references is the option for it"),
    ("MIME-Version", "it is written as the body needs it"),
    ("Content-Type", "it is written as the body needs it"),
    ("Content-Transfer-Encoding", "it is written as the body needs it"),
    ("Content-Disposition", "it is written as the body needs it"),
    ("Content-ID", "--cid is the option for it"),
    ("Return-Path", "the server that delivers writes it; --envelope-from names the sender"),
    ("Resent-Bcc", "--bcc names recipients"),
];

/// The longest Message-ID: it must fit into a line.
const MAX_ID: usize = 900;

/// Refuses a text with control characters.
pub(super) fn text<'a>(what: &str, text: &'a str) -> Result<&'a str, Failure> {
    match text.chars().find(|c| c.is_control() && *c != '\t') {
        None => Ok(text),
        Some(c) => Err(bad_message(format!("{what} has a control character in it ({})", c.escape_debug()))),
    }
}

/// Refuses a display name with control characters.
pub(super) fn check_name(mailbox: &Mailbox) -> Result<(), Failure> {
    text("a display name", mailbox.name.as_deref().unwrap_or_default()).map(drop)
}

/// A field of the user's own: `field-name = 1*ftext` (`RFC 5322 §3.6.8`), a colon, the value.
pub(super) fn custom(line: &str) -> Result<(&str, &str), Failure> {
    let hint = "write --header 'Name: value'";
    let shown = line.escape_debug();
    let Some((name, value)) = line.split_once(':') else {
        return Err(Failure::usage(format!("--header: \"{shown}\": there is no colon in it")).hint(hint));
    };
    let name = name.trim_end_matches(' ');
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(bad_message(format!("\"{shown}\" does not begin with the name of a field")).hint(hint));
    }
    if let Some((own, instead)) = OWN.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
        return Err(Failure::usage(format!("--header: {own}: this option is not for it")).hint(*instead));
    }
    Ok((name, text(&format!("the field {name}"), value)?.trim()))
}

/// One Message-ID without its angles (`RFC 5322 §3.6.4`).
pub(super) fn message_id(id: &str) -> Result<String, Failure> {
    let bare = id.trim_matches(' ');
    let bare = bare.strip_prefix('<').and_then(|bare| bare.strip_suffix('>')).unwrap_or(bare);
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic());
    let fine = bare.split_once('@').is_some_and(|(left, right)| plain(left) && plain(right));
    if !fine || bare.len() > MAX_ID || bare.contains(['<', '>']) {
        return Err(bad_message(format!("\"{}\" is not a Message-ID", id.escape_debug()))
            .hint("a Message-ID looks like <something@domain>"));
    }
    Ok(bare.to_owned())
}

/// Several Message-IDs, separated by spaces or commas, as they are written in a header.
pub(super) fn message_ids(ids: &str) -> Result<String, Failure> {
    let each = ids.split([' ', '\t', ',']).filter(|id| !id.is_empty());
    let all = each.map(|id| message_id(id).map(|id| format!("<{id}>"))).collect::<Result<Vec<_>, _>>()?;
    if all.is_empty() {
        return Err(bad_message("an empty list of Message-IDs"));
    }
    Ok(all.join(" "))
}

/// A media type with its parameters: `type "/" subtype *(";" parameter)` (`RFC 2045 §5.1`).
pub(super) fn media_type(text: &str) -> Result<&str, Failure> {
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    let is_type = essence.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub));
    if !is_type || !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Err(bad_message(format!("\"{}\" is not a media type", text.escape_debug()))
            .hint("a media type looks like type/subtype: application/pdf"));
    }
    if essence.to_ascii_lowercase().starts_with("multipart/") {
        return Err(bad_message(format!("{essence}: a file is attached as one part, not as a multipart")));
    }
    Ok(text)
}

/// A Content-ID without the angles of the field and the `cid:` of a URL (`RFC 2392`).
pub(super) fn content_id(id: &str) -> Result<&str, Failure> {
    let angles = |id: &'_ str| id.len() > 1 && id.starts_with('<') && id.ends_with('>');
    let mut bare = id.trim_matches(' ');
    for _ in 0..2 {
        if angles(bare) {
            bare = &bare[1..bare.len() - 1];
        }
        if bare.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid:")) {
            bare = &bare[4..];
        }
    }
    let fine = !bare.is_empty() && bare.len() <= MAX_ID && bare.bytes().all(|b| b.is_ascii_graphic());
    if !fine || bare.contains(['<', '>']) {
        return Err(bad_message(format!("\"{}\" is not a Content-ID", id.escape_debug())));
    }
    Ok(bare)
}

#[cfg(test)]
mod tests {
    use super::content_id;

    #[test]
    fn an_identifier_is_the_same_however_it_is_quoted() {
        for id in ["logo", "<logo>", "cid:logo", "CID:logo", "<cid:logo>", "cid:<logo>", " logo "] {
            assert_eq!(content_id(id).unwrap(), "logo", "{id}");
        }
        for bad in ["", "<>", "cid:", "cid:<>", "a b", "<a", "a>", "<<<a>>>", "\u{e4}", "a\r\nb"] {
            assert!(content_id(bad).is_err(), "{bad:?}");
        }
    }
}
