//! What a method is to the training loop: its keys of a recipe, how it draws views, its network, its loss, and what it
//! remembers.
//!
//! A new method is one file that implements [`Method`], here or in a crate of its own. One of these comes with hico by its name in
//! `each_method` (and one file in `recipes/`, for people to read); one of another crate by [`crate::register`], after which
//! recipes, studies and runs know its name as they know those of this list. Names, keys, help and dispatch come of the trait.

mod simclr;
mod ivpp;
mod teacher;
mod byol;
mod dino;
mod hico;
mod latent;
mod moco;
mod ucl;
mod uscl;
mod vicreg;
mod registry;

pub use byol::{Byol, ByolRecipe};
pub use dino::{Dino, DinoRecipe};
pub use hico::Hico;
pub use ivpp::{Ivpp, IvppRecipe};
pub use latent::{Latent, LatentRecipe};
pub use moco::{Moco, MocoRecipe};
pub(crate) use registry::register;
pub use registry::{MethodName, MethodRecipe};
pub use simclr::{SimClr, SimClrRecipe};
pub use ucl::{Ucl, UclRecipe};
pub use uscl::{Uscl, UsclRecipe};
pub use vicreg::{VicReg, VicRegRecipe};

use crate::Error;
use crate::settings::{ModelRecipe, Supervision, TrainRecipe, views};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use hico_data::view::{Pair, Place, ViewRecipe, ViewSource};
use hico_model::init::Init;
use hico_model::weights::{NamedTensor, from_named};
use hico_model::{Mode, Pass};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Hands the methods that come with hico to the macro `$then`; the first is the paper's.
macro_rules! each_method {
    ($then:ident) => {
        $then! { Hico SimClr Uscl Moco Byol VicReg Dino Ucl Ivpp Latent }
    };
}

pub(crate) use each_method;

/// The views of one clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Views {
    /// `[3, side, side]` each, as many and as large as the method wants; the same of every clip.
    pub images: Vec<Vec<f32>>,
    /// What the loss must know of the views besides.
    pub extra: Extra,
}

/// What a loss must know of the views of a clip besides their pixels.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Extra {
    /// Nothing.
    #[default]
    Nothing,
    /// How much the clip counts, or whether its far frames are there: 1 or 0.
    Weight(f32),
    /// Where its two views lie in their frames.
    Places([Place; 2]),
    /// Which cells of a grid on its second view are hidden, row by row.
    Hidden(Vec<bool>),
}

impl From<Pair> for Views {
    fn from(Pair { a, b, .. }: Pair) -> Self {
        Self { images: vec![a, b], extra: Extra::Nothing }
    }
}

impl Batch {
    /// Returns [`Extra::Weight`] of each clip.
    fn weights(&self) -> Vec<f32> {
        let weight = |extra: &Extra| if let Extra::Weight(weight) = extra { *weight } else { 1.0 };
        self.extras.iter().map(weight).collect()
    }
}

/// How much a method has to learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Classes of the data set.
    pub classes: usize,
    /// Clips that are trained on.
    pub clips: usize,
    /// Clips of a batch.
    pub batch: usize,
}

/// What a method begins with besides its own keys.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// Keys of the network that every method reads.
    pub model: &'a ModelRecipe,
    /// The way from frames to views.
    pub view: &'a ViewRecipe,
    /// How much there is to learn from.
    pub sizes: Sizes,
    /// The root of the network's first weights, on a device `.autodiff()`.
    pub init: Init<'a>,
}

/// The keys of a method below `[method]`, each with the default of its paper.
///
/// Its type checks them one by one when it is deserialised; an error's message is shown behind the key. Keys that are absent have the
/// value that [`Default`] gives.
pub trait Keys: Serialize + DeserializeOwned + Default + Send + Sync + 'static {
    /// Returns what the objective learns from, for a method that has a key `supervision`; `None` for one that reads no label.
    fn supervision(&self) -> Option<Supervision> {
        None
    }

    /// Checks what no key can check by itself.
    ///
    /// # Errors
    /// When they do not fit each other or the views.
    fn check(&self, _view: &ViewRecipe) -> Result<(), Unfit> {
        Ok(())
    }

    /// Lists keys that came later, with what was done before: the record of a run that lacks one is of that time.
    fn before_there_were() -> Vec<(&'static str, toml::Value)> {
        Vec::new()
    }
}

