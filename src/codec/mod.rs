//! Layer 1: codecs. Bytes in, values out; nothing here reads, writes, waits or knows the time.

pub mod dot;
pub mod eol;
pub mod imap;
pub mod line;
pub mod pop3;
pub mod sasl;
pub mod smtp;
