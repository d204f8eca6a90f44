//! What was being done when something failed.

use std::fmt;

/// What was being done: a command of the protocol, or a step of postie's own. The code may decide by it, but never
/// by its text, which is for people and for JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    Apop,
    /// Reading the arguments.
    Arguments,
    /// SMTP `RFC 4954`.
    Auth,
    /// POP3 `RFC 5034`, with this mechanism.
    AuthBy(&'static str),
    /// A POP3 login, before its first command.
    Authentication,
    /// BDAT with its content, and the reply.
    Bdat,
    /// Reading the certificate authorities of `--ca-file`.
    CaFile,
    Capa,
    /// Reading or changing the configuration, getting a secret.
    Configuration,
    Connect,
    Data,
    Dele,
    /// Making messages durable.
    Delivery,
    /// Opening the destination of fetch.
    Destination,
    Ehlo,
    /// The final dot, and the reply to it.
    EndOfData,
    /// The whole fetch of an account.
    Fetch,
    Greeting,
    Helo,
    /// Reading files to send.
    Input,
    /// Reading or writing the ledger.
    Ledger,
    List,
    /// Looking up the address of a host.
    LookUp,
    MailFrom,
    /// Showing the manual.
    Manual,
    /// Composing or reading a message.
    Message,
    Noop,
    Pass,
    /// Anything; used for bugs.
    Postie,
    /// Asking on the terminal.
    Questions,
    Quit,
    RcptTo,
    /// Writing a receipt.
    Receipt,
    /// Cleaning up after a run that was killed.
    Recovery,
    Retr,
    Rset,
    /// Storing a copy of a sent message.
    SaveCopy,
    /// A session as a whole.
    Session,
    StandardOutput,
    /// Starting a program.
    Start,
    StartTls,
    Stat,
    Stls,
    /// Storing a message.
    Store,
    /// The handshake of TLS from the first octet.
    TlsHandshake,
    Top,
    Uidl,
    User,
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
