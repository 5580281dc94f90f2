//! Luma and chroma, or red, green and blue: what a JPEG stream itself tells of its samples. The DICOM header is wrong now
//! and then, and the stream was there first.

use super::colour::Colour;
use crate::jpeg::markers::{Segment, Segments};

/// Holds what the segments of a stream say of its three samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks {
    /// The transform that Adobe's segment states.
    pub(super) adobe: Option<u8>,
    pub(super) jfif: bool,
    /// True where the samples are called R, G and B.
    pub(super) named_rgb: bool,
    /// True where they are called 1, 2 and 3, as JFIF calls luma and chroma.
    pub(super) numbered: bool,
    /// True where the second and third sample are less dense than the first.
    pub(super) subsampled: bool,
}

impl Marks {
    /// Reads those of a stream whose process has no fixed colours; a JFIF segment says nothing in it.
    pub(super) fn of_lossless(data: &[u8]) -> Self {
        let mut marks = Self::default();
        let segments = Segments::new(data).into_iter().flatten().map_while(Result::ok);
        segments.take_while(|segment| segment.marker != 0xda).for_each(|segment| marks.see(&segment));
        Self { jfif: false, ..marks }
    }

    /// Reads what a segment says.
    pub(super) fn see(&mut self, segment: &Segment<'_>) {
        match (segment.marker, segment.body) {
            (0xc0..=0xc3 | 0xf7, [_, _, _, _, _, 3, components @ ..]) => {
                let components = components.as_chunks::<3>().0;
                let are_called = |names: [u8; 3]| components.iter().map(|component| component[0]).eq(names);
                (self.named_rgb, self.numbered) = (are_called(*b"RGB"), are_called([1, 2, 3]));
                let dense = |component: &[u8; 3]| u32::from(component[1] >> 4) * u32::from(component[1] & 15);
                self.subsampled =
                    matches!(components, [first, rest @ ..] if rest.iter().any(|it| dense(it) < dense(first)));
            }
            (0xe0, [b'J', b'F', b'I', b'F', ..]) => self.jfif = true,
            (0xee, [b'A', b'd', b'o', b'b', b'e', ..]) => self.adobe = segment.body.get(11).copied(),
            _ => {}
        }
    }

    /// Tells what the samples are, where the segments say it.
    ///
    /// - `header`: what the DICOM header says
    pub(super) fn colour(self, header: Colour) -> Option<Colour> {
        match self {
            // Nobody thins out red, green and blue, and some write 0 without thinking.
            Self { adobe: Some(0), subsampled: true, .. } if header == Colour::Ybr => Some(Colour::Ybr),
            Self { adobe: Some(0), .. } => Some(Colour::Rgb),
            Self { adobe: Some(_), .. } | Self { jfif: true, .. } | Self { subsampled: true, .. } => Some(Colour::Ybr),
            Self { named_rgb: true, .. } => Some(Colour::Rgb),
            _ => None,
        }
    }
}

/// Least share of dark and bright samples that a picture must have to tell.
const TELLING: f64 = 0.05;

/// Says how far beyond black and white compression takes a colour.
const SLACK: f32 = 24.0;

/// Tells what the samples are by their values, where no segment does: near black and near white, hardly any chroma is a
/// colour, so red, green and blue taken for luma and chroma fall outside of what there is.
///
/// - `pixels`: `[pixels, 3]`, as they are in the stream
pub(super) fn by_content(pixels: &[u8]) -> Option<Colour> {
    let (mut extreme, mut within) = (0_usize, 0_usize);
    let pixels = pixels.as_chunks::<3>().0;
    for [y, cb, cr] in pixels {
        if (48..=208).contains(y) {
            continue;
        }
        let [y, cb, cr] = [f32::from(*y), f32::from(*cb) - 128.0, f32::from(*cr) - 128.0];
        let rgb = [y + 1.402 * cr, y - 0.344 * cb - 0.714 * cr, y + 1.772 * cb];
        extreme += 1;
        within += usize::from(rgb.iter().all(|value| (-SLACK..=255.0 + SLACK).contains(value)));
    }
    let share = within as f64 / extreme.max(1) as f64;
    match share {
        _ if (extreme as f64) < TELLING * pixels.len() as f64 || extreme == 0 => None,
        0.98.. => Some(Colour::Ybr),
        ..0.5 => Some(Colour::Rgb),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_outweigh_the_header_and_each_other() {
        let none = Marks::default();
        for header in [Colour::Rgb, Colour::Ybr] {
            assert_eq!(none.colour(header), None);
            assert_eq!(Marks { adobe: Some(0), ..none }.colour(header), Some(Colour::Rgb));
            assert_eq!(Marks { adobe: Some(1), named_rgb: true, ..none }.colour(header), Some(Colour::Ybr));
            assert_eq!(Marks { jfif: true, ..none }.colour(header), Some(Colour::Ybr));
            assert_eq!(Marks { subsampled: true, ..none }.colour(header), Some(Colour::Ybr));
            assert_eq!(Marks { named_rgb: true, ..none }.colour(header), Some(Colour::Rgb));
            assert_eq!(Marks { adobe: Some(0), subsampled: true, ..none }.colour(header), Some(header));
        }
    }

    #[test]
    fn black_and_white_tell_what_samples_are_and_middle_greys_do_not() {
        let grey = |greys: &[u8]| greys.iter().flat_map(|grey| [*grey; 3]).collect::<Vec<u8>>();
        let luma = |greys: &[u8]| greys.iter().flat_map(|grey| [*grey, 128, 128]).collect::<Vec<u8>>();
        assert_eq!(by_content(&grey(&[0, 5, 250, 120, 130])), Some(Colour::Rgb));
        assert_eq!(by_content(&luma(&[0, 5, 250, 120, 130])), Some(Colour::Ybr));
        assert_eq!(by_content(&grey(&[100, 120, 140])), None);
        assert_eq!(by_content(&[]), None);
    }
}
