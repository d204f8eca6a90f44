//! The server's side of SMTP (`RFC 5321`), for programs that speak SMTP with a process they start
//! (`sendmail -bs`). Not here: TLS, AUTH, VRFY and EXPN, the parameters of DSN.
//!
//! Nothing is queued, so the final reply is the result of sending the message on: 250 with the other server's
//! queue identifier, that server's own code if it refused or deferred, else 451 for what may be tried again and
//! 554 for what may not. If the outcome is unknown the reply is 554 5.4.2: after a 4xx the client would send the
//! message again, and it may have been delivered.
//!
//! If DATA ended in CRLF, only CRLF . CRLF ends the message; if it ended in LF, LF is a line end. What is not
//! complete at the end of the input is dropped.

use crate::codec::dot::{LineEnd, Unstuffer};
use crate::words::{Exit, Failure};
use std::io::{self, BufRead, BufReader, Read};

/// The most octets of a command, and the most recipients of a message.
const MAX_LINE: u64 = 4096;
const MAX_RECIPIENTS: usize = 10_000;
/// The most characters of a reply's text.
const MAX_TEXT: usize = 400;

const EXTENSIONS: [&str; 5] = ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE"];

/// The result of sending a message on.
#[derive(Debug)]
pub struct RelayVerdict {
    /// The exit code that `postie send` would have.
    pub exit: Exit,
    /// The failures; the first decided the exit code.
    pub failures: Vec<Failure>,
    /// The server's queue identifier, else the Message-ID.
    pub id: Option<String>,
}

/// Receives the messages of a client.
pub trait SubmissionHandler {
    /// MAIL: begins a message with this reverse-path (without angles).
    fn sender(&mut self, path: &str) -> Result<(), Failure>;

    /// RCPT: adds a recipient (without angles).
    fn recipient(&mut self, path: &str) -> Result<(), Failure>;

    /// DATA: takes the content up to the dot, and sends the message on.
    fn content(&mut self, content: &mut dyn BufRead) -> RelayVerdict;

    /// Drops a message that was begun.
    fn reset(&mut self);

    /// Sends the client a line of a reply; `false` if the client is gone.
    fn reply(&mut self, line: &str) -> bool;
}

/// Serves a client until QUIT, the end of its input, or until it reads no more.
pub fn serve(input: &mut dyn BufRead, receiver: &mut dyn SubmissionHandler) {
    let mut session = ServerSession { input, receiver, state: TransactionState::Idle };
    let mut goes_on = session.receiver.reply("220 localhost ESMTP postie");
    while goes_on {
        let Some(line) = session.line() else { return };
        goes_on = session.command(&line);
    }
}

/// The state of the mail transaction (`RFC 5321 §3.3`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum TransactionState {
    /// No MAIL yet.
    Idle,
    /// MAIL was accepted, and this many RCPT.
    Begun(usize),
}

struct ServerSession<'a> {
    input: &'a mut dyn BufRead,
    receiver: &'a mut dyn SubmissionHandler,
    state: TransactionState,
}

struct CommandLine {
    /// `None` if it is too long or not UTF-8.
    text: Option<String>,
    end: LineEnd,
}

