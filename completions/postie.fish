# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_postie_global_optspecs
    string join \n A/account= C/config= server= password-file= password-fd= password-env= password-command= token-command= ca-file= tls-fingerprint= client-certificate= client-key= proxy= json q/quiet v/verbose timeout= max-time= color= no-progress h/help V/version
end

function __fish_postie_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_postie_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_postie_using_subcommand
    set -l cmd (__fish_postie_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c postie -n "__fish_postie_needs_command" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_needs_command" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_needs_command" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_needs_command" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_needs_command" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_needs_command" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_needs_command" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_needs_command" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_needs_command" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_needs_command" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_needs_command" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_needs_command" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_needs_command" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_needs_command" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_needs_command" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_needs_command" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_needs_command" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_needs_command" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_needs_command" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_needs_command" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_needs_command" -s V -l version -d 'Print version'
complete -c postie -n "__fish_postie_needs_command" -f -a "fetch" -d 'Download new messages into a Maildir, an mbox, or to a command'
complete -c postie -n "__fish_postie_needs_command" -f -a "list" -d 'Show what is on the server, download nothing'
complete -c postie -n "__fish_postie_needs_command" -f -a "send" -d 'Send a message'
complete -c postie -n "__fish_postie_needs_command" -f -a "test-account" -d 'Check every step from DNS to login, and say what to change'
complete -c postie -n "__fish_postie_needs_command" -f -a "config" -d 'Manage accounts'
complete -c postie -n "__fish_postie_needs_command" -f -a "completions" -d 'Print a script that completes postie\'s arguments in the shell'
complete -c postie -n "__fish_postie_needs_command" -f -a "man" -d 'Show a page of the manual'
complete -c postie -n "__fish_postie_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l maildir -d 'Deliver into this Maildir' -r -F
complete -c postie -n "__fish_postie_using_subcommand fetch" -l mbox -d 'Deliver into this mbox (mboxrd)' -r -F
complete -c postie -n "__fish_postie_using_subcommand fetch" -l mbox-dir -d 'Deliver into this directory, an mbox for each folder (IMAP)' -r -F
complete -c postie -n "__fish_postie_using_subcommand fetch" -l exec -d 'Give each message to a command (run by sh -c): exit status 0 accepts it, 75 leaves it for the next run' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l delete-after -d 'Delete delivered messages from the server so long after they were first seen' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l move-to -d 'Move messages to this folder of the server once they are stored durably, instead of deleting them (IMAP)' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l limit -d 'Fetch, or mark, at most N messages, of all folders together' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l max-size -d 'Skip messages larger than this' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l uid -d 'Fetch only the messages with these UIDs' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -s j -l jobs -d 'With --all-accounts: how many accounts at once' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l wait -d 'How long to wait for another run of the same account' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l every -d 'With --watch: how long after a fetch to look again, where the server does not tell of new mail (5m)' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l forget -d 'Forget these UIDs, so that they count as new again; fetch nothing' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l folder -d 'Fetch from these folders of an IMAP server, named as in list --folders (default: INBOX)' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l layout -d 'How several folders lie in one Maildir: maildir++ (.A.B, the default) or nested (A/B)' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand fetch" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand fetch" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand fetch" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand fetch" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand fetch" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand fetch" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand fetch" -l stdout -d 'Write the messages to standard output (mboxrd; with --json as parsed lines); only --delete deletes them'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l peek -d 'With --stdout or --exec: record nothing and delete nothing; the next run fetches the same messages'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l keep -d 'Leave messages on the server (the default)'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l delete -d 'Delete messages from the server once they are stored durably'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l all -d 'Fetch all messages, also those fetched before'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l dry-run -d 'Print what would be done, and change nothing anywhere'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l all-accounts -d 'Fetch from every account'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l until-empty -d 'Repeat sessions until the server lists nothing new'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l watch -d 'Fetch as mail arrives, until a signal or --max-time ends it'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l mark-seen -d 'Mark the messages as fetched, and fetch nothing; messages that were only marked are never deleted'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l accept-uid-reset -d 'Go on although all known UIDs are gone and others are listed'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l pop3 -d 'Use the account\'s POP3 server'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l imap -d 'Use the account\'s IMAP server'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l all-folders -d 'Fetch from all folders of an IMAP server'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l dedupe -d 'Store a message that stands in several folders once: the first folder\'s copy'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand fetch" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand fetch" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand fetch" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand fetch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand list" -l limit -d 'Only the newest N messages' -r
complete -c postie -n "__fish_postie_using_subcommand list" -l folder -d 'Use this folder of an IMAP server, named as in --folders (default: INBOX)' -r
complete -c postie -n "__fish_postie_using_subcommand list" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand list" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand list" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand list" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand list" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand list" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand list" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand list" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand list" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand list" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand list" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand list" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand list" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand list" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand list" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand list" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand list" -l new -d 'Only messages that fetch would fetch'
complete -c postie -n "__fish_postie_using_subcommand list" -l no-headers -d 'Only sizes and UIDs: does not ask for headers'
complete -c postie -n "__fish_postie_using_subcommand list" -l folders -d 'Show the folders of an IMAP account instead of messages'
complete -c postie -n "__fish_postie_using_subcommand list" -l pop3 -d 'Use the account\'s POP3 server'
complete -c postie -n "__fish_postie_using_subcommand list" -l imap -d 'Use the account\'s IMAP server'
complete -c postie -n "__fish_postie_using_subcommand list" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand list" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand list" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand list" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand send" -s f -l from -d 'The author [default: the account\'s name and address]' -r
complete -c postie -n "__fish_postie_using_subcommand send" -s t -l to -d 'Recipients, an address list as in a header' -r
complete -c postie -n "__fish_postie_using_subcommand send" -s c -l cc -d 'Recipients of copies' -r
complete -c postie -n "__fish_postie_using_subcommand send" -s b -l bcc -d 'Recipients of blind copies, who never appear in the message' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l reply-to -d 'Who gets the answers' -r
complete -c postie -n "__fish_postie_using_subcommand send" -s s -l subject -d 'The subject' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l body -d 'The text body' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l body-file -d 'The text body from a file (- is standard input)' -r -F
complete -c postie -n "__fish_postie_using_subcommand send" -l html -d 'An HTML body' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l html-file -d 'An HTML body from a file (- is standard input)' -r -F
complete -c postie -n "__fish_postie_using_subcommand send" -l charset -d 'The charset of a text or HTML body that is not UTF-8 [default: unknown-8bit]' -r
complete -c postie -n "__fish_postie_using_subcommand send" -s a -l attach -d 'Attach a file (- is standard input)' -r -F
complete -c postie -n "__fish_postie_using_subcommand send" -l attach-name -d 'The name of the attachment before it' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l attach-type -d 'The media type of the attachment before it' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l inline -d 'A file shown inside the HTML body' -r -F
complete -c postie -n "__fish_postie_using_subcommand send" -l cid -d 'The Content-ID of the inline file before it: `cid:ID` in the HTML' -r
complete -c postie -n "__fish_postie_using_subcommand send" -s H -l header -d 'Another header field' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l in-reply-to -d 'The Message-ID of the message that this one answers' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l references -d 'The Message-IDs of the thread' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l message-id -d 'The Message-ID [default: a new one]' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l date -d 'The date, RFC 3339 or RFC 5322 [default: now]' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l raw -d 'Send a complete message, from a file or standard input' -r -F
complete -c postie -n "__fish_postie_using_subcommand send" -l rate -d 'Send at most so many messages of a batch per second, minute or hour: 2/s, 30/min, 500/h' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l envelope-from -d 'The sender of the envelope; <> for none' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l dsn-notify -d 'When to be notified: never, or of success, failure, delay' -r -f -a "never\t'Never'
success\t'When it was delivered'
failure\t'When it could not be delivered'
delay\t'When it is late'"
complete -c postie -n "__fish_postie_using_subcommand send" -l dsn-return -d 'What a notification returns' -r -f -a "full\t'The whole message'
hdrs\t'Its header'"
complete -c postie -n "__fish_postie_using_subcommand send" -l dsn-envid -d 'The identifier a notification carries' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l ehlo-name -d 'The client\'s name in EHLO [default: the account\'s, or the host\'s]' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l on-rejected -d 'If a recipient is refused: nobody gets the message (abort), or the others do (send)' -r -f -a "abort\t'Nobody gets it'
send\t'The others get it'"
complete -c postie -n "__fish_postie_using_subcommand send" -l retry-for -d 'Try again for so long after temporary failures' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l save-copy -d 'Store a copy of what was accepted: maildir:DIR, mbox:FILE, imap or imap:FOLDER' -r
complete -c postie -n "__fish_postie_using_subcommand send" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand send" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand send" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand send" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand send" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand send" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand send" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand send" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand send" -s E -l skip-empty -d 'Send nothing if the body is empty, and exit 0'
complete -c postie -n "__fish_postie_using_subcommand send" -l fix -d 'Mend a complete message that some servers would refuse'
complete -c postie -n "__fish_postie_using_subcommand send" -l batch -d 'Send many messages: JSON Lines on standard input, a JSON line for each on standard output'
complete -c postie -n "__fish_postie_using_subcommand send" -l require-tls -d 'Require TLS from every server on the way (REQUIRETLS)'
complete -c postie -n "__fish_postie_using_subcommand send" -l dry-run -d 'Build and check the message, print what would be done'
complete -c postie -n "__fish_postie_using_subcommand send" -l print -d 'Print the exact octets that would be sent'
complete -c postie -n "__fish_postie_using_subcommand send" -l check -d 'Ask the server whether it accepts the recipients, send nothing'
complete -c postie -n "__fish_postie_using_subcommand send" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand send" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand send" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand send" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand send" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand test-account" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand test-account" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand test-account" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand test-account" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand test-account" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand test-account" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand test-account" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand test-account" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand test-account" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand test-account" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand test-account" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand test-account" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand test-account" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand test-account" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand test-account" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand test-account" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand test-account" -l pop3 -d 'Only the receiving side, by POP3'
complete -c postie -n "__fish_postie_using_subcommand test-account" -l imap -d 'Only the receiving side, by IMAP'
complete -c postie -n "__fish_postie_using_subcommand test-account" -l smtp -d 'Only the sending side'
complete -c postie -n "__fish_postie_using_subcommand test-account" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand test-account" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand test-account" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand test-account" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand test-account" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "add" -d 'Add an account; on a terminal, asks for what is missing'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "import" -d 'Take over accounts of another mail program'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "list" -d 'List the accounts'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "show" -d 'Show an account, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "set" -d 'Set one key of an account'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "unset" -d 'Remove one key of an account'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "remove" -d 'Remove an account'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "default" -d 'Show the default account, or set it'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "login" -d 'Log in to an account\'s provider in a browser (OAuth2), once; from then on tokens are renewed'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "path" -d 'Print the path of the configuration file'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "check" -d 'Check the configuration file'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "status" -d 'Show how it stands with OAuth2 tokens; exit code 77 if somebody must log in'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "logout" -d 'Log out: end what was granted to postie, and forget the tokens'
complete -c postie -n "__fish_postie_using_subcommand config; and not __fish_seen_subcommand_from add import list show set unset remove default login path check status logout help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l email -d 'The mail address' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l name -d 'The display name' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l description -d 'A remark' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l pop3 -d 'The server to fetch from: pop3s://[user@]host[:port]; without a URL, the one that is found' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l imap -d 'The server to fetch from by IMAP: imaps://[user@]host[:port]; without a URL, the one that is found' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l smtp -d 'The server to send through: smtps://[user@]host[:port]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l oauth -d 'Log in by OAuth2: with a provider (google, microsoft, …) or an authorization server (https://…)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l client-id -d 'The id of your client there' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l maildir -d 'Fetch into this Maildir' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l mbox -d 'Fetch into this mbox' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l exec -d 'Give fetched messages to this command' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l after -d 'What happens to fetched messages on the server: keep, delete, "delete-after 14d", "move-to FOLDER"' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l accept-host -d 'Use this host if it is found, whoever named it (repeatable)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l ispdb -d 'The database of settings, or none; else $POSTIE_ISPDB, else Mozilla\'s' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l no-discovery -d 'Do not look for servers, neither in the name service nor on the web'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l allow-http -d 'Also take settings that are published by http, which anybody on the way can change'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l dry-run -d 'Show what is found, and change nothing'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l test -d 'Test the account before it is saved'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l dry-run -d 'Print what would be added, and what is not taken; change nothing'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l with-secrets -d 'Also take passwords that stand in the file'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l no-uids -d 'Leave the lists of fetched messages: the first fetch brings everything that is on the server'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from unset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from default" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l browser -d 'Open the browser also at the end of an SSH connection'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l no-browser -d 'Only show the address; the answer, or the address that the browser ends at, may be pasted'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l device -d 'Show a code to type in a browser on any device'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l register -d 'Have the server register another client for postie (RFC 7591), when it knows the last one no more'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add an account; on a terminal, asks for what is missing'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "import" -d 'Take over accounts of another mail program'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the accounts'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show an account, without secrets'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "set" -d 'Set one key of an account'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "unset" -d 'Remove one key of an account'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove an account'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "default" -d 'Show the default account, or set it'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "login" -d 'Log in to an account\'s provider in a browser (OAuth2), once; from then on tokens are renewed'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "path" -d 'Print the path of the configuration file'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check the configuration file'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show how it stands with OAuth2 tokens; exit code 77 if somebody must log in'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "logout" -d 'Log out: end what was granted to postie, and forget the tokens'
complete -c postie -n "__fish_postie_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postie -n "__fish_postie_using_subcommand completions" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand completions" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand completions" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand completions" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand completions" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand completions" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand completions" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand completions" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand completions" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand completions" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand completions" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand completions" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand completions" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand completions" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand completions" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand completions" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand completions" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand completions" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand completions" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand completions" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand man" -s A -l account -d 'Which account' -r
complete -c postie -n "__fish_postie_using_subcommand man" -s C -l config -d 'The configuration file' -r -F
complete -c postie -n "__fish_postie_using_subcommand man" -l server -d 'A server, without a configured account: pop3s://user@host[:port], pop3:// (STLS), pop3+insecure://, likewise imaps://, imap://, imap+insecure://, smtps://, smtp:// (STARTTLS), smtp+insecure://' -r
complete -c postie -n "__fish_postie_using_subcommand man" -l password-file -d 'Read the password from a file' -r -F
complete -c postie -n "__fish_postie_using_subcommand man" -l password-fd -d 'Read the password from an open file descriptor' -r
complete -c postie -n "__fish_postie_using_subcommand man" -l password-env -d 'Take the password from an environment variable' -r
complete -c postie -n "__fish_postie_using_subcommand man" -l password-command -d 'Take the password from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand man" -l token-command -d 'Take an OAuth2 access token from a command\'s output (run by sh -c)' -r
complete -c postie -n "__fish_postie_using_subcommand man" -l ca-file -d 'Also trust these certificate authorities (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand man" -l tls-fingerprint -d 'Trust only the certificate with this fingerprint, whatever its chain and names' -r
complete -c postie -n "__fish_postie_using_subcommand man" -l client-certificate -d 'Show servers this certificate of yours, with those of its issuers (PEM)' -r -F
complete -c postie -n "__fish_postie_using_subcommand man" -l client-key -d 'The key of that certificate (PEM) [default: in the same file]' -r -F
complete -c postie -n "__fish_postie_using_subcommand man" -l proxy -d 'Reach the mail servers through this SOCKS5 proxy: socks5://[user@]host[:port]; none: through no proxy' -r
complete -c postie -n "__fish_postie_using_subcommand man" -l timeout -d 'The time for one network operation [default: 60s; the reply to a sent message: 10m]' -r
complete -c postie -n "__fish_postie_using_subcommand man" -l max-time -d 'The time for the whole run' -r
complete -c postie -n "__fish_postie_using_subcommand man" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c postie -n "__fish_postie_using_subcommand man" -l json -d 'Write JSON Lines to standard output'
complete -c postie -n "__fish_postie_using_subcommand man" -s q -l quiet -d 'Print only errors'
complete -c postie -n "__fish_postie_using_subcommand man" -s v -l verbose -d 'Say what is done; twice: show the protocol\'s transcript, without secrets'
complete -c postie -n "__fish_postie_using_subcommand man" -l no-progress -d 'Show no progress bar'
complete -c postie -n "__fish_postie_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postie -n "__fish_postie_using_subcommand help; and not __fish_seen_subcommand_from fetch list send test-account config completions man help" -f -a "fetch" -d 'Download new messages into a Maildir, an mbox, or to a command'
complete -c postie -n "__fish_postie_using_subcommand help; and not __fish_seen_subcommand_from fetch list send test-account config completions man help" -f -a "list" -d 'Show what is on the server, download nothing'
complete -c postie -n "__fish_postie_using_subcommand help; and not __fish_seen_subcommand_from fetch list send test-account config completions man help" -f -a "send" -d 'Send a message'
complete -c postie -n "__fish_postie_using_subcommand help; and not __fish_seen_subcommand_from fetch list send test-account config completions man help" -f -a "test-account" -d 'Check every step from DNS to login, and say what to change'
complete -c postie -n "__fish_postie_using_subcommand help; and not __fish_seen_subcommand_from fetch list send test-account config completions man help" -f -a "config" -d 'Manage accounts'
complete -c postie -n "__fish_postie_using_subcommand help; and not __fish_seen_subcommand_from fetch list send test-account config completions man help" -f -a "completions" -d 'Print a script that completes postie\'s arguments in the shell'
complete -c postie -n "__fish_postie_using_subcommand help; and not __fish_seen_subcommand_from fetch list send test-account config completions man help" -f -a "man" -d 'Show a page of the manual'
complete -c postie -n "__fish_postie_using_subcommand help; and not __fish_seen_subcommand_from fetch list send test-account config completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "add" -d 'Add an account; on a terminal, asks for what is missing'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "import" -d 'Take over accounts of another mail program'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "list" -d 'List the accounts'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show an account, without secrets'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "set" -d 'Set one key of an account'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "unset" -d 'Remove one key of an account'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "remove" -d 'Remove an account'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "default" -d 'Show the default account, or set it'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "login" -d 'Log in to an account\'s provider in a browser (OAuth2), once; from then on tokens are renewed'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "path" -d 'Print the path of the configuration file'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check the configuration file'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "status" -d 'Show how it stands with OAuth2 tokens; exit code 77 if somebody must log in'
complete -c postie -n "__fish_postie_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "logout" -d 'Log out: end what was granted to postie, and forget the tokens'

function __fish_postie_words_after_config
    set -l words (commandline -opc) (commandline -ct)
    set -l at (contains -i -- config $words)
    and test (math (count $words) - $at) -eq $argv[1]
    and contains -- $words[(math $at + 1)] $argv[2..]
end
complete -c postie -n "__fish_postie_using_subcommand completions" -f -a "bash zsh fish powershell elvish"
complete -c postie -s A -l account -x -a "(postie completions accounts 2>/dev/null)"
complete -c postie -n "__fish_postie_words_after_config 2 show set unset remove default" -f -a "(postie completions accounts 2>/dev/null)"
complete -c postie -n "__fish_postie_words_after_config 3 set unset" -f -a "(postie completions keys 2>/dev/null)"
