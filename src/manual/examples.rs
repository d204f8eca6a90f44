//! The examples for each command's page: what an example does, and its lines.

/// The examples of a command, or of postie(1) (`postie`).
pub fn of(command: &str) -> &'static [(&'static str, &'static str)] {
    match command {
        "postie" => &[
            ("From an address to a fetched mailbox:", "postie config add\npostie test-account\npostie fetch"),
            (
                "One mailbox, downloaded once, without a configuration file; the password is asked for:",
                "postie --server pop3s://ana@pop.example.org fetch --mbox inbox.mbox",
            ),
            (
                "The build's result from a CI job:",
                "echo \"Build failed.\" | postie send -s \"Build\" team@example.org",
            ),
        ],
        "fetch" => &[
            ("New messages, into the account's destination; they stay on the server:", "postie fetch"),
            (
                "Into an mbox; then delete them from the server, and also those that earlier runs kept:",
                "postie fetch --mbox inbox.mbox --delete",
            ),
            (
                "Every hour from cron, every account; messages stay on the server for two weeks:",
                "0 * * * *  postie fetch -q --all-accounts --delete-after 14d",
            ),
            ("What would be done, changing nothing:", "postie fetch --dry-run"),
            (
                "Mark everything that is there as fetched, so that only later mail is fetched:",
                "postie fetch --mark-seen",
            ),
            (
                "The paths of the delivered messages, for a script:",
                "postie fetch --json | jq -r 'select(.action == \"delivered\") | .path'",
            ),
        ],
        "list" => &[
            ("The ten newest messages:", "postie list --limit 10"),
            (
                "The messages that fetch would fetch, for a script:",
                "postie list --new --json | jq -r 'select(.type == \"message\").uid'",
            ),
        ],
        "send" => &[
            (
                "A text from standard input:",
                "echo \"The build is green.\" | postie send -s \"Build 42\" team@example.org",
            ),
            (
                "With an attachment:",
                "postie send -s Report -a report.pdf --body \"See the attachment.\" boss@example.org",
            ),
            ("A complete message, its recipients from its header:", "postie send --raw < message.eml"),
            (
                "Many messages over one connection, a receipt for each:",
                "postie send --batch --rate 120/min < messages.jsonl > receipts.jsonl",
            ),
            (
                "With a copy in the IMAP server's folder for sent mail:",
                "postie send --save-copy imap -s Hi --body Hello ana@example.org",
            ),
            ("Print the message, send nothing:", "postie send --print -s Hi --body Hello ana@example.org"),
        ],
        "test-account" => &[
            ("Both servers of the default account:", "postie test-account"),
            (
                "A server that is not configured yet:",
                "postie --server pop3s://ana@pop.example.org test-account",
            ),
            (
                "The certificate's fingerprint, for a script:",
                "postie test-account --json | jq -r 'select(.step == \"tls\") | .detail.sha256'",
            ),
        ],
        "config" => &[
            ("Ask for everything, test it, and save it:", "postie config add"),
            (
                "A large provider, without questions; its servers follow from the address:",
                "postie config add home --email ana@gmail.com --maildir ~/Mail/home --password-command 'pass show mail/gmail'",
            ),
            (
                "Any other server:",
                "postie config add work --email ana@example.org --pop3 pop3s://pop.example.org --smtp smtps://smtp.example.org --maildir ~/Mail/work --password-file ~/.secrets/work",
            ),
            (
                "A command with arguments, without a shell; both forms mean the same:",
                "postie config set work password-command pass show mail/work\npostie config set work password-command '[\"pass\", \"show\", \"mail/work\"]'",
            ),
            ("A password from standard input, never in the arguments:", "postie config set work password -"),
            ("Where the file is, and whether it is correct:", "postie config path\npostie config check"),
        ],
        "completions" => &[
            (
                "For bash:",
                "mkdir -p ~/.local/share/bash-completion/completions\n\
                postie completions bash > ~/.local/share/bash-completion/completions/postie",
            ),
            (
                "For zsh, in a directory of $fpath:",
                "mkdir -p ~/.zfunc\npostie completions zsh > ~/.zfunc/_postie",
            ),
            (
                "For fish:",
                "mkdir -p ~/.config/fish/completions\npostie completions fish > ~/.config/fish/completions/postie.fish",
            ),
        ],
        "man" => &[
            (
                "The page of a command, of the configuration file, of the JSON lines:",
                "postie man fetch\npostie man config.5\npostie man json",
            ),
            ("With man(1):", "postie man send | man -l -"),
        ],
        _ => &[],
    }
}