impl ServerSession<'_> {
    /// The next command; `None` at the end of the input.
    fn line(&mut self) -> Option<CommandLine> {
        let mut octets = Vec::new();
        (&mut *self.input).take(MAX_LINE).read_until(b'\n', &mut octets).ok()?;
        let mut too_long = false;
        while !octets.ends_with(b"\n") {
            // Half a line at the end of the input is ignored; the rest of a line too long is skipped.
            too_long = true;
            octets.clear();
            if (&mut *self.input).take(MAX_LINE).read_until(b'\n', &mut octets).ok()? == 0 {
                return None;
            }
        }
        let end = if octets.ends_with(b"\r\n") { LineEnd::CrLf } else { LineEnd::Lf };
        let text = String::from_utf8(octets).ok().map(|text| text.trim_end().to_owned());
        Some(CommandLine { text: text.filter(|text| !too_long && !text.contains(char::is_control)), end })
    }

    /// Answers a command; `false` after QUIT, at the end of the input, or if the client is gone.
    fn command(&mut self, line: &CommandLine) -> bool {
        let Some(text) = &line.text else {
            return self.receiver.reply("500 5.5.2 this line is too long, or not UTF-8");
        };
        let (verb, argument) = text.split_once(' ').unwrap_or((text, ""));
        let reply = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                self.reset();
                self.receiver.reply("250-localhost");
                let (last, first) = EXTENSIONS.split_last().unwrap_or((&"HELP", &[]));
                for name in first {
                    self.receiver.reply(&format!("250-{name}"));
                }
                format!("250 {last}")
            }
            "HELO" | "RSET" => {
                self.reset();
                "250 2.0.0 as you wish".into()
            }
            "MAIL" => self.mail(argument),
            "RCPT" => self.rcpt(argument),
            "DATA" => return self.data(line.end),
            "NOOP" => "250 2.0.0 nothing done".into(),
            "VRFY" => "252 2.1.5 send, and you will hear".into(),
            "QUIT" => {
                self.receiver.reply("221 2.0.0 goodbye");
                return false;
            }
            _ => "502 5.5.1 not a command known here".into(),
        };
        self.receiver.reply(&reply)
    }

    fn reset(&mut self) {
        self.state = TransactionState::Idle;
        self.receiver.reset();
    }

    fn mail(&mut self, argument: &str) -> String {
        if self.state != TransactionState::Idle {
            return "503 5.5.1 one message at a time".into();
        }
        let Some((path, parameters)) = path(argument, "FROM:") else {
            return "501 5.5.4 MAIL FROM:<address> is wanted".into();
        };
        for parameter in parameters.split_whitespace() {
            let name = parameter.split('=').next().unwrap_or_default().to_ascii_uppercase();
            if !["SIZE", "BODY", "SMTPUTF8"].contains(&name.as_str()) {
                return format!("555 5.5.4 {}: not a parameter known here", one_line(&name));
            }
        }
        match self.receiver.sender(path) {
            Ok(()) => {
                self.state = TransactionState::Begun(0);
                "250 2.1.0 sender noted".into()
            }
            Err(failure) => format!("553 5.1.7 {}", one_line(&failure.message)),
        }
    }

    fn rcpt(&mut self, argument: &str) -> String {
        let TransactionState::Begun(recipients) = self.state else { return "503 5.5.1 MAIL first".into() };
        let Some((path, parameters)) = path(argument, "TO:") else {
            return "501 5.5.4 RCPT TO:<address> is wanted".into();
        };
        if !parameters.trim().is_empty() {
            return "555 5.5.4 parameters of RCPT are not known here".into();
        }
        if recipients >= MAX_RECIPIENTS {
            return "452 4.5.3 too many recipients".into();
        }
        match self.receiver.recipient(path) {
            Ok(()) => {
                self.state = TransactionState::Begun(recipients + 1);
                "250 2.1.5 recipient noted".into()
            }
            Err(failure) => format!("553 5.1.3 {}", one_line(&failure.message)),
        }
    }

    /// DATA; `false` if the input ended within the content, or the client is gone.
    fn data(&mut self, end: LineEnd) -> bool {
        if !matches!(self.state, TransactionState::Begun(1..)) {
            return self.receiver.reply("503 5.5.1 MAIL and RCPT first");
        }
        self.state = TransactionState::Idle;
        self.receiver.reply("354 go ahead");
        let mut content =
            DataContent { input: self.input, unstuffer: Unstuffer::new(end), ahead: Vec::new(), taken: 0 };
        let verdict = self.receiver.content(&mut BufReader::with_capacity(64 * 1024, &mut content));
        // The rest of a message that was refused half-way is skipped: the next command follows it.
        if !content.unstuffer.ended() && io::copy(&mut content, &mut io::sink()).is_err() {
            return false;
        }
        self.receiver.reply(&judgement(&verdict))
    }
}

/// The path in the argument of MAIL or RCPT, without its angles, and the rest.
fn path<'a>(argument: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    let head = argument.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix))?;
    let rest = argument[head.len()..].trim_start().strip_prefix('<')?;
    // A quoted local part may have an angle in it; one before a space or the end closes the path.
    let close = rest.find("> ").or_else(|| rest.strip_suffix('>').map(str::len))?;
    Some((&rest[..close], &rest[close + 1..]))
}

