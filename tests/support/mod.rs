//! What the integration tests and the tour share: temporary certificates, scripted servers, small real
//! servers over loopback, a temporary home for the binary, and Dovecot and Postfix if they are installed.
//!
//! Nothing here trusts postie's own output: what counts is what a server was sent and what is on disk.

pub mod authority;
pub mod courier;
pub mod cyrus;
pub mod disk;
pub mod embedded;
pub mod gatekeeper;
pub mod imapd;
pub mod leak;
pub mod link;
pub mod live;
pub mod mailbox;
pub mod named;
pub mod oidc;
pub mod peer;
pub mod played;
pub mod player;
pub mod pop3d;
pub mod process;
pub mod pymap;
pub mod random;
pub mod real;
pub mod realm;
pub mod recorder;
pub mod registrar;
pub mod script;
pub mod smtpd;
pub mod tmpfs;
pub mod token_stage;
pub mod web;
pub mod world;
