//! The ways in which a server goes wrong: faults of one message, quirks of the whole server.

use super::super::peer::End;
use super::row::{Row, Stop, Value};
use super::store::ImapStore;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Longer than any test waits.
const PATIENCE: Duration = Duration::from_secs(300);

/// A point at which the server waits until the test lets it continue. Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<(bool, bool)>, Condvar)>);

impl Gate {
    /// The server's side: says that it is here, and waits.
    pub fn pass(&self) {
        let mut state = self.0.0.lock().unwrap();
        state.0 = true;
        self.0.1.notify_all();
        drop(self.0.1.wait_timeout_while(state, PATIENCE, |state| !state.1).unwrap());
    }

    /// The test's side: waits until the server is here.
    pub fn await_arrival(&self) {
        let state = self.0.0.lock().unwrap();
        let waited = self.0.1.wait_timeout_while(state, PATIENCE, |state| !state.0).unwrap();
        assert!(!waited.1.timed_out(), "the server never came to the gate");
    }

    /// Lets the server continue, now and whenever it is here again.
    pub fn open(&self) {
        self.0.0.lock().unwrap().1 = true;
        self.0.1.notify_all();
    }
}

/// What another client does at a moment of the session.
#[derive(Clone)]
pub struct Deed(Arc<dyn Fn(&ImapStore) + Send + Sync>);

impl Deed {
    /// A deed.
    pub fn new(deed: impl Fn(&ImapStore) + Send + Sync + 'static) -> Deed {
        Deed(Arc::new(deed))
    }

    /// Does it.
    pub fn run(&self, store: &ImapStore) {
        (self.0)(store);
    }
}

impl fmt::Debug for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a deed")
    }
}

