//! What each pixel does over the clip: whether it moves, and whether it is lit.

use super::bitmap::Bitmap;
use super::look::Look;

/// A pixel moves if its luma spans this much, without the tenth of the frames where it is darkest and the one where it is
/// brightest. Compression stirs flat black by less.
const MOVES: u8 = 8;

/// A pixel is lit if it is this much brighter than the background.
const LIT: u8 = 8;

/// No background is brighter.
const BRIGHTEST_BACKGROUND: u8 = 64;

/// A dark pixel is faint if the mean around it, over all frames, is this much brighter than the background: deep tissue
/// drowns in noise, and black does not.
const FAINT: f32 = 1.0;

/// Noise is told from black by the mean of at least so many frames; in fewer of them nothing is faint.
const MEAN_OF: usize = 8;

/// The mean around a pixel is over this many pixels to each side.
const AROUND: usize = 2;

/// What is brighter than the background by this is not faint.
const NOT_FAINT: u8 = 32;

/// The background covers at least this part of a frame.
const LEAST_BACKGROUND: f64 = 0.03;

/// What each pixel does over the clip.
pub(super) struct Evidence {
    pub(super) moving: Bitmap,
    pub(super) lit: Bitmap,
    pub(super) faint: Bitmap,
    /// Part of the frame that is darker than the background.
    pub(super) darker: f64,
}

impl Evidence {
    pub(super) fn read(look: &Look) -> Self {
        let size = look.size();
        let frames = look.frames();
        let cut = frames.len() / 10;
        let mut values = vec![0; frames.len()];
        let spans: Vec<[u8; 2]> = (0..size.height * size.width)
            .map(|at| {
                values.iter_mut().zip(frames).for_each(|(value, frame)| *value = frame[at]);
                values.sort_unstable();
                [values[cut], values[values.len() - 1 - cut]]
            })
            .collect();
        let background = background(&spans);
        let moving = spans.iter().map(|[low, high]| high - low >= MOVES).collect();
        let lit = spans.iter().map(|[_, high]| *high >= background.saturating_add(LIT)).collect();
        let enough = frames.len() >= MEAN_OF;
        let faint = if enough { faint(&means(look), &spans) } else { vec![false; spans.len()] };
        let faint = Bitmap { size, on: faint };
        let below = spans.iter().filter(|[_, high]| *high < background.saturating_sub(LIT)).count();
        let darker = below as f64 / spans.len().max(1) as f64;
        Self { moving: Bitmap { size, on: moving }, lit: Bitmap { size, on: lit }, faint, darker }
    }
}

/// The luma that most of the dark pixels have that never change; 0 if they are few.
fn background(spans: &[[u8; 2]]) -> u8 {
    let mut counts = [0_usize; BRIGHTEST_BACKGROUND as usize + 1];
    for [low, high] in spans.iter().filter(|[low, high]| high - low <= 2 && *high <= BRIGHTEST_BACKGROUND) {
        counts[usize::midpoint(usize::from(*low), usize::from(*high))] += 1;
    }
    let (value, count) = counts.iter().enumerate().max_by_key(|(_, count)| **count).unwrap_or((0, &0));
    let enough = *count as f64 >= LEAST_BACKGROUND * spans.len() as f64;
    if enough { u8::try_from(value).unwrap_or(0) } else { 0 }
}

/// The mean around each pixel, over all frames.
fn means(look: &Look) -> Vec<f32> {
    let size = look.size();
    let count = look.frames().len().max(1) as f32;
    let mean = |at: usize| look.frames().iter().map(|frame| f32::from(frame[at])).sum::<f32>() / count;
    let mut means: Vec<f32> = (0..size.height * size.width).map(mean).collect();
    for (lines, length, between, within) in
        [(size.height, size.width, size.width, 1), (size.width, size.height, 1, size.width)]
    {
        let sharp = means.clone();
        for line in 0..lines {
            for place in 0..length {
                let near = place.saturating_sub(AROUND)..(place + AROUND + 1).min(length);
                let count = near.len() as f32;
                let sum: f32 = near.map(|near| sharp[line * between + near * within]).sum();
                means[line * between + place * within] = sum / count;
            }
        }
    }
    means
}

/// Pixels that are faint; none where there is no background to tell them from.
fn faint(means: &[f32], spans: &[[u8; 2]]) -> Vec<bool> {
    let mut counts = [0_usize; 2 * BRIGHTEST_BACKGROUND as usize];
    for mean in means {
        if let Some(count) = counts.get_mut((mean * 2.0) as usize) {
            *count += 1;
        }
    }
    let darkest = counts.iter().position(|count| *count as f64 >= LEAST_BACKGROUND * means.len() as f64);
    let Some(background) = darkest.map(|bin| bin as f32 / 2.0 + 0.25) else { return vec![false; means.len()] };
    let dark = |[_, high]: &[u8; 2]| f32::from(*high) < background + f32::from(NOT_FAINT);
    means.iter().zip(spans).map(|(mean, span)| *mean >= background + FAINT && dark(span)).collect()
}
