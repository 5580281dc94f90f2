//! What to run: [`RecipeFile`] as written in TOML, [`Recipe`] once it has been checked.
//!
//! Every default is the paper's where the paper (or the figure in its repository) states one. A checked recipe holds
//! only values that make sense, so nothing behind this door checks them again.

mod choices;
mod method_name;
mod shipped;

pub use choices::{CrossPairs, Decay, Depth, MediumFrom, Precision, Projector, ScheduleKind, SoftTarget, Supervision};
pub use method_name::MethodName;
pub use shipped::{SHIPPED, Shipped};

use hico_data::view::ViewRecipe;
use serde::{Deserialize, Serialize};

/// A recipe as written; every key may be left out, an unknown key is an error.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecipeFile {
    /// What is learnt, and from what.
    pub method: MethodFile,
    /// The network.
    pub model: ModelRecipe,
    /// The objective.
    pub loss: LossFile,
    /// How frames become views.
    pub view: ViewRecipe,
    /// The optimiser, its schedule and how much data it sees.
    pub train: TrainFile,
}

/// `[method]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MethodFile {
    /// The method.
    pub name: MethodName,
    /// What the objective learns from. A method that cannot read labels is `self`, whatever stands here.
    pub supervision: Supervision,
    /// How much of itself a teacher keeps in each step; 0 to 1. Only `moco`, `byol`, `dino` and
    /// `ucl` have one.
    pub teacher_momentum: f64,
    /// Earlier keys that `moco` and `ucl` tell a query from; 1 or more.
    pub queue: usize,
}

impl Default for MethodFile {
    fn default() -> Self {
        Self { name: MethodName::default(), supervision: Supervision::default(), teacher_momentum: 0.99, queue: 512 }
    }
}

/// `[model]`: every combination is valid, so file and checked recipe are one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelRecipe {
    /// Depth of the backbone.
    pub depth: Depth,
    /// Pyramid map behind the medium level.
    pub medium_from: MediumFrom,
    /// How a map becomes a vector.
    pub projector: Projector,
}

/// `[loss]` as written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossFile {
    /// Temperature of NT-Xent; above 0.
    pub temperature: f64,
    /// Lambda: weight of the peer-level terms, 1 minus it that of the cross-level terms; 0 to 1.
    pub peer_weight: f64,
    /// Beta: weight of the softened cross-entropy; 0 or more.
    pub label_weight: f64,
    /// Alpha: how much of the target is spread over the classes; 0 to 1.
    pub smoothing: f64,
    /// Which maps the cross-level term compares.
    pub cross_pairs: CrossPairs,
    /// What the softened target is normalised over.
    pub soft_target: SoftTarget,
}

impl Default for LossFile {
    fn default() -> Self {
        Self {
            temperature: 0.5,
            peer_weight: 0.5,
            label_weight: 0.2,
            smoothing: 0.2,
            cross_pairs: CrossPairs::default(),
            soft_target: SoftTarget::default(),
        }
    }
}

/// `[train]` as written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainFile {
    /// Passes over the clips; 1 or more.
    pub epochs: usize,
    /// Clips a step (two views each); 2 or more.
    pub batch: usize,
    /// Leaves out the last, short batch of every epoch. Without it that batch is trained on where it has two clips or
    /// more, as in the released code.
    pub drop_last: bool,
    /// Clips whose maps are in memory at a time; absent means the whole batch. The loss compares the whole batch all the
    /// same (Gao et al. 2021); only batch statistics are those of so many clips. 1 or more.
    pub micro_batch: Option<usize>,
    /// Whether the backbone's maps are computed again for the gradient instead of kept (activation checkpointing): the
    /// same numbers with less memory, in more time.
    pub recompute_activations: bool,
    /// Largest learning rate; above 0.
    pub learning_rate: f64,
    /// Weight decay; 0 or more.
    pub weight_decay: f64,
    /// How weight decay enters the update.
    pub decay: Decay,
    /// How the learning rate moves.
    pub schedule: ScheduleKind,
    /// Epochs of warm-up (or, for `authors`, of constant rate).
    pub warmup_epochs: usize,
    /// Largest norm of the whole gradient; absent means no clipping.
    pub clip_norm: Option<f64>,
    /// Share of the labelled clips whose label is used; above 0, at most 1.
    pub label_fraction: f64,
    /// Share of the clips that are used at all; above 0, at most 1.
    pub clip_fraction: f64,
    /// Share of the groups held out to watch the run's health and choose its best epoch; 0 to 0.5.
    pub watch_fraction: f64,
    /// What large products are computed in.
    pub precision: Precision,
    /// Root of every random choice.
    pub seed: u64,
}

impl Default for TrainFile {
    fn default() -> Self {
        Self {
            epochs: 300,
            batch: 32,
            drop_last: false,
            micro_batch: None,
            recompute_activations: false,
            learning_rate: 3e-4,
            weight_decay: 1e-4,
            decay: Decay::default(),
            schedule: ScheduleKind::default(),
            warmup_epochs: 10,
            clip_norm: None,
            label_fraction: 1.0,
            clip_fraction: 1.0,
            watch_fraction: 0.2,
            precision: Precision::F32,
            seed: 1,
        }
    }
}

