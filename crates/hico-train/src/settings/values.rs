//! Numbers that are in their range: whoever holds one need not check it again.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A number that is not in its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {expected}")]
pub struct OutOfRange {
    /// The number.
    pub value: String,
    /// The range in words.
    pub expected: &'static str,
}

macro_rules! in_range {
    ($($(#[$doc:meta])* $name:ident($inner:ty), $expected:literal, |$value:ident| $holds:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $name($inner);

        impl $name {
            /// Takes a number that is in the range.
            ///
            /// # Errors
            /// When it is not.
            pub fn new($value: $inner) -> Result<Self, OutOfRange> {
                let holds = $holds;
                if holds { Ok(Self($value)) } else { Err(OutOfRange { value: $value.to_string(), expected: $expected }) }
            }

            /// Takes a number that this module knows to be in the range.
            pub(crate) const fn known($value: $inner) -> Self {
                Self($value)
            }

            /// Returns the number.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(<$inner>::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )+};
}

in_range! {
    /// A temperature of a softmax.
    Temperature(f64), "a number above 0, from 0.0001 to 10000", |value| (1e-4..=1e4).contains(&value);
    /// A weight, a probability or a momentum.
    Fraction(f64), "from 0 to 1", |value| (0.0..=1.0).contains(&value);
    /// A part of something that must not be nothing.
    Share(f64), "above 0 and at most 1", |value| value > 0.0 && value <= 1.0;
    /// A part that leaves at least as much as it takes.
    AtMostHalf(f64), "from 0 to 0.5", |value| (0.0..=0.5).contains(&value);
    /// A weight without a largest one.
    NonNegative(f64), "0 or more", |value| value.is_finite() && value >= 0.0;
    /// A rate or a norm.
    Positive(f64), "a number above 0", |value| value.is_finite() && value > 0.0;
    /// A share of a picture.
    MaskRatio(f64), "above 0, at most 0.9", |value| value > 0.0 && value <= 0.9;
    /// A number of epochs or clips.
    Count(usize), "1 or more", |value| value >= 1;
    /// Clips of a batch: one alone has nothing to be told apart from.
    BatchSize(usize), "2 or more", |value| value >= 2;
    /// Numbers of a vector.
    Width(usize), "from 1 to 65,536", |value| (1..=65_536).contains(&value);
    /// Keys in a queue.
    QueueLength(usize), "from 1 to 1,048,576", |value| (1..=1 << 20).contains(&value);
}

/// A number that a person gives, or that fits what is trained on: `64` or `"auto"`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "NumberOrWord", into = "NumberOrWord")]
pub enum Fitted {
    /// The method chooses it.
    #[default]
    Auto,
    /// This number.
    Fixed(Width),
}

impl Fitted {
    /// Returns the number that was given, or the one that fits.
    #[must_use]
    pub fn or(self, fits: impl FnOnce() -> usize) -> usize {
        match self {
            Self::Auto => fits(),
            Self::Fixed(number) => number.get(),
        }
    }
}

/// [`Fitted`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "must be from 1 to 65,536, or \"auto\"")]
enum NumberOrWord {
    Number(i64),
    Word(String),
}

/// Word of [`Fitted::Auto`].
const AUTO: &str = "auto";

impl TryFrom<NumberOrWord> for Fitted {
    type Error = String;

    fn try_from(written: NumberOrWord) -> Result<Self, String> {
        let number = match written {
            NumberOrWord::Word(word) if word == AUTO => return Ok(Self::Auto),
            NumberOrWord::Word(_) => None,
            NumberOrWord::Number(number) => usize::try_from(number).ok().and_then(|number| Width::new(number).ok()),
        };
        number.map(Self::Fixed).ok_or_else(|| format!("must be from 1 to 65,536, or {AUTO:?}"))
    }
}

impl From<Fitted> for NumberOrWord {
    fn from(fitted: Fitted) -> Self {
        match fitted {
            Fitted::Auto => Self::Word(AUTO.to_owned()),
            Fitted::Fixed(number) => Self::Number(number.get() as i64),
        }
    }
}

/// Momentum of every teacher: the papers have more (0.996 to 0.999), over many more steps.
pub(crate) const MOMENTUM: Fraction = Fraction::known(0.99);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fitted_number_is_a_number_or_the_word_auto() {
        for (written, fitted) in [("64", Fitted::Fixed(Width(64))), ("\"auto\"", Fitted::Auto)] {
            assert_eq!(serde_json::from_str::<Fitted>(written).unwrap(), fitted);
            assert_eq!(serde_json::to_string(&fitted).unwrap(), written);
        }
        assert_eq!([Fitted::Auto, Fitted::Fixed(Width(3))].map(|fitted| fitted.or(|| 7)), [7, 3]);
        for broken in ["0", "-1", "70000", "1.5", "true", "\"automatic\""] {
            let error = serde_json::from_str::<Fitted>(broken).unwrap_err().to_string();
            assert!(error.starts_with("must be from 1 to 65,536, or \"auto\""), "{error}");
        }
    }

    #[test]
    fn ends_of_a_range_are_in_it_and_what_is_no_number_is_in_none() {
        assert_eq!(Fraction::new(1.0).unwrap().get(), 1.0);
        assert!(Share::new(0.0).is_err() && Share::new(1.0).is_ok());
        assert!(AtMostHalf::new(0.5).is_ok() && AtMostHalf::new(0.51).is_err());
        assert!(BatchSize::new(1).is_err() && Count::new(1).is_ok());
        let odd = [f64::NAN, f64::INFINITY, -1.0];
        for value in odd {
            assert!(Temperature::new(value).is_err() && Fraction::new(value).is_err() && Share::new(value).is_err());
            assert!(NonNegative::new(value).is_err() && Positive::new(value).is_err());
        }
    }

    #[test]
    fn a_number_is_written_bare_and_checked_when_it_is_read() {
        assert_eq!(serde_json::to_string(&Temperature::new(0.2).unwrap()).unwrap(), "0.2");
        let error = serde_json::from_str::<Temperature>("-1").unwrap_err().to_string();
        assert!(error.starts_with("must be a number above 0, from 0.0001 to 10000"), "{error}");
    }
}
