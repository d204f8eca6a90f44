//! SMTP commands (`RFC 5321 §4.1.1` and extensions) as types. They become text only here; the wire adds the
//! CRLF. Every part that comes from outside has a type that cannot contain a line end, or is encoded.

use crate::codec::sasl::Mechanism;
use crate::words::{Address, ReversePath};
use std::fmt::{self, Write as _};
use std::net::IpAddr;

/// The most octets of AUTH with an initial response, line end included (`RFC 4954 §4`).
pub const MAX_AUTH_COMMAND: usize = 512;

/// The client's name in EHLO (`RFC 5321 §4.1.4`): a domain name, or an address literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EhloName(String);

impl EhloName {
    /// A fully qualified domain name. `None` if there is no dot in it, or a character that host names cannot have.
    pub fn domain(name: &str) -> Option<Self> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last_is_name = name.rsplit('.').next().is_some_and(|l| l.bytes().any(|b| !b.is_ascii_digit()));
        let fine = name.contains('.') && name.len() <= 253 && name.split('.').all(label) && last_is_name;
        fine.then(|| EhloName(name.to_owned()))
    }

    /// A name set by the user: a domain name, which needs no dot, or an address literal in brackets.
    pub fn chosen(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let address =
                inner.strip_prefix("IPv6:").or_else(|| inner.strip_prefix("ipv6:")).unwrap_or(inner);
            return address.parse().ok().map(EhloName::literal);
        }
        // A single label is checked as part of a full name.
        let with_dot = if text.contains('.') { text.to_owned() } else { format!("{text}.x") };
        EhloName::domain(&with_dot).map(|_| EhloName(text.strip_suffix('.').unwrap_or(text).to_owned()))
    }

    /// An address literal (`RFC 5321 §4.1.3`).
    pub fn literal(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => EhloName(format!("[{address}]")),
            IpAddr::V6(address) => EhloName(format!("[IPv6:{address}]")),
        }
    }
}

