//! All fields of the JSON lines, in one table: postie-json(5) is made from it, and the tests compare every line that
//! they read with it.

/// A type of line.
pub struct LineType {
    /// The value of `type`.
    pub kind: &'static str,
    /// What it says, and which commands write it.
    pub text: &'static str,
    /// Its fields and their meaning; for fields of an inner object, or of the objects in an array, with a dot:
    /// `from.name`.
    pub fields: &'static [FieldDoc],
}

/// A field, and what it means.
pub type FieldDoc = (&'static str, &'static str);

/// The fields of every line.
pub const EVERY: &[FieldDoc] = &[("v", "1, the version of the format."), ("type", "The type of the line.")];

/// Fields that may contain anything, because the caller sets them.
const FREE: &[(&str, &str)] = &[("receipt", "id"), ("error", "id"), ("account", "aliases")];

pub const LINES: &[LineType] = &[
    LineType { kind: "message", text: "A message: fetch, list.", fields: MESSAGE },
    LineType { kind: "folder", text: "A folder: list --folders.", fields: FOLDER },
    LineType {
        kind: "receipt",
        text: "The result of sending a message: send, a line for each message.",
        fields: RECEIPT,
    },
    LineType {
        kind: "step",
        text: "A step of testing an account: test-account, config add --test.",
        fields: STEP,
    },
    LineType {
        kind: "account",
        text: "An account with its defaults, never with secrets: config add, import, list, show, set, unset, default, \
               check.",
        fields: ACCOUNT,
    },
    LineType {
        kind: "not_taken",
        text: "A setting of another program that was not taken over: config import.",
        fields: NOT_TAKEN,
    },
    LineType {
        kind: "marks",
        text: "Messages that another program has fetched, and count as fetched now: config import.",
        fields: MARKS,
    },
    LineType {
        kind: "discovery",
        text: "The servers that were found for an address: config add, with --dry-run or where it had to look for them.",
        fields: DISCOVERY,
    },
    LineType {
        kind: "token",
        text: "How it stands with the OAuth2 tokens of an account: config status.",
        fields: TOKEN,
    },
    LineType {
        kind: "authorization",
        text: "What a person must open in a browser: config login, config add.",
        fields: AUTHORIZATION,
    },
    LineType { kind: "path", text: "The configuration file: config path.", fields: PATH },
    LineType { kind: "script", text: "A completion script: completions.", fields: SCRIPT },
    LineType { kind: "page", text: "A page of the manual: man.", fields: PAGE },
    LineType { kind: "error", text: "Something failed: every command.", fields: ERROR },
    LineType {
        kind: "summary",
        text: "The end of the run: every command, always the last line.",
        fields: SUMMARY,
    },
];

const AUTHORIZATION: &[FieldDoc] = &[
    ("account", "The account's name."),
    ("flow", "code or device."),
    ("url", "The address to open; with device the one where the code is typed."),
    ("url_complete", "device: the same with the code in it, if the server gives it."),
    ("user_code", "device: the code to type."),
    ("port", "code: the port of this machine to which the answer comes; absent where it must be pasted."),
    ("expires_in", "device: how long the code is good, in seconds."),
];

const MESSAGE: &[FieldDoc] = &[
    ("account", "The account's name; with --server user@host:port."),
    ("number", "Its number in this session."),
    ("uid", "Its UID; null if the server has none."),
    ("size", "Its size in octets as the server lists it."),
    ("date", "Its Date; null if it is missing or not valid."),
    ("from", "Its authors, an array."),
    ("from.name", "The display name."),
    ("from.address", "The address."),
    ("to", "The recipients in To, an array."),
    ("to.name", "The display name."),
    ("to.address", "The address."),
    ("subject", "Its subject, decoded."),
    ("message_id", "Its Message-ID, without angles."),
    ("new", "Whether fetch would fetch it."),
    ("folder", "IMAP: the folder it is in."),
    ("uidvalidity", "IMAP: the UIDVALIDITY under which its UID counts."),
    ("flags", "IMAP: its flags, an array, where the server was asked for them."),
    ("internal_date", "IMAP: when the server got it, where the server was asked for it."),
    (
        "action",
        "fetch: delivered, skipped, deleted; with --dry-run would_deliver, would_delete, would_mark, would_compare.",
    ),
    (
        "reason",
        "fetch: why it was skipped: too_large, beyond_limit, same_message, in_maildir, in_other_folder, no_uid, ambiguous_uid, \
         folder_internal_data.",
    ),
    (
        "moved_to",
        "fetch: the folder to which a deleted message was moved, if it was: --move-to, or the trash (Gmail).",
    ),
    ("path", "fetch into a Maildir: the message's file."),
    ("path_bytes", "The path or mbox in base64, if it is not UTF-8."),
    ("mbox", "fetch into an mbox: that file."),
    ("offset", "fetch into an mbox: where the message begins in it."),
    (
        "stored_size",
        "fetch: the size of the message in octets, with LF line ends; the same for every destination.",
    ),
    ("sha256", "fetch: the SHA-256 of these octets."),
    ("text", "fetch --stdout: its inline text parts, one after the other."),
    ("html", "fetch --stdout: its inline HTML parts, one after the other."),
    ("attachments", "fetch --stdout: its attachments, an array."),
    ("attachments.name", "The name of the attachment."),
    ("attachments.type", "Its content type."),
    ("attachments.size", "Its size in octets, decoded."),
    ("attachments.cid", "Its Content-ID, without angles."),
    ("attachments.sha256", "The SHA-256 of the decoded octets."),
    (
        "undecoded",
        "What could not be decoded because of its charset, an array: from, to, subject, text, html, name. Absent if \
         everything could.",
    ),
    (
        "parsed",
        "fetch --stdout: whether the message could be parsed; otherwise text, html and attachments are empty.",
    ),
];

