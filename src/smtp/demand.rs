//! What a refusal asks for: TLS, a login, another secret. There are codes for some of it (`RFC 3207 §4`,
//! `RFC 4954 §6`, `RFC 3463 §3.8`), but many servers say it only in words.

use crate::codec::smtp::Reply;
use crate::codec::smtp::reply::Class;
use crate::words::{Failure, Kind};

/// What a server asks for by refusing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// STARTTLS first (530 to any command, 538 and 523 to AUTH).
    Tls,
    /// A login first, or the server takes only mail for its own users.
    Login,
}

impl Demand {
    /// What a permanent refusal asks for.
    pub fn of(reply: &Reply) -> Option<Self> {
        if reply.class() != Class::Permanent {
            return None;
        }
        let text = String::from_utf8_lossy(&reply.text()).to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let code = reply.enhanced().unwrap_or_default();
        if matches!(reply.code(), 523 | 538)
            || matches!(code, "5.7.10" | "5.7.11")
            || (matches!(reply.code(), 503 | 530 | 550 | 554) && says(&TLS_WORDS))
        {
            return Some(Demand::Tls);
        }
        let login = reply.code() == 530
            || (matches!(reply.code(), 500..=554)
                && (says(&LOGIN_WORDS) || (says(&["relay"]) && !says(&["relayhost"]))));
        login.then_some(Demand::Login)
    }

    /// Gives the failure the kind and the hint of this demand.
    pub fn explain(self, failure: Failure) -> Failure {
        match self {
            Demand::Tls => failure.as_kind(Kind::Missing)
                .hint("the server wants TLS first: set tls = \"starttls\" (smtp:// in a URL)"),
            Demand::Login => failure.as_kind(Kind::Auth)
                .hint("the server takes this mail only after a login: name a user (smtps://user@host, or smtp.username) and a secret"),
        }
    }
}

const TLS_WORDS: [&str; 5] =
    ["starttls", "tls required", "must use tls", "encryption required", "encryption needed"];

const LOGIN_WORDS: [&str; 8] = [
    "authentication required",
    "authentication is required",
    "auth required",
    "must authenticate",
    "authenticate first",
    "not authenticated",
    "must log in",
    "login required",
];

/// The hint for a sender that was refused for good.
pub(super) fn remedy_for_sender(reply: &Reply) -> Option<&'static str> {
    let address = matches!(reply.code(), 501 | 550 | 553 | 554) && is_about(reply, &["5.1.", "5.7."]);
    address.then_some(
        "many servers let a login send only as its own addresses: use one in --from, or --envelope-from",
    )
}

/// The hint for a recipient that was refused for good; `others`: it is not the only one.
pub(super) fn remedy_for_recipient(reply: &Reply, others: bool) -> Option<&'static str> {
    let address = matches!(reply.code(), 550 | 551 | 553) && is_about(reply, &["5.1."]);
    match (address, others) {
        (true, true) => Some("check the address; --on-rejected send sends to the others all the same"),
        (true, false) => Some("check the address for a typing error"),
        (false, true) => Some("--on-rejected send sends to the others all the same"),
        (false, false) => None,
    }
}

/// Whether the enhanced code begins with one of `subjects`, or there is none.
fn is_about(reply: &Reply, subjects: &[&str]) -> bool {
    reply.enhanced().is_none_or(|code| subjects.iter().any(|subject| code.starts_with(subject)))
}

/// Whether a refusal of any class blames user name or password.
pub(super) fn blames_secret(reply: &Reply) -> bool {
    let text = String::from_utf8_lossy(&reply.text()).to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    reply.enhanced().is_some_and(|code| code.ends_with(".7.8"))
        || (has(&["invalid", "incorrect", "wrong", "bad "])
            && has(&["password", "credential", "user name", "username", "login"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::smtp::Assembler;

    fn reply(text: &str) -> Reply {
        Assembler::new().push(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_refusal_says_what_it_wants() {
        for (text, demand) in [
            ("530 5.7.0 Must issue a STARTTLS command first", Some(Demand::Tls)),
            ("538 5.7.11 Encryption required for requested authentication mechanism", Some(Demand::Tls)),
            ("503 5.5.1 STARTTLS first", Some(Demand::Tls)),
            ("530 5.7.0 Authentication required", Some(Demand::Login)),
            ("530 5.7.57 Client not authenticated to send mail", Some(Demand::Login)),
            ("550 5.7.1 Authentication required", Some(Demand::Login)),
            ("554 5.7.1 <b@x.org>: Relay access denied", Some(Demand::Login)),
            ("550 5.7.1 relaying denied", Some(Demand::Login)),
            ("503 must authenticate", Some(Demand::Login)),
            ("550 5.1.1 no such user", None),
            ("554 5.7.1 spam", None),
            ("451 4.7.1 authentication required", None),
        ] {
            assert_eq!(Demand::of(&reply(text)), demand, "{text}");
        }
    }

    #[test]
    fn a_refused_address_comes_with_what_to_do() {
        for (text, helps) in [
            ("553 5.7.1 <x@y.org>: Sender address rejected: not owned by user ana", true),
            ("550 5.1.8 sender domain", true),
            ("553 sorry, you may not use that sender", true),
            ("552 5.3.4 too big", false),
            ("554 5.3.0 no", false),
            ("503 5.5.1 again", false),
        ] {
            assert_eq!(remedy_for_sender(&reply(text)).is_some(), helps, "{text}");
        }
        for (text, address) in [
            ("550 5.1.1 User unknown", true),
            ("550 no such user", true),
            ("550 5.7.1 spam", false),
            ("552 5.2.2 mailbox full", false),
        ] {
            let alone = remedy_for_recipient(&reply(text), false);
            let among = remedy_for_recipient(&reply(text), true).unwrap();
            assert_eq!(alone.is_some(), address, "{text}");
            assert!(among.contains("--on-rejected send"), "{text}");
            assert_eq!(among.contains("check the address"), address, "{text}");
        }
    }

    #[test]
    fn a_secret_is_blamed_in_words_or_by_code() {
        for text in ["421 4.7.0 Invalid password, too many attempts", "454 4.7.8 no", "421 Incorrect login"] {
            assert!(blames_secret(&reply(text)), "{text}");
        }
        for text in
            ["454 4.7.0 Temporary authentication failure", "421 4.3.2 busy", "454 too many connections"]
        {
            assert!(!blames_secret(&reply(text)), "{text}");
        }
    }
}
