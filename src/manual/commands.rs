//! The pages of the commands.

use super::writer::{MANUAL, Writer, source};
use super::{Page, examples};
use crate::words::Exit;
use clap::{Arg, Command};
use clap_mangen::Man;
use std::io;

/// The pages that every command's page refers to.
const REFERENCE: [&str; 3] = ["postie(1)", "postie-config(5)", "postie-json(5)"];

/// The page of postie itself.
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
            "What was fetched, a file for each server account. Without it, what is still on the server counts as \
             new again.",
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
    // clap takes names that live for ever; a page is made once in a run.
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

/// How a command is called, in clap's words; its list of all options shows no values.
fn synopsis(mut command: Command, out: &mut Vec<u8>) -> io::Result<()> {
    let usage = command.render_usage().to_string();
    let mut section = Writer::default();
    section.section("SYNOPSIS").line(usage.trim_start_matches("Usage: ").trim());
    section.finish(out)
}

/// What the commands below a command are, and what they take.
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

/// The section of exit codes.
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
        ("POSTIE_ACCOUNT", "The account, where --account names none."),
        ("POSTIE_CONFIG", "The configuration file, where --config names none."),
        (
            "POSTIE_POP3_URL, POSTIE_SMTP_URL",
            "Servers as --server takes them: an account without any file. They come before the configuration's \
             accounts, unless --account or POSTIE_ACCOUNT names one.",
        ),
        ("POSTIE_FROM", "The author of what is sent with them: an address, or Name <address>."),
        ("POSTIE_CA_FILE", "The authorities that are trusted for them."),
        (
            "POSTIE_PASSWORD, POSTIE_PASSWORD_FILE",
            "The secret, or the file it is in; they come before the configuration's, behind the options.",
        ),
        ("XDG_CONFIG_HOME, XDG_STATE_HOME", "Where the configuration and the ledgers are."),
        ("SSL_CERT_FILE, SSL_CERT_DIR", "The authorities that are trusted instead of the system's."),
        ("NO_COLOR", "No colors, whatever the terminal."),
    ] {
        out.item(name, text);
    }
}
