//! Where the messages of a run are stored, from the arguments and the account.

use super::parsed::Parsed;
use crate::account::{self, Account, Server};
use crate::cli::FetchArgs;
use crate::cmd::Context;
use crate::net::Limits;
use crate::output::sanitize::Visible;
use crate::process::{Program, StdoutTo};
use crate::store::{
    AccountKey, CommandSpec, ExecSink, FolderName, FolderPlaces, Layout, Maildir, Mbox, Mboxrd, PrintForm,
    Sink, Stdout, StoreError, Unrecorded, WaitLimits,
};
use crate::streams::{StdStream, output_was_closed};
use crate::words::Failure;
use crate::work::fetch::{Mode, RunDestination};
use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Debug)]
pub enum FetchTarget {
    Maildir(PathBuf),
    Mbox(PathBuf),
    /// An mbox for each folder.
    MboxDir(PathBuf),
    Exec(Program),
    Stdout,
}

/// A destination, and how it is opened.
#[derive(Clone)]
pub struct Outlet {
    /// `None` if no message is stored anywhere.
    target: Option<FetchTarget>,
    /// Whether JSON Lines are written to standard output.
    json: bool,
    account: String,
    /// The folder the messages come from, where the protocol has some.
    folder: Option<Arc<str>>,
    /// How folders lie in a Maildir.
    layout: Layout,
    /// Whether it is the place of one folder below a root, which a dry run does not make.
    is_below: bool,
    limits: Limits,
}

impl Outlet {
    /// Reads the arguments and the account. Fails with `usage` if there is no destination.
    pub fn of(args: &FetchArgs, mode: Mode, context: &Context, account: &Account) -> Result<Outlet, Failure> {
        let target = target(args, account)?;
        if target.is_none() && matches!(mode, Mode::Fetch | Mode::FetchUntilEmpty) {
            let once = "--maildir DIR, --mbox FILE, --mbox-dir DIR, --exec CMD or --stdout";
            let hint = account.name_in_config.as_ref().map_or_else(
                || once.to_owned(),
                |name| format!("`postie config set {name} fetch.maildir ~/Mail/{name}` for every run; {once} for this one"),
            );
            return Err(Failure::usage("no destination: where should messages go?").hint(hint));
        }
        if args.peek
            && matches!(
                target,
                Some(FetchTarget::Maildir(_) | FetchTarget::Mbox(_) | FetchTarget::MboxDir(_))
            )
        {
            return Err(Failure::usage(
                "--peek: what is kept in a Maildir or an mbox has to be recorded, too",
            )
            .hint("--peek goes with --stdout or --exec CMD"));
        }
        let (json, limits) = (context.global.json, context.limits.clone());
        let folder = account.incoming().and_then(Server::folder_name).map(|name| name.to_string().into());
        let layout = args.layout.or(account.fetch.layout).unwrap_or_default();
        let account = account.label.clone();
        Ok(Outlet { target, json, account, folder, layout, is_below: false, limits })
    }
}

fn target(args: &FetchArgs, account: &Account) -> Result<Option<FetchTarget>, Failure> {
    if let Some(dir) = &args.maildir {
        return Ok(Some(FetchTarget::Maildir(dir.clone())));
    }
    if let Some(file) = &args.mbox {
        return Ok(Some(FetchTarget::Mbox(file.clone())));
    }
    if let Some(dir) = &args.mbox_dir {
        return Ok(Some(FetchTarget::MboxDir(dir.clone())));
    }
    if let Some(line) = &args.exec {
        let program = Program::shell(line).map_err(|what| Failure::usage(format!("--exec: {what}")))?;
        return Ok(Some(FetchTarget::Exec(program)));
    }
    if args.stdout {
        return Ok(Some(FetchTarget::Stdout));
    }
    Ok(account.fetch.destination.clone().map(|destination| match destination {
        account::Destination::Maildir(dir) => FetchTarget::Maildir(dir),
        account::Destination::Mbox(file) => FetchTarget::Mbox(file),
        account::Destination::MboxDir(dir) => FetchTarget::MboxDir(dir),
        account::Destination::Exec(program) => FetchTarget::Exec(program),
    }))
}

/// How long a command may take for one message, unless `--timeout` is longer: a server may end a session that has
/// been idle for this long (`RFC 1939 §3`).
const COMMAND_LIMIT: Duration = Duration::from_secs(600);

