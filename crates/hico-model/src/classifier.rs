//! The network that is fine-tuned: an encoder and one linear layer on what it says of an image.

use crate::init::Init;
use crate::layers::{Linear, average};
use crate::weights::{self, NamedTensor, Naming};
use crate::{Encoder, Error, FeatureSet, Mode, Stages};
use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// What of the network is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trainable {
    /// The head alone; the encoder stays as it is, batch-norm statistics included.
    Head,
    /// As HiCo's authors: the backbone's last block, the pyramid's top layer and the head. So that the top layer has a
    /// use, the head then reads averaged P5 besides features that are not read from the pyramid. All before the last block stays as it is, batch-norm
    /// statistics included (in the authors' code those drift).
    LastBlock,
    /// Everything that the head reads.
    #[default]
    All,
}

/// An encoder and a linear head, which reads a [`FeatureSet`], with [`Trainable::LastBlock`] also averaged P5.
#[derive(Module, Debug)]
pub struct Classifier {
    /// The encoder.
    pub encoder: Encoder,
    head: Linear,
    #[module(skip)]
    trainable: Trainable,
    #[module(skip)]
    features: FeatureSet,
}

/// Whether the head reads averaged P5 besides the features.
const fn reads_top(trainable: Trainable, features: FeatureSet) -> bool {
    matches!(trainable, Trainable::LastBlock) && !features.reads_pyramid()
}

impl Classifier {
    /// A random head on an encoder; the head's first weights come from `init`, those of the encoder are kept.
    ///
    /// What [`Trainable`] says stays as it is, is frozen.
    #[must_use]
    pub fn new(init: &Init<'_>, encoder: Encoder, classes: usize, trainable: Trainable, features: FeatureSet) -> Self {
        let top = if reads_top(trainable, features) { Encoder::TOP_FEATURES } else { 0 };
        let head = Linear::new(&init.at("head"), features.len(encoder.backbone.name()) + top, classes);
        let classifier = Self { encoder, head, trainable, features };
        let last_block = classifier.last_block();
        weights::freeze(classifier, move |name| match trainable {
            _ if name.starts_with("head.") => false,
            Trainable::Head => true,
            Trainable::LastBlock => !(name.starts_with(&last_block) || name.starts_with("encoder.pyramid.lateral5.")),
            // Where the pyramid is not read, no gradient reaches it.
            Trainable::All => name.starts_with("encoder.pyramid.") && !features.reads_pyramid(),
        })
    }

    /// As [`Encoder::fold`].
    #[must_use]
    pub fn fold(self) -> Self {
        Self { encoder: self.encoder.fold(), ..self }
    }

    /// What of it is trained.
    #[must_use]
    pub const fn trainable(&self) -> Trainable {
        self.trainable
    }

    /// The features that the head reads, for [`Trainable::LastBlock`] besides averaged P5.
    #[must_use]
    pub const fn reads(&self) -> FeatureSet {
        self.features
    }

    /// What the head reads.
    ///
    /// - `x`: `[batch, 3, side, side]`
    /// - `training`: whether the batch norms of what is trained use, and learn, the statistics of this batch
    /// - returns: `[batch, features]`
    #[must_use]
    pub fn features(&self, x: Tensor<4>, training: bool) -> Tensor<2> {
        let mode = match self.trainable {
            Trainable::All if training => Mode::Train,
            Trainable::LastBlock if training => Mode::TrainLastBlock,
            _ => Mode::Eval,
        };
        self.read(self.encoder.backbone.forward(x, mode))
    }

    /// What the head reads, as [`Self::features`] without training, and how the images look: mean and deviation of each
    /// channel of C2 and of C3.
    ///
    /// - `x`: `[batch, 3, side, side]`
    /// - returns: `[batch, features]`, `[batch, 2 * (channels of C2 + channels of C3)]`
    #[must_use]
    pub fn described(&self, x: Tensor<4>) -> [Tensor<2>; 2] {
        let stages = self.encoder.backbone.forward(x, Mode::Eval);
        let features = self.read(stages.clone());
        let look = [stages.c2, stages.c3].into_iter().flat_map(|map| {
            let [batch, channels, height, width] = map.dims();
            let map = map.reshape([batch, channels, height * width]);
            let mean = map.clone().mean_dim(2); // [batch, channels, 1]
            let deviation = (map - mean.clone()).square().mean_dim(2).sqrt();
            [mean, deviation].map(|figure| figure.reshape([batch, channels]))
        });
        [features, Tensor::cat(look.collect(), 1)]
    }

    /// What the head says of the backbone's maps, `[batch, classes]`, before the softmax.
    #[must_use]
    pub fn logits_of(&self, stages: Stages) -> Tensor<2> {
        self.head(self.read(stages))
    }

    /// What the head reads of the backbone's maps.
    fn read(&self, stages: Stages) -> Tensor<2> {
        let c5 = stages.c5.clone();
        let features = self.features.read(&self.encoder.pyramid, stages);
        if reads_top(self.trainable, self.features) {
            Tensor::cat(vec![features, average(self.encoder.pyramid.p5(c5))], 1)
        } else {
            features
        }
    }

    /// - `features`: `[batch, features]`
    /// - returns: `[batch, classes]`, before the softmax
    #[must_use]
    pub fn head(&self, features: Tensor<2>) -> Tensor<2> {
        self.head.forward(features)
    }

    /// Every tensor, by our names: `encoder.*` and `head.*`.
    #[must_use]
    pub fn to_tensors(&self) -> Vec<NamedTensor> {
        weights::to_tensors(self, Naming::Ours)
    }

