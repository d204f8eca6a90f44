//! `postie send`: the message from the arguments, one job, the receipt.
//!
//! Everything is read and checked before the first connection: arguments, files, standard input, the
//! account, the place for a copy, the secret.

mod batch;
mod copies;
mod message;
mod options;
mod stdin;

#[cfg(feature = "fuzzing")]
pub use batch::batch_line;

use super::Context;
use crate::account::{Account, Need};
use crate::cli::SendArgs;
use crate::cmd::service;
use crate::codec::smtp::EhloName;
use crate::mail::Outgoing;
use crate::mail::outgoing::cannot_keep;
use crate::output::{About, Output};
use crate::words::{Exit, Failure, Kind, Stage};
use crate::work::send::{DeliveryStatus, Options, Receipt, Report, check, send};
use crate::work::service::{Service, advise};
use copies::{CopyChoice, SentCopies};
use message::Built;
use serde::Serialize;
use std::io::Read as _;

/// From this size on a progress bar is shown.
const LARGE: u64 = 256 * 1024;

/// The `receipt` line of a dry run: what would be sent, and how.
#[derive(Serialize)]
struct DryRunLine<'a> {
    #[serde(flatten)]
    receipt: &'a Receipt,
    server: Option<String>,
    needs: Vec<&'static str>,
}

/// Runs the command.
pub fn run(args: &SendArgs, context: &mut Context) -> anyhow::Result<()> {
    for status in ["accepted", "partial", "refused", "deferred", "unknown", "failed", "skipped"] {
        context.out.count(status, 0);
    }
    let options = options::of(args)?;
    stdin::check(args, &context.global)?;
    if stdin::is_typed(args) {
        message::check(args, context)?;
    }
    stdin::announce(args, &mut context.out);
    if args.fix && args.raw.is_none() && !args.batch {
        return Err(Failure::usage(
            "--fix: only together with --raw or --batch: what is composed needs none",
        )
        .into());
    }
    if args.batch {
        return Ok(batch::run(args, context)?);
    }
    if args.rate.is_some() {
        return Err(Failure::usage("--rate: only together with --batch").into());
    }
    if args.print && context.global.json {
        return Err(
            Failure::usage("--print: it writes the message to standard output, not JSON Lines").into()
        );
    }
    let copy = CopyChoice::of(args, context)?;
    let Built { account, mut outgoing, changes } = match message::build(args, context)? {
        Some(built) => built,
        None => {
            tell(&mut context.out, None, &Receipt::skipped());
            context.out.tell_at_terminal("nothing was sent: the body is empty");
            return Ok(());
        }
    };
    if changes.breaks_signature {
        context.out.tell(&changes.describe());
    } else if changes.any() {
        context.out.say(&changes.describe());
    }
    if args.print {
        return Ok(print(&mut outgoing, &mut context.out)?);
    }
    let account = match account {
        Some(account) => account,
        None => context.select(Need::Smtp, outgoing.envelope.from.mailbox())?,
    };
    copy.as_ref().map(|copy| copy.check(&account)).transpose()?;
    if args.dry_run {
        plan(&account, &outgoing, &mut context.out);
        return Ok(());
    }
    let Some(service) = service::or_told(service::outgoing(&account, context), &account, context) else {
        return Ok(());
    };
    let copies = copy.filter(|_| !args.check).map(|copy| copy.prepare(&account, context, &context.limits));
    let copies = copies.transpose()?;
    let ehlo_name = args.ehlo_name.as_ref();
    let submission = Submission { service: &service, options: &options, checks: args.check, ehlo_name };
    let mut report = submission.run(&mut outgoing, context);
    let without = copies.and_then(|copies| submission.save(copies, &mut outgoing, &mut report));
    submission.conclude(&report, context);
    if let Some(failure) = without {
        context.out.settle(Exit::Ok);
        context.out.fail(&About::account(&service.label), &failure);
    }
    Ok(())
}

/// One message on its way through one server.
struct Submission<'a> {
    service: &'a Service,
    options: &'a Options,
    /// Whether only the recipients are checked (`--check`).
    checks: bool,
    /// The name for EHLO given by an option.
    ehlo_name: Option<&'a EhloName>,
}