impl TrainFile {
    /// Sets the epochs, and with them the warm-up: one that was meant for a long run would swallow a short one.
    pub const fn set_epochs(&mut self, epochs: usize) {
        if epochs != self.epochs {
            let before = if self.epochs == 0 { 1 } else { self.epochs };
            self.warmup_epochs = (self.warmup_epochs * epochs + self.epochs / 2) / before;
            self.epochs = epochs;
        }
    }
}

/// A checked recipe: every value is in its range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recipe {
    /// The recipe as it would be written with every key present; kept beside the run.
    file: RecipeFile,
}

/// Why a recipe is refused.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// It is not the TOML we know.
    #[error("line {line}: {reason}")]
    Toml {
        /// Line of the fault, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A value is out of its range.
    #[error("{key} = {value}: must be {expected}")]
    Range {
        /// The key, with its section.
        key: &'static str,
        /// The value found.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl Recipe {
    /// Parses and checks a recipe.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key, or a value out of its range.
    pub fn parse(toml: &str) -> Result<Self, RecipeError> {
        let fault = |error: toml::de::Error| {
            let before = error.span().and_then(|span| toml.get(..span.start)).unwrap_or_default();
            let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            RecipeError::Toml { line: before.matches('\n').count() + 1, reason }
        };
        Self::try_from(toml::from_str::<RecipeFile>(toml).map_err(fault)?)
    }

    /// Parses and checks a recipe that a record holds with every key written out, such as a run's own.
    ///
    /// A record without `train.drop_last` is of a version that left every short batch out, and goes on so.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of_record(toml: &str) -> Result<Self, RecipeError> {
        let mut recipe = Self::parse(toml)?;
        let table: toml::Table = toml::from_str(toml).unwrap_or_default();
        let written = table.get("train").and_then(|train| train.get("drop_last")).is_some();
        recipe.file.train.drop_last |= !written;
        Ok(recipe)
    }

    /// The recipe that comes with hico for a method, as in `recipes/`.
    #[must_use]
    pub fn of_method(method: MethodName) -> Self {
        Shipped::of_method(method).recipe()
    }

    /// The network.
    #[must_use]
    pub const fn model(&self) -> &ModelRecipe {
        &self.file.model
    }

    /// What is learnt, and from what.
    #[must_use]
    pub const fn method(&self) -> &MethodFile {
        &self.file.method
    }

    /// The objective.
    #[must_use]
    pub const fn loss(&self) -> &LossFile {
        &self.file.loss
    }

    /// How frames become views.
    #[must_use]
    pub const fn view(&self) -> &ViewRecipe {
        &self.file.view
    }

    /// The optimiser, its schedule and how much data it sees.
    #[must_use]
    pub const fn train(&self) -> &TrainFile {
        &self.file.train
    }

    /// The recipe as written, every key present: change it and check it again to derive another recipe.
    #[must_use]
    pub fn to_file(&self) -> RecipeFile {
        self.file.clone()
    }
}

impl TryFrom<RecipeFile> for Recipe {
    type Error = RecipeError;

    fn try_from(mut file: RecipeFile) -> Result<Self, RecipeError> {
        if !file.method.name.can_read_labels() {
            file.method.supervision = Supervision::SelfOnly;
        }
        let RecipeFile { method, loss, view, train, .. } = &file;
        fraction("method.teacher_momentum", method.teacher_momentum)?;
        check("method.queue", method.queue, (1..=1 << 20).contains(&method.queue), "from 1 to 1,048,576")?;
        let temperature = loss.temperature;
        check(
            "loss.temperature",
            temperature,
            (1e-4..=1e4).contains(&temperature),
            "a number above 0, from 0.0001 to 10000",
        )?;
        fraction("loss.peer_weight", loss.peer_weight)?;
        not_negative("loss.label_weight", loss.label_weight)?;
        fraction("loss.smoothing", loss.smoothing)?;
        check_view(view)?;
        check("train.epochs", train.epochs, train.epochs >= 1, "1 or more")?;
        check("train.batch", train.batch, train.batch >= 2, "2 or more")?;
        if let Some(part) = train.micro_batch {
            check("train.micro_batch", part, part >= 1, "1 or more")?;
        }
        positive("train.learning_rate", train.learning_rate)?;
        not_negative("train.weight_decay", train.weight_decay)?;
        if let Some(norm) = train.clip_norm {
            positive("train.clip_norm", norm)?;
        }
        share("train.label_fraction", train.label_fraction)?;
        share("train.clip_fraction", train.clip_fraction)?;
        check(
            "train.watch_fraction",
            train.watch_fraction,
            (0.0..=0.5).contains(&train.watch_fraction),
            "from 0 to 0.5",
        )?;
        Ok(Self { file })
    }
}

