//! A child process on a leash: its time, its memory, its words and its life are bounded by us. What it writes to its
//! standard output is bounded by who reads it.

use std::io::{BufRead as _, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wait_timeout::ChildExt as _;

/// Bytes of standard error that are kept.
const WORDS: u64 = 16_384;

/// Bytes of a line of standard error.
const LONGEST_LINE: u64 = 4096;

/// The interval at which the leash looks at the clock and at the stop flag.
const BEAT: Duration = Duration::from_millis(50);

/// Says how a child ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The first part of what it wrote to standard error.
    pub(crate) said: String,
    /// True where it was ended because its time was up.
    pub(crate) timed_out: bool,
}

/// A program that may take so many bytes of memory; a child of it is refused more and has to end.
///
/// A shell sets the limit and becomes the program, because Rust's own way to do so between fork and exec is `unsafe`.
/// macOS and Windows know no such limit; there the program's own options have to do.
pub(crate) fn command(program: &Path, memory: u64) -> Command {
    if cfg!(not(unix)) {
        return Command::new(program);
    }
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v \"$0\" 2>/dev/null; exec \"$@\"", &(memory / 1024).to_string()]).arg(program);
    command
}

/// Reads at most so many bytes; what follows is left to the leash.
pub(crate) fn at_most(bytes: u64) -> impl FnOnce(&mut BufReader<ChildStdout>) -> std::io::Result<Vec<u8>> {
    move |output| {
        let mut answer = Vec::new();
        output.take(bytes).read_to_end(&mut answer).map(|_| answer)
    }
}

/// Runs a child and hands its standard output to `read`; the child is killed when `read` returns before its end, when
/// its time is up, or when `stop` turns true.
///
/// - `keep`: which lines of its standard error are kept
pub(crate) fn run<T>(
    command: &mut Command,
    time: Duration,
    stop: &AtomicBool,
    keep: fn(&str) -> bool,
    read: impl FnOnce(&mut BufReader<ChildStdout>) -> T,
) -> std::io::Result<(T, Ended)> {
    #[cfg(unix)]
    {
        // Ctrl-C at the terminal goes to us alone; a child that saw it too would hand over half a clip as if it were whole.
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let missing = || std::io::Error::other("the child has no standard output");
    let mut output = BufReader::with_capacity(1 << 16, child.stdout.take().ok_or_else(missing)?);
    let errors = child.stderr.take().ok_or_else(missing)?;
    let child = Mutex::new(child);
    let (over, timed_out) = (AtomicBool::new(false), AtomicBool::new(false));
    let deadline = Instant::now() + time;
    std::thread::scope(|scope| {
        let words = scope.spawn(move || listen(errors, keep));
        let leash = scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                let late = Instant::now() >= deadline;
                if late || stop.load(Ordering::Relaxed) {
                    timed_out.store(late, Ordering::Release);
                    kill(&child);
                    break;
                }
                std::thread::park_timeout(BEAT);
            }
        });
        // A reader that panics goes on with that when the child is gone; the leash would else hold it until the time is up.
        let result = catch_unwind(AssertUnwindSafe(|| read(&mut output)));
        // Whoever stopped reading has no use for the rest; at its end the child is gone anyway or about to be.
        let at_end = result.is_ok() && output.fill_buf().is_ok_and(<[u8]>::is_empty);
        drop(output);
        if !at_end {
            kill(&child);
        }
        let status = wait(&child);
        over.store(true, Ordering::Release);
        leash.thread().unpark();
        let said = words.join().unwrap_or_default();
        let timed_out = timed_out.load(Ordering::Acquire);
        let result = result.unwrap_or_else(|panic| resume_unwind(panic));
        Ok((result, Ended { status: status?, said, timed_out }))
    })
}

/// Keeps the first lines that are worth it and reads on, so that a talkative child is not blocked.
fn listen(errors: impl Read, keep: fn(&str) -> bool) -> String {
    let mut errors = BufReader::new(errors);
    let (mut kept, mut line) = (String::new(), Vec::new());
    while (kept.len() as u64) < WORDS {
        line.clear();
        // What has no end of a line is cut into pieces.
        match errors.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return kept,
        }
        let line = String::from_utf8_lossy(&line);
        if keep(&line) {
            let room = WORDS as usize - kept.len();
            kept.extend(line.chars().scan(0, |taken, letter| {
                *taken += letter.len_utf8();
                (*taken <= room).then_some(letter)
            }));
            if line.len() > room {
                break;
            }
        }
    }
    std::io::copy(&mut errors, &mut std::io::sink()).ok();
    kept
}

