//! The closer look at two clips: textures of their frames, aligned and correlated.

use super::align::Aligned;
use super::candidates::Candidate;
use super::corpus::Corpus;
use super::signature::PARTS;
use super::texture::{Texture, middle};
use crate::clip::evenly_spaced;
use crate::error::Error;
use crate::view::planes::Planes;
use serde::Serialize;

/// Frames of a clip that are compared, evenly spaced from the first to the last.
pub const FRAMES: usize = 8;

/// Frames of a clip among which a frame of another one is looked for where few evenly spaced ones do not settle it.
pub const DENSE: usize = 160;

/// Frames that are looked for among them.
const PROBES: usize = 3;

/// Below this correlation of two frames, or agreement of two clips, they are not looked at any closer.
const WORTH: f32 = 0.5;

/// Below this correlation as they were sighted, no other pose is tried for two frames.
const STRANGERS: f32 = 0.3;

/// How alike two clips are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Likeness {
    /// How well the frames of one clip are found in the other: the median over its frames of the best correlation, for
    /// the clip that is found better. 1 for a copy.
    pub contained: f32,
    /// How well the two agree: the same median over the frames of both.
    pub agreement: f32,
    /// The pair of frames that is most alike: of the first clip and of the second.
    pub frames: [usize; 2],
    /// Whether the second clip is seen in a mirror.
    pub mirrored: bool,
    /// Share of the height and of the width of the first clip's frames that the other shows; 1 when neither is cropped.
    pub part_of_first: [f64; 2],
    /// The same of the second clip.
    pub part_of_second: [f64; 2],
}

/// Textures of some frames of a clip: number of the frame, texture.
type Frames = Vec<(usize, Aligned)>;

/// Compares the two clips of a candidate; `None` where one shows nothing, or where the frames
/// by which it was found are not alike on a closer look.
///
/// # Errors
/// When a frame cannot be read.
pub fn compare(corpus: &Corpus<'_>, candidate: &Candidate, dense: Dense) -> Result<Option<Likeness>, Error> {
    let Candidate { a, b, .. } = *candidate;
    let Some(pose) = Pose::find(corpus, candidate)? else { return Ok(None) };
    let frames_of = |clip: usize, part: [f64; 2], most: usize| textures(corpus, clip, part, most);
    let first = frames_of(a, pose.first, FRAMES)?;
    let second = mirrored(frames_of(b, pose.second, FRAMES)?, pose.mirrored);
    let Some(mut likeness) = likeness(&first, &second) else { return Ok(None) };
    let longest = corpus.row(a).frames.max(corpus.row(b).frames);
    let open = likeness.agreement > WORTH && likeness.contained < dense.settled_from();
    if open && longest > FRAMES {
        // The shorter clip may be a piece of the longer one that begins between two of the frames above.
        let contained = if corpus.row(a).frames <= corpus.row(b).frames {
            found_in(&first, &mirrored(frames_of(b, pose.second, DENSE)?, pose.mirrored))
        } else {
            found_in(&second, &frames_of(a, pose.first, DENSE)?)
        };
        likeness.contained = likeness.contained.max(contained);
    }
    likeness.mirrored = pose.mirrored;
    likeness.part_of_first = pose.first;
    likeness.part_of_second = pose.second;
    Ok(Some(likeness))
}

/// Whether frames between the evenly spaced ones are looked at too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Dense {
    /// Where the evenly spaced ones did not reach this [`Likeness::contained`].
    Below(f32),
    /// Never.
    Never,
}

impl Dense {
    const fn settled_from(self) -> f32 {
        match self {
            Self::Below(contained) => contained,
            Self::Never => f32::NEG_INFINITY,
        }
    }
}

/// Shares of height and width of one clip's frames that are laid on the whole of the other's; the whole comes first.
/// A picture that was squashed after it was cropped keeps another share of each.
const POSES: [[f64; 2]; 8] =
    [[1.0, 1.0], [0.97, 0.97], [0.94, 0.94], [0.88, 0.88], [1.0, 0.94], [0.94, 1.0], [1.0, 0.88], [0.88, 1.0]];

/// How the frames of the first clip lie on those of the second.
#[derive(Debug, Clone, Copy)]
struct Pose {
    /// Share of height and width of the first clip's frames.
    first: [f64; 2],
    /// The same of the second clip's frames.
    second: [f64; 2],
    /// Whether the second is turned.
    mirrored: bool,
}

