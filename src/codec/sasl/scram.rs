//! SCRAM (`RFC 5802`, `RFC 7677`): the password is proven and never sent, and the server proves that it knows it, too.
//! With `-PLUS` both proofs hold for this TLS connection alone (§6).
//!
//! Left out: authorization identities, and extensions, of which there are none.

use super::binding::ChannelBinding;
use super::client::{ExchangeFault, ExchangeSetting, GoOn, MechanismClient};
use super::{Credentials, prepare};
use crate::words::{Failure, Kind, Secret, Stage};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// One of the mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScramMechanism {
    pub hash: Hash,
    /// Whether it is bound to the channel: `-PLUS`.
    pub plus: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    Sha1,
    Sha256,
}

/// The most iterations: some seconds. A server that wants more wants to keep the client busy.
const MOST_ITERATIONS: u32 = 10_000_000;
/// The fewest where others can read the exchange (`RFC 5802 §5.1`): with fewer the password is easily guessed.
const FEWEST_IN_CLEAR: u32 = 4096;
/// How many iterations to do before looking up.
const STRIDE: u32 = 2048;

const BAD_NONCE: &str = "the server's nonce is not made of postie's";
const BAD_COUNT: &str = "the server asks for too few or too many iterations";
const BAD_SIGNATURE: &str = "the server did not prove that it knows the password";
const EXTENSION: &str = "the server demands an extension that postie does not have";

pub(super) struct Scram {
    hash: Hash,
    /// The password as SASLprep has it.
    password: Secret,
    /// The GS2 header, with commas.
    header: String,
    binding: Option<ChannelBinding>,
    /// `client-first-message-bare`.
    bare: String,
    nonce: String,
    in_clear: bool,
    go_on: GoOn,
    step: ScramState,
    complaint: Option<Vec<u8>>,
}

enum ScramState {
    /// The server's first message comes next.
    First,
    /// Its signature comes next, made with this key of this text.
    Signature { key: Zeroizing<Vec<u8>>, text: Vec<u8> },
    /// The server's signature is right.
    Proven,
    /// The server said what is wrong.
    Refused,
}

impl Scram {
    pub fn new(
        mechanism: ScramMechanism,
        c: &Credentials,
        setting: ExchangeSetting<'_>,
    ) -> Result<Self, Failure> {
        let password = prepare::password(&c.secret)?;
        let user = prepare::user(&c.user).replace('=', "=3D").replace(',', "=2C");
        let nonce = STANDARD.encode(setting.random);
        // Whether any mechanism with a binding is offered counts, not the same one (§6).
        let offers_plus =
            setting.offered.iter().any(|name| name.starts_with("SCRAM-") && name.ends_with("-PLUS"));
        let binding = match (mechanism.plus, setting.binding) {
            (true, None) => return Err(unbound(setting.in_clear)),
            (true, Some(binding)) => Some(binding.clone()),
            (false, _) => None,
        };
        let header = match (&binding, setting.binding) {
            (Some(binding), _) => format!("p={},,", binding.kind.name()),
            // It could be bound, but the server does not know that: if it does, somebody hid it.
            (None, Some(_)) if !offers_plus => "y,,".into(),
            (None, _) => "n,,".into(),
        };
        Ok(Scram {
            hash: mechanism.hash,
            password,
            header,
            binding,
            bare: format!("n={user},r={nonce}"),
            nonce,
            in_clear: setting.in_clear,
            go_on: setting.go_on,
            step: ScramState::First,
            complaint: None,
        })
    }

