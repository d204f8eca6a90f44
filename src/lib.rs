//! postie: a blocking, scriptable mail utility.
//!
//! The layers, bottom up; a module imports only from its own layer or from those above it in this list
//! (`tests/it/layering.rs` holds it to that):
//!
//! | layer | modules | holds |
//! |---|---|---|
//! | 0 | `words` | exit codes, failures, secrets, addresses |
//! | 1 | `codec` | bytes in, values out |
//! | 2 | `net` | links, TLS, the wire |
//! | 3 | `pop3`, `smtp` | the sessions |
//! | 4 | `store` | durable delivery, the ledger |
//! | 5 | `mail`, `account`, `work` | composing and reading mail, accounts and secrets, the jobs |
//! | 6 | `cli`, `output`, `cmd` | arguments, output, the commands |

pub mod account;
pub mod cli;
pub mod cmd;
pub mod codec;
pub mod mail;
pub mod net;
pub mod output;
pub mod pop3;
pub mod smtp;
pub mod store;
pub mod words;
pub mod work;
