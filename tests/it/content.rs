//! Content: what is received is what was given, octet for octet, at any size, from any source, in any pieces.
//! Random messages of up to 20 MB go through every way in and every way out; sizes and pieces are near the
//! sizes of every buffer. They are compared with what a server or the disk has, by decoders that are not
//! postie's.
//!
//! `POSTIE_CONTENT_SECONDS` is how long each of these tests runs (10), `POSTIE_CONTENT_SEED` the seed to
//! start with; a failure names the seed that repeats it. `POSTIE_CONTENT_PROGRAM` names a binary of postie
//! other than the one just built.

pub mod decode;
mod fetched;
mod made;
mod popper;
mod sent;

use crate::send_property::{Span, repeat_in};
use crate::support::random::Random;
use crate::support::world::World;

/// Runs `one` with one seed after the other.
fn repeat(test: &str, one: impl FnMut(&mut Random) -> bool) {
    repeat_in(&Span { variables: "POSTIE_CONTENT", seconds: 10 }, test, one);
}

/// A scratch home for the program under test.
fn world() -> World {
    let named = std::env::var("POSTIE_CONTENT_PROGRAM").ok();
    World::new(named.as_deref().unwrap_or(env!("CARGO_BIN_EXE_postie")))
}

/// Fails if they differ, and shows the difference without filling the screen.
#[track_caller]
fn assert_same(what: &str, found: &[u8], wanted: &[u8]) {
    if found == wanted {
        return;
    }
    let at = found.iter().zip(wanted).take_while(|(found, wanted)| found == wanted).count();
    let around = |octets: &[u8]| {
        let from = at.saturating_sub(60).min(octets.len());
        octets[from..(at + 60).min(octets.len())].escape_ascii().to_string()
    };
    let (lengths, found, wanted) = ((found.len(), wanted.len()), around(found), around(wanted));
    panic!("{what}: {lengths:?} octets, other ones from {at} on:\nfound  {found}\nwanted {wanted}");
}
