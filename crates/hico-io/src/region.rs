//! Regions of an ultrasound picture, as the scanner states them; the text in the `regions` column of `clips.csv`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A region of a picture and what its axes measure (DICOM PS3.3, C.8.5.5). The codes are DICOM's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// First column, source pixels from 0.
    pub x0: i64,
    /// First row, source pixels from 0.
    pub y0: i64,
    /// Last column, inclusive. Scanners state more than there is now and then.
    pub x1: i64,
    /// Last row, inclusive.
    pub y1: i64,
    /// Spatial format: 1 picture of tissue or flow (2D), 2 M-mode, 3 spectrum, 4 wave form, 5 graphics, 0 none.
    pub format: u16,
    /// Data type: 1 tissue, 2 colour flow, 3 pulsed and 4 continuous wave Doppler, 10 ECG, ...; 0 none.
    pub data: u16,
    /// Unit of `delta_x`: 3 centimetres, 4 seconds, 5 hertz, 7 centimetres a second, ...; 0 none.
    pub unit_x: u16,
    /// Unit of `delta_y`.
    pub unit_y: u16,
    /// Width of a source pixel, in `unit_x`.
    pub delta_x: f64,
    /// Height of a source pixel, in `unit_y`.
    pub delta_y: f64,
}

/// All regions of a clip. As text: `x0 y0 x1 y1 format data unit_x unit_y delta_x delta_y`, regions separated by `;`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Regions(pub Vec<Region>);

/// DICOM's codes for a picture in two dimensions, and for centimetres.
const PICTURE: u16 = 1;
const CENTIMETRES: u16 = 3;

impl Regions {
    /// Tells whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are pictures of tissue or flow.
    pub fn pictures(&self) -> impl Iterator<Item = &Region> {
        self.0.iter().filter(|region| region.format == PICTURE)
    }

    /// Height and width of a source pixel, millimetres, where all regions that are pictures agree.
    #[must_use]
    pub fn spacing(&self) -> Option<[f64; 2]> {
        let measured =
            |region: &&Region| region.format == PICTURE && region.unit_x == CENTIMETRES && region.unit_y == CENTIMETRES;
        let mut spacings = self.0.iter().filter(measured).map(|region| [region.delta_y, region.delta_x]);
        let first = spacings.next().filter(|[height, width]| *height > 0.0 && *width > 0.0)?;
        let alike =
            |[height, width]: [f64; 2]| (height / first[0] - 1.0).abs() < 1e-3 && (width / first[1] - 1.0).abs() < 1e-3;
        // Rounded to a millionth of a millimetre, so that 0.0259... centimetres do not end in a tail of the arithmetic.
        spacings.all(alike).then(|| first.map(|centimetres| (centimetres * 1e7).round() / 1e6))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { x0, y0, x1, y1, format, data, unit_x, unit_y, delta_x, delta_y } = self;
        write!(f, "{x0} {y0} {x1} {y1} {format} {data} {unit_x} {unit_y} {delta_x} {delta_y}")
    }
}

impl fmt::Display for Regions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(place, region)| {
            let separator = if place > 0 { ";" } else { "" };
            write!(f, "{separator}{region}")
        })
    }
}

/// Why a text is no list of regions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no region: ten numbers, x0 y0 x1 y1 format data unit_x unit_y delta_x delta_y")]
pub struct RegionError(String);

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        fn number<T: FromStr>(words: &mut std::str::SplitWhitespace<'_>) -> Option<T> {
            words.next()?.parse().ok()
        }
        let read = || {
            let mut words = text.split_whitespace();
            let words = &mut words;
            let region = Self {
                x0: number(words)?,
                y0: number(words)?,
                x1: number(words)?,
                y1: number(words)?,
                format: number(words)?,
                data: number(words)?,
                unit_x: number(words)?,
                unit_y: number(words)?,
                delta_x: number(words)?,
                delta_y: number(words)?,
            };
            words.next().is_none().then_some(region)
        };
        read().ok_or_else(|| RegionError(text.to_owned()))
    }
}

impl FromStr for Regions {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        let regions = text.split(';').filter(|region| !region.trim().is_empty());
        Ok(Self(regions.map(Region::from_str).collect::<Result<_, _>>()?))
    }
}

impl From<Regions> for String {
    fn from(regions: Regions) -> Self {
        regions.to_string()
    }
}

impl TryFrom<String> for Regions {
    type Error = RegionError;

    fn try_from(text: String) -> Result<Self, RegionError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "42 4 438 353 1 1 3 3 0.02857 0.0228571428571429;40 374 257 406 4 10 4 0 0.005 0";

    #[test]
    fn regions_survive_the_way_through_text() {
        let regions: Regions = TEXT.parse().unwrap();
        assert_eq!((regions.0.len(), regions.to_string().as_str()), (2, TEXT));
        assert_eq!("".parse(), Ok(Regions::default()));
        assert!("1 2 3".parse::<Regions>().is_err() && format!("{TEXT} 7").parse::<Regions>().is_err());
    }

    #[test]
    fn pictures_that_agree_give_the_size_of_a_pixel() {
        let regions: Regions = TEXT.parse().unwrap();
        assert_eq!(regions.spacing(), Some([0.228571, 0.2857]));
        let two: Regions = format!("{TEXT};0 0 9 9 1 1 3 3 0.1 0.1").parse().unwrap();
        assert_eq!(two.spacing(), None);
        assert_eq!(Regions(vec![regions.0[1]]).spacing(), None);
    }
}
