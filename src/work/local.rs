//! The job of `sendmail`: one message from a local program is read, rewritten so that it can leave the machine, and
//! sent through an account.
//!
//! The account is the one whose address is the envelope's sender, or the author; else as for `send`. The sender
//! that the caller named is used if it is in the account's own domain. The account's server would refuse any
//! other, so the account's own address replaces it.

use super::send::{Options, Receipt, Report, send};
use super::service::{Service, advise};
use crate::account::Account;
use crate::mail::addresses::{self, Entry, Mailbox};
use crate::mail::fix::{mend, relabel};
use crate::mail::local::{LOCAL, LocalHeader, Role, is_local, resolve};
use crate::mail::outgoing::MAX_LINE;
use crate::mail::raw::{Raw, Supplied};
use crate::mail::{Outgoing, addresses::to_ascii_domain};
use crate::net::Limits;
use crate::streams::text::LineEnds;
use crate::words::{Address, Exit, Failure, Kind, ReversePath, Stage};
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
    pub recipients: Vec<Entry>,
    /// Whether the header names more recipients.
    pub from_header: bool,
    /// The author's name, for a message without From.
    pub full_name: Option<String>,
    /// The subject, if the input is plain text without a header.
    pub subject: Option<String>,
    /// The parameters of the envelope.
    pub options: &'a Options,
    /// Whether to fix what some servers would refuse, since the calling program cannot, and to end a line at a bare
    /// CR in the body. Otherwise such a message is refused.
    pub mends: bool,
}

/// How the message gets to a server.
pub struct LocalRoute<'a> {
    /// Selects the account whose address this is; without an address, or if there is none, as for `send`.
    pub select: &'a dyn Fn(Option<&Address>) -> Result<Account, Failure>,
    /// Prepares the account's SMTP server.
    pub service: &'a dyn Fn(&Account) -> Result<Service, Failure>,
    pub limits: &'a Limits,
}

/// What became of the message.
pub struct LocalReport {
    pub exit: Exit,
    pub failures: Vec<Failure>,
    /// The identifier for the caller if a server has accepted the message: of its queue, else the Message-ID.
    pub id: Option<String>,
    /// The account, if one was found.
    pub account: Option<Account>,
    /// The receipt, if the message could be read.
    pub receipt: Option<Receipt>,
}

impl LocalMessage<'_> {
    pub fn send(self, route: &LocalRoute<'_>) -> LocalReport {
        let (mut account, mut receipt) = (None, None);
        match self.try_to_send(route, &mut account, &mut receipt) {
            Ok(report) => {
                let failures = report.failures.into_iter().map(|(_, failure)| failure).collect();
                let Receipt { queue_id, message_id, .. } = &report.receipt;
                let id = queue_id.clone().or_else(|| message_id.clone());
                LocalReport { exit: report.exit, failures, id, account, receipt: Some(report.receipt) }
            }
            Err(failure) => {
                LocalReport { exit: failure.exit(), failures: vec![failure], id: None, account, receipt }
            }
        }
    }

    fn try_to_send(
        self,
        route: &LocalRoute<'_>,
        found: &mut Option<Account>,
        untried: &mut Option<Receipt>,
    ) -> Result<Report, Failure> {
        let (options, mends) = (self.options, self.mends);
        let header = match &self.subject {
            Some(subject) => LocalHeader::of_text(subject)?,
            None => LocalHeader::read(self.source)?,
        };
        let account = found.insert(choose(self.sender.as_ref(), header.author().as_ref(), route)?);
        let mut outgoing = self.outgoing(header, account)?;
        *untried = Some(Receipt::untried(&outgoing));
        let service = (route.service)(account)?;
        let mut report = transmit(&service, options, &mut outgoing, route.limits);
        if mends && report.exit == Exit::Data && outgoing.content.facts().eight_bit {
            // The server does not support 8-bit content; nothing was sent yet.
            outgoing = mend(outgoing)?.0;
            report = transmit(&service, options, &mut outgoing, route.limits);
        }
        for (_, failure) in &mut report.failures {
            *failure = advise(failure.clone(), &service.server);
        }
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
    route: &LocalRoute<'_>,
) -> Result<Account, Failure> {
    for named in [sender.and_then(ReversePath::mailbox), author].into_iter().flatten() {
        if let Ok(account) = (route.select)(Some(named))
            && account.email.as_ref().is_some_and(|email| email.same_mailbox(named))
        {
            return Ok(account);
        }
    }
    (route.select)(None)
}

fn transmit(service: &Service, options: &Options, outgoing: &mut Outgoing, limits: &Limits) -> Report {
    service.with_job(options, limits, None, |job| send(job, outgoing, &mut |_| {}))
}
