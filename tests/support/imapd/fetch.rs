//! FETCH: what is asked for, and the rows that answer it.

use super::Wrong;
use super::command::Arg;
use super::quirks::{Fault, Quirk};
use super::reading::Command;
use super::row::{Row, Value};
use super::session::{Answer, Session, bad, ok};
use super::sets::Set;
use super::store::Message;
use super::view::{Known, View};
use std::io;
use std::sync::Arc;

/// The text that Exchange makes up for a message that it cannot show.
const MADE_UP: &[u8] =
    b"Subject: Retrieval using the IMAP4 protocol failed for the following message\r\n\r\nfailed\r\n";

/// One item that is asked for.
#[derive(Clone, Debug)]
enum Ask {
    Uid,
    Flags,
    Size,
    Date,
    EmailId,
    GmMsgid,
    Section(Section),
}

/// A part of the message.
#[derive(Clone, Debug)]
struct Section {
    /// As its answer names it.
    name: String,
    /// Whether `\Seen` stays as it is.
    peeks: bool,
    part: Part,
    /// From which octet, how many.
    partial: Option<(usize, usize)>,
}

#[derive(Clone, Debug)]
enum Part {
    All,
    Header,
    Text,
    Fields(Vec<String>),
}

impl Section {
    fn parse(word: &[u8]) -> Option<Section> {
        let text = std::str::from_utf8(word).ok()?;
        let upper = text.to_ascii_uppercase();
        let whole =
            |name: &str, part, peeks| Some(Section { name: name.to_owned(), peeks, part, partial: None });
        match upper.as_str() {
            "RFC822" => return whole("RFC822", Part::All, false),
            "RFC822.HEADER" => return whole("RFC822.HEADER", Part::Header, true),
            "RFC822.TEXT" => return whole("RFC822.TEXT", Part::Text, false),
            _ => {}
        }
        let (start, peeks) = match upper.strip_prefix("BODY.PEEK[") {
            Some(_) => ("BODY.PEEK[".len(), true),
            None => upper.strip_prefix("BODY[").map(|_| ("BODY[".len(), false))?,
        };
        let (section, behind) = text[start..].split_once(']')?;
        let upper = section.to_ascii_uppercase();
        let part = match upper.as_str() {
            "" => Part::All,
            "HEADER" => Part::Header,
            "TEXT" => Part::Text,
            _ => {
                let fields = upper.strip_prefix("HEADER.FIELDS (")?.strip_suffix(')')?;
                Part::Fields(fields.split(' ').map(str::to_owned).collect())
            }
        };
        let partial = match behind {
            "" => None,
            _ => {
                let (first, count) = behind.strip_prefix('<')?.strip_suffix('>')?.split_once('.')?;
                Some((first.parse().ok()?, count.parse().ok()?))
            }
        };
        let origin = partial.map_or(String::new(), |(first, _)| format!("<{first}>"));
        Some(Section { name: format!("BODY[{section}]{origin}"), peeks, part, partial })
    }

    fn octets(&self, wire: &Arc<Vec<u8>>) -> Arc<Vec<u8>> {
        let head = memchr::memmem::find(wire, b"\r\n\r\n").map_or(wire.len(), |at| at + 4);
        let whole = match &self.part {
            Part::All => Arc::clone(wire),
            Part::Header => Arc::new(wire[..head].to_vec()),
            Part::Text => Arc::new(wire[head..].to_vec()),
            Part::Fields(names) => Arc::new(fields(&wire[..head], names)),
        };
        match self.partial {
            None => whole,
            Some((first, count)) => {
                let first = first.min(whole.len());
                Arc::new(whole[first..whole.len().min(first.saturating_add(count))].to_vec())
            }
        }
    }
}

