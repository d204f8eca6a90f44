//! One message that a local program hands over: read, made fit to leave the machine, sent through an
//! account, and logged.
//!
//! The account is the one whose address is the envelope's sender, or the author; else as for `send`. The
//! envelope's sender is the one that was named if it lies in the account's own domain; any other is no
//! address the account's server would take, and the account's own stands for it.

use super::log::LogEntry;
use crate::account::{Account, Need};
use crate::cmd::Context;
use crate::cmd::service;
use crate::mail::addresses::{self, Entry, Mailbox};
use crate::mail::fix::{mend, relabel};
use crate::mail::local::{LOCAL, LocalHeader, Role, is_local, resolve};
use crate::mail::outgoing::MAX_LINE;
use crate::mail::raw::{Raw, Supplied};
use crate::mail::{Outgoing, addresses::to_ascii_domain};
use crate::smtp::server::Verdict;
use crate::streams::text::LineEnds;
use crate::words::{Address, Exit, Failure, Kind, ReversePath, Stage};
use crate::work::send::{Options, Receipt, Report, send};
use crate::work::service::{Service, advise};
use std::io::{BufRead, Cursor, Read as _};

/// Reads the sender as `-f` or MAIL names it, without its angles: perhaps an address of this machine alone.
pub fn reverse_path(text: &str) -> Result<ReversePath, Failure> {
    if matches!(text.trim(), "" | "<>") {
        return Ok(ReversePath::Null);
    }
    match people("the sender", text)?.as_slice() {
        [Entry::Mailbox(one)] => Ok(one.address.clone().into()),
        _ => Err(bad_address("the sender", "exactly one address is wanted")),
    }
}

/// The sender that the account's server takes, where the caller named this one, if any; `None` leaves it to
/// the message.
fn sender_through(account: &Account, named: Option<&ReversePath>) -> Result<Option<ReversePath>, Failure> {
    let own = account.sender();
    let ours = |address: &Address| {
        let domains = [account.email.as_ref(), own].into_iter().flatten();
        let known: Vec<String> = domains.map(|address| address.domain().to_lowercase()).collect();
        known.is_empty() || known.contains(&address.domain().to_lowercase())
    };
    let sender = match named {
        Some(ReversePath::Null) => return Ok(Some(ReversePath::Null)),
        Some(ReversePath::Mailbox(address)) if !is_local(address) && ours(address) => address,
        Some(ReversePath::Mailbox(address)) => own.ok_or_else(|| nobody(account, address.local()))?,
        None => match own {
            Some(own) => own,
            None => return Ok(None),
        },
    };
    to_ascii_domain(sender.clone())
        .map(|sender| Some(sender.into()))
        .map_err(|_| bad_address("the sender", "its domain is not valid"))
}

/// Reads a list of people, local names among them.
pub fn people(what: &str, text: &str) -> Result<Vec<Entry>, Failure> {
    addresses::parse_local(text, LOCAL).map_err(|error| bad_address(what, &error.to_string()))
}

fn bad_address(what: &str, why: &str) -> Failure {
    Failure::new(Kind::Input, Stage::Arguments, format!("{what}: {why}"))
}

/// The addresses in the account's aliases for a local name.
fn look_up(account: &Account, local: &str, role: Role) -> Result<Vec<Address>, Failure> {
    let found = match role {
        Role::Author => account.sender().map(|sender| vec![sender.clone()]),
        Role::Recipient => account.who_is(local),
    };
    let found = found.ok_or_else(|| nobody(account, local))?;
    let valid = found.into_iter().map(|address| {
        to_ascii_domain(address)
            .map_err(|_| Failure::config("an address: its domain is not valid").at(&account.label))
    });
    valid.collect()
}

/// The failure for a local name without an address.
fn nobody(account: &Account, local: &str) -> Failure {
    let message = format!("looking for the address of {local:?}: the account has none");
    Failure::config(message).at(&account.label).hint(
        "give the account an email, or an alias (aliases.NAME); POSTIE_FROM for one from the environment",
    )
}

/// A message from a local program.
pub struct LocalMessage<'a> {
    pub source: &'a mut dyn BufRead,
    /// The sender given by the caller, if any.
    pub sender: Option<ReversePath>,
    /// Who gets it.
    pub recipients: Vec<Entry>,
    /// Who else gets it stands in its header.
    pub from_header: bool,
    /// The author's name, where it has no From.
    pub full_name: Option<String>,
    /// The subject of what is plain text, without a header.
    pub subject: Option<String>,
    /// The parameters of the envelope.
    pub options: &'a Options,
    /// What not every server takes is mended, since the program that hands it over can do nothing, and a bare
    /// CR in the body ends a line; else it is refused.
    pub mends: bool,
}

