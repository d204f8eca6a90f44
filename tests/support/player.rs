//! Plays a transcript as a real server on a loopback port, with real TLS.

use super::authority::{Authority, Certificate, Versions};
use super::embedded::Listener;
use super::peer::{End, Journal, Peer, Victim};
use super::script::{Machine, Move, Script};
use openssl::ssl::SslAcceptor;
use std::io;
use std::sync::{Arc, Mutex};

/// A script on a port.
pub struct Player {
    listener: Listener,
    deviations: Arc<Mutex<Vec<String>>>,
    connections: usize,
}

impl Player {
    /// Plays `script` with a good certificate.
    pub fn start(script: &Script) -> Player {
        Player::with_tls(script, Certificate::Good, Versions::Modern)
    }

    /// Plays `script` with the certificate and TLS versions named.
    pub fn with_tls(script: &Script, certificate: Certificate, versions: Versions) -> Player {
        let acceptor = Authority::shared().identity(certificate).acceptor(versions);
        let deviations = Arc::<Mutex<Vec<String>>>::default();
        let (script, notes) = (script.clone(), Arc::clone(&deviations));
        let connections = script.connections.len();
        let listener = Listener::start(move |peer, number| {
            let Some(steps) = script.connections.get(number) else {
                notes.lock().unwrap().push(format!("an unforeseen connection, number {}", number + 1));
                return;
            };
            let mut machine = Machine::new(steps);
            // The client reports how the connection ended; the journal has what it sent.
            let _ = play(peer, &mut machine, script.implicit_tls.then_some(()), &acceptor);
            notes.lock().unwrap().append(&mut machine.deviations);
        });
        Player { listener, deviations, connections }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// The client that `-- kill client` ends.
    pub fn victim(&self) -> Victim {
        self.listener.victim()
    }

    /// See [`Listener::guard`].
    pub fn guard(mut self, secret: &str) -> Player {
        self.listener.guard(secret);
        self
    }

    /// What the clients sent, once all connections have ended.
    pub fn journals(&self) -> Vec<Journal> {
        self.listener.journals()
    }

    /// Fails if a client left the script, or did not make all its connections.
    #[track_caller]
    pub fn assert_followed(&self) {
        let journals = self.journals();
        let deviations = self.deviations.lock().unwrap();
        assert!(deviations.is_empty(), "{deviations:#?}\n{journals:#?}");
        assert_eq!(journals.len(), self.connections, "connections: {journals:#?}");
    }
}

fn play(
    mut peer: Peer,
    machine: &mut Machine,
    implicit_tls: Option<()>,
    acceptor: &SslAcceptor,
) -> io::Result<()> {
    if implicit_tls.is_some() {
        peer.start_tls(acceptor)?;
    }
    loop {
        match machine.next() {
            Move::Send(octets) => peer.send(octets),
            Move::Repeat(times, octets) => {
                let mut left = times;
                while left != Some(0) {
                    peer.send(&octets);
                    // One write for many small pieces; the end of the connection ends "for ever".
                    if left.is_none_or(|left| left % 4096 == 1) || octets.len() > 64 * 1024 {
                        peer.flush()?;
                    }
                    left = left.map(|left| left - 1);
                }
            }
            Move::Split(octets) => peer.split(octets),
            Move::Tls => peer.start_tls(acceptor)?,
            Move::LoseWrite => unreachable!("a script that loses a write is for a link in memory"),
            Move::End(end) => {
                peer.end(end);
                return Ok(());
            }
            Move::Wait => {
                let octets = peer.receive()?;
                if octets.is_empty() {
                    peer.end(End::Close);
                    return Ok(());
                }
                machine.feed(&octets);
            }
        }
    }
}
