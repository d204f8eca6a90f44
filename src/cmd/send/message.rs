//! The message: composed from the arguments, or a complete one passed on.

use super::options::{bad_address, sender};
use super::stdin::{body_reads_it, is_stdin};
use crate::account::{Account, Need};
use crate::cli::{AttachedPart, SendArgs};
use crate::cmd::Context;
use crate::mail::compose::{Composition, Part, PartSource, compose};
use crate::mail::fix::{Changes, mend};
use crate::mail::input::OpenedPath;
use crate::mail::raw::{Raw, Supplied};
use crate::mail::{Entry, Mailbox, Outgoing, addresses, input, stamp};
use crate::net::Limits;
use crate::streams::Input;
use crate::words::{Address, Failure, ReversePath};
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// A message ready to be sent, and the account if it was needed to build it.
pub struct Built {
    pub account: Option<Account>,
    pub outgoing: Outgoing,
    /// What `--fix` did to it.
    pub changes: Changes,
}

/// Everyone the arguments name.
struct NamedPeople {
    from: Option<Mailbox>,
    to: Vec<Entry>,
    cc: Vec<Entry>,
    bcc: Vec<Entry>,
    reply_to: Vec<Entry>,
    sender: Option<ReversePath>,
}

impl NamedPeople {
    fn of(args: &SendArgs) -> Result<NamedPeople, Failure> {
        let from = args.from.as_deref().map(addresses::single).transpose();
        let mut to = list("TO", &args.recipients)?;
        to.extend(list("--to", &args.to)?);
        Ok(NamedPeople {
            from: from.map_err(|error| bad_address("--from", &error))?,
            to,
            cc: list("--cc", &args.cc)?,
            bcc: list("--bcc", &args.bcc)?,
            reply_to: list("--reply-to", &args.reply_to)?,
            sender: sender(args)?,
        })
    }

    fn recipients(&self) -> Vec<Address> {
        let lists = [&self.to, &self.cc, &self.bcc];
        let mailboxes = lists.into_iter().flatten().flat_map(Entry::mailboxes);
        mailboxes.map(|mailbox| mailbox.address.clone()).collect()
    }
}

fn list(option: &str, values: &[String]) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    for value in values {
        entries.extend(addresses::parse(value).map_err(|error| bad_address(option, &error))?);
    }
    Ok(entries)
}

/// Checks the addresses and the account before the user is asked to type a text.
pub fn check(args: &SendArgs, context: &Context) -> Result<(), Failure> {
    let people = NamedPeople::of(args)?;
    if !args.print {
        context.select(Need::Smtp, people.from.as_ref().map(|from| &from.address))?;
    }
    Ok(())
}

/// Builds the message; `None` if the body is empty and `--skip-empty` is given.
pub fn build(args: &SendArgs, context: &Context) -> Result<Option<Built>, Failure> {
    let people = NamedPeople::of(args)?;
    match &args.raw {
        Some(path) => pass_on(args, path, people, context),
        None => composed(args, people, context),
    }
}

/// `--raw`.
fn pass_on(
    args: &SendArgs,
    path: &Path,
    people: NamedPeople,
    context: &Context,
) -> Result<Option<Built>, Failure> {
    refuse_composing(args)?;
    let source: Box<dyn Read> = match is_stdin(path) {
        true => Box::new(Input::stdin(&context.limits)),
        false => Box::new(input::open(path, &context.limits)?),
    };
    let mut source = BufReader::with_capacity(64 * 1024, source);
    if args.skip_empty
        && source.fill_buf().map_err(|error| input::unreadable(path, "reading", &error))?.is_empty()
    {
        return Ok(None);
    }
    let mut raw = Raw::read(&mut source, path)?;
    if args.skip_empty && raw.has_blank_body()? {
        return Ok(None);
    }
    let author = raw.author().or_else(|| people.from.clone());
    // Without any author, the account's own address is used.
    let account = match &author {
        Some(_) => None,
        None => Some(context.select(Need::Smtp, None)?),
    };
    let recipients = people.recipients();
    let named =
        !(args.recipients.is_empty() && args.to.is_empty() && args.cc.is_empty() && args.bcc.is_empty());
    let supplied = Supplied {
        from: people.from.or_else(|| account.as_ref().and_then(author_of)),
        sender: people.sender,
        recipients: named.then_some(recipients),
        mends: args.fix,
    };
    let outgoing = raw.complete(supplied)?;
    let (outgoing, changes) = if args.fix { mend(outgoing)? } else { (outgoing, Changes::default()) };
    let account = match account {
        None if !args.print => {
            Some(context.select(Need::Smtp, author.as_ref().map(|author| &author.address))?)
        }
        other => other,
    };
    Ok(Some(Built { account, outgoing, changes }))
}

/// `--raw` sends a complete message: options that would change it are refused.
fn refuse_composing(args: &SendArgs) -> Result<(), Failure> {
    let given = [
        (!args.reply_to.is_empty(), "--reply-to"),
        (args.subject.is_some(), "--subject"),
        (!args.header.is_empty(), "--header"),
        (args.in_reply_to.is_some(), "--in-reply-to"),
        (args.references.is_some(), "--references"),
        (args.message_id.is_some(), "--message-id"),
        (args.date.is_some(), "--date"),
        (args.body.is_some(), "--body"),
        (args.body_file.is_some(), "--body-file"),
        (args.html.is_some(), "--html"),
        (args.html_file.is_some(), "--html-file"),
        (args.charset.is_some(), "--charset"),
    ];
    match given.iter().find(|(on, _)| *on) {
        Some((_, option)) => {
            Err(Failure::usage(format!("{option}: not together with --raw, which takes a complete message")))
        }
        None if !args.parts.is_empty() => {
            let option = if args.parts.iter().any(|part| part.inline) { "--inline" } else { "--attach" };
            Err(Failure::usage(format!("{option}: not together with --raw, which takes a complete message")))
        }
        None => Ok(()),
    }
}

