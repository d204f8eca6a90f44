//! The fields of the lines about accounts, their settings and their tokens.

use super::FieldDoc;

/// How an account's server is reached.
macro_rules! connection {
    ($server:literal) => {
        &[
            (concat!($server, ".allow_plaintext_auth"), "Whether a secret may be sent without TLS."),
            (concat!($server, ".ca_file"), "Further trusted certificate authorities."),
            (concat!($server, ".tls_fingerprint"), "The one certificate that is trusted."),
            (concat!($server, ".client_certificate"), "The client's own certificate."),
            (concat!($server, ".client_key"), "The file with its key, if it is another."),
            (concat!($server, ".sasl_command"), "The program that plays the mechanism of auth."),
            (
                concat!($server, ".proxy"),
                "What it is reached through; none: nothing, whatever the environment says.",
            ),
        ]
    };
}

pub(super) const ACCOUNT: &[&[FieldDoc]] = &[
    &[
        ("account", "Its name."),
        ("default", "Whether it is the default account."),
        ("email", "Its address."),
        ("name", "The display name."),
        ("description", "A remark."),
        ("from", "The address for local senders, when called as sendmail."),
        ("log_file", "The log of messages, when called as sendmail."),
        ("aliases", "Local names, each with an array of addresses."),
        ("pop3", "The server that mail is fetched from by POP3."),
        ("pop3.host", "Its host."),
        ("pop3.port", "Its port."),
        ("pop3.tls", "implicit, starttls, none."),
        ("pop3.username", "The user name for the login."),
        ("pop3.auth", "The login method."),
        ("pop3.secret", "Where the secret comes from; null: from the terminal."),
        (
            "pop3.secret.source",
            "password-command, password-file, password-env, token-command, password, credential-helper or oauth.",
        ),
        (
            "pop3.secret.value",
            "The command, file, variable or authorization server; for a password only that it is set.",
        ),
        ("pop3.secret.from", "The key that sets it, with its table."),
    ],
    connection!("pop3"),
    &[
        ("imap", "The server that mail is fetched from by IMAP, with the fields of pop3."),
        ("imap.host", "Its host."),
        ("imap.port", "Its port."),
        ("imap.tls", "implicit, starttls, none."),
        ("imap.username", "The user name for the login."),
        ("imap.auth", "The login method."),
        ("imap.secret", "Where the secret comes from; null: from the terminal."),
        ("imap.secret.source", "As in pop3."),
        ("imap.secret.value", "As in pop3."),
        ("imap.secret.from", "As in pop3."),
    ],
    connection!("imap"),
    &[
        ("smtp", "The server that mail is sent through."),
        ("smtp.host", "Its host."),
        ("smtp.port", "Its port."),
        ("smtp.tls", "implicit, starttls, none."),
        ("smtp.username", "The user name for the login; null: no login."),
        ("smtp.auth", "The login method; none: no login."),
        ("smtp.ehlo_name", "The client's name in EHLO."),
        ("smtp.secret", "Where the secret comes from."),
        ("smtp.secret.source", "As in pop3."),
        ("smtp.secret.value", "As in pop3."),
        ("smtp.secret.from", "As in pop3."),
    ],
    connection!("smtp"),
    &[
        ("fetch", "How mail is fetched."),
        ("fetch.protocol", "pop3 or imap: which server mail is fetched from; null: the one there is."),
        ("fetch.maildir", "The Maildir."),
        ("fetch.mbox", "The mbox."),
        ("fetch.exec", "The command."),
        ("fetch.mbox_dir", "The directory that gets an mbox for each folder."),
        ("fetch.folders", "The folders to fetch from, an array; all alone: all of them."),
        ("fetch.layout", "How several folders lie in one Maildir: maildir++, nested."),
        ("fetch.after", "What happens on the server: keep, delete, delete-after 14d, move-to FOLDER."),
        ("oauth", "How OAuth2 tokens are had; null: the account has none."),
        ("oauth.provider", "The provider whose endpoints and scopes are used."),
        ("oauth.issuer", "Any other authorization server."),
        ("oauth.authorize_url", "The page for the login."),
        ("oauth.token_url", "The token endpoint."),
        ("oauth.device_url", "The endpoint for logins of devices."),
        ("oauth.revoke_url", "The endpoint that ends what was granted."),
        ("oauth.register_url", "The endpoint where clients register themselves."),
        ("oauth.resource", "What the tokens are for, where the server is told."),
        ("oauth.tenant", "Microsoft's tenant."),
        ("oauth.username", "Who logs in with the provider; null: email."),
        ("oauth.client_id", "The client."),
        ("oauth.client_secret", "Where the client's secret comes from."),
        ("oauth.client_secret.source", "client-secret-command, -file, -env or client-secret."),
        (
            "oauth.client_secret.value",
            "The command, file or variable; of a secret in the file only that it is set.",
        ),
        ("oauth.client_secret.from", "The key that sets it, with its tables."),
        ("oauth.client_certificate", "The client's certificate."),
        ("oauth.client_key", "The certificate's key."),
        ("oauth.service_account_key", "The key file of the service account."),
        ("oauth.flow", "code, device, client-credentials, service-account."),
        ("oauth.scopes", "What is asked for, an array; null: what the account's servers need."),
        ("oauth.redirect_port", "The port that the browser is sent back to; null: any."),
        ("oauth.redirect_uri", "The address that the browser is sent back to; null: this machine's."),
        ("oauth.token_store", "Where the tokens are kept: file, command."),
        ("oauth.token_load", "The command that prints the tokens."),
        ("oauth.token_save", "The command that keeps the tokens."),
    ],
];

