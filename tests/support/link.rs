//! A link that plays a transcript in memory: session types run against it without a socket, at every
//! split point of what the server sends.

use super::peer::{End, Phase};
use super::script::{Machine, Move, Script};
use postie::net::{Allowance, Link, NetError, Secure, TlsInfo};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

/// Where the server's octets are cut into separate reads.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// Nowhere but where the script waits.
    Nowhere,
    /// Every so many octets.
    Every(usize),
    /// Once, after so many octets of the whole dialogue.
    At(usize),
    /// Nowhere, but the connection ends after so many octets.
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
    /// Whether the script still wanted something.
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
    cut: Cut,
    seen: Seen,
}

impl ScriptLink {
    /// Plays the first connection of `script`.
    pub fn new(script: &Script, cut: Cut) -> ScriptLink {
        let state = State {
            machine: Machine::new(&script.connections[0]),
            ready: VecDeque::new(),
            end: None,
            tls_wanted: false,
            cut,
            seen: Seen::default(),
        };
        let info = script.implicit_tls.then(made_up);
        ScriptLink { state: Arc::new(Mutex::new(state)), info }
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
    TlsInfo { version: "TLSv1.3".into(), cipher: "TLS_AES_256_GCM_SHA384".into(), certificate: vec![0x30, 0] }
}

impl State {
    /// Runs the script until it waits, ends or wants TLS.
    fn advance(&mut self) {
        while self.end.is_none() && !self.tls_wanted {
            match self.machine.next() {
                Move::Send(octets) => self.ready.extend(octets),
                Move::Repeat(times, octets) => {
                    let times = times.expect("a link in memory cannot send for ever");
                    (0..times).for_each(|_| self.ready.extend(&octets));
                }
                Move::Split(octets) => self.cut = Cut::Every(octets),
                Move::Tls => self.tls_wanted = true,
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
                Some(End::Stall | End::Kill | End::Interrupt | End::Terminate) | None => {
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
        if matches!(state.end, Some(End::Reset)) {
            return Err(io::ErrorKind::BrokenPipe.into());
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
    fn arm(&mut self, _: Allowance) {}

    fn secure(mut self: Box<Self>, _tls: &dyn Secure, _host: &str) -> Result<Box<dyn Link>, NetError> {
        {
            let mut state = self.state.lock().unwrap();
            state.advance();
            // Octets in clear that nobody has read yet stand where the handshake should.
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
