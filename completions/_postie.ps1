
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'postie' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'postie'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'postie' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('fetch', 'fetch', [CompletionResultType]::ParameterValue, 'Download new messages into a Maildir, an mbox, or to a command')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show what is on the server, download nothing')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send a message')
            [CompletionResult]::new('test-account', 'test-account', [CompletionResultType]::ParameterValue, 'Check every step from DNS to login, and say what to change')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Manage accounts')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a script that completes postie''s arguments in the shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Show a page of the manual')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'postie;fetch' {
            [CompletionResult]::new('--maildir', '--maildir', [CompletionResultType]::ParameterName, 'Deliver into this Maildir')
            [CompletionResult]::new('--mbox', '--mbox', [CompletionResultType]::ParameterName, 'Deliver into this mbox (mboxrd)')
            [CompletionResult]::new('--mbox-dir', '--mbox-dir', [CompletionResultType]::ParameterName, 'Deliver into this directory, an mbox for each folder (IMAP)')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Give each message to a command (run by sh -c): exit status 0 accepts it, 75 leaves it for the next run')
            [CompletionResult]::new('--delete-after', '--delete-after', [CompletionResultType]::ParameterName, 'Delete delivered messages from the server so long after they were first seen')
            [CompletionResult]::new('--move-to', '--move-to', [CompletionResultType]::ParameterName, 'Move messages to this folder of the server once they are stored durably, instead of deleting them (IMAP)')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Fetch, or mark, at most N messages, of all folders together')
            [CompletionResult]::new('--max-size', '--max-size', [CompletionResultType]::ParameterName, 'Skip messages larger than this')
            [CompletionResult]::new('--uid', '--uid', [CompletionResultType]::ParameterName, 'Fetch only the messages with these UIDs')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'With --all-accounts: how many accounts at once')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'With --all-accounts: how many accounts at once')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'How long to wait for another run of the same account')
            [CompletionResult]::new('--every', '--every', [CompletionResultType]::ParameterName, 'With --watch: how long after a fetch to look again, where the server does not tell of new mail (5m)')
            [CompletionResult]::new('--forget', '--forget', [CompletionResultType]::ParameterName, 'Forget these UIDs, so that they count as new again; fetch nothing')
            [CompletionResult]::new('--folder', '--folder', [CompletionResultType]::ParameterName, 'Fetch from these folders of an IMAP server, named as in list --folders (default: INBOX)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How several folders lie in one Maildir: maildir++ (.A.B, the default) or nested (A/B)')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--stdout', '--stdout', [CompletionResultType]::ParameterName, 'Write the messages to standard output (mboxrd; with --json as parsed lines); only --delete deletes them')
            [CompletionResult]::new('--peek', '--peek', [CompletionResultType]::ParameterName, 'With --stdout or --exec: record nothing and delete nothing; the next run fetches the same messages')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Leave messages on the server (the default)')
            [CompletionResult]::new('--delete', '--delete', [CompletionResultType]::ParameterName, 'Delete messages from the server once they are stored durably')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Fetch all messages, also those fetched before')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be done, and change nothing anywhere')
            [CompletionResult]::new('--all-accounts', '--all-accounts', [CompletionResultType]::ParameterName, 'Fetch from every account')
            [CompletionResult]::new('--until-empty', '--until-empty', [CompletionResultType]::ParameterName, 'Repeat sessions until the server lists nothing new')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Fetch as mail arrives, until a signal or --max-time ends it')
            [CompletionResult]::new('--mark-seen', '--mark-seen', [CompletionResultType]::ParameterName, 'Mark the messages as fetched, and fetch nothing; messages that were only marked are never deleted')
            [CompletionResult]::new('--accept-uid-reset', '--accept-uid-reset', [CompletionResultType]::ParameterName, 'Go on although all known UIDs are gone and others are listed')
            [CompletionResult]::new('--pop3', '--pop3', [CompletionResultType]::ParameterName, 'Use the account''s POP3 server')
            [CompletionResult]::new('--imap', '--imap', [CompletionResultType]::ParameterName, 'Use the account''s IMAP server')
            [CompletionResult]::new('--all-folders', '--all-folders', [CompletionResultType]::ParameterName, 'Fetch from all folders of an IMAP server')
            [CompletionResult]::new('--dedupe', '--dedupe', [CompletionResultType]::ParameterName, 'Store a message that stands in several folders once: the first folder''s copy')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;list' {
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Only the newest N messages')
            [CompletionResult]::new('--folder', '--folder', [CompletionResultType]::ParameterName, 'Use this folder of an IMAP server, named as in --folders (default: INBOX)')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--new', '--new', [CompletionResultType]::ParameterName, 'Only messages that fetch would fetch')
            [CompletionResult]::new('--no-headers', '--no-headers', [CompletionResultType]::ParameterName, 'Only sizes and UIDs: does not ask for headers')
            [CompletionResult]::new('--folders', '--folders', [CompletionResultType]::ParameterName, 'Show the folders of an IMAP account instead of messages')
            [CompletionResult]::new('--pop3', '--pop3', [CompletionResultType]::ParameterName, 'Use the account''s POP3 server')
            [CompletionResult]::new('--imap', '--imap', [CompletionResultType]::ParameterName, 'Use the account''s IMAP server')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;send' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'The author [default: the account''s name and address]')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'The author [default: the account''s name and address]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Recipients, an address list as in a header')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Recipients, an address list as in a header')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Recipients of copies')
            [CompletionResult]::new('--cc', '--cc', [CompletionResultType]::ParameterName, 'Recipients of copies')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Recipients of blind copies, who never appear in the message')
            [CompletionResult]::new('--bcc', '--bcc', [CompletionResultType]::ParameterName, 'Recipients of blind copies, who never appear in the message')
            [CompletionResult]::new('--reply-to', '--reply-to', [CompletionResultType]::ParameterName, 'Who gets the answers')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The subject')
            [CompletionResult]::new('--subject', '--subject', [CompletionResultType]::ParameterName, 'The subject')
            [CompletionResult]::new('--body', '--body', [CompletionResultType]::ParameterName, 'The text body')
            [CompletionResult]::new('--body-file', '--body-file', [CompletionResultType]::ParameterName, 'The text body from a file (- is standard input)')
            [CompletionResult]::new('--html', '--html', [CompletionResultType]::ParameterName, 'An HTML body')
            [CompletionResult]::new('--html-file', '--html-file', [CompletionResultType]::ParameterName, 'An HTML body from a file (- is standard input)')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The charset of a text or HTML body that is not UTF-8 [default: unknown-8bit]')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Attach a file (- is standard input)')
            [CompletionResult]::new('--attach', '--attach', [CompletionResultType]::ParameterName, 'Attach a file (- is standard input)')
            [CompletionResult]::new('--attach-name', '--attach-name', [CompletionResultType]::ParameterName, 'The name of the attachment before it')
            [CompletionResult]::new('--attach-type', '--attach-type', [CompletionResultType]::ParameterName, 'The media type of the attachment before it')
            [CompletionResult]::new('--inline', '--inline', [CompletionResultType]::ParameterName, 'A file shown inside the HTML body')
            [CompletionResult]::new('--cid', '--cid', [CompletionResultType]::ParameterName, 'The Content-ID of the inline file before it: `cid:ID` in the HTML')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Another header field')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Another header field')
            [CompletionResult]::new('--in-reply-to', '--in-reply-to', [CompletionResultType]::ParameterName, 'The Message-ID of the message that this one answers')
            [CompletionResult]::new('--references', '--references', [CompletionResultType]::ParameterName, 'The Message-IDs of the thread')
            [CompletionResult]::new('--message-id', '--message-id', [CompletionResultType]::ParameterName, 'The Message-ID [default: a new one]')
            [CompletionResult]::new('--date', '--date', [CompletionResultType]::ParameterName, 'The date, RFC 3339 or RFC 5322 [default: now]')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Send a complete message, from a file or standard input')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Send at most so many messages of a batch per second, minute or hour: 2/s, 30/min, 500/h')
            [CompletionResult]::new('--envelope-from', '--envelope-from', [CompletionResultType]::ParameterName, 'The sender of the envelope; <> for none')
            [CompletionResult]::new('--dsn-notify', '--dsn-notify', [CompletionResultType]::ParameterName, 'When to be notified: never, or of success, failure, delay')
            [CompletionResult]::new('--dsn-return', '--dsn-return', [CompletionResultType]::ParameterName, 'What a notification returns')
            [CompletionResult]::new('--dsn-envid', '--dsn-envid', [CompletionResultType]::ParameterName, 'The identifier a notification carries')
            [CompletionResult]::new('--ehlo-name', '--ehlo-name', [CompletionResultType]::ParameterName, 'The client''s name in EHLO [default: the account''s, or the host''s]')
            [CompletionResult]::new('--on-rejected', '--on-rejected', [CompletionResultType]::ParameterName, 'If a recipient is refused: nobody gets the message (abort), or the others do (send)')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Try again for so long after temporary failures')
            [CompletionResult]::new('--save-copy', '--save-copy', [CompletionResultType]::ParameterName, 'Store a copy of what was accepted: maildir:DIR, mbox:FILE, imap or imap:FOLDER')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('-E', '-E ', [CompletionResultType]::ParameterName, 'Send nothing if the body is empty, and exit 0')
            [CompletionResult]::new('--skip-empty', '--skip-empty', [CompletionResultType]::ParameterName, 'Send nothing if the body is empty, and exit 0')
            [CompletionResult]::new('--fix', '--fix', [CompletionResultType]::ParameterName, 'Mend a complete message that some servers would refuse')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Send many messages: JSON Lines on standard input, a JSON line for each on standard output')
            [CompletionResult]::new('--require-tls', '--require-tls', [CompletionResultType]::ParameterName, 'Require TLS from every server on the way (REQUIRETLS)')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Build and check the message, print what would be done')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'Print the exact octets that would be sent')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Ask the server whether it accepts the recipients, send nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;test-account' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--pop3', '--pop3', [CompletionResultType]::ParameterName, 'Only the receiving side, by POP3')
            [CompletionResult]::new('--imap', '--imap', [CompletionResultType]::ParameterName, 'Only the receiving side, by IMAP')
            [CompletionResult]::new('--smtp', '--smtp', [CompletionResultType]::ParameterName, 'Only the sending side')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add an account; on a terminal, asks for what is missing')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Take over accounts of another mail program')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the accounts')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show an account, without secrets')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set one key of an account')
            [CompletionResult]::new('unset', 'unset', [CompletionResultType]::ParameterValue, 'Remove one key of an account')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove an account')
            [CompletionResult]::new('default', 'default', [CompletionResultType]::ParameterValue, 'Show the default account, or set it')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Log in to an account''s provider in a browser (OAuth2), once; from then on tokens are renewed')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print the path of the configuration file')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the configuration file')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how it stands with OAuth2 tokens; exit code 77 if somebody must log in')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Log out: end what was granted to postie, and forget the tokens')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'postie;config;add' {
            [CompletionResult]::new('--email', '--email', [CompletionResultType]::ParameterName, 'The mail address')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The display name')
            [CompletionResult]::new('--description', '--description', [CompletionResultType]::ParameterName, 'A remark')
            [CompletionResult]::new('--pop3', '--pop3', [CompletionResultType]::ParameterName, 'The server to fetch from: pop3s://[user@]host[:port]; without a URL, the one that is found')
            [CompletionResult]::new('--imap', '--imap', [CompletionResultType]::ParameterName, 'The server to fetch from by IMAP: imaps://[user@]host[:port]; without a URL, the one that is found')
            [CompletionResult]::new('--smtp', '--smtp', [CompletionResultType]::ParameterName, 'The server to send through: smtps://[user@]host[:port]')
            [CompletionResult]::new('--oauth', '--oauth', [CompletionResultType]::ParameterName, 'Log in by OAuth2: with a provider (google, microsoft, …) or an authorization server (https://…)')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'The id of your client there')
            [CompletionResult]::new('--maildir', '--maildir', [CompletionResultType]::ParameterName, 'Fetch into this Maildir')
            [CompletionResult]::new('--mbox', '--mbox', [CompletionResultType]::ParameterName, 'Fetch into this mbox')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Give fetched messages to this command')
            [CompletionResult]::new('--after', '--after', [CompletionResultType]::ParameterName, 'What happens to fetched messages on the server: keep, delete, "delete-after 14d", "move-to FOLDER"')
            [CompletionResult]::new('--accept-host', '--accept-host', [CompletionResultType]::ParameterName, 'Use this host if it is found, whoever named it (repeatable)')
            [CompletionResult]::new('--ispdb', '--ispdb', [CompletionResultType]::ParameterName, 'The database of settings, or none; else $POSTIE_ISPDB, else Mozilla''s')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--no-discovery', '--no-discovery', [CompletionResultType]::ParameterName, 'Do not look for servers, neither in the name service nor on the web')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Also take settings that are published by http, which anybody on the way can change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what is found, and change nothing')
            [CompletionResult]::new('--test', '--test', [CompletionResultType]::ParameterName, 'Test the account before it is saved')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;import' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be added, and what is not taken; change nothing')
            [CompletionResult]::new('--with-secrets', '--with-secrets', [CompletionResultType]::ParameterName, 'Also take passwords that stand in the file')
            [CompletionResult]::new('--no-uids', '--no-uids', [CompletionResultType]::ParameterName, 'Leave the lists of fetched messages: the first fetch brings everything that is on the server')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;list' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;show' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;set' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;unset' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;remove' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;default' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;login' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--browser', '--browser', [CompletionResultType]::ParameterName, 'Open the browser also at the end of an SSH connection')
            [CompletionResult]::new('--no-browser', '--no-browser', [CompletionResultType]::ParameterName, 'Only show the address; the answer, or the address that the browser ends at, may be pasted')
            [CompletionResult]::new('--device', '--device', [CompletionResultType]::ParameterName, 'Show a code to type in a browser on any device')
            [CompletionResult]::new('--register', '--register', [CompletionResultType]::ParameterName, 'Have the server register another client for postie (RFC 7591), when it knows the last one no more')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;path' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;check' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;status' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;logout' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;config;help' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add an account; on a terminal, asks for what is missing')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Take over accounts of another mail program')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the accounts')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show an account, without secrets')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set one key of an account')
            [CompletionResult]::new('unset', 'unset', [CompletionResultType]::ParameterValue, 'Remove one key of an account')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove an account')
            [CompletionResult]::new('default', 'default', [CompletionResultType]::ParameterValue, 'Show the default account, or set it')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Log in to an account''s provider in a browser (OAuth2), once; from then on tokens are renewed')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print the path of the configuration file')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the configuration file')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how it stands with OAuth2 tokens; exit code 77 if somebody must log in')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Log out: end what was granted to postie, and forget the tokens')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'postie;config;help;add' {
            break
        }
        'postie;config;help;import' {
            break
        }
        'postie;config;help;list' {
            break
        }
        'postie;config;help;show' {
            break
        }
        'postie;config;help;set' {
            break
        }
        'postie;config;help;unset' {
            break
        }
        'postie;config;help;remove' {
            break
        }
        'postie;config;help;default' {
            break
        }
        'postie;config;help;login' {
            break
        }
        'postie;config;help;path' {
            break
        }
        'postie;config;help;check' {
            break
        }
        'postie;config;help;status' {
            break
        }
        'postie;config;help;logout' {
            break
        }
        'postie;config;help;help' {
            break
        }
        'postie;completions' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;man' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Which account')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration file')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from a file')
            [CompletionResult]::new('--password-fd', '--password-fd', [CompletionResultType]::ParameterName, 'Read the password from an open file descriptor')
            [CompletionResult]::new('--password-env', '--password-env', [CompletionResultType]::ParameterName, 'Take the password from an environment variable')
            [CompletionResult]::new('--password-command', '--password-command', [CompletionResultType]::ParameterName, 'Take the password from a command''s output (run by sh -c)')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Take an OAuth2 access token from a command''s output (run by sh -c)')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Also trust these certificate authorities (PEM)')
            [CompletionResult]::new('--tls-fingerprint', '--tls-fingerprint', [CompletionResultType]::ParameterName, 'Trust only the certificate with this fingerprint, whatever its chain and names')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Show servers this certificate of yours, with those of its issuers (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate (PEM) [default: in the same file]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for one network operation [default: 60s; the reply to a sent message: 10m]')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'The time for the whole run')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write JSON Lines to standard output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: show the protocol''s transcript, without secrets')
            [CompletionResult]::new('--no-progress', '--no-progress', [CompletionResultType]::ParameterName, 'Show no progress bar')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postie;help' {
            [CompletionResult]::new('fetch', 'fetch', [CompletionResultType]::ParameterValue, 'Download new messages into a Maildir, an mbox, or to a command')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show what is on the server, download nothing')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send a message')
            [CompletionResult]::new('test-account', 'test-account', [CompletionResultType]::ParameterValue, 'Check every step from DNS to login, and say what to change')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Manage accounts')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a script that completes postie''s arguments in the shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Show a page of the manual')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'postie;help;fetch' {
            break
        }
        'postie;help;list' {
            break
        }
        'postie;help;send' {
            break
        }
        'postie;help;test-account' {
            break
        }
        'postie;help;config' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add an account; on a terminal, asks for what is missing')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Take over accounts of another mail program')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the accounts')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show an account, without secrets')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set one key of an account')
            [CompletionResult]::new('unset', 'unset', [CompletionResultType]::ParameterValue, 'Remove one key of an account')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove an account')
            [CompletionResult]::new('default', 'default', [CompletionResultType]::ParameterValue, 'Show the default account, or set it')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Log in to an account''s provider in a browser (OAuth2), once; from then on tokens are renewed')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print the path of the configuration file')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the configuration file')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how it stands with OAuth2 tokens; exit code 77 if somebody must log in')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Log out: end what was granted to postie, and forget the tokens')
            break
        }
        'postie;help;config;add' {
            break
        }
        'postie;help;config;import' {
            break
        }
        'postie;help;config;list' {
            break
        }
        'postie;help;config;show' {
            break
        }
        'postie;help;config;set' {
            break
        }
        'postie;help;config;unset' {
            break
        }
        'postie;help;config;remove' {
            break
        }
        'postie;help;config;default' {
            break
        }
        'postie;help;config;login' {
            break
        }
        'postie;help;config;path' {
            break
        }
        'postie;help;config;check' {
            break
        }
        'postie;help;config;status' {
            break
        }
        'postie;help;config;logout' {
            break
        }
        'postie;help;completions' {
            break
        }
        'postie;help;man' {
            break
        }
        'postie;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
