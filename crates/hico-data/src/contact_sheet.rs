//! A contact sheet: frames of some clips of every class on one picture, each with its name below.

use crate::canvas::{Canvas, FONT, INK, LINE, PALE};
use crate::clip::{Size, evenly_spaced};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::inspect::examples;
use crate::view::planes::Planes;
use crate::view::resize::{Window, bilinear};
use embedded_graphics::mono_font::iso_8859_1::FONT_6X13_BOLD;

/// What the sheet shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetOptions {
    /// Clips in all, at most; the classes share them evenly, and each class shows as many groups as it can.
    pub clips: usize,
    /// Frames of a clip, evenly spaced from the first to the last; 1 or more.
    pub frames: usize,
    /// Height and width of a frame on the sheet, pixels; its proportions are kept.
    pub side: usize,
}

impl Default for SheetOptions {
    fn default() -> Self {
        Self { clips: 48, frames: 3, side: 112 }
    }
}

/// Pixels of a sheet, at most.
pub const LARGEST: usize = 100_000_000;

/// About how wide a sheet is, pixels.
const WIDTH: usize = 1400;

/// Between cells, and around the sheet.
const MARGIN: usize = 10;

/// Between the frames of a clip.
const GAP: usize = 2;

/// The sheet as a PNG file.
///
/// # Errors
/// When a frame cannot be read or the sheet would be too large.
pub fn png(dataset: &Dataset, options: SheetOptions) -> Result<Vec<u8>, Error> {
    draw(dataset, options)?.png().map_err(Error::SheetEncoding)
}

/// The clips of one class.
struct Section {
    title: String,
    clips: Vec<usize>,
}

fn sections(dataset: &Dataset, most: usize) -> Vec<Section> {
    let named = dataset.classes().iter().map(|class| Some(class.as_str()));
    let all: Vec<(Option<&str>, usize)> = named
        .chain([None])
        .map(|class| (class, examples(dataset, class, usize::MAX).len()))
        .filter(|(_, clips)| *clips > 0)
        .collect();
    let (mut left, mut classes) = (most, all.len());
    let mut shares = vec![0; all.len()];
    // The smallest class first, so that what it leaves goes to the others.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&class| all[class].1);
    for class in order {
        shares[class] = all[class].1.min(left.div_ceil(classes));
        left -= shares[class];
        classes -= 1;
    }
    let section = |((class, clips), share): (&(Option<&str>, usize), usize)| Section {
        title: format!("{}: {share} of {clips} clips", class.unwrap_or("without a label")),
        clips: examples(dataset, *class, share),
    };
    all.iter().zip(shares).map(section).filter(|section| !section.clips.is_empty()).collect()
}

fn draw(dataset: &Dataset, options: SheetOptions) -> Result<Canvas, Error> {
    let options = SheetOptions { frames: options.frames.max(1), side: options.side.max(1), ..options };
    let SheetOptions { clips, frames, side } = options;
    let sections = sections(dataset, clips);
    let cell = Size { height: side + 2 * LINE + MARGIN, width: frames * (side + GAP) - GAP + MARGIN };
    let columns = (WIDTH / cell.width).max(1);
    let rows: usize = sections.iter().map(|section| section.clips.len().div_ceil(columns)).sum();
    let size = Size {
        height: MARGIN + rows * cell.height + sections.len() * (LINE + MARGIN),
        width: MARGIN + columns * cell.width,
    };
    if size.height.saturating_mul(size.width) > LARGEST {
        return Err(Error::SheetTooLarge { height: size.height, width: size.width });
    }
    let mut canvas = Canvas::new(size);
    let mut top = MARGIN;
    for section in sections {
        canvas.text(&section.title, MARGIN, top, size.width - 2 * MARGIN, &FONT_6X13_BOLD, INK);
        top += LINE + MARGIN;
        for row in section.clips.chunks(columns) {
            for (column, &clip) in row.iter().enumerate() {
                draw_clip(&mut canvas, dataset, clip, MARGIN + column * cell.width, top, options)?;
            }
            top += cell.height;
        }
    }
    Ok(canvas)
}

