//! Writes header fields in US-ASCII, folded: text and address lists.

use super::addresses::{Entry, Mailbox};
use super::encoded::{FoldingWriter, encoded_words, is_encoded, is_encoded_in_phrase, split};
use super::outgoing::MAX_LINE;
use super::unlabelled::Unlabelled;

/// A field with the same words, folded.
pub(super) fn folded(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut folder = FoldingWriter::new(name);
    split(value).into_iter().for_each(|(space, word)| folder.word(space, word));
    folder.finish()
}

/// A text field: runs of non-ASCII words become encoded words, the others stay. `long`: words too long for a line
/// become encoded words, too.
pub(super) fn text(name: &[u8], value: &[u8], long: bool) -> Vec<u8> {
    let charset = Unlabelled::of(value).charset();
    let words = split(value);
    let is_bad = |word: &[u8]| !word.is_ascii() || (long && word.len() > MAX_LINE - 100);
    let mut folder = FoldingWriter::new(name);
    let mut at = 0;
    while at < words.len() {
        let (space, word) = words[at];
        let run = words[at..].iter().take_while(|(_, word)| is_bad(word)).count();
        if run == 0 {
            folder.word(space, word);
            at += 1;
            continue;
        }
        let mut octets = Vec::new();
        // Readers drop the white space between encoded words, so it must be inside one.
        if at > 0 && is_encoded(words[at - 1].1) {
            octets.extend_from_slice(space);
        }
        for (offset, (space, word)) in words[at..at + run].iter().enumerate() {
            octets.extend_from_slice(if offset == 0 { b"" } else { space });
            octets.extend_from_slice(word);
        }
        at += run;
        if let Some((space, next)) = words.get(at)
            && is_encoded(next)
        {
            octets.extend_from_slice(space);
        }
        encoded(&mut folder, space, &octets, charset);
    }
    folder.finish()
}

fn encoded(folder: &mut FoldingWriter, space: &[u8], octets: &[u8], charset: &str) {
    let each = encoded_words(octets, charset, folder.room());
    for (number, word) in each.iter().enumerate() {
        folder.word(if number == 0 { space } else { b" " }, word.as_bytes());
    }
}

/// Whether a name consists of encoded words, which must not be quoted (`RFC 2047 §5`).
pub(super) fn is_encoded_name(name: &str) -> bool {
    !name.is_empty() && name.split(' ').all(|word| is_encoded_in_phrase(word.as_bytes()))
}

/// A field with an address list that was read from `text`. Comments after an address are left out.
pub(super) fn people_field(written: &[u8], entries: &[Entry], text: &Unlabelled) -> Vec<u8> {
    let mut folder = FoldingWriter::new(written);
    for (number, entry) in entries.iter().enumerate() {
        if number > 0 {
            folder.append(b",");
        }
        match entry {
            Entry::Mailbox(mailbox) => person(&mut folder, mailbox, text),
            Entry::Group { name, members } => {
                phrase(&mut folder, name, text);
                folder.append(b":");
                for (number, member) in members.iter().enumerate() {
                    if number > 0 {
                        folder.append(b",");
                    }
                    person(&mut folder, member, text);
                }
                folder.append(b";");
            }
        }
    }
    folder.finish()
}

fn person(folder: &mut FoldingWriter, mailbox: &Mailbox, text: &Unlabelled) {
    if let Some(name) = &mailbox.name {
        phrase(folder, name, text);
    }
    folder.word(b" ", format!("<{}>", mailbox.address).as_bytes());
}

/// A display name: encoded words, or a quoted string.
fn phrase(folder: &mut FoldingWriter, name: &str, text: &Unlabelled) {
    if name.is_ascii() {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let shown = if is_encoded_name(name) { name.to_owned() } else { format!("\"{quoted}\"") };
        // An encoded name is folded between its words, a quoted one at its white space.
        split(shown.as_bytes()).into_iter().for_each(|(space, word)| folder.word(space, word));
        return;
    }
    encoded(folder, b" ", &text.octets(name), text.charset());
}
