//! Panics that end a request and not the server, told by where they were: a message may hold what is somebody's.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught here.
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic of this thread was.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has panics that are caught here leave their location, and no message on standard error.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CATCHING.get() {
                return before(info);
            }
            let location =
                info.location().map(|location| format!("{}:{}", file_name(location.file()), location.line()));
            LOCATION.with_borrow_mut(|last| *last = location);
        }));
    });
}

/// Without the folders of the machine that compiled it.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn words(_: Box<dyn Any + Send>) -> String {
    LOCATION
        .with_borrow_mut(Option::take)
        .map_or_else(|| "a panic".to_owned(), |location| format!("a panic at {location}"))
}

/// What `work` gives, or where it panicked.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    watch();
    let before = CATCHING.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work)).map_err(words);
    CATCHING.set(before);
    outcome
}

/// As [`caught`], of a future, which is not polled again.
pub(crate) async fn caught_in<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = Box::pin(future);
    poll_fn(move |context| match caught(|| future.as_mut().poll(context)) {
        Ok(poll) => poll.map(Ok),
        Err(location) => std::task::Poll::Ready(Err(location)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_by_its_location_alone() {
        assert_eq!(caught(|| 3), Ok(3));
        let said = caught(|| -> u8 { panic!("Doe^Jane") }).unwrap_err();
        assert!(said.starts_with("a panic at panics.rs:"), "{said}");
    }
}
