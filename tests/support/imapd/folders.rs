//! Folders: their list, their state, and the one that is selected.

use super::Wrong;
use super::command::Arg;
use super::quirks::Quirk;
use super::reading::Command;
use super::row::quoted;
use super::session::{Answer, Session, bad, no, ok};
use super::store::{Folder, NameForm};
use super::view::View;
use std::io;

/// What may stand behind a SELECT that is not answered yet: it only reads.
const READS: [&str; 8] = ["UID SEARCH", "UID FETCH", "NOOP", "LOGOUT", "STATUS", "LIST", "ID", "CAPABILITY"];

impl Session<'_> {
    /// Answers a command that needs a login.
    pub(super) fn command_of_folders(&mut self, command: &Command) -> io::Result<Answer> {
        let verb = command.verb.as_str();
        if !self.logged_in {
            self.wrong(Wrong::State, &format!("not logged in: {:?}", command.text));
            return bad("log in first");
        }
        let selects = |verb: &str| matches!(verb, "SELECT" | "EXAMINE");
        if command.ahead.iter().any(|ahead| selects(ahead)) && !READS.contains(&verb) {
            self.wrong(Wrong::Pipelined, &format!("{verb} behind a SELECT without an answer"));
        }
        let changes = |verb: &String| is_of_selected(verb) && !READS.contains(&verb.as_str());
        if selects(verb) && self.view.is_some() && command.ahead.iter().any(changes) {
            self.wrong(Wrong::Pipelined, &format!("{verb} behind {:?} without an answer", command.ahead));
        }
        if verb == "ENABLE" {
            return self.enable(command);
        }
        if self.announces("UTF8=ONLY") && !self.in_utf8 {
            self.wrong(Wrong::State, &format!("before UTF-8 is enabled: {:?}", command.text));
            return no("[CANNOT] only with UTF8=ACCEPT");
        }
        if let Some(capability) = needs(verb)
            && !self.may_use(capability, command)
        {
            return bad("not known here");
        }
        match verb {
            "NAMESPACE" => {
                self.line(&format!("* NAMESPACE {}", self.setup.namespace));
                ok("these")
            }
            "LIST" => self.list(command),
            "LSUB" => self.lsub(command),
            "STATUS" => self.status(command),
            "SELECT" | "EXAMINE" => self.select(command),
            "CREATE" => self.create(command),
            "APPEND" => self.append(command),
            "IDLE" => self.idle(),
            _ if !is_of_selected(verb) => {
                self.wrong(Wrong::Syntax, &format!("not known here: {:?}", command.text));
                bad("not known here")
            }
            _ if self.view.is_none() => {
                self.wrong(Wrong::State, &format!("no folder is selected: {:?}", command.text));
                bad("select a folder first")
            }
            "CHECK" => ok("checked"),
            "UID FETCH" | "FETCH" => self.fetch(command),
            "UID SEARCH" | "SEARCH" => self.search(command),
            "CLOSE" => self.close(),
            "UNSELECT" => {
                self.view = None;
                ok("nothing is expunged")
            }
            _ => self.change(command),
        }
    }

    /// ENABLE of `UTF8=ACCEPT`, which `UTF8=ONLY` implies. Names of folders are octets here, so that this changes none.
    fn enable(&mut self, command: &Command) -> io::Result<Answer> {
        let accepts = self.announces("UTF8=ACCEPT") || self.announces("UTF8=ONLY");
        if !accepts || command.args.len() != 1 || command.word(0) != "UTF8=ACCEPT" {
            self.wrong(Wrong::Unannounced, &format!("{:?}", command.text));
            return bad("not known here");
        }
        if self.view.is_some() {
            self.wrong(Wrong::State, "ENABLE with a folder selected");
        }
        self.in_utf8 = true;
        self.line("* ENABLED UTF8=ACCEPT");
        ok("it is on")
    }

    fn list(&mut self, command: &Command) -> io::Result<Answer> {
        let mut args = command.args.as_slice();
        let mut special = false;
        if let [Arg::List(selection), rest @ ..] = args {
            special = selection.iter().any(|word| word.word() == "SPECIAL-USE");
            if !self.may_use(if special { "SPECIAL-USE" } else { "LIST-EXTENDED" }, command) {
                return bad("two arguments, please");
            }
            args = rest;
        }
        let (Some(reference), Some(pattern)) = (args.first().and_then(Arg::octets), args.get(1)) else {
            self.wrong(Wrong::Syntax, &format!("{:?}", command.text));
            return bad("a reference and a pattern, please");
        };
        let wanted = match self.list_returns(command, &args[2..]) {
            Ok(wanted) => wanted,
            Err(answer) => return answer,
        };
        if args.len() > 2 && self.is(|quirk| matches!(quirk, Quirk::ListExtendedEmpty)) {
            return ok("done");
        }
        let patterns: Vec<Vec<u8>> =
            pattern.each().iter().filter_map(Arg::octets).map(|one| [reference, one].concat()).collect();
        if patterns == [b""] {
            self.line(r#"* LIST (\Noselect) "/" """#);
            return ok("done");
        }
        let folders = self.contents().folders.clone();
        let times = if self.is(|quirk| matches!(quirk, Quirk::ListsTwice)) { 2 } else { 1 };
        for folder in &folders {
            let fits = patterns.iter().any(|pattern| finds(pattern, folder));
            if !fits || special && !folder.attributes.iter().any(|has| is_special(has)) {
                continue;
            }
            for _ in 0..times {
                self.list_row("LIST", folder, &folders);
            }
            if let Some(items) = wanted.as_ref().filter(|_| folder.is_selectable())
                && !self.is(|quirk| matches!(quirk, Quirk::NoListStatus))
            {
                self.status_row(folder, items);
            }
        }
        ok("done")
    }

    /// What LIST is to return beside the folders: the items of STATUS, if any.
    fn list_returns(
        &mut self,
        command: &Command,
        args: &[Arg],
    ) -> Result<Option<Vec<String>>, io::Result<Answer>> {
        let [] = args else {
            let [word, Arg::List(options)] = args else { return Err(bad("RETURN and a list, please")) };
            if word.word() != "RETURN" || !self.may_use("LIST-EXTENDED", command) {
                return Err(bad("not known here"));
            }
            let mut options = options.iter();
            let mut status = None;
            while let Some(option) = options.next() {
                match option.word().as_str() {
                    "STATUS" => {
                        if !self.may_use("LIST-STATUS", command) {
                            return Err(bad("not known here"));
                        }
                        let items = options.next().and_then(Arg::list).unwrap_or_default();
                        let items: Vec<String> = items.iter().map(Arg::word).collect();
                        if !self.are_items(&items, command) {
                            return Err(bad("no such item"));
                        }
                        status = Some(items);
                    }
                    "SPECIAL-USE" if self.may_use("SPECIAL-USE", command) => {}
                    "CHILDREN" | "SUBSCRIBED" => {}
                    _ => return Err(bad("not known here")),
                }
            }
            return Ok(status);
        };
        Ok(None)
    }

    fn list_row(&mut self, kind: &str, folder: &Folder, all: &[Folder]) {
        let inner = |other: &Folder| {
            folder.delimiter.is_some_and(|delimiter| {
                other.name.strip_prefix(&folder.name[..]).and_then(|rest| rest.first()) == Some(&delimiter)
            })
        };
        let children = if all.iter().any(inner) { "\\HasChildren" } else { "\\HasNoChildren" };
        let attributes: Vec<&str> =
            [children].into_iter().chain(folder.attributes.iter().map(String::as_str)).collect();
        let delimiter = folder.delimiter.map_or(b"NIL".to_vec(), |delimiter| quoted(&[delimiter]));
        self.send(format!("* {kind} ({}) ", attributes.join(" ")).as_bytes());
        self.send(&delimiter);
        self.send(b" ");
        self.name(folder);
        self.line("");
    }

    /// Sends a folder's name in its form.
    fn name(&mut self, folder: &Folder) {
        match folder.form {
            NameForm::Quoted => self.send(&quoted(&folder.name)),
            NameForm::Atom => self.send(&folder.name),
            NameForm::Literal => {
                self.line(&format!("{{{}}}", folder.name.len()));
                self.send(&folder.name);
            }
        }
    }

    fn lsub(&mut self, command: &Command) -> io::Result<Answer> {
        let (Some(reference), Some(pattern)) = (command.octets(0), command.octets(1)) else {
            return bad("a reference and a pattern, please");
        };
        let pattern = [reference, pattern].concat();
        let folders = self.contents().folders.clone();
        for folder in folders.iter().filter(|folder| finds(&pattern, folder)) {
            self.list_row("LSUB", folder, &folders);
        }
        ok("done")
    }

    fn status(&mut self, command: &Command) -> io::Result<Answer> {
        let (Some(name), Some(items)) = (command.octets(0), command.args.get(1).and_then(Arg::list)) else {
            self.wrong(Wrong::Syntax, &format!("{:?}", command.text));
            return bad("a folder and a list, please");
        };
        let items: Vec<String> = items.iter().map(Arg::word).collect();
        if self.view.as_ref().is_some_and(|view| view.folder == name) {
            self.wrong(Wrong::State, &format!("the folder is selected: {:?}", command.text));
        }
        if !self.are_items(&items, command) {
            return bad("no such item");
        }
        let found = self.contents().folder(name).filter(|folder| folder.is_selectable()).cloned();
        let Some(folder) = found else { return no("[NONEXISTENT] no such folder") };
        self.status_row(&folder, &items);
        ok("done")
    }

    /// Whether all of these are items of STATUS that the client may ask for.
    fn are_items(&mut self, items: &[String], command: &Command) -> bool {
        const ITEMS: [&str; 5] = ["MESSAGES", "RECENT", "UNSEEN", "UIDVALIDITY", "UIDNEXT"];
        let unknown = items.iter().find(|item| !ITEMS.contains(&item.as_str()) && *item != "MAILBOXID");
        if let Some(unknown) = unknown {
            self.wrong(Wrong::Syntax, &format!("no such item as {unknown}: {:?}", command.text));
        }
        let is_announced = !items.iter().any(|item| item == "MAILBOXID") || self.may_use("OBJECTID", command);
        unknown.is_none() && is_announced
    }

    fn status_row(&mut self, folder: &Folder, items: &[String]) {
        let unseen = || folder.messages.iter().filter(|message| !message.has("\\Seen")).count();
        let value = |item: &str| {
            Some(match item {
                "MESSAGES" => self.exists(folder.messages.len()).to_string(),
                "RECENT" => "0".to_owned(),
                "UNSEEN" => unseen().to_string(),
                "UIDVALIDITY" => folder.uidvalidity.to_string(),
                "UIDNEXT" => self.uidnext(folder)?.to_string(),
                "MAILBOXID" => mailbox_id(folder),
                _ => return None,
            })
        };
        let pairs: Vec<String> =
            items.iter().filter_map(|item| Some(format!("{item} {}", value(item)?))).collect();
        self.send(b"* STATUS ");
        self.name(folder);
        self.line(&format!(" ({})", pairs.join(" ")));
    }

    fn uidnext(&self, folder: &Folder) -> Option<u32> {
        let told = self.quirk(|quirk| match quirk {
            Quirk::Uidnext(told) => Some(*told),
            _ => None,
        });
        told.unwrap_or(Some(folder.uidnext))
    }

    fn exists(&self, count: usize) -> usize {
        let told = self.quirk(|quirk| match quirk {
            Quirk::Exists(told) => Some(*told as usize),
            Quirk::Newest(most) => Some(count.min(*most)),
            _ => None,
        });
        told.unwrap_or(count)
    }

    fn select(&mut self, command: &Command) -> io::Result<Answer> {
        let Some(name) = command.octets(0) else {
            self.wrong(Wrong::Syntax, &format!("{:?}", command.text));
            return bad("a folder, please");
        };
        if self.view.take().is_some() {
            self.line("* OK [CLOSED] the last one is closed");
        }
        if !self.identified && self.is(|quirk| matches!(quirk, Quirk::IdFirst)) {
            return no("SELECT Unsafe Login. Please contact the provider for help");
        }
        let found = self.contents().folder(name).filter(|folder| folder.is_selectable()).cloned();
        let Some(folder) = found else { return no("[NONEXISTENT] no such folder") };
        let read_only = command.verb == "EXAMINE" || self.is(|quirk| matches!(quirk, Quirk::ReadOnly));
        let newest = self.quirk(|quirk| match quirk {
            Quirk::Newest(most) => Some(*most),
            _ => None,
        });
        let view = View::open(&folder, read_only, newest.unwrap_or(usize::MAX));
        self.introduce(&folder, &view);
        self.view = Some(view);
        ok(if read_only { "[READ-ONLY] look, do not touch" } else { "[READ-WRITE] it is open" })
    }

    /// What is said of a folder that is selected.
    fn introduce(&mut self, folder: &Folder, view: &View) {
        let none = self.is(|quirk| matches!(quirk, Quirk::NoPermanentFlags));
        self.line(r"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)");
        self.line(match none || view.read_only {
            true => "* OK [PERMANENTFLAGS ()] none",
            false => r"* OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] all",
        });
        self.line(&format!("* {} EXISTS", self.exists(view.known.len())));
        self.line("* 0 RECENT");
        if let Some(first) =
            view.known.iter().position(|known| !known.flags.iter().any(|flag| flag == "\\Seen"))
        {
            self.line(&format!("* OK [UNSEEN {}] the first", first + 1));
        }
        let line = self.quirk(|quirk| match quirk {
            Quirk::UidvalidityLine(line) => Some(*line),
            _ => None,
        });
        match line {
            Some(line) => self.send(line.as_bytes()),
            None => self.line(&format!("* OK [UIDVALIDITY {}] for ever", folder.uidvalidity)),
        }
        if self.is(|quirk| matches!(quirk, Quirk::UidNotSticky)) {
            self.line("* NO [UIDNOTSTICKY] they do not last");
        }
        if let Some(next) = self.uidnext(folder) {
            self.line(&format!("* OK [UIDNEXT {next}] next"));
        }
        if self.announces("OBJECTID") {
            self.line(&format!("* OK [MAILBOXID {}] its id", mailbox_id(folder)));
        }
    }

    fn create(&mut self, command: &Command) -> io::Result<Answer> {
        let Some(name) = command.octets(0) else { return bad("a name, please") };
        let mut contents = self.contents();
        if contents.folder(name).is_some() {
            return no("[ALREADYEXISTS] it is there");
        }
        let first = &contents.folders[0];
        let folder = Folder::new(name).delimiter(first.delimiter);
        contents.add(folder);
        ok("it is there now")
    }
}

