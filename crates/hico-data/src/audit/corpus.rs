//! Several data sets seen as one list of clips.

use crate::clip::Frame;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::manifest::ClipRow;
use serde::Serialize;

/// The data sets of an audit; the first is the one that is audited, the others are held against it.
#[derive(Debug, Clone)]
pub struct Corpus<'a> {
    datasets: Vec<(&'a str, &'a Dataset)>,
    /// Index of the first clip of each data set.
    begins: Vec<usize>,
    clips: usize,
}

/// One clip, for reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClipRef {
    /// Its data set, an index into the data sets of the audit.
    pub dataset: usize,
    /// Its index in the data set.
    #[serde(skip)]
    pub index: usize,
    /// Its name.
    pub clip: String,
    /// Its group.
    pub group: String,
    /// Its patient, where named.
    pub patient: Option<String>,
    /// Its label, if any.
    pub label: Option<String>,
    /// Its fold, if any.
    pub fold: Option<usize>,
    /// Its source file.
    pub source: String,
}

impl<'a> Corpus<'a> {
    /// Lists the clips of every data set, one after the other.
    ///
    /// - `datasets`: names, as a person calls them, and data sets
    #[must_use]
    pub fn new(datasets: Vec<(&'a str, &'a Dataset)>) -> Self {
        let mut clips = 0;
        let begins = datasets.iter().map(|(_, dataset)| {
            clips += dataset.len();
            clips - dataset.len()
        });
        let begins = begins.collect();
        Self { datasets, begins, clips }
    }

    /// Names and data sets.
    #[must_use]
    pub fn datasets(&self) -> &[(&'a str, &'a Dataset)] {
        &self.datasets
    }

    /// Clips of all data sets.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.clips
    }

    /// Whether there is no clip.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.clips == 0
    }

    /// Index of the data set of a clip, and index of the clip in it.
    #[must_use]
    pub fn place(&self, clip: usize) -> (usize, usize) {
        let dataset = self.begins.partition_point(|begin| *begin <= clip).saturating_sub(1);
        (dataset, clip - self.begins[dataset])
    }

    /// The row of a clip.
    ///
    /// # Panics
    /// When there is no such clip.
    #[must_use]
    pub fn row(&self, clip: usize) -> &'a ClipRow {
        let (dataset, index) = self.place(clip);
        self.datasets[dataset].1.row(index)
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// As [`Dataset::read_frame`].
    pub fn read_frame(&self, clip: usize, frame: usize) -> Result<Frame, Error> {
        let (dataset, index) = self.place(clip);
        self.datasets[dataset].1.read_frame(index, frame)
    }

    /// The clip, for a report.
    #[must_use]
    pub fn clip(&self, clip: usize) -> ClipRef {
        let (dataset, index) = self.place(clip);
        let row = self.row(clip);
        ClipRef {
            dataset,
            index,
            clip: row.clip.clone(),
            group: row.group.clone(),
            patient: row.patient.clone(),
            label: row.label.clone(),
            fold: row.fold,
            source: row.source.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;
    use crate::phantom::{PhantomRecipe, generate};

    #[test]
    fn clips_of_all_data_sets_are_numbered_one_after_the_other() {
        let recipe = PhantomRecipe { patients: 3, frames: 1, side: 16, ..PhantomRecipe::default() };
        let (first, second) = (generate(&recipe), generate(&PhantomRecipe { patients: 2, ..recipe }));
        let empty = Dataset::in_memory(Manifest::default(), Vec::new());
        let corpus = Corpus::new(vec![("a", &first), ("none", &empty), ("b", &second)]);
        assert_eq!(corpus.len(), first.len() + second.len());
        assert_eq!(corpus.place(first.len() - 1), (0, first.len() - 1));
        assert_eq!(corpus.place(first.len()), (2, 0));
        assert_eq!(corpus.clip(first.len()).clip, second.row(0).clip);
    }
}
