//! What a failed session says about the next one.

/// How a session failed, as far as another one may fare better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setback {
    /// What may help.
    pub remedy: Remedy,
    /// The message at which it happened, by its place among those that were asked for.
    pub at: Option<usize>,
}

/// What may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// To send nothing in one flight with the login: the listings that went along were not answered at once,
    /// or not as listings. It is no fault that anybody has to hear of.
    NothingBehindLogin,
    /// One command at a time: it failed as with a server that announces PIPELINING and cannot do it. Its
    /// replies got out of step, or it hung up on the first commands that came together.
    WithoutPipelining,
    /// To take a bare LF for the end of a line: a message seemed to end as one does whose lines end so, on a
    /// server whose replies end in CRLF. Behind its lone dot there was silence.
    WithBareLines,
    /// To leave the message alone: its own octets put the dialogue out of step, since its dots are not
    /// stuffed, or its end is not one.
    WithoutMessage,
    /// To ask for the message once more: at it the line was lost, or the server fell silent.
    Again,
}