pub(super) const NOT_TAKEN: &[FieldDoc] = &[
    ("file", "The file it stands in."),
    ("line", "Its line; null: it is about the whole file."),
    ("account", "The account in that program."),
    ("what", "The setting, without secrets."),
    ("why", "Why it was not taken, or not as it is."),
    ("hint", "What to do about it."),
    ("matters", "Whether it changes what is protected, fetched or deleted; then the exit code is 1."),
];

pub(super) const MARKS: &[FieldDoc] = &[
    ("account", "The account."),
    ("file", "The other program's list."),
    ("listed", "How many messages the list names."),
    ("marked", "How many of them count as fetched now and did not before."),
];

/// A server that was found.
macro_rules! found {
    ($server:literal) => {
        &[
            (concat!($server, ".host"), "Its host."),
            (concat!($server, ".port"), "Its port."),
            (concat!($server, ".tls"), "implicit, starttls."),
            (concat!($server, ".username"), "The user name for the login; null: no login."),
            (concat!($server, ".login"), "What the login wants: secret, token, none."),
            (concat!($server, ".source"), "Who names it: table, autoconfig, well-known, ispdb, srv, http, mx, guess."),
            (concat!($server, ".from"), "The URL, record or table that has it."),
            (
                concat!($server, ".trusted"),
                "Whether only the domain's owner, Mozilla or postie can have named it; else --accept-host is needed.",
            ),
            (concat!($server, ".check"), "What came of greeting it without a login: answers, silent, distrusted, not_tried."),
        ]
    };
}

pub(super) const DISCOVERY: &[&[FieldDoc]] = &[
    &[
        ("email", "The address."),
        ("domain", "Its domain."),
        ("source", "Who names the server to fetch from, or to send through; null: nothing is found."),
        ("url", "The document that names it, if it is one."),
        ("incoming", "The server to fetch from: pop3, imap."),
        ("pop3", "The POP3 server."),
    ],
    found!("pop3"),
    &[("imap", "The IMAP server, with the fields of pop3.")],
    found!("imap"),
    &[("smtp", "The server to send through, with the fields of pop3.")],
    found!("smtp"),
    &[
        ("provider", "The provider, where it is known."),
        ("needs", "What the secret has to be: password, app-password, token; null: there is no login."),
        ("oauth", "The name of the provider's OAuth2 settings."),
        ("issuer", "Who issues the tokens, where a document says so."),
        ("notes", "What one should know, an array of sentences."),
        ("tried", "What every source said, an array."),
        ("tried.source", "The source."),
        ("tried.asked", "What was asked for: a URL, a record."),
        ("tried.result", "What came of it."),
    ],
];

pub(super) const TOKEN: &[FieldDoc] = &[
    ("account", "The account."),
    ("provider", "Its provider; null: another authorization server."),
    ("issuer", "The authorization server that the tokens belong to."),
    ("client_id", "The client, or the service account; null: none is set, and none is registered yet."),
    ("user", "Who logs in; null: the program itself."),
    ("flow", "code, device, client-credentials, service-account."),
    ("kept_in", "The file with the tokens, or the key with the command."),
    ("state", "good; expired: refreshed when it is needed; unfit: it is for other scopes; none."),
    ("scope", "What was granted; null: what was asked for."),
    ("obtained_at", "When the access token was asked for."),
    ("expires_at", "When it ends; null: the server does not say."),
    ("refreshable", "Whether there is a refresh token."),
    ("last_refresh", "When the last refresh succeeded; null: there was none since the login."),
    ("last_error", "Why the last refresh failed; null: it did not."),
    ("last_error.at", "When."),
    ("last_error.message", "What came back."),
    ("needs", "login: somebody must log in, and the exit code is 77; null: nothing."),
    ("hint", "What to do; null: nothing."),
];

pub(super) const AUTHORIZATION: &[FieldDoc] = &[
    ("account", "The account's name."),
    ("flow", "code or device."),
    ("url", "The address to open; with device the one where the code is typed."),
    ("url_complete", "device: the same with the code in it, if the server gives it."),
    ("user_code", "device: the code to type."),
    ("port", "code: the port of this machine to which the answer comes; absent where it must be pasted."),
    ("expires_in", "device: how long the code is good, in seconds."),
];

pub(super) const PATH: &[FieldDoc] = &[("path", "The file."), ("exists", "Whether it exists.")];
