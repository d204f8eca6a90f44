//! SMTP (`RFC 5321`): replies (§4.2), the answer to EHLO, commands (§4.1). Not here: VRFY, EXPN, HELP, BDAT
//! chunks before the last one.

pub(crate) mod command;
pub(crate) mod ehlo;
pub(crate) mod reply;

pub(crate) use command::SmtpCommand;
pub use command::{EhloName, MailCommand, Notify, RcptCommand, Return};
pub use ehlo::Extensions;
pub(crate) use ehlo::SizeLimit;
pub use reply::Assembler;
pub(crate) use reply::Reply;
