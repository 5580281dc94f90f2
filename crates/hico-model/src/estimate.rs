//! A figure with its doubt.

use serde::{Deserialize, Serialize};

/// Figures are sums of shares, each at least one over all pairs of units; what is below this is rounding.
pub const ROUNDING: f64 = 1e-12;

/// A figure with its doubt.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean over seeds.
    pub mean: f64,
    /// Standard deviation over seeds (n - 1); absent with one seed.
    pub sd: Option<f64>,
    /// 2.5 % quantile of a bootstrap over groups and seeds; absent where there is nothing to draw from.
    pub low: Option<f64>,
    /// 97.5 % quantile of that bootstrap; absent where there is nothing to draw from.
    pub high: Option<f64>,
    /// Standard error that the choice of groups causes: deviation of a bootstrap over groups alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub se_groups: Option<f64>,
    /// Standard error that the choice of seeds causes: their deviation over the root of their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub se_seeds: Option<f64>,
    /// Why there is no interval, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<NoInterval>,
}

/// Why a figure has no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoInterval {
    /// One group was tested: how far groups differ cannot be told.
    OneGroup,
    /// One group of each class was tested: every draw of a bootstrap that keeps the classes is the same.
    OneGroupAClass,
    /// The figure is the same in every draw, because the groups do not differ. That is no certainty.
    NoSpread,
    /// A difference that one group makes is the same in every draw, as where that group is alone in its class.
    OneGroupDiffers,
}

impl NoInterval {
    /// The reason in two or three words, where an interval would stand in a table.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::OneGroup => "one patient",
            Self::OneGroupAClass => "one patient a class",
            Self::NoSpread => "no spread",
            Self::OneGroupDiffers => "one patient differs",
        }
    }

    /// The reason in a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::OneGroup => "one patient: no interval",
            Self::OneGroupAClass => "one patient of each class: no interval",
            Self::NoSpread => "no interval: the patients do not differ, which is no certainty",
            Self::OneGroupDiffers => "no interval: one patient differs",
        }
    }
}

impl Estimate {
    /// The bootstrap interval.
    ///
    /// # Errors
    /// Says why there is none.
    pub fn interval(&self) -> Result<[f64; 2], NoInterval> {
        match (self.low, self.high) {
            (Some(low), Some(high)) if high - low > ROUNDING => Ok([low, high]),
            _ => Err(self.no_interval.unwrap_or(NoInterval::NoSpread)),
        }
    }
}
