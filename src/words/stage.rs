//! What was being done when something failed.

use std::fmt;

/// What was being done, in the RFC's words where it has some. What to do about a failure may hang on this; on its
/// text, which is for people and for JSON, nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// POP3 `RFC 1939 §7`.
    Apop,
    /// Reading the arguments.
    Arguments,
    /// SMTP `RFC 4954`.
    Auth,
    /// POP3 `RFC 5034`, by this mechanism.
    AuthBy(&'static str),
    /// A POP3 login, before its first command.
    Authentication,
    /// SMTP `RFC 3030`, content and all.
    Bdat,
    /// Reading the authorities that are trusted.
    CaFile,
    /// POP3 `RFC 2449`.
    Capa,
    /// Reading or changing the configuration, getting a secret.
    Configuration,
    /// Connecting.
    Connect,
    /// SMTP.
    Data,
    /// POP3.
    Dele,
    /// Making messages durable.
    Delivery,
    /// Opening where messages go.
    Destination,
    /// SMTP.
    Ehlo,
    /// The final dot, and the reply to it.
    EndOfData,
    /// The run of an account.
    Fetch,
    /// The first line of a server.
    Greeting,
    /// SMTP.
    Helo,
    /// Reading what is to be sent.
    Input,
    /// Reading or writing the ledger.
    Ledger,
    /// POP3.
    List,
    /// Asking for the address of a host.
    LookUp,
    /// SMTP.
    MailFrom,
    /// Showing the manual.
    Manual,
    /// Making or reading a message.
    Message,
    /// POP3 and SMTP.
    Noop,
    /// POP3.
    Pass,
    /// Anything, at a bug.
    Postie,
    /// Asking on the terminal.
    Questions,
    /// POP3 and SMTP.
    Quit,
    /// SMTP.
    RcptTo,
    /// Writing what became of a message.
    Receipt,
    /// Settling what a killed run has left.
    Recovery,
    /// POP3.
    Retr,
    /// SMTP.
    Rset,
    /// Keeping a copy of what was sent.
    SaveCopy,
    /// A session as a whole.
    Session,
    /// Writing to it.
    StandardOutput,
    /// Starting a program.
    Start,
    /// SMTP `RFC 3207`.
    StartTls,
    /// POP3.
    Stat,
    /// POP3 `RFC 2595`.
    Stls,
    /// Storing a message.
    Store,
    /// TLS from the first octet.
    TlsHandshake,
    /// POP3.
    Top,
    /// POP3.
    Uidl,
    /// POP3.
    User,
    /// POP3 `RFC 6856`.
    Utf8,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Apop => "APOP",
            Stage::Arguments => "arguments",
            Stage::Auth => "AUTH",
            Stage::AuthBy(mechanism) => return write!(f, "AUTH {mechanism}"),
            Stage::Authentication => "authentication",
            Stage::Bdat => "BDAT",
            Stage::CaFile => "ca-file",
            Stage::Capa => "CAPA",
            Stage::Configuration => "configuration",
            Stage::Connect => "connect",
            Stage::Data => "DATA",
            Stage::Dele => "DELE",
            Stage::Delivery => "delivery",
            Stage::Destination => "destination",
            Stage::Ehlo => "EHLO",
            Stage::EndOfData => "end of data",
            Stage::Fetch => "fetch",
            Stage::Greeting => "greeting",
            Stage::Helo => "HELO",
            Stage::Input => "input",
            Stage::Ledger => "ledger",
            Stage::List => "LIST",
            Stage::LookUp => "look-up",
            Stage::MailFrom => "MAIL FROM",
            Stage::Manual => "manual",
            Stage::Message => "message",
            Stage::Noop => "NOOP",
            Stage::Pass => "PASS",
            Stage::Postie => "postie",
            Stage::Questions => "questions",
            Stage::Quit => "QUIT",
            Stage::RcptTo => "RCPT TO",
            Stage::Receipt => "receipt",
            Stage::Recovery => "recovery",
            Stage::Retr => "RETR",
            Stage::Rset => "RSET",
            Stage::SaveCopy => "save-copy",
            Stage::Session => "session",
            Stage::StandardOutput => "standard output",
            Stage::Start => "start",
            Stage::StartTls => "STARTTLS",
            Stage::Stat => "STAT",
            Stage::Stls => "STLS",
            Stage::Store => "store",
            Stage::TlsHandshake => "TLS handshake",
            Stage::Top => "TOP",
            Stage::Uidl => "UIDL",
            Stage::User => "USER",
            Stage::Utf8 => "UTF8",
        })
    }
}