const FOLDER: &[FieldDoc] = &[
    ("account", "The account's name."),
    ("folder", "Its name, as for --folder."),
    ("messages", "How many messages there are; null: the server does not say."),
    ("unseen", "How many of them are not seen."),
    ("uidvalidity", "Its UIDVALIDITY."),
    (
        "special_use",
        "Its special use (RFC 6154) with the backslash that begins it: All, Archive, Drafts, Flagged, Junk, Sent, Trash; \
         null: none.",
    ),
    ("selectable", "Whether it can hold messages."),
];

const RECEIPT: &[FieldDoc] = &[
    (
        "status",
        "accepted: for every recipient; partial: for some recipients; refused: for good; deferred: refused for now; \
         unknown: it may have been delivered, never send it again blindly; failed: it did not get as far as a \
         server's decision; skipped: it was not to be sent.",
    ),
    ("message_id", "Its Message-ID, without angles."),
    ("envelope_from", "The sender of the envelope; empty: the null sender."),
    ("recipients", "Every recipient, an array."),
    ("recipients.address", "The address."),
    ("recipients.status", "accepted, refused, deferred, skipped, unknown."),
    ("recipients.code", "The code of the reply that decided the status."),
    ("recipients.enhanced", "Its enhanced status code (RFC 3463)."),
    ("recipients.text", "Its text."),
    ("reply", "The reply that accepted the message."),
    ("queue_id", "The server's identifier for the message, if the reply shows it."),
    ("size", "The size of the message in octets, as sent."),
    ("tls", "The TLS of the connection."),
    ("tls.version", "The version: TLSv1.3, TLSv1.2."),
    ("tls.cipher", "The cipher suite."),
    ("auth", "The mechanism of the login."),
    ("attempts", "How many sessions were tried."),
    ("elapsed_ms", "Milliseconds from the first connection to the final reply."),
    ("saved_copy", "send --save-copy: where the copy is; absent: there is none."),
    ("saved_copy.path", "The file in a Maildir."),
    ("saved_copy.mbox", "The mbox."),
    ("saved_copy.path_bytes", "The path or mbox in base64, if it is not UTF-8."),
    ("saved_copy.offset", "Where in the mbox its From_ line begins."),
    ("saved_copy.folder", "The folder of the IMAP server."),
    ("saved_copy.uidvalidity", "The folder's UIDVALIDITY; absent: the server does not tell it."),
    ("saved_copy.uid", "The copy's UID; absent: the server does not tell it."),
    ("saved_copy.already_there", "true: the folder had the message already, and nothing was filed."),
    ("saved_copy.by_server", "true: the server files what is sent by itself, and nothing was filed."),
    ("id", "send --batch: the id of the input line, as it was written."),
    ("line", "send --batch: the number of the input line."),
    ("exit", "send --batch: the exit code of this message alone."),
    ("error", "send --batch: what failed, with the fields of an error line; null if nothing did."),
    ("server", "send --dry-run: the server it would go to."),
    ("needs", "send --dry-run: the extensions that the server must offer, an array."),
];

