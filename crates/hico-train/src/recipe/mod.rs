//! What to run. A [`Recipe`] names a method and holds that method's keys, each in its range, and no other key: what
//! stands in it is what is done, and nothing behind this door checks it again.
//!
//! Every default is the paper's where the paper (or the figure in its repository) states one, and that of the method's
//! file in `recipes/`.

mod choices;
mod values;
mod table;
mod views;
mod method;
mod train;
mod fault;
mod view_keys;
mod entries;
mod keys;
mod draft;
mod records;
mod shipped;

pub use choices::{
    CrossPairs, Decay, MediumFrom, OwnGroup, Precision, Projector, ScheduleKind, SoftTarget, Supervision, WeightUnit,
};
pub use draft::no_such_method;
pub use entries::toml_fault;
pub use method::{
    ByolRecipe, DinoRecipe, HicoRecipe, IvppRecipe, LatentRecipe, MethodFacts, MethodName, MethodRecipe, MethodSpec,
    MocoRecipe, SimClrRecipe, UclRecipe, UsclRecipe, VicRegRecipe,
};
pub use records::view_of_record;
pub use shipped::{SHIPPED, Shipped};
pub(crate) use table::method_table;
pub use train::TrainRecipe;
pub use values::{
    AtMostHalf, BatchSize, Count, Fitted, Fraction, MaskRatio, NonNegative, OutOfRange, Positive, QueueLength, Share,
    Temperature, Width,
};

use self::fault::range_fault;
use crate::Error;
use hico_data::view::ViewRecipe;
use hico_model::BackboneName;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A checked recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    method: MethodRecipe,
    model: ModelRecipe,
    view: ViewRecipe,
    train: TrainRecipe,
}

/// `[model]`: what every method reads of the network; every combination is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelRecipe {
    /// The backbone. Earlier versions call the key `depth`.
    #[serde(rename = "backbone")]
    pub depth: BackboneName,
}

impl Default for Recipe {
    fn default() -> Self {
        Self::of_method(MethodName::default())
    }
}

impl Recipe {
    /// Parses and checks a recipe that a person wrote.
    ///
    /// A key that is absent has the default of the method. Keys that have moved or have another name are read where and as they used to be.
    ///
    /// # Errors
    /// When it is not TOML, or has a key that is unknown, that the method does not read, or that is out of its range.
    pub fn parse(toml: &str) -> Result<Self, Error> {
        draft::read(toml)
    }

    /// Parses and checks a recipe that a record holds with every key written out, such as a run's own.
    ///
    /// Earlier versions wrote the keys of every method; those that the recipe's own never read are read over. A record
    /// without a key that came later is of a version that did always the same, and goes on so: it left every short batch out
    /// (`train.drop_last`), for instance, or knew no groups (`train.groups_apart`).
    ///
    /// # Errors
    /// As [`Self::parse`], but for keys that the method does not read.
    pub fn of_record(toml: &str) -> Result<Self, Error> {
        draft::read_record(toml)
    }

