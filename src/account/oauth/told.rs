//! What refusals of tokens mean: the kind of failure, and the command or the page that mends it. The kind hangs on the
//! codes alone; Microsoft's numbers only choose the words.

use super::endpoint;
use super::grant::Grant;
use super::provider::Flow;
use crate::codec::oauth::registration::NotRegistered;
use crate::codec::oauth::token::{ErrorCode, Rejection, TokenRefusal};
use crate::words::secret::Redactor;
use crate::words::{Failure, Kind, Scope, Secret, Stage};

/// A person must log in, because of this.
pub fn login_needed(grant: &Grant, what: &str) -> Failure {
    Failure::new(Kind::Auth, Stage::Token, format!("{}: {what}", Stage::Token))
        .at(&grant.place)
        .scoped(Scope::Account)
        .hint(format!("run `{}`", grant.login_command()))
}

/// The failure for what the token endpoint at `url` answered to a request with these secrets.
pub fn rejected<'a>(
    rejection: &Rejection,
    grant: &Grant,
    url: &str,
    secrets: impl Iterator<Item = &'a Secret>,
) -> Failure {
    let mut redactor = Redactor::new();
    secrets.for_each(|secret| redactor.learn(secret.expose()));
    let what = redactor.redact(rejection.to_string().as_bytes());
    let failure = Failure::new(rejection.kind(), Stage::Token, format!("{}: {what}", Stage::Token))
        .at(endpoint::place(url))
        .scoped(Scope::Account);
    match (rejection, hint(rejection, grant)) {
        (_, Some(hint)) => failure.hint(hint),
        (_, None) => failure,
    }
}

/// The failure where the registration endpoint at `url` gave no client.
pub fn not_registered(no: &NotRegistered, grant: &Grant, url: &str) -> Failure {
    let by_hand = by_hand(grant);
    let (kind, what, hint) = match no {
        NotRegistered::Refused { error, description } => {
            let what = match description {
                Some(description) => format!("{error}: {description}"),
                None => error.clone(),
            };
            let kind = match ErrorCode::read(error).kind() {
                Kind::Deferred => Kind::Deferred,
                _ => Kind::Config,
            };
            let hint = match error.as_str() {
                "invalid_redirect_uri" => format!(
                    "set oauth.redirect-uri to one that the server takes (as org.example.mail:/back; what comes there is pasted); or \
                     {by_hand}"
                ),
                "invalid_client_metadata" => format!("look at oauth.scopes; or {by_hand}"),
                _ => by_hand,
            };
            (kind, what, Some(hint))
        }
        NotRegistered::NotForUs { status } => {
            let what = format!("HTTP {status}: the server registers nobody here, or only whom it knows");
            (Kind::Config, what, Some(by_hand))
        }
        NotRegistered::Busy { status } if (200..300).contains(status) => {
            let hint = "if it stays so, look at oauth.register-url, and for a proxy or a page that wants a login first";
            (
                Kind::Deferred,
                format!("HTTP {status}, and no answer of a registration in it"),
                Some(hint.into()),
            )
        }
        NotRegistered::Busy { status } => {
            (Kind::Deferred, format!("the server answers HTTP {status}, which may pass"), None)
        }
        NotRegistered::OtherProof(proof) => {
            let what = format!("the client would have to prove itself by {proof}, which postie cannot");
            (Kind::Missing, what, Some(by_hand))
        }
        NotRegistered::Nonsense(what) => (
            Kind::Protocol,
            (*what).to_owned(),
            Some(format!("is this machine's clock right? else {by_hand}")),
        ),
    };
    let failure = registering(kind, &what, url);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The failure where the server has registered no address of use for the way back.
pub fn elsewhere(grant: &Grant, url: &str) -> Failure {
    let what = "the server has registered no address for the way back that was asked for";
    registering(Kind::Missing, what, url)
        .hint(format!("set oauth.redirect-uri to one that it takes; or {}", by_hand(grant)))
}

fn registering(kind: Kind, what: &str, url: &str) -> Failure {
    let message = format!("registering a client: {what}");
    Failure::new(kind, Stage::Authorization, message).at(endpoint::place(url)).scoped(Scope::Account)
}

fn by_hand(grant: &Grant) -> String {
    let account = &grant.account;
    format!(
        "register a client with the provider by hand, then `postie config set {account} oauth.client-id ID`"
    )
}

fn hint(rejection: &Rejection, grant: &Grant) -> Option<String> {
    match rejection {
        Rejection::Refused(refusal) => match refusal.kind() {
            Kind::Auth => Some(for_a_person(refusal, grant)),
            Kind::Config => Some(for_the_settings(refusal, grant)),
            _ => None,
        },
        Rejection::Busy { status } if (200..500).contains(status) && *status != 429 => Some(
            "if it stays so, look at oauth.token-url, and for a proxy or a page that wants a login first"
                .into(),
        ),
        Rejection::Busy { .. } => None,
        Rejection::Nonsense(_) => Some("look at oauth.token-url: is it the token endpoint?".into()),
    }
}

/// What a person has to do.
fn for_a_person(refusal: &TokenRefusal, grant: &Grant) -> String {
    if grant.flow() == Flow::ClientCredentials {
        return "the provider does not let this program in: an administrator must allow it".into();
    }
    if grant.flow() == Flow::ServiceAccount {
        let user = grant.user.as_deref().unwrap_or_default();
        return format!(
            "is {user} a mailbox of this organisation, the key still one of the service account's, and this machine's clock right?"
        );
    }
    let login = format!("run `{}`", grant.login_command());
    let cause = refusal.numbers.iter().find_map(|number| cause(*number));
    match (cause, &refusal.error, grant.provider()) {
        (Some(cause), ..) => format!("{login}: {cause}"),
        (None, ErrorCode::InvalidGrant, Some(provider)) => format!("{login}; {}", provider.usual_end()),
        (None, ErrorCode::ConsentRequired, _) => {
            format!("{login}; the organisation may have to allow the client first")
        }
        _ => login,
    }
}

/// Causes by the numbers that Microsoft gives them.
fn cause(number: u32) -> Option<&'static str> {
    Some(match number {
        50173 => "the password was changed, which ends what was granted before",
        700_082 | 70_008 | 70_043 => "the refresh token was unused for too long",
        50_076 | 50_079 | 50_074 | 50_158 => "the organisation wants a second factor now",
        65_001 => "the client was never allowed what it asks for, or no more",
        90_094 | 90_093 => "an administrator of the organisation must allow the client first",
        53_000..=53_004 => "a rule of the organisation (conditional access) keeps this machine or client out",
        50_057 => "the account is disabled",
        50_034 => "there is no such user in this tenant",
        _ => return None,
    })
}