const STEP: &[FieldDoc] = &[
    ("account", "The account's name."),
    ("side", "pop3, imap or smtp."),
    (
        "step",
        "dns, tcp, greeting, capabilities, tls, auth, then mailbox and destination (pop3, imap) or sender (smtp).",
    ),
    ("ok", "Whether it succeeded."),
    ("elapsed_ms", "How long it took in milliseconds."),
    ("detail", "What was found."),
    ("detail.addresses", "dns: the addresses, an array."),
    ("detail.resolved_by", "dns: the proxy that looks the name up."),
    ("detail.port", "tcp: the port."),
    ("detail.proxy", "tcp: the proxy that connects."),
    ("detail.version", "tls: the version: TLSv1.3, TLSv1.2."),
    ("detail.cipher", "tls: the cipher suite."),
    ("detail.subject", "tls: the subject of the certificate."),
    ("detail.issuer", "tls: the authority that signed it."),
    ("detail.names", "tls: the host names it is for, an array."),
    ("detail.not_before", "tls: valid from."),
    ("detail.not_after", "tls: valid until."),
    ("detail.expires_in_days", "tls: in how many days it expires."),
    ("detail.sha256", "tls: its fingerprint, for --tls-fingerprint sha256:…."),
    ("detail.text", "greeting: its text."),
    (
        "detail.other_mode",
        "tls or greeting that failed: the TLS mode (implicit or starttls) in which this port does answer.",
    ),
    ("detail.maildir", "destination: the Maildir that mail is fetched into."),
    ("detail.mbox", "destination: the mbox."),
    ("detail.mbox_dir", "destination: the directory of mboxes."),
    ("detail.exec", "destination: the command."),
    ("detail.known", "capabilities: whether the server lists them (pop3)."),
    ("detail.list", "capabilities: all of them, an array."),
    ("detail.mechanism", "auth: the mechanism of the login; null without a login."),
    ("detail.user", "auth: the user name."),
    ("detail.messages", "mailbox: how many messages there are."),
    ("detail.octets", "mailbox: their size in octets (pop3)."),
    ("detail.uidl", "mailbox: whether the server has UIDs (pop3)."),
    ("detail.unseen", "mailbox: how many of them are not seen (imap); null: the server does not say."),
    ("detail.uidvalidity", "mailbox: the UIDVALIDITY of INBOX (imap)."),
    ("detail.capabilities", "auth: what the server can do after the login (imap), an array."),
    ("detail.alerts", "mailbox: what the server wants shown to the user (imap), an array."),
    ("detail.address", "sender: the address that was tried."),
    ("detail.reply", "sender: the server's reply."),
    ("hint", "What to do, if the step failed."),
];

const ACCOUNT: &[FieldDoc] = &[
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
    ("pop3.allow_plaintext_auth", "Whether a secret may be sent without TLS."),
    ("pop3.ca_file", "Further trusted certificate authorities."),
    ("pop3.tls_fingerprint", "The one certificate that is trusted."),
    ("pop3.client_certificate", "The client's own certificate."),
    ("pop3.client_key", "The file with its key, if it is another."),
    ("pop3.sasl_command", "The program that plays the mechanism of auth."),
    ("pop3.proxy", "What it is reached through; none: nothing, whatever the environment says."),
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
    ("imap.allow_plaintext_auth", "Whether a secret may be sent without TLS."),
    ("imap.ca_file", "Further trusted certificate authorities."),
    ("imap.tls_fingerprint", "The one certificate that is trusted."),
    ("imap.client_certificate", "The client's own certificate."),
    ("imap.client_key", "The file with its key, if it is another."),
    ("imap.sasl_command", "The program that plays the mechanism of auth."),
    ("imap.proxy", "What it is reached through; none: nothing, whatever the environment says."),
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
    ("smtp.allow_plaintext_auth", "Whether a secret may be sent without TLS."),
    ("smtp.ca_file", "Further trusted certificate authorities."),
    ("smtp.tls_fingerprint", "The one certificate that is trusted."),
    ("smtp.client_certificate", "The client's own certificate."),
    ("smtp.client_key", "The file with its key, if it is another."),
    ("smtp.sasl_command", "The program that plays the mechanism of auth."),
    ("smtp.proxy", "What it is reached through; none: nothing, whatever the environment says."),
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
    ("oauth.flow", "code, device, client-credentials."),
    ("oauth.scopes", "What is asked for, an array; null: what the account's servers need."),
    ("oauth.redirect_port", "The port that the browser is sent back to; null: any."),
    ("oauth.redirect_uri", "The address that the browser is sent back to; null: this machine's."),
    ("oauth.token_store", "Where the tokens are kept: file, command."),
    ("oauth.token_load", "The command that prints the tokens."),
    ("oauth.token_save", "The command that keeps the tokens."),
];