impl fmt::Display for EhloName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a delivery status notification returns (`RFC 3461 §4.3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    Full,
    Headers,
}

/// When a delivery status notification is wanted (`RFC 3461 §4.1`); all false means never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    pub success: bool,
    pub failure: bool,
    pub delay: bool,
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [(self.success, "SUCCESS"), (self.failure, "FAILURE"), (self.delay, "DELAY")];
        let named: Vec<&str> = all.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        f.write_str(if named.is_empty() { "NEVER".to_owned() } else { named.join(",") }.as_str())
    }
}

/// The most characters of an encoded ENVID (`RFC 3461 §4.4`).
pub const MAX_ENVID: usize = 100;

/// An envelope identifier for ENVID, not encoded; `None` if it is empty, not printable or too long.
pub fn envid(text: &str) -> Option<String> {
    let is_plain = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ');
    (is_plain && xtext(text).len() <= MAX_ENVID).then(|| text.to_owned())
}

/// `MAIL FROM` with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailCommand {
    /// The reverse-path: who is notified of failures.
    pub from: ReversePath,
    /// `SIZE` (`RFC 1870 §6`).
    pub size: Option<u64>,
    /// `BODY=8BITMIME` (`RFC 6152 §2`).
    pub eight_bit: bool,
    /// `SMTPUTF8` (`RFC 6531 §3.4`).
    pub smtp_utf8: bool,
    /// `RET` (`RFC 3461 §4.3`).
    pub ret: Option<Return>,
    /// `ENVID` (`RFC 3461 §4.4`), not yet encoded.
    pub envid: Option<String>,
    /// `REQUIRETLS` (`RFC 8689 §2`).
    pub require_tls: bool,
}

impl fmt::Display for MailCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MAIL FROM:<{}>", self.from.as_str())?;
        if let Some(size) = self.size {
            write!(f, " SIZE={size}")?;
        }
        if self.eight_bit {
            f.write_str(" BODY=8BITMIME")?;
        }
        if self.smtp_utf8 {
            f.write_str(" SMTPUTF8")?;
        }
        match self.ret {
            Some(Return::Full) => f.write_str(" RET=FULL")?,
            Some(Return::Headers) => f.write_str(" RET=HDRS")?,
            None => {}
        }
        if let Some(envid) = &self.envid {
            write!(f, " ENVID={}", xtext(envid))?;
        }
        if self.require_tls {
            f.write_str(" REQUIRETLS")?;
        }
        Ok(())
    }
}

/// `RCPT TO` with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RcptCommand {
    /// The forward-path.
    pub to: Address,
    /// `NOTIFY` (`RFC 3461 §4.1`).
    pub notify: Option<Notify>,
    /// `ORCPT` (`RFC 3461 §4.2`): the address as the sender named it.
    pub orcpt: Option<Address>,
}

impl fmt::Display for RcptCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RCPT TO:<{}>", self.to)?;
        if let Some(notify) = self.notify {
            write!(f, " NOTIFY={notify}")?;
        }
        match &self.orcpt {
            Some(original) if original.is_ascii() => write!(f, " ORCPT=rfc822;{}", xtext(original.as_str())),
            Some(original) => write!(f, " ORCPT=utf-8;{}", unicode_xtext(original.as_str())),
            None => Ok(()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmtpCommand {
    /// `RFC 5321 §4.1.1.1`.
    Ehlo(EhloName),
    /// `RFC 5321 §4.1.1.1`.
    Helo(EhloName),
    /// `RFC 3207 §4`.
    StartTls,
    /// `RFC 4954 §4`; an initial response is added elsewhere.
    Auth(Mechanism),
    /// `RFC 4954 §4`: cancels an exchange.
    CancelAuth,
    /// `RFC 5321 §4.1.1.2`.
    Mail(MailCommand),
    /// `RFC 5321 §4.1.1.3`.
    Rcpt(RcptCommand),
    /// `RFC 5321 §4.1.1.4`.
    Data,
    /// `RFC 3030 §2`: the last chunk, with its size in octets.
    BdatLast(u64),
    /// `RFC 5321 §4.1.1.5`.
    Rset,
    /// `RFC 5321 §4.1.1.10`.
    Quit,
}

impl fmt::Display for SmtpCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SmtpCommand::Ehlo(name) => write!(f, "EHLO {name}"),
            SmtpCommand::Helo(name) => write!(f, "HELO {name}"),
            SmtpCommand::StartTls => f.write_str("STARTTLS"),
            SmtpCommand::Auth(mechanism) => write!(f, "AUTH {}", mechanism.name()),
            SmtpCommand::CancelAuth => f.write_str("*"),
            SmtpCommand::Mail(mail) => mail.fmt(f),
            SmtpCommand::Rcpt(rcpt) => rcpt.fmt(f),
            SmtpCommand::Data => f.write_str("DATA"),
            SmtpCommand::BdatLast(octets) => write!(f, "BDAT {octets} LAST"),
            SmtpCommand::Rset => f.write_str("RSET"),
            SmtpCommand::Quit => f.write_str("QUIT"),
        }
    }
}

/// `xtext = *( xchar / hexchar )` (`RFC 3461 §4`).
pub fn xtext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'+' | b'=' => hex(&mut out, octet),
            b'!'..=b'~' => out.push(char::from(octet)),
            _ => hex(&mut out, octet),
        }
    }
    out
}

fn hex(out: &mut String, octet: u8) {
    // Writing to a String cannot fail.
    let _ = write!(out, "+{octet:02X}");
}

/// `utf-8-addr-xtext` (`RFC 6533 §3`): special and non-ASCII characters as `\x{HEX}`.
fn unicode_xtext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '+' | '=' | '\\' => {
                let _ = write!(out, "\\x{{{:02X}}}", u32::from(c));
            }
            '!'..='~' => out.push(c),
            _ => {
                let _ = write!(out, "\\x{{{:02X}}}", u32::from(c));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn rcpt(to: &str) -> RcptCommand {
        RcptCommand { to: address(to), notify: None, orcpt: None }
    }

    #[test]
    fn commands_read_as_the_rfcs_have_them() {
        let name = EhloName::domain("client.example.org").unwrap();
        let plain = MailCommand { from: address("a@example.org").into(), ..Default::default() };
        let full = MailCommand {
            from: address("jörg@example.org").into(),
            size: Some(1000),
            eight_bit: true,
            smtp_utf8: true,
            ret: Some(Return::Headers),
            envid: Some("a+b=c d\r\n".into()),
            require_tls: true,
        };
        let notified = RcptCommand {
            to: address("b@example.org"),
            notify: Some(Notify { success: true, delay: true, ..Default::default() }),
            orcpt: Some(address("b+x@example.org")),
        };
        let international = RcptCommand {
            orcpt: Some(address("jö+@example.org")),
            notify: Some(Notify::default()),
            ..rcpt("b@x")
        };
        for (command, text) in [
            (SmtpCommand::Ehlo(name.clone()), "EHLO client.example.org"),
            (SmtpCommand::Helo(name), "HELO client.example.org"),
            (SmtpCommand::StartTls, "STARTTLS"),
            (SmtpCommand::Auth(Mechanism::Login), "AUTH LOGIN"),
            (SmtpCommand::CancelAuth, "*"),
            (SmtpCommand::Mail(MailCommand::default()), "MAIL FROM:<>"),
            (SmtpCommand::Mail(plain), "MAIL FROM:<a@example.org>"),
            (
                SmtpCommand::Mail(full),
                "MAIL FROM:<jörg@example.org> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb+3Dc+20d+0D+0A REQUIRETLS",
            ),
            (SmtpCommand::Rcpt(rcpt("\"a b\"@x.org")), "RCPT TO:<\"a b\"@x.org>"),
            (
                SmtpCommand::Rcpt(notified),
                "RCPT TO:<b@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bx@example.org",
            ),
            (
                SmtpCommand::Rcpt(international),
                "RCPT TO:<b@x> NOTIFY=NEVER ORCPT=utf-8;j\\x{F6}\\x{2B}@example.org",
            ),
            (SmtpCommand::Data, "DATA"),
            (SmtpCommand::Rset, "RSET"),
            (SmtpCommand::Quit, "QUIT"),
        ] {
            assert_eq!(command.to_string(), text);
        }
    }

    #[test]
    fn a_name_is_a_full_domain_name_or_an_address_literal() {
        for good in ["a.b", "mail.example.org", "x-1.example.org.", "1.example"] {
            assert!(EhloName::domain(good).is_some(), "{good}");
        }
        let long = format!("{}.org", "a".repeat(64));
        for bad in [
            "",
            "localhost",
            ".",
            "a..b",
            "a_b.org",
            "-a.org",
            "a-.org",
            "a b.org",
            "[1.2.3.4]",
            "1.2.3.4",
            "ü.org",
            &long,
        ] {
            assert!(EhloName::domain(bad).is_none(), "{bad}");
        }
        assert!(EhloName::domain(&["a.org\r", "\nMAIL"].concat()).is_none());
        for (address, literal) in [
            ("192.0.2.1", "[192.0.2.1]"),
            ("2001:db8::1", "[IPv6:2001:db8::1]"),
            ("::ffff:192.0.2.1", "[192.0.2.1]"),
        ] {
            assert_eq!(EhloName::literal(address.parse().unwrap()).to_string(), literal);
        }
    }

    #[test]
    fn xtext_has_no_octet_that_could_end_a_parameter() {
        for octet in 0..=127u8 {
            let encoded = xtext(&char::from(octet).to_string());
            assert!(encoded.bytes().all(|b| b.is_ascii_graphic() && b != b'='), "{octet}: {encoded}");
        }
        assert_eq!(xtext("ü"), "+C3+BC");
    }
}
