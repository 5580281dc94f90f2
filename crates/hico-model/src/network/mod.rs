//! The network of an architecture: its layers with their parameters, and the way through them.

mod layer;
mod parameters;

use crate::backbone::{Architecture, Placed};
use crate::init::Init;
use crate::{BackboneName, Mode};
use burn::tensor::Tensor;
use layer::{Layer, Place, layers, run};
use parameters::{Change, Look, change, look, module_of_layers};

/// The maps of a backbone, `[batch, channels, height, width]`; [`Architecture::map_sides`] tells their sides.
#[derive(Debug, Clone)]
pub struct Stages {
    /// Of the first stage: stride 4, of ResNet-18 64 channels.
    pub c2: Tensor<4>,
    /// Of the second: stride 8, of ResNet-18 128 channels.
    pub c3: Tensor<4>,
    /// Of the third: stride 16, of ResNet-18 256 channels.
    pub c4: Tensor<4>,
    /// Of the fourth: stride 32, of ResNet-18 512 channels.
    pub c5: Tensor<4>,
}

/// A backbone with its weights, without a classifier.
#[derive(Debug, Clone)]
pub struct BackboneNetwork {
    name: BackboneName,
    /// Stem and blocks, each of which reads what the one before it made.
    steps: Vec<Step>,
}

impl BackboneNetwork {
    /// A network with random weights.
    #[must_use]
    pub fn new(init: &Init<'_>, name: BackboneName) -> Self {
        Self { name, steps: steps(init, &name.architecture()) }
    }

    /// Which backbone it is.
    #[must_use]
    pub const fn name(&self) -> BackboneName {
        self.name
    }

    /// The same network, whose kernels are laid out once and not for every batch, for as long as no weight changes. They take
    /// twice the memory of the weights besides, from the first batch on.
    #[must_use]
    pub fn fold(self) -> Self {
        Self { steps: self.steps.into_iter().map(Step::fold).collect(), ..self }
    }

    /// - `x`: `[batch, 3, height, width]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Stages {
        self.forward_seen(x, mode, &mut |_| ())
    }

    /// As [`Self::forward`], showing what each of [`Self::steps`] made.
    pub(crate) fn forward_seen(&self, x: Tensor<4>, mode: Mode, see: &mut impl FnMut(&Tensor<4>)) -> Stages {
        let mut steps = self.steps.iter();
        let mut x = x;
        // Each stage ends at the first step that says so.
        let [c2, c3, c4, c5] = [(); 4].map(|()| {
            for step in steps.by_ref() {
                x = step.forward(x.clone(), mode);
                see(&x);
                if step.ends_stage {
                    break;
                }
            }
            x.clone()
        });
        Stages { c2, c3, c4, c5 }
    }

    /// The maps again, those behind a number of stages made anew from the map of the last of them: behind 1 from C2, behind 4
    /// there are none. Nothing is learnt.
    pub(crate) fn behind(&self, stages: usize, Stages { c2, c3, c4, c5 }: Stages) -> Stages {
        let mut maps = [c2, c3, c4, c5];
        let mut map = maps[stages - 1].clone();
        let mut ended = 0;
        for step in &self.steps {
            if ended >= stages {
                map = step.forward(map, Mode::Eval);
                if step.ends_stage {
                    maps[ended] = map.clone();
                }
            }
            ended += usize::from(step.ends_stage);
        }
        let [c2, c3, c4, c5] = maps;
        Stages { c2, c3, c4, c5 }
    }

    /// Stem and blocks, each of which reads what the one before it made.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn look(&self, see: &mut impl Look) {
        self.steps.iter().for_each(|step| step.look(see));
    }

    fn change(self, by: &mut impl Change) -> Self {
        Self { steps: self.steps.into_iter().map(|step| step.change(by)).collect(), ..self }
    }
}

module_of_layers!(BackboneNetwork);

/// The steps of an architecture, with random weights.
fn steps(init: &Init<'_>, architecture: &Architecture) -> Vec<Step> {
    let mut steps: Vec<Step> = architecture.blocks().map(|placed| Step::new(init, placed)).collect();
    if let Some(last) = steps.last_mut() {
        last.is_last = true;
    }
    steps
}

/// The stem, or a block.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    layers: Vec<Layer>,
    /// Whether what it makes is a map of [`Stages`].
    pub(crate) ends_stage: bool,
    /// Whether it is the last of the network.
    is_last: bool,
}

