//! The server's side of one connection: lines in, octets out, TLS between them, every way to end it, and a
//! journal of everything that the client sent, with or without TLS.

use super::mailbox::Hold;
use openssl::ssl::{ShutdownState, SslAcceptor, SslRef, SslStream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A client that sends nothing for so long has hung: no test waits longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// Whether octets went in clear or under TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// In clear.
    Plain,
    /// Under TLS.
    Tls,
}

/// A way to end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Properly: TLS's close_notify, then FIN.
    Close,
    /// FIN without TLS's close_notify.
    Truncate,
    /// RST.
    Reset,
    /// Silence, until the client disconnects.
    Stall,
    /// SIGKILL to the client.
    Kill,
    /// SIGINT to the client, as of Ctrl-C.
    Interrupt,
    /// SIGTERM to the client.
    Terminate,
    /// Any signal to the client.
    Signal(Signal),
}

/// What one connection's client did.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// All octets received, in order.
    pub received: Vec<(Phase, Vec<u8>)>,
    /// The commands, as text without line ends.
    pub commands: Vec<(Phase, String)>,
    /// What a strict server objects to.
    pub violations: Vec<String>,
}

impl Journal {
    /// The octets received in clear.
    pub fn in_clear(&self) -> Vec<u8> {
        self.octets(Phase::Plain)
    }

    /// The octets received in one phase.
    pub fn octets(&self, phase: Phase) -> Vec<u8> {
        self.received.iter().filter(|(at, _)| *at == phase).flat_map(|(_, octets)| octets.clone()).collect()
    }

    /// The commands that begin with `verb`, in order, arguments included.
    pub fn with_verb(&self, verb: &str) -> Vec<&str> {
        let begins = |line: &&str| line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(verb));
        self.commands.iter().map(|(_, line)| line.as_str()).filter(begins).collect()
    }

    /// How often `verb` was sent.
    pub fn count(&self, verb: &str) -> usize {
        self.with_verb(verb).len()
    }
}

/// The process that [`End::Kill`] and its like end. Whoever starts it says so here.
#[derive(Clone, Default)]
pub struct Victim(Arc<(Mutex<Option<u32>>, Condvar)>);

impl Victim {
    /// Names the process.
    pub fn set(&self, process: u32) {
        *self.0.0.lock().unwrap() = Some(process);
        self.0.1.notify_all();
    }

    /// The most memory it has had so far, in KiB (`VmHWM`).
    pub fn peak(&self) -> u64 {
        let process = self.0.0.lock().unwrap().expect("a process is named");
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The most memory it had, in KiB, as it was last seen before its end; waits for its name, then for that.
    pub fn peak_to_the_end(&self) -> u64 {
        let waited = self.0.1.wait_timeout_while(self.0.0.lock().unwrap(), PATIENCE, |id| id.is_none());
        let process = waited.unwrap().0.expect("a process is named");
        let end = pidfd_open(Pid::from_raw(process as i32).unwrap(), PidfdFlags::empty()).unwrap();
        let mut peak = 0;
        loop {
            let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) else { return peak };
            peak = peak.max(line.trim().trim_end_matches(" kB").parse().unwrap());
            // Its end is waited for, and each time it does not come in a millisecond it is looked at again.
            let moment = Timespec::try_from(Duration::from_millis(1)).unwrap();
            poll(&mut [PollFd::new(&end, PollFlags::IN)], Some(&moment)).unwrap();
        }
    }