/// A key that does not fit the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The key.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What it must be.
    pub expected: &'static str,
}

/// One batch as a method's loss sees it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Which clips, as indices into the data set.
    pub clips: Vec<usize>,
    /// View after view, `[batch, 3, side, side]` each; row `i` of every view shows `clips[i]`.
    pub views: Vec<Tensor<4>>,
    /// Class of each clip; `None` where it is unknown or must not be used.
    pub labels: Vec<Option<usize>>,
    /// [`Views::extra`] of each clip.
    pub extras: Vec<Extra>,
    /// Group of each clip, by a number that is the same in every batch; where all clips are of one group, the clip's own.
    pub groups: Vec<usize>,
}

/// What a network says of the views of a batch, as far as the loss reads it: tensors with a row for each clip, `[clips, dim]`.
///
/// The loop computes them part by part where a whole batch does not fit ([`crate::gradient`]), and joins them row by row.
pub trait Outputs: Sized {
    /// Changes every tensor, always in the same order.
    #[must_use]
    fn each(self, change: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self;
}

impl Outputs for Tensor<2> {
    fn each(self, change: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        change(self)
    }
}

impl<T: Outputs> Outputs for Option<T> {
    fn each(self, change: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        self.map(|outputs| outputs.each(change))
    }
}

impl<T: Outputs> Outputs for Vec<T> {
    fn each(self, change: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        self.into_iter().map(|outputs| outputs.each(change)).collect()
    }
}

impl<T: Outputs, const N: usize> Outputs for [T; N] {
    fn each(self, change: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        self.map(|outputs| outputs.each(change))
    }
}

/// Implements [`Outputs`] for a struct of outputs, field by field in the order that is given.
#[macro_export]
macro_rules! outputs {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::method::Outputs for $name {
            fn each(self, change: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
                let Self { $($field),+ } = self;
                $(let $field = $crate::method::Outputs::each($field, change);)+
                Self { $($field),+ }
            }
        }
    };
}

/// What is to be made small, and what it is made of.
#[derive(Debug, Clone)]
pub struct Objective {
    /// The loss, `[1]`.
    pub total: Tensor<1>,
    /// Its terms before weighting, `[1]` each.
    pub terms: Vec<(&'static str, Tensor<1>)>,
    /// For each view what the loss tells apart, `[batch, dim]`; its rank and spread are measured.
    pub embeddings: Vec<Tensor<2>>,
}

impl Objective {
    /// Every term and `total` as numbers; waits for the device.
    #[must_use]
    pub fn values(&self) -> BTreeMap<String, f64> {
        let number = |tensor: &Tensor<1>| tensor.to_data().iter::<f64>().next().unwrap_or(f64::NAN);
        let terms = self.terms.iter().map(|(name, term)| ((*name).to_owned(), number(term)));
        terms.chain([("total".to_owned(), number(&self.total))]).collect()
    }
}

/// A way to pretrain.
///
/// The loop owns the network, moves it by the gradient of [`Method::objective`], and writes both the network and
/// [`Method::state`] into every checkpoint; so a method may keep what it likes (a teacher, a queue) as long as it can
/// give it away and take it back exactly. A network calls the tensors of its encoder `encoder.*`, which is what
/// fine-tuning looks for.
pub trait Method: Sized + 'static {
    /// Its name in recipes and flags: small letters, digits and `-`.
    const NAME: &'static str;

    /// One sentence that says what it does, with its paper.
    const ABOUT: &'static str;

