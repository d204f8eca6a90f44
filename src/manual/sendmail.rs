//! postie-sendmail(1).

use super::Page;
use super::commands::exit_status;
use super::writer::Writer;
use std::io;

pub fn page() -> io::Result<Page> {
    let mut page = Writer::page("postie-sendmail", 1, "postie as the system's sendmail");
    page.section("SYNOPSIS").line("sendmail [FLAGS] [RECIPIENT...]");
    page.section("DESCRIPTION")
        .line(
            "Called by a name that ends in sendmail (a symbolic link to it), postie takes the flags of that program: \
             cron, git, mutt and PHP need no other. A message comes on standard input and is sent through the \
             account's SMTP server; there is no queue and no daemon. The run ends when that server has the message, \
             or with the exit code that says why not.",
        )
        .paragraph(
            "The account is the one whose email is the -f address, else the From; else default-account, else the \
             only one. POSTIE_ACCOUNT and POSTIE_SMTP_URL come first, as everywhere.",
        );
    page.section("OPTIONS");
    for (flag, text) in [
        ("-t", "Recipients are those of To, Cc and Bcc, and those of the arguments. Bcc is always removed."),
        ("-i", "A line with only a dot does not end the message. -oi is the same."),
        ("-f ADDRESS, -r ADDRESS", "The sender of the envelope; <> is the null sender."),
        ("-F NAME", "The author's name, if the message has no From."),
        ("-s SUBJECT", "The subject; then all input is text (for logrotate)."),
        ("-N WHEN, -R WHAT, -V ID", "Delivery notifications: when, what they return, their identifier."),
        ("-C FILE", "The configuration file."),
        ("-bs", "SMTP on standard input and output."),
        ("-bp, -q", "The queue, which is always empty."),
        ("-v", "Say what is done; twice: show the protocol's transcript."),
    ] {
        page.item(flag, text);
    }
    page.paragraph(
        "Other flags for sendmail's queue and daemon have no effect; a mode that postie does not have is an error.",
    );
    page.section("ADDRESSES").line(
        "A recipient without a domain is replaced by its alias (the table aliases of the account), else it gets the \
         domain of the account; if that is a public provider's, it is replaced by the account's own address. A local \
         name in From, Sender or Reply-To is replaced by the account's from.",
    );
    exit_status(&mut page);
    page.section("FILES").item(
        "log-file of the account",
        "A line for each message, accepted or not; without it failures go to syslog, facility mail.",
    );
    page.examples(&[
        (
            "For cron, if no other program is /usr/sbin/sendmail:",
            "ln -s \"$(command -v postie)\" /usr/sbin/sendmail\npostie config set work aliases.root ana@example.org",
        ),
        ("For git:", "git config --global sendemail.sendmailCmd /usr/local/sbin/sendmail"),
        ("For PHP, in php.ini:", "sendmail_path = \"/usr/local/sbin/sendmail -t -i\""),
    ]);
    page.see_also(&["postie(1)", "postie-send(1)", "postie-config(5)"]);
    let mut roff = Vec::new();
    page.finish(&mut roff)?;
    Ok(Page { name: "postie-sendmail".into(), section: 1, roff })
}