fn kill(child: &Mutex<Child>) {
    if let Ok(mut child) = child.lock() {
        child.kill().ok();
    }
}

/// Waits in short turns, so that the leash can reach a child that closed its output and lives on.
fn wait(child: &Mutex<Child>) -> std::io::Result<ExitStatus> {
    loop {
        let mut child = child.lock().map_err(|_| std::io::Error::other("a thread that held the child panicked"))?;
        if let Some(status) = child.wait_timeout(BEAT)? {
            return Ok(status);
        }
        drop(child);
        std::thread::yield_now();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[expect(clippy::unwrap_used, reason = "called by tests only")]
    fn shell(script: &str, time: Duration, stop: &AtomicBool) -> (Vec<u8>, Ended) {
        let read = |output: &mut BufReader<ChildStdout>| {
            let mut bytes = Vec::new();
            output.read_to_end(&mut bytes).unwrap();
            bytes
        };
        run(Command::new("sh").args(["-c", script]), time, stop, |_| true, read).unwrap()
    }

    #[test]
    fn output_words_and_status_of_a_child_are_told_apart() {
        let (bytes, ended) = shell("echo out; echo err >&2; exit 3", Duration::from_secs(20), &AtomicBool::new(false));
        assert_eq!((bytes.as_slice(), ended.said.as_str(), ended.status.code()), (&b"out\n"[..], "err\n", Some(3)));
        assert!(!ended.timed_out);
    }

    #[test]
    fn a_child_that_takes_too_long_is_ended() {
        let begin = Instant::now();
        let (_, ended) = shell("exec sleep 60", Duration::from_millis(100), &AtomicBool::new(false));
        assert!(ended.timed_out && !ended.status.success());
        assert!(begin.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_child_whose_reader_panics_is_ended_at_once() {
        let begin = Instant::now();
        let read = |_: &mut BufReader<ChildStdout>| panic!("this panic is part of a test");
        let never = AtomicBool::new(false);
        let mut child = Command::new("sh");
        let minute = Duration::from_secs(60);
        let ran = || run(child.args(["-c", "exec sleep 60"]), minute, &never, |_| true, read).map(|_: ((), _)| ());
        assert!(catch_unwind(AssertUnwindSafe(ran)).is_err());
        assert!(begin.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_child_that_closed_its_output_is_ended_too() {
        let (_, ended) = shell("exec sleep 60 >&- 2>&-", Duration::from_millis(100), &AtomicBool::new(false));
        assert!(ended.timed_out);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_child_that_takes_too_much_memory_is_refused_it() {
        // `tail` holds all it is asked for, until it knows where the end is.
        let script = "head -c 300000000 /dev/zero | tail -c 300000000 | head -c 1";
        let bytes = |memory: u64| {
            let mut command = command(Path::new("sh"), memory);
            command.args(["-c", script]);
            let (answer, ended) =
                run(&mut command, Duration::from_secs(60), &AtomicBool::new(false), |_| true, at_most(9)).unwrap();
            (answer.unwrap().len(), ended.said)
        };
        assert_eq!(bytes(8 << 30), (1, String::new()));
        let (answer, said) = bytes(100 << 20);
        assert!(answer == 0 && said.contains("memory"), "{answer} {said}");
    }

    #[test]
    fn an_endless_answer_is_cut_and_its_child_ended() {
        let mut command = command(Path::new("sh"), 1 << 30);
        command.args(["-c", "while true; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done"]);
        let time = Duration::from_secs(60);
        let (answer, ended) = run(&mut command, time, &AtomicBool::new(false), |_| true, at_most(1000)).unwrap();
        assert_eq!(answer.unwrap().len(), 1000);
        assert!(!ended.timed_out && !ended.status.success());
    }

    #[test]
    fn a_stop_ends_the_child() {
        let (_, ended) = shell("exec sleep 60", Duration::from_secs(60), &AtomicBool::new(true));
        assert!(!ended.timed_out && !ended.status.success());
    }

    #[test]
    fn a_child_nobody_listens_to_any_more_is_ended_and_its_words_are_bounded() {
        let endless = "while true; do echo x; echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy >&2; done";
        let read = |output: &mut BufReader<ChildStdout>| {
            let mut some = [0; 100_000];
            output.read_exact(&mut some).unwrap();
        };
        let mut command = Command::new("sh");
        let ((), ended) =
            run(command.args(["-c", endless]), Duration::from_secs(60), &AtomicBool::new(false), |_| true, read)
                .unwrap();
        assert!(!ended.status.success() && !ended.timed_out);
        assert!(ended.said.len() as u64 <= WORDS);
    }
}
