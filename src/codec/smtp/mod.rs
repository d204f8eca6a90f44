//! SMTP (`RFC 5321`): replies (§4.2), the answer to EHLO, commands (§4.1). Not here: VRFY, EXPN, HELP, BDAT
//! chunks before the last one.

pub mod command;
pub mod ehlo;
pub mod reply;

pub use command::{EhloName, MailCommand, Notify, RcptCommand, Return, SmtpCommand};
pub use ehlo::{Extensions, SizeLimit};
pub use reply::{Assembler, Class, Reply, ReplyError};