/// The final reply to a message.
fn judgement(verdict: &RelayVerdict) -> String {
    let failure = verdict.failures.first();
    let text = failure.map(|failure| one_line(&failure.to_string())).unwrap_or_default();
    let id = verdict.id.as_deref().map(one_line).unwrap_or_default();
    let theirs = failure.and_then(|failure| failure.reply.as_ref());
    let code = theirs.and_then(|reply| reply.code);
    let enhanced = |class: char, default: &str| {
        let theirs = theirs.and_then(|reply| reply.enhanced.clone());
        theirs.filter(|code| code.starts_with(class)).unwrap_or_else(|| default.to_owned())
    };
    match verdict.exit {
        Exit::Ok => format!("250 2.0.0 accepted as {id}"),
        Exit::Unknown => format!("554 5.4.2 it may have been delivered, do not send it again: {text}"),
        Exit::Partial => format!("554 5.5.0 only some recipients got it, do not send it again: {text}"),
        Exit::TempFail => {
            // Not 421: it would say that this connection closes, too.
            let code = code.filter(|code| (430..500).contains(code)).unwrap_or(451);
            format!("{code} {} {text}", enhanced('4', "4.3.0"))
        }
        Exit::Data => format!("554 5.6.0 {text}"),
        Exit::Config => format!("554 5.3.5 {text}"),
        _ => {
            let code = code.filter(|code| (550..560).contains(code)).unwrap_or(554);
            format!("{code} {} {text}", enhanced('5', "5.0.0"))
        }
    }
}

/// The start of a text, made fit for a reply line.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars().take(MAX_TEXT) {
        match c {
            ' ' | '!'..='~' => line.push(c),
            _ if c.is_control() => line.extend(c.escape_default()),
            _ => line.push('?'),
        }
    }
    line.truncate(MAX_TEXT);
    line
}

/// Reads the content of DATA up to its dot. It is an error if the input ends before.
struct DataContent<'a> {
    input: &'a mut dyn BufRead,
    unstuffer: Unstuffer,
    ahead: Vec<u8>,
    taken: usize,
}

impl Read for DataContent<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ahead.len() && !self.unstuffer.ended() {
            self.ahead.clear();
            self.taken = 0;
            let block = self.input.fill_buf()?;
            if block.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the input ends within the message",
                ));
            }
            let used = self.unstuffer.push(block, &mut self.ahead);
            self.input.consume(used);
        }
        let count = (self.ahead.len() - self.taken).min(into.len());
        into[..count].copy_from_slice(&self.ahead[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Kind, Stage, failure::ServerReply};

    #[test]
    fn a_path_is_what_stands_in_angles() {
        assert_eq!(path("FROM:<a@x.org>", "FROM:"), Some(("a@x.org", "")));
        assert_eq!(path("from: <a@x.org> SIZE=1", "FROM:"), Some(("a@x.org", " SIZE=1")));
        assert_eq!(path("FROM:<\"a>b\"@x.org> BODY=7BIT", "FROM:"), Some(("\"a>b\"@x.org", " BODY=7BIT")));
        assert_eq!(path("FROM:<>", "FROM:"), Some(("", "")));
        for bad in ["", "FROM:a@x.org", "TO:<a@x.org>", "FROM:<a@x.org", "FR\u{f6}M:<a>"] {
            assert_eq!(path(bad, "FROM:"), None, "{bad}");
        }
    }

    #[test]
    fn the_reply_says_whether_to_try_again() {
        let said = |kind: Kind, code: Option<(u16, &str)>| {
            let mut failure = Failure::new(kind, Stage::Data, "h:25: DATA: what\r\n250 ok");
            failure.reply = code.map(|(code, enhanced)| {
                Box::new(ServerReply { code: Some(code), enhanced: Some(enhanced.into()), lines: Vec::new() })
            });
            judgement(&RelayVerdict { exit: failure.exit(), failures: vec![failure], id: None })
        };
        for (reply, want) in [
            (said(Kind::Deferred, Some((452, "4.2.2"))), "452 4.2.2 h:25"),
            (said(Kind::Deferred, Some((421, "4.2.1"))), "451 4.2.1 h:25"),
            (said(Kind::Network, None), "451 4.3.0 h:25"),
            (said(Kind::Recipient, Some((550, "5.1.1"))), "550 5.1.1 h:25"),
            (said(Kind::Auth, Some((535, "5.7.8"))), "554 5.7.8 h:25"),
            (said(Kind::Config, None), "554 5.3.5 h:25"),
            (said(Kind::Unknown, None), "554 5.4.2 it may have been delivered, do not send it again"),
        ] {
            assert!(reply.starts_with(want), "{reply}");
            assert!(!reply.contains(['\r', '\n']) && reply.is_ascii(), "{reply:?}");
        }
    }
}