fn draw_clip(
    canvas: &mut Canvas,
    dataset: &Dataset,
    clip: usize,
    left: usize,
    top: usize,
    options: SheetOptions,
) -> Result<(), Error> {
    let SheetOptions { frames, side, .. } = options;
    let row = dataset.row(clip);
    for (place, number) in evenly_spaced(row.frames, frames).into_iter().enumerate() {
        let frame = dataset.read_frame(clip, number)?;
        let longest = frame.size.height.max(frame.size.width).max(1);
        let shrunk = |length: usize| (length * side / longest).max(1);
        let size = Size { height: shrunk(frame.size.height), width: shrunk(frame.size.width) };
        let frame = bilinear(&Planes::of(&frame), Window::whole(frame.size), size).into_owned().into_frame();
        let centred = (side - size.height) / 2;
        canvas.picture(&frame, left + place * (side + GAP) + (side - size.width) / 2, top + centred);
    }
    let width = frames * (side + GAP) - GAP;
    canvas.text(&row.clip, left, top + side + 2, width, &FONT, INK);
    let fold = row.fold.map_or_else(String::new, |fold| format!(", fold {fold}"));
    canvas.text(&format!("{}, {} frames{fold}", row.group, row.frames), left, top + side + LINE, width, &FONT, PALE);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::PAPER;
    use crate::phantom::{PhantomRecipe, generate};
    use embedded_graphics::pixelcolor::RgbColor as _;

    #[test]
    fn frames_stand_where_they_belong_and_names_below_them() {
        let dataset = generate(&PhantomRecipe { patients: 3, frames: 4, side: 32, ..PhantomRecipe::default() });
        let options = SheetOptions { clips: 3, frames: 2, side: 32 };
        let sheet = image::load_from_memory(&png(&dataset, options).unwrap()).unwrap().to_rgb8();
        let clip = sections(&dataset, 3)[0].clips[0];
        let top = (MARGIN + LINE + MARGIN) as u32;
        for (place, number) in [(0, 0), (1, 3)] {
            let frame = dataset.read_frame(clip, number).unwrap();
            let left = (MARGIN + place * (32 + GAP)) as u32;
            let channels = frame.channels.count();
            for at in 0..32 * 32 {
                let found = sheet.get_pixel(left + at as u32 % 32, top + at as u32 / 32).0;
                assert_eq!(found[0], frame.pixels[at * channels], "pixel {at} of frame {number}");
            }
        }
        let inked = |top: u32| {
            let band = (top..top + LINE as u32).flat_map(|y| (0..60).map(move |x| (MARGIN as u32 + x, y)));
            band.filter(|&(x, y)| sheet.get_pixel(x, y).0 != [PAPER.r(), PAPER.g(), PAPER.b()]).count()
        };
        assert!(inked(top + 32 + 2) > 20, "no name");
        assert!(inked(MARGIN as u32) > 20, "no title");
    }

    #[test]
    fn classes_share_the_sheet_and_what_one_leaves_goes_to_the_others() {
        let dataset = generate(&PhantomRecipe {
            patients: 30,
            frames: 1,
            side: 32,
            unlabelled_fraction: 0.1,
            ..PhantomRecipe::default()
        });
        let shown = |most| sections(&dataset, most).iter().map(|section| section.clips.len()).collect::<Vec<_>>();
        assert_eq!(shown(8), [2, 2, 2, 2]);
        assert_eq!(shown(usize::MAX).iter().sum::<usize>(), dataset.len());
        let many = shown(40);
        assert_eq!(many.iter().sum::<usize>(), 40);
        assert!(png(&dataset, SheetOptions { clips: 5, frames: 3, side: 16 }).is_ok(), "fewer frames than asked for");
    }

    #[test]
    fn a_sheet_that_nobody_could_open_is_refused() {
        let dataset = generate(&PhantomRecipe { patients: 3, frames: 1, side: 32, ..PhantomRecipe::default() });
        assert!(png(&dataset, SheetOptions { clips: 3, frames: 0, side: 0 }).is_ok(), "one frame of one pixel");
        let error = png(&dataset, SheetOptions { clips: 3, frames: 1, side: 20_000 }).unwrap_err();
        assert!(error.to_string().contains("too large"), "{error}");
    }
}