impl RunDestination for Outlet {
    fn open(&self, key: &AccountKey) -> Result<Box<dyn Sink>, StoreError> {
        let stop = self.limits.stop.clone();
        let waits = |limit| {
            let stop = stop.clone();
            WaitLimits::new(limit, Arc::new(move || stop.raised())).until(self.limits.end)
        };
        Ok(match self.target.as_ref() {
            Some(FetchTarget::Maildir(dir)) => Box::new(Maildir::open(dir, key)?),
            Some(FetchTarget::Mbox(file)) => Box::new(Mbox::open(file, waits(self.limits.timeout))?),
            // Each folder has a path of its own by now.
            Some(FetchTarget::MboxDir(_)) => return Err(StoreError::Misused("a directory is no mbox")),
            Some(FetchTarget::Exec(program)) => {
                let output = if self.json { StdoutTo::Stderr } else { StdoutTo::Stdout };
                let (program, account) = (program.clone(), self.account.clone());
                let folder = self.folder.as_deref().map(str::to_owned);
                let waits = waits(self.limits.timeout.max(COMMAND_LIMIT));
                Box::new(ExecSink::new(CommandSpec { program, output, account, folder, waits })?)
            }
            Some(FetchTarget::Stdout) if output_was_closed() => {
                let why = "closed, so that the messages would be lost (to throw them away, open /dev/null for writing alone)";
                return Err(StoreError::Refused { path: "standard output".into(), why });
            }
            Some(FetchTarget::Stdout) | None => {
                let output = StdStream::output();
                let (out, form): (Box<dyn Write>, Box<dyn PrintForm>) = match self.json {
                    true => (
                        Box::new(output),
                        Box::new(Parsed { account: self.account.clone(), folder: self.folder.clone() }),
                    ),
                    // Control sequences in mail must not reach the terminal.
                    false if std::io::stdout().is_terminal() => {
                        (Box::new(Visible::new(output)), Box::new(Mboxrd))
                    }
                    false => (Box::new(output), Box::new(Mboxrd)),
                };
                Box::new(Stdout::new(out, form))
            }
        })
    }

    fn places(
        &self,
        ledgers: &Path,
        account: &AccountKey,
        names: &[FolderName],
        is_dry: bool,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Result<Option<PathBuf>, StoreError>>, StoreError> {
        let (root, layout) = match self.target.as_ref() {
            Some(FetchTarget::Maildir(dir)) => (dir, self.layout),
            Some(FetchTarget::MboxDir(dir)) => (dir, Layout::Mboxes),
            Some(FetchTarget::Mbox(_) | FetchTarget::Exec(_) | FetchTarget::Stdout) | None => {
                return Ok(names.iter().map(|_| Ok(None)).collect());
            }
        };
        let places = FolderPlaces { ledgers, account, root, layout };
        match is_dry {
            true => places.look(names).map(|paths| paths.into_iter().map(|path| Ok(Some(path))).collect()),
            false => {
                places.make(names, stop).map(|paths| paths.into_iter().map(|path| path.map(Some)).collect())
            }
        }
    }

    fn of_folder(&self, name: &Arc<str>, path: Option<PathBuf>) -> Box<dyn RunDestination + Send> {
        let target = match (&self.target, path) {
            (Some(FetchTarget::Maildir(_)), Some(path)) => Some(FetchTarget::Maildir(path)),
            (Some(FetchTarget::MboxDir(_)), Some(path)) => Some(FetchTarget::Mbox(path)),
            (target, _) => target.clone(),
        };
        Box::new(Outlet { target, folder: Some(Arc::clone(name)), is_below: true, ..self.clone() })
    }

    fn peek(&self) -> Result<Option<Unrecorded>, StoreError> {
        match self.target.as_ref() {
            Some(FetchTarget::Maildir(path) | FetchTarget::Mbox(path))
                if self.is_below && path.symlink_metadata().is_err() =>
            {
                Ok(None)
            }
            Some(FetchTarget::Maildir(dir)) => {
                Maildir::check(dir)?;
                Unrecorded::peek(dir).map(Some)
            }
            Some(FetchTarget::Mbox(file)) => Mbox::check(file).map(|()| None),
            Some(FetchTarget::MboxDir(_) | FetchTarget::Exec(_) | FetchTarget::Stdout) | None => Ok(None),
        }
    }
}