const NOT_TAKEN: &[FieldDoc] = &[
    ("file", "The file it stands in."),
    ("line", "Its line; null: it is about the whole file."),
    ("account", "The account in that program."),
    ("what", "The setting, without secrets."),
    ("why", "Why it was not taken, or not as it is."),
    ("hint", "What to do about it."),
    ("matters", "Whether it changes what is protected, fetched or deleted; then the exit code is 1."),
];

const MARKS: &[FieldDoc] = &[
    ("account", "The account."),
    ("file", "The other program's list."),
    ("listed", "How many messages the list names."),
    ("marked", "How many of them count as fetched now and did not before."),
];

const DISCOVERY: &[FieldDoc] = &[
    ("email", "The address."),
    ("domain", "Its domain."),
    ("source", "Who names the server to fetch from, or to send through; null: nothing is found."),
    ("url", "The document that names it, if it is one."),
    ("incoming", "The server to fetch from: pop3, imap."),
    ("pop3", "The POP3 server."),
    ("pop3.host", "Its host."),
    ("pop3.port", "Its port."),
    ("pop3.tls", "implicit, starttls."),
    ("pop3.username", "The user name for the login; null: no login."),
    ("pop3.login", "What the login wants: secret, token, none."),
    ("pop3.source", "Who names it: table, autoconfig, well-known, ispdb, srv, http, mx, guess."),
    ("pop3.from", "The URL, record or table that has it."),
    (
        "pop3.trusted",
        "Whether only the domain's owner, Mozilla or postie can have named it; else --accept-host is needed.",
    ),
    ("pop3.check", "What came of greeting it without a login: answers, silent, distrusted, not_tried."),
    ("imap", "The IMAP server, with the fields of pop3."),
    ("imap.host", "Its host."),
    ("imap.port", "Its port."),
    ("imap.tls", "implicit, starttls."),
    ("imap.username", "The user name for the login; null: no login."),
    ("imap.login", "What the login wants: secret, token, none."),
    ("imap.source", "Who names it: table, autoconfig, well-known, ispdb, srv, http, mx, guess."),
    ("imap.from", "The URL, record or table that has it."),
    (
        "imap.trusted",
        "Whether only the domain's owner, Mozilla or postie can have named it; else --accept-host is needed.",
    ),
    ("imap.check", "What came of greeting it without a login: answers, silent, distrusted, not_tried."),
    ("smtp", "The server to send through, with the fields of pop3."),
    ("smtp.host", "Its host."),
    ("smtp.port", "Its port."),
    ("smtp.tls", "implicit, starttls."),
    ("smtp.username", "The user name for the login; null: no login."),
    ("smtp.login", "What the login wants: secret, token, none."),
    ("smtp.source", "Who names it: table, autoconfig, well-known, ispdb, srv, http, mx, guess."),
    ("smtp.from", "The URL, record or table that has it."),
    (
        "smtp.trusted",
        "Whether only the domain's owner, Mozilla or postie can have named it; else --accept-host is needed.",
    ),
    ("smtp.check", "What came of greeting it without a login: answers, silent, distrusted, not_tried."),
    ("provider", "The provider, where it is known."),
    ("needs", "What the secret has to be: password, app-password, token; null: there is no login."),
    ("oauth", "The name of the provider's OAuth2 settings."),
    ("issuer", "Who issues the tokens, where a document says so."),
    ("notes", "What one should know, an array of sentences."),
    ("tried", "What every source said, an array."),
    ("tried.source", "The source."),
    ("tried.asked", "What was asked for: a URL, a record."),
    ("tried.result", "What came of it."),
];

