//! `postie config import`: accounts of another mail program, and which messages it has fetched.
//!
//! Everything is read and checked before anything is changed. What was fetched is noted in the ledgers before the
//! accounts are added: an account without its marks would fetch everything again.

mod marks;
mod places;
mod report;
mod secrets;

use super::{Context, path_to_edit};
use crate::account::command;
use crate::account::edit::Editor;
use crate::account::import::ImportText;
use crate::account::import::place::{How, Placed, place};
use crate::account::import::{Import, Tool, fetchmail, file, getmail, himalaya, msmtp, mutt, thunderbird};
use crate::cli::config::ImportArgs;
use crate::output::About;
use crate::process::{Ending, Program};
use crate::words::{Exit, Failure, Kind, Stage};
use std::path::Path;
use zeroize::Zeroizing;

/// Runs the command.
pub fn run(args: &ImportArgs, context: &mut Context) -> Result<(), Failure> {
    let tool = args.tool;
    if tool == Tool::Netrc {
        return secrets::run(args, context);
    }
    let mut import = gather(tool, args, context)?;
    choose(&mut import, context.global.account.as_deref())?;
    let path = path_to_edit(context)?;
    let mut editor = match args.dry_run {
        true => Editor::rehearse(&path, &context.env)?,
        false => Editor::open(&path, &context.env, &context.limits)?,
    };
    let is_first = editor.accounts() == 0;
    let placed = place(&mut editor, tool, &mut import, args.with_secrets)?;
    let lists = match args.no_uids {
        true => Vec::new(),
        false => marks::read(&placed, &mut import.omissions, &context.env)?,
    };
    set_default(&mut editor, &import, &placed, is_first)?;
    let contents = editor.check()?;
    let ledgers = context.env.state_dir()?.join("ledger");
    let counted = marks::write(&lists, &ledgers, args.dry_run, &context.limits)?;
    if !args.dry_run && placed.iter().any(|placed| placed.how != How::There) {
        editor.save()?;
    }
    report::accounts(&placed, &contents, args.dry_run, context)?;
    report::marks(&counted, args.dry_run, context);
    report::omissions(&import.omissions, context);
    conclude(&import, &placed, args.dry_run, &path, context);
    Ok(())
}

/// Reads the program's files.
fn gather(tool: Tool, args: &ImportArgs, context: &Context) -> Result<Import, Failure> {
    let paths = places::files(tool, args.file.as_deref(), &context.env)?;
    let mut import = Import::default();
    for path in paths {
        let missing = || file::missing(&path, "there is no such file");
        let octets = file::read(&path, file::MAX_SETTINGS)?.ok_or_else(missing)?;
        let octets = match tool {
            Tool::Fetchmail => dumped(&path, context)?,
            _ => octets,
        };
        let one = read(tool, ImportText { path: &path, octets: &octets })?;
        import.accounts.extend(one.accounts);
        import.omissions.extend(one.omissions);
        import.default = import.default.or(one.default);
    }
    Ok(import)
}

fn read(tool: Tool, text: ImportText<'_>) -> Result<Import, Failure> {
    match tool {
        Tool::Msmtp | Tool::Mpop => msmtp::read(tool, text),
        Tool::Getmail => getmail::read(text),
        Tool::Fetchmail => fetchmail::read(text),
        Tool::Mutt => mutt::read(text),
        Tool::Himalaya => himalaya::read(text),
        Tool::Thunderbird => thunderbird::read(text),
        // It has no accounts.
        Tool::Netrc => Ok(Import::default()),
    }
}

/// The most octets that fetchmail may print about its configuration.
const MAX_DUMP: usize = 4 * 1024 * 1024;

/// What fetchmail makes of its file. It has passwords in it.
fn dumped(path: &Path, context: &Context) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let refuse =
        |what: &str| Failure::config(format!("{}: having fetchmail read it: {what}", path.display()));
    let program = Program::argv(vec!["fetchmail".into()]).map_err(|what| refuse(&what))?;
    if !program.is_there() {
        return Err(refuse("there is no program of that name")
            .hint("only fetchmail reads its file as fetchmail does: install it for the import"));
    }
    let whole = std::path::absolute(path).map_err(|error| refuse(&error.to_string()))?;
    let whole = whole.to_str().ok_or_else(|| refuse("the path is not valid UTF-8"))?;
    let program = Program::argv(fetchmail::dump_command(whole)).map_err(|what| refuse(&what))?;
    match command::output(&program, MAX_DUMP, &context.limits) {
        Ok((Ending::Status(0), printed)) => Ok(printed),
        Ok(_) => Err(refuse("it does not take the file, or one beside it")
            .hint(format!("`fetchmail -f {} --configdump >/dev/null` says why", path.display()))),
        Err(error) => Err(error.failure("fetchmail --configdump")),
    }
}

/// Keeps only the accounts that are wanted, and what is said of them.
fn choose(import: &mut Import, wanted: Option<&str>) -> Result<(), Failure> {
    let Some(wanted) = wanted else { return Ok(()) };
    let wanted: Vec<&str> = wanted.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    for name in &wanted {
        if !import.accounts.iter().any(|draft| draft.original == *name || draft.name == *name) {
            let known: Vec<&str> = import.accounts.iter().map(|draft| draft.original.as_str()).collect();
            let message = format!(
                "--account {name}: looking for it in the settings to be imported: there is no such account"
            );
            return Err(Failure::config(message).hint(format!("there are: {}", known.join(", "))));
        }
    }
    import
        .accounts
        .retain(|draft| wanted.contains(&draft.original.as_str()) || wanted.contains(&draft.name.as_str()));
    let kept: Vec<String> = import.accounts.iter().map(|draft| draft.original.clone()).collect();
    import
        .omissions
        .retain(|omission| omission.account.as_ref().is_none_or(|account| kept.contains(account)));
    Ok(())
}

/// Where there is no default account, the program's own becomes it, or the only one.
fn set_default(
    editor: &mut Editor,
    import: &Import,
    placed: &[Placed],
    is_first: bool,
) -> Result<(), Failure> {
    if editor.default_account().is_some() {
        return Ok(());
    }
    let named = import.default.as_ref().and_then(|name| placed.iter().find(|placed| placed.name == *name));
    let only = placed.first().filter(|_| is_first && placed.len() == 1);
    match named.or(only) {
        Some(placed) => editor.set_default(&placed.name),
        None => Ok(()),
    }
}

fn conclude(import: &Import, placed: &[Placed], is_dry: bool, path: &Path, context: &mut Context) {
    let changed = placed.iter().filter(|placed| placed.how != How::There).count();
    context.out.count("accounts", changed as u64);
    let are = match (is_dry, changed) {
        (true, 1) => "account would be",
        (true, _) => "accounts would be",
        (false, 1) => "account is",
        (false, _) => "accounts are",
    };
    if changed > 0 {
        context.out.tell(&format!("{changed} {are} written to {}", path.display()));
    } else if placed.is_empty() {
        context.out.tell("no account was found that could be taken over");
    }
    let weighty = import.omissions.iter().filter(|omission| omission.matters).count();
    if weighty > 0 {
        let message = format!(
            "config import: taking over everything: {weighty} setting(s) that matter were not taken as they are"
        );
        let failure = Failure::new(Kind::Partial, Stage::Configuration, message);
        context.out.fail(
            &About::default(),
            &failure.hint("each is named above; `postie test-account` tries what is there now"),
        );
    } else {
        context.out.settle(Exit::Ok);
    }
}