/// Returns true where a recipe as written sets `view.mean` or `view.std`.
#[must_use]
pub fn sets_normalisation(toml: &str) -> bool {
    let table: Option<toml::Table> = toml::from_str(toml).ok();
    let view = table.as_ref().and_then(|table| table.get("view")?.as_table());
    view.is_some_and(|view| view.contains_key("mean") || view.contains_key("std"))
}

/// Refuses views that cannot be made.
///
/// # Errors
/// Names the first key of `[view]` that is out of its range.
pub fn check_view(view: &ViewRecipe) -> Result<(), RecipeError> {
    check("view.side", view.side, (32..=512).contains(&view.side), "from 32 to 512 pixels")?;
    range("view.crop_scale", view.crop_scale, 1.0)?;
    range("view.crop_ratio", view.crop_ratio, f64::INFINITY)?;
    fraction("view.flip", view.flip)?;
    not_negative("view.brightness", view.brightness)?;
    not_negative("view.contrast", view.contrast)?;
    not_negative("view.saturation", view.saturation)?;
    check("view.hue", view.hue, (0.0..=0.5).contains(&view.hue), "from 0 to 0.5 turns")?;
    not_negative("view.mixup", view.mixup)?;
    not_negative("view.pair_within", view.pair_within)?;
    fraction("view.depth_gain", view.depth_gain)?;
    fraction("view.speckle", view.speckle)?;
    // Values of pixels are from 0 to 1; far outside of that nothing is left of a picture in 32 bits.
    check("view.mean", view.mean, view.mean.abs() <= 100.0, "a number from -100 to 100")?;
    check("view.std", view.std, (1e-4..=1e4).contains(&view.std), "a number above 0, from 0.0001 to 10000")
}

fn check(key: &'static str, value: impl ToString, holds: bool, expected: &'static str) -> Result<(), RecipeError> {
    if holds { Ok(()) } else { Err(RecipeError::Range { key, value: value.to_string(), expected }) }
}

fn positive(key: &'static str, value: f64) -> Result<(), RecipeError> {
    check(key, value, value.is_finite() && value > 0.0, "a number above 0")
}

fn not_negative(key: &'static str, value: f64) -> Result<(), RecipeError> {
    check(key, value, value.is_finite() && value >= 0.0, "0 or more")
}

fn fraction(key: &'static str, value: f64) -> Result<(), RecipeError> {
    check(key, value, (0.0..=1.0).contains(&value), "from 0 to 1")
}

fn share(key: &'static str, value: f64) -> Result<(), RecipeError> {
    check(key, value, value > 0.0 && value <= 1.0, "above 0 and at most 1")
}

fn range(key: &'static str, [low, high]: [f64; 2], most: f64) -> Result<(), RecipeError> {
    let holds = low > 0.0 && low <= high && high <= most && high.is_finite();
    check(key, format!("[{low}, {high}]"), holds, "two numbers above 0, the smaller first, within the allowed range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_recipe_is_the_papers() {
        let recipe = Recipe::parse("").unwrap();
        assert_eq!(recipe.train().epochs, 300);
        assert_eq!(recipe.loss().cross_pairs, CrossPairs::AcrossViews);
        assert_eq!(recipe.view(), &ViewRecipe::default());
    }

    #[test]
    fn a_recipe_survives_being_written_and_read() {
        let recipe = Recipe::parse("[loss]\ncross_pairs = \"same_view\"\n[method]\nsupervision = \"self\"").unwrap();
        let written = toml::to_string(&recipe.to_file()).unwrap();
        assert_eq!(Recipe::parse(&written).unwrap(), recipe);
    }

    #[test]
    fn the_recipes_we_hand_out_are_the_two_readings() {
        let paper = Recipe::parse(include_str!("../../../../recipes/hico.toml")).unwrap();
        assert_eq!(paper.to_file(), RecipeFile::default());
        let authors = Recipe::parse(include_str!("../../../../recipes/hico-authors.toml")).unwrap();
        assert_eq!(authors.loss().cross_pairs, CrossPairs::SameView);
        assert_eq!(authors.model().projector, Projector::Flattened);
    }

    #[test]
    fn every_method_has_a_recipe_that_names_it_and_shares_optimiser_and_schedule() {
        for method in MethodName::ALL {
            let recipe = Recipe::of_method(method);
            assert_eq!(recipe.method().name, method);
            assert_eq!(recipe.train(), &TrainFile::default(), "{method}");
            assert_eq!(recipe.model().depth, Depth::R18);
        }
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = Recipe::parse("[loss]\ntemprature = 0.1").unwrap_err().to_string();
        assert!(error.contains("temprature"), "{error}");
    }

    #[test]
    fn a_value_out_of_range_is_named_with_what_it_may_be() {
        let error = Recipe::parse("[loss]\ntemperature = -1.0").unwrap_err();
        assert_eq!(error.to_string(), "loss.temperature = -1: must be a number above 0, from 0.0001 to 10000");
        for toml in
            ["[train]\nbatch = 1", "[view]\nside = 31", "[view]\ncrop_scale = [0.9, 0.8]", "[loss]\nsmoothing = nan"]
        {
            assert!(Recipe::parse(toml).is_err(), "{toml}");
        }
    }
}
