//! Layer 4: durable storage.
