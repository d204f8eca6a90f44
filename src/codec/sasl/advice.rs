//! What to tell the user where the server does not take this kind of login.

use super::scram::ScramMechanism;
use super::{Mechanism, takes_tokens};
use crate::words::{Failure, Kind, MechanismName, Stage};

/// What to try where the server, which offers these mechanisms, does not take this kind of login.
pub fn advice(offered: &[String], is_token: bool) -> String {
    let named = |mechanism: &Mechanism| format!("auth = \"{}\"", mechanism.name().to_ascii_lowercase());
    if !is_token && takes_tokens(offered) {
        return "the server wants an OAuth2 access token instead of a password: token-command, or --token-command"
            .into();
    }
    if is_token {
        return "the server takes no OAuth2 tokens here: use a password, or an app password".into();
    }
    let ours =
        Mechanism::ALL.into_iter().filter(|mechanism| mechanism.wants_secret() && mechanism.is_in(offered));
    if let Some(best) = ours.max_by_key(|mechanism| rank(*mechanism)) {
        return format!("{} in the server's table is one that the server lists", named(&best));
    }
    if let Some(theirs) = ["GSSAPI", "NTLM"].into_iter().find(|name| offered.iter().any(|has| has == name)) {
        let name = theirs.to_ascii_lowercase();
        let by = if Mechanism::from_name(theirs).is_some() { "" } else { " with a sasl-command" };
        return format!("the server lists {theirs}: auth = \"{name}\"{by} can do that, see docs/logins.md");
    }
    if Mechanism::External.is_in(offered) {
        return "the server wants a client certificate: client-certificate and auth = \"external\"".into();
    }
    "auth = \"…\" in the account names one of those that postie has; or ask the provider which one it wants"
        .into()
}

/// How good a mechanism is to be named.
fn rank(mechanism: Mechanism) -> u8 {
    match mechanism {
        Mechanism::SCRAM_SHA_256 => 4,
        Mechanism::SCRAM_SHA_1 => 3,
        Mechanism::CramMd5 => 2,
        Mechanism::Plain | Mechanism::Login => 1,
        _ => 0,
    }
}

/// The failure for a mechanism that postie does not have, where nothing plays it.
pub fn not_ours(name: MechanismName) -> Failure {
    let message = format!("authentication: postie does not have {name} itself");
    Failure::new(Kind::Config, Stage::Authentication, message)
        .hint("a sasl-command in the account can do it, see docs/logins.md")
}

/// Adds to the failure of a refused login what the server said before it refused it, and what may be behind it.
pub fn explain(
    mut failure: Failure,
    mechanism: Mechanism,
    complaint: Option<&[u8]>,
    redact: impl Fn(&[u8]) -> String,
) -> Failure {
    if let Some(complaint) = complaint {
        failure.message.push_str(&format!(" ({})", redact(complaint)));
    }
    if failure.kind() != Kind::Auth {
        return failure;
    }
    match mechanism {
        Mechanism::Scram(_) if complaint == Some(b"server-does-support-channel-binding") => failure.hint(
            "the server has mechanisms with -PLUS, but did not list them here: somebody may be between, or a proxy",
        ),
        Mechanism::Scram(ScramMechanism { plus: true, .. })
            if complaint == Some(b"unsupported-channel-binding-type") =>
        {
            failure.hint(
                "the server does not know the kind of binding that this connection has; the same mechanism without \
                 -PLUS logs in unbound",
            )
        }
        Mechanism::Scram(ScramMechanism { plus: true, .. }) => failure.hint(
            "check user name and secret; a mechanism with -PLUS always fails where something ends TLS before the server (a proxy, an antivirus program)",
        ),
        Mechanism::External => failure.hint(
            "is client-certificate the one that the server knows, and username the user that it stands for?",
        ),
        Mechanism::Gssapi => failure.hint(
            "does the server know the ticket's owner (klist) as username? docs/logins.md says whose ticket counts",
        ),
        Mechanism::Other(_) => failure.hint(
            "the server refused what the sasl-command answered: check what it logs in with, and username",
        ),
        _ => failure,
    }
}

/// Words of a refusal because the mechanism is missing.
const LACKING: [&str; 8] = [
    "unsupported",
    "not supported",
    "unrecogni",
    "unknown",
    "unimplemented",
    "not implemented",
    "disabled",
    "not enabled",
];
const MECHANISM: [&str; 3] = ["mechanism", "authentication type", "authentication method"];

/// Whether the words of a refused login say that the server does not have the mechanism.
pub fn lacks_mechanism(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    // "lock" begins "locked", but not "blocked" or "unlock".
    let has = |start: &&str| {
        words.match_indices(start).any(|(at, _)| !words[..at].ends_with(|c: char| c.is_alphanumeric()))
    };
    LACKING.iter().any(has) && MECHANISM.iter().any(has)
}
