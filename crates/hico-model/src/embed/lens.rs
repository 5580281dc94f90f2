//! An encoder and how clips are shown to it.

use super::{Embedding, Look, MadeBy, Per, embed};
use crate::device::DeviceChoice;
use crate::export::source::Source;
use crate::frames::Context;
use crate::predict::clip::NamedClip;
use crate::{Encoder, Error, FeatureSet};
use burn::tensor::Device;
use hico_data::view::ViewRecipe;
use hico_data::{Job, Preprocessing};

/// An encoder on a device, with its views.
#[derive(Debug)]
pub struct Lens {
    encoder: Encoder,
    view: ViewRecipe,
    features: FeatureSet,
    device: Device,
    made_by: MadeBy,
    /// How clips are prepared that are no data set.
    pub preprocessing: Preprocessing,
}

impl Lens {
    /// Puts the encoder of a file or run on a device.
    ///
    /// - `side`: of the views; that of the training if absent
    ///
    /// # Errors
    /// When the device cannot be had or the weights do not fit.
    pub fn new(source: &Source, side: Option<usize>, device: DeviceChoice) -> Result<Self, Error> {
        let device = device.open()?;
        let mut view = source.view();
        view.side = side.unwrap_or(view.side);
        Ok(Self {
            encoder: source.pretrained.encoder(&device)?.fold(),
            made_by: MadeBy { sha256: source.sha256.clone(), features: source.reads, image_size: view.side },
            view,
            features: source.reads,
            device,
            preprocessing: source.preprocessing(),
        })
    }

    /// Computes the rows of a clip.
    ///
    /// - `frames_per_clip`, `per`: as for [`Look`]
    ///
    /// # Errors
    /// When frames cannot be read, or it is asked to stop.
    pub fn look_at(
        &self,
        clip: NamedClip<'_>,
        frames_per_clip: usize,
        per: Per,
        job: Job<'_>,
    ) -> Result<Embedding, Error> {
        let context = Context { device: &self.device, job };
        let look = Look { encoder: &self.encoder, view: &self.view, features: self.features, frames_per_clip, per };
        Ok(Embedding { made_by: Some(self.made_by.clone()), ..embed(clip, look, context)? })
    }
}
