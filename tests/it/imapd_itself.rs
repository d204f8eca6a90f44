//! The IMAP server of the tests is tested, over loopback, by a client that only sends and reads.

mod client;
mod folders;
mod judging;
mod second_client;
mod sessions;
