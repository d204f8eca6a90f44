//! The table of the providers, in parts.

mod regions;
mod senders;
mod world;

use super::ProviderFacts;

/// The providers. A domain is in one of them.
pub(super) static ALL: &[&[ProviderFacts]] = &[world::WORLD, regions::REGIONS, senders::SENDERS];
