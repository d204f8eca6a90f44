//! The integration tests, one binary. They are written from what the manual promises, run the real binary,
//! and look at what servers were sent and what is on disk.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the tour shares it and uses other parts")]
mod support;

mod commands;
mod config;
mod content;
mod custody;
mod discovery;
mod docs;
mod exit_codes;
mod fetch;
mod fetch_early_listings;
mod fetch_hostile;
mod fetch_losses;
mod fetch_lost;
mod fetch_moved;
mod fetch_particulars;
mod fetch_servers;
mod fetch_sizes;
mod fetch_together;
mod fetch_ways;
mod git_credential;
mod hostile_input;
mod http;
mod imap_ahead;
mod imap_append;
mod imap_deletion;
mod imap_details;
mod imap_fetch;
mod imap_folders;
mod imap_hazards;
mod imap_move;
mod imap_others;
mod imap_renumbered;
mod imap_session;
mod imap_utf8;
mod imapd_itself;
mod import;
mod import_secrets;
#[cfg(feature = "gssapi")]
mod kerberos;
mod layering;
mod links;
mod list;
mod logins;
mod mbox_locks;
mod memory;
mod oauth_answers;
mod oauth_login;
mod oauth_registration;
mod oauth_service;
mod oauth_tokens;
mod openssl_built_in;
mod output;
mod pages;
mod pipelining;
mod pop3_session;
mod proxies;
mod quirks;
mod quirks_login;
mod quirks_mail;
mod real_append;
mod real_courier;
mod real_cyrus;
mod real_fetch;
mod real_imap;
mod real_logins;
mod real_pymap;
mod real_send;
mod resolver;
mod run_limits;
mod secrets;
mod send;
mod send_as_people_do;
mod send_batch;
mod send_fix;
mod send_hazards;
mod send_property;
mod send_property_binary;
mod send_refused;
mod send_wire;
mod sendmail;
mod sendmail_callers;
mod sendmail_smtp;
mod signals;
mod smtp;
mod streams;
mod support_itself;
mod terminal;
mod test_account;
mod tls;
mod transcripts;
mod watch;

use support::world::World;

/// A temporary home for the binary under test.
fn world() -> World {
    World::new(env!("CARGO_BIN_EXE_postie"))
}
