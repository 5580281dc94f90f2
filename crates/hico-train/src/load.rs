//! Views drawn ahead of time, a batch at a time.

use super::select::Selection;
use crate::method::{Batch, Views};
use crate::recipe::Recipe;
use burn::tensor::{Device, Tensor};
use hico_data::view::ViewSource;
use hico_data::{Dataset, Seed, prefetch};
use hico_model::batch::images;
use std::collections::HashMap;
use std::sync::Arc;

/// Batches that are drawn ahead of the one in use.
const BATCHES_AHEAD: usize = 2;

/// Clips that are drawn ahead where `batch` of them are used at a time.
pub(crate) const fn ahead(batch: usize) -> usize {
    BATCHES_AHEAD * batch
}

/// What is needed to draw the views of any clip.
#[derive(Debug, Clone)]
pub(crate) struct Loader {
    pub(crate) data: Arc<Dataset>,
    pub(crate) recipe: Recipe,
    pub(crate) seed: Seed,
    pub(crate) threads: usize,
    pub(crate) partners: Partners,
}

/// For each clip of a data set, those that may take its place in the second view of a pair ([`Source::with_partner`]).
#[derive(Debug, Clone)]
pub(crate) struct Partners(Arc<Vec<Arc<[usize]>>>);

impl Partners {
    /// Lets clips of one group meet that the run knows and whose labels, as far as the loss may know them, are the same.
    ///
    /// - `groups`, `labels`: of every clip of the data set
    pub(crate) fn new(selection: &Selection, groups: &[usize], labels: &[Option<usize>]) -> Self {
        let mut met: HashMap<(usize, Option<usize>), Vec<usize>> = HashMap::new();
        for &clip in selection.train.iter().chain(&selection.validation) {
            met.entry((groups[clip], labels[clip])).or_default().push(clip);
        }
        let mut of_clip: Vec<Arc<[usize]>> = vec![Arc::from([]); groups.len()];
        for clips in met.into_values() {
            let clips: Arc<[usize]> = clips.into();
            clips.iter().for_each(|clip| of_clip[*clip] = Arc::clone(&clips));
        }
        Self(Arc::new(of_clip))
    }
}

/// The views of one batch, still on the CPU.
#[derive(Debug)]
pub(crate) struct Drawn {
    clips: Vec<usize>,
    views: Vec<Views>,
}

impl Loader {
    /// The batches of an epoch in order; their views are drawn in threads of their own from now on.
    pub(crate) fn load(
        &self,
        epoch: u64,
        batches: Vec<Vec<usize>>,
    ) -> impl Iterator<Item = Result<Drawn, hico_data::Error>> + use<> {
        let ahead = ahead(batches.first().map_or(1, Vec::len));
        let jobs: Vec<usize> = batches.iter().flatten().copied().collect();
        let Self { data, recipe, seed, threads, partners: Partners(partners) } = self.clone();
        let mut views = prefetch::ordered(jobs, threads, ahead, move |&clip| {
            let source = ViewSource::new(&data, clip, recipe.view(), seed, epoch)?;
            recipe.method().draw(&source.with_partner(&partners[clip]), recipe.train())
        });
        batches.into_iter().map(move |clips| {
            let views = views.by_ref().take(clips.len()).collect::<Result<_, _>>()?;
            Ok(Drawn { clips, views })
        })
    }
}

/// Numbers the groups of a data set, clip by clip; where all clips that are trained on are of one group, each clip is its own.
pub(crate) fn groups(data: &Dataset, trained_on: &[usize]) -> Vec<usize> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let number = |clip: usize| {
        let next = numbers.len();
        *numbers.entry(data.row(clip).group.as_str()).or_insert(next)
    };
    let groups: Vec<usize> = (0..data.len()).map(number).collect();
    let is_one = trained_on.windows(2).all(|pair| groups[pair[0]] == groups[pair[1]]);
    if is_one { (0..data.len()).collect() } else { groups }
}

impl Drawn {
    /// The batch on a device.
    ///
    /// - `labels`: of every clip of the data set what the loss may know
    /// - `groups`: of every clip of the data set the number of its group, by [`groups`]
    pub(crate) fn batch(self, labels: &[Option<usize>], groups: &[usize], device: &Device) -> Batch {
        Batch {
            views: self.tensors(device),
            labels: self.clips.iter().map(|&clip| labels[clip]).collect(),
            groups: self.clips.iter().map(|&clip| groups[clip]).collect(),
            extras: self.views.iter().map(|views| views.extra.clone()).collect(),
            clips: self.clips,
        }
    }

    /// View after view, `[batch, 3, side, side]` each.
    fn tensors(&self, device: &Device) -> Vec<Tensor<4>> {
        let count = self.views.first().map_or(0, |views| views.images.len());
        let view = |index: usize| {
            let views: Vec<&[f32]> = self.views.iter().map(|views| views.images[index].as_slice()).collect();
            let side = views.first().map_or(0, |view| (view.len() / 3).isqrt());
            images(&views, side, device)
        };
        (0..count).map(view).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partners_are_clips_that_the_run_knows_of_one_group_with_one_known_label() {
        // Clips 6 and 7 are none of the run's.
        let groups = [0, 0, 0, 1, 1, 0, 0, 1];
        let labels = [Some(1), Some(1), Some(0), None, None, Some(1), Some(1), None];
        let selection =
            Selection { train: vec![0, 1, 2, 3, 5], validation: vec![4], labels: labels.to_vec(), warnings: vec![] };
        let Partners(found) = Partners::new(&selection, &groups, &labels);
        let expected: [&[usize]; 8] = [&[0, 1, 5], &[0, 1, 5], &[2], &[3, 4], &[3, 4], &[0, 1, 5], &[], &[]];
        assert!(found.iter().zip(expected).all(|(found, expected)| found.as_ref() == expected), "{found:?}");
    }
}