/// Its id is made of what never changes but with the folder.
fn mailbox_id(folder: &Folder) -> String {
    format!("(F{:x})", folder.identity)
}

fn is_special(attribute: &str) -> bool {
    const SPECIAL: [&str; 7] = ["\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash"];
    SPECIAL.iter().any(|special| special.eq_ignore_ascii_case(attribute))
}

/// The capability that a command needs.
fn needs(verb: &str) -> Option<&'static str> {
    match verb {
        "NAMESPACE" => Some("NAMESPACE"),
        "IDLE" => Some("IDLE"),
        "UNSELECT" => Some("UNSELECT"),
        "UID EXPUNGE" => Some("UIDPLUS"),
        "MOVE" | "UID MOVE" => Some("MOVE"),
        _ => None,
    }
}

/// Whether a command needs a folder that is selected.
fn is_of_selected(verb: &str) -> bool {
    let verb = verb.strip_prefix("UID ").unwrap_or(verb);
    matches!(
        verb,
        "FETCH" | "SEARCH" | "STORE" | "COPY" | "MOVE" | "EXPUNGE" | "CLOSE" | "UNSELECT" | "CHECK"
    )
}

/// Whether a pattern finds a folder. INBOX has no case.
fn finds(pattern: &[u8], folder: &Folder) -> bool {
    fits(pattern, &folder.name, folder.delimiter) || folder.is_called(b"INBOX") && folder.is_called(pattern)
}

/// Whether a name fits a pattern: `*` is anything, `%` anything in one level.
fn fits(pattern: &[u8], name: &[u8], delimiter: Option<u8>) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((wild @ (b'*' | b'%'), rest)) => {
            let end = match wild {
                b'%' => name.iter().position(|octet| Some(*octet) == delimiter).unwrap_or(name.len()),
                _ => name.len(),
            };
            (0..=end).any(|taken| fits(rest, &name[taken..], delimiter))
        }
        Some((octet, rest)) => {
            name.split_first().is_some_and(|(first, name)| first == octet && fits(rest, name, delimiter))
        }
    }
}
