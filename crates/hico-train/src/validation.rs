//! Measuring the health of a run at the end of an epoch: tensors in, figures out.

use super::health::{self, Rows};
use super::journal::Health;
use super::load::{Loader, ahead, groups};
use super::select::Selection;
use crate::method::Method;
use burn::tensor::{Device, Tensor};
use hico_data::{Seed, prefetch, view};
use hico_model::batch::images;
use hico_model::{Mode, Pass};
use rand::seq::SliceRandom as _;

/// Clips beyond this number are not looked at: health is a sign, not a result, and must stay cheap.
const MOST_CLIPS: usize = 256;

/// Clips that are looked at where no group could be spared; they are also learnt from.
const MOST_OF_TRAINING: usize = 64;

/// What is looked at after every epoch, the same each time.
#[derive(Debug)]
pub(crate) struct Validation {
    loader: Loader,
    batch: usize,
    /// Of every clip of the data set what the loss may know.
    loss_labels: Vec<Option<usize>>,
    groups: Vec<usize>,
    /// Of every clip of the data set what the neighbours may know.
    labels: Vec<Option<usize>>,
    /// Clips whose loss and embeddings are measured.
    clips: Vec<usize>,
    /// Whether the run does not learn from them.
    held_out: bool,
    /// Labelled clips that vote.
    gallery: Vec<usize>,
}

impl Validation {
    /// - `loader`: draws views as in training
    /// - `loss_labels`: labels that the objective reads, of every clip of the data set
    /// - `batch`: clips at a time
    pub(crate) fn new(
        loader: &Loader,
        selection: &Selection,
        loss_labels: &[Option<usize>],
        batch: usize,
        seed: Seed,
    ) -> Self {
        let pick = |clips: &[usize], most: usize, name: &str| -> Vec<usize> {
            let mut clips = clips.to_vec();
            clips.shuffle(&mut seed.stream(name, &[]));
            clips.truncate(most);
            clips.sort_unstable();
            clips
        };
        let held_out = !selection.validation.is_empty();
        let clips = if held_out {
            pick(&selection.validation, MOST_CLIPS, "watched")
        } else {
            pick(&selection.train, MOST_OF_TRAINING, "watched")
        };
        let mut labelled = selection.train.clone();
        labelled.retain(|&clip| held_out && selection.labels[clip].is_some());
        Self {
            // Other views than any epoch trains on, but the same after every epoch.
            loader: Loader { seed: seed.derive("watched views", &[]), ..loader.clone() },
            batch,
            loss_labels: loss_labels.to_vec(),
            groups: groups(&loader.data, &selection.train),
            labels: selection.labels.clone(),
            clips,
            held_out,
            gallery: pick(&labelled, MOST_CLIPS, "gallery"),
        }
    }

    /// Measures everything on a network without automatic differentiation.
    pub(crate) fn measure<M: Method>(
        &self,
        method: &mut M,
        network: &M::Network,
        device: &Device,
    ) -> Result<Health, hico_data::Error> {
        let (mut first, mut second) = (Rows::default(), Rows::default());
        let (mut loss, mut counted) = (0.0, 0);
        let chunks: Vec<Vec<usize>> = self.clips.chunks(self.batch).map(<[usize]>::to_vec).collect();
        for drawn in self.loader.load(0, chunks) {
            let batch = drawn?.batch(&self.loss_labels, &self.groups, device);
            let outputs = method.outputs(network, &batch.views, &Pass::keeping(Mode::Eval));
            let objective = method.objective(outputs, &batch, Mode::Eval);
            // A contrast needs somebody to be told apart from.
            if self.held_out && batch.clips.len() > 1 {
                loss += objective.total.clone().into_scalar::<f64>() * batch.clips.len() as f64;
                counted += batch.clips.len();
            }
            let mut embeddings = objective.embeddings.into_iter();
            for (rows, embedding) in [&mut first, &mut second].into_iter().zip(&mut embeddings) {
                rows.append(to_rows(embedding));
            }
        }
        Ok(Health {
            val_loss: (counted > 0).then(|| loss / counted as f64),
            knn_balanced_accuracy: self.neighbours(method, network, device)?,
            embedding_rank: health::effective_rank(&first),
            alignment: health::alignment(&first, &second),
            uniformity: health::uniformity(&first),
        })
    }

    fn neighbours<M: Method>(
        &self,
        method: &M,
        network: &M::Network,
        device: &Device,
    ) -> Result<Option<f64>, hico_data::Error> {
        let mut queries = self.clips.clone();
        queries.retain(|&clip| self.labels[clip].is_some());
        if queries.is_empty() || self.gallery.is_empty() {
            return Ok(None);
        }
        let features = |clips: &[usize]| self.middle_frames(method, network, clips, device);
        let labels = |clips: &[usize]| -> Vec<Option<usize>> { clips.iter().map(|&clip| self.labels[clip]).collect() };
        let (gallery, queries_seen) = (features(&self.gallery)?, features(&queries)?);
        Ok(health::knn_balanced_accuracy(&gallery, &labels(&self.gallery), &queries_seen, &labels(&queries)))
    }

    /// Features of the middle frame of every clip, as it is.
    fn middle_frames<M: Method>(
        &self,
        method: &M,
        network: &M::Network,
        clips: &[usize],
        device: &Device,
    ) -> Result<Rows, hico_data::Error> {
        let Loader { data, recipe, threads, .. } = self.loader.clone();
        let recipe = recipe.view().clone();
        let side = recipe.side;
        let plain = move |&clip: &usize| -> Result<Vec<f32>, hico_data::Error> {
            let frame = data.read_frame(clip, data.row(clip).frames / 2)?;
            Ok(view::plain(&frame, &recipe))
        };
        let mut views = prefetch::ordered(clips.to_vec(), threads, ahead(self.batch), plain);
        let mut features = Rows::default();
        for chunk in clips.chunks(self.batch) {
            let views = views.by_ref().take(chunk.len()).collect::<Result<Vec<_>, _>>()?;
            features.append(to_rows(method.features(network, images(&views, side, device))));
        }
        Ok(features)
    }
}

fn to_rows(tensor: Tensor<2>) -> Rows {
    let [_, dim] = tensor.dims();
    Rows { values: tensor.into_data().iter::<f32>().collect(), dim }
}