/// What has to be set otherwise.
fn for_the_settings(refusal: &TokenRefusal, grant: &Grant) -> String {
    let account = &grant.account;
    let is_about_client = matches!(refusal.error, ErrorCode::InvalidClient | ErrorCode::UnauthorizedClient);
    if grant.registers() && is_about_client {
        return format!(
            "the server does not take its client any more: `{} --register` registers another",
            grant.login_command()
        );
    }
    if grant.flow() == Flow::ServiceAccount && (is_about_client || refusal.error == ErrorCode::InvalidScope) {
        return format!(
            "the organisation's administrator must allow it: admin.google.com, Security, API controls, Domain-wide delegation, the \
             service account's client ID with the scope {}; that takes some minutes",
            grant.scopes.join(" ")
        );
    }
    let by_number = refusal.numbers.iter().find_map(|number| setting(*number));
    let text = by_number.unwrap_or(match &refusal.error {
        ErrorCode::InvalidClient => {
            "oauth.client-id or the client's secret is wrong, or the secret has ended: make a new one with the provider"
        }
        ErrorCode::UnauthorizedClient => {
            "the client may not do this: allow it where it is registered (with Microsoft: \"Allow public client flows\")"
        }
        ErrorCode::InvalidScope => "look at oauth.scopes, and at what the client may ask for where it is registered",
        ErrorCode::InvalidTarget => "the scopes must be of one service: look at oauth.scopes",
        ErrorCode::UnsupportedGrantType => "the server does not do this: look at oauth.flow and oauth.token-url",
        _ => "look at the keys oauth.client-id, oauth.scopes and oauth.token-url",
    });
    format!("{text}; `postie config set {account} KEY VALUE` changes a key")
}