    /// The keys of `[view]` that its draw reads, of [`views::OF_SOME`]: those that only some methods read.
    const VIEW_KEYS: &'static [&'static str];

    /// Its keys of a recipe.
    type Keys: Keys;

    /// All that gradients move.
    type Network: Module;

    /// What the loss reads of a batch.
    type Outputs: Outputs;

    /// Returns its `[view]` where a recipe says nothing.
    #[must_use]
    fn view() -> ViewRecipe {
        views::one_frame()
    }

    /// Returns true where its loss of one epoch can be compared with that of another, so that the epoch of the lowest is kept. Where a
    /// teacher moves, or a queue begins as noise, the loss says how hard the question is that the method asks itself, and the
    /// first epoch may look best.
    #[must_use]
    fn losses_compare(_keys: &Self::Keys) -> bool {
        true
    }

    /// Counts the images of the recipe's size that a clip's views amount to, by their area and rounded up: what a budget
    /// counts.
    #[must_use]
    fn images_a_clip(_keys: &Self::Keys) -> usize {
        2
    }

    /// Draws the views of one clip in one epoch.
    ///
    /// What it gives depends on its arguments and on nothing else; loader threads call it in any order.
    ///
    /// # Errors
    /// When a frame cannot be read.
    fn draw(keys: &Self::Keys, source: &ViewSource<'_>, train: &TrainRecipe) -> Result<Views, hico_data::Error>;

    /// Makes the method and its network as they are before the first step, the same for the same seed.
    fn new(keys: &Self::Keys, setup: &Setup<'_>) -> (Self, Self::Network);

    /// Returns the largest norm of the whole gradient that the method's paper allows; a recipe's own is in force besides.
    fn clip_norm(&self) -> Option<f64> {
        None
    }

    /// Computes what the loss reads of a batch.
    ///
    /// - `views`: `[clips, 3, side, side]` each
    /// - `pass`: how backbones are gone through; in `Train`, or in `Eval` to validate
    fn outputs<'n>(&self, network: &'n Self::Network, views: &[Tensor<4>], pass: &Pass<'n>) -> Self::Outputs;

    /// The loss of a batch.
    ///
    /// - `outputs`: of the whole batch: what [`Self::outputs`] gave, or what it gave of the parts, one below the other
    /// - `mode`: `Train`, or `Eval` to validate, in which nothing that the method remembers may change
    fn objective(&mut self, outputs: Self::Outputs, batch: &Batch, mode: Mode) -> Objective;

    /// Pooled backbone features of images, `[batch, features]`, without the statistics of the batch.
    fn features(&self, network: &Self::Network, images: Tensor<4>) -> Tensor<2>;

    /// Called before the first step where the network begins with given weights: a teacher begins where it does.
    fn on_init_weights(&mut self, _network: &Self::Network) {}

    /// Called when the optimiser has moved the network, for instance to let a teacher follow it.
    fn after_step(&mut self, _network: &Self::Network, _step: u64) {}

    /// What the method remembers besides the network.
    fn state(&self) -> Vec<NamedTensor> {
        Vec::new()
    }

    /// Takes back what [`Self::state`] gave.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    fn restore(&mut self, _state: &[NamedTensor], _device: &Device) -> Result<(), Error> {
        Ok(())
    }
}

/// A tensor of a method's state, of the shape that `before` has.
fn restored(state: &[NamedTensor], name: &str, before: &Tensor<2>, device: &Device) -> Result<Tensor<2>, Error> {
    let missing = || hico_model::Error::NoTensor { name: name.to_owned() };
    let tensor: Tensor<2> = from_named(state.iter().find(|tensor| tensor.name == name).ok_or_else(missing)?, device)?;
    if tensor.dims() != before.dims() {
        let (found, expected) = (tensor.dims().to_vec(), before.dims().to_vec());
        return Err(hico_model::Error::TensorShape { name: name.to_owned(), found, expected }.into());
    }
    Ok(tensor)
}

#[cfg(test)]
mod tests;
