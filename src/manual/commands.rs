//! The pages of the commands.

use super::writer::{MANUAL, Writer, source};
use super::{Page, examples};
use crate::words::Exit;
use clap::{Arg, Command};
use clap_mangen::Man;
use std::io;

/// The pages in SEE ALSO of every command's page.
const REFERENCE: [&str; 3] = ["postie(1)", "postie-config(5)", "postie-json(5)"];

/// postie(1).
pub fn overview(root: &Command) -> io::Result<Page> {
    let mut out = Vec::new();
    let man = Man::new(root.clone()).source(source()).manual(MANUAL);
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    synopsis(root.clone(), &mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    man.render_subcommands_section(&mut out)?;
    let mut rest = Writer::default();
    exit_status(&mut rest);
    environment(&mut rest);
    rest.section("FILES")
        .item("~/.config/postie/config.toml", "The accounts: postie-config(5). Mode 0600 if a secret is in it. Without it, /etc/postie/config.toml.")
        .item(
            "~/.local/state/postie/ledger/",
            "The record of fetched messages, a file for each server account. Without it, messages that are still on \
             the server count as new again.",
        );
    rest.examples(examples::of("postie"));
    let others: Vec<String> =
        root.get_subcommands().map(|command| format!("postie-{}(1)", command.get_name())).collect();
    let mut others: Vec<&str> = others.iter().map(String::as_str).collect();
    others.extend(["postie-sendmail(1)", "postie-config(5)", "postie-json(5)"]);
    rest.see_also(&others);
    rest.finish(&mut out)?;
    Ok(Page { name: "postie".into(), section: 1, roff: out })
}

/// The page of a command.
pub fn page(command: &Command) -> io::Result<Page> {
    let name = format!("postie-{}", command.get_name());
    let mut out = Vec::new();
    // clap wants a `'static` name; each page is made at most once in a run.
    let title: &'static str = Box::leak(name.clone().into_boxed_str());
    let spoken = format!("postie {}", command.get_name());
    let shown = command.clone().name(title).display_name(title).bin_name(spoken);
    let shown = shown.disable_help_subcommand(true);
    let man = Man::new(shown.clone()).source(source()).manual(MANUAL);
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    synopsis(shown, &mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    let mut rest = Writer::default();
    verbs(command, &mut rest);
    if let Some(notes) = command.get_after_long_help().or(command.get_after_help()) {
        rest.section("NOTES").line(&notes.to_string());
    }
    exit_status(&mut rest);
    rest.examples(examples::of(command.get_name()));
    rest.see_also(&REFERENCE);
    rest.finish(&mut out)?;
    Ok(Page { name, section: 1, roff: out })
}

/// SYNOPSIS, in clap's words; clap_mangen would list all options without their values.
fn synopsis(mut command: Command, out: &mut Vec<u8>) -> io::Result<()> {
    let usage = command.render_usage().to_string();
    let mut section = Writer::default();
    section.section("SYNOPSIS").line(usage.trim_start_matches("Usage: ").trim());
    section.finish(out)
}

/// The subcommands of a command, and their arguments.
fn verbs(command: &Command, out: &mut Writer) {
    let verbs: Vec<&Command> =
        command.get_subcommands().filter(|verb| verb.get_name() != "help" && !verb.is_hide_set()).collect();
    if verbs.is_empty() {
        return;
    }
    out.section("VERBS");
    for verb in verbs {
        let own: Vec<&Arg> = verb.get_arguments().filter(|argument| is_own(argument)).collect();
        let options = if own.iter().any(|argument| !argument.is_positional()) { " [OPTIONS]" } else { "" };
        let words: Vec<String> =
            own.iter().filter(|argument| argument.is_positional()).map(|word| word.to_string()).collect();
        out.subsection(format!("{}{options} {}", verb.get_name(), words.join(" ")).trim_end());
        let about = verb.get_long_about().or(verb.get_about());
        out.line(&about.map(|about| format!("{about}.")).unwrap_or_default().replace("..", "."));
        for argument in own {
            let help = argument.get_long_help().or(argument.get_help());
            out.item(&argument.to_string(), &help.map(ToString::to_string).unwrap_or_default());
        }
    }
}

fn is_own(argument: &Arg) -> bool {
    !argument.is_global_set()
        && !argument.is_hide_set()
        && !matches!(argument.get_id().as_str(), "help" | "version")
}

pub fn exit_status(out: &mut Writer) {
    out.section("EXIT STATUS");
    for exit in Exit::ALL {
        let text = format!("{} (a script should: {})", exit.meaning(), exit.advice());
        out.item(&exit.code().to_string(), &text);
    }
}

fn environment(out: &mut Writer) {
    out.section("ENVIRONMENT");
    for (name, text) in [
        ("POSTIE_ACCOUNT", "The account, if --account is not given."),
        ("POSTIE_CONFIG", "The configuration file, if --config is not given."),
        (
            "POSTIE_POP3_URL, POSTIE_IMAP_URL, POSTIE_SMTP_URL",
            "Servers, as in --server: an account without a configuration file. They are used instead of the \
             configured accounts, unless --account or POSTIE_ACCOUNT is given.",
        ),
        ("POSTIE_FROM", "The author for POSTIE_SMTP_URL: an address, or Name <address>."),
        ("POSTIE_CA_FILE", "Further trusted certificate authorities for these servers."),
        (
            "POSTIE_PASSWORD, POSTIE_PASSWORD_FILE",
            "The secret, or the file it is in, instead of the configured one. An option for a secret comes before them.",
        ),
        ("POSTIE_ISPDB", "The database of settings that config add asks, or none."),
        (
            "HTTPS_PROXY, ALL_PROXY, NO_PROXY",
            "The proxy for https (http://[user:password@]host:port; the second may be socks5://host:port), and the hosts \
             that are reached without it. The names in small letters come first, as in curl. A value that names no such \
             proxy is an error where it would be used.",
        ),
        (
            "POSTIE_DNS, POSTIE_RESOLVE",
            "For tests: the one name server to ask (address:port), and where names lead (host:port:address:port,…).",
        ),
        ("XDG_CONFIG_HOME, XDG_STATE_HOME", "Where the configuration and the ledgers are."),
        ("SSL_CERT_FILE, SSL_CERT_DIR", "The certificate authorities to trust instead of the system's."),
        ("NO_COLOR", "If set, no colors."),
    ] {
        out.item(name, text);
    }
}