/// The author of a message that is sent from an account.
pub(super) fn author_of(account: &Account) -> Option<Mailbox> {
    let address = addresses::to_ascii_domain(account.email.clone()?).ok()?;
    Some(Mailbox { name: account.name.clone(), address })
}

fn composed(args: &SendArgs, people: NamedPeople, context: &Context) -> Result<Option<Built>, Failure> {
    let limits = &context.limits;
    let text = text(args, limits)?;
    let html = match (&args.html, &args.html_file) {
        (Some(html), _) => Some(html.clone().into_vec()),
        (None, Some(path)) => Some(body_file(path, limits)?),
        (None, None) => None,
    };
    let is_empty = |body: &Option<Vec<u8>>| body.as_ref().is_none_or(|body| body.trim_ascii().is_empty());
    let has_body = !(is_empty(&text) && is_empty(&html));
    let piped = args.parts.iter().any(|part| is_stdin(&part.path));
    if args.skip_empty && !has_body && !piped {
        return Ok(None);
    }
    let parts = args.parts.iter().map(|named| part(named, limits)).collect::<Result<Vec<_>, _>>()?;
    // Standard input is an attachment, so it cannot be the body.
    let mut sources = parts.iter().filter(|part| is_stdin(&part.path)).map(|part| &part.source);
    if args.skip_empty && !has_body && sources.all(|source| matches!(source.size(), Ok(None | Some(0)))) {
        return Ok(None);
    }
    let account = match &people.from {
        // A message that is only printed needs no server.
        Some(_) if args.print => None,
        from => Some(context.select(Need::Smtp, from.as_ref().map(|from| &from.address))?),
    };
    let from = author(people.from, account.as_ref())?;
    let composition = Composition {
        from,
        to: people.to,
        cc: people.cc,
        bcc: people.bcc,
        reply_to: people.reply_to,
        subject: args.subject.clone().map(OsString::into_vec),
        headers: args.header.clone(),
        in_reply_to: args.in_reply_to.clone(),
        references: args.references.clone(),
        message_id: args.message_id.clone(),
        date: args.date.clone(),
        // With HTML and nothing piped in, the text is made from the HTML.
        text: text.filter(|text| !(text.is_empty() && html.is_some())),
        html,
        charset: args.charset.clone(),
        parts,
    };
    Ok(Some(Built { account, outgoing: compose(composition, people.sender)?, changes: Changes::default() }))
}

/// The author: the one who is named, with the account's name if it is the account's address; else the
/// account's.
pub(super) fn author(named: Option<Mailbox>, account: Option<&Account>) -> Result<Mailbox, Failure> {
    let own = account.and_then(author_of);
    match (named, own) {
        (Some(named), Some(own)) if named.name.is_none() && named.address.same_mailbox(&own.address) => {
            Ok(Mailbox { name: own.name, ..named })
        }
        (Some(named), _) => Ok(named),
        (None, Some(own)) => Ok(own),
        (None, None) => Err(Failure::usage("send: looking for the author: the account has no address")
            .hint("--from ADDR names one, and POSTIE_FROM does for an account from the environment")),
    }
}

fn text(args: &SendArgs, limits: &Limits) -> Result<Option<Vec<u8>>, Failure> {
    match (&args.body, &args.body_file) {
        (Some(body), _) => Ok(Some(body.clone().into_vec())),
        (None, Some(path)) => body_file(path, limits).map(Some),
        (None, None) if body_reads_it(args) => {
            input::read_all(&mut Input::stdin(limits), "standard input").map(Some)
        }
        (None, None) => Ok(None),
    }
}

fn body_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, Failure> {
    if is_stdin(path) {
        return input::read_all(&mut Input::stdin(limits), "standard input");
    }
    input::read_all(&mut input::open(path, limits)?, &path.to_string_lossy())
}

/// A file to attach: opened now, read when the message is made, which is before anything connects.
fn part(part: &AttachedPart, limits: &Limits) -> Result<Part, Failure> {
    let (source, path) = if is_stdin(&part.path) {
        (PartSource::Spooled(input::spooled(&mut Input::stdin(limits), "standard input")?), "-".into())
    } else {
        attached(&part.path, limits)?
    };
    let cid = match (&part.cid, part.inline) {
        (Some(cid), _) => Some(cid.clone()),
        (None, true) => Some(stamp::message_id("postie")?),
        (None, false) => None,
    };
    Ok(Part { source, path, name: part.name.clone(), content_type: part.content_type.clone(), cid })
}

/// The content of a file or a pipe, and the path that names it.
pub(super) fn attached(path: &Path, limits: &Limits) -> Result<(PartSource, PathBuf), Failure> {
    let source = match input::open(path, limits)? {
        OpenedPath::File(file) => PartSource::File(file),
        OpenedPath::Stream(mut stream) => {
            PartSource::Spooled(input::spooled(&mut stream, &path.to_string_lossy())?)
        }
    };
    // The number of a file descriptor is not useful as a name.
    let is_nameless = path.starts_with("/dev/fd") || path.starts_with("/proc");
    Ok((source, if is_nameless { "-".into() } else { path.to_owned() }))
}
