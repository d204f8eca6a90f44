//! postie called as `sendmail`, by cron, git, PHP, mailx and mutt.
//!
//! Nothing is queued: the run ends when a server has the message, or with the exit code that says why not. All
//! codes but 79 are those of `sysexits(3)`; a caller must not try again after 79.

mod options;
mod session;

use super::{CommandRun, Context, service};
use crate::account::{Need, values};
use crate::cli::{Global, SendmailArgs, SendmailMode};
use crate::output::mail_log::LogEntry;
use crate::output::{About, Output};
use crate::smtp::server::RelayVerdict;
use crate::streams::Input;
use crate::streams::text::UntilDot;
use crate::words::{Exit, Failure, ReversePath};
use crate::work::local::{LocalMessage, LocalRoute, people, reverse_path};
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

const HELP: &str = "\
postie as sendmail: hands one message from standard input to an account's server

Usage: sendmail [OPTIONS] [RECIPIENT]...

  -t               recipients from To, Cc and Bcc too
  -i, -oi          a line with only a dot does not end the message
  -f, -r ADDR      the sender of the envelope (<> for none)
  -F NAME          the author's name, for a message without From
  -s SUBJECT       the input is plain text with this subject (for logrotate)
  -N WHEN          notify: never, or of success, failure, delay
  -R full|hdrs     what a notification returns
  -V ID            the identifier of a notification
  -C FILE          the configuration file
  -bs              speak SMTP on standard input and output
  -bp              list the queue (as mailq), which is always empty
  -bi              build the alias database (as newaliases), which does not exist
  -v               say what is done
  -B -G -L -n -m -o... -O... -e... -h -p -q... -X    no effect

A local name (root) is looked up in the account's aliases, else it gets the account's domain.
Exit codes are those of `postie send`.
";

/// What the name that the program was called by asks for; `None` if it is not one of sendmail's names.
pub fn called(args: &[OsString]) -> Option<SendmailMode> {
    match args.first().map(Path::new).and_then(Path::file_name)?.to_str()? {
        "mailq" => Some(SendmailMode::Queue),
        "newaliases" => Some(SendmailMode::Aliases),
        name if name.ends_with("sendmail") => Some(SendmailMode::Message),
        _ => None,
    }
}

/// Runs as `sendmail`. A mode in the options counts only if the name does not ask for another.
pub fn run(args: &[OsString], named: SendmailMode, started: Instant) -> Exit {
    let args = match SendmailArgs::read(args.iter().skip(1).cloned()) {
        Ok(args) if named == SendmailMode::Message => args,
        Ok(args) if matches!(args.mode, SendmailMode::Help | SendmailMode::Version) => args,
        Ok(args) => SendmailArgs { mode: named, ..args },
        Err(failure) => {
            log_misuse(&failure);
            let mut out = Output::new(&Global::default(), "sendmail", started);
            out.fail(&About::default(), &failure);
            return out.finish(failure.exit(), false);
        }
    };
    let global = Global { config: args.config.clone(), verbose: args.verbose.min(2), ..Global::default() };
    let frame = CommandRun { command: "sendmail", started, quiet_reader: false, never_ask: true };
    frame.run(global, |context| Ok(act(args, context)?))
}

fn act(args: SendmailArgs, context: &mut Context) -> Result<(), Failure> {
    match args.mode {
        SendmailMode::Help => context.out.raw(HELP.as_bytes()),
        SendmailMode::Version => {
            context.out.text(&format!("postie {} as sendmail", env!("CARGO_PKG_VERSION")));
        }
        SendmailMode::Queue => context.out.text("Mail queue is empty"),
        SendmailMode::RunQueue => {}
        SendmailMode::Aliases => {
            context
                .out
                .text("no alias database to build: aliases are read from the configuration (aliases.NAME)");
        }
        SendmailMode::Smtp => return session::run(&options::of(&args)?, context),
        SendmailMode::Message => return message(args, context),
    }
    context.out.settle(Exit::Ok);
    Ok(())
}

/// Logs a mistake in the call: its author may never see the error. There is no account yet, so it goes to syslog.
fn log_misuse(failure: &Failure) {
    let _ = LogEntry::default().write(failure.exit(), Some(&failure.to_string()));
}

/// One message from standard input.
fn message(args: SendmailArgs, context: &mut Context) -> Result<(), Failure> {
    let (sender, recipients, options) = parse(&args).inspect_err(log_misuse)?;
    let mut stdin = BufReader::with_capacity(64 * 1024, Input::stdin(&context.limits));
    let mut until_dot;
    let source: &mut dyn BufRead = if args.dots_are_content || args.subject.is_some() {
        &mut stdin
    } else {
        until_dot = BufReader::with_capacity(64 * 1024, UntilDot::new(&mut stdin));
        &mut until_dot
    };
    let message = LocalMessage {
        source,
        sender,
        recipients,
        from_header: args.from_header,
        full_name: args.full_name,
        subject: args.subject,
        options: &options,
        mends: true,
    };
    let verdict = hand_on(message, context);
    for failure in &verdict.failures {
        context.out.error(&About::default(), failure);
    }
    if let (Exit::Ok, Some(id)) = (verdict.exit, &verdict.id) {
        context.out.say(&format!("accepted as {id}"));
    }
    context.out.settle(verdict.exit);
    Ok(())
}

/// Sends the message, and logs the result.
fn hand_on(message: LocalMessage<'_>, context: &mut Context) -> RelayVerdict {
    let report = message.send(&LocalRoute {
        select: &|address| context.select(Need::Smtp, address),
        service: &|account| service::outgoing(account, context),
        limits: &context.limits,
    });
    let entry = LogEntry::of(report.account.as_ref(), report.receipt);
    let failure = report.failures.first().map(ToString::to_string);
    if let Err(problem) = entry.write(report.exit, failure.as_deref()) {
        context.out.tell(&problem);
    }
    RelayVerdict { exit: report.exit, failures: report.failures, id: report.id }
}

type ParsedArgs = (Option<ReversePath>, Vec<crate::mail::Entry>, crate::work::send::Options);

fn parse(args: &SendmailArgs) -> Result<ParsedArgs, Failure> {
    let sender = args.sender.as_deref().map(reverse_path).transpose()?;
    let mut recipients = Vec::new();
    for text in &args.recipients {
        recipients.extend(people("a recipient", text)?);
    }
    if recipients.is_empty() && !args.from_header {
        return Err(Failure::usage("sendmail: looking for recipients: there are none")
            .hint("name them after the options, or give -t to take them from the header"));
    }
    if let Some(name) = &args.full_name {
        values::plain_text(name).map_err(|what| Failure::usage(format!("-F: {what}")))?;
    }
    Ok((sender, recipients, options::of(args)?))
}
