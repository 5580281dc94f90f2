//! What of a network is read where it is used and judged: which maps, and which figures of each.

use super::layers::average;
use crate::{BackboneName, CHANNELS, Pyramid, Stages};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The features of a picture: figures of maps, one map after the other.
///
/// It is written `c5`, `stages` or `pyramid` for means, and with `-mean-max` behind it for means and largest values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FeatureSet {
    /// The maps.
    pub maps: FeatureMaps,
    /// Whether the largest value of each channel is read besides its mean.
    pub max: bool,
}

/// The maps that features are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum FeatureMaps {
    /// C5, the last map of the backbone.
    #[default]
    C5,
    /// C2, C3, C4 and C5: every stage of the backbone.
    Stages,
    /// P2, P3, P4 and P5: every level of the pyramid.
    Pyramid,
}

/// How the name of a set with largest values ends.
const MAX: &str = "-mean-max";

impl FeatureSet {
    /// The mean of C5, as torchvision's networks are read.
    pub const C5: Self = Self { maps: FeatureMaps::C5, max: false };

    /// Every set.
    pub const ALL: [Self; 6] = [
        Self::C5,
        Self { maps: FeatureMaps::C5, max: true },
        Self { maps: FeatureMaps::Stages, max: false },
        Self { maps: FeatureMaps::Stages, max: true },
        Self { maps: FeatureMaps::Pyramid, max: false },
        Self { maps: FeatureMaps::Pyramid, max: true },
    ];

    /// Returns the lengths of its parts, a part a map: each is a mean, or a mean and a largest value, of every channel.
    #[must_use]
    pub fn parts(self, backbone: BackboneName) -> Vec<usize> {
        let of_maps = match self.maps {
            FeatureMaps::C5 => vec![backbone.channels()[3]],
            FeatureMaps::Stages => backbone.channels().to_vec(),
            FeatureMaps::Pyramid => vec![CHANNELS; 4],
        };
        let figures = if self.max { 2 } else { 1 };
        of_maps.into_iter().map(|channels| figures * channels).collect()
    }

    /// Returns the length of a row of features.
    #[must_use]
    pub fn len(self, backbone: BackboneName) -> usize {
        self.parts(backbone).iter().sum()
    }

    /// Returns true where the pyramid is read.
    #[must_use]
    pub const fn reads_pyramid(self) -> bool {
        matches!(self.maps, FeatureMaps::Pyramid)
    }

    /// Reads the features of pictures from the maps of their backbone.
    ///
    /// - returns: `[batch, self.len(backbone)]`
    #[must_use]
    pub fn read(self, pyramid: &Pyramid, stages: Stages) -> Tensor<2> {
        let Stages { c2, c3, c4, c5 } = stages;
        let maps = match self.maps {
            FeatureMaps::C5 => vec![c5],
            FeatureMaps::Stages => vec![c2, c3, c4, c5],
            FeatureMaps::Pyramid => pyramid.forward(Stages { c2, c3, c4, c5 }).to_vec(),
        };
        let figures = maps.into_iter().flat_map(|map| {
            let largest = self.max.then(|| map.clone().flatten::<3>(2, 3).max_dim(2).squeeze_dim(2));
            std::iter::once(average(map)).chain(largest)
        });
        let mut figures: Vec<Tensor<2>> = figures.collect();
        if figures.len() == 1 { figures.remove(0) } else { Tensor::cat(figures, 1) }
    }
}

impl fmt::Display for FeatureSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let maps = match self.maps {
            FeatureMaps::C5 => "c5",
            FeatureMaps::Stages => "stages",
            FeatureMaps::Pyramid => "pyramid",
        };
        write!(formatter, "{maps}{}", if self.max { MAX } else { "" })
    }
}

impl FromStr for FeatureSet {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(|set| set.to_string()).join(", ");
        let found = Self::ALL.into_iter().find(|set| set.to_string() == word);
        found.ok_or_else(|| format!("{word:?}: features must be one of {}", names()))
    }
}

impl TryFrom<String> for FeatureSet {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

impl From<FeatureSet> for String {
    fn from(set: FeatureSet) -> Self {
        set.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoder;
    use crate::Mode;
    use crate::init::Init;
    use burn::tensor::{Device, TensorData};
    use hico_data::Seed;

    #[test]
    fn a_set_is_written_and_read_by_its_name() {
        let names = FeatureSet::ALL.map(|set| set.to_string());
        assert_eq!(names, ["c5", "c5-mean-max", "stages", "stages-mean-max", "pyramid", "pyramid-mean-max"]);
        for set in FeatureSet::ALL {
            assert_eq!(set.to_string().parse(), Ok(set));
            assert_eq!(serde_json::from_str::<FeatureSet>(&serde_json::to_string(&set).unwrap()).unwrap(), set);
        }
        let error = "C5".parse::<FeatureSet>().unwrap_err();
        assert!(error.contains("\"C5\"") && error.contains("stages-mean-max"), "{error}");
        assert_eq!(FeatureSet::default().to_string(), "c5");
    }

    #[test]
    fn features_are_means_and_largest_values_of_the_maps_in_their_order() {
        let device = Device::flex();
        let values: Vec<f32> = (0..2 * 3 * 40 * 40).map(|place| (place as f32 * 0.37).sin()).collect();
        let images = Tensor::<4>::from_data(TensorData::new(values, [2, 3, 40, 40]), &device);
        let encoder = Encoder::new(&Init::new(&device, Seed(1)).at("encoder"), BackboneName::RESNET18);
        let maps = encoder.maps(images.clone(), Mode::Eval);
        let planes = |map: &Tensor<4>, image: usize| -> Vec<Vec<f64>> {
            let [_, channels, height, width] = map.dims();
            let all: Vec<f64> = map.clone().into_data().iter().collect();
            let planes = all.chunks(height * width).skip(image * channels).take(channels);
            planes.map(<[f64]>::to_vec).collect()
        };
        for set in FeatureSet::ALL {
            let of_set = match set.maps {
                FeatureMaps::C5 => vec![&maps.c5],
                FeatureMaps::Stages => vec![&maps.c2, &maps.c3, &maps.c4, &maps.c5],
                FeatureMaps::Pyramid => vec![&maps.p2, &maps.p3, &maps.p4, &maps.p5],
            };
            let found = encoder.features(images.clone(), set, Mode::Eval);
            assert_eq!(found.dims(), [2, set.len(BackboneName::RESNET18)], "{set}");
            assert_eq!(set.parts(BackboneName::RESNET18).len(), of_set.len());
            let found: Vec<f64> = found.into_data().iter().collect();
            let expected = (0..2).flat_map(|image| {
                of_set.iter().flat_map(move |map| {
                    let planes = planes(map, image);
                    let mean = |plane: &Vec<f64>| plane.iter().sum::<f64>() / plane.len() as f64;
                    let means: Vec<f64> = planes.iter().map(mean).collect();
                    let largest = planes.iter().map(|plane| plane.iter().copied().fold(f64::MIN, f64::max));
                    let largest: Vec<f64> = if set.max { largest.collect() } else { Vec::new() };
                    [means, largest].concat()
                })
            });
            for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert!(
                    (found - expected).abs() <= 1e-4 * expected.abs().max(1.0),
                    "{set} {place}: {found} {expected}"
                );
            }
        }
    }
}