    /// Answers the server's first message with the proof (§3).
    fn prove(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        let first = ServerFirst::read(challenge)?;
        if !first.nonce.starts_with(&self.nonce) || first.nonce.len() == self.nonce.len() {
            return Err(ExchangeFault::Nonsense(BAD_NONCE));
        }
        let fewest = if self.in_clear { FEWEST_IN_CLEAR } else { 1 };
        if !(fewest..=MOST_ITERATIONS).contains(&first.iterations) {
            return Err(ExchangeFault::Nonsense(BAD_COUNT));
        }
        let data = self.binding.as_ref().map_or(&[][..], |binding| &binding.data);
        let bound = STANDARD.encode([self.header.as_bytes(), data].concat());
        let last = format!("c={bound},r={}", first.nonce);
        let text = [self.bare.as_bytes(), b",", challenge, b",", last.as_bytes()].concat();

        let salted = self.hash.stretch(self.password.expose(), &first.salt, first.iterations, &self.go_on)?;
        let client_key = self.hash.keyed(&salted, b"Client Key");
        let signature = self.hash.keyed(&self.hash.digest(&client_key), &text);
        let proof: Vec<u8> = client_key.iter().zip(signature.iter()).map(|(a, b)| a ^ b).collect();
        self.step = ScramState::Signature { key: self.hash.keyed(&salted, b"Server Key"), text };
        Ok(format!("{last},p={}", STANDARD.encode(proof)).into_bytes())
    }

    /// Takes the server's last message: its signature, or what is wrong.
    fn check(&mut self, message: &[u8]) -> Result<(), ExchangeFault> {
        let ScramState::Signature { key, text } = &self.step else { return Err(ExchangeFault::NONSENSE) };
        if let Some(error) = message.strip_prefix(b"e=") {
            self.complaint = Some(error.to_vec());
            self.step = ScramState::Refused;
            return Ok(());
        }
        let value = message.strip_prefix(b"v=").ok_or(ExchangeFault::NONSENSE)?;
        let value = value.split(|octet| *octet == b',').next().unwrap_or_default();
        let signature = STANDARD.decode(value).map_err(|_| ExchangeFault::Nonsense(BAD_SIGNATURE))?;
        if !self.hash.verify(key, text, &signature) {
            return Err(ExchangeFault::Nonsense(BAD_SIGNATURE));
        }
        self.step = ScramState::Proven;
        Ok(())
    }
}

impl MechanismClient for Scram {
    fn first(&mut self) -> Option<Vec<u8>> {
        Some(format!("{}{}", self.header, self.bare).into_bytes())
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        match self.step {
            ScramState::First => {
                if let Some(error) = challenge.strip_prefix(b"e=") {
                    self.complaint = Some(error.to_vec());
                    self.step = ScramState::Refused;
                    return Ok(Vec::new());
                }
                self.prove(challenge)
            }
            ScramState::Signature { .. } => self.check(challenge).map(|()| Vec::new()),
            ScramState::Proven | ScramState::Refused => Err(ExchangeFault::NONSENSE),
        }
    }

    fn is_done(&self) -> bool {
        matches!(self.step, ScramState::Proven)
    }

    /// Some servers send their last message with the success, in base64 or as it is.
    fn conclude(&mut self, text: &[u8]) -> Result<(), ExchangeFault> {
        for word in text.split(u8::is_ascii_whitespace) {
            let decoded = STANDARD.decode(word).unwrap_or_default();
            for message in [decoded.as_slice(), word] {
                if message.starts_with(b"v=") {
                    return self.check(message);
                }
            }
        }
        Err(ExchangeFault::Nonsense(BAD_SIGNATURE))
    }

    fn may_be_asked(&self) -> bool {
        !matches!(self.step, ScramState::Proven | ScramState::Refused)
    }

    fn complaint(&self) -> Option<&[u8]> {
        self.complaint.as_deref()
    }
}