impl Step {
    fn new(init: &Init<'_>, placed: Placed<'_>) -> Self {
        let layers = layers(&placed.block.operations, &Place { init, prefix: &placed.prefix() }, placed.inputs);
        Self { layers, ends_stage: placed.ends_stage, is_last: false }
    }

    fn fold(self) -> Self {
        Self { layers: self.layers.into_iter().map(Layer::fold).collect(), ..self }
    }

    /// - `x`: the images, or what the step before it made
    pub(crate) fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let mode = match mode {
            Mode::TrainLastBlock if self.is_last => Mode::Train,
            mode if self.is_last => mode,
            mode => mode.before_last_block(),
        };
        // What is added is computed before all else.
        let branches = self.layers.iter().filter_map(Layer::branch);
        let branches: Vec<Tensor<4>> =
            branches.map(|branch| run(branch, x.clone(), mode, &mut [].into_iter())).collect();
        run(&self.layers, x, mode, &mut branches.into_iter())
    }

    fn look(&self, see: &mut impl Look) {
        look(&self.layers, see);
    }

    fn change(self, by: &mut impl Change) -> Self {
        Self { layers: change(self.layers, by), ..self }
    }
}

module_of_layers!(Step);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{backbone, weights};
    use burn::tensor::{Device, TensorData};
    use hico_data::Seed;

    #[test]
    fn a_folded_network_says_the_same_also_after_it_has_learnt() {
        let device = Device::flex();
        let plain = BackboneNetwork::new(&Init::new(&device, Seed(1)), BackboneName::RESNET18);
        let values: Vec<f32> = (0..2 * 3 * 33 * 33).map(|place| (place as f32 * 0.37).sin()).collect();
        let x: Tensor<4> = Tensor::from_data(TensorData::new(values, [2, 3, 33, 33]), &device);
        let says = |network: &BackboneNetwork| -> Vec<f32> {
            network.forward(x.clone(), Mode::Eval).c5.into_data().try_to_vec().unwrap()
        };
        let (before, folded) = (says(&plain), plain.clone().fold());
        let is_folded = |layer: &Layer| match layer {
            Layer::ConvNorm(layer) => layer.folded.is_some(),
            _ => true,
        };
        assert!(folded.steps.iter().flat_map(|step| &step.layers).all(is_folded));
        assert_eq!([says(&folded), says(&folded)], [before.clone(), before.clone()]);
        for network in [&plain, &folded] {
            let _ = network.forward(x.clone(), Mode::Train);
        }
        let after = says(&plain);
        assert_ne!(after, before, "its norms have learnt");
        assert_eq!(says(&folded), after, "what was laid out before is not used");
        assert_eq!(says(&folded.fold()), after);
    }

    #[test]
    fn a_network_has_the_tensors_of_its_description_and_makes_maps_of_its_sizes() {
        let device = Device::flex();
        for name in backbone::all() {
            let network = BackboneNetwork::new(&Init::new(&device, Seed(1)), name);
            let architecture = name.architecture();
            let held = weights::parameters(&network).into_iter().map(|parameter| (parameter.name, parameter.shape));
            assert_eq!(held.collect::<Vec<_>>(), architecture.tensors(), "{name}");
            for side in [33, 64] {
                let Stages { c2, c3, c4, c5 } = network.forward(Tensor::zeros([1, 3, side, side], &device), Mode::Eval);
                let maps = architecture.channels().into_iter().zip(architecture.map_sides(side));
                let expected: Vec<[usize; 4]> = maps.map(|(channels, side)| [1, channels, side, side]).collect();
                assert_eq!([c2, c3, c4, c5].map(|map| map.dims()).as_slice(), expected, "{name} {side}");
            }
        }
    }

    #[test]
    fn the_published_networks_have_as_many_parameters_as_published() {
        let count = |name: BackboneName| -> usize {
            let tensors = name.architecture().tensors().into_iter().filter(|(name, _)| !name.contains("running_"));
            tensors.map(|(_, shape)| shape.iter().product::<usize>()).sum()
        };
        // timm states 28,589,128 for ConvNeXt-T, of which 769,000 are its classifier's and 1,536 its last norm's.
        assert_eq!(count(BackboneName::CONVNEXT_TINY), 28_589_128 - 769_000 - 1_536);
        // torchvision's, without the classifier.
        assert_eq!(count(BackboneName::RESNET18), 11_689_512 - 513_000);
        assert_eq!(count(BackboneName::RESNET50), 25_557_032 - 2_049_000);
    }
}
