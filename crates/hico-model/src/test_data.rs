//! Small data sets in memory for tests.

use hico_data::{Channels, Clip, ClipRow, Dataset, Manifest, Seed, Size};
use rand::RngExt as _;

/// Height and width of the frames, pixels.
pub const SIDE: usize = 32;
/// Frames of a clip.
pub const FRAMES: usize = 4;

/// One clip a row of `(group, class, fold)`: noise with a bright square whose corner tells the class, so that anything
/// that learns at all tells the classes apart.
pub fn spots(rows: &[(&str, Option<usize>, usize)]) -> Dataset {
    let row = |(index, (group, label, fold)): (usize, &(&str, Option<usize>, usize))| ClipRow {
        group: (*group).to_owned(),
        label: label.map(|label| format!("class-{label}")),
        fold: Some(*fold),
        ..ClipRow::new(format!("clip-{index:02}"), FRAMES, Size { height: SIDE, width: SIDE }, Channels::Grey)
    };
    let clips = rows.iter().enumerate().map(|(index, (_, label, _))| spot_clip(index, *label));
    let clips = clips.collect();
    Dataset::in_memory(Manifest { rows: rows.iter().enumerate().map(row).collect() }, clips)
}

fn spot_clip(index: usize, label: Option<usize>) -> Clip {
    let mut random = Seed(11).stream("spots", &[index as u64]);
    let mut pixels: Vec<u8> = (0..FRAMES * SIDE * SIDE).map(|_| random.random_range(0..60)).collect();
    let Some(label) = label else {
        return Clip { size: Size { height: SIDE, width: SIDE }, channels: Channels::Grey, pixels, fps: None };
    };
    // Above and below, not left and right: a flip must not turn one class into another.
    let (top, height) = [(2, 10), (20, 10), (11, 10)][label % 3];
    for frame in 0..FRAMES {
        for y in top..top + height {
            for x in 6..26 {
                pixels[(frame * SIDE + y) * SIDE + x] = random.random_range(180..255);
            }
        }
    }
    Clip { size: Size { height: SIDE, width: SIDE }, channels: Channels::Grey, pixels, fps: None }
}
