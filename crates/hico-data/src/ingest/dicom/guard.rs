//! Foreign decoders on a leash: one that breaks down costs a file, not the program.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a decoder; its panic becomes an error.
pub(super) fn guard<T>(decode: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // What it was working on is thrown away with it, so nothing half-done is seen.
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| Err("the decoder broke down over it".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_breaks_down_is_an_error() {
        assert_eq!(guard(|| Ok(3)), Ok(3));
        let broken: Result<u8, String> = guard(|| panic!("this panic is part of a test"));
        assert_eq!(broken.unwrap_err(), "the decoder broke down over it");
    }
}
