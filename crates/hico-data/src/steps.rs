//! What was done to the frames of one clip, the text of the column `steps` of `clips.csv`. How clips of a data set are to
//! be prepared is [`crate::Preprocessing`]; this says what that came to.

use crate::preprocessing::Fit;
use crate::sector::{Sector, SectorUse, Shape, Treatment};
use crate::text::Paint;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// One thing that was done to all frames of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Decoded by a reader, as `gif` or `ffmpeg h264`.
    Decode(String),
    /// Rows of letters were painted over in so many places.
    PaintText(usize),
    /// Cropped to the insonated region or masked outside it.
    Region {
        /// Which of both.
        used: SectorUse,
        /// The kind of probe.
        shape: Shape,
        /// First column and row, last column and row, source pixels.
        bounds: [usize; 4],
    },
    /// Resized.
    Resize {
        /// Height of the stored frames, pixels.
        height: usize,
        /// Width of the stored frames, pixels.
        width: usize,
        /// How.
        fit: Fit,
        /// Whether ffmpeg did it, before the frames were handed over.
        by_ffmpeg: bool,
    },
    /// Stored as luma alone.
    Grey {
        /// The largest difference between the channels of a pixel.
        within: u8,
    },
    /// A fact about the clip that a person should know.
    Note(String),
    /// The file was damaged, and what decodes of it was kept.
    Damaged(String),
    /// Something else, such as the window of a DICOM file.
    Other(String),
}

/// Everything that was done to the frames of a clip, in order. As text, steps are separated by `;`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Steps(pub Vec<Step>);

impl Steps {
    /// Returns true where the file was damaged, and what decodes of it was kept.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Damaged(_)))
    }
}

impl From<&Treatment> for Step {
    fn from(treatment: &Treatment) -> Self {
        let Sector { shape, outline } = treatment.sector();
        Self::Region { used: treatment.used(), shape: *shape, bounds: outline.bounds() }
    }
}

impl From<&Paint> for Step {
    fn from(paint: &Paint) -> Self {
        Self::PaintText(paint.places())
    }
}

/// `;` separates steps.
fn plain(words: &str) -> String {
    words.replace(';', ",")
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(reader) => write!(f, "decode {}", plain(reader)),
            Self::PaintText(places) => write!(f, "text painted over in {places} places"),
            Self::Region { used, shape, bounds: [x0, y0, x1, y1] } => {
                write!(f, "sector {} {shape} {x0},{y0},{x1},{y1}", used.word())
            }
            Self::Resize { height, width, fit, by_ffmpeg } => {
                let by = if *by_ffmpeg { " by ffmpeg" } else { "" };
                write!(f, "resize {height}x{width} {} antialiased bilinear{by}", fit.word())
            }
            Self::Grey { within: 0 } => f.write_str("grey"),
            Self::Grey { within } => write!(f, "grey (channels within {within})"),
            Self::Note(words) => write!(f, "note: {}", plain(words)),
            Self::Damaged(words) => write!(f, "damaged: {}", plain(words)),
            Self::Other(words) => f.write_str(&plain(words)),
        }
    }
}

impl FromStr for Step {
    type Err = Infallible;

