//! Where a fine-tuned network looks: Grad-CAM at three levels of the backbone, what hiding each place changes, and whether the
//! maps depend on the weights at all.
//!
//! - [`cam`]: the maps of a class
//! - [`occlusion`]: what the network says with a place hidden
//! - [`agreement`]: how far two maps agree
//! - [`clip`]: chosen frames of a clip, explained
//! - [`picture`]: maps over frames, as PNG and GIF
//! - [`film`]: a clip with its maps, frame after frame

pub mod agreement;
pub mod cam;
pub mod occlusion;
pub mod clip;
pub mod picture;
pub mod film;

/// How important every place of a picture is, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `[height][width]`
    pub values: Vec<f32>,
}

impl Map {
    /// The map at another size, values interpolated in straight lines between the middles of places.
    ///
    /// - `height`, `width`: 1 or more
    #[must_use]
    pub fn resized(&self, height: usize, width: usize) -> Self {
        let place = |at: usize, from: usize, to: usize| -> (usize, usize, f32) {
            let exact = ((at as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, from as f32 - 1.0);
            let below = exact as usize;
            (below, (below + 1).min(from - 1), exact - below as f32)
        };
        let value = |row: usize, column: usize| {
            let (top, bottom, down) = place(row, self.height, height);
            let (left, right, along) = place(column, self.width, width);
            let line = |row: usize| {
                let [a, b] = [left, right].map(|column| self.values[row * self.width + column]);
                a + (b - a) * along
            };
            line(top) + (line(bottom) - line(top)) * down
        };
        let values = (0..height * width).map(|at| value(at / width, at % width)).collect();
        Self { height, width, values }
    }

    /// The same with its largest value 1; a map without a positive value stays as it is.
    #[must_use]
    pub fn scaled(mut self) -> Self {
        let largest = self.values.iter().copied().fold(0.0, f32::max);
        if largest > 0.0 {
            self.values.iter_mut().for_each(|value| *value /= largest);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Map;

    #[test]
    fn a_map_is_interpolated_between_the_middles_of_its_places() {
        let map = Map { height: 1, width: 2, values: vec![0.0, 4.0] };
        assert_eq!(map.resized(2, 4).values, [0.0, 1.0, 3.0, 4.0, 0.0, 1.0, 3.0, 4.0]);
        assert_eq!(map.resized(1, 2), map);
        assert_eq!(map.resized(1, 1).values, [2.0]);
        assert_eq!(map.scaled().values, [0.0, 1.0]);
    }
}
