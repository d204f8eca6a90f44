//! A listener on a loopback port of its own, with a thread and a journal for each connection. The journals
//! can be read once every connection has ended.

use super::leak;
use super::peer::{Journal, Peer, Victim};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The options that every embedded server has.
macro_rules! server_options {
    () => {
        /// How it uses TLS.
        pub fn mode(mut self, mode: Mode) -> Self {
            self.mode = mode;
            self
        }

        /// Which certificate it shows.
        pub fn certificate(mut self, certificate: Certificate) -> Self {
            self.certificate = certificate;
            self
        }

        /// Which TLS versions it supports.
        pub fn versions(mut self, versions: Versions) -> Self {
            self.versions = versions;
            self
        }

        /// A hook to misbehave with.
        pub fn hook(mut self, hook: impl Fn(&Event<'_>) -> Act + Send + Sync + 'static) -> Self {
            self.hook = Box::new(hook);
            self
        }
    };
}
pub(super) use server_options;

/// Longer than any connection of a test that is not stuck.
const PATIENCE: Duration = Duration::from_secs(300);

/// A listening server; it stops when dropped.
pub struct Listener {
    port: u16,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    victim: Victim,
    secret: Option<String>,
}

#[derive(Default)]
struct Shared {
    journals: Mutex<Vec<Arc<Mutex<Journal>>>>,
    active: Mutex<usize>,
    ended: Condvar,
}

/// Counts a connection as ended, however its thread ends.
struct Active(Arc<Shared>);

impl Drop for Active {
    fn drop(&mut self) {
        if let Ok(mut active) = self.0.active.lock() {
            *active -= 1;
        }
        self.0.ended.notify_all();
    }
}

impl Listener {
    /// Listens; `serve` gets each connection and its number, from 0.
    pub fn start(serve: impl Fn(Peer, usize) + Send + Sync + 'static) -> Listener {
        Listener::on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), serve)
    }

    /// Listens on a socket that is there.
    pub fn on(socket: TcpListener, serve: impl Fn(Peer, usize) + Send + Sync + 'static) -> Listener {
        let port = socket.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, victim, serve) = (Arc::<Shared>::default(), Victim::default(), Arc::new(serve));
        let acceptor = {
            let (stop, shared, victim) = (Arc::clone(&stop), Arc::clone(&shared), victim.clone());
            thread::spawn(move || {
                for stream in socket.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let Ok(stream) = stream else { continue };
                    let journal = Arc::<Mutex<Journal>>::default();
                    let number = {
                        let mut journals = shared.journals.lock().unwrap();
                        journals.push(Arc::clone(&journal));
                        journals.len() - 1
                    };
                    *shared.active.lock().unwrap() += 1;
                    let active = Active(Arc::clone(&shared));
                    let (serve, victim) = (Arc::clone(&serve), victim.clone());
                    thread::spawn(move || {
                        serve(Peer::new(stream, journal, victim), number);
                        drop(active);
                    });
                }
            })
        };
        Listener { port, stop, acceptor: Some(acceptor), shared, victim, secret: None }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The client that [`super::peer::End::Kill`] kills.
    pub fn victim(&self) -> Victim {
        self.victim.clone()
    }

    /// Has the listener fail its test, when it is dropped, if `secret` was ever received in clear.
    pub fn guard(&mut self, secret: &str) {
        self.secret = Some(secret.to_owned());
    }

    /// Removes the guard: this test sends the secret without TLS on purpose.
    pub fn allow_in_clear(&mut self) {
        self.secret = None;
    }

    /// Waits until every connection has ended, and returns what the clients did.
    pub fn journals(&self) -> Vec<Journal> {
        let waited =
            self.shared
                .ended
                .wait_timeout_while(self.shared.active.lock().unwrap(), PATIENCE, |active| *active > 0);
        assert!(!waited.unwrap().1.timed_out(), "a connection is still open after {PATIENCE:?}");
        self.shared.journals.lock().unwrap().iter().map(|journal| journal.lock().unwrap().clone()).collect()
    }

    /// Waits until every connection has ended; fails unless there was exactly one.
    #[track_caller]
    pub fn journal(&self) -> Journal {
        let mut journals = self.journals();
        assert_eq!(journals.len(), 1, "connections: {journals:#?}");
        journals.remove(0)
    }

    /// Fails if any client did something that a strict server objects to.
    #[track_caller]
    pub fn assert_clean(&self) {
        for journal in self.journals() {
            assert!(journal.violations.is_empty(), "{:#?}\n{:#?}", journal.violations, journal.commands);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        if thread::panicking() {
            return;
        }
        if let Some(secret) = &self.secret {
            for (number, journal) in self.journals().iter().enumerate() {
                leak::assert_absent(&journal.in_clear(), secret, &format!("connection {number}, in clear"));
            }
        }
    }
}
