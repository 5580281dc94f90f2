//! A journal read back: columns of steps, epochs by number, and how the run ended.

use crate::Error;
use hico_train::journal::{EpochEntry, JournalEntry, StepEntry};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

/// What happened in a run.
#[derive(Debug, Default, Serialize)]
pub struct History {
    /// Version of the program that began the run.
    pub version: Option<String>,
    /// Steps in all, as planned.
    pub steps_planned: u64,
    /// Epochs in all, as planned.
    pub epochs_planned: usize,
    /// One value a step.
    #[serde(skip)]
    pub steps: Steps,
    /// What each epoch reported, by its number.
    pub epochs: BTreeMap<usize, EpochEntry>,
    /// Steps after which the run was taken up again.
    pub resumed: Vec<u64>,
    /// Epoch and message.
    pub warnings: Vec<(usize, String)>,
    /// How it ended.
    pub end: End,
    /// Whether the last line is cut short, as a killed run leaves it.
    pub cut: bool,
}

/// How a run ended, as far as its journal knows.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// No entry says so: it is still running, or it was killed.
    #[default]
    Open,
    /// Before its last epoch.
    Stopped {
        /// Why.
        reason: String,
    },
    /// It went through.
    Finished {
        /// Seconds of training, over all sittings.
        seconds: f64,
    },
}

/// The steps of a run, column by column; row `i` of every column is the same step.
#[derive(Debug, Default)]
pub struct Steps {
    /// Number of the step, from 0.
    pub step: Vec<u64>,
    /// Learning rate used.
    pub learning_rate: Vec<f64>,
    /// Norm of the whole gradient.
    pub gradient_norm: Vec<f64>,
    /// Seconds for the step.
    pub seconds: Vec<f64>,
    /// Seconds of it spent waiting for data.
    pub data_seconds: Vec<f64>,
    /// Images in the step.
    pub images: Vec<f64>,
    /// Every term of the loss; not a number where a step lacks it.
    pub losses: BTreeMap<String, Vec<f64>>,
}

/// A line of ours has some hundred bytes.
const LONGEST_LINE: u64 = 1 << 20;
/// Ten million steps are a year of training.
const MOST_STEPS: usize = 10_000_000;
/// HiCo has eight terms.
const MOST_TERMS: usize = 64;

impl History {
    /// Reads a journal line by line. A last line that is cut short is left out and noted.
    ///
    /// # Errors
    /// When the file cannot be read, or a line before the last one is no entry.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let mut reader = BufReader::new(File::open(path).map_err(failed)?);
        let mut history = Self::default();
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
                break;
            }
            let whole = bytes.ends_with(b"\n");
            let at_end = !whole && (bytes.len() as u64) < LONGEST_LINE;
            if whole && bytes.trim_ascii().is_empty() {
                continue;
            }
            let added = serde_json::from_slice(&bytes).map_err(|error| error.to_string());
            match added.and_then(|entry| history.add(entry)) {
                Ok(()) => {}
                Err(_) if at_end => history.cut = true,
                Err(reason) => return Err(Error::JournalLine { path: path.to_owned(), line, reason }),
            }
        }
        Ok(history)
    }

    /// Steps done.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.steps.step.last().map_or(0, |step| step.saturating_add(1))
    }

    /// The last epoch that was finished.
    #[must_use]
    pub fn last_epoch(&self) -> Option<&EpochEntry> {
        self.epochs.values().next_back()
    }

    /// A column of steps as points `[epoch, mean]`, at most `most` of them, each the mean of a stretch of steps.
    ///
    /// - `value`: what step number `i` (row of the columns) contributes; what is not finite is left out of its mean, and
    ///   a stretch with nothing in it is not a number
    #[must_use]
    pub fn binned(&self, most: usize, value: impl Fn(&Steps, usize) -> f64) -> Vec<[f64; 2]> {
        let steps = self.steps.step.len();
        let size = steps.div_ceil(most.max(1)).max(1);
        let epochs_a_step = match self.steps_planned {
            0 => 1.0,
            planned => self.epochs_planned as f64 / planned as f64,
        };
        (0..steps)
            .step_by(size)
            .map(|first| {
                let rows = first..(first + size).min(steps);
                let middle = rows.clone().map(|row| self.steps.step[row] as f64 + 1.0).sum::<f64>() / rows.len() as f64;
                let values: Vec<f64> =
                    rows.map(|row| value(&self.steps, row)).filter(|value| value.is_finite()).collect();
                [middle * epochs_a_step, values.iter().sum::<f64>() / values.len() as f64]
            })
            .collect()
    }

    /// A value of every epoch that has one, as points `[epochs done, value]`.
    #[must_use]
    pub fn by_epoch(&self, value: impl Fn(&EpochEntry) -> Option<f64>) -> Vec<[f64; 2]> {
        self.epochs.values().filter_map(|entry| value(entry).map(|value| [entry.epoch as f64 + 1.0, value])).collect()
    }

    fn add(&mut self, entry: JournalEntry) -> Result<(), String> {
        match entry {
            JournalEntry::Start { version, steps, epochs } => {
                self.version = Some(version);
                self.steps_planned = steps;
                self.epochs_planned = epochs;
            }
            JournalEntry::Resume { step } => {
                // What a killed run did after its last checkpoint was done again: the second time counts.
                self.steps.keep_below(step);
                self.resumed.push(step);
                self.end = End::Open;
            }
            JournalEntry::Step(step) => self.steps.push(&step)?,
            JournalEntry::Epoch(epoch) => {
                self.epochs.insert(epoch.epoch, epoch);
            }
            JournalEntry::Warning { epoch, message } => self.warnings.push((epoch, message)),
            JournalEntry::Stopped { reason, .. } => self.end = End::Stopped { reason },
            JournalEntry::Finished { seconds, .. } => self.end = End::Finished { seconds },
        }
        Ok(())
    }
}

