//! postie: a blocking, scriptable mail utility.
//!
//! The layers, bottom up; a module imports only from its own layer or from those above it in this list
//! (`tests/it/layering.rs` holds it to that):
//!
//! | layer | modules | holds |
//! |---|---|---|
//! | 0 | `words` | exit codes, failures, secrets, addresses |
//! | 1 | `codec` | bytes in, values out |
//! | 1 | `process` | programs that the user has postie run |
//! | 2 | `net`, `streams` | links, TLS, the wire; the standard streams |
//! | 2 | `store` | durable delivery, the ledger |
//! | 3 | `mailbox` | what every protocol for reading mail has in common |
//! | 4 | `pop3`, `imap`, `smtp` | the sessions |
//! | 5 | `mail`, `account` | composing and reading mail, accounts and secrets |
//! | 6 | `work` | the jobs |
//! | 7 | `cli`, `output`, `manual`, `cmd` | arguments, output, the manual, the commands |
//! | 8 | `fuzzing` | doors for the fuzz targets, only with the feature of that name |

pub mod account;
pub mod cli;
mod cmd;
pub mod codec;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod imap;
pub mod mail;
pub mod mailbox;
pub mod manual;
pub mod net;
pub mod output;
pub mod pop3;
mod process;
pub mod smtp;
pub mod store;
mod streams;
pub mod words;
pub mod work;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs postie with these arguments, the program's name first; the whole of the binary.
///
/// If a signal asked to stop, everything is brought into a consistent state, the summary is written, and
/// then the process ends by that signal: the function does not return.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(cmd::run(args.into_iter().collect()).code())
}
