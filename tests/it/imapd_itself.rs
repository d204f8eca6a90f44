//! The IMAP server of the tests is tested, over loopback, by a client that only sends and reads.

pub mod client;
mod faults;
mod folders;
mod judging;
mod quirks;
mod second_client;
mod sessions;
