//! A wire that can be cut: it carries octets between postie and a server, counts those of the server, and
//! ends the connection after a given octet. The server is not told.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How the wire ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// FIN, as from a server that ends.
    Close,
    /// RST.
    Reset,
    /// Nothing more arrives, and nothing more is delivered.
    Silence,
}

/// A wire in front of a server; it is gone when dropped.
pub struct CutWire {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// After which octet of the server, and how.
    cut: Mutex<Option<(usize, Cut)>>,
    /// What the server has sent on the latest connection.
    said: Mutex<Vec<u8>>,
    stop: AtomicBool,
}

impl CutWire {
    /// A whole wire to a server on this port.
    pub fn to(server: u16) -> CutWire {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (port, shared) = (socket.local_addr().unwrap().port(), Arc::<Shared>::default());
        let acceptor = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                for client in socket.incoming() {
                    let Ok(client) = client else { continue };
                    if shared.stop.load(Ordering::SeqCst) {
                        break;
                    }
                    // One connection after the other: a client has one, and the next begins when it ended.
                    carry(&client, server, &shared);
                }
            })
        };
        CutWire { port, shared, acceptor: Some(acceptor) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// On the following connections, the wire ends after this octet of the server, or not at all.
    pub fn cut(&self, cut: Option<(usize, Cut)>) {
        *self.shared.cut.lock().unwrap() = cut;
    }

    /// What the server has sent on the latest connection.
    pub fn said(&self) -> Vec<u8> {
        self.shared.said.lock().unwrap().clone()
    }
}

impl Drop for CutWire {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// Carries one connection to its end.
fn carry(client: &TcpStream, server: u16, shared: &Shared) {
    let cut = *shared.cut.lock().unwrap();
    shared.said.lock().unwrap().clear();
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { return };
    let (server, broken) = (&server, AtomicBool::new(false));
    for stream in [client, server] {
        let _ = stream.set_nodelay(true);
        // Whatever happens, no thread waits longer.
        let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            up(client, server, &broken);
            let _ = server.shutdown(Shutdown::Write);
        });
        match down(server, client, (cut, shared)) {
            None => {
                let _ = client.shutdown(Shutdown::Write);
            }
            Some(how) => {
                broken.store(true, Ordering::SeqCst);
                let _ = server.shutdown(Shutdown::Both);
                end(client, how);
            }
        }
    });
}

/// Carries what the client sends until it ends; after the cut nothing of it is delivered.
fn up(mut client: &TcpStream, mut server: &TcpStream, broken: &AtomicBool) {
    let mut block = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = client.read(&mut block) {
        if !broken.load(Ordering::SeqCst) {
            let _ = server.write_all(&block[..count]);
        }
    }
}

/// Carries what the server sends, up to its end or to the cut.
fn down(
    mut server: &TcpStream,
    mut client: &TcpStream,
    (cut, shared): (Option<(usize, Cut)>, &Shared),
) -> Option<Cut> {
    let mut block = vec![0; 64 * 1024];
    let mut said = 0;
    loop {
        if let Some((_, how)) = cut.filter(|(limit, _)| said == *limit) {
            return Some(how);
        }
        let Ok(count @ 1..) = server.read(&mut block) else { return None };
        let room = cut.map_or(count, |(limit, _)| count.min(limit - said));
        shared.said.lock().unwrap().extend_from_slice(&block[..room]);
        said += room;
        if client.write_all(&block[..room]).is_err() {
            return None;
        }
    }
}

fn end(client: &TcpStream, how: Cut) {
    match how {
        Cut::Close => {
            let _ = client.shutdown(Shutdown::Write);
        }
        Cut::Reset => {
            // Closing without linger sends a reset, as soon as nothing reads any more.
            let _ = rustix::net::sockopt::set_socket_linger(client, Some(Duration::ZERO));
            let _ = client.shutdown(Shutdown::Read);
        }
        Cut::Silence => {}
    }
}
