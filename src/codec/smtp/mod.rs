//! SMTP: replies, the answer to EHLO, commands (`RFC 5321`).

pub mod command;
pub mod ehlo;
pub mod reply;

pub use command::{EhloName, MailCommand, Notify, RcptCommand, Return, SmtpCommand};
pub use ehlo::{Extensions, SizeLimit};
pub use reply::{Assembler, Class, Reply, ReplyError};