impl Steps {
    fn push(&mut self, entry: &StepEntry) -> Result<(), String> {
        if self.step.len() >= MOST_STEPS {
            return Err(format!("more than {MOST_STEPS} steps"));
        }
        for name in entry.losses.keys() {
            if !self.losses.contains_key(name) {
                if self.losses.len() >= MOST_TERMS {
                    return Err(format!("more than {MOST_TERMS} terms of the loss"));
                }
                self.losses.insert(name.clone(), vec![f64::NAN; self.step.len()]);
            }
        }
        for (name, column) in &mut self.losses {
            column.push(entry.losses.get(name).copied().unwrap_or(f64::NAN));
        }
        self.step.push(entry.step);
        self.learning_rate.push(entry.learning_rate);
        self.gradient_norm.push(entry.gradient_norm);
        self.seconds.push(entry.seconds);
        self.data_seconds.push(entry.data_seconds);
        self.images.push(entry.images as f64);
        Ok(())
    }

    fn keep_below(&mut self, step: u64) {
        let kept = self.step.iter().position(|&done| done >= step).unwrap_or(self.step.len());
        self.step.truncate(kept);
        let columns = [
            &mut self.learning_rate,
            &mut self.gradient_norm,
            &mut self.seconds,
            &mut self.data_seconds,
            &mut self.images,
        ];
        columns.into_iter().chain(self.losses.values_mut()).for_each(|column| column.truncate(kept));
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    fn read(text: &str) -> Result<History, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        std::fs::write(&path, text).unwrap();
        History::read(&path)
    }

    #[test]
    fn a_journal_cut_in_the_middle_of_a_line_is_read_up_to_there() {
        let text = synthetic::lines(&synthetic::journal(3, 4, 1));
        for cut in [text.len() * 2 / 3, text.len() / 2, 20, text.len() - 5] {
            let history = read(&text[..cut]).unwrap();
            assert!(history.cut || text[..cut].ends_with('\n'), "cut at {cut}");
            assert_eq!(history.end, End::Open);
        }
        assert!(matches!(read(&text).unwrap().end, End::Finished { .. }));
    }

    #[test]
    fn a_broken_line_before_the_last_is_named() {
        let text = synthetic::lines(&synthetic::journal(1, 2, 1));
        let broken = text.replacen("\"event\":\"step\"", "\"event\":\"stop\"", 1);
        let error = read(&broken).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn steps_done_again_after_a_resume_count_once() {
        let mut entries = synthetic::journal(2, 4, 1);
        entries.truncate(7); // start, four steps, an epoch, one step
        let again = entries[4..].to_vec();
        entries.push(JournalEntry::Resume { step: 3 });
        entries.extend(again);
        let history = read(&synthetic::lines(&entries)).unwrap();
        assert_eq!(history.steps.step, [0, 1, 2, 3, 4]);
        assert!(history.steps.losses.values().all(|column| column.len() == 5));
        assert_eq!(history.resumed, [3]);
        assert_eq!(history.epochs.len(), 1);
    }

    #[test]
    fn bins_are_means_placed_at_epochs() {
        let history = read(&synthetic::lines(&synthetic::journal(4, 10, 1))).unwrap();
        let points = history.binned(8, |steps, row| steps.step[row] as f64);
        assert_eq!(points.len(), 8);
        let [epoch, value] = points[0];
        assert!((epoch - 0.3).abs() < 1e-12 && value == 2.0, "steps 1 to 5 of ten an epoch, holding 0 to 4");
        assert!(history.binned(100, |_, _| f64::NAN).iter().all(|[_, value]| value.is_nan()));
    }
}
