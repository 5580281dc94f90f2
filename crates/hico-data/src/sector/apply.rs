//! Crops frames to a region, and masks what lies outside it.

use super::{Outline, Sector, SectorUse};
use crate::clip::Size;

/// What is done to every frame of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Treatment {
    purpose: SectorUse,
    sector: Sector,
}

impl Treatment {
    /// `None` if nothing is to be done.
    #[must_use]
    pub fn new(purpose: SectorUse, sector: &Sector) -> Option<Self> {
        (!purpose.is_off()).then(|| Self { purpose, sector: sector.clone() })
    }

    /// Size of what becomes of a frame.
    #[must_use]
    pub fn size(&self, source: Size) -> Size {
        if self.purpose.crops() {
            let [x0, y0, x1, y1] = self.sector.outline.bounds();
            Size { height: y1 - y0 + 1, width: x1 - x0 + 1 }
        } else {
            source
        }
    }

    /// Returns what is done with the region.
    #[must_use]
    pub const fn used(&self) -> SectorUse {
        self.purpose
    }

    /// Returns the region.
    #[must_use]
    pub const fn sector(&self) -> &Sector {
        &self.sector
    }

    /// The treated frame, of [`Self::size`].
    ///
    /// - `rgb`: `[height, width, 3]` of the size in which the region was found
    #[must_use]
    pub fn apply(&self, rgb: &[u8], source: Size) -> Vec<u8> {
        let Outline { left, columns } = &self.sector.outline;
        let [x0, y0, x1, y1] = self.sector.outline.bounds();
        let (rows, from, to) =
            if self.purpose.crops() { (y0..y1 + 1, x0, x1 + 1) } else { (0..source.height, 0, source.width) };
        let mut pixels = Vec::with_capacity(rows.len() * (to - from) * 3);
        for y in rows {
            let row = &rgb[3 * source.width * y..][..3 * source.width];
            if !self.purpose.masks() {
                pixels.extend_from_slice(&row[3 * from..3 * to]);
                continue;
            }
            let begin = pixels.len();
            pixels.resize(begin + 3 * (to - from), 0);
            let target = pixels[begin + 3 * (left - from)..].as_chunks_mut::<3>().0;
            let inside = row[3 * left..].as_chunks::<3>().0;
            for ((target, pixel), [top, bottom]) in target.iter_mut().zip(inside).zip(columns) {
                if (*top..=*bottom).contains(&y) {
                    *target = *pixel;
                }
            }
        }
        pixels
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::*;

    #[test]
    fn a_mask_blackens_outside_and_a_crop_cuts_to_the_rectangle() {
        let source = Size { height: 3, width: 4 };
        let rgb: Vec<u8> = (1..=12).flat_map(|value| [value; 3]).collect();
        let sector = Sector { shape: Shape::Convex, outline: Outline { left: 1, columns: vec![[1, 1], [0, 1]] } };
        let treated = |purpose| {
            let treatment = Treatment::new(purpose, &sector).unwrap();
            let pixels = treatment.apply(&rgb, source);
            let size = treatment.size(source);
            assert_eq!(pixels.len(), size.height * size.width * 3);
            (crate::Step::from(&treatment).to_string(), pixels.chunks(3).map(|pixel| pixel[0]).collect::<Vec<_>>())
        };
        assert_eq!(Treatment::new(SectorUse::Off, &sector), None);
        let expected = vec![0, 0, 3, 0, 0, 6, 7, 0, 0, 0, 0, 0];
        assert_eq!(treated(SectorUse::Mask), ("sector mask convex 1,0,2,1".to_owned(), expected));
        assert_eq!(treated(SectorUse::Crop), ("sector crop convex 1,0,2,1".to_owned(), vec![2, 3, 6, 7]));
        assert_eq!(treated(SectorUse::CropAndMask).1, [0, 3, 6, 7]);
    }
}
