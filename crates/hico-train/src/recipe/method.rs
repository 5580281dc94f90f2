//! `[method]`: which methods there are, and the recipe of each with its own keys and defaults.

use super::choices::{CrossPairs, MediumFrom, OwnGroup, Projector, SoftTarget, Supervision, WeightUnit};
use super::table::method_table;
use super::values::{Fitted, Fraction, MaskRatio, NonNegative, QueueLength, Temperature, Width};
use super::views::{MIXED, NEAR, PAIRED, a_second, crops, mixed, one_frame, three_frames};
use hico_data::view::ViewRecipe;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the table of methods says of one.
#[derive(Debug, Clone, Copy)]
pub struct MethodSpec {
    /// Its word in files and flags.
    pub name: &'static str,
    /// One sentence, with its paper.
    pub about: &'static str,
    /// Everything else.
    pub facts: MethodFacts,
}

/// What the rest of the program must know of a method.
#[derive(Debug, Clone, Copy)]
pub struct MethodFacts {
    /// Says that its objective can read labels.
    pub reads_labels: bool,
    /// Says that its loss of one epoch can be compared with that of another. Where a teacher moves, or a queue begins as
    /// noise, the loss says how hard the question is that it asks itself, and the first epoch may look best.
    pub losses_compare: bool,
    /// Images of the recipe's size that a clip's views amount to, by their area: what a budget counts.
    pub images_a_clip: usize,
    /// The keys of `[view]` that its draw reads, of those that only some methods read.
    pub(crate) view_keys: &'static [&'static str],
    /// Its `[view]` where a recipe says nothing.
    pub(super) view: fn() -> ViewRecipe,
}

macro_rules! define {
    ($($method:ident, $recipe:ident, $name:literal, $about:literal, $facts:expr;)+) => {
        /// A method by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum MethodName {
            #[default]
            $(#[doc = $about] $method,)+
        }

        impl MethodName {
            /// Every method, in the order of the table.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$method),+];

            /// Returns its line of the table.
            #[must_use]
            pub const fn spec(self) -> MethodSpec {
                match self {
                    $(Self::$method => MethodSpec { name: $name, about: $about, facts: $facts },)+
                }
            }
        }

        /// `[method]`: a method with its own keys, each in its range.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name", rename_all = "lowercase")]
        pub enum MethodRecipe {
            $(#[doc = $about] $method($recipe),)+
        }

        impl MethodRecipe {
            /// Returns a method as it was published, or as we chose where it was not.
            #[must_use]
            pub fn of(name: MethodName) -> Self {
                match name {
                    $(MethodName::$method => Self::$method($recipe::default()),)+
                }
            }

            /// Returns which method it is.
            #[must_use]
            pub const fn name(&self) -> MethodName {
                match self {
                    $(Self::$method(_) => MethodName::$method,)+
                }
            }
        }
    };
}

method_table!(define);

impl MethodName {
    /// Finds a method by its word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.spec().name == word)
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec().name)
    }
}

impl MethodRecipe {
    /// Returns what the objective learns from.
    #[must_use]
    pub const fn supervision(&self) -> Supervision {
        match self {
            Self::Hico(HicoRecipe { supervision, .. }) | Self::Uscl(UsclRecipe { supervision, .. }) => *supervision,
            _ => Supervision::SelfOnly,
        }
    }

    /// Returns whether its loss of one epoch can be compared with that of another ([`MethodFacts::losses_compare`]).
    #[must_use]
    pub fn losses_compare(&self) -> bool {
        let with_teacher = matches!(self, Self::Hico(own) if own.has_teacher());
        self.name().spec().facts.losses_compare && !with_teacher
    }

    /// Counts the images of the recipe's size that a clip's views amount to, by their area and rounded up.
    #[must_use]
    pub fn images_a_clip(&self) -> usize {
        let small = matches!(self, Self::Hico(own) if own.has_local_crops());
        self.name().spec().facts.images_a_clip + usize::from(small)
    }

