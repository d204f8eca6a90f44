//! Headers and messages: no mail makes the readers fail.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::mail::content::Content;
use postie::mail::summary::Summary;
use postie::output::sanitize::{is_hostile, safe};

fuzz_target!(|data: &[u8]| {
    let summary = Summary::of(data);
    if let Some(subject) = &summary.subject {
        assert!(!safe(subject).chars().any(is_hostile));
    }
    let _ = Content::of(data);
});
