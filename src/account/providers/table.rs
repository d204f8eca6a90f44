//! The table of the providers, in parts.

mod regions;
mod senders;
mod world;

use super::Provider;

/// The providers. A domain is in one of them.
pub(super) static ALL: &[&[Provider]] = &[world::WORLD, regions::REGIONS, senders::SENDERS];
