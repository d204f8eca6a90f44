//! The parameters of MAIL and RCPT for a message, and whether the server can take it; decided before anything is sent.

use super::Options;
use crate::codec::smtp::{Extensions, MailCommand, RcptCommand, SizeLimit};
use crate::mail::Outgoing;
use crate::smtp::{MailTransaction, Ready};
use crate::words::{Address, Failure, Kind, Scope, Stage};

/// MAIL for this message and server. Fails with [`Kind::Missing`] (an extension), [`Kind::Rejected`] (the size limit),
/// [`Kind::Input`] (8-bit octets without 8BITMIME).
pub(super) fn mail(ready: &Ready, outgoing: &Outgoing, options: &Options) -> Result<MailCommand, Failure> {
    let extensions = ready.extensions();
    let place = ready.place();
    let fail = |kind, what: String| {
        Failure::new(kind, Stage::MailFrom, format!("MAIL FROM: {what}")).at(place).scoped(Scope::Message)
    };
    let facts = outgoing.content.facts();
    if outgoing.needs_utf8() && !extensions.smtp_utf8 {
        return Err(fail(
            Kind::Missing,
            "an address or the header needs SMTPUTF8, which the server lacks".into(),
        )
        .hint("use an ASCII address, or another server"));
    }
    if facts.eight_bit && !extensions.eight_bit_mime {
        return Err(fail(Kind::Input, "the message has 8-bit octets, and the server lacks 8BITMIME".into())
            .hint("re-encode it in 7 bits: --fix does it"));
    }
    if let SizeLimit::Octets(limit) = extensions.size
        && facts.octets > limit
    {
        let what = format!("the message has {} octets, the server takes at most {limit}", facts.octets);
        return Err(fail(Kind::Rejected, what).hint("send it in parts, or a link to it"));
    }
    if options.asks_for_reports() && !extensions.dsn {
        return Err(fail(Kind::Missing, "delivery reports are asked for, and the server lacks DSN".into())
            .hint("leave out the --dsn options"));
    }
    if options.require_tls && !(extensions.require_tls && ready.tls().is_some()) {
        return Err(fail(
            Kind::Missing,
            "TLS is required on the whole way, and the server lacks REQUIRETLS".into(),
        )
        .hint("leave out --require-tls, or use another server"));
    }
    Ok(MailCommand {
        from: outgoing.envelope.from.clone(),
        size: (extensions.size != SizeLimit::Absent).then_some(facts.octets),
        eight_bit: facts.eight_bit,
        smtp_utf8: outgoing.needs_utf8(),
        ret: options.ret,
        envid: options.envid.clone(),
        require_tls: options.require_tls,
    })
}

/// How many of `wanted` recipients the next transaction may have (`RFC 9422 §4.2`).
pub(super) fn most(ready: &Ready, wanted: usize) -> usize {
    ready.extensions().rcpt_max.map_or(wanted, |most| most.min(wanted))
}

/// The transaction for some of the message's recipients, by their index.
pub(super) fn transaction(
    mail: MailCommand,
    indices: &[usize],
    extensions: &Extensions,
    outgoing: &Outgoing,
    options: &Options,
) -> MailTransaction {
    let recipients = indices.iter().map(|index| &outgoing.envelope.recipients[*index]);
    MailTransaction {
        mail,
        recipients: recipients.map(|to| rcpt(to, extensions, options)).collect(),
        on_rejected: options.on_rejected,
        size: outgoing.content.facts().octets,
    }
}

fn rcpt(to: &Address, extensions: &Extensions, options: &Options) -> RcptCommand {
    let orcpt = (options.asks_for_reports() && extensions.dsn).then(|| to.clone());
    RcptCommand { to: to.clone(), notify: options.notify, orcpt }
}
