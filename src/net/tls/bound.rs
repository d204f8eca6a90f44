//! What a login can be bound to over a TLS connection.

use crate::codec::sasl::{BindingKind, ChannelBinding};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ssl::{SslRef, SslVersion};
use openssl::x509::X509Ref;

/// The label of `RFC 9266 §4.2`.
const LABEL: &str = "EXPORTER-Channel-Binding";

/// The best channel binding of this connection.
pub(super) fn channel_binding(ssl: &SslRef) -> Option<ChannelBinding> {
    exported(ssl).or_else(|| end_point(ssl.peer_certificate().as_deref()?))
}

/// `tls-exporter` (`RFC 9266`): not by TLS 1.2 without the extended master secret (`RFC 7627`), where two connections
/// could be made to have the same.
fn exported(ssl: &SslRef) -> Option<ChannelBinding> {
    let is_unique = ssl.version2() == Some(SslVersion::TLS1_3) || ssl.extms_support() == Some(true);
    if !is_unique {
        return None;
    }
    let mut data = vec![0; 32];
    // An empty context is not the same as none (RFC 9266 §2).
    ssl.export_keying_material(&mut data, LABEL, Some(b"")).ok()?;
    Some(ChannelBinding { kind: BindingKind::TlsExporter, data })
}

/// `tls-server-end-point` (`RFC 5929 §4.1`): the certificate's hash by the function of its signature, but no weaker
/// than SHA-256. Undefined where the signature names none, or several (Ed25519, RSA-PSS).
fn end_point(certificate: &X509Ref) -> Option<ChannelBinding> {
    let by = certificate.signature_algorithm().object().nid().signature_algorithms()?.digest;
    let digest = match by {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        Nid::UNDEF => return None,
        other => MessageDigest::from_nid(other)?,
    };
    certificate.digest(digest).ok().map(|digest| to_end_point(digest.to_vec()))
}

/// The binding to this hash of the server's certificate.
pub(super) fn to_end_point(data: Vec<u8>) -> ChannelBinding {
    ChannelBinding { kind: BindingKind::TlsServerEndPoint, data }
}
