//! Layer 5: accounts: the configuration file, secrets, providers.
pub mod values;