impl fmt::Debug for Scram {
    // It holds what the password can be guessed from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scram").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// The failure where there is nothing to bind to.
fn unbound(in_clear: bool) -> Failure {
    let what = "the connection has nothing that a login could be bound to";
    Failure::new(Kind::Missing, Stage::Authentication, format!("authentication: {what}")).hint(match in_clear {
        true => "a mechanism with -PLUS needs TLS (tls = \"implicit\" or \"starttls\")",
        // RFC 9266, and RFC 5929 §4.1 for the certificate.
        false => {
            "a mechanism with -PLUS needs TLS 1.3, or 1.2 with the extended master secret, or a certificate whose \
             signature has one hash function (not Ed25519, not RSA-PSS); the same mechanism without -PLUS logs in \
             unbound"
        }
    })
}

/// `server-first-message` (§7).
struct ServerFirst {
    nonce: String,
    salt: Vec<u8>,
    iterations: u32,
}

impl ServerFirst {
    /// Reads it. What follows the iterations are extensions that may be passed over; `m=`, which may not, comes first.
    fn read(message: &[u8]) -> Result<Self, ExchangeFault> {
        let text = std::str::from_utf8(message).map_err(|_| ExchangeFault::NONSENSE)?;
        if text.starts_with("m=") {
            return Err(ExchangeFault::Nonsense(EXTENSION));
        }
        let mut parts = text.split(',');
        let mut next =
            |name: &str| parts.next().and_then(|part| part.strip_prefix(name)).ok_or(ExchangeFault::NONSENSE);
        let (nonce, salt, count) = (next("r=")?, next("s=")?, next("i=")?);
        let salt = STANDARD.decode(salt).map_err(|_| ExchangeFault::NONSENSE)?;
        if salt.is_empty() || nonce.is_empty() || !nonce.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(ExchangeFault::NONSENSE);
        }
        if count.is_empty() || !count.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(ExchangeFault::NONSENSE);
        }
        // What does not fit into the type is too many.
        let iterations = count.parse().map_err(|_| ExchangeFault::Nonsense(BAD_COUNT))?;
        Ok(ServerFirst { nonce: nonce.to_owned(), salt, iterations })
    }
}

impl Hash {
    fn keyed(self, key: &[u8], text: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Hash::Sha1 => mac::<Hmac<Sha1>>(key).chain_update(text).finalize().into_bytes().to_vec(),
            Hash::Sha256 => mac::<Hmac<Sha256>>(key).chain_update(text).finalize().into_bytes().to_vec(),
        })
    }

    /// Whether it is the signature of `text`, in a time that tells nothing.
    fn verify(self, key: &[u8], text: &[u8], signature: &[u8]) -> bool {
        match self {
            Hash::Sha1 => mac::<Hmac<Sha1>>(key).chain_update(text).verify_slice(signature).is_ok(),
            Hash::Sha256 => mac::<Hmac<Sha256>>(key).chain_update(text).verify_slice(signature).is_ok(),
        }
    }

    fn digest(self, octets: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Hash::Sha1 => Sha1::digest(octets).to_vec(),
            Hash::Sha256 => Sha256::digest(octets).to_vec(),
        })
    }

    /// `Hi` (§2.2).
    fn stretch(
        self,
        password: &[u8],
        salt: &[u8],
        iterations: u32,
        go_on: &GoOn,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match self {
            Hash::Sha1 => stretch::<Hmac<Sha1>>(password, salt, iterations, go_on),
            Hash::Sha256 => stretch::<Hmac<Sha256>>(password, salt, iterations, go_on),
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8]) -> M {
    match <M as KeyInit>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length (RFC 2104 §2)"),
    }
}

/// One block of PBKDF2 (`RFC 8018 §5.2`). Not by a library: none can be interrupted, and the server chooses how long it
/// takes.
fn stretch<M: Mac + KeyInit + Clone>(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    go_on: &GoOn,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let keyed = mac::<M>(password);
    let mut last = keyed.clone().chain_update(salt).chain_update(1u32.to_be_bytes()).finalize().into_bytes();
    let mut sum = Zeroizing::new(last.to_vec());
    for round in 1..iterations {
        if round % STRIDE == 0 {
            go_on()?;
        }
        last = keyed.clone().chain_update(&last).finalize().into_bytes();
        sum.iter_mut().zip(&last).for_each(|(sum, octet)| *sum ^= octet);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests;
