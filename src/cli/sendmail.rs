//! The arguments of `sendmail`, as programs have written them for forty years: single letters, also several in
//! one argument (`-ti`), values attached or separate (`-fADDR`, `-f ADDR`). Flags for sendmail's own queue and
//! daemon have no effect; a mode that postie does not have is an error.

use crate::words::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendmailArgs {
    pub mode: SendmailMode,
    /// `-t`: recipients come from the header, too.
    pub from_header: bool,
    /// `-i`: a line with only a dot is content.
    pub dots_are_content: bool,
    /// `-f`, `-r`: the sender of the envelope.
    pub sender: Option<String>,
    /// `-F`: the author's name, for a message without From.
    pub full_name: Option<String>,
    /// `-s`: the subject; then all input is text (logrotate calls its mail command so).
    pub subject: Option<String>,
    /// `-N`: when to notify.
    pub notify: Option<String>,
    /// `-R`: what a notification returns.
    pub ret: Option<String>,
    /// `-V`: the identifier of a notification.
    pub envid: Option<String>,
    /// `-C`: the configuration file.
    pub config: Option<PathBuf>,
    /// How often `-v` is given.
    pub verbose: u8,
    pub recipients: Vec<String>,
}

/// What `sendmail` must do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendmailMode {
    /// `-bm`: one message from standard input.
    #[default]
    Message,
    /// `-bs`: SMTP on standard input and output.
    Smtp,
    /// `-bp`: list the queue, which is always empty.
    Queue,
    /// `-q` alone: run the queue, which is always empty.
    RunQueue,
    /// `-bi`, `-I`: build the alias database, which does not exist.
    Aliases,
    Help,
    Version,
}

/// The letters whose value is attached or the next argument.
const WITH_VALUE: &str = "frFNRVBCLOoXhpADbes";
/// The letters whose value can only be attached.
const MAY_HAVE_VALUE: &str = "dq";
/// The letters without a value.
const ALONE: &str = "tinGvmUxcI";

