//! Headers and messages: no mail makes the readers fail, and what is mended is fit for every server.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::mail::content::Readable;
use postie::mail::fix::mend;
use postie::mail::outgoing::MAX_LINE;
use postie::mail::raw::{Supplied, Raw};
use postie::mail::summary::Summary;
use postie::output::sanitize::{is_hostile, safe};

fuzz_target!(|data: &[u8]| {
    let summary = Summary::of(data);
    if let Some(subject) = &summary.subject {
        assert!(!safe(subject).chars().any(is_hostile));
    }
    let _ = Readable::of(data);
    let mut input = data;
    let beside = Supplied { mends: true, ..Supplied::default() };
    let Ok(outgoing) = Raw::read(&mut input, "-").and_then(|raw| raw.complete(beside)) else { return };
    if let Ok((outgoing, _)) = mend(outgoing) {
        let facts = outgoing.content.facts();
        assert!(facts.longest_line <= MAX_LINE && (!facts.eight_bit || outgoing.needs_utf8()));
    }
});
