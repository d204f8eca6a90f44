//! All fields of the JSON lines, in one table: postie-json(5) is made from it, and the tests compare every line that
//! they read with it.

mod mail;
mod settings;

/// A type of line.
pub struct LineType {
    /// The value of `type`.
    pub kind: &'static str,
    /// What it says, and which commands write it.
    pub text: &'static str,
    /// Its fields and their meaning, in groups; for fields of an inner object, or of the objects in an array, with a dot:
    /// `from.name`.
    fields: &'static [&'static [FieldDoc]],
}

impl LineType {
    pub fn fields(&self) -> impl Iterator<Item = &'static FieldDoc> {
        self.fields.iter().copied().flatten()
    }
}

/// A field, and what it means.
pub type FieldDoc = (&'static str, &'static str);

/// The fields of every line.
pub const EVERY: &[FieldDoc] = &[("v", "1, the version of the format."), ("type", "The type of the line.")];

/// Fields that may contain anything, because the caller sets them.
const FREE: &[(&str, &str)] = &[("receipt", "id"), ("error", "id"), ("account", "aliases")];

pub const LINES: &[LineType] = &[
    LineType { kind: "message", text: "A message: fetch, list.", fields: &[mail::MESSAGE] },
    LineType { kind: "folder", text: "A folder: list --folders.", fields: &[mail::FOLDER] },
    LineType {
        kind: "receipt",
        text: "The result of sending a message: send, a line for each message.",
        fields: &[mail::RECEIPT],
    },
    LineType {
        kind: "step",
        text: "A step of testing an account: test-account, config add --test.",
        fields: &[mail::STEP],
    },
    LineType {
        kind: "account",
        text: "An account with its defaults, never with secrets: config add, import, list, show, set, unset, default, \
               check.",
        fields: settings::ACCOUNT,
    },
    LineType {
        kind: "not_taken",
        text: "A setting of another program that was not taken over: config import.",
        fields: &[settings::NOT_TAKEN],
    },
    LineType {
        kind: "marks",
        text: "Messages that another program has fetched, and count as fetched now: config import.",
        fields: &[settings::MARKS],
    },
    LineType {
        kind: "discovery",
        text: "The servers that were found for an address: config add, with --dry-run or where it had to look for them.",
        fields: settings::DISCOVERY,
    },
    LineType {
        kind: "token",
        text: "How it stands with the OAuth2 tokens of an account: config status.",
        fields: &[settings::TOKEN],
    },
    LineType {
        kind: "authorization",
        text: "What a person must open in a browser: config login, config add.",
        fields: &[settings::AUTHORIZATION],
    },
    LineType { kind: "path", text: "The configuration file: config path.", fields: &[settings::PATH] },
    LineType { kind: "script", text: "A completion script: completions.", fields: &[SCRIPT] },
    LineType { kind: "page", text: "A page of the manual: man.", fields: &[PAGE] },
    LineType { kind: "error", text: "Something failed: every command.", fields: &[ERROR] },
    LineType {
        kind: "summary",
        text: "The end of the run: every command, always the last line.",
        fields: &[SUMMARY],
    },
];

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
    ("not_listed", "fetch: UIDs given by --uid that the server does not list."),
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

fn walk(kind: &str, known: &[&[FieldDoc]], prefix: &str, value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (name, below) in object {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                if prefix.is_empty() && EVERY.iter().any(|(every, _)| every == name) {
                    continue;
                }
                if path == "error" && kind == "receipt" {
                    walk("error", &[ERROR], "", below, found);
                } else if !known.iter().copied().flatten().any(|(field, _)| *field == path) {
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
            for (at, (field, text)) in line.fields().enumerate() {
                assert!(!line.fields().take(at).any(|(before, _)| before == field), "{} {field}", line.kind);
                assert!(text.ends_with('.'), "{} {field}: {text}", line.kind);
            }
        }
    }
}
