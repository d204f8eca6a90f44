//! Layer 2: the network. All waiting for a server happens here, with a deadline, and a signal ends it.

pub mod allowance;
pub mod authentication;
pub mod certificate;
pub mod connect;
pub mod dial;
pub mod error;
pub mod http;
pub mod limits;
pub mod link;
pub mod look_up;
pub mod loopback_listener;
pub mod names;
pub mod proxy;
pub mod resolver;
pub mod tcp;
pub mod tls;
pub mod wire;

pub use allowance::Allowance;
pub use dial::{Endpoint, Security, dial};
pub use error::NetError;
pub use http::Http;
pub use limits::{Limits, Stop};
pub use link::{Link, Secure, TlsInfo};
pub use loopback_listener::{LoopbackListener, LoopbackName, Verdict};
pub use names::NameOverrides;
pub use proxy::Proxy;
pub use resolver::Resolver;
pub use tls::{Identity, IdentityFiles, Tls, TlsSettings};
pub use wire::{Direction, Tap, Wire};