/// What is wrong with one message when its body is fetched.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection ends so many octets into the literal.
    CutInside(usize, End),
    /// The server waits at a gate so many octets into the literal.
    PauseInside(usize, Gate),
    /// `BODY[] NIL`.
    Nil,
    /// `BODY[] ""`.
    Empty,
    /// `BODY[]` as a quoted string.
    Quoted,
    /// A row without the body.
    NoBody,
    /// No row at all, and OK; `BODY[]` without PEEK has a made-up text, as Exchange's.
    Silent,
    /// The command ends here with this, such as `NO [UNAVAILABLE] Server error`; everything before was sent.
    Refused(&'static str),
    /// The literal's count is off by so many octets.
    Miscounted(i64),
    /// This in place of the literal's announcement, such as `{-1}` or `~{5}`.
    Announced(&'static str),
    /// This in place of `BODY[]`.
    Named(&'static str),
    /// The UID comes after the body.
    UidBehind,
    /// The row has no UID.
    NoUid,
    /// The row has this UID.
    WrongUid(u32),
    /// The row has this sequence number.
    Number(u64),
    /// The row comes so many times.
    Times(usize),
    /// The row comes once more, with another body.
    TwiceUnequal,
    /// These octets as an item before the others.
    ItemAhead(&'static str),
    /// These octets as an item after the body.
    ItemBehind(&'static str),
    /// This in place of an item's value; an item without one is left out.
    Item(&'static str, Option<&'static str>),
    /// UID and flags come in a row of their own, before the one with UID and body.
    Parted,
    /// These octets in front of the row.
    Ahead(&'static str),
    /// These octets after the row.
    Behind(&'static str),
    /// These octets in front of the row, then the end of the connection.
    EndsAhead(&'static str, End),
    /// Another client does something just before the row.
    Meanwhile(Deed),
}

impl Fault {
    /// Whether it concerns only the body, so that a listing is not changed.
    pub fn is_of_body(&self) -> bool {
        !matches!(self, Fault::Item(..) | Fault::NoUid | Fault::WrongUid(_) | Fault::Number(_))
    }

    /// Whether it sends something of its own beside the message.
    pub fn is_beside(&self) -> bool {
        matches!(self, Fault::Ahead(_) | Fault::Behind(_))
    }

    /// Applies a fault to a row. Faults that do not concern a row are applied by the session.
    pub fn apply(&self, row: &mut Row) {
        match self {
            Fault::CutInside(octets, end) => row.body_stops(*octets, Stop::End(*end)),
            Fault::PauseInside(octets, gate) => row.body_stops(*octets, Stop::Gate(gate.clone())),
            Fault::Nil => row.change_body(|value| *value = Value::text("NIL")),
            Fault::Empty => row.change_body(|value| *value = Value::text("\"\"")),
            Fault::Quoted => row.change_body(Value::quote),
            Fault::NoBody => row.items.retain(|item| !item.is_body()),
            Fault::Miscounted(octets) => row.change_body(|value| value.miscount(*octets)),
            Fault::Announced(text) => row.change_body(|value| value.announce(text)),
            Fault::Named(name) => row.name_body(name),
            Fault::UidBehind => row.items.sort_by_key(|item| item.name == "UID"),
            Fault::NoUid => row.set("UID", None),
            Fault::WrongUid(uid) => row.set("UID", Some(&uid.to_string())),
            Fault::Number(number) => row.number = *number,
            Fault::Item(name, value) => row.set(name, *value),
            Fault::ItemAhead(item) => row.ahead_of_items.push_str(item),
            Fault::ItemBehind(item) => row.behind_items.push_str(item),
            Fault::Silent
            | Fault::Refused(_)
            | Fault::Times(_)
            | Fault::TwiceUnequal
            | Fault::Parted
            | Fault::Ahead(_)
            | Fault::Behind(_)
            | Fault::EndsAhead(..)
            | Fault::Meanwhile(_) => {}
        }
    }
}

/// What a server that announces ESEARCH does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Esearch {
    /// It answers BAD.
    Bad,
    /// It answers with SEARCH.
    Plain,
    /// It answers OK and nothing.
    Nothing,
}

/// An oddity of the whole server.
#[derive(Clone, Debug)]
pub enum Quirk {
    /// With UTF-8 enabled, APPEND has no form of its own for headers in it (`RFC 9755`, appendix B.1).
    NoUtf8Append,
    /// Rows come in descending order.
    Descending,
    /// These octets, lines with their ends, in front of each row of a FETCH.
    Chatter(&'static str),
    /// The body of this UID comes in every FETCH of bodies, asked for or not.
    Unasked(u32),
    /// Names of items are in small letters.
    SmallLetters,
    /// Lines end in a bare LF.
    BareLf,
    /// What is sent goes out in pieces of so many octets.
    Pieces(usize),
    /// SELECT opens the folder read-only.
    ReadOnly,
    /// No flag can be kept: `PERMANENTFLAGS ()`.
    NoPermanentFlags,
    /// This in place of the line with UIDVALIDITY; empty for none.
    UidvalidityLine(&'static str),
    /// `UIDNOTSTICKY`.
    UidNotSticky,
    /// UIDNEXT is always this, or never told.
    Uidnext(Option<u32>),
    /// MESSAGES in STATUS and the number of EXISTS in SELECT is this.
    Exists(u32),
    /// SEARCH names only the first so many.
    SearchLimit(usize),
    /// ESEARCH is announced and broken.
    Esearch(Esearch),
    /// `n:*` above the last UID has nothing, as Courier's.
    StarIsStrict,
    /// Sets have to ascend; others are BAD.
    AscendingSets,
    /// A FETCH takes at most so many messages (`MESSAGELIMIT`).
    MessageLimit(usize),
    /// Only the newest so many are there to see.
    Newest(usize),
    /// EXPUNGE and UID EXPUNGE say OK and do nothing.
    ExpungesNothing,
    /// EXPUNGE and UID EXPUNGE say NO and have done it.
    ExpungesAndSaysNo,
    /// UID EXPUNGE is announced and BAD.
    UidExpungeBad,
    /// MOVE is announced and NO; so many messages are moved all the same.
    MoveNo(usize),
    /// COPYUID comes in the tagged answer of MOVE.
    CopyuidTagged,
    /// COPYUID and APPENDUID never come.
    NoCopyuid,
    /// `\Deleted` takes a message out of its folder at once, as Gmail's; the folder with `\All` keeps it. A move to
    /// the folder with `\Trash` takes it out of both.
    DeletesAtOnce,
    /// SELECT is refused before ID.
    IdFirst,
    /// An initial response is announced and BAD.
    InitialResponseBad,
    /// `+` comes alone, without a space after it, as with Exchange.
    BarePlus,
    /// LITERAL+ is announced, and the server asks for each literal all the same.
    AsksForLiterals,
    /// LITERAL+ is announced and BAD; literals that come unasked are read as commands.
    LiteralPlusBad,
    /// A literal is read so far, then the connection ends.
    LiteralCut(usize, End),
    /// LIST has each folder twice.
    ListsTwice,
    /// LIST with RETURN has nothing.
    ListExtendedEmpty,
    /// LIST with RETURN (STATUS) leaves the STATUS rows out.
    NoListStatus,
    /// `BODY[]` sets `\Seen` though the folder is open for reading alone.
    SeenInExamine,
    /// These octets before all responses to a command, such as `* OK Searched 91%` of UID SEARCH.
    SaysFirst(&'static str, &'static str),
    /// These octets directly before a command's tagged response.
    SaysLast(&'static str, &'static str),
    /// These octets after the `+` of IDLE.
    InIdle(&'static str),
    /// These octets after the reply to STARTTLS, without TLS.
    StarttlsSays(&'static str),
    /// LOGOUT ends the connection without an answer.
    RudeLogout,
}
