//! The values that a recipe is made of, each in its range: what methods, networks and the loop read. Nothing here knows a
//! method by name, but for the keys of HiCo.

mod choices;
mod values;
mod hico;
mod train;
pub mod views;

pub use choices::{
    CrossPairs, Decay, MediumFrom, OwnGroup, Precision, Projector, ScheduleKind, SoftTarget, Supervision, WeightUnit,
};
pub use hico::HicoRecipe;
pub use train::TrainRecipe;
pub(crate) use values::MOMENTUM;
pub use values::{
    AtMostHalf, BatchSize, Count, Fitted, Fraction, MaskRatio, NonNegative, OutOfRange, Positive, QueueLength, Share,
    Temperature, Width,
};

use hico_model::BackboneName;
use serde::{Deserialize, Serialize};

/// `[model]`: what every method reads of the network; every combination is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelRecipe {
    /// The backbone. Earlier versions call the key `depth`.
    pub backbone: BackboneName,
}
