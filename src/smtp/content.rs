//! The content, and the moment after which nobody can take it back.

use super::opening::Ready;
use super::transaction::Said;
use crate::codec::dot::Stuffer;
use crate::codec::smtp::reply::Class;
use crate::words::{Failure, Kind, Scope};
use std::io::{ErrorKind, Read};
use std::time::Duration;

/// How long may the server take for its verdict after the final dot (`RFC 5321 §4.5.3.2.6`)? Giving up
/// sooner makes duplicates.
pub const FINAL_REPLY: Duration = Duration::from_secs(600);

/// How much content is encoded at a time.
const BLOCK: usize = 64 * 1024;

/// The stage of the final dot and the reply to it.
const END: &str = "end of data";

impl Ready {
    /// Sends the content and reads the verdict. Sets `handed_over` before the final dot may leave. A 4yz is
    /// [`Kind::Deferred`], a 5yz [`Kind::Rejected`]; any other error is a known loss before that moment,
    /// and [`Kind::Unknown`] after it.
    pub(super) fn content(
        &mut self,
        content: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
        handed_over: &mut bool,
    ) -> Result<Said, Failure> {
        let mut stuffer = Stuffer::new();
        let (mut block, mut encoded) = (vec![0; BLOCK], Vec::with_capacity(BLOCK + BLOCK / 64));
        loop {
            let got = match content.read(&mut block) {
                Ok(0) => break,
                Ok(got) => got,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    // Without its end the server drops what it has.
                    self.dialogue.wire.mark_broken();
                    let message = format!("{}: DATA: reading the message: {error}", self.place());
                    return Err(Failure::new(Kind::Storage, "DATA", message).scoped(Scope::Message));
                }
            };
            encoded.clear();
            stuffer.push(&block[..got], &mut encoded);
            let sent = self.dialogue.wire.data(&encoded);
            sent.map_err(|error| self.dialogue.write_failed("DATA", &error))?;
            progress(got as u64);
        }
        encoded.clear();
        stuffer.finish(&mut encoded);
        *handed_over = true;
        self.hand_over(&encoded)
    }

    /// From here on the message may be delivered, whatever happens.
    fn hand_over(&mut self, end: &[u8]) -> Result<Said, Failure> {
        let wire = &mut self.dialogue.wire;
        if let Err(error) = wire.data(end).and_then(|()| wire.flush()) {
            let failure = self.dialogue.write_failed(END, &error);
            return Err(if failure.reply.is_some() { failure } else { unknown(failure) });
        }
        self.dialogue.wire.begin_within(FINAL_REPLY);
        let reply = match self.dialogue.reply(END) {
            Ok(reply) => reply,
            // 421 is a verdict too: not taken, and the session is over.
            Err(failure) if failure.kind == Kind::Deferred => return Err(failure),
            Err(failure) => return Err(unknown(failure)),
        };
        self.dirty = false;
        match reply.class() {
            Class::Success => Ok(self.said(&reply)),
            Class::Transient => {
                Err(self.dialogue.refused(Kind::Deferred, END, &reply).scoped(Scope::Message))
            }
            Class::Permanent => {
                Err(self.dialogue.refused(Kind::Rejected, END, &reply).scoped(Scope::Message))
            }
            Class::Intermediate => Err(unknown(self.dialogue.nonsense(END, &reply))),
        }
    }
}

/// The same failure as one that leaves open whether the message was delivered.
fn unknown(cause: Failure) -> Failure {
    let message = format!("{}; the message was handed over and may have been delivered", cause.message);
    let mut failure = Failure::new(Kind::Unknown, END, message)
        .scoped(Scope::Message)
        .hint("look for its Message-ID at the recipient before sending it again");
    failure.reply = cause.reply;
    failure
}
