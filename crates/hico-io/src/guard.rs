//! The one guard that every reader goes through: a decoder that breaks down, or does not end, costs its file and nothing
//! else.
//!
//! A reader works in a thread of its own. Its panic becomes a refusal, and nothing of it reaches the screen. When its
//! time is up it is told to stop: what reads through [`StoppableFile`] then gets no more bytes, and what looks at the flag
//! ends. A decoder that does neither is left behind in its thread; safe Rust cannot end it, but nobody waits for it.

use crate::error::Error;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, mpsc};
use std::time::{Duration, Instant};

/// The interval at which a stop is looked for while a reader works.
const BEAT: Duration = Duration::from_millis(50);

/// The time that a reader may take to stop before it is left behind.
const GRACE: Duration = Duration::from_secs(2);

thread_local! {
    /// Says whether a panic of this thread is caught and told as a refusal.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Says where this thread panicked last.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a reader in a thread of its own.
///
/// - `seconds`: how long it may take; 0 counts as 1
/// - `halt`: turns true when the result is not wanted any more
/// - `work`: gets the flag that tells it to stop; it may then end with [`Error::Interrupted`]
///
/// # Errors
/// Those of the reader, and when it panics, takes too long or is halted.
pub fn run<T: Send + 'static>(
    seconds: u64,
    halt: &AtomicBool,
    work: impl FnOnce(&AtomicBool) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let (send, outcome) = mpsc::sync_channel(1);
    let told = Arc::clone(&stop);
    let span = tracing::Span::current();
    let read = move || drop(send.send(catch(|| work(&told)).unwrap_or_else(|said| Err(Error::BrokeDown { said }))));
    let spawned = std::thread::Builder::new().name("reader".to_owned()).spawn(move || span.in_scope(read));
    spawned.map_err(|error| Error::Read { said: format!("no thread to read it in: {error}") })?;
    let mut deadline = Instant::now() + Duration::from_secs(seconds.max(1));
    let mut ended_by = None;
    loop {
        match outcome.recv_timeout(BEAT) {
            Ok(Err(Error::Interrupted)) => return Err(ended_by.unwrap_or(Error::Interrupted)),
            Ok(result) => return result,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Error::BrokeDown { said: BROKE_DOWN.to_owned() });
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        let is_late = Instant::now() >= deadline;
        match ended_by.clone() {
            Some(why) if is_late => return Err(why),
            None if is_late || halt.load(Ordering::Relaxed) => {
                ended_by = Some(if is_late { Error::TooSlow { seconds } } else { Error::Interrupted });
                stop.store(true, Ordering::Relaxed);
                deadline = Instant::now() + GRACE;
            }
            _ => {}
        }
    }
}

const BROKE_DOWN: &str = "the decoder broke down over it";

/// Runs a decoder within this thread; its panic becomes an error that says where, and is not printed.
///
/// # Errors
/// When it panics.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(
            move |info| {
                if IS_GUARDED.get() { PLACE.set(Some(place(info))) } else { others(info) }
            },
        ));
    });
    let was_guarded = IS_GUARDED.replace(true);
    // What it was working on is thrown away with it, so nothing half-done is seen.
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(was_guarded);
    outcome.map_err(|_| match PLACE.take() {
        Some(place) => format!("{BROKE_DOWN} ({place})"),
        None => BROKE_DOWN.to_owned(),
    })
}

/// Runs a decoder that has errors of its own within this thread; its panic becomes an error that says where.
///
/// # Errors
/// Those of the decoder, and when it panics.
pub fn guard<T>(decode: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch(decode)?
}

/// Finds where a panic arose: the last parts of the path, which name the crate but not the machine.
fn place(info: &PanicHookInfo<'_>) -> String {
    let Some(location) = info.location() else { return "nowhere".to_owned() };
    let parts: Vec<&str> = location.file().split(['/', '\\']).collect();
    let from = parts.iter().rposition(|part| *part == "src").map_or(parts.len() - 1, |src| src.saturating_sub(1));
    format!("{}:{}", parts[from..].join("/"), location.line())
}

