//! Reads mail that strangers wrote, to show it to people and in JSON. Nothing is refused: as much as possible is
//! read, and what cannot be read is marked. Nothing here decides about delivery, and the stack does not grow with
//! the nesting of a message.
//!
//! The syntax is read here, one file for each; the tables of charsets are those of libraries. No library gets a
//! whole message: see [`parts`].

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
