//! OAuth2 for mail: what `[accounts.NAME.oauth]` says, what the providers want, and the tokens themselves.
//!
//! | file | what it holds |
//! |---|---|
//! | `settings.rs` | the table of the file, as it was read |
//! | `provider.rs` | endpoints, scopes and parameters of the large providers; what to tell their users |
//! | `grant.rs` | both together: what an account asks of which authorization server |
//! | `endpoint.rs` | the way to an endpoint, which tests play |
//! | `web.rs` | the same over the web |
//! | `clients.rs` | clients that registered themselves |
//! | `identity.rs` | in whose name a token is asked for, and what proves it |
//! | `held.rs` | the tokens of an account, as they are kept |
//! | `keeper.rs` | where they are kept, under a lock |
//! | `patience.rs` | what a signal does not cut short at once |
//! | `renewal.rs` | a good token for each login, and new ones in time |
//! | `told.rs` | what a refusal means, and what mends it |

pub mod clients;
pub mod discovery;
pub mod endpoint;
pub mod grant;
pub mod held;
mod identity;
pub mod keeper;
mod patience;
pub mod provider;
pub mod renewal;
pub mod settings;
pub mod told;
pub mod web;

pub use clients::KeptClient;
pub use discovery::discover;
pub use endpoint::{EndpointAnswer, TokenEndpoint};
pub use grant::Grant;
pub use held::HeldToken;
pub use keeper::Keeper;
pub use provider::{Endpoints, Flow, Provider, TokenUses};
pub use renewal::{Issued, TokenSource};
pub use settings::{OAuthSettings, TokenStore};
