//! OAuth2 for mail: what `[accounts.NAME.oauth]` says, what the providers want, and the tokens themselves.
//!
//! | file | what it holds |
//! |---|---|
//! | `settings.rs` | the table of the file, as it was read |
//! | `provider.rs` | endpoints, scopes and parameters of the large providers; what to tell their users |
//! | `grant.rs` | both together: what an account asks of which authorization server |
//! | `endpoint.rs` | the way to an endpoint, which tests play |

pub mod discovery;
pub mod endpoint;
pub mod grant;
pub mod provider;
pub mod settings;

pub use discovery::discover;
pub use endpoint::{Answer, TokenEndpoint};
pub use grant::Grant;
pub use provider::{Endpoints, Flow, Provider, Uses};
pub use settings::{OAuthSettings, TokenStore};