const TOKEN: &[FieldDoc] = &[
    ("account", "The account."),
    ("provider", "Its provider; null: another authorization server."),
    ("issuer", "The authorization server that the tokens belong to."),
    ("client_id", "The client; null: none is set."),
    ("user", "Who logs in; null: the program itself."),
    ("flow", "code, device, client-credentials."),
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

const PATH: &[FieldDoc] = &[("path", "The file."), ("exists", "Whether it exists.")];
const SCRIPT: &[FieldDoc] = &[("shell", "The shell."), ("text", "The script.")];
const PAGE: &[FieldDoc] = &[("page", "The page's file name."), ("text", "The page in roff.")];

const ERROR: &[FieldDoc] = &[
    ("account", "The account it is about."),
    ("folder", "IMAP: the folder it is about."),
    ("number", "The message's number in the session."),
    ("uid", "The message's UID."),
    ("recipient", "The recipient it is about."),
    (
        "kind",
        "The class of the failure: usage, input, no_input, recipient, no_host, rejected, missing, uid_reset, \
         internal, cannot_create, storage, network, timeout, deferred, locked, left_by_command, command, protocol, \
         auth, certificate, config, unknown, interrupted.",
    ),
    ("scope", "How far it reaches: message, recipient, session, account."),
    ("stage", "What was being done: RETR, RCPT TO, connect, …."),
    ("retry", "Whether to try again: never, safe, may_duplicate."),
    ("message", "Where it was, what was tried, what came back; for people."),
    ("hint", "What to do about it; for people."),
    ("reply", "The server's reply, if there was one."),
    ("reply.code", "The three digits of an SMTP reply."),
    ("reply.enhanced", "The enhanced status code of SMTP, or the response code of POP3."),
    ("reply.lines", "Its lines, an array."),
    ("exit", "The exit code of this failure alone."),
    ("id", "send --batch: the id of the input line."),
    ("line", "send --batch: the number of the input line."),
];

const SUMMARY: &[FieldDoc] = &[
    ("command", "The command."),
    ("elapsed_ms", "Milliseconds from start to end."),
    ("exit", "The exit code of the run."),
    ("delivered", "fetch: messages delivered."),
    ("skipped", "fetch: messages not fetched; send: messages that were not to be sent."),
    ("deleted", "fetch: messages deleted from the server."),
    (
        "failed",
        "fetch: messages that failed; send: messages that did not get as far as a server's decision; test-account: \
         steps that failed.",
    ),
    ("bytes", "fetch: octets stored."),
    ("total", "list: messages on the server."),
    ("listed", "list: messages shown."),
    ("accepted", "send: messages accepted."),
    ("partial", "send: messages accepted for some recipients."),
    ("refused", "send: messages refused for good."),
    ("deferred", "send: messages refused for now."),
    ("unknown", "send: messages that may have been delivered."),
    ("accounts", "config: accounts in the file; config import: accounts that were added or got a server."),
    ("not_taken", "config import: settings that were not taken over."),
    ("marked", "config import: messages that count as fetched now."),
    ("passed", "test-account: steps that succeeded."),
];

/// The fields of a line that are not in the table, or its type if that is not.
pub fn unknown(line: &serde_json::Value) -> Vec<String> {
    let kind = line["type"].as_str().unwrap_or_default();
    let Some(known) = LINES.iter().find(|known| known.kind == kind) else {
        return vec![format!("type {kind}")];
    };
    let mut found = Vec::new();
    walk(kind, known.fields, "", line, &mut found);
    found
}

fn walk(kind: &str, known: &[FieldDoc], prefix: &str, value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (name, below) in object {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                if prefix.is_empty() && EVERY.iter().any(|(every, _)| every == name) {
                    continue;
                }
                if path == "error" && kind == "receipt" {
                    walk("error", ERROR, "", below, found);
                } else if !known.iter().any(|(field, _)| *field == path) {
                    found.push(format!("{kind}: {path}"));
                } else if !FREE.contains(&(kind, path.as_str())) {
                    walk(kind, known, &path, below, found);
                }
            }
        }
        serde_json::Value::Array(all) => {
            for one in all {
                walk(kind, known, prefix, one, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_in_the_table_is_found_at_every_depth() {
        let fine = json!({"v": 1, "type": "receipt", "id": {"any": [1]}, "recipients": [{"address": "a"}],
            "error": {"kind": "auth", "reply": {"code": 535}}});
        assert_eq!(unknown(&fine), Vec::<String>::new());
        let wrong = json!({"v": 1, "type": "receipt", "frob": 1, "recipients": [{"frob": "a"}],
            "error": {"frob": 1, "reply": {"frob": 535}}});
        let mut found = unknown(&wrong);
        found.sort();
        assert_eq!(found, ["error: frob", "error: reply.frob", "receipt: frob", "receipt: recipients.frob"]);
        assert_eq!(unknown(&json!({"v": 1, "type": "frob"})), ["type frob"]);
    }

    #[test]
    fn no_field_stands_twice() {
        for line in LINES {
            for (at, (field, text)) in line.fields.iter().enumerate() {
                assert!(
                    !line.fields[..at].iter().any(|(before, _)| before == field),
                    "{} {field}",
                    line.kind
                );
                assert!(text.ends_with('.'), "{} {field}: {text}", line.kind);
            }
        }
    }
}
