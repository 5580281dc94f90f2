//! What a run writes down as it goes: the journal, and the same figures for TensorBoard.

use super::append::AppendFile;
use super::journal::{EpochEntry, Health, JOURNAL_FILE, JournalEntry, StepEntry};
use super::tensorboard::{self, EVENTS_FILE};
use crate::Error;
use serde::{Deserialize, Serialize};
use std::fs::TryLockError;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// How long both files were when a checkpoint was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lengths {
    /// Bytes of the journal.
    pub journal: u64,
    /// Bytes of the TensorBoard events.
    pub events: u64,
}

/// Writes entries to the files of a run's folder, or nowhere.
#[derive(Debug)]
pub(crate) struct Log {
    files: Option<Files>,
}

#[derive(Debug)]
struct Files {
    journal: AppendFile,
    events: AppendFile,
}

impl Log {
    /// Opens the files in `folder`, cut back to `keep`; without a folder nothing is written.
    ///
    /// # Errors
    /// When they cannot be written, or another process has them open.
    pub(crate) fn open(folder: Option<&Path>, keep: Lengths) -> Result<Self, Error> {
        let Some(folder) = folder else { return Ok(Self { files: None }) };
        // The journal stays locked as long as this process lives, so two runs never share a folder.
        let path = folder.join(JOURNAL_FILE);
        let journal = open(&path, u64::MAX)?;
        match journal.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::RunBusy(folder.to_owned())),
            Err(TryLockError::Error(source)) => return Err(Error::Write { path, source }),
        }
        let journal = journal.cut(keep.journal).map_err(|source| Error::Write { path, source })?;
        let mut log = Self { files: Some(Files { journal, events: open(&folder.join(EVENTS_FILE), keep.events)? }) };
        if keep.events == 0 {
            log.events(&tensorboard::header(now()))?;
        }
        Ok(log)
    }

    /// Writes one entry to the journal and what it has of figures to the events.
    ///
    /// # Errors
    /// When the disk is full, for instance.
    pub(crate) fn write(&mut self, entry: &JournalEntry, steps_per_epoch: u64) -> Result<(), Error> {
        let Some(files) = &mut self.files else { return Ok(()) };
        let path = files.journal.path().to_owned();
        let failed = |source| Error::Write { path: path.clone(), source };
        let mut line = serde_json::to_vec(entry).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        files.journal.append(&line).map_err(failed)?;
        match entry {
            JournalEntry::Step(step) => self.events(&tensorboard::scalars(now(), step.step, step_scalars(step))),
            JournalEntry::Epoch(epoch) => {
                let step = (epoch.epoch as u64 + 1) * steps_per_epoch - 1;
                let scalars = health_scalars(&epoch.health);
                self.events(&tensorboard::scalars(now(), step, scalars.into_iter().chain(epoch_scalars(epoch))))
            }
            _ => Ok(()),
        }
    }

    /// Waits until both files are on the disk.
    ///
    /// # Errors
    /// When the system cannot promise it.
    pub(crate) fn sync(&self) -> Result<Lengths, Error> {
        let Some(Files { journal, events }) = &self.files else { return Ok(Lengths::default()) };
        let sync =
            |file: &AppendFile| file.sync().map_err(|source| Error::Write { path: file.path().to_owned(), source });
        Ok(Lengths { journal: sync(journal)?, events: sync(events)? })
    }

    fn events(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(Files { events, .. }) = &mut self.files else { return Ok(()) };
        events.append(bytes).map_err(|source| Error::Write { path: events.path().to_owned(), source })
    }
}

