//! Layer 7: the commands: arguments to job to report.
//!
//! [`run`] does what every command needs: it reads the arguments, handles signals, runs the command, prints the
//! summary and returns the exit code.

mod config;
mod fetch;
mod folders;
mod list;
mod manual;
mod message;
mod send;
mod sendmail;
mod service;
mod test_account;

#[cfg(feature = "fuzzing")]
pub use send::batch_line;

use crate::account::proxy::ProxyChoice;
use crate::account::{self, Account, Env, Need, SecretOptions, SecretSource, Selection, Vault, proxy_url};
use crate::cli::{Cli, Command, Global};
use crate::net::certificate::Fingerprint;
use crate::net::limits::{DEFAULT_TIMEOUT, Limits, Stop};
use crate::net::{NameOverrides, TlsSettings};
use crate::output::{About, Output, transcript};
use crate::process::{Program, prepare_signals, signals_to_stop};
use crate::streams;
use crate::words::{Address, Exit, Failure, Kind, Stage};
use clap::error::ErrorKind;
use signal_hook::consts::SIGXFSZ;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// What every command works with.
pub struct Context {
    pub global: Global,
    pub env: Env,
    /// Where secrets come from.
    pub vault: Vault,
    /// How long the run may take, and whether it was asked to stop.
    pub limits: Limits,
    pub out: Output,
}

impl Context {
    /// The account that the options, the environment and the configuration name. `from`: the author of
    /// what is to be sent.
    pub fn select(&self, need: Need, from: Option<&Address>) -> Result<Account, Failure> {
        account::select(&Selection { from, ..self.selection(need)? }, &self.env)
    }

    /// What the options say about the account.
    pub fn selection(&self, need: Need) -> Result<Selection<'_>, Failure> {
        let global = &self.global;
        Ok(Selection {
            config: global.config.as_deref(),
            account: global.account.as_deref(),
            server: global.server.as_deref(),
            from: None,
            need,
            tls: trust(global)?,
            proxy: proxy(global)?,
        })
    }
}

/// What the options say about trust.
fn trust(global: &Global) -> Result<TlsSettings, Failure> {
    let fingerprint = global.tls_fingerprint.as_deref().map(|text| {
        Fingerprint::parse(text).ok_or_else(|| {
            Failure::usage("--tls-fingerprint: reading: it must be sha256: and 64 hexadecimal digits")
        })
    });
    Ok(TlsSettings {
        ca_file: global.ca_file.clone(),
        fingerprint: fingerprint.transpose()?,
        client_certificate: global.client_certificate.clone(),
        client_key: global.client_key.clone(),
        inspect_only: false,
    })
}

/// What the options say about a proxy.
fn proxy(global: &Global) -> Result<Option<ProxyChoice>, Failure> {
    let read = |text: &String| {
        proxy_url::choice(text).map_err(|what| Failure::usage(format!("--proxy: reading: {what}")))
    };
    global.proxy.as_ref().map(read).transpose()
}

/// What the options say about the secret.
fn secret_options(global: &Global) -> Result<SecretOptions, Failure> {
    let line = |option: &str, text: &str| {
        Program::shell(text).map_err(|what| Failure::usage(format!("--{option}: {what}")))
    };
    let source = if let Some(path) = &global.password_file {
        Some(SecretSource::File(path.clone()))
    } else if let Some(number) = global.password_fd {
        Some(SecretSource::Descriptor(number))
    } else if let Some(name) = &global.password_env {
        Some(SecretSource::variable(name))
    } else if let Some(text) = &global.password_command {
        Some(SecretSource::Command(line("password-command", text)?))
    } else if let Some(text) = &global.token_command {
        Some(SecretSource::TokenCommand(line("token-command", text)?))
    } else {
        None
    };
    Ok(SecretOptions { source, never_ask: false })
}

/// Runs postie and returns its exit code; see [`crate::run`].
pub fn run(args: Vec<OsString>) -> Exit {
    let started = Instant::now();
    if let Some(mode) = sendmail::called(&args) {
        return sendmail::run(&args, mode, started);
    }
    let cli = match Cli::read(args.clone()) {
        Ok(cli) => cli,
        Err(error) => return refuse(&args, &error, started),
    };
    let frame = CommandRun {
        command: cli.command.name(),
        started,
        quiet_reader: !matches!(cli.command, Command::Fetch(_) | Command::Send(_) | Command::TestAccount(_)),
        never_ask: false,
    };
    frame.run(cli.global, |context| dispatch(&cli.command, context))
}

/// What every run needs: signals, limits, secrets and the exit code.
struct CommandRun {
    command: &'static str,
    started: Instant,
    /// Whether the run ends without an error if the reader of standard output closes it.
    quiet_reader: bool,
    /// Whether the terminal is never used to ask for a secret.
    never_ask: bool,
}