impl Submission<'_> {
    /// Runs the job.
    fn run(&self, outgoing: &mut Outgoing, context: &mut Context) -> Report {
        let Context { limits, out, .. } = context;
        self.service.with_job(self.options, limits, self.ehlo_name, |job| {
            if self.checks {
                return check(job, outgoing);
            }
            let size = outgoing.content.facts().octets;
            if size >= LARGE {
                out.progress().begin(&self.service.label, 1, size);
            }
            let report = send(job, outgoing, &mut |octets| out.progress().advance(octets));
            out.progress().clear();
            report
        })
    }

    /// Whether a server has the message now.
    fn sent(&self, report: &Report) -> bool {
        report.receipt.was_taken() && !self.checks
    }

    /// Prints the receipt, then the errors.
    fn conclude(&self, report: &Report, context: &mut Context) {
        let out = &mut context.out;
        tell(out, Some(self.service), &report.receipt);
        let about = About::account(&self.service.label);
        for (recipient, failure) in &report.failures {
            let failure = advise(failure.clone(), &self.service.server);
            out.error(&About { recipient: recipient.as_deref(), ..about }, &failure);
        }
        if self.sent(report) && out.stdout_lost() {
            let reply = report.receipt.reply.as_deref().unwrap_or_default();
            let message =
                format!("standard output: writing the receipt: failed; the message was accepted: {reply}");
            out.error(&about, &Failure::new(Kind::Storage, Stage::Receipt, message));
        }
        if !self.checks {
            out.tell_at_terminal(&in_a_line(report));
        }
        out.settle(report.exit);
    }

    /// `--save-copy`: the result goes into the receipt. A copy that cannot be stored makes an accepted message "part
    /// done".
    fn save(&self, mut copies: SentCopies, outgoing: &mut Outgoing, report: &mut Report) -> Option<Failure> {
        let stored = self.sent(report).then(|| copies.store(outgoing));
        copies.close();
        match stored? {
            Ok(copy) => {
                report.receipt.saved_copy = Some(copy);
                None
            }
            Err(failure) => Some(failure),
        }
    }
}

/// The result for people.
fn in_a_line(report: &Report) -> String {
    let recipients = &report.receipt.recipients;
    let count = |status| recipients.iter().filter(|recipient| recipient.status == status).count();
    let (taken, unknown, all) =
        (count(DeliveryStatus::Accepted), count(DeliveryStatus::Unknown), recipients.len());
    match (taken, unknown) {
        (_, 1..) => format!("sent to {taken} of {all}; nobody knows whether {unknown} will get it"),
        (0, 0) => "nothing was sent".into(),
        _ if taken == all => format!("sent to {taken}"),
        _ => format!("sent to {taken} of {all}"),
    }
}

/// Prints a receipt: a JSON line, a count, and with `-v` a line for people.
fn tell(out: &mut Output, service: Option<&Service>, receipt: &Receipt) {
    out.line("receipt", receipt);
    out.count(receipt.status.name(), 1);
    let place = service.map(|service| format!("{}: ", service.server.place())).unwrap_or_default();
    let said = receipt.reply.as_deref().map(|reply| format!(" ({reply})")).unwrap_or_default();
    for recipient in &receipt.recipients {
        out.say(&format!("{place}{}: {}", recipient.address, recipient.status.name()));
    }
    out.say(&format!("{place}{}{said}", receipt.status.name()));
    if let Some(copy) = &receipt.saved_copy {
        out.say(&copy.describe());
    }
}

/// `--print`: the exact octets, before dot-stuffing.
fn print(outgoing: &mut Outgoing, out: &mut Output) -> Result<(), Failure> {
    let reader = outgoing.content.reader().map_err(|error| cannot_keep(&error))?;
    let mut block = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut block).map_err(|error| cannot_keep(&error))? {
            0 => return Ok(()),
            got => out.raw(&block[..got]),
        }
    }
}

/// `--dry-run`: what would be sent.
fn plan(account: &Account, outgoing: &Outgoing, out: &mut Output) {
    let mut receipt = Receipt::untried(outgoing);
    receipt.status = DeliveryStatus::Skipped;
    let facts = outgoing.content.facts();
    let needs = [(facts.eight_bit, "8BITMIME"), (outgoing.needs_utf8(), "SMTPUTF8")];
    let needs: Vec<&str> = needs.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    let server = account.smtp.as_ref().map(|server| server.place());
    out.text(&format!("account     {}", account.label));
    out.text(&format!("server      {}", server.as_deref().unwrap_or("none")));
    out.text(&format!("from        <{}>", receipt.envelope_from.as_deref().unwrap_or_default()));
    for recipient in &receipt.recipients {
        out.text(&format!("to          <{}>", recipient.address));
    }
    out.text(&format!("message-id  <{}>", outgoing.message_id));
    out.text(&format!("size        {} octets", facts.octets));
    if !needs.is_empty() {
        out.text(&format!("needs       {}", needs.join(", ")));
    }
    out.line("receipt", &DryRunLine { receipt: &receipt, server, needs });
    out.count(DeliveryStatus::Skipped.name(), 1);
}