    /// Sends it a signal, once it is named.
    pub fn signal(&self, signal: Signal) {
        let waited = self.0.1.wait_timeout_while(self.0.0.lock().unwrap(), PATIENCE, |id| id.is_none());
        let process = waited.unwrap().0.expect("the script kills a client that nobody named");
        let process = rustix::process::Pid::from_raw(process as i32).unwrap();
        // One that has just ended by itself needs no signal: a client does not wait for QUIT's answer.
        let sent = rustix::process::kill_process(process, signal);
        assert!(matches!(sent, Ok(()) | Err(rustix::io::Errno::SRCH)), "{sent:?}");
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

/// One connection, seen from the server.
pub struct Peer {
    stream: Option<Stream>,
    input: Vec<u8>,
    output: Vec<u8>,
    sent: usize,
    cut: Option<(usize, End)>,
    piece: usize,
    victim: Victim,
    journal: Arc<Mutex<Journal>>,
    hold: Option<Hold>,
}

impl Peer {
    /// Takes over an accepted connection.
    pub fn new(stream: TcpStream, journal: Arc<Mutex<Journal>>, victim: Victim) -> Peer {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Peer {
            stream: Some(Stream::Plain(stream)),
            input: Vec::new(),
            output: Vec::new(),
            sent: 0,
            cut: None,
            piece: usize::MAX,
            victim,
            journal,
            hold: None,
        }
    }

    /// Keeps the mailbox locked for this client. The lock is released before the client can notice the end of
    /// its connection, so that its next session finds the mailbox free.
    pub fn keep(&mut self, hold: Hold) {
        self.hold = Some(hold);
    }

    /// Releases the mailbox.
    pub fn let_go(&mut self) {
        self.hold = None;
    }

    /// Whether TLS is up.
    pub fn phase(&self) -> Phase {
        match self.stream {
            Some(Stream::Tls(_)) => Phase::Tls,
            _ => Phase::Plain,
        }
    }

    /// Ends the connection in the way `end` once `octets` more have been sent.
    pub fn cut_after(&mut self, octets: usize, end: End) {
        self.cut = Some((self.sent + octets, end));
    }

    /// From now on what is sent goes out in pieces of this many octets.
    pub fn split(&mut self, piece: usize) {
        self.piece = piece.max(1);
    }

    /// Records something that a strict server objects to.
    pub fn violation(&self, text: impl Into<String>) {
        self.journal.lock().unwrap().violations.push(text.into());
    }

    /// Whether more of the client's octets have been read already.
    pub fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Forgets the first octets of what was read ahead of the dialogue, as a server does that clears its buffer
    /// behind a command, or has its next program read on where the last had come to.
    pub fn forget_input(&mut self, octets: usize) {
        self.input.drain(..octets.min(self.input.len()));
    }

    /// Drops what has not been sent yet.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Sends what is waiting and does nothing before the client has sent more.
    pub fn await_more(&mut self) -> io::Result<()> {
        self.fill()
    }

    /// Reads whatever comes next; nothing at the end of the connection.
    pub fn receive(&mut self) -> io::Result<Vec<u8>> {
        self.flush()?;
        let mut buffer = vec![0; 64 * 1024];
        let phase = self.phase();
        let got = match &mut self.stream {
            Some(Stream::Plain(stream)) => stream.read(&mut buffer)?,
            Some(Stream::Tls(stream)) => match stream.read(&mut buffer) {
                // A client that disconnects without TLS's close_notify has disconnected all the same.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                other => other?,
            },
            None => 0,
        };
        buffer.truncate(got);
        if got > 0 {
            self.journal.lock().unwrap().received.push((phase, buffer.clone()));
        }
        Ok(buffer)
    }

    fn fill(&mut self) -> io::Result<()> {
        let octets = self.receive()?;
        if octets.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.input.extend_from_slice(&octets);
        Ok(())
    }

    /// Reads a line, without its line end. What is not a clean command line is a violation.
    pub fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let end = loop {
            match memchr::memchr(b'\n', &self.input) {
                Some(end) => break end,
                None => self.fill()?,
            }
        };
        let mut line: Vec<u8> = self.input.drain(..=end).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        } else {
            self.violation(format!("a line ends in a bare LF: {:?}", String::from_utf8_lossy(&line)));
        }
        if line.iter().any(|octet| matches!(octet, b'\r' | 0)) {
            self.violation(format!("CR or NUL in a line: {:?}", String::from_utf8_lossy(&line)));
        }
        Ok(line)
    }

    /// Reads a command and notes it.
    pub fn read_command(&mut self) -> io::Result<String> {
        let line = self.read_line()?;
        let text = String::from_utf8_lossy(&line).into_owned();
        let phase = self.phase();
        self.journal.lock().unwrap().commands.push((phase, text.clone()));
        Ok(text)
    }