    /// Reads one step; what is none that we know is [`Step::Other`].
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let known = || -> Option<Self> {
            let number = |text: &str| text.parse().ok();
            if let Some(reader) = text.strip_prefix("decode ") {
                return Some(Self::Decode(reader.to_owned()));
            }
            if let Some(words) = text.strip_prefix("note: ") {
                return Some(Self::Note(words.to_owned()));
            }
            if let Some(words) = text.strip_prefix("damaged: ") {
                return Some(Self::Damaged(words.to_owned()));
            }
            if let Some(places) = text.strip_prefix("text painted over in ") {
                return Some(Self::PaintText(number(places.strip_suffix(" places")?)?));
            }
            if let Some(rest) = text.strip_prefix("resize ") {
                let (rest, by_ffmpeg) = rest.strip_suffix(" by ffmpeg").map_or((rest, false), |rest| (rest, true));
                let (size, fit) = rest.strip_suffix(" antialiased bilinear")?.split_once(' ')?;
                let (height, width) = size.split_once('x')?;
                let fit = Fit::ALL.into_iter().find(|way| way.word() == fit)?;
                return Some(Self::Resize { height: number(height)?, width: number(width)?, fit, by_ffmpeg });
            }
            if let Some(rest) = text.strip_prefix("sector ") {
                let [used, shape, bounds] = rest.split(' ').collect::<Vec<_>>().try_into().ok()?;
                let used = SectorUse::ALL.into_iter().find(|way| way.word() == used)?;
                let shape = Shape::ALL.into_iter().find(|kind| kind.to_string() == shape)?;
                let bounds = bounds.split(',').map(number).collect::<Option<Vec<usize>>>()?.try_into().ok()?;
                return Some(Self::Region { used, shape, bounds });
            }
            let within = match text.strip_prefix("grey")? {
                "" => 0,
                rest => rest.strip_prefix(" (channels within ")?.strip_suffix(')')?.parse().ok()?,
            };
            Some(Self::Grey { within })
        };
        // Numbers that another program wrote otherwise (`08`) stay as they stand: a hash is taken over the text.
        let known = known().filter(|step| step.to_string() == text);
        Ok(known.unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, step)| {
            let separator = if index > 0 { ";" } else { "" };
            write!(f, "{separator}{step}")
        })
    }
}

impl From<Steps> for String {
    fn from(steps: Steps) -> Self {
        steps.to_string()
    }
}

impl From<String> for Steps {
    fn from(text: String) -> Self {
        let steps = text.split(';').filter(|_| !text.is_empty());
        Self(steps.filter_map(|step| step.parse().ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_of_every_step_is_read_as_that_step() {
        let steps = [
            (Step::Decode("ffmpeg h264".to_owned()), "decode ffmpeg h264"),
            (Step::PaintText(3), "text painted over in 3 places"),
            (
                Step::Region { used: SectorUse::CropAndMask, shape: Shape::Convex, bounds: [3, 4, 50, 60] },
                "sector crop-and-mask convex 3,4,50,60",
            ),
            (
                Step::Resize { height: 72, width: 128, fit: Fit::Keep, by_ffmpeg: true },
                "resize 72x128 keep antialiased bilinear by ffmpeg",
            ),
            (
                Step::Resize { height: 96, width: 96, fit: Fit::Squash, by_ffmpeg: false },
                "resize 96x96 squash antialiased bilinear",
            ),
            (Step::Grey { within: 0 }, "grey"),
            (Step::Grey { within: 5 }, "grey (channels within 5)"),
            (Step::Note("it is upside down".to_owned()), "note: it is upside down"),
            (Step::Damaged("it ends early".to_owned()), "damaged: it ends early"),
            (Step::Other("window 40 400".to_owned()), "window 40 400"),
            (Step::Other("sector left alone: nothing moves".to_owned()), "sector left alone: nothing moves"),
        ];
        for (step, text) in &steps {
            assert_eq!(step.to_string(), *text);
            assert_eq!(text.parse::<Step>().unwrap(), *step);
        }
        let all = Steps(steps.into_iter().map(|(step, _)| step).collect());
        assert_eq!(Steps::from(all.to_string()), all);
        assert_eq!(Steps::from(String::new()), Steps::default());
        assert_eq!(Step::Note("one; two".to_owned()).to_string(), "note: one, two");
    }

    proptest! {
        #[test]
        fn any_text_stays_as_it_stands(text in "(resize |sector |grey|note: |text painted over in )?[0-9a-z x,;()-]{0,24}") {
            prop_assert_eq!(Steps::from(text.clone()).to_string(), text);
        }
    }
}