    /// Sets what the objective learns from; gives back `false` where that cannot be chosen.
    pub(super) const fn set_supervision(&mut self, asked: Supervision) -> bool {
        match self {
            Self::Hico(HicoRecipe { supervision, .. }) | Self::Uscl(UsclRecipe { supervision, .. }) => {
                *supervision = asked;
                true
            }
            _ => matches!(asked, Supervision::SelfOnly),
        }
    }
}

/// HiCo (Zhang et al. 2022).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HicoRecipe {
    /// What the objective learns from.
    pub supervision: Supervision,
    /// Temperature of NT-Xent.
    pub temperature: Temperature,
    /// Lambda: weight of the peer-level terms, 1 minus it that of the cross-level terms.
    pub peer_weight: Fraction,
    /// Beta: weight of the softened cross-entropy.
    pub label_weight: NonNegative,
    /// Alpha: share of the target that is spread over the classes.
    pub smoothing: Fraction,
    /// Maps that the cross-level term compares.
    pub cross_pairs: CrossPairs,
    /// Classes that the softened target is normalised over.
    pub soft_target: SoftTarget,
    /// Pyramid map behind the medium level.
    pub medium_from: MediumFrom,
    /// Way from a map to a vector.
    pub projector: Projector,
    /// Leaves a pair's own similarity out of what it is compared with (Yeh et al. 2022); not in the paper.
    pub decoupled: bool,
    /// Weights of the medium and of the local level's pairs with the global one; 1 and 1 in the paper.
    pub cross_weights: [NonNegative; 2],
    /// Lets the local level read a small crop of each view's frame in place of the view; not in the paper.
    pub local_crops: bool,
    /// Weight of the pairs of places, cells of P3 of both views that show the same; 0 means none. Not in the paper.
    pub dense_weight: NonNegative,
    /// Temperature of the pairs of places.
    pub dense_temperature: Temperature,
    /// Weight of the local and the medium level's predictions of a teacher's global level; 0 means that there is no teacher. Not
    /// in the paper.
    pub teacher_weight: NonNegative,
    /// Momentum of the teacher.
    pub momentum: Fraction,
}

impl HicoRecipe {
    /// Returns whether pairs of places are learnt from.
    #[must_use]
    pub fn has_dense_pairs(&self) -> bool {
        self.dense_weight.get() > 0.0 && self.supervision != Supervision::Full
    }

    /// Returns whether the local level reads small crops.
    #[must_use]
    pub fn has_local_crops(&self) -> bool {
        self.local_crops && self.supervision != Supervision::Full
    }

    /// Returns whether there is a teacher.
    #[must_use]
    pub fn has_teacher(&self) -> bool {
        self.teacher_weight.get() > 0.0 && self.supervision != Supervision::Full
    }
}

/// SimCLR (Chen et al. 2020).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SimClrRecipe {
    /// Temperature of NT-Xent.
    pub temperature: Temperature,
    /// Leaves a pair's own similarity out of what it is compared with: decoupled contrastive learning (Yeh et al. 2022).
    pub decoupled: bool,
}

/// USCL (Chen et al. 2021).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UsclRecipe {
    /// What the objective learns from.
    pub supervision: Supervision,
    /// Temperature of NT-Xent.
    pub temperature: Temperature,
    /// Weight of the sum of both views' cross-entropies.
    pub label_weight: NonNegative,
    /// Numbers of a projection, which the classifier reads.
    pub projection: Width,
}

/// MoCo v2 (He et al. 2020; Chen et al. 2020b).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MocoRecipe {
    /// Temperature of InfoNCE.
    pub temperature: Temperature,
    /// Momentum of the teacher: its share of itself that each step leaves.
    pub momentum: Fraction,
    /// Earlier keys that a query is contrasted with.
    pub queue: QueueLength,
    /// Keys of a query's own group.
    pub own_group: OwnGroup,
}

/// BYOL (Grill et al. 2020).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ByolRecipe {
    /// Momentum of the teacher.
    pub momentum: Fraction,
}

/// VICReg (Bardes et al. 2022); its weights are the paper's.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct VicRegRecipe {
    /// Features that are compared; fitted they are twice the batch, from 64 to 8,192.
    pub width: Fitted,
}

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

