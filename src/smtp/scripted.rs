//! A link that plays a server from a script, for tests. One line of the script is one line of the
//! dialogue:
//!
//! ```text
//! S: what the server sends          C: what the client must send
//! -- close   the server closes      -- reset  writes fail, reads end
//! -- stall   nothing comes, ever    -- tls    a handshake
//! ```
//!
//! Anything else the client does fails the test.

use crate::net::{Allowance, Limits, Link, NetError, Secure, TlsInfo, Wire};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::time::Instant;

#[derive(Clone, Debug, PartialEq, Eq)]
enum ScriptStep {
    Server(Vec<u8>),
    Client(Vec<u8>),
    Close,
    Reset,
    Stall,
    Tls,
}

/// The script, shared between the link and the test.
#[derive(Clone)]
pub(crate) struct Script(Rc<RefCell<Play>>);

struct Play {
    steps: VecDeque<ScriptStep>,
    sent: Vec<u8>,
    piece: usize,
    writes: usize,
    until: Option<Instant>,
}

impl Script {
    pub fn new(text: &str) -> Self {
        let mut steps: VecDeque<ScriptStep> = VecDeque::new();
        for line in text.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
            let octets = |text: &str| format!("{text}\r\n").into_bytes();
            let step = match line.split_at_checked(3) {
                _ if line == "S:" || line == "C:" => panic!("an empty line is written `C: `"),
                Some(("S: ", text)) => ScriptStep::Server(octets(text)),
                Some(("C: ", text)) => ScriptStep::Client(octets(text)),
                Some(("-- ", "close")) => ScriptStep::Close,
                Some(("-- ", "reset")) => ScriptStep::Reset,
                Some(("-- ", "stall")) => ScriptStep::Stall,
                Some(("-- ", "tls")) => ScriptStep::Tls,
                _ => panic!("not a line of a script: {line:?}"),
            };
            match (steps.back_mut(), step) {
                (Some(ScriptStep::Server(before)), ScriptStep::Server(more)) => before.extend(more),
                (Some(ScriptStep::Client(before)), ScriptStep::Client(more)) => before.extend(more),
                (_, step) => steps.push_back(step),
            }
        }
        let play = Play { steps, sent: Vec::new(), piece: usize::MAX, writes: 0, until: None };
        Script(Rc::new(RefCell::new(play)))
    }

    /// The server's octets come in pieces of this size.
    pub fn in_pieces(self, piece: usize) -> Self {
        self.0.borrow_mut().piece = piece;
        self
    }

    pub fn wire(&self) -> Wire {
        self.wire_within(Limits::default())
    }

    pub fn wire_within(&self, limits: Limits) -> Wire {
        let link = ScriptLink { play: Rc::clone(&self.0), tls: None };
        Wire::new(Box::new(link), "mx.example.org:587", limits, None)
    }

    /// Fails the test unless the whole script was played.
    pub fn assert_done(&self) {
        let play = self.0.borrow();
        assert!(play.steps.is_empty(), "left of the script: {}", show(&play.steps));
    }

    /// Everything the client sent.
    pub fn sent(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow().sent).into_owned()
    }

    /// Until when the client would have waited last.
    pub fn waits_until(&self) -> Instant {
        self.0.borrow().until.expect("the client has waited")
    }

    /// In how many writes it sent it.
    pub fn writes(&self) -> usize {
        self.0.borrow().writes
    }
}

fn show(steps: &VecDeque<ScriptStep>) -> String {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let shown = steps.iter().map(|step| match step {
        ScriptStep::Server(octets) => format!("S: {:?}", text(octets)),
        ScriptStep::Client(octets) => format!("C: {:?}", text(octets)),
        other => format!("{other:?}"),
    });
    shown.collect::<Vec<_>>().join("\n")
}

struct ScriptLink {
    play: Rc<RefCell<Play>>,
    tls: Option<TlsInfo>,
}

impl Read for ScriptLink {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut play = self.play.borrow_mut();
        let piece = play.piece;
        match play.steps.front_mut() {
            Some(ScriptStep::Server(octets)) => {
                let count = octets.len().min(into.len()).min(piece);
                into[..count].copy_from_slice(&octets[..count]);
                octets.drain(..count);
                if octets.is_empty() {
                    play.steps.pop_front();
                }
                Ok(count)
            }
            Some(ScriptStep::Close) => {
                play.steps.pop_front();
                Ok(0)
            }
            Some(ScriptStep::Reset) => Ok(0),
            Some(ScriptStep::Stall) => {
                play.steps.pop_front();
                Err(NetError::Timeout.into())
            }
            Some(ScriptStep::Client(_) | ScriptStep::Tls) | None => {
                panic!("the client waits for a reply, but the script goes on with:\n{}", show(&play.steps))
            }
        }
    }
}

impl Write for ScriptLink {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let mut play = self.play.borrow_mut();
        if play.steps.front() == Some(&ScriptStep::Reset) {
            play.steps.pop_front();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        play.sent.extend_from_slice(from);
        play.writes += 1;
        let mut left = from;
        while !left.is_empty() {
            let Some(ScriptStep::Client(wanted)) = play.steps.front_mut() else {
                let text = String::from_utf8_lossy(left);
                panic!("the client sent {text:?}, but the script goes on with:\n{}", show(&play.steps));
            };
            let count = wanted.len().min(left.len());
            let (got, want) =
                (String::from_utf8_lossy(&left[..count]), String::from_utf8_lossy(&wanted[..count]));
            assert_eq!(got, want, "the client sent something else");
            wanted.drain(..count);
            left = &left[count..];
            if wanted.is_empty() {
                play.steps.pop_front();
            }
        }
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Link for ScriptLink {
    fn arm(&mut self, allowance: Allowance) {
        let now = Instant::now();
        self.play.borrow_mut().until = Some(now + allowance.left(now));
    }

    fn secure(self: Box<Self>, _tls: &dyn Secure, _host: &str) -> Result<Box<dyn Link>, NetError> {
        let step = self.play.borrow_mut().steps.pop_front();
        assert_eq!(step, Some(ScriptStep::Tls), "the client begins a handshake");
        let info = TlsInfo { version: "TLSv1.3".into(), cipher: "X".into(), certificate: Vec::new() };
        Ok(Box::new(ScriptLink { play: self.play, tls: Some(info) }))
    }

    fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_ref()
    }
}
