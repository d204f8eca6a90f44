//! `postie list --folders`: the folders of an IMAP account.

use super::{Context, service};
use crate::account::{Account, Protocol};
use crate::imap::Folder;
use crate::output::table::{Align, layout};
use crate::words::{Exit, Failure};
use serde::Serialize;

/// `folder`.
#[derive(Serialize)]
struct FolderLine<'a> {
    account: &'a str,
    folder: String,
    messages: Option<u64>,
    unseen: Option<u64>,
    uidvalidity: Option<u64>,
    special_use: Option<&'static str>,
    selectable: bool,
}

/// The width of the table: names are for scripts too, and are not cut.
const WIDTH: usize = 400;

/// Shows all folders. Fails with `usage` for an account of POP3.
pub fn show(account: &Account, context: &mut Context) -> Result<(), Failure> {
    let service = service::incoming(account, context)?;
    if service.server.protocol != Protocol::Imap {
        let failure = Failure::usage("--folders: POP3 has no folders").at(&account.label);
        return Err(failure.hint("--imap uses the account's IMAP server"));
    }
    let mut session = service.log_in(&context.limits)?;
    let folders = session.folders(true)?;
    for alert in session.take_alerts() {
        context.out.tell(&format!("{}: the server says: {alert}", account.label));
    }
    session.logout();
    let (total, out) = (folders.len() as u64, &mut context.out);
    for folder in &folders {
        out.line("folder", &line(&account.label, folder));
    }
    let rows: Vec<Vec<String>> = folders.iter().map(row).collect();
    let heads = [
        ("folder", Align::Left),
        ("messages", Align::Right),
        ("unseen", Align::Right),
        ("uidvalidity", Align::Right),
        ("use", Align::Left),
    ];
    for line in layout(&heads, &rows, WIDTH) {
        out.text(line.trim_end());
    }
    out.count("total", total);
    out.count("listed", total);
    out.settle(Exit::Ok);
    Ok(())
}

fn line<'a>(account: &'a str, folder: &Folder) -> FolderLine<'a> {
    FolderLine {
        account,
        folder: folder.name.to_string(),
        messages: folder.counts.messages,
        unseen: folder.counts.unseen,
        uidvalidity: folder.counts.uidvalidity,
        special_use: folder.uses.name(),
        selectable: !folder.uses.no_select,
    }
}

fn row(folder: &Folder) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or_else(|| "-".into(), |number| number.to_string());
    vec![
        folder.name.to_string(),
        number(folder.counts.messages),
        number(folder.counts.unseen),
        number(folder.counts.uidvalidity),
        folder.uses.name().unwrap_or_default().to_owned(),
    ]
}
