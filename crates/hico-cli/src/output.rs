//! Text or JSON: words go to standard error, data to standard output.

use crate::gauge::Gauge;
use crate::interrupt;
use hico_data::{Event, Job};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

/// Where and how a command speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    /// Whether lines of a log go to standard error too; a bar would be torn by them.
    logs: bool,
}

/// An error that knows what the user can do about it; print it with `.context(Hint(..))`-like helpers.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(crate) struct Hinted {
    error: anyhow::Error,
    hint: String,
}

/// Adds a remedy to an error.
pub(crate) trait HintExt<T> {
    /// On an error, adds the line `hint: ...` below it.
    fn hint(self, hint: impl FnOnce() -> String) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> HintExt<T> for Result<T, E> {
    fn hint(self, hint: impl FnOnce() -> String) -> anyhow::Result<T> {
        self.map_err(|error| anyhow::Error::new(Hinted { error: error.into(), hint: hint() }))
    }
}

impl Output {
    /// - `logs`: whether lines of a log go to standard error too
    pub(crate) const fn new(json: bool, quiet: bool, logs: bool) -> Self {
        Self { json, quiet, logs }
    }

    /// Whether the result is wanted as JSON.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Data as text, to standard output.
    pub(crate) fn text(self, text: &str) {
        // A reader that went away (`hico ... | head`) is no error of ours.
        writeln!(std::io::stdout(), "{}", harmless(text.trim_end_matches('\n'))).ok();
    }

    /// The result: as JSON where that was asked for, else as the text that `text` makes of it.
    pub(crate) fn result<T: serde::Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        if self.json {
            self.text(&serde_json::to_string_pretty(value)?);
        } else {
            self.text(&text(value));
        }
        Ok(())
    }

    /// A remark for the person at the terminal, to standard error.
    pub(crate) fn note(self, words: &str) {
        if !self.quiet {
            writeln!(std::io::stderr(), "{}", harmless(words)).ok();
        }
    }

    /// A warning, to standard error, also when quiet.
    pub(crate) fn warning(self, words: &str) {
        writeln!(std::io::stderr(), "warning: {}", harmless(words)).ok();
    }

    /// The error that ended the program, on one line, and its hint.
    pub(crate) fn error(self, error: &anyhow::Error) {
        let mut lines: Vec<String> = Vec::new();
        let mut hint = None;
        for cause in error.chain() {
            if let Some(hinted) = cause.downcast_ref::<Hinted>() {
                hint = Some(hinted.hint.clone());
                lines.extend(hinted.error.chain().map(ToString::to_string));
            } else {
                lines.push(cause.to_string());
            }
        }
        // Layers of one error often repeat what they wrap; each fact is told once.
        let mut told: Vec<String> = Vec::new();
        for line in lines {
            if !told.iter().any(|before| before.contains(&line)) {
                told.push(line);
            }
        }
        writeln!(std::io::stderr(), "error: {}", harmless(&told.join(": "))).ok();
        if let Some(hint) = hint {
            writeln!(std::io::stderr(), "hint: {}", harmless(&hint)).ok();
        }
    }

    /// Does long work with the threads that were asked for: the first Ctrl-C asks it to stop, and what it tells is shown.
    ///
    /// - `name`: of the bar that shows how far it is; may be empty
    pub(crate) fn work<T>(self, name: &str, work: impl FnOnce(Job<'_>) -> T) -> anyhow::Result<T> {
        let stop = interrupt::flag()?;
        let logs = !self.quiet && (self.logs || !std::io::stderr().is_terminal());
        let shown = Shown { output: self, name, logs, state: Mutex::default() };
        let tell = |event| shown.tell(event);
        let done = work(Job::new(&stop).with_threads(rayon::current_num_threads()).telling(&tell));
        shown.end();
        Ok(done)
    }

    /// A progress bar over `total` things (0 where that is not known yet), with the time taken and the time to go, on one
    /// line; hidden when quiet or not at a terminal.
    pub(crate) fn progress(self, total: u64, what: &str) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(
            Some(total).filter(|total| *total > 0),
            if self.quiet || self.logs { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() },
        );
        // What does not fit on the line is cut off its end.
        let template = if what.is_empty() { "{gauge} {wide_msg}" } else { "{prefix} {gauge} {wide_msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("gauge", Gauge::new()));
        }
        bar.set_prefix(what.to_owned());
        // The time taken goes on while a step takes long.
        bar.enable_steady_tick(std::time::Duration::from_secs(1));
        bar
    }
}

/// What long work tells: a progress bar, and words above it. Where there is no terminal to draw a bar on, a line for every
/// new part of the work, as a log wants it.
struct Shown<'a> {
    output: Output,
    name: &'a str,
    logs: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    /// The part that was told last.
    last: String,
    /// Remedies that were told: what a hundred files have in common is said once.
    hints: BTreeSet<&'static str>,
}

impl Shown<'_> {
    fn tell(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { bar, last, hints } = &mut *state;
        match event {
            Event::Progress { done, total, unit, what } => {
                let bar = bar.get_or_insert_with(|| self.output.progress(total as u64, self.name));
                // What follows something finished has a time of its own.
                if bar.length() != Some(total as u64) || (done <= 1 && bar.position() == total as u64) {
                    bar.reset();
                }
                bar.set_length(total as u64);
                bar.set_message(harmless(&what).into_owned());
                bar.set_position(done as u64);
                if self.logs && !what.is_empty() && *last != what {
                    self.output.note(&format!("{what} ({done} of {total} {unit})"));
                    *last = what;
                }
            }
            Event::Note(words) => above(bar.as_ref(), || self.output.note(&words)),
            Event::Refused { file, reason, hint } => {
                let hint = if hints.insert(hint) { format!("\n  hint: {hint}") } else { String::new() };
                above(bar.as_ref(), || self.output.warning(&format!("{file}: {reason}{hint}")));
            }
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.state.lock().unwrap_or_else(PoisonError::into_inner).bar {
            bar.finish_and_clear();
        }
    }
}

/// Speaks without tearing a bar.
pub(crate) fn above(bar: Option<&ProgressBar>, speak: impl FnOnce()) {
    match bar {
        Some(bar) => bar.suspend(speak),
        None => speak(),
    }
}

/// Words as they may be shown: orders to the terminal, which the name of a file or of a class may hold, are spelt out.
fn harmless(words: &str) -> Cow<'_, str> {
    let is_order = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !words.contains(is_order) {
        return Cow::Borrowed(words);
    }
    let mut spelt = String::with_capacity(words.len() + 16);
    for letter in words.chars() {
        if is_order(letter) { spelt.extend(letter.escape_default()) } else { spelt.push(letter) }
    }
    Cow::Owned(spelt)
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn orders_to_the_terminal_are_spelt_out_and_lines_stay() {
        assert_eq!(harmless("a/\u{1b}]0;title\u{7}b\u{9b}2J\r.gif"), "a/\\u{1b}]0;title\\u{7}b\\u{9b}2J\\r.gif");
        assert_eq!(harmless("two lines,\n\ta tab, Müller"), "two lines,\n\ta tab, Müller");
    }
}
