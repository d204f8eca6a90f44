//! The commands that print completion scripts and manual pages.

use super::complete::{NAMES, SHELLS};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

/// Print a script that completes postie's arguments in the shell; accounts and configuration keys too.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = shells())]
    pub shell: String,
}

/// Show a page of the manual: readable on a terminal, else as roff for man(1).
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The page: a command (fetch), config.5, json, sendmail [default: postie, with the list of pages]
    #[arg(value_name = "PAGE")]
    pub page: Option<String>,
}

/// The shells, and the lists that their scripts ask for.
fn shells() -> PossibleValuesParser {
    let shells = SHELLS.iter().map(|shell| PossibleValue::new(shell.name));
    let asked = NAMES.iter().map(|name| PossibleValue::new(*name).hide(true));
    PossibleValuesParser::new(shells.chain(asked).collect::<Vec<_>>())
}
