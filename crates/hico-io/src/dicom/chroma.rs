//! Tells whether two pixels share their chroma, in native pixels of YBR_FULL_422. Programs that decompress leave the
//! header as it was, and bytes behind the pixels make any length look like that of the other kind: the pixels
//! themselves tell.

use super::colour::Photometric;
use super::layout::Layout;
use super::told::Told;

/// Says how native luma and chroma are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chroma {
    /// One of each for two pixels.
    Shared,
    /// One of each for every pixel.
    Own,
}

/// Bytes of the first frame that are looked at.
pub(super) const LOOKED_AT: u64 = 4 << 20;

/// Samples that tell nothing, because there are too few of them.
const FEWEST: usize = 256;

/// Says how much smoother one reading has to be, and the least roughness that the other one has to have.
const SMOOTHER: f64 = 0.7;
const ROUGH: f64 = 1.0;

/// Holds what the header of such pixels says of their number, and what their bytes do.
pub(super) struct Found {
    /// Frames announced.
    pub(super) frames: Option<usize>,
    /// Bytes of a frame, for either kind.
    pub(super) shared: u64,
    pub(super) own: u64,
    /// Bytes of pixels.
    pub(super) there: u64,
    pub(super) seen: Option<Chroma>,
}

/// Tells by the first frame. Samples of a kind change little from one to the next; where they are read in the wrong step,
/// luma is compared with chroma.
///
/// - `planar`: whether each sample would have a plane of its own, were there one a pixel
pub(super) fn seen(bytes: &[u8], planar: bool) -> Option<Chroma> {
    if bytes.len() < FEWEST {
        return None;
    }
    let rough = |step: usize| {
        let sum: u64 = bytes.iter().zip(&bytes[step..]).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / (bytes.len() - step) as f64
    };
    let (own, shared) = (rough(if planar { 1 } else { 3 }), rough(4));
    match () {
        () if own.max(shared) < ROUGH => None,
        () if own < SMOOTHER * shared => Some(Chroma::Own),
        () if shared < SMOOTHER * own => Some(Chroma::Shared),
        () => None,
    }
}

impl Found {
    /// Decides, by the pixels or else by a length that fits one kind alone; `false` where neither tells.
    fn decide(&self) -> (Chroma, bool) {
        let is_exact = |frame: u64| match self.frames.map(|frames| frames as u64 * frame) {
            // One byte may fill up to an even number.
            Some(all) => self.there >= all && self.there - all <= all % 2,
            None => self.there >= frame && self.there % frame <= frame % 2,
        };
        let may_be_own = self.there >= self.own * self.frames.unwrap_or(1) as u64;
        match (self.seen, is_exact(self.shared), is_exact(self.own)) {
            // Pixels may mislead; header and length agree, and there are too few bytes for the other kind.
            (Some(Chroma::Own), true, _) if !may_be_own => (Chroma::Shared, true),
            (Some(chroma), ..) => (chroma, true),
            (None, false, true) => (Chroma::Own, true),
            (None, true, false) => (Chroma::Shared, true),
            // As the header says; and there is no doubt where there are too few bytes for the other kind.
            (None, ..) => (Chroma::Shared, !may_be_own),
        }
    }
}

impl Layout {
    /// Takes over how chroma is stored, where that is not what the header says.
    pub(super) fn settle_chroma(&mut self, found: &Found, told: &mut Told) {
        match found.decide() {
            (Chroma::Own, _) => {
                self.photometric = Photometric::YbrFull;
                told.tell("the header says YBR_FULL_422, each pixel has chroma of its own: read as YBR_FULL");
            }
            (Chroma::Shared, true) => {}
            (Chroma::Shared, false) => told.tell(
                "neither the pixels nor their number show whether two have the same chroma: read as YBR_FULL_422, as the \
                 header says",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pixel = Box<dyn Fn(usize, usize) -> [u8; 3]>;

    /// A picture of 64x48 as samples of its own for each pixel, and shared by two.
    fn both(pixel: impl Fn(usize, usize) -> [u8; 3]) -> [Vec<u8>; 2] {
        let pixels: Vec<[u8; 3]> = (0..64 * 48).map(|at| pixel(at % 64, at / 64)).collect();
        let shared = pixels.chunks(2).flat_map(|pair| [pair[0][0], pair[1][0], pair[0][1], pair[0][2]]);
        [pixels.as_flattened().to_vec(), shared.collect()]
    }

    #[test]
    fn a_picture_tells_how_its_chroma_is_stored() {
        let noise = |x: usize, y: usize| ((x * 7919 + y * 104_729) * (x + 3 * y + 1) % 251) as u8;
        let pictures: [Pixel; 4] = [
            Box::new(|x, y| [(x * 2 + y) as u8, 128, 128]),
            Box::new(move |x, y| [noise(x, y) / 4 + 10, 128, 128]),
            Box::new(|x, y| [if (x / 8 + y / 8) % 2 == 0 { 0 } else { 200 }, (90 + x) as u8, (160 - y) as u8]),
            Box::new(|_, _| [0, 128, 128]),
        ];
        for (number, picture) in pictures.iter().enumerate() {
            let [own, shared] = both(picture);
            assert_eq!(seen(&own, false), Some(Chroma::Own), "{number}");
            assert_eq!(seen(&shared, false), Some(Chroma::Shared), "{number}");
            assert_eq!(seen(&shared, true), Some(Chroma::Shared), "{number}");
        }
        for nothing in [both(|_, _| [128; 3]), both(|x, y| [noise(x, y), noise(y, x), noise(x + 9, y)])] {
            assert_eq!((seen(&nothing[0], false), seen(&nothing[1], false)), (None, None));
        }
    }

    #[test]
    fn lengths_decide_only_where_pixels_do_not() {
        let found = |frames, there, seen| Found { frames, shared: 8, own: 12, there, seen }.decide();
        assert_eq!(found(Some(1), 12, None), (Chroma::Own, true));
        assert_eq!(found(Some(1), 12, Some(Chroma::Shared)), (Chroma::Shared, true));
        assert_eq!(found(Some(2), 24, Some(Chroma::Own)), (Chroma::Own, true));
        assert_eq!(found(Some(2), 16, Some(Chroma::Own)), (Chroma::Shared, true), "as header and length agree");
        assert_eq!(found(Some(2), 16, None), (Chroma::Shared, true));
        assert_eq!(found(Some(2), 20, None), (Chroma::Shared, true), "too few bytes for the other kind");
        assert_eq!(found(Some(1), 20, None), (Chroma::Shared, false));
        assert_eq!(found(None, 24, None), (Chroma::Shared, false), "two frames or three");
        assert_eq!((found(None, 12, None), found(None, 16, None)), ((Chroma::Own, true), (Chroma::Shared, true)));
    }
}
