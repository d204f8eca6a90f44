//! Providers that only send, for programs.

use crate::account::providers::{NOTHING, PasswordKind, ProviderFacts};

pub static SENDERS: &[ProviderFacts] = &[
    ProviderFacts {
        name: "Amazon SES",
        smtp: "email-smtp.<region>.amazonaws.com:465/tls email-smtp.<region>.amazonaws.com:587/starttls \
            email-smtp.<region>.amazonaws.com:2465/tls email-smtp.<region>.amazonaws.com:2587/starttls",
        secret: PasswordKind::Credentials,
        condition: Some("user and password are made in the console; they are not the IAM secret"),
        help: "https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html",
        quirk: Some("the region stands in the name of the server; it only sends"),
        ..NOTHING
    },
    ProviderFacts {
        name: "SendGrid",
        smtp: "smtp.sendgrid.net:465/tls smtp.sendgrid.net:587/starttls smtp.sendgrid.net:2525/starttls",
        secret: PasswordKind::Credentials,
        condition: Some("the user is \"apikey\", the password the API key"),
        help: "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/getting-started-smtp",
        quirk: Some("it only sends"),
        ..NOTHING
    },
    ProviderFacts {
        name: "Mailgun",
        smtp: "smtp.mailgun.org:465/tls smtp.mailgun.org:587/starttls smtp.mailgun.org:2525/starttls",
        secret: PasswordKind::Credentials,
        condition: Some("the user is postmaster@DOMAIN, or another of its SMTP credentials"),
        help: "https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp",
        quirk: Some("it only sends; accounts of the EU have smtp.eu.mailgun.org"),
        ..NOTHING
    },
    ProviderFacts {
        name: "Postmark",
        smtp: "smtp.postmarkapp.com:587/starttls smtp.postmarkapp.com:2525/starttls \
            smtp.postmarkapp.com:25/starttls",
        secret: PasswordKind::Credentials,
        condition: Some("the server API token is user and password both"),
        help: "https://postmarkapp.com/support/article/811-what-are-the-smtp-details-api-tokens-i-should-be-using",
        quirk: Some("it only sends; broadcasts have smtp-broadcasts.postmarkapp.com"),
        ..NOTHING
    },
    ProviderFacts {
        name: "Brevo",
        smtp: "smtp-relay.brevo.com:587/starttls smtp-relay.brevo.com:465/tls \
            smtp-relay.brevo.com:2525/starttls",
        secret: PasswordKind::Credentials,
        condition: Some("the user is the SMTP login, the password the SMTP key (not the API key)"),
        help: "https://help.brevo.com/hc/en-us/articles/7924908994450",
        quirk: Some("it only sends"),
        ..NOTHING
    },
    ProviderFacts {
        name: "Mailjet",
        smtp: "in-v3.mailjet.com:587/starttls in-v3.mailjet.com:465/tls in-v3.mailjet.com:2525/starttls",
        secret: PasswordKind::Credentials,
        condition: Some("the user is the API key, the password the secret key"),
        help: "https://dev.mailjet.com/smtp-relay/configuration/",
        quirk: Some("it only sends"),
        ..NOTHING
    },
    ProviderFacts {
        name: "Mailtrap",
        smtp: "live.smtp.mailtrap.io:587/starttls live.smtp.mailtrap.io:465/tls \
            live.smtp.mailtrap.io:2525/starttls",
        secret: PasswordKind::Credentials,
        condition: Some("the user is \"api\", the password the API token"),
        help: "https://docs.mailtrap.io/email-api-smtp/setup/smtp-integration",
        quirk: Some(
            "it only sends; bulk mail has bulk.smtp.mailtrap.io, tests have sandbox.smtp.mailtrap.io",
        ),
        ..NOTHING
    },
];