    /// Reads exactly `octets` octets.
    pub fn read_exactly(&mut self, octets: usize) -> io::Result<Vec<u8>> {
        while self.input.len() < octets {
            self.fill()?;
        }
        Ok(self.input.drain(..octets).collect())
    }

    /// Adds octets to what goes out before the next read.
    pub fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.output.extend_from_slice(octets.as_ref());
    }

    /// Sends what is waiting.
    pub fn flush(&mut self) -> io::Result<()> {
        let output = std::mem::take(&mut self.output);
        let (allowed, end) = match self.cut {
            Some((limit, end)) if self.sent + output.len() > limit => (limit - self.sent, Some(end)),
            _ => (output.len(), None),
        };
        for piece in output[..allowed].chunks(self.piece) {
            match &mut self.stream {
                Some(Stream::Plain(stream)) => stream.write_all(piece)?,
                Some(Stream::Tls(stream)) => stream.write_all(piece)?,
                None => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
        self.sent += allowed;
        match end {
            Some(end) => {
                self.end(end);
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            None => Ok(()),
        }
    }

    /// The connection's TLS, once it is up.
    pub fn ssl(&self) -> Option<&SslRef> {
        match &self.stream {
            Some(Stream::Tls(stream)) => Some(stream.ssl()),
            _ => None,
        }
    }

    /// Puts TLS over the connection.
    pub fn start_tls(&mut self, acceptor: &SslAcceptor) -> io::Result<()> {
        self.flush()?;
        if !self.input.is_empty() {
            self.violation("the client sent octets in clear behind its request for TLS");
            self.input.clear();
        }
        let Some(Stream::Plain(stream)) = self.stream.take() else {
            return Err(io::Error::other("TLS within TLS"));
        };
        match acceptor.accept(stream) {
            Ok(stream) => {
                self.stream = Some(Stream::Tls(Box::new(stream)));
                Ok(())
            }
            // The client refuses the certificate, or the version: the socket is gone with the error.
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }

    /// Ends the connection.
    pub fn end(&mut self, end: End) {
        self.cut = None;
        if end != End::Stall {
            self.let_go();
        }
        if end != End::Reset && self.flush().is_err() {
            self.stream = None;
            return;
        }
        match end {
            End::Close | End::Truncate => {
                if let Some(Stream::Tls(stream)) = &mut self.stream {
                    if end == End::Close {
                        let _ = stream.shutdown();
                    } else {
                        // Marks close_notify as sent, so that dropping the stream does not send it.
                        stream.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
                    }
                }
                if let Some(socket) = self.socket() {
                    let _ = socket.shutdown(Shutdown::Write);
                }
                self.drain();
            }
            End::Reset => {
                if let Some(socket) = self.socket() {
                    let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
                    // TLS's close_notify must not be sent first: the reset is all the client gets.
                    let _ = socket.set_nonblocking(true);
                }
                if let Some(Stream::Tls(stream)) = &mut self.stream {
                    stream.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
                }
            }
            End::Stall => self.drain(),
            End::Kill => self.strike(Signal::KILL),
            End::Interrupt => self.strike(Signal::INT),
            End::Terminate => self.strike(Signal::TERM),
            End::Signal(signal) => self.strike(signal),
        }
        self.stream = None;
    }

    /// The connection, while it is up.
    pub fn socket(&self) -> Option<&TcpStream> {
        match &self.stream {
            Some(Stream::Plain(stream)) => Some(stream),
            Some(Stream::Tls(stream)) => Some(stream.get_ref()),
            None => None,
        }
    }

    /// Sends the client a signal and waits until it disconnects.
    fn strike(&mut self, signal: Signal) {
        self.victim.signal(signal);
        self.drain();
    }

    /// Reads until the client disconnects.
    fn drain(&mut self) {
        if let Some(Stream::Tls(stream)) = &mut self.stream
            && !stream.get_shutdown().is_empty()
        {
            // After its own close_notify TLS reads no more; the socket still does.
            let _ = io::copy(&mut stream.get_ref(), &mut io::sink());
            return;
        }
        while matches!(self.receive(), Ok(octets) if !octets.is_empty()) {}
    }
}
