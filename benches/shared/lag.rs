//! A slow line: a relay on loopback that delays what it passes on.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// A port that leads to `port`, with a round trip of `rtt`. As on a real line the connection takes one round trip, and
/// the server speaks after another. The rate has no limit.
pub fn lag(port: u16, rtt: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    spawn(move || {
        for client in listener.incoming() {
            spawn(move || {
                let client = client.unwrap();
                sleep(rtt * 3 / 2);
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                pass(client.try_clone().unwrap(), server.try_clone().unwrap(), rtt / 2);
                pass(server, client, rtt / 2);
            });
        }
    });
    own
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = channel::<(Instant, Vec<u8>)>();
    spawn(move || {
        let mut octets = vec![0; 1 << 16];
        while let Ok(got @ 1..) = from.read(&mut octets) {
            if sender.send((Instant::now() + delay, octets[..got].to_vec())).is_err() {
                break;
            }
        }
    });
    spawn(move || {
        for (due, octets) in receiver {
            sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&octets).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