impl SendmailArgs {
    /// Reads the arguments, without the program's name.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        let mut found = SendmailArgs::default();
        let mut runs_queue = false;
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let arg = text(arg)?;
            match arg.as_str() {
                "--" => {
                    found.recipients.extend(args.by_ref().map(text).collect::<Result<Vec<_>, _>>()?);
                }
                "--help" => found.mode = SendmailMode::Help,
                "--version" => found.mode = SendmailMode::Version,
                long if long.starts_with("--") => return Err(unknown(long)),
                flags if flags.len() > 1 && flags.starts_with('-') => {
                    let mut rest = flags[1..].chars();
                    while let Some(letter) = rest.next() {
                        if ALONE.contains(letter) {
                            found.flag(letter);
                            continue;
                        }
                        if MAY_HAVE_VALUE.contains(letter) {
                            runs_queue |= letter == 'q';
                            break;
                        }
                        if !WITH_VALUE.contains(letter) {
                            return Err(unknown(&format!("-{letter}")));
                        }
                        let value = match rest.as_str() {
                            "" => args.next().map(text).transpose()?,
                            attached => Some(attached.to_owned()),
                        };
                        let none = || Failure::usage(format!("-{letter}: a value is missing"));
                        found.option(letter, value.ok_or_else(none)?)?;
                        break;
                    }
                }
                _ => found.recipients.push(arg),
            }
        }
        if runs_queue
            && found.recipients.is_empty()
            && !found.from_header
            && found.mode == SendmailMode::Message
        {
            found.mode = SendmailMode::RunQueue;
        }
        Ok(found)
    }

    fn flag(&mut self, letter: char) {
        match letter {
            't' => self.from_header = true,
            'i' => self.dots_are_content = true,
            'I' => self.mode = SendmailMode::Aliases,
            'v' => self.verbose = self.verbose.saturating_add(1),
            _ => {}
        }
    }

    fn option(&mut self, letter: char, value: String) -> Result<(), Failure> {
        match letter {
            'f' | 'r' => self.sender = Some(value),
            'F' => self.full_name = Some(value).filter(|name| !name.is_empty()),
            's' => self.subject = Some(value),
            'N' => self.notify = Some(value),
            'R' => self.ret = Some(value),
            'V' => self.envid = Some(value),
            'C' => self.config = Some(value.into()),
            'b' => self.mode = mode(&value)?,
            // `-B` is not needed: whether the content is 8-bit is seen.
            'B' if !["7bit", "8bitmime"].contains(&value.to_ascii_lowercase().as_str()) => {
                return Err(Failure::usage("-B: it must be 7BIT or 8BITMIME"));
            }
            'o' if value.starts_with('i') => self.dots_are_content = true,
            'O' => {
                let (name, setting) = value.split_once('=').unwrap_or((&value, "true"));
                let on = !setting.to_ascii_lowercase().starts_with(['f', 'n']);
                if name.trim().eq_ignore_ascii_case("IgnoreDots") {
                    self.dots_are_content = on;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn mode(value: &str) -> Result<SendmailMode, Failure> {
    match value {
        "m" => Ok(SendmailMode::Message),
        "s" => Ok(SendmailMode::Smtp),
        "p" => Ok(SendmailMode::Queue),
        "i" => Ok(SendmailMode::Aliases),
        _ => Err(Failure::usage(format!("-b{}: not a mode that postie has", value.escape_debug()))
            .hint("-bm takes a message, -bs speaks SMTP; there is no queue and no daemon")),
    }
}

fn unknown(flag: &str) -> Failure {
    Failure::usage(format!("{}: not an option of sendmail", flag.escape_debug()))
        .hint("sendmail --help lists the options")
}

fn text(arg: OsString) -> Result<String, Failure> {
    arg.into_string().map_err(|arg| {
        let shown = arg.to_string_lossy().escape_debug().to_string();
        Failure::usage(format!("\"{shown}\": it is not UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<SendmailArgs, Failure> {
        SendmailArgs::read(line.split(' ').filter(|word| !word.is_empty()).map(OsString::from))
    }

    #[test]
    fn every_way_to_write_an_option_is_understood() {
        let want = SendmailArgs {
            from_header: true,
            dots_are_content: true,
            sender: Some("a@x.org".into()),
            ..SendmailArgs::default()
        };
        for line in [
            "-t -i -f a@x.org",
            "-ti -fa@x.org",
            "-t -oi -r a@x.org",
            "-toi -ra@x.org",
            "-tio em -f a@x.org",
            "-t -O IgnoreDots=true -f a@x.org",
            "-t -OIgnoreDots -oem -odb -om -n -G -L tag -X /dev/null -q1h -d0.1 -B8BITMIME -f a@x.org",
            "-bm -em -h 5 -p SMTP -Am -U -x -m -t -i -B 7bit -fa@x.org",
        ] {
            assert_eq!(read(line).unwrap(), want, "{line}");
        }
    }

    #[test]
    fn the_calls_of_cron_are_understood() {
        let debian = read("-FCronDaemon -i -B8BITMIME -oem root").unwrap();
        assert_eq!(debian.full_name.as_deref(), Some("CronDaemon"));
        assert_eq!(debian.recipients, ["root"]);
        assert!(debian.dots_are_content && !debian.from_header);
        let cronie = read("-FCronDaemon -i -odi -oem -oi -t -f root").unwrap();
        assert_eq!(cronie.sender.as_deref(), Some("root"));
        assert!(cronie.from_header && cronie.recipients.is_empty());
    }

    #[test]
    fn behind_two_dashes_everything_is_a_recipient() {
        assert_eq!(read("-i -- -t a@x.org").unwrap().recipients, ["-t", "a@x.org"]);
        assert_eq!(read("a@x.org -i b@x.org").unwrap().recipients, ["a@x.org", "b@x.org"]);
    }

    #[test]
    fn modes_that_postie_has_not_are_refused_and_its_queue_is_empty() {
        for line in ["-bd", "-bt", "-bv", "-b", "-f", "-Z", "--json", "-B9BIT", "-q -bd"] {
            assert_eq!(read(line).unwrap_err().kind(), crate::words::Kind::Usage, "{line}");
        }
        assert_eq!(read("-bs").unwrap().mode, SendmailMode::Smtp);
        assert_eq!(read("-bp").unwrap().mode, SendmailMode::Queue);
        assert_eq!(read("-bi").unwrap().mode, SendmailMode::Aliases);
        assert_eq!(read("-I").unwrap().mode, SendmailMode::Aliases);
        assert_eq!(read("-q").unwrap().mode, SendmailMode::RunQueue);
        assert_eq!(read("-q15m -t").unwrap().mode, SendmailMode::Message);
    }
}