impl LocalMessage<'_> {
    /// Sends the message, and logs the result.
    pub fn hand_on(self, context: &mut Context) -> Verdict {
        let mut entry = LogEntry::default();
        let verdict = match self.send(context, &mut entry) {
            Ok(report) => {
                let Receipt { queue_id, message_id, .. } = report.receipt;
                let failures = report.failures.into_iter().map(|(_, failure)| failure).collect();
                Verdict { exit: report.exit, failures, id: queue_id.or(message_id) }
            }
            Err(failure) => Verdict { exit: failure.exit(), failures: vec![failure], id: None },
        };
        let failure = verdict.failures.first().map(ToString::to_string);
        if let Err(problem) = entry.write(verdict.exit, failure.as_deref()) {
            context.out.tell(&problem);
        }
        verdict
    }

    fn send(self, context: &mut Context, entry: &mut LogEntry) -> Result<Report, Failure> {
        let (options, mends) = (self.options, self.mends);
        let header = match &self.subject {
            Some(subject) => LocalHeader::of_text(subject)?,
            None => LocalHeader::read(self.source)?,
        };
        let account = choose(self.sender.as_ref(), header.author().as_ref(), context)?;
        entry.through(&account);
        let mut outgoing = self.outgoing(header, &account)?;
        entry.receipt(&Receipt::untried(&outgoing));
        let service = service::outgoing(&account, context)?;
        let mut report = transmit(&service, options, &mut outgoing, context);
        if mends && report.exit == Exit::Data && outgoing.content.facts().eight_bit {
            // The server does not support 8-bit content; nothing was sent yet.
            outgoing = mend(outgoing)?.0;
            report = transmit(&service, options, &mut outgoing, context);
        }
        for (_, failure) in &mut report.failures {
            *failure = advise(failure.clone(), &service.server);
        }
        entry.receipt(&report.receipt);
        Ok(report)
    }

    /// The message in the form in which it is sent.
    fn outgoing(self, header: LocalHeader, account: &Account) -> Result<Outgoing, Failure> {
        let look_up = |local: &str, role| look_up(account, local, role);
        let top = header.rewritten(&look_up)?;
        let body = Cursor::new(header.into_body()).chain(self.source);
        let body: Box<dyn std::io::Read + '_> =
            if self.mends { Box::new(LineEnds::new(body)) } else { Box::new(body) };
        let mut source = Cursor::new(top).chain(body);
        let raw = Raw::read(&mut source, "standard input")?;
        let resolved = resolve(self.recipients, Role::Recipient, &look_up)?;
        let mut recipients: Vec<Address> =
            resolved.iter().flat_map(Entry::mailboxes).map(|mailbox| mailbox.address.clone()).collect();
        if self.from_header {
            recipients.extend(raw.recipients()?);
        }
        let name = self.full_name.or_else(|| account.name.clone());
        let author = account.sender().cloned().map(to_ascii_domain).and_then(Result::ok);
        let outgoing = raw.complete(Supplied {
            from: author.map(|address| Mailbox { name, address }),
            sender: sender_through(account, self.sender.as_ref())?,
            recipients: Some(recipients),
            mends: self.mends,
        })?;
        let unfit = outgoing.international || outgoing.content.facts().longest_line > MAX_LINE;
        match (self.mends, unfit) {
            (true, true) => Ok(mend(outgoing)?.0),
            (true, false) => relabel(outgoing),
            (false, _) => Ok(outgoing),
        }
    }
}

/// The account: that of the sender, else of the author, else the selected one.
fn choose(
    sender: Option<&ReversePath>,
    author: Option<&Address>,
    context: &Context,
) -> Result<Account, Failure> {
    for named in [sender.and_then(ReversePath::mailbox), author].into_iter().flatten() {
        if let Ok(account) = context.select(Need::Smtp, Some(named))
            && account.email.as_ref().is_some_and(|email| email.same_mailbox(named))
        {
            return Ok(account);
        }
    }
    context.select(Need::Smtp, None)
}

fn transmit(service: &Service, options: &Options, outgoing: &mut Outgoing, context: &Context) -> Report {
    service.with_job(options, &context.limits, None, |job| send(job, outgoing, &mut |_| {}))
}
