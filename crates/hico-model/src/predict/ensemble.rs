//! Several fine-tuned networks that answer together, as the folds of a cross-validation leave them.

use super::clip::{Asking, ByClass, ClipAnswer, FrameAnswer, NEAREST, NamedClip, OutOfDistribution};
use super::model::{Model, networks_of};
use crate::history::Reached;
use crate::known::Distances;
use crate::rows::argmax;
use crate::{Error, stats};
use burn::tensor::Device;
use std::collections::BTreeSet;
use std::path::Path;

/// One or more networks with the same classes and the same preprocessing, whose calibrated probabilities are averaged
/// (Lakshminarayanan et al. 2017, "Deep Ensembles").
#[derive(Debug)]
pub struct Ensemble {
    /// The networks, one at least.
    members: Vec<Model>,
}

impl Ensemble {
    /// Opens a network, or all of a folder.
    ///
    /// - `path`: a file, or a folder of `hico finetune` or of `hico crossval --keep-models`
    /// - `device`: without automatic differentiation
    ///
    /// # Errors
    /// When there is none, one cannot be read, or they do not fit together.
    pub fn open(path: &Path, device: &Device) -> Result<Self, Error> {
        let files = if path.is_dir() { networks_of(path)? } else { vec![path.to_owned()] };
        let members: Vec<Model> = files.iter().map(|file| Model::open(file, device)).collect::<Result<_, _>>()?;
        let facts = |model: &Model| {
            let facts = &model.saved.facts;
            (facts.classes.clone(), facts.preprocessing, facts.view.side)
        };
        let differs = members.iter().any(|member| facts(member) != facts(&members[0]));
        if differs {
            let name = |member: &Model| member.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(Error::ManyModels { folder: path.to_owned(), names: members.iter().map(name).collect() });
        }
        Ok(Self { members })
    }

    /// The first of them: what all have in common can be asked of it.
    #[must_use]
    pub fn first(&self) -> &Model {
        &self.members[0]
    }

    /// Returns true where the confidence of each was calibrated on patients that it did not learn from.
    #[must_use]
    pub fn is_calibrated(&self) -> bool {
        self.members.iter().all(|member| {
            let facts = &member.saved.facts;
            match facts.history.as_ref().and_then(|history| history.tuning.as_ref()) {
                Some(tuning) => tuning.clips[1] > 0,
                // A file of an earlier version does not say.
                None => facts.temperature != 1.0,
            }
        })
    }

    /// Returns what they reached, each on patients that it never saw.
    #[must_use]
    pub fn reached(&self) -> Reached {
        let all: Vec<Reached> = self.members.iter().map(Model::reached).collect();
        if let [only] = all.as_slice() {
            return only.clone();
        }
        let tests: Vec<_> = all.iter().filter_map(|reached| reached.test.as_ref()).collect();
        let figures: Vec<f64> = tests.iter().map(|test| test.balanced_accuracy.mean).collect();
        let chances: Vec<f64> = tests.iter().map(|test| test.chance).collect();
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let tested = match (stats::mean(&figures), stats::mean(&chances)) {
            (Some(mean), Some(chance)) => format!(
                "tested each on patients that it never saw: balanced accuracy per clip {} on average ({} to {}), chance {}.",
                percent(mean),
                percent(figures.iter().copied().fold(f64::INFINITY, f64::min)),
                percent(figures.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
                percent(chance),
            ),
            _ => "which were never tested.".to_owned(),
        };
        let warnings: BTreeSet<&String> = all.iter().filter_map(|reached| reached.warning.as_ref()).collect();
        Reached {
            words: format!("An ensemble of {} networks, {tested}", self.members.len()),
            warning: warnings.first().map(|warning| match warnings.len() {
                1 => (*warning).clone(),
                more => format!("{warning} (and {} more warnings of single networks)", more - 1),
            }),
            test: None,
        }
    }

    /// Asks about one clip: the mean of what the networks say.
    ///
    /// - `each`: called with every frame's answer, in order
    ///
    /// # Errors
    /// When frames cannot be read, or it is asked to stop.
    pub fn ask(
        &self,
        named: NamedClip<'_>,
        asking: Asking<'_>,
        mut each: impl FnMut(&FrameAnswer),
    ) -> Result<ClipAnswer, Error> {
        if let [only] = self.members.as_slice() {
            return only.ask(named, asking, each);
        }
        let mut frames: Vec<Vec<FrameAnswer>> = Vec::new();
        let mut answers = Vec::new();
        for member in &self.members {
            let mut of_member = Vec::new();
            answers.push(member.ask(named, asking, |frame| of_member.push(frame.clone()))?);
            frames.push(of_member);
        }
        for at in 0..frames[0].len() {
            let of_frame: Vec<&FrameAnswer> = frames.iter().map(|of_member| &of_member[at]).collect();
            let scores: Option<Vec<f64>> = of_frame.iter().map(|frame| frame.ood_score).collect();
            each(&FrameAnswer {
                probabilities: ByClass::mean(of_frame.iter().map(|frame| &frame.probabilities)),
                ood_score: scores.and_then(|scores| stats::mean(&scores)),
                ..of_frame[0].clone()
            });
        }
        let probabilities = ByClass::mean(answers.iter().map(|answer| &answer.probabilities));
        let class = argmax(probabilities.values());
        let apart: Option<Vec<Distances>> = answers.iter().map(|answer| answer.ood.map(|ood| ood.by)).collect();
        let mut nearest: Vec<_> = answers.iter().flat_map(|answer| answer.nearest.clone()).collect();
        nearest.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        let mut named = BTreeSet::new();
        nearest.retain(|near| named.insert(near.clip.clone()));
        nearest.truncate(NEAREST);
        Ok(ClipAnswer {
            prediction: self.first().classes()[class].clone(),
            confidence: probabilities.values()[class],
            probabilities,
            ood: apart.map(|apart| OutOfDistribution::of(Distances::mean(&apart))),
            nearest,
            ..answers.swap_remove(0)
        })
    }
}
