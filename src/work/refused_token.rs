//! What to do where a mail server refuses a token that an authorization server has made for it.

use crate::account::Protocol;
use crate::account::oauth::{Flow, Grant, Provider};

/// What may be wrong where a mail server refuses a token that the token server has just made.
pub fn explain(grant: &Grant, protocol: Protocol, user: &str) -> String {
    let again = match grant.flow() {
        Flow::ClientCredentials | Flow::ServiceAccount => "the token is new".to_owned(),
        Flow::Code | Flow::Device => format!(
            "the token is new: `{}` makes one for other scopes or another user",
            grant.login_command()
        ),
    };
    let name = match protocol {
        Protocol::Pop3 => "POP",
        Protocol::Imap => "IMAP",
        Protocol::Smtp => "SMTP",
    };
    let cause = match (grant.provider(), protocol) {
        (Some(Provider::Microsoft), _) if grant.flow() == Flow::ClientCredentials => format!(
            "is the program registered in Exchange (New-ServicePrincipal, with the object id of the enterprise application), \
             allowed into this mailbox, and {name} on for it?"
        ),
        (Some(Provider::Microsoft), Protocol::Smtp) => format!(
            "is authenticated SMTP on for {user}? A shared mailbox is sent from with smtp.username of the one who logged in"
        ),
        (Some(Provider::Microsoft), _) => format!("is {name} on for the mailbox of {user}?"),
        (Some(Provider::Google), _) => {
            format!("is the token for {user}, and {name} on in the settings of the mailbox?")
        }
        _ => format!("is the token for {user}, and its scope for {name} (oauth.scopes)?"),
    };
    format!("{again}; {cause}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::oauth::{OAuthSettings, TokenUses};

    #[test]
    fn the_hint_is_that_of_the_provider_and_of_how_the_token_was_had() {
        let hint = |provider, flow, protocol| {
            let settings = OAuthSettings { provider: Some(provider), flow, ..OAuthSettings::default() };
            let grant = Grant::new(settings, "work", "x", TokenUses::default(), None).unwrap();
            explain(&grant, protocol, "ana@example.org")
        };
        for protocol in [Protocol::Pop3, Protocol::Imap, Protocol::Smtp] {
            let own = hint(Provider::Microsoft, Flow::ClientCredentials, protocol);
            assert!(own.contains("New-ServicePrincipal") && !own.contains("config login"), "{own}");
            let person = hint(Provider::Microsoft, Flow::Device, protocol);
            assert!(person.contains("`postie config login work`"), "{person}");
            assert!(person.contains("ana@example.org"), "{person}");
        }
        assert!(hint(Provider::Google, Flow::Code, Protocol::Imap).contains("IMAP on in the settings"));
        assert!(hint(Provider::Yandex, Flow::Code, Protocol::Smtp).contains("oauth.scopes"));
    }
}
