//! `-bs`: a client speaks SMTP on standard input and output, and each message is sent as it arrives.

use super::hand_on;
use crate::cmd::Context;
use crate::mail::Entry;
use crate::smtp::server::{RelayVerdict, SubmissionHandler, serve};
use crate::streams::Input;
use crate::words::{Exit, Failure, Kind, ReversePath, Stage};
use crate::work::local::{LocalMessage, people, reverse_path};
use crate::work::send::Options;
use std::io::{BufRead, BufReader};

/// Serves the client on standard input.
pub fn run(options: &Options, context: &mut Context) -> Result<(), Failure> {
    let mut stdin = BufReader::with_capacity(64 * 1024, Input::stdin(&context.limits));
    serve(
        &mut stdin,
        &mut SendmailClient { options, sender: ReversePath::Null, recipients: Vec::new(), context },
    );
    context.out.settle(Exit::Ok);
    Ok(())
}

/// The client, and its current message.
struct SendmailClient<'a> {
    options: &'a Options,
    sender: ReversePath,
    recipients: Vec<Entry>,
    context: &'a mut Context,
}

impl SubmissionHandler for SendmailClient<'_> {
    fn sender(&mut self, path: &str) -> Result<(), Failure> {
        self.sender = reverse_path(path)?;
        Ok(())
    }

    fn recipient(&mut self, path: &str) -> Result<(), Failure> {
        match people("the recipient", path)?.as_slice() {
            [one @ Entry::Mailbox(_)] => self.recipients.push(one.clone()),
            _ => return Err(Failure::new(Kind::Input, Stage::RcptTo, "exactly one address is wanted")),
        }
        Ok(())
    }

    fn content(&mut self, content: &mut dyn BufRead) -> RelayVerdict {
        let message = LocalMessage {
            source: content,
            sender: Some(std::mem::take(&mut self.sender)),
            recipients: std::mem::take(&mut self.recipients),
            from_header: false,
            full_name: None,
            subject: None,
            options: self.options,
            mends: false,
        };
        hand_on(message, self.context)
    }

    fn reset(&mut self) {
        self.sender = ReversePath::Null;
        self.recipients.clear();
    }

    fn reply(&mut self, line: &str) -> bool {
        self.context.out.raw(format!("{line}\r\n").as_bytes());
        self.context.out.flush();
        !self.context.out.stdout_lost()
    }
}