/// UCL (Basu et al. 2022).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UclRecipe {
    /// Temperature of InfoNCE.
    pub temperature: Temperature,
    /// Momentum of the teacher.
    pub momentum: Fraction,
    /// Earlier keys, of which one negative is made.
    pub negatives: QueueLength,
}

/// IVPP in SimCLR (VanBerlo et al. 2024).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IvppRecipe {
    /// Temperature of NT-Xent.
    pub temperature: Temperature,
    /// Unit of the distance by which a pair is weighted.
    pub weight_unit: WeightUnit,
}

/// Latent prediction, after Baevski et al. (2022) and Assran et al. (2023).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatentRecipe {
    /// Momentum of the teacher.
    pub momentum: Fraction,
    /// Share of a picture that is hidden from the student.
    pub mask_ratio: MaskRatio,
}

/// Momentum of every teacher: the papers have more (0.996 to 0.999), over many more steps.
const MOMENTUM: Fraction = Fraction::known(0.99);

impl Default for HicoRecipe {
    fn default() -> Self {
        Self {
            supervision: Supervision::default(),
            temperature: Temperature::known(0.5),
            peer_weight: Fraction::known(0.5),
            label_weight: NonNegative::known(0.2),
            smoothing: Fraction::known(0.2),
            cross_pairs: CrossPairs::default(),
            soft_target: SoftTarget::default(),
            medium_from: MediumFrom::default(),
            projector: Projector::default(),
            decoupled: false,
            cross_weights: [NonNegative::known(1.0); 2],
            local_crops: false,
            dense_weight: NonNegative::known(0.0),
            dense_temperature: Temperature::known(0.2),
            teacher_weight: NonNegative::known(0.0),
            momentum: MOMENTUM,
        }
    }
}

impl Default for SimClrRecipe {
    fn default() -> Self {
        Self { temperature: Temperature::known(0.5), decoupled: false }
    }
}

impl Default for UsclRecipe {
    fn default() -> Self {
        Self {
            supervision: Supervision::default(),
            temperature: Temperature::known(0.5),
            label_weight: NonNegative::known(0.2),
            projection: Width::known(256),
        }
    }
}

impl Default for MocoRecipe {
    fn default() -> Self {
        // The paper has a queue of 65,536, of a million pictures.
        Self {
            temperature: Temperature::known(0.2),
            momentum: MOMENTUM,
            queue: QueueLength::known(512),
            own_group: OwnGroup::default(),
        }
    }
}

impl Default for ByolRecipe {
    fn default() -> Self {
        Self { momentum: MOMENTUM }
    }
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

impl Default for UclRecipe {
    fn default() -> Self {
        Self { temperature: Temperature::known(0.07), momentum: MOMENTUM, negatives: QueueLength::known(32) }
    }
}

impl Default for LatentRecipe {
    fn default() -> Self {
        Self { momentum: MOMENTUM, mask_ratio: MaskRatio::known(0.6) }
    }
}

impl Default for IvppRecipe {
    fn default() -> Self {
        Self { temperature: Temperature::known(0.1), weight_unit: WeightUnit::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_of_every_method_what_its_recipe_says() {
        for method in MethodName::ALL {
            let spec = method.spec();
            assert_eq!(MethodName::named(spec.name), Some(method));
            assert_eq!(serde_json::to_value(method).unwrap(), spec.name);
            let mut recipe = MethodRecipe::of(method);
            assert_eq!(recipe.name(), method);
            assert_eq!(serde_json::to_value(&recipe).unwrap()["name"], spec.name);
            let by_default = if spec.facts.reads_labels { Supervision::Semi } else { Supervision::SelfOnly };
            assert_eq!(recipe.supervision(), by_default, "{method}");
            assert_eq!(recipe.set_supervision(Supervision::Full), spec.facts.reads_labels, "{method}");
            assert!(recipe.set_supervision(Supervision::SelfOnly), "{method}");
        }
        assert_eq!(MethodName::named("HiCo"), None);
    }
}
