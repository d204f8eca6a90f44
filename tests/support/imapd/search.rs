//! SEARCH, with RETURN and without.

use super::Wrong;
use super::command::Arg;
use super::quirks::{Esearch, Quirk};
use super::reading::Command;
use super::session::{Answer, Session, bad, ok};
use super::sets::{Ranges, Set, write};
use super::store::Message;
use std::collections::HashMap;
use std::io;

/// One condition.
enum Key {
    All,
    Flag(&'static str, bool),
    Uids(Ranges),
    Numbers(Ranges),
    Header(String, Vec<u8>),
    Not(Box<Key>),
}

impl Key {
    fn holds(&self, number: u32, uid: u32, message: &Message) -> bool {
        match self {
            Key::All => true,
            Key::Flag(flag, is_set) => message.has(flag) == *is_set,
            Key::Uids(ranges) => ranges.contains(uid),
            Key::Numbers(ranges) => ranges.contains(number),
            Key::Header(name, value) => has_header(&message.wire, name, value),
            Key::Not(key) => !key.holds(number, uid, message),
        }
    }
}

fn has_header(wire: &[u8], name: &str, value: &[u8]) -> bool {
    let head = memchr::memmem::find(wire, b"\r\n\r\n").map_or(wire, |at| &wire[..at]);
    let unfolded = String::from_utf8_lossy(head).replace("\r\n ", " ").replace("\r\n\t", " ");
    let value = String::from_utf8_lossy(value).to_lowercase();
    unfolded.split("\r\n").filter_map(|line| line.split_once(':')).any(|(field, text)| {
        field.trim_end().eq_ignore_ascii_case(name) && text.to_lowercase().contains(&value)
    })
}

impl Session<'_> {
    /// SEARCH and UID SEARCH.
    pub(super) fn search(&mut self, command: &Command) -> io::Result<Answer> {
        let by_uid = command.verb.starts_with("UID ");
        let (returns, start) = match (command.word(0).as_str(), command.args.get(1)) {
            ("RETURN", Some(Arg::List(options))) => {
                if !self.may_use("ESEARCH", command) {
                    return bad("not known here");
                }
                (Some(options.iter().map(Arg::word).collect::<Vec<_>>()), 2)
            }
            _ => (None, 0),
        };
        let mut args = command.args[start..].iter();
        let mut keys = Vec::new();
        while args.len() > 0 {
            let Some(key) = self.key(&mut args, command) else {
                self.wrong(Wrong::Syntax, &format!("{:?}", command.text));
                return bad("no such key");
            };
            keys.push(key);
        }
        if keys.is_empty() {
            self.wrong(Wrong::Syntax, &format!("no key: {:?}", command.text));
            return bad("a key, please");
        }
        let found = self.found(&keys, by_uid);
        self.tell_found(command, returns, &found, by_uid)
    }

    fn key(&mut self, args: &mut std::slice::Iter<'_, Arg>, command: &Command) -> Option<Key> {
        let first = args.next()?;
        Some(match first.word().as_str() {
            "ALL" => Key::All,
            "DELETED" => Key::Flag("\\Deleted", true),
            "UNDELETED" => Key::Flag("\\Deleted", false),
            "SEEN" => Key::Flag("\\Seen", true),
            "UNSEEN" => Key::Flag("\\Seen", false),
            "NOT" => Key::Not(Box::new(self.key(args, command)?)),
            "HEADER" => {
                let name = String::from_utf8_lossy(args.next()?.octets()?).into_owned();
                Key::Header(name, args.next()?.octets()?.to_vec())
            }
            "UID" => Key::Uids(self.ranges(args.next()?, true)?),
            _ => {
                let ranges = self.ranges(first, false)?;
                // Numbers in, UIDs out: what a number means is as doubtful as ever.
                self.judge_numbers(command);
                Key::Numbers(ranges)
            }
        })
    }

    fn ranges(&self, arg: &Arg, of_uids: bool) -> Option<Ranges> {
        let view = self.view.as_ref()?;
        let last = if of_uids { view.last_uid() } else { view.known.len() as u32 };
        let strict = self.is(|quirk| matches!(quirk, Quirk::StarIsStrict));
        Some(Set::parse(arg.octets()?)?.resolve(last, strict))
    }

    fn found(&self, keys: &[Key], by_uid: bool) -> Vec<u32> {
        let Some(view) = &self.view else { return Vec::new() };
        let contents = self.contents();
        let Some(folder) = contents.folder(&view.folder) else { return Vec::new() };
        let there: HashMap<u64, &Message> =
            folder.messages.iter().map(|message| (message.key, message)).collect();
        let mut found = Vec::new();
        for (number, known) in (1..).zip(&view.known) {
            let Some(message) = there.get(&known.key) else { continue };
            if keys.iter().all(|key| key.holds(number, known.uid, message)) {
                found.push(if by_uid { known.uid } else { number });
            }
        }
        let limit = self.quirk(|quirk| match quirk {
            Quirk::SearchLimit(most) => Some(*most),
            _ => None,
        });
        found.truncate(limit.unwrap_or(usize::MAX));
        found
    }

    fn tell_found(
        &mut self,
        command: &Command,
        returns: Option<Vec<String>>,
        found: &[u32],
        by_uid: bool,
    ) -> io::Result<Answer> {
        let broken = self.quirk(|quirk| match quirk {
            Quirk::Esearch(how) => Some(*how),
            _ => None,
        });
        let returns = match (returns, broken) {
            (Some(_), Some(Esearch::Bad)) => return bad("RETURN is not known here"),
            (Some(_), Some(Esearch::Nothing)) => return ok("done"),
            (Some(_), Some(Esearch::Plain)) => None,
            (returns, _) => returns,
        };
        let Some(returns) = returns else {
            let numbers: String = found.iter().map(|number| format!(" {number}")).collect();
            self.line(&format!("* SEARCH{numbers}"));
            return ok("done");
        };
        let mut text = format!("* ESEARCH (TAG \"{}\")", command.tag);
        if by_uid {
            text.push_str(" UID");
        }
        let asks = |name: &str| returns.iter().any(|one| one == name);
        let ends = [("MIN", found.iter().min()), ("MAX", found.iter().max())];
        for (name, number) in ends.iter().filter(|(name, _)| asks(name)) {
            if let Some(number) = number {
                text.push_str(&format!(" {name} {number}"));
            }
        }
        if !found.is_empty() && (asks("ALL") || returns.is_empty()) {
            text.push_str(&format!(" ALL {}", write(found.iter().copied())));
        }
        if asks("COUNT") {
            text.push_str(&format!(" COUNT {}", found.len()));
        }
        self.line(&text);
        ok("done")
    }
}