/// Settings by the numbers that Microsoft gives what is wrong with them.
fn setting(number: u32) -> Option<&'static str> {
    Some(match number {
        7_000_222 => {
            "the client's secret has ended (they hold for 24 months at most): make a new one under Certificates & secrets"
        }
        7_000_215 => "the client's secret is wrong: it is the value that counts, not the secret's ID",
        700_016 => "there is no such client in this tenant: look at oauth.client-id and oauth.tenant",
        50_194 => "the client is of one tenant alone: set oauth.tenant to its id",
        90_002 => "there is no such tenant: look at oauth.tenant",
        7_000_218 => {
            "a public client needs \"Allow public client flows\" where it is registered; any other a client-secret"
        }
        70_011 => "look at oauth.scopes: all must be of outlook.office.com",
        700_027 => "the certificate is not the one that is registered, or its key is another",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::provider::{Provider, TokenUses};
    use super::super::settings::OAuthSettings;
    use super::*;

    fn grant(provider: Provider, flow: Flow) -> Grant {
        let settings = OAuthSettings { provider: Some(provider), flow, ..OAuthSettings::default() };
        Grant::new(settings, "work", "accounts.work.oauth", TokenUses::default(), None).unwrap()
    }

    fn refusal(error: &str, numbers: &[u32]) -> Rejection {
        Rejection::Refused(TokenRefusal {
            error: ErrorCode::read(error),
            description: Some("because of S3CRET".into()),
            numbers: numbers.to_vec(),
            status: 400,
        })
    }

    fn told(rejection: &Rejection, grant: &Grant) -> Failure {
        rejected(rejection, grant, "https://as.example/token", [Secret::new("S3CRET")].iter())
    }

    #[test]
    fn a_refusal_names_the_server_and_the_command_and_never_what_was_sent() {
        let failure = told(&refusal("invalid_grant", &[]), &grant(Provider::Google, Flow::Code));
        assert_eq!(failure.message, "as.example: token: invalid_grant: because of [redacted]");
        assert_eq!((failure.kind(), failure.stage), (Kind::Auth, Stage::Token));
        let hint = failure.hint.unwrap();
        assert!(hint.starts_with("run `postie config login work`; Google ends it after 7 days"), "{hint}");
    }

    #[test]
    fn numbers_choose_the_words_and_never_the_kind() {
        for (error, number, kind, word) in [
            ("invalid_grant", 50_173, Kind::Auth, "password was changed"),
            ("invalid_grant", 700_082, Kind::Auth, "unused for too long"),
            ("interaction_required", 50_076, Kind::Auth, "second factor"),
            ("invalid_grant", 65_001, Kind::Auth, "never allowed"),
            ("consent_required", 90_094, Kind::Auth, "administrator"),
            ("invalid_client", 7_000_222, Kind::Config, "24 months"),
            ("invalid_client", 7_000_215, Kind::Config, "not the secret's ID"),
            ("unauthorized_client", 700_016, Kind::Config, "oauth.tenant"),
            ("invalid_request", 50_194, Kind::Config, "one tenant"),
            ("invalid_scope", 70_011, Kind::Config, "oauth.scopes"),
        ] {
            let failure = told(&refusal(error, &[1, number]), &grant(Provider::Microsoft, Flow::Device));
            assert_eq!(failure.kind(), kind, "{number}");
            let command =
                if kind == Kind::Auth { "postie config login work" } else { "postie config set work" };
            let hint = failure.hint.unwrap();
            assert!(hint.contains(word) && hint.contains(command), "{hint}");
        }
    }

    #[test]
    fn nobody_is_asked_to_log_in_for_a_program() {
        let grant = grant(Provider::Microsoft, Flow::ClientCredentials);
        for error in ["invalid_grant", "access_denied"] {
            assert!(!told(&refusal(error, &[]), &grant).hint.unwrap().contains("config login"));
        }
    }

    #[test]
    fn what_may_pass_wants_nothing_done() {
        let grant = grant(Provider::Google, Flow::Code);
        assert_eq!(told(&Rejection::Busy { status: 503 }, &grant).hint, None);
        assert!(told(&Rejection::Busy { status: 200 }, &grant).hint.unwrap().contains("token-url"));
        assert_eq!(told(&Rejection::Busy { status: 302 }, &grant).kind(), Kind::Deferred);
        assert_eq!(told(&Rejection::Nonsense("x"), &grant).kind(), Kind::Protocol);
    }
}
