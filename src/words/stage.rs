//! What was being done when something failed.

use super::MechanismName;
use std::fmt;

/// What was being done: a command of the protocol, or a step of postie's own. The code may decide by it, but never
/// by its text, which is for people and for JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    Apop,
    Append,
    /// Reading the arguments.
    Arguments,
    /// SMTP `RFC 4954`.
    Auth,
    /// POP3 `RFC 5034`, with this mechanism.
    AuthBy(MechanismName),
    /// A login to a mailbox, before its first command.
    Authentication,
    /// A login at an authorization server (OAuth2), by a person.
    Authorization,
    /// IMAP `RFC 3501 §6.2.2`, with this mechanism.
    AuthenticateBy(MechanismName),
    /// What follows in a batch, of which some messages have been sent.
    Batch,
    /// BDAT with its content, and the reply.
    Bdat,
    /// Reading the client's own certificate.
    ClientCertificate,
    /// Reading the certificate authorities of `--ca-file`.
    CaFile,
    Capa,
    Capability,
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
    Enable,
    /// The final dot, and the reply to it.
    EndOfData,
    Examine,
    Expunge,
    /// The whole fetch of an account.
    Fetch,
    /// Reading a document by HTTP.
    Get,
    Greeting,
    Helo,
    Id,
    /// Waiting for what the server tells (`RFC 2177`).
    Idle,
    /// Reading files to send.
    Input,
    /// Reading or writing the ledger.
    Ledger,
    Login,
    Logout,
    List,
    /// Looking up the address of a host.
    LookUp,
    MailFrom,
    /// Showing the manual.
    Manual,
    /// Composing or reading a message.
    Message,
    Namespace,
    Noop,
    Pass,
    /// Sending a form by HTTP.
    Post,
    /// Anything; used for bugs.
    Postie,
    /// Asking on the terminal.
    Questions,
    /// Having a proxy connect.
    Proxy,
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
    Search,
    Select,
    /// A session as a whole.
    Session,
    StandardOutput,
    /// Starting a program.
    Start,
    StartTls,
    Stat,
    Status,
    Stls,
    /// Storing a message.
    Store,
    /// The handshake of TLS from the first octet.
    TlsHandshake,
    /// Getting OAuth2 tokens from an authorization server.
    Token,
    Top,
    UidCopy,
    UidExpunge,
    UidFetch,
    Uidl,
    UidMove,
    UidStore,
    User,
    Utf8,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Apop => "APOP",
            Stage::Append => "APPEND",
            Stage::Arguments => "arguments",
            Stage::Auth => "AUTH",
            Stage::AuthBy(mechanism) => return write!(f, "AUTH {mechanism}"),
            Stage::Authentication => "authentication",
            Stage::Authorization => "authorization",
            Stage::AuthenticateBy(mechanism) => return write!(f, "AUTHENTICATE {mechanism}"),
            Stage::Batch => "batch",
            Stage::Bdat => "BDAT",
            Stage::CaFile => "ca-file",
            Stage::ClientCertificate => "client-certificate",
            Stage::Capa => "CAPA",
            Stage::Capability => "CAPABILITY",
            Stage::Configuration => "configuration",
            Stage::Connect => "connect",
            Stage::Data => "DATA",
            Stage::Dele => "DELE",
            Stage::Delivery => "delivery",
            Stage::Destination => "destination",
            Stage::Ehlo => "EHLO",
            Stage::Enable => "ENABLE",
            Stage::EndOfData => "end of data",
            Stage::Examine => "EXAMINE",
            Stage::Expunge => "EXPUNGE",
            Stage::Fetch => "fetch",
            Stage::Get => "GET",
            Stage::Greeting => "greeting",
            Stage::Helo => "HELO",
            Stage::Id => "ID",
            Stage::Idle => "IDLE",
            Stage::Input => "input",
            Stage::Ledger => "ledger",
            Stage::Login => "LOGIN",
            Stage::Logout => "LOGOUT",
            Stage::List => "LIST",
            Stage::LookUp => "look-up",
            Stage::MailFrom => "MAIL FROM",
            Stage::Manual => "manual",
            Stage::Message => "message",
            Stage::Namespace => "NAMESPACE",
            Stage::Noop => "NOOP",
            Stage::Pass => "PASS",
            Stage::Post => "POST",
            Stage::Postie => "postie",
            Stage::Questions => "questions",
            Stage::Proxy => "proxy",
            Stage::Quit => "QUIT",
            Stage::RcptTo => "RCPT TO",
            Stage::Receipt => "receipt",
            Stage::Recovery => "recovery",
            Stage::Retr => "RETR",
            Stage::Rset => "RSET",
            Stage::SaveCopy => "save-copy",
            Stage::Search => "UID SEARCH",
            Stage::Select => "SELECT",
            Stage::Session => "session",
            Stage::StandardOutput => "standard output",
            Stage::Start => "start",
            Stage::StartTls => "STARTTLS",
            Stage::Stat => "STAT",
            Stage::Status => "STATUS",
            Stage::Stls => "STLS",
            Stage::Store => "store",
            Stage::TlsHandshake => "TLS handshake",
            Stage::Token => "token",
            Stage::Top => "TOP",
            Stage::UidCopy => "UID COPY",
            Stage::UidExpunge => "UID EXPUNGE",
            Stage::UidFetch => "UID FETCH",
            Stage::Uidl => "UIDL",
            Stage::UidMove => "UID MOVE",
            Stage::UidStore => "UID STORE",
            Stage::User => "USER",
            Stage::Utf8 => "UTF8",
        })
    }
}
