//! What may help in the next session after one failed.

/// A failure that another session may avoid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setback {
    pub remedy: Remedy,
    /// At which of the wanted messages it happened (an index).
    pub at: Option<usize>,
}

/// What may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Send nothing together with the login: the listings sent early were not answered soon, or not as listings.
    /// The user need not hear of it.
    LoginAlone,
    /// Send one command at a time: the server announces PIPELINING but seems not to be able to do it. Its replies
    /// were out of step, or it hung up on the first commands sent together.
    WithoutPipelining,
    /// Take a bare LF for a line end: after a dot alone on such a line the server fell silent, though its replies
    /// end in CRLF.
    WithBareLines,
    /// Leave the message out: its octets put the dialogue out of step (dots not stuffed, no proper terminator).
    WithoutMessage,
    /// Ask for the message once more: the line was lost, or the server fell silent.
    Again,
}
