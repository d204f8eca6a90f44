//! A connection that is encrypted, by whichever library made it.

use super::bound;
use super::underlay::Underlay;
use crate::codec::sasl::ChannelBinding;
use crate::net::NetError;
use native_tls::TlsStream;
use openssl::ssl::SslStream;
use std::io::{self, Read, Write};

pub(super) enum EncryptedStream {
    Direct(SslStream<Underlay>),
    Native(TlsStream<Underlay>),
}

impl EncryptedStream {
    /// The server's certificate (DER).
    pub fn certificate(&self) -> Result<Vec<u8>, NetError> {
        let none = || NetError::Tls("the server showed no certificate".into());
        match self {
            EncryptedStream::Direct(stream) => {
                let certificate = stream.ssl().peer_certificate().ok_or_else(none)?;
                certificate.to_der().map_err(|error| NetError::Tls(error.to_string()))
            }
            EncryptedStream::Native(stream) => {
                let certificate = stream.peer_certificate().ok().flatten().ok_or_else(none)?;
                certificate.to_der().map_err(|error| NetError::Tls(error.to_string()))
            }
        }
    }

    /// What a login can be bound to. native-tls has no exporter, so there it is the certificate.
    pub fn binding(&self) -> Option<ChannelBinding> {
        match self {
            EncryptedStream::Direct(stream) => bound::channel_binding(stream.ssl()),
            EncryptedStream::Native(stream) => {
                stream.tls_server_end_point().ok().flatten().map(bound::to_end_point)
            }
        }
    }

    pub fn underlay(&self) -> &Underlay {
        match self {
            EncryptedStream::Direct(stream) => stream.get_ref(),
            EncryptedStream::Native(stream) => stream.get_ref(),
        }
    }

    pub fn underlay_mut(&mut self) -> &mut Underlay {
        match self {
            EncryptedStream::Direct(stream) => stream.get_mut(),
            EncryptedStream::Native(stream) => stream.get_mut(),
        }
    }
}

impl Read for EncryptedStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            EncryptedStream::Direct(stream) => stream.read(into),
            EncryptedStream::Native(stream) => stream.read(into),
        }
    }
}

impl Write for EncryptedStream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            EncryptedStream::Direct(stream) => stream.write(from),
            EncryptedStream::Native(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            EncryptedStream::Direct(stream) => stream.flush(),
            EncryptedStream::Native(stream) => stream.flush(),
        }
    }
}
