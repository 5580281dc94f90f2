//! Text or JSON: words go to standard error, data to standard output.

use crate::gauge::Gauge;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};

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

    /// A meter for long work that tells what it is at; see [`Meter`].
    pub(crate) fn meter(self, unit: &str) -> Meter {
        let logs = !self.quiet && (self.logs || !std::io::stderr().is_terminal());
        Meter { output: self, bar: self.progress(0, unit), unit: unit.to_owned(), logs, last: String::new() }
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

/// A progress bar; where there is no terminal to draw it on, a line for every new part of the work, as a log wants it.
pub(crate) struct Meter {
    output: Output,
    bar: ProgressBar,
    unit: String,
    logs: bool,
    last: String,
}

impl Meter {
    /// Shows how far the work is, and what it is at.
    pub(crate) fn show(&mut self, done: u64, total: u64, what: &str) {
        if total > 0 {
            self.bar.set_length(total);
        }
        self.bar.set_message(harmless(what).into_owned());
        self.bar.set_position(done);
        if self.logs && !what.is_empty() && self.last != what {
            self.output.note(&format!("{what} ({done} of {total} {})", self.unit));
            what.clone_into(&mut self.last);
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
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