/// Opens a file to read; a pipe, a socket or a device is refused and never waited for.
///
/// # Errors
/// When it is no regular file, or cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    File::open(path)
}

/// A file for a decoder that has no flag to look at: once it is to stop there are no more bytes.
pub struct StoppableFile<'a, R> {
    source: R,
    stop: &'a AtomicBool,
}

impl<'a, R> StoppableFile<'a, R> {
    /// Wraps a file.
    ///
    /// - `stop`: turns true when the reader is to stop
    #[must_use]
    pub const fn new(source: R, stop: &'a AtomicBool) -> Self {
        Self { source, stop }
    }
}

impl<R: Read> Read for StoppableFile<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        // No `Interrupted`: readers try that again.
        if self.stop.load(Ordering::Relaxed) { Err(io::Error::other("stopped")) } else { self.source.read(bytes) }
    }
}

impl<R: Seek> Seek for StoppableFile<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_decoder_that_breaks_down_is_an_error_that_names_the_place() {
        assert_eq!(guard(|| Ok(3)), Ok(3));
        assert_eq!(guard::<u8>(|| Err("cut".to_owned())).unwrap_err(), "cut");
        let broken: Result<u8, String> = guard(|| panic!("this panic is part of a test"));
        let said = broken.unwrap_err();
        assert!(said.starts_with("the decoder broke down over it (hico-io/src/guard.rs:"), "{said}");
    }

    #[test]
    fn a_panic_of_a_guarded_thread_is_silent_and_one_outside_is_not() {
        let heard = Arc::new(AtomicBool::new(false));
        // The guard's hook hands on to the one before it; whoever sets one later decides for itself.
        assert!(catch(|| IS_GUARDED.get()).unwrap());
        assert!(!IS_GUARDED.get(), "what follows is not guarded");
        let inner = Arc::clone(&heard);
        let nested = catch(|| {
            assert!(catch(|| panic!("this panic is part of a test")).is_err());
            inner.store(IS_GUARDED.get(), Ordering::Relaxed);
        });
        assert!(nested.is_ok() && heard.load(Ordering::Relaxed), "a guard within a guard leaves it in place");
    }

    #[test]
    fn a_reader_that_panics_in_its_thread_is_refused() {
        let result: Result<u8, Error> = run(60, &NEVER, |_| panic!("this panic is part of a test"));
        assert!(matches!(result, Err(Error::BrokeDown { .. })), "{result:?}");
        assert_eq!(run(60, &NEVER, |_| Ok(7)), Ok(7));
    }

    #[test]
    fn a_loop_that_reads_is_ended_and_one_that_does_not_is_left_behind() {
        let begin = Instant::now();
        let reads = run(1, &NEVER, |stop| {
            let mut endless = StoppableFile::new(io::repeat(0), stop);
            let error = io::copy(&mut endless, &mut io::sink()).unwrap_err();
            Err::<u8, _>(if error.to_string() == "stopped" { Error::Interrupted } else { Error::NoIndex })
        });
        assert_eq!(reads, Err(Error::TooSlow { seconds: 1 }));
        let spins = run(1, &NEVER, move |_| {
            loop {
                std::thread::sleep(Duration::from_millis(1));
                if begin.elapsed() > Duration::from_secs(60) {
                    return Ok(0);
                }
            }
        });
        assert_eq!(spins, Err(Error::TooSlow { seconds: 1 }));
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    }

    #[test]
    fn a_halt_ends_a_reader_long_before_its_time() {
        let wait = |stop: &AtomicBool| {
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err::<u8, _>(Error::Interrupted)
        };
        assert_eq!(run(600, &AtomicBool::new(true), wait), Err(Error::Interrupted));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("a.png");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [socket.as_path(), folder.path(), Path::new("/dev/zero")] {
            assert_eq!(open(path).unwrap_err().to_string(), "it is no regular file");
        }
        assert_eq!(open(&folder.path().join("gone")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
