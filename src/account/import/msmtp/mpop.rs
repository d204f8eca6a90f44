//! What mpop alone has: where mail goes, what stays on the server, which messages are known.

use super::AccountNotes;
use crate::account::edit::Setting;
use crate::account::import::remarks::is_anchored;
use crate::account::import::uids::{UidList, UidListKind};
use crate::account::import::{Draft, DraftServer};
use crate::account::values;
use crate::process::Program;
use std::path::PathBuf;

/// Where the list of an account is by default.
const DEFAULT_LIST: &str = "~/.mpop_uidls/%U_at_%H";

pub fn read(server: &DraftServer, draft: &mut Draft, notes: &mut AccountNotes<'_>) {
    destination(draft, notes);
    let keeps = notes.switch("keep", false);
    if !keeps {
        draft.fetch.push(("fetch.after".into(), Setting::Text("delete".into())));
    }
    if let Some((line, "off")) = notes.take("only_new") {
        notes.told(
            line,
            "only_new",
            "off",
            "postie fetches only what is new, unless it is told otherwise",
            "--all",
        );
    }
    for (command, hint) in [("killsize", ""), ("skipsize", "--max-size SIZE leaves them on the server")] {
        if let Some((line, value)) = notes.take(command).filter(|(_, value)| *value != "off") {
            let why = "large messages are fetched as all others are";
            notes.warned(line, command, value, why, hint);
        }
    }
    if let Some((line, filter)) = notes.take("filter").filter(|(_, filter)| !filter.is_empty()) {
        let why = "postie has no filters: all messages are fetched";
        let hint = "`fetch.exec` gives every message to a command, which may filter";
        notes.warned(line, "filter", filter, why, hint);
    }
    // The names as mpop has them, not as postie writes them.
    let named = notes.take("host").map(|(_, host)| host.to_owned()).unwrap_or_default();
    let Some(user) = server.username.clone() else { return };
    let path = notes.take("uidls_file").map_or(DEFAULT_LIST, |(_, path)| path);
    let path = path.replace("%U", &user).replace("%H", &named);
    let kind = UidListKind::Mpop { host: named, user };
    draft.lists.push(UidList { path: PathBuf::from(path), kind, keeps });
}

fn destination(draft: &mut Draft, notes: &mut AccountNotes<'_>) {
    let Some((line, whole)) = notes.take("delivery") else { return };
    let (way, argument) = whole.split_once([' ', '\t']).unwrap_or((whole, ""));
    let argument = super::grammar::unquoted(argument);
    let key = match way {
        "maildir" => "fetch.maildir",
        "mbox" => "fetch.mbox",
        "mda" => {
            let read = values::plain_text(argument).and_then(|line| Program::shell(&line));
            match read {
                Ok(program) if !argument.contains("%F") => {
                    draft.fetch.push(("fetch.exec".into(), Setting::Command(program)));
                }
                Ok(_) => {
                    let why = "postie does not fill in the sender (%F)";
                    notes.warned(line, "delivery", whole, why, "`postie config set NAME fetch.exec COMMAND`");
                }
                Err(what) => notes.warned(line, "delivery", way, &what, ""),
            }
            return;
        }
        _ => {
            let why = "postie delivers into a Maildir, an mbox, or to a command";
            notes.warned(line, "delivery", whole, why, "`postie config set NAME fetch.maildir DIR`");
            return;
        }
    };
    match is_anchored(argument) {
        true => draft.fetch.push((key.into(), Setting::Text(argument.to_owned()))),
        false => {
            let hint = format!("`postie config set NAME {key} PATH`");
            notes.warned(line, "delivery", whole, "not a whole path: where it leads is not known", &hint);
        }
    }
}