impl CommandRun {
    fn run(self, global: Global, body: impl FnOnce(&mut Context) -> anyhow::Result<()>) -> Exit {
        let CommandRun { command, started, quiet_reader, never_ask } = self;
        let stop = match refuse_borrowed_rights().and_then(|()| prepare_process()) {
            Ok(stop) => stop,
            Err(failure) => {
                let mut out = Output::new(&global, command, started);
                out.fail(&About::default(), &failure);
                return out.finish(failure.exit(), false);
            }
        };
        let limits = Limits {
            timeout: global.timeout.unwrap_or(DEFAULT_TIMEOUT),
            end: global.max_time.map(|time| started + time),
            stop: stop.clone(),
            names: NameOverrides::default(),
        };
        streams::begin(&limits);
        let mut out = Output::new(&global, command, started);
        let env = Env::of_process();
        let limits = match env.names() {
            Ok(names) => Limits { names, ..limits },
            Err(failure) => {
                out.fail(&About::default(), &failure);
                return out.finish(failure.exit(), false);
            }
        };
        let vault = match secret_options(&global) {
            Ok(options) => Vault::new(SecretOptions { never_ask, ..options }, env.clone(), limits.clone())
                .with_transcript(out.wants_transcript().then_some(transcript::tap)),
            Err(failure) => {
                out.fail(&About::default(), &failure);
                return out.finish(failure.exit(), false);
            }
        };
        let mut context = Context { global, env, vault, limits, out };
        let result = catch_unwind(AssertUnwindSafe(|| body(&mut context)));
        let failure = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => {
                Some(error.downcast::<Failure>().unwrap_or_else(|error| internal(&format!("{error:#}"))))
            }
            Err(_) => Some(internal("the program stopped at an internal error")),
        };
        if let Some(failure) = failure {
            context.out.fail(&About::default(), &failure);
        }
        let exit = context.out.exit();
        let exit = context.out.finish(exit, quiet_reader);
        if let Some(signal) = stop.signal() {
            // The default action ends the process, so that the caller sees which signal it was.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        exit
    }
}

/// Refuses to run set-uid or set-gid: postie runs commands and reads files that the caller names.
fn refuse_borrowed_rights() -> Result<(), Failure> {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    if getuid() == geteuid() && getgid() == getegid() {
        return Ok(());
    }
    Err(Failure::config("postie: starting: it runs set-uid or set-gid, which is refused")
        .hint("take the mode away (chmod ug-s), and give each user an account of his own"))
}

fn dispatch(command: &Command, context: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::Fetch(args) => fetch::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::TestAccount(args) => test_account::run(args, context),
        Command::Config(args) => config::run(args, context),
        Command::Send(args) => send::run(args, context),
        Command::Completions(args) => manual::completions(args, context),
        Command::Man(args) => manual::man(args, context),
    }
}

/// Disables core dumps, which could contain secrets; makes the signals that end a process ask to stop, and a file-size
/// limit an error of the write instead of the end of the process; a panic prints its position and no data.
fn prepare_process() -> Result<Stop, Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Core).maximum;
    // If this fails, a crash may leave a core file, as for any other program.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    std::panic::set_hook(Box::new(|info| {
        if crate::mail::guard::is_guarded() {
            return;
        }
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("postie: a bug in postie at {place}; please report it\n").as_bytes(),
        );
    }));
    // An error here (most likely no file descriptors are left) is not a bug, and may be temporary.
    let refused =
        |error| Failure::new(Kind::Deferred, Stage::Start, format!("signals: setting them up: {error}"));
    prepare_signals().map_err(refused)?;
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map_err(refused)?;
    Stop::on_signals(&signals_to_stop()).map_err(refused)
}

fn internal(what: &str) -> Failure {
    Failure::new(Kind::Internal, Stage::Postie, what).hint("please report this")
}

/// Prints help and version, which clap returns as errors; any other error of clap is a usage error.
fn refuse(args: &[OsString], error: &clap::Error, started: Instant) -> Exit {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let flag = |name: &str| args.iter().any(|arg| arg == name);
    let global = Global { json: (flag("--json") || flag("--batch")) && !asked, ..Global::default() };
    let command = Command::NAMES.iter().copied().find(|name| flag(name));
    let mut out = Output::new(&global, command.unwrap_or("postie"), started);
    let text = error.render().to_string();
    if asked {
        out.raw(text.as_bytes());
        return out.finish(Exit::Ok, true);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !global.json {
        streams::error(&text);
        return out.finish(Exit::Usage, false);
    }
    let failure = match error.kind() {
        ErrorKind::InvalidUtf8 => not_utf8(args),
        _ => usage_failure(&text),
    };
    out.fail(&About::default(), &failure);
    out.finish(Exit::Usage, false)
}

/// The error for arguments that are not UTF-8: names them, which clap does not.
fn not_utf8(args: &[OsString]) -> Failure {
    let shown = |arg: &OsString| arg.to_str().is_none().then(|| format!("{:?}", arg.to_string_lossy()));
    let shown: Vec<String> = args.iter().filter_map(shown).collect();
    Failure::usage(format!("reading the arguments: not UTF-8: {}", shown.join(", "))).hint(
        "an address, a name and a header are given in UTF-8 (iconv -t utf-8 makes it); a subject, a body and the \
         name of a file may be in any charset",
    )
}

/// An error of clap as a failure, with clap's tips as the hint.
fn usage_failure(text: &str) -> Failure {
    const HELP: &str = "postie --help, or postie COMMAND --help, tells the options";
    let said: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    let (tips, message): (Vec<&str>, Vec<&str>) =
        said.into_iter().partition(|line| line.starts_with("tip: "));
    let message = match message.is_empty() {
        true => "the arguments cannot be understood".to_owned(),
        false => message.join(" ").trim_start_matches("error: ").to_owned(),
    };
    let tips: Vec<&str> = tips.iter().map(|tip| tip.trim_start_matches("tip: ")).collect();
    let hint = if tips.is_empty() { HELP.to_owned() } else { format!("{}; {HELP}", tips.join("; ")) };
    Failure::usage(message).hint(hint)
}
