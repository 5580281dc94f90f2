//! DINO (Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers") on a residual network: from
//! every crop the student says to which prototypes the teacher assigns the large ones.

use super::teacher::Teacher;
use super::{Batch, Extra, Keys, Method, Objective, Setup, Views, restored};
use crate::Error;
use crate::loss::{Distillation, self_distillation};
use crate::model::projected::{MlpDims, Projected, Seen};
use crate::outputs;
use crate::settings::{Fitted, Fraction, MOMENTUM, NonNegative, Temperature, TrainRecipe, views};
use burn::tensor::{Device, Tensor};
use hico_data::view::{self, ViewRecipe, ViewSource};
use hico_model::weights::{NamedTensor, to_named};
use hico_model::{Mode, Pass};
use serde::{Deserialize, Serialize};

/// DINO (Caron et al. 2021).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DinoRecipe {
    /// Temperature of the student.
    pub student_temperature: Temperature,
    /// Temperature of the teacher.
    pub teacher_temperature: Temperature,
    /// Momentum of the teacher.
    pub momentum: Fraction,
    /// Prototypes; fitted they are as many as there are clips, up to the next power of two and 64 or more.
    pub prototypes: Fitted,
    /// Largest norm of the whole gradient; 0 means no clipping.
    pub clip_norm: NonNegative,
}

impl Default for DinoRecipe {
    fn default() -> Self {
        Self {
            student_temperature: Temperature::known(0.1),
            teacher_temperature: Temperature::known(0.04),
            momentum: MOMENTUM,
            prototypes: Fitted::Auto,
            clip_norm: NonNegative::known(3.0),
        }
    }
}

impl Keys for DinoRecipe {
    fn before_there_were() -> Vec<(&'static str, toml::Value)> {
        vec![("prototypes", 1024.into()), ("clip_norm", 0.into())]
    }
}

/// The paper's head is 2048 wide with a bottleneck of 256; the same proportion on 512 features instead of 2048.
const PROJECTOR: MlpDims = MlpDims { hidden: 512, output: 256, normalised: false };

/// Prototypes for a number of clips: the next power of two, from 64; the paper has 65,536 for a million pictures.
fn prototypes_for(clips: usize) -> usize {
    clips.clamp(64, 65_536).next_power_of_two()
}

/// How much of itself the centre keeps in each step (equation 4).
const CENTRE_MOMENTUM: f64 = 0.9;

/// Large crops, which come before the small ones.
const GLOBAL: usize = 2;

/// Name of the centre in checkpoints.
const CENTRE: &str = "centre";

/// What the loss reads of a crop.
#[derive(Debug, Clone)]
pub struct DinoOutputs {
    /// The student's scores by the prototypes, `[clips, prototypes]`.
    pub scores: Tensor<2>,
    /// The projection that they are of, `[clips, 256]`.
    pub projection: Tensor<2>,
    /// The teacher's scores of a large crop.
    pub taught: Option<Tensor<2>>,
}

outputs!(DinoOutputs { scores, projection, taught });

/// DINO, with its teacher and the centre of what that says.
#[derive(Debug)]
pub struct Dino {
    /// Of the student and of the teacher.
    temperatures: [f64; 2],
    clip_norm: f64,
    teacher: Teacher<Projected>,
    /// `[1, prototypes]`
    centre: Tensor<2>,
}

impl Method for Dino {
    const NAME: &'static str = "dino";
    const ABOUT: &'static str = "A momentum (EMA) teacher of crops, no negatives (Caron et al. 2021)";
    const VIEW_KEYS: &'static [&'static str] = &[];

    type Keys = DinoRecipe;
    type Network = Projected;
    type Outputs = Vec<DinoOutputs>;

    fn view() -> ViewRecipe {
        views::crops()
    }

    fn losses_compare(_keys: &DinoRecipe) -> bool {
        false
    }

    fn images_a_clip(_keys: &DinoRecipe) -> usize {
        3
    }

    fn draw(_keys: &DinoRecipe, source: &ViewSource<'_>, _train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        let view::Crops { global, local } = source.crops()?;
        Ok(Views { images: global.into_iter().chain(local).collect(), extra: Extra::Nothing })
    }

    fn new(keys: &DinoRecipe, setup: &Setup<'_>) -> (Self, Projected) {
        let prototypes = keys.prototypes.or(|| prototypes_for(setup.sizes.clips));
        let network = Projected::new(&setup.init, setup.model.backbone, PROJECTOR).with_prototypes(
            &setup.init,
            PROJECTOR,
            prototypes,
        );
        let method = Self {
            temperatures: [keys.student_temperature.get(), keys.teacher_temperature.get()],
            teacher: Teacher::of(&network, keys.momentum.get()),
            centre: Tensor::zeros([1, prototypes], &setup.init.device().clone().inner()),
            clip_norm: keys.clip_norm.get(),
        };
        (method, network)
    }

    fn clip_norm(&self) -> Option<f64> {
        (self.clip_norm > 0.0).then_some(self.clip_norm)
    }

    fn outputs<'n>(&self, network: &'n Projected, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs {
        let (large, small) = views.split_at(GLOBAL);
        let taught = self.teacher.scores(large, pass.mode()).into_iter().map(Some).chain(std::iter::repeat(None));
        // Crops of two sizes are two passes.
        let seen = network.views(large, pass).into_iter().chain(network.views(small, pass));
        let of_crop = |(Seen { projection, .. }, taught)| {
            let scores = network.scores(projection.clone());
            DinoOutputs { scores, projection, taught }
        };
        seen.zip(taught).map(of_crop).collect()
    }

    fn objective(&mut self, outputs: Self::Outputs, _batch: &Batch, mode: Mode) -> Objective {
        let student: Vec<Tensor<2>> = outputs.iter().map(|crop| crop.scores.clone()).collect();
        let taught = outputs.iter().filter_map(|crop| crop.taught.clone());
        let teacher: Vec<Tensor<2>> = taught.map(Tensor::without_autodiff).collect();
        let Distillation { cross_entropy: total, teacher_entropy } =
            self_distillation(&student, &teacher, &self.centre, self.temperatures);
        if mode == Mode::Train {
            let mean = Tensor::cat(teacher, 0).mean_dim(0); // [1, prototypes]
            self.centre = self.centre.clone() * CENTRE_MOMENTUM + mean * (1.0 - CENTRE_MOMENTUM);
        }
        let embeddings = outputs[..GLOBAL].iter().map(|crop| crop.projection.clone()).collect();
        Objective {
            terms: vec![("distillation", total.clone()), ("teacher_entropy", teacher_entropy)],
            total,
            embeddings,
        }
    }

    fn features(&self, network: &Projected, images: Tensor<4>) -> Tensor<2> {
        network.features(images)
    }

    fn on_init_weights(&mut self, network: &Projected) {
        self.teacher.on_init_weights(network);
    }

    fn after_step(&mut self, network: &Projected, _step: u64) {
        self.teacher.follow(network);
    }

    fn state(&self) -> Vec<NamedTensor> {
        let mut state = self.teacher.state();
        state.push(to_named(CENTRE, self.centre.clone()));
        state
    }

    fn restore(&mut self, state: &[NamedTensor], device: &Device) -> Result<(), Error> {
        self.teacher.restore(state)?;
        self.centre = restored(state, CENTRE, &self.centre, device)?;
        Ok(())
    }
}
