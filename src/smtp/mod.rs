//! Layer 4: SMTP sessions (`RFC 5321`, `RFC 6409`), linear and blocking. The states are types:
//!
//! ```text
//! Greeted --EHLO--> Introduced --STARTTLS--> Greeted (under TLS, capabilities forgotten)
//!                   Introduced --AUTH------> Ready
//!                   Introduced ------------> Ready --MAIL RCPT--> OpenTransaction --DATA, BDAT--> Delivery
//! ```
//!
//! | state | file | sends | goes on with | otherwise |
//! |---|---|---|---|---|
//! | connected | `opening.rs` | nothing | 220: `Greeted` | 4yz, 5yz, silence: the session's failure |
//! | `Greeted` | `opening.rs` | EHLO, then HELO (§4.1.1.1) | 250: `Introduced` | 5yz to both: refused |
//! | `Introduced` | `opening.rs` | STARTTLS (`RFC 3207`) | 220: handshake, `Greeted` | not offered, refused: no session |
//! | `Introduced` | `auth.rs` | AUTH (`RFC 4954`) | 235: `Ready` | 535: login refused; 334 that is no base64: `*` |
//! | `Ready` | `envelope.rs` | MAIL, RCPT (§4.1.1.2, §4.1.1.3) | 2yz: `OpenTransaction` | MAIL refused: the message's failure |
//! | `OpenTransaction` | `envelope.rs` | the rest of RCPT | 2yz for each | 4yz, 5yz: the recipient's; all or none: RSET |
//! | `OpenTransaction` | `content.rs` | DATA (§4.1.1.4) or BDAT (`RFC 3030`) | 354, or the content at once | 4yz, 5yz: the message's |
//! | content sent | `transaction.rs` | nothing | 250: accepted | 4yz, 5yz: refused; anything else: unknown |
//! | `Ready` again | `opening.rs` | QUIT, or the next MAIL | | 421 anywhere: the session is over |
//!
//! Every reply is read; a code outside of 200 to 599 is not a reply. 421 always ends the session. Once the final
//! dot, or the end of BDAT LAST, may have left, only a whole 2yz, 4yz or 5yz reply decides the outcome; with
//! anything else it is [`crate::words::Kind::Unknown`]. VRFY, EXPN, HELP and NOOP are not used, and BDAT only LAST.

mod auth;
mod content;
mod delivery;
mod demand;
mod dialogue;
mod envelope;
mod name;
mod open_transaction;
mod opening;
pub(crate) mod server;
mod transaction;

pub use auth::SmtpLogin;
pub use delivery::{Delivery, MailTransaction, OnRejected, RecipientStatus, TransactionOutcome};
pub(crate) use delivery::{RecipientResult, ServerAnswer};
pub(crate) use name::ehlo_name;
pub use open_transaction::ContentHooks;
pub(crate) use open_transaction::OpenTransaction;
pub(crate) use opening::{Greeted, Introduced};
pub use opening::{Opening, Ready, open};
