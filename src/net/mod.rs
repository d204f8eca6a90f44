//! Layer 2: the network. All waiting for a server happens here, with a deadline, and a signal ends it.

pub(crate) mod allowance;
pub(crate) mod authentication;
pub(crate) mod certificate;
pub mod connect;
pub(crate) mod dial;
pub(crate) mod error;
pub mod http;
pub(crate) mod limits;
pub(crate) mod link;
pub mod look_up;
pub(crate) mod loopback_listener;
pub(crate) mod names;
pub(crate) mod proxy;
pub(crate) mod proxy_exceptions;
pub(crate) mod resolver;
pub(crate) mod small_file;
pub mod tcp;
pub(crate) mod tls;
pub(crate) mod waiting;
pub(crate) mod wire;

pub use allowance::Allowance;
pub use dial::{Endpoint, Security, dial};
pub use error::NetError;
pub use http::Http;
pub use limits::{Limits, Stop};
pub use link::{Link, Secure, TlsInfo};
pub use loopback_listener::{LoopbackListener, LoopbackName, RequestVerdict};
pub use names::NameOverrides;
pub use proxy::Proxy;
pub use resolver::Resolver;
pub use tls::{ClientIdentity, IdentityFiles, Tls, TlsSettings};
pub use wire::{Direction, Tap, Wire};
