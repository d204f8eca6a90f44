//! Runs a parser of untrusted mail so that a panic in a library stops nothing and is not reported.

use std::cell::Cell;
use std::panic::{UnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `parse`; `None` if it panics.
pub fn guarded<T>(parse: impl FnOnce() -> T + UnwindSafe) -> Option<T> {
    let before = GUARDED.replace(true);
    let parsed = catch_unwind(parse).ok();
    GUARDED.set(before);
    parsed
}

/// Whether this thread is inside [`guarded`], so that a panic must not be reported.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parser_that_panics_has_no_result_and_the_guard_is_off_again() {
        assert_eq!(guarded(|| 1), Some(1));
        let nested = guarded(|| (guarded(|| -> u8 { panic!("a fault") }), is_guarded()));
        assert_eq!(nested, Some((None, true)));
        assert!(!is_guarded());
    }
}
