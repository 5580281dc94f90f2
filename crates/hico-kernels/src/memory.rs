//! The allocator of a program that trains: it keeps the pages of what was freed.
//!
//! Every step asks for the same maps and gradients again. To give their pages back and to fetch them again, zeroed, page
//! by page, costs more than some of the arithmetic on them.

#![expect(unsafe_code, reason = "a setting of a library in C")]

/// For `#[global_allocator]`.
pub use mimalloc::MiMalloc as Allocator;

/// The number of the option `mi_option_purge_delay` in mimalloc 3.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// From now on pages that were freed stay with the process. Does nothing where [`Allocator`] is not the allocator.
///
/// To be called before threads are started.
pub fn keep_freed_pages() {
    // SAFETY: the function takes two numbers, ignores options that it does not know, and stores one word. It is not
    // synchronised with threads that allocate: one that runs already may read the old word once more, which only
    // decides whether it gives a page back.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_the_delay_in_milliseconds_and_is_taken() {
        // SAFETY: as above.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert!(delay() >= 10, "{}", delay());
        keep_freed_pages();
        assert_eq!(delay(), -1);
    }
}