impl Pose {
    /// The pose in which the two frames of the sighting are most alike; `None` where they are not alike in any.
    fn find(corpus: &Corpus<'_>, candidate: &Candidate) -> Result<Option<Self>, Error> {
        let Candidate { a, b, sighting } = candidate;
        let one = |clip: usize, frame: u32| corpus.read_frame(clip, frame as usize).map(|frame| Planes::of(&frame));
        let (first, second) = (one(*a, sighting.frame)?, one(*b, sighting.found)?);
        let texture =
            |picture: &Planes<u8>, part: [f64; 2]| Texture::of(picture, middle(picture.size, part)).map(Aligned::from);
        let sighted = [PARTS[usize::from(sighting.part) % PARTS.len()]; 2];
        let (Some(a), Some(b)) = (texture(&first, sighted), texture(&second, POSES[0])) else { return Ok(None) };
        if a.correlation(&if sighting.mirrored { b.mirrored() } else { b }) < STRANGERS {
            return Ok(None);
        }
        let [firsts, seconds] =
            [first, second].map(|frame| POSES.iter().map(|part| texture(&frame, *part)).collect::<Vec<_>>());
        let turned: Vec<_> = seconds.iter().map(|texture| texture.as_ref().map(Aligned::mirrored)).collect();
        let (mut best, mut pose) = (WORTH, None);
        for at in 0..POSES.len() {
            // At most one of the two is cropped.
            for (of_first, of_second) in [(at, 0), (0, at)] {
                for (seconds, mirrored) in [(&seconds, false), (&turned, true)] {
                    let (Some(a), Some(b)) = (&firsts[of_first], &seconds[of_second]) else { continue };
                    let score = a.correlation(b);
                    if score > best {
                        best = score;
                        pose = Some(Self { first: POSES[of_first], second: POSES[of_second], mirrored });
                    }
                }
            }
        }
        Ok(pose)
    }
}

fn textures(corpus: &Corpus<'_>, clip: usize, part: [f64; 2], most: usize) -> Result<Frames, Error> {
    let mut all = Vec::new();
    for number in evenly_spaced(corpus.row(clip).frames, most) {
        let picture = Planes::of(&corpus.read_frame(clip, number)?);
        all.extend(Texture::of(&picture, middle(picture.size, part)).map(|texture| (number, texture.into())));
    }
    Ok(all)
}

fn mirrored(frames: Frames, mirror: bool) -> Frames {
    if mirror { frames.into_iter().map(|(number, texture)| (number, texture.mirrored())).collect() } else { frames }
}

/// Every frame with every frame; `None` where a clip has none.
fn likeness(first: &Frames, second: &Frames) -> Option<Likeness> {
    let mut best = (f32::NEG_INFINITY, [0, 0]);
    let mut of_first = vec![f32::NEG_INFINITY; first.len()];
    let mut of_second = vec![f32::NEG_INFINITY; second.len()];
    for (at, (number, texture)) in first.iter().enumerate() {
        for (there, (found, other)) in second.iter().enumerate() {
            let score = texture.correlation(other);
            of_first[at] = of_first[at].max(score);
            of_second[there] = of_second[there].max(score);
            if score > best.0 {
                best = (score, [*number, *found]);
            }
        }
    }
    let contained = median(of_first.clone())?.max(median(of_second.clone())?);
    let agreement = median([of_first, of_second].concat())?;
    let whole = Likeness {
        contained,
        agreement,
        frames: best.1,
        mirrored: false,
        part_of_first: [1.0; 2],
        part_of_second: [1.0; 2],
    };
    Some(whole)
}

/// How well a few frames of the shorter clip are found among many of the longer one.
fn found_in(shorter: &Frames, longer: &Frames) -> f32 {
    let best = |place: usize| {
        let (_, texture) = &shorter[place];
        longer.iter().map(|(_, other)| texture.correlation(other)).fold(f32::NEG_INFINITY, f32::max)
    };
    // Not the first and the last, which are the likeliest to be empty.
    let inner = shorter.len().saturating_sub(2);
    let probes = evenly_spaced(inner, PROBES).into_iter().map(|place| place + 1);
    median(probes.map(best).collect()).unwrap_or(f32::NEG_INFINITY)
}

/// The middle value; the mean of the two middle ones of an even number.
fn median(mut values: Vec<f32>) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { f32::midpoint(values[middle - 1], upper) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_by_hand() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
