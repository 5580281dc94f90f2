//! Where a row of letters lies with regard to the insonated region.

use super::Line;
use crate::sector::{NotFound, Sector};
use serde::Serialize;

/// Where a row of letters lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TextPlace {
    /// In the insonated region, or across its edge: no mask of the region removes all of it.
    Inside,
    /// Outside of it: `--sector mask` removes it.
    Outside,
    /// The region was not found.
    Unknown,
}

impl TextPlace {
    /// A row that reaches into the region is inside, and any row where the region fills the frame.
    #[must_use]
    pub fn of(line: &Line, sector: Result<&Sector, NotFound>) -> Self {
        let [x0, y0, x1, y1] = line.bounds;
        match sector {
            Err(NotFound::WholeFrame) => Self::Inside,
            Err(_) => Self::Unknown,
            Ok(Sector { outline, .. }) if (y0..=y1).any(|y| (x0..=x1).any(|x| outline.contains(x, y))) => Self::Inside,
            Ok(_) => Self::Outside,
        }
    }
}
