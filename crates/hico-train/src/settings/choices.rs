//! The values of keys that are one of a few.

use serde::{Deserialize, Serialize};

/// Which maps the cross-level term compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrossPairs {
    /// Global of one view with local and medium of the other, as the paper's figure draws it.
    #[default]
    AcrossViews,
    /// Global with local and medium of the same view, as the authors' code computes it.
    SameView,
}

/// Which pyramid map the medium level is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediumFrom {
    /// P4, stride 16, as the paper's figure draws it.
    #[default]
    P4,
    /// P3, stride 8, as the authors' code computes it.
    P3,
}

/// What the softened target is normalised over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoftTarget {
    /// `(1 - alpha) y + alpha / classes`: a distribution.
    #[default]
    OverClasses,
    /// `(1 - alpha) y + alpha / (labelled - 1)`, as the authors' code computes it; with one labelled clip in the batch,
    /// where that divides by zero, the hard target.
    OverLabelled,
}

/// How a pyramid map becomes a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Projector {
    /// The local and the medium map averaged within each cell of a 4x4 grid, the global one as a whole, then a two-layer
    /// MLP; works at any image side.
    #[default]
    Grid,
    /// The whole map flattened, at every level, then a two-layer MLP, as the authors' code; 287 M parameters at
    /// 224 px.
    Flattened,
    /// Average over the map, at every level, then a two-layer MLP: an ablation, in which no level is local.
    Pooled,
}

/// What becomes of a queue's keys of a query's own group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnGroup {
    /// They are no negatives.
    #[default]
    Hidden,
    /// They are negatives as all others, as published.
    Kept,
}

/// Unit of the distance in time of two frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightUnit {
    /// Frames, as the released code of IVPP.
    #[default]
    Frames,
    /// Seconds.
    Seconds,
}

/// What the objective learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supervision {
    /// Frame pairs of every clip, and the labels there are.
    #[default]
    Semi,
    /// Frame pairs only; no label has any part in it, though labels there are measure the health of the run.
    #[serde(rename = "self")]
    SelfOnly,
    /// Labels only; unlabelled clips are left out.
    Full,
}

/// How weight decay enters Adam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// Added to the gradient (Adam with L2, as the authors).
    #[default]
    L2,
    /// Applied to the weights (AdamW, Loshchilov and Hutter 2019).
    Decoupled,
}

/// What the operands of large products are rounded to; sums, weights and everything else are in 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Nothing is rounded.
    #[default]
    F32,
    /// To bfloat16 (8 significant bits) on a CPU that multiplies them; elsewhere as `f32`.
    Bf16,
}

impl From<Precision> for hico_kernels::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::Bf16 => Self::Bf16,
        }
    }
}

/// How the learning rate moves over a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// Linear warm-up from zero, then a cosine to zero, step by step.
    #[default]
    Cosine,
    /// As the authors' code: constant for the first epochs (there called warm-up), then a cosine over all epochs, epoch
    /// by epoch, that ends just above zero.
    Authors,
    /// The same rate throughout.
    Constant,
}
