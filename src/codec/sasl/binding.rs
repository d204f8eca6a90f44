//! Channel bindings (`RFC 5056`): what ties a login to the TLS connection it is made over, so that nobody between can
//! pass it on.

/// A kind of channel binding and its data. It is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelBinding {
    pub kind: BindingKind,
    pub data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingKind {
    /// `RFC 9266`: keying material exported from the connection itself.
    TlsExporter,
    /// `RFC 5929 §4`: a hash of the server's certificate.
    TlsServerEndPoint,
}

impl BindingKind {
    /// The name in the IANA registry of channel binding types.
    pub fn name(self) -> &'static str {
        match self {
            BindingKind::TlsExporter => "tls-exporter",
            BindingKind::TlsServerEndPoint => "tls-server-end-point",
        }
    }
}
