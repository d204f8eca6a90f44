//! Makes the completions and the manual pages from the command line's definitions.

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use postie::cli::Cli;
use postie::words::Exit;
use std::io;
use std::path::PathBuf;

/// Every generated file: its path in the project, and its content.
pub fn files() -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for (shell, name) in [
        (Shell::Bash, "postie.bash"),
        (Shell::Zsh, "_postie"),
        (Shell::Fish, "postie.fish"),
        (Shell::PowerShell, "_postie.ps1"),
    ] {
        let mut content = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "postie", &mut content);
        files.push((PathBuf::from("completions").join(name), content));
    }
    let mut root = Cli::command();
    root.build();
    files.push(("man/postie.1".into(), overview(root.clone())?));
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        page(command, "postie", &mut files)?;
    }
    Ok(files)
}

/// The page of a command, and those of the commands below it.
fn page(command: &Command, above: &str, files: &mut Vec<(PathBuf, Vec<u8>)>) -> io::Result<()> {
    let name = format!("{above}-{}", command.get_name());
    let mut content = Vec::new();
    let spoken = name.replacen('-', " ", if command.get_name().contains('-') { 1 } else { usize::MAX });
    // clap takes names that live for ever; a generator ends soon enough.
    let title: &'static str = Box::leak(name.clone().into_boxed_str());
    let shown = command.clone().name(title).bin_name(spoken).disable_help_subcommand(true);
    Man::new(shown).source(source()).manual("postie manual").render(&mut content)?;
    exit_status(&mut content)?;
    files.push((PathBuf::from("man").join(format!("{name}.1")), content));
    Ok(())
}

fn overview(command: Command) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let man = Man::new(command).source(source()).manual("postie manual");
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    man.render_subcommands_section(&mut out)?;
    exit_status(&mut out)?;
    section(
        &mut out,
        "ENVIRONMENT",
        &[
            ("POSTIE_ACCOUNT", "the account, where --account names none"),
            ("POSTIE_CONFIG", "the configuration file, where --config names none"),
            (
                "POSTIE_POP3_URL, POSTIE_SMTP_URL",
                "servers as --server takes them: an account without any file",
            ),
            ("POSTIE_FROM", "the author of what is sent with them"),
            ("POSTIE_PASSWORD, POSTIE_PASSWORD_FILE", "the secret, before those of the configuration"),
            ("XDG_CONFIG_HOME, XDG_STATE_HOME", "where the configuration and the ledgers are"),
            ("NO_COLOR", "no colors, whatever the terminal"),
        ],
    )?;
    section(
        &mut out,
        "FILES",
        &[
            ("~/.config/postie/config.toml", "the accounts; mode 0600 if a secret is in it"),
            (
                "~/.local/state/postie/ledger/",
                "what was fetched, a file for each server account; not to be deleted: all that is on the servers would be fetched again",
            ),
        ],
    )?;
    Ok(out)
}

fn source() -> String {
    format!("postie {}", env!("CARGO_PKG_VERSION"))
}

fn exit_status(out: &mut Vec<u8>) -> io::Result<()> {
    let codes: Vec<(String, String)> = Exit::ALL
        .iter()
        .map(|exit| {
            (exit.code().to_string(), format!("{} (a script should: {})", exit.meaning(), exit.advice()))
        })
        .collect();
    let rows: Vec<(&str, &str)> = codes.iter().map(|(code, text)| (code.as_str(), text.as_str())).collect();
    section(out, "EXIT STATUS", &rows)
}

fn section(out: &mut Vec<u8>, title: &str, rows: &[(&str, &str)]) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (term, text) in rows {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*text)]);
    }
    roff.to_writer(out)
}