/// The header fields of these names, with their folded lines, and the empty line.
fn fields(head: &[u8], names: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut wanted = false;
    for line in head.split_inclusive(|octet| *octet == b'\n') {
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            let name = line.split(|octet| *octet == b':').next().unwrap_or_default();
            wanted = line.contains(&b':')
                && names.iter().any(|one| one.as_bytes().eq_ignore_ascii_case(name.trim_ascii_end()));
        }
        if wanted {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

impl Session<'_> {
    /// FETCH and UID FETCH.
    pub(super) fn fetch(&mut self, command: &Command) -> io::Result<Answer> {
        let by_uid = command.verb.starts_with("UID ");
        let set = match self.set(command, by_uid) {
            Ok(set) => set,
            Err(answer) => return answer,
        };
        let Some(mut asks) = self.asks(command) else { return bad("no such item") };
        if by_uid && !asks.iter().any(|ask| matches!(ask, Ask::Uid)) {
            asks.insert(0, Ask::Uid);
        }
        let mut chosen = self.chosen(&set, by_uid);
        let limit = self.quirk(|quirk| match quirk {
            Quirk::MessageLimit(most) => Some(*most),
            _ => None,
        });
        let beyond = limit.filter(|most| chosen.len() > *most);
        chosen.truncate(limit.unwrap_or(usize::MAX));
        let last = chosen.last().map_or(0, |(_, known)| known.uid);
        if self.is(|quirk| matches!(quirk, Quirk::Descending)) {
            chosen.reverse();
        }
        self.add_unasked(&mut chosen, &asks);
        for (number, known) in chosen {
            if let Some(answer) = self.fetch_one(number, &known, &asks)? {
                return Ok(answer);
            }
        }
        match beyond {
            None => ok("done"),
            Some(most) => ok(&format!("[MESSAGELIMIT {most} {last}] that is all for once")),
        }
    }

    /// The set that a command begins with. It has to ascend, and a number has to mean what it meant when the
    /// command was written.
    pub(super) fn set(&mut self, command: &Command, by_uid: bool) -> Result<Set, io::Result<Answer>> {
        let set = match command.args.first() {
            Some(Arg::Word(word)) => Set::parse(word),
            _ => None,
        };
        let Some(set) = set else {
            self.wrong(Wrong::Syntax, &format!("no set: {:?}", command.text));
            return Err(bad("a set, please"));
        };
        if !set.is_ascending() {
            self.wrong(Wrong::Syntax, &format!("a set that does not ascend: {:?}", command.text));
            if self.is(|quirk| matches!(quirk, Quirk::AscendingSets)) {
                return Err(bad("the set does not ascend"));
            }
        }
        if !by_uid {
            self.judge_numbers(command);
        }
        Ok(set)
    }

    /// A sequence number is safe where no message can have gone since the client last heard, and only to look.
    pub(super) fn judge_numbers(&mut self, command: &Command) {
        let keeps_numbers = |verb: &String| matches!(verb.as_str(), "FETCH" | "STORE" | "SEARCH");
        if !command.ahead.iter().all(keeps_numbers) {
            let behind = command.ahead.join(", ");
            self.wrong(Wrong::Numbers, &format!("behind {behind}, unanswered: {:?}", command.text));
        } else if !matches!(command.verb.as_str(), "FETCH" | "SEARCH") {
            self.wrong(Wrong::Numbers, &format!("{:?}", command.text));
        }
    }

    /// The messages of a set, with their sequence numbers.
    pub(super) fn chosen(&self, set: &Set, by_uid: bool) -> Vec<(usize, Known)> {
        let Some(view) = &self.view else { return Vec::new() };
        let strict = self.is(|quirk| matches!(quirk, Quirk::StarIsStrict));
        let last = if by_uid { view.last_uid() } else { view.known.len() as u32 };
        let ranges = set.resolve(last, strict);
        let numbered = (1..).zip(&view.known);
        let in_set = |(number, known): &(usize, &Known)| {
            ranges.contains(if by_uid { known.uid } else { *number as u32 })
        };
        numbered.filter(in_set).map(|(number, known)| (number, known.clone())).collect()
    }

    /// Adds the message whose body comes unasked.
    fn add_unasked(&self, chosen: &mut Vec<(usize, Known)>, asks: &[Ask]) {
        let unasked = self.quirk(|quirk| match quirk {
            Quirk::Unasked(uid) => Some(*uid),
            _ => None,
        });
        let wants_body = asks.iter().any(|ask| matches!(ask, Ask::Section(section) if is_whole(section)));
        let (Some(uid), Some(view), true) = (unasked, &self.view, wants_body) else { return };
        if let Some(at) = view.known.iter().position(|known| known.uid == uid)
            && !chosen.iter().any(|(_, known)| known.uid == uid)
        {
            chosen.push((at + 1, view.known[at].clone()));
        }
    }

    fn asks(&mut self, command: &Command) -> Option<Vec<Ask>> {
        let mut asks = Vec::new();
        for arg in command.args.get(1)?.each() {
            asks.push(match arg.word().as_str() {
                "UID" => Ask::Uid,
                "FLAGS" => Ask::Flags,
                "RFC822.SIZE" => Ask::Size,
                "INTERNALDATE" => Ask::Date,
                "EMAILID" => self.may_use("OBJECTID", command).then_some(Ask::EmailId)?,
                "X-GM-MSGID" => self.may_use("X-GM-EXT-1", command).then_some(Ask::GmMsgid)?,
                _ => match arg.octets().and_then(Section::parse) {
                    Some(section) => Ask::Section(section),
                    None => {
                        self.wrong(Wrong::Syntax, &format!("no such item: {:?}", command.text));
                        return None;
                    }
                },
            });
        }
        if command.args.len() != 2 {
            self.wrong(Wrong::Syntax, &format!("{:?}", command.text));
            return None;
        }
        if asks.iter().any(|ask| matches!(ask, Ask::Section(section) if !section.peeks)) {
            self.wrong(Wrong::Seen, &format!("{:?}", command.text));
        }
        Some(asks)
    }

    /// Answers for one message; an answer to the whole command where it ends here.
    fn fetch_one(&mut self, number: usize, known: &Known, asks: &[Ask]) -> io::Result<Option<Answer>> {
        let wants_body = asks.iter().any(|ask| matches!(ask, Ask::Section(section) if is_whole(section)));
        let wants_part = asks.iter().any(|ask| matches!(ask, Ask::Section(_)));
        let faults: Vec<Fault> = self.faults(known.uid, (wants_body, wants_part));
        for fault in &faults {
            match fault {
                Fault::Meanwhile(deed) => {
                    deed.run(&self.setup.store);
                    self.tell_news(true)?;
                }
                Fault::Refused(text) => return Ok(Some(Answer::Tagged((*text).to_owned()))),
                Fault::EndsAhead(octets, end) => {
                    self.send(octets.as_bytes());
                    self.flush()?;
                    self.peer.end(*end);
                    return Ok(Some(Answer::Over));
                }
                _ => {}
            }
        }
        // Messages may have gone just now, and the numbers of others with them.
        let is_there = |view: &&View| view.known.get(number - 1).is_some_and(|one| one.key == known.key);
        let number = match self.view.as_ref().filter(is_there) {
            Some(_) => Some(number),
            None => self.view.as_ref().and_then(|view| view.position(known.key)).map(|at| at + 1),
        };
        let (Some(number), Some(message)) = (number, self.look_at(known, asks)) else { return Ok(None) };
        let silent = faults.iter().any(|fault| matches!(fault, Fault::Silent));
        let peeks = asks.iter().all(|ask| !matches!(ask, Ask::Section(section) if !section.peeks));
        if silent && peeks {
            return Ok(None);
        }
        let message = match silent {
            true => Message { wire: Arc::new(MADE_UP.to_vec()), ..message },
            false => message,
        };
        let mut row = row_of(number, &message, asks);
        faults.iter().for_each(|fault| fault.apply(&mut row));
        self.rows(row, &faults)?;
        Ok(None)
    }

    /// Sends a row, and what faults and quirks put around it.
    fn rows(&mut self, row: Row, faults: &[Fault]) -> io::Result<()> {
        let chatter = self.quirk(|quirk| match quirk {
            Quirk::Chatter(lines) => Some(*lines),
            _ => None,
        });
        self.send(chatter.unwrap_or_default().as_bytes());
        let mut rows = vec![row.clone()];
        for fault in faults {
            match fault {
                Fault::Ahead(octets) => self.send(octets.as_bytes()),
                Fault::Times(times) => rows = vec![row.clone(); *times],
                Fault::TwiceUnequal => {
                    let mut other = row.clone();
                    other.change_body(|value| *value = Value::literal(Arc::new(MADE_UP.to_vec())));
                    rows.push(other);
                }
                Fault::Parted => rows = row.clone().parted().to_vec(),
                _ => {}
            }
        }
        for row in &rows {
            self.row(row)?;
        }
        for fault in faults {
            if let Fault::Behind(octets) = fault {
                self.send(octets.as_bytes());
            }
        }
        Ok(())
    }

    /// The message, if it is still there. Whoever does not peek has seen it.
    fn look_at(&mut self, known: &Known, asks: &[Ask]) -> Option<Message> {
        let view = self.view.as_mut()?;
        let in_examine =
            self.shared.quirks.lock().unwrap().iter().any(|one| matches!(one, Quirk::SeenInExamine));
        let sees = asks.iter().any(|ask| matches!(ask, Ask::Section(section) if !section.peeks));
        let mut contents = self.setup.store.lock();
        let folder = contents.folder_mut(&view.folder)?;
        let message = folder.find(known.key)?;
        if sees && (!view.read_only || in_examine) && !message.has("\\Seen") {
            // The session is told below, as of any change.
            message.set("\\Seen");
            folder.changes += 1;
        }
        folder.find(known.key).cloned()
    }
}

fn is_whole(section: &Section) -> bool {
    matches!(section.part, Part::All)
}

fn row_of(number: usize, message: &Message, asks: &[Ask]) -> Row {
    let mut row = Row::new(number);
    for ask in asks {
        match ask {
            Ask::Uid => row.push("UID", Value::text(message.uid.to_string())),
            Ask::Flags => row.push("FLAGS", Value::text(format!("({})", message.flags.join(" ")))),
            Ask::Size => row.push("RFC822.SIZE", Value::text(message.wire.len().to_string())),
            Ask::Date => row.push("INTERNALDATE", Value::text(format!("\"{}\"", message.date))),
            Ask::EmailId => row.push("EMAILID", Value::text(format!("({})", message.email_id()))),
            Ask::GmMsgid => row.push("X-GM-MSGID", Value::text(message.gm_msgid().to_string())),
            Ask::Section(section) => {
                row.push(&section.name, Value::literal(section.octets(&message.wire)));
            }
        }
    }
    row
}