fn open(path: &Path, keep: u64) -> Result<AppendFile, Error> {
    AppendFile::open(path, keep).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn step_scalars(entry: &StepEntry) -> Vec<(String, f64)> {
    let losses = entry.losses.iter().map(|(name, value)| (format!("loss/{name}"), *value));
    let images_per_second = if entry.seconds > 0.0 { entry.images as f64 / entry.seconds } else { 0.0 };
    let others = [
        ("train/learning_rate", entry.learning_rate),
        ("train/gradient_norm", entry.gradient_norm),
        ("speed/images_per_second", images_per_second),
        ("speed/data_seconds", entry.data_seconds),
    ];
    losses.chain(others.map(|(name, value)| (name.to_owned(), value))).collect()
}

fn epoch_scalars(entry: &EpochEntry) -> Vec<(String, f64)> {
    entry.losses.iter().map(|(name, value)| (format!("epoch_loss/{name}"), *value)).collect()
}

fn health_scalars(health: &Health) -> Vec<(String, f64)> {
    let Health { val_loss, knn_balanced_accuracy, embedding_rank, alignment, uniformity } = *health;
    let all = [
        ("health/val_loss", val_loss),
        ("health/knn_balanced_accuracy", knn_balanced_accuracy),
        ("health/embedding_rank", embedding_rank),
        ("health/alignment", alignment),
        ("health/uniformity", uniformity),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensorboard::tests::parse;
    use std::collections::BTreeMap;

    fn step(step: u64) -> JournalEntry {
        JournalEntry::Step(StepEntry {
            step,
            epoch: 0,
            learning_rate: 0.5,
            losses: BTreeMap::from([("total".into(), 2.0)]),
            gradient_norm: 1.0,
            seconds: 2.0,
            data_seconds: 0.5,
            images: 8,
        })
    }

    fn steps_of_journal(folder: &Path) -> Vec<u64> {
        let text = std::fs::read_to_string(folder.join(JOURNAL_FILE)).unwrap();
        let entries = text.lines().map(|line| serde_json::from_str::<JournalEntry>(line).unwrap());
        entries
            .map(|entry| if let JournalEntry::Step(step) = entry { step.step } else { panic!("{entry:?}") })
            .collect()
    }

    #[test]
    fn journal_and_events_tell_the_same_story_and_are_cut_back_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(Some(folder.path()), Lengths::default()).unwrap();
        log.write(&step(0), 4).unwrap();
        let kept = log.sync().unwrap();
        log.write(&step(1), 4).unwrap();
        log.write(&step(2), 4).unwrap();
        drop(log);
        assert_eq!(steps_of_journal(folder.path()), [0, 1, 2]);

        let mut log = Log::open(Some(folder.path()), kept).unwrap();
        log.write(&step(7), 4).unwrap();
        assert_eq!(steps_of_journal(folder.path()), [0, 7]);
        let events = parse(&std::fs::read(folder.path().join(EVENTS_FILE)).unwrap());
        assert_eq!(events.iter().map(|event| event.step).collect::<Vec<_>>(), [0, 0, 7]);
        assert!(events[2].scalars.contains(&("speed/images_per_second".into(), 4.0)));
        assert!(events[2].scalars.contains(&("loss/total".into(), 2.0)));
    }

    #[test]
    fn the_health_of_an_epoch_stands_at_its_last_step() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(Some(folder.path()), Lengths::default()).unwrap();
        let health = Health { val_loss: Some(3.0), ..Health::default() };
        let losses = BTreeMap::from([("total".into(), 2.5)]);
        log.write(&JournalEntry::Epoch(EpochEntry { epoch: 1, images_seen: 0, seconds: 0.0, losses, health }), 4)
            .unwrap();
        let events = parse(&std::fs::read(folder.path().join(EVENTS_FILE)).unwrap());
        assert_eq!(events[1].step, 7);
        assert_eq!(events[1].scalars, [("health/val_loss".into(), 3.0), ("epoch_loss/total".into(), 2.5)]);
    }

    #[test]
    fn a_folder_in_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Log::open(Some(folder.path()), Lengths::default()).unwrap();
        let error = Log::open(Some(folder.path()), Lengths::default()).unwrap_err();
        assert!(matches!(error, Error::RunBusy(_)), "{error}");
    }
}
