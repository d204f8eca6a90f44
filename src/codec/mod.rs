//! Layer 1: codecs. Octets in, values out; nothing here reads, writes, waits or looks at a clock.

pub mod dns;
pub mod dot;
pub(crate) mod eol;
pub mod imap;
pub(crate) mod line;
pub mod oauth;
pub mod pop3;
pub mod sasl;
pub mod smtp;
pub mod socks;