    /// Checks a recipe of which each table is laid over those before it, key by key; the last that names a method
    /// decides on it.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of_layers(layers: &[&toml::Table]) -> Result<Self, Error> {
        draft::read_layers(layers)
    }

    /// Returns the recipe that comes with hico for a method, as in `recipes/`.
    #[must_use]
    pub fn of_method(method: MethodName) -> Self {
        let view = (method.spec().facts.view)();
        Self { method: MethodRecipe::of(method), model: ModelRecipe::default(), view, train: TrainRecipe::default() }
    }

    /// Returns the method, with its own keys.
    #[must_use]
    pub const fn method(&self) -> &MethodRecipe {
        &self.method
    }

    /// Returns what the objective learns from.
    #[must_use]
    pub const fn supervision(&self) -> Supervision {
        self.method.supervision()
    }

    /// Returns what every method reads of the network.
    #[must_use]
    pub const fn model(&self) -> &ModelRecipe {
        &self.model
    }

    /// Returns the way from frames to views.
    #[must_use]
    pub const fn view(&self) -> &ViewRecipe {
        &self.view
    }

    /// Returns the optimiser, its schedule and how much data it sees.
    #[must_use]
    pub const fn train(&self) -> &TrainRecipe {
        &self.train
    }

    /// Replaces the method's keys, or the method with its keys. Views stay, but for what another method does not draw.
    #[must_use]
    pub fn with_method(self, method: MethodRecipe) -> Self {
        let view = view_keys::drawn_by(self.view, method.name());
        Self { method, view, ..self }
    }

    /// Replaces `[view]`.
    ///
    /// # Errors
    /// When such views cannot be made, or the method does not draw them.
    pub fn with_view(self, view: ViewRecipe) -> Result<Self, Error> {
        let method = self.method.name();
        view_keys::check_view(&view)
            .and_then(|()| view_keys::check_of_method(&view, method))
            .and_then(|()| view_keys::check_together(&self.method, &view))
            .map_err(|error| fault::of_method(error, method))?;
        Ok(Self { view, ..self })
    }

    /// Replaces `[view]` without a check, to try what the check is for.
    #[cfg(test)]
    pub(crate) fn with_any_view(self, view: ViewRecipe) -> Self {
        Self { view, ..self }
    }

    /// Replaces `[train]`.
    #[must_use]
    pub fn with_train(self, train: TrainRecipe) -> Self {
        Self { train, ..self }
    }

    /// Sets what the objective learns from.
    ///
    /// # Errors
    /// When the method reads no labels and is to learn from them.
    pub fn with_supervision(mut self, supervision: Supervision) -> Result<Self, Error> {
        let method = self.method.name();
        if self.method.set_supervision(supervision) {
            Ok(self)
        } else {
            Err(keys::reads_no_labels(method, supervision))
        }
    }

    /// Sets the height and width of views, pixels.
    ///
    /// # Errors
    /// When it is out of its range.
    pub fn with_image_size(self, side: usize) -> Result<Self, Error> {
        let view = ViewRecipe { side, ..self.view.clone() };
        self.with_view(view)
    }

    /// Sets what each value of a view has subtracted from it, and is divided by.
    ///
    /// # Errors
    /// When one is out of its range.
    pub fn with_normalisation(self, [mean, std]: [f64; 2]) -> Result<Self, Error> {
        let view = ViewRecipe { mean, std, ..self.view.clone() };
        self.with_view(view)
    }

    /// Sets the random seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        let train = TrainRecipe { seed, ..self.train };
        self.with_train(train)
    }

    /// Sets the epochs, and with them the warm-up: one that was meant for a long run would swallow a short one.
    ///
    /// # Errors
    /// When there is none.
    pub fn with_epochs(self, epochs: usize) -> Result<Self, Error> {
        let epochs = Count::new(epochs).map_err(|error| self.out_of_range("train.epochs", error))?;
        let train = self.train.of_epochs(epochs);
        Ok(self.with_train(train))
    }

    /// Sets the epochs of a run that has begun: its warm-up may be over, and is given as it was.
    ///
    /// # Errors
    /// When there is none.
    pub fn with_epochs_after(self, warmup_epochs: usize, epochs: usize) -> Result<Self, Error> {
        let epochs = Count::new(epochs).map_err(|error| self.out_of_range("train.epochs", error))?;
        let train = TrainRecipe { epochs, warmup_epochs, ..self.train };
        Ok(self.with_train(train))
    }

    /// Sets the clips of a step.
    ///
    /// # Errors
    /// When there are fewer than two.
    pub fn with_batch(self, batch: usize) -> Result<Self, Error> {
        let batch = BatchSize::new(batch).map_err(|error| self.out_of_range("train.batch", error))?;
        let train = TrainRecipe { batch, ..self.train };
        Ok(self.with_train(train))
    }

    /// Sets the clips whose maps are in memory at a time.
    ///
    /// # Errors
    /// When there is none.
    pub fn with_micro_batch(self, clips: usize) -> Result<Self, Error> {
        let clips = Count::new(clips).map_err(|error| self.out_of_range("train.micro_batch", error))?;
        let train = TrainRecipe { micro_batch: Some(clips), ..self.train };
        Ok(self.with_train(train))
    }

    /// Sets the largest learning rate.
    ///
    /// # Errors
    /// When it is not above 0.
    pub fn with_learning_rate(self, rate: f64) -> Result<Self, Error> {
        let learning_rate = Positive::new(rate).map_err(|error| self.out_of_range("train.learning_rate", error))?;
        let train = TrainRecipe { learning_rate, ..self.train };
        Ok(self.with_train(train))
    }

    /// Sets the share of the labelled clips whose label is used.
    ///
    /// # Errors
    /// When it is out of its range.
    pub fn with_label_fraction(self, share: f64) -> Result<Self, Error> {
        let label_fraction = Share::new(share).map_err(|error| self.out_of_range("train.label_fraction", error))?;
        let train = TrainRecipe { label_fraction, ..self.train };
        Ok(self.with_train(train))
    }

    /// Sets the share of the clips that are used.
    ///
    /// # Errors
    /// When it is out of its range.
    pub fn with_clip_fraction(self, share: f64) -> Result<Self, Error> {
        let clip_fraction = Share::new(share).map_err(|error| self.out_of_range("train.clip_fraction", error))?;
        let train = TrainRecipe { clip_fraction, ..self.train };
        Ok(self.with_train(train))
    }

    /// Refuses a number as the value of a key of this recipe.
    fn out_of_range(&self, key: &str, error: OutOfRange) -> Error {
        fault::of_method(range_fault(key, error), self.method.name())
    }
}

/// Every key that the method reads, and no other.
impl Serialize for Recipe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Sections<'a> {
            method: &'a MethodRecipe,
            model: &'a ModelRecipe,
            view: toml::Table,
            train: &'a TrainRecipe,
        }
        let view = view_keys::written(&self.view, self.method.name()).map_err(serde::ser::Error::custom)?;
        Sections { method: &self.method, model: &self.model, view, train: &self.train }.serialize(serializer)
    }
}

/// As [`Recipe::of_record`]: only records hold a recipe among other things.
impl<'de> Deserialize<'de> for Recipe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        draft::read_json(&serde_json::Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Returns true where a recipe as written sets `view.mean` or `view.std`.
#[must_use]
pub fn sets_normalisation(toml: &str) -> bool {
    let table: Option<toml::Table> = toml::from_str(toml).ok();
    let view = table.as_ref().and_then(|table| table.get("view")?.as_table());
    view.is_some_and(|view| view.contains_key("mean") || view.contains_key("std"))
}

#[cfg(test)]
mod tests;