    /// The same network with other weights.
    ///
    /// # Errors
    /// When one is missing or has another shape.
    pub fn with_tensors(self, tensors: &[NamedTensor]) -> Result<Self, Error> {
        weights::from_tensors(self, tensors, Naming::Ours)
    }

    /// The same network with another head.
    ///
    /// - `weight`, `bias`: `[classes][features]`, `[classes]`
    ///
    /// # Errors
    /// When their lengths are not those of the head.
    pub fn with_head(self, (weight, bias): (Vec<f32>, Vec<f32>)) -> Result<Self, Error> {
        let mut tensors = self.to_tensors();
        for (name, values) in [("head.weight", weight), ("head.bias", bias)] {
            let found = tensors.iter_mut().find(|tensor| tensor.name == name && tensor.values.len() == values.len());
            match found {
                Some(tensor) => tensor.values = values,
                // Named as missing below.
                None => tensors.retain(|tensor| tensor.name != name),
            }
        }
        self.with_tensors(&tensors)
    }

    /// How the names of the backbone's last block begin: `encoder.backbone.layer4.1.` for ResNet-18.
    fn last_block(&self) -> String {
        format!("encoder.backbone.{}.", self.encoder.backbone.name().architecture().last_block())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BackboneName;
    use burn::tensor::Device;
    use hico_data::Seed;

    fn trained(backbone: BackboneName, trainable: Trainable) -> (usize, Vec<String>) {
        let device = Device::flex().autodiff();
        let init = Init::new(&device, Seed(1));
        let encoder = Encoder::new(&init.at("encoder"), backbone);
        let classifier = Classifier::new(&init, encoder, 3, trainable, FeatureSet::C5);
        let parameters = weights::parameters(&classifier).into_iter().filter(|parameter| parameter.trainable);
        let mut names = Vec::new();
        let mut count = 0;
        for parameter in parameters {
            count += parameter.shape.iter().product::<usize>();
            names.push(parameter.name);
        }
        (count, names)
    }

    #[test]
    fn a_description_is_what_the_head_reads_and_how_the_finest_maps_are_spread() {
        let device = Device::flex();
        let values: Vec<f32> = (0..2 * 3 * 40 * 40).map(|place| (place as f32 * 0.37).sin()).collect();
        let images = Tensor::<4>::from_data(burn::tensor::TensorData::new(values, [2, 3, 40, 40]), &device);
        for trainable in [Trainable::All, Trainable::LastBlock] {
            let init = Init::new(&device, Seed(1));
            let encoder = Encoder::new(&init.at("encoder"), BackboneName::RESNET18);
            let classifier = Classifier::new(&init, encoder, 3, trainable, FeatureSet::C5);
            let [features, look] = classifier.described(images.clone());
            let apart = (features - classifier.features(images.clone(), false)).abs().max().into_scalar::<f32>();
            assert!(apart < 1e-5, "{trainable:?} {apart}");
            assert_eq!(look.dims(), [2, 2 * (64 + 128)]);
            let maps = classifier.encoder.maps(images.clone(), Mode::Eval);
            let of = |map: Tensor<4>, image: usize, channel: usize| -> Vec<f64> {
                let plane = map.slice([image..image + 1, channel..channel + 1]);
                plane.into_data().iter::<f64>().collect()
            };
            let look: Vec<f64> = look.into_data().iter::<f64>().collect();
            for (map, begin, channels) in [(maps.c2, 0, 64), (maps.c3, 128, 128)] {
                for channel in [0, 7, channels - 1] {
                    let plane = of(map.clone(), 1, channel);
                    let mean = plane.iter().sum::<f64>() / plane.len() as f64;
                    let variance = plane.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / plane.len() as f64;
                    let found = [begin, begin + channels].map(|part| look[384 + part + channel]);
                    assert!((found[0] - mean).abs() < 1e-4 * mean.abs().max(1.0), "{found:?} {mean}");
                    assert!((found[1] - variance.sqrt()).abs() < 1e-4 * variance.sqrt().max(1.0), "{found:?}");
                }
            }
        }
    }

    #[test]
    fn the_head_alone_has_its_weights_and_biases() {
        assert_eq!(
            trained(BackboneName::RESNET18, Trainable::Head),
            (512 * 3 + 3, vec!["head.weight".into(), "head.bias".into()])
        );
    }

    #[test]
    fn the_last_block_and_top_layer_have_the_published_number_of_parameters() {
        // layer4.1 has 4,720,640 and the top layer 131,328 (RESEARCH, 1.6); the head reads 512 + 256 numbers.
        let (count, names) = trained(BackboneName::RESNET18, Trainable::LastBlock);
        assert_eq!(count, 4_720_640 + 131_328 + 768 * 3 + 3);
        assert!(names.iter().all(|name| {
            ["encoder.backbone.layer4.1.", "encoder.pyramid.lateral5.", "head."]
                .iter()
                .any(|part| name.starts_with(part))
        }));
        let (_, names) = trained(BackboneName::RESNET34, Trainable::LastBlock);
        assert!(names.iter().any(|name| name.starts_with("encoder.backbone.layer4.2.")));
        assert!(!names.iter().any(|name| name.starts_with("encoder.backbone.layer4.1.")));
    }

    #[test]
    fn all_is_the_backbone_and_the_head() {
        assert_eq!(trained(BackboneName::RESNET18, Trainable::All).0, 11_176_512 + 512 * 3 + 3);
    }
}
