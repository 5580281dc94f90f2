//! Panics that end a request and not the server, told by where they were: a message may hold what is somebody's.

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

thread_local! {
    /// Whether the message of a panic of this thread is kept off standard error.
    static HIDDEN: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic of this thread was.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has the panics of this thread leave their location, and no message on standard error.
pub(crate) fn hide() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !HIDDEN.get() {
                return before(info);
            }
            // Without the folders of the machine that compiled it.
            let file = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
            let location = info.location().map(|location| format!("{}:{}", file(location.file()), location.line()));
            LOCATION.with_borrow_mut(|last| *last = location);
        }));
    });
    HIDDEN.set(true);
}

/// What is told of the panic that was just caught in this thread.
pub(crate) fn cause() -> String {
    LOCATION
        .with_borrow_mut(Option::take)
        .map_or_else(|| "a panic".to_owned(), |location| format!("a panic at {location}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_by_its_location_alone() {
        hide();
        assert!(panic::catch_unwind(|| panic!("Doe^Jane")).is_err());
        let told = cause();
        assert!(told.starts_with("a panic at panics.rs:"), "{told}");
        assert_eq!(cause(), "a panic", "it is told once");
    }
}
