//! Reading mail that strangers wrote, for people and for JSON: whatever it holds, something is read of it,
//! and what cannot be read is said to be so. Nothing here decides about delivery, refuses a message, or
//! grows the stack with how deep a message nests.
//!
//! The octets are taken apart here, one room for each syntax; tables and transfer encodings are the
//! libraries'. A whole message is not given to a library: see [`parts`].

pub(super) mod charset;
pub(super) mod date;
pub(super) mod header;
pub(super) mod params;
pub(super) mod parts;
pub(super) mod people;
mod reading;
mod shifts;
pub(super) mod transfer;
pub(super) mod words;
