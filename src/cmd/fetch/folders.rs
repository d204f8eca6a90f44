//! Which folders are fetched from, by the arguments and the account.

use crate::account::{Account, Destination, FolderChoice, Protocol};
use crate::cli::FetchArgs;
use crate::words::Failure;

/// The folders, where there may be several or each has a place of its own; `None`: the account's one folder, which
/// this names to it. Fails with `usage` where the server has no folders, and for options that want one folder.
pub fn choose(args: &FetchArgs, account: &mut Account) -> Result<Option<FolderChoice>, Failure> {
    let is_imap = account.incoming().is_some_and(|server| server.protocol == Protocol::Imap);
    let asked = asked(args)?;
    let each_apart = args.layout.is_some() || into_mboxes(args, account);
    if !is_imap {
        let option = match asked {
            Some(_) if args.all_folders => "--all-folders",
            Some(_) => "--folder",
            None if args.dedupe => "--dedupe",
            None if each_apart => "an mbox for each folder",
            // What the file says of folders is for IMAP.
            None => return Ok(None),
        };
        let failure = Failure::usage(format!("{option}: POP3 has no folders")).at(&account.label);
        return Err(failure.hint("--imap uses the account's IMAP server"));
    }
    let choice = asked.or_else(|| account.fetch.folders.clone());
    if let Some(one) = choice.as_ref().map_or(Some("INBOX"), FolderChoice::one)
        && !each_apart
    {
        account.fetch_from(one)?;
        return Ok(None);
    }
    if !args.uid.is_empty() || !args.forget.is_empty() {
        let option = if args.forget.is_empty() { "--uid" } else { "--forget" };
        let failure = Failure::usage(format!("{option}: a UID means something in one folder alone"));
        return Err(failure.hint("--folder NAME names that folder"));
    }
    Ok(Some(choice.unwrap_or_else(|| FolderChoice::Named(vec!["INBOX".into()]))))
}

/// What the options ask for.
fn asked(args: &FetchArgs) -> Result<Option<FolderChoice>, Failure> {
    match (args.all_folders, args.folder.is_empty()) {
        (true, _) => Ok(Some(FolderChoice::All)),
        (false, true) => Ok(None),
        (false, false) => {
            let named = FolderChoice::named(args.folder.clone());
            named.map(Some).map_err(|what| Failure::usage(format!("--folder: {what}")))
        }
    }
}

/// Whether messages go to an mbox for each folder.
fn into_mboxes(args: &FetchArgs, account: &Account) -> bool {
    let other = args.maildir.is_some() || args.mbox.is_some() || args.exec.is_some() || args.stdout;
    let of_account = matches!(account.fetch.destination, Some(Destination::MboxDir(_)));
    args.mbox_dir.is_some() || (of_account && !other)
}
