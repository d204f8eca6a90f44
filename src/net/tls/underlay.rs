//! The link under TLS, as OpenSSL uses it.

use crate::net::NetError;
use crate::net::link::Link;
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

/// What OpenSSL reads from and writes to. It buffers records (OpenSSL reads each in two pieces), keeps the
/// link's error, which OpenSSL would lose, and reads the ServerHello.
pub(super) struct Underlay {
    pub link: Box<dyn Link>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Octets read since the last content.
    idle: usize,
    faults: Arc<Mutex<Faults>>,
    pub hello: ServerHello,
}

/// The most octets without any content: no honest server sends as many.
const MOST_IDLE: usize = 1024 * 1024;

/// Room for four TLS records.
const UNDERLAY_BUFFER: usize = 64 * 1024;

impl Underlay {
    pub fn new(link: Box<dyn Link>, faults: Arc<Mutex<Faults>>) -> Self {
        let buffer = vec![0; UNDERLAY_BUFFER].into_boxed_slice();
        Underlay { link, buffer, start: 0, end: 0, idle: 0, faults, hello: ServerHello::default() }
    }

    /// Some of what was read was content.
    pub fn note_content(&mut self) {
        self.idle = 0;
    }

    fn remember(&self, fault: NetError) {
        if let Ok(mut faults) = self.faults.lock() {
            faults.read.get_or_insert(fault);
        }
    }

    fn remember_write(&self, error: io::Error) -> io::Error {
        let error = NetError::from_io(error);
        if let Ok(mut faults) = self.faults.lock() {
            faults.write.get_or_insert(copy(&error));
        }
        error.into()
    }
}

/// Copies an error of the link: OpenSSL gets one, the other is kept.
fn copy(error: &NetError) -> NetError {
    match error {
        NetError::Timeout => NetError::Timeout,
        NetError::RunOver => NetError::RunOver,
        NetError::Stopped => NetError::Stopped,
        NetError::Lost(lost) => NetError::Lost(io::Error::new(lost.kind(), lost.to_string())),
        _ => NetError::Closed,
    }
}

/// The link's own errors during a handshake, which OpenSSL does not pass on.
#[derive(Default)]
pub(super) struct Faults {
    read: Option<NetError>,
    write: Option<NetError>,
}

impl Faults {
    /// Why a handshake failed that OpenSSL ended with `error`. A failed read is the cause. A failed write is the
    /// cause only if nothing else is known: it may be that of the alert after another failure.
    pub fn cause(self, error: NetError) -> NetError {
        match (self.read, self.write, error) {
            (Some(read), _, _) => read,
            (None, Some(write), NetError::Tls(_)) => write,
            (None, _, error) => error,
        }
    }
}

impl fmt::Debug for Underlay {
    // Its buffer may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Underlay")
    }
}

impl Read for Underlay {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            match self.link.read(&mut self.buffer) {
                Ok(got) if self.idle + got > MOST_IDLE => {
                    let idle =
                        || NetError::Tls(format!("more than {MOST_IDLE} octets, and no content in them"));
                    self.remember(idle());
                    return Err(idle().into());
                }
                Ok(0) => {
                    self.remember(NetError::Closed);
                    return Ok(0);
                }
                Ok(got) => (self.start, self.end, self.idle) = (0, got, self.idle + got),
                // Nothing is there yet: OpenSSL can be asked again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) => {
                    let error = NetError::from_io(error);
                    self.remember(copy(&error));
                    return Err(error.into());
                }
            }
        }
        let take = into.len().min(self.end - self.start);
        into[..take].copy_from_slice(&self.buffer[self.start..self.start + take]);
        self.start += take;
        self.hello.listen(&into[..take]);
        Ok(take)
    }
}

impl Write for Underlay {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.link.write(from).map_err(|error| self.remember_write(error))
    }
    fn flush(&mut self) -> io::Result<()> {
        self.link.flush().map_err(|error| self.remember_write(error))
    }
}

/// The first octets a server sends under TLS. The ServerHello (`RFC 8446 §4.1.3`, `RFC 5246 §7.4.1.3`) is not
/// encrypted; version and cipher suite are read from it by their IANA names.
#[derive(Default)]
pub(super) struct ServerHello {
    octets: Vec<u8>,
}

impl ServerHello {
    /// Enough octets for any ServerHello.
    const ENOUGH: usize = 1024;

    fn listen(&mut self, octets: &[u8]) {
        let room = Self::ENOUGH - self.octets.len();
        self.octets.extend_from_slice(&octets[..octets.len().min(room)]);
    }

    /// Version and cipher suite; `unknown` if they cannot be read.
    pub fn read(&self) -> (String, String) {
        let (version, cipher) = self.parse().unwrap_or((0, 0));
        let version = match version {
            0x0304 => "TLSv1.3".to_owned(),
            0x0303 => "TLSv1.2".to_owned(),
            _ => "unknown".to_owned(),
        };
        let cipher = CIPHERS.iter().find(|(number, _)| *number == cipher);
        (version, cipher.map_or_else(|| "unknown".to_owned(), |(_, name)| (*name).to_owned()))
    }

    fn parse(&self) -> Option<(u16, u16)> {
        let octets = &self.octets;
        let word = |at: usize| Some(u16::from_be_bytes([*octets.get(at)?, *octets.get(at + 1)?]));
        // Record: type 22, version, length; handshake: type 2, length of 3 octets; then the hello.
        if octets.first() != Some(&22) || octets.get(5) != Some(&2) {
            return None;
        }
        let mut version = word(9)?;
        let session = usize::from(*octets.get(43)?);
        let cipher = word(44 + session)?;
        let mut at = 44 + session + 3 + 2;
        // Extension 43 has the version if it is 1.3.
        while let (Some(kind), Some(len)) = (word(at), word(at + 2)) {
            if kind == 43 {
                version = word(at + 4)?;
            }
            at += 4 + usize::from(len);
        }
        Some((version, cipher))
    }
}

/// The suites that OpenSSL's defaults can agree on, by their IANA names.
const CIPHERS: &[(u16, &str)] = &[
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prefix_of_a_hello_is_misread() {
        let mut hello = vec![22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3];
        hello.extend([7; 32]);
        hello.push(0);
        hello.extend([0x13, 0x02, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
        for end in 0..=hello.len() {
            let mut seen = ServerHello::default();
            seen.listen(&hello[..end]);
            let (version, cipher) = seen.read();
            assert!(end < hello.len() || (version == "TLSv1.3" && cipher == "TLS_AES_256_GCM_SHA384"));
            assert!(["unknown", "TLSv1.2", "TLSv1.3"].contains(&version.as_str()), "{cipher}");
        }
    }
}
