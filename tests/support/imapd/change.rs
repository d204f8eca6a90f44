//! What changes mail: STORE, EXPUNGE, COPY, MOVE, APPEND, CLOSE.

use super::Wrong;
use super::command::Arg;
use super::quirks::Quirk;
use super::reading::Command;
use super::row::{Row, Value};
use super::session::{Answer, Session, bad, no, ok};
use super::sets::write;
use super::store::Message;
use super::view::Known;
use std::io;
use std::sync::Arc;

impl Session<'_> {
    /// Answers a command that changes the folder that is selected.
    pub(super) fn change(&mut self, command: &Command) -> io::Result<Answer> {
        let verb = command.verb.as_str();
        let copies = matches!(verb, "COPY" | "UID COPY");
        if self.view.as_ref().is_some_and(|view| view.read_only) && !copies {
            self.wrong(Wrong::State, &format!("the folder is open for reading: {:?}", command.text));
            return no("[READ-ONLY] the folder is open for reading alone");
        }
        match verb {
            "UID EXPUNGE" => {
                if self.is(|quirk| matches!(quirk, Quirk::UidExpungeBad)) {
                    return bad("not known here");
                }
                let set = match self.set(command, true) {
                    Ok(set) => set,
                    Err(answer) => return answer,
                };
                let chosen = self.chosen(&set, true);
                self.expunge(&chosen)
            }
            "EXPUNGE" => {
                if self.announces("UIDPLUS") {
                    self.wrong(Wrong::Expunge, "EXPUNGE though there is UID EXPUNGE");
                }
                let all = (1..).zip(self.view.iter().flat_map(|view| view.known.clone())).collect::<Vec<_>>();
                self.expunge(&all)
            }
            "STORE" | "UID STORE" => self.store(command),
            "COPY" | "UID COPY" => self.copy(command),
            _ => self.move_messages(command),
        }
    }

    fn store(&mut self, command: &Command) -> io::Result<Answer> {
        let by_uid = command.verb.starts_with("UID ");
        let set = match self.set(command, by_uid) {
            Ok(set) => set,
            Err(answer) => return answer,
        };
        let what = command.word(1);
        let (item, silent) = match what.strip_suffix(".SILENT") {
            Some(item) => (item, true),
            None => (what.as_str(), false),
        };
        let (3, "FLAGS" | "+FLAGS" | "-FLAGS") = (command.args.len(), item) else {
            self.wrong(Wrong::Syntax, &format!("{:?}", command.text));
            return bad("flags, please");
        };
        let flags: Vec<String> = command.args[2].each().iter().map(flag).collect();
        if item != "+FLAGS" || flags.iter().any(|flag| flag != "\\Deleted") {
            self.wrong(Wrong::Flags, &format!("{:?}", command.text));
        }
        for (number, known) in self.chosen(&set, by_uid) {
            if let Some(message) = self.store_one(&known, item, &flags)
                && !silent
            {
                let mut row = Row::new(number);
                row.push("UID", Value::text(message.uid.to_string()));
                row.push("FLAGS", Value::text(format!("({})", message.flags.join(" "))));
                self.row(&row)?;
            }
        }
        self.delete_at_once();
        ok("done")
    }

    fn store_one(&mut self, known: &Known, item: &str, flags: &[String]) -> Option<Message> {
        let view = self.view.as_mut()?;
        let mut contents = self.setup.store.lock();
        let folder = contents.folder_mut(&view.folder)?;
        let message = folder.find(known.key)?;
        if item == "FLAGS" {
            message.flags.clear();
        }
        for flag in flags {
            match item {
                "-FLAGS" => message.clear(flag),
                _ => {
                    // Now it is this client's mark too.
                    message.foreign &= flag != "\\Deleted";
                    message.set(flag);
                }
            }
        }
        let message = message.clone();
        folder.changes += 1;
        view.note_flags(message.key, &message.flags);
        Some(message)
    }

    /// Gmail's way: a mark is enough, and what is out of a label is still in the folder of all mail.
    fn delete_at_once(&mut self) {
        if !self.is(|quirk| matches!(quirk, Quirk::DeletesAtOnce)) {
            return;
        }
        let Some(view) = &self.view else { return };
        let mut contents = self.setup.store.lock();
        let Some(folder) = contents.folder_mut(&view.folder).filter(|folder| !folder.is("\\All")) else {
            return;
        };
        let (is_trash, marked): (bool, Vec<Message>) = (
            folder.is("\\Trash"),
            folder.messages.iter().filter(|message| message.has("\\Deleted")).cloned().collect(),
        );
        folder.remove(&marked.iter().map(|message| message.key).collect::<Vec<_>>());
        for mut message in marked.into_iter().filter(|_| !is_trash) {
            message.clear("\\Deleted");
            let copy = contents.copy_of(&message);
            if let Some(all) = contents.with_attribute("\\All")
                && !all.messages.iter().any(|other| other.origin == copy.origin)
            {
                all.take_in(copy);
            }
        }
    }

    /// Expunges those of these that are marked.
    fn expunge(&mut self, among: &[(usize, Known)]) -> io::Result<Answer> {
        if self.is(|quirk| matches!(quirk, Quirk::ExpungesNothing)) {
            return ok("done");
        }
        self.expunge_marked(among);
        match self.is(|quirk| matches!(quirk, Quirk::ExpungesAndSaysNo)) {
            true => no("[SERVERBUG] something went wrong"),
            false => ok("done"),
        }
    }

    fn expunge_marked(&mut self, among: &[(usize, Known)]) {
        let Some(view) = &self.view else { return };
        let mut contents = self.setup.store.lock();
        let Some(folder) = contents.folder_mut(&view.folder) else { return };
        let keys: std::collections::HashSet<u64> = among.iter().map(|(_, known)| known.key).collect();
        let goes = |message: &&Message| keys.contains(&message.key) && message.has("\\Deleted");
        let going: Vec<&Message> = folder.messages.iter().filter(goes).collect();
        for message in going.iter().filter(|message| message.foreign) {
            self.wrong(Wrong::Expunge, &format!("UID {} was marked by another client alone", message.uid));
        }
        let going: Vec<u64> = going.iter().map(|message| message.key).collect();
        folder.remove(&going);
    }

    /// CLOSE, which expunges without a word.
    pub(super) fn close(&mut self) -> io::Result<Answer> {
        self.wrong(Wrong::Expunge, "CLOSE");
        let Some(view) = self.view.clone() else { return bad("nothing is open") };
        if !view.read_only {
            let all: Vec<_> = (1..).zip(view.known).collect();
            self.expunge_marked(&all);
        }
        self.view = None;
        ok("closed")
    }

    fn copy(&mut self, command: &Command) -> io::Result<Answer> {
        let (chosen, target) = match self.messages_and_target(command) {
            Ok(both) => both,
            Err(answer) => return answer,
        };
        let code = self.copy_to(&chosen, &target);
        ok(&format!("{code}done"))
    }

    /// The messages and the target of COPY and MOVE.
    #[allow(clippy::type_complexity, reason = "either both, or the answer to the command")]
    fn messages_and_target(
        &mut self,
        command: &Command,
    ) -> Result<(Vec<(usize, Known)>, Vec<u8>), io::Result<Answer>> {
        let by_uid = command.verb.starts_with("UID ");
        let set = self.set(command, by_uid)?;
        let (Some(target), 2) = (command.octets(1), command.args.len()) else {
            self.wrong(Wrong::Syntax, &format!("{:?}", command.text));
            return Err(bad("a set and a folder, please"));
        };
        if !self.contents().folder(target).is_some_and(|folder| folder.is_selectable()) {
            return Err(no("[TRYCREATE] no such folder"));
        }
        Ok((self.chosen(&set, by_uid), target.to_vec()))
    }

    /// Copies; gives COPYUID, if there is anything to tell and the server tells it.
    fn copy_to(&mut self, chosen: &[(usize, Known)], target: &[u8]) -> String {
        let Some(view) = &self.view else { return String::new() };
        let (mut from, mut to, mut validity) = (Vec::new(), Vec::new(), 0);
        {
            let mut contents = self.setup.store.lock();
            for (_, known) in chosen {
                let found =
                    contents.folder_mut(&view.folder).and_then(|folder| folder.find(known.key)).cloned();
                let Some(message) = found else { continue };
                let copy = contents.copy_of(&message);
                if let Some(folder) = contents.folder_mut(target) {
                    from.push(known.uid);
                    to.push(folder.take_in(copy));
                    validity = folder.uidvalidity;
                }
            }
        }
        self.setup.store.wake();
        let told = self.announces("UIDPLUS") && !self.is(|quirk| matches!(quirk, Quirk::NoCopyuid));
        match told && !from.is_empty() {
            true => format!("[COPYUID {validity} {} {}] ", write(from), write(to)),
            false => String::new(),
        }
    }

    fn move_messages(&mut self, command: &Command) -> io::Result<Answer> {
        let (mut chosen, target) = match self.messages_and_target(command) {
            Ok(both) => both,
            Err(answer) => return answer,
        };
        let refused = self.quirk(|quirk| match quirk {
            Quirk::MoveNo(moved) => Some(*moved),
            _ => None,
        });
        chosen.truncate(refused.unwrap_or(usize::MAX));
        let code = self.copy_to(&chosen, &target);
        let keys: Vec<u64> = chosen.iter().map(|(_, known)| known.key).collect();
        if let Some(view) = &self.view
            && let Some(folder) = self.setup.store.lock().folder_mut(&view.folder)
        {
            folder.remove(&keys);
        }
        self.leave_all(&target);
        let tagged = self.is(|quirk| matches!(quirk, Quirk::CopyuidTagged));
        if !tagged && !code.is_empty() {
            self.line(&format!("* OK {code}moved"));
        }
        match refused {
            Some(_) => no("[UNAVAILABLE] not moved, or not all"),
            None if tagged => ok(&format!("{code}done")),
            None => ok("done"),
        }
    }

    /// Gmail's way: what is in the trash is not in the folder of all mail.
    fn leave_all(&self, target: &[u8]) {
        if !self.is(|quirk| matches!(quirk, Quirk::DeletesAtOnce)) {
            return;
        }
        let mut contents = self.setup.store.lock();
        let Some(trash) = contents.folder(target).filter(|folder| folder.is("\\Trash")) else { return };
        let there: Vec<u64> = trash.messages.iter().map(|message| message.origin).collect();
        if let Some(all) = contents.with_attribute("\\All") {
            all.messages.retain(|message| !there.contains(&message.origin));
            all.changes += 1;
        }
    }

    /// APPEND.
    pub(super) fn append(&mut self, command: &Command) -> io::Result<Answer> {
        let (name, last, in_utf8) = (command.octets(0), command.args.last(), is_utf8(command));
        let literal = match last {
            Some(Arg::List(list)) if in_utf8 => list.first(),
            last => last,
        };
        let (Some(name), Some(Arg::Literal(octets))) = (name, literal) else {
            self.wrong(Wrong::Syntax, &format!("{:?}", command.text));
            return bad("a folder and a literal, please");
        };
        let options = &command.args[1..command.args.len() - if in_utf8 { 2 } else { 1 }];
        let header = &octets[..memchr::memmem::find(octets, b"\r\n\r\n").unwrap_or(octets.len())];
        if !header.is_ascii()
            && self.in_utf8
            && !in_utf8
            && !self.is(|quirk| matches!(quirk, Quirk::NoUtf8Append))
        {
            self.wrong(Wrong::Content, "a header in UTF-8, and APPEND without UTF8");
        }
        let flags = options.first().and_then(Arg::list).map(|list| list.iter().map(flag).collect());
        let date = options.last().filter(|arg| matches!(arg, Arg::Quoted(_))).and_then(Arg::octets);
        if options.len() != usize::from(flags.is_some()) + usize::from(date.is_some()) {
            self.wrong(Wrong::Syntax, &format!("{:?}", command.text));
            return bad("flags, a date and a literal, please");
        }
        self.judge(octets);
        if !self.contents().folder(name).is_some_and(|folder| folder.is_selectable()) {
            return no("[TRYCREATE] no such folder");
        }
        let date = date.map(|date| String::from_utf8_lossy(date).into_owned());
        let uid = self.setup.store.deliver(&String::from_utf8_lossy(name), octets);
        let (validity, flags): (u64, Vec<String>) =
            (self.setup.store.folder(&String::from_utf8_lossy(name)).uidvalidity, flags.unwrap_or_default());
        self.setup.store.change_message(&String::from_utf8_lossy(name), uid, |message| {
            message.flags = flags;
            if let Some(date) = date {
                message.date = Arc::from(date);
            }
        });
        let told = self.announces("UIDPLUS") && !self.is(|quirk| matches!(quirk, Quirk::NoCopyuid));
        match told {
            true => ok(&format!("[APPENDUID {validity} {uid}] done")),
            false => ok("done"),
        }
    }

    /// Takes offence at content no client may send.
    fn judge(&mut self, content: &[u8]) {
        let pairs = memchr::memmem::find_iter(content, b"\r\n").count();
        let count = |octet| memchr::memchr_iter(octet, content).count();
        if count(b'\r') != pairs || count(b'\n') != pairs || count(0) > 0 {
            self.wrong(Wrong::Content, "bare CR, bare LF or NUL in APPEND");
        }
    }
}

/// Whether the message is in the form of `RFC 6855 §4`.
fn is_utf8(command: &Command) -> bool {
    let at = command.args.len().saturating_sub(2);
    command.args.len() > 2 && command.word(at) == "UTF8"
}

/// A flag as it is written.
fn flag(arg: &Arg) -> String {
    String::from_utf8_lossy(arg.octets().unwrap_or_default()).into_owned()
}
