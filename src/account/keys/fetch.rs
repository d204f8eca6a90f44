//! The keys of `[accounts.NAME.fetch]`.

use super::{Key, Type, key, path, set};
use crate::account::document::{Fault, Node};
use crate::account::server::{self, Protocol};
use crate::account::shown::{Shown, show_program};
use crate::account::{Destination, FetchSettings, FolderChoice, values};
use crate::store::Layout;

/// All of them.
pub const FETCH: &[Key<FetchSettings, FetchSettings>] = &[
    key(
        "protocol",
        Type::Text,
        |fetch, node| set(&mut fetch.protocol, node.text(server::incoming_protocol)),
        |fetch| Shown::maybe(fetch.protocol.map(Protocol::name)),
        "Which server mail is fetched from where the account has both: pop3 or imap. Default: pop3.",
    ),
    key(
        "maildir",
        Type::Text,
        |fetch, node| destination(fetch, node, node.path().map(Destination::Maildir)),
        |fetch| match &fetch.destination {
            Some(Destination::Maildir(at)) => path(Some(at)),
            _ => Shown::Nothing,
        },
        "The Maildir to fetch messages into. Only one of maildir, mbox, mbox-dir and exec.",
    ),
    key(
        "mbox",
        Type::Text,
        |fetch, node| destination(fetch, node, node.path().map(Destination::Mbox)),
        |fetch| match &fetch.destination {
            Some(Destination::Mbox(at)) => path(Some(at)),
            _ => Shown::Nothing,
        },
        "The mbox (mboxrd) that messages are appended to.",
    ),
    key(
        "mbox-dir",
        Type::Text,
        |fetch, node| destination(fetch, node, node.path().map(Destination::MboxDir)),
        |fetch| match &fetch.destination {
            Some(Destination::MboxDir(at)) => path(Some(at)),
            _ => Shown::Nothing,
        },
        "The directory that gets an mbox for each folder of an IMAP server.",
    ),
    key(
        "exec",
        Type::Command,
        |fetch, node| destination(fetch, node, node.command().map(Destination::Exec)),
        |fetch| match &fetch.destination {
            Some(Destination::Exec(program)) => Shown::Text(show_program(program)),
            _ => Shown::Nothing,
        },
        "The command that gets each message on its standard input: a string is run by sh -c, an array is a program \
         and its arguments.",
    ),
    key(
        "folders",
        Type::Texts,
        |fetch, node| {
            let texts = node.texts("\"all\", the name of a folder, or an array of names, is wanted here")?;
            set(&mut fetch.folders, FolderChoice::read(&texts).map(Some).map_err(|what| node.fault(what)))
        },
        |fetch| fetch.folders.as_ref().map_or(Shown::Nothing, |folders| Shown::List(folders.shown())),
        "The folders of an IMAP server to fetch from: names as in list --folders, in which * and % stand for others as \
         in IMAP; or \"all\", as --all-folders. Default: INBOX.",
    ),
    key(
        "layout",
        Type::Text,
        |fetch, node| set(&mut fetch.layout, node.text(values::layout).map(Some)),
        |fetch| Shown::maybe(fetch.layout.map(Layout::name)),
        "How several folders lie in one Maildir: \"maildir++\" (.A.B) or \"nested\" (A/B). Default: maildir++.",
    ),
    key(
        "after",
        Type::Text,
        |fetch, node| set(&mut fetch.after, node.text(values::afterwards)),
        |fetch| Shown::text(values::show_afterwards(&fetch.after)),
        "What happens to fetched messages on the server: keep, delete, \"delete-after 14d\", or \
         \"move-to FOLDER\" (by IMAP). This also applies to messages that earlier runs fetched. Default: keep.",
    ),
];

fn destination(
    fetch: &mut FetchSettings,
    node: &Node<'_>,
    read: Result<Destination, Fault>,
) -> Result<(), Fault> {
    match fetch.destination.replace(read?) {
        None => Ok(()),
        Some(_) => Err(node.fault("only one of maildir, mbox, mbox-dir and exec can be the destination")),
    }
}
