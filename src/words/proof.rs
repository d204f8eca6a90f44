//! Proof that something happened, as a type.

/// Implemented by values that exist only once a message is durably stored and its UID durably recorded
/// (the ledger's `Recorded`). A session deletes nothing without one: doing so does not compile.
pub trait DurablyRecorded {}
