//! Chosen frames of a clip, explained.

use super::Map;
use super::agreement::rank_correlation;
use super::cam::{Level, grad_cam};
use super::occlusion::{PLACES, occlusion};
use crate::batch::images;
use crate::calibration::calibrated;
use crate::classifier::Classifier;
use crate::frames::rows_of;
use crate::init::Init;
use crate::predict::clip::NamedClip;
use crate::predict::model::Model;
use crate::rows::argmax;
use crate::{Encoder, Error, stats};
use burn::tensor::activation::softmax;
use hico_data::{Frame, Job, Seed, view};
use serde::Serialize;
use std::collections::BTreeMap;

/// Places of a map below which a correlation tells nothing: maps that have nothing to do with each other correlate with a
/// deviation of one over the root of their places less one.
const LEAST_PLACES: usize = 16;

/// Root of the random weights that trained ones are compared with.
const RANDOM: Seed = Seed(1);

/// One frame and where the network looks in it.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The frame, from 0.
    pub frame: usize,
    /// The frame as it is stored.
    pub picture: Frame,
    /// Calibrated probability of the class that is explained.
    pub probability: f64,
    /// Grad-CAM of each of [`Level::ALL`], the largest value 1.
    pub cams: [Map; 3],
    /// How much the probability falls where each place is hidden.
    pub hidden: Map,
}

/// A clip's explanation in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The file, folder or clip as it was named.
    pub source: String,
    /// The class that is explained.
    pub class: String,
    /// Its mean probability over the frames that were looked at.
    pub probability: f64,
    /// Frames that were looked at.
    pub frames: Vec<usize>,
    /// For each level the rank correlation of its map with the drop of the probability where a place is hidden, mean over
    /// frames; absent where a map is the same everywhere or has fewer than 16 places.
    pub agrees_with_occlusion: BTreeMap<&'static str, Option<f64>>,
    /// For each level the rank correlation of its map with that of a network with random weights, mean over frames: near 0
    /// where the map tells of what was learnt, near 1 where it tells of the picture alone (Adebayo et al. 2018).
    pub like_random_weights: BTreeMap<&'static str, Option<f64>>,
}

/// Explains frames of a clip.
///
/// - `class`: what is explained; the likeliest over these frames if absent
/// - `chosen`: which frames, from 0
///
/// # Errors
/// When frames cannot be read, or it is asked to stop.
pub fn explain(
    model: &Model,
    NamedClip { dataset, clip, source }: NamedClip<'_>,
    class: Option<usize>,
    chosen: Vec<usize>,
    job: Job<'_>,
) -> Result<(Explanation, Vec<Explained>), Error> {
    let facts = &model.saved.facts;
    let (classifier, side) = (&model.saved.classifier, facts.view.side);
    let pictures = chosen.iter().map(|frame| dataset.read_frame(clip, *frame)).collect::<Result<Vec<Frame>, _>>()?;
    let views: Vec<Vec<f32>> = pictures.iter().map(|picture| view::plain(picture, &facts.view)).collect();
    let batch = images(&views, side, &model.device);
    job.go_on()?;
    let said = rows_of(softmax(classifier.head(classifier.features(batch.clone(), false)), 1));
    if let Some(at) = said.iter().position(|row| !row.iter().all(|value| value.is_finite())) {
        return Err(Error::AnswerNotFinite { frame: chosen[at] });
    }
    let said: Vec<Vec<f64>> = said
        .into_iter()
        .map(|row| calibrated(&row.into_iter().map(f64::from).collect::<Vec<_>>(), facts.temperature))
        .collect();
    let mean = |class: usize| said.iter().map(|row| row[class]).sum::<f64>() / said.len().max(1) as f64;
    let means: Vec<f64> = (0..facts.classes.len()).map(mean).collect();
    let class = class.unwrap_or_else(|| argmax(&means));
    job.go_on()?;
    let cams = grad_cam(classifier, &batch, class, Level::ALL);
    job.go_on()?;
    let random = grad_cam(&with_random_weights(model), &batch, class, Level::ALL);
    let mut explained = Vec::new();
    for ((((frame, picture), view), cams), row) in chosen.iter().zip(pictures).zip(&views).zip(&cams).zip(&said) {
        job.go_on()?;
        explained.push(Explained {
            frame: *frame,
            picture,
            probability: row[class],
            cams: cams.clone().map(Map::scaled),
            hidden: occlusion(classifier, view, side, class, &model.device),
        });
    }
    let tells = |level: usize| {
        let map = cams.first().map(|maps| &maps[level]);
        map.is_some_and(|map| map.values.len() >= LEAST_PLACES)
    };
    let over_frames = |of: &dyn Fn(usize, usize) -> Option<f64>| -> BTreeMap<&'static str, Option<f64>> {
        let of_level = |(place, level): (usize, Level)| {
            let all: Vec<f64> =
                (0..explained.len()).filter(|_| tells(place)).filter_map(|frame| of(frame, place)).collect();
            (level.word(), stats::mean(&all))
        };
        Level::ALL.into_iter().enumerate().map(of_level).collect()
    };
    let hidden = |frame: usize, level: usize| {
        let Explained { cams, hidden, .. } = &explained[frame];
        rank_correlation(&cams[level].resized(PLACES, PLACES), hidden)
    };
    let explanation = Explanation {
        source: source.to_owned(),
        class: facts.classes[class].clone(),
        probability: means[class],
        frames: chosen,
        agrees_with_occlusion: over_frames(&hidden),
        like_random_weights: over_frames(&|frame, level| rank_correlation(&cams[frame][level], &random[frame][level])),
    };
    Ok((explanation, explained))
}

/// A network of the same shape that has learnt nothing.
fn with_random_weights(model: &Model) -> Classifier {
    let facts = &model.saved.facts;
    let init = Init::new(&model.device, RANDOM);
    let encoder = Encoder::new(&init.at("encoder"), facts.backbone);
    Classifier::new(&init, encoder, facts.classes.len(), facts.trainable, facts.features)
}
