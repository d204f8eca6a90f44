//! A link that plays a transcript in memory: session types run over it without a socket, with the server's
//! octets split at every point.

use super::peer::{End, Phase};
use super::script::{Machine, Move, Script, Step};
use postie::net::{Allowance, Limits, Link, NetError, Secure, TlsInfo, Wire};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Where the server's octets are cut into separate reads.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// Only where the script waits.
    Nowhere,
    /// Every so many octets.
    Every(usize),
    /// Once, after so many octets of the whole dialogue.
    At(usize),
    /// Nowhere; the connection ends after so many octets.
    Off(usize),
}

/// What the session did to the link.
#[derive(Debug, Default)]
pub struct Seen {
    /// What it sent, in order.
    pub sent: Vec<(Phase, Vec<u8>)>,
    /// Where it left the script.
    pub deviations: Vec<String>,
    /// How many octets the server sent.
    pub served: usize,
    /// Whether the script expected something more.
    pub unfinished: bool,
}

/// The link. Its clones are the same connection.
#[derive(Clone)]
pub struct ScriptLink {
    state: Arc<Mutex<State>>,
    info: Option<TlsInfo>,
}

struct State {
    machine: Machine,
    ready: VecDeque<u8>,
    end: Option<End>,
    tls_wanted: bool,
    write_lost: bool,
    until: Option<Instant>,
    cut: Cut,
    seen: Seen,
}

impl ScriptLink {
    /// Plays the first connection of `script`.
    pub fn new(script: &Script, cut: Cut) -> ScriptLink {
        ScriptLink::each(script, cut).remove(0)
    }

    /// Plays this script.
    pub fn of(text: &str) -> ScriptLink {
        ScriptLink::new(&Script::parse(text), Cut::Nowhere)
    }

    /// Plays each connection of `script`.
    pub fn each(script: &Script, cut: Cut) -> Vec<ScriptLink> {
        let link = |steps: &Vec<Step>| {
            let state = State {
                machine: Machine::new(steps),
                ready: VecDeque::new(),
                end: None,
                tls_wanted: false,
                write_lost: false,
                until: None,
                cut,
                seen: Seen::default(),
            };
            let info = script.implicit_tls.then(made_up);
            ScriptLink { state: Arc::new(Mutex::new(state)), info }
        };
        script.connections.iter().map(link).collect()
    }

    /// A wire over it.
    pub fn wire(&self, limits: Limits) -> Wire {
        Wire::new(Box::new(self.clone()), "mx.example.org:587", limits, None)
    }

    /// Fails unless the client followed the whole script and read all that the server sent.
    #[track_caller]
    pub fn assert_done(&self) {
        let seen = self.seen();
        assert!(seen.deviations.is_empty(), "{:#?}\nsent: {}", seen.deviations, self.sent());
        assert!(!seen.unfinished, "the script goes on; sent: {}", self.sent());
        let unread: Vec<u8> = self.state.lock().unwrap().ready.iter().copied().collect();
        assert!(unread.is_empty(), "not read: {:?}", String::from_utf8_lossy(&unread));
    }

    /// Everything the client sent.
    pub fn sent(&self) -> String {
        let octets: Vec<u8> = self.seen().sent.into_iter().flat_map(|(_, octets)| octets).collect();
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// In how many writes it sent it.
    pub fn writes(&self) -> usize {
        self.seen().sent.len()
    }

    /// Until when the client would have waited last.
    pub fn waits_until(&self) -> Instant {
        self.state.lock().unwrap().until.expect("the client has waited")
    }

    /// What happened so far.
    pub fn seen(&self) -> Seen {
        let state = self.state.lock().unwrap();
        Seen {
            sent: state.seen.sent.clone(),
            deviations: state.machine.deviations.clone(),
            served: state.seen.served,
            unfinished: state.machine.is_unfinished(),
        }
    }

    fn phase(&self) -> Phase {
        if self.info.is_some() { Phase::Tls } else { Phase::Plain }
    }
}

fn made_up() -> TlsInfo {
    TlsInfo {
        version: "TLSv1.3".into(),
        cipher: "TLS_AES_256_GCM_SHA384".into(),
        certificate: vec![0x30, 0],
        binding: None,
    }
}

impl State {
    /// Runs the script until it waits, ends or wants TLS.
    fn advance(&mut self) {
        while self.end.is_none() && !self.tls_wanted && !self.write_lost {
            match self.machine.next() {
                Move::Send(octets) => self.ready.extend(octets),
                Move::Repeat(times, octets) => {
                    let times = times.expect("a link in memory cannot send for ever");
                    (0..times).for_each(|_| self.ready.extend(&octets));
                }
                Move::Split(octets) => self.cut = Cut::Every(octets),
                Move::Tls => self.tls_wanted = true,
                Move::LoseWrite => self.write_lost = true,
                Move::End(end) => self.end = Some(end),
                Move::Wait => return,
            }
        }
    }
}

impl Read for ScriptLink {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        state.advance();
        if matches!(state.cut, Cut::Off(at) if state.seen.served >= at) {
            return Ok(0);
        }
        if state.ready.is_empty() {
            return match state.end {
                Some(End::Close) => Ok(0),
                Some(End::Truncate) => Err(io::ErrorKind::UnexpectedEof.into()),
                Some(End::Reset) => Err(io::ErrorKind::ConnectionReset.into()),
                // The server is silent: what a link gives when its time is over.
                Some(End::Stall | End::Kill | End::Interrupt | End::Terminate | End::Signal(_)) | None => {
                    Err(NetError::Timeout.into())
                }
            };
        }
        let served = state.seen.served;
        let most = match state.cut {
            Cut::Nowhere => usize::MAX,
            Cut::Every(octets) => octets,
            Cut::At(at) | Cut::Off(at) if served < at => at - served,
            Cut::At(_) | Cut::Off(_) => usize::MAX,
        };
        let got = into.len().min(most).min(state.ready.len());
        for (slot, octet) in into.iter_mut().zip(state.ready.drain(..got)) {
            *slot = octet;
        }
        state.seen.served += got;
        Ok(got)
    }
}

impl Write for ScriptLink {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let phase = self.phase();
        let mut state = self.state.lock().unwrap();
        // The script's first octets are there before the client's.
        state.advance();
        if matches!(state.end, Some(End::Reset)) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if std::mem::take(&mut state.write_lost) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if state.machine.strict && (state.end.is_some() || !state.ready.is_empty()) {
            let text = String::from_utf8_lossy(from).into_owned();
            let ahead = if state.end.is_some() { "behind the end" } else { "ahead of a reply" };
            state.machine.deviations.push(format!("the client sent {text:?} {ahead}"));
        }
        state.seen.sent.push((phase, from.to_vec()));
        state.machine.feed(from);
        state.advance();
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Link for ScriptLink {
    fn arm(&mut self, allowance: Allowance) {
        let now = Instant::now();
        self.state.lock().unwrap().until = Some(now + allowance.left(now));
    }

    fn secure(mut self: Box<Self>, _tls: &dyn Secure, _host: &str) -> Result<Box<dyn Link>, NetError> {
        {
            let mut state = self.state.lock().unwrap();
            state.advance();
            // Octets without TLS that were not read yet come in place of the handshake.
            if !state.tls_wanted || !state.ready.is_empty() {
                return Err(NetError::NotTls);
            }
            state.tls_wanted = false;
        }
        self.info = Some(made_up());
        Ok(self)
    }

    fn tls(&self) -> Option<&TlsInfo> {
        self.info.as_ref()
    }
}
