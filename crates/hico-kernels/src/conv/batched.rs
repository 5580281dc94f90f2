//! Products over all images of a batch at once, for maps too small to keep a product busy one by one.

use rayon::prelude::*;

/// Maps with fewer values than this are taken all at once.
pub(super) const SMALL: usize = 256;

/// Rows of the product that a task takes.
const ROWS: usize = 64;

/// Columns that a task takes, about: whole images.
const COLUMNS: usize = 1024;

/// A product `[rows, batch * plane]` in blocks, one a task.
pub(super) struct Blocks {
    parts: Vec<Vec<f32>>,
    images: usize,
    batch: usize,
    plane: usize,
}

/// One block of a product: its first row and column, and how many there are of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) row: usize,
    pub(super) rows: usize,
    pub(super) column: usize,
    pub(super) columns: usize,
}

impl Blocks {
    /// - `plane`: columns of one image
    /// - `compute`: fills one block, row by row
    pub(super) fn compute(rows: usize, batch: usize, plane: usize, compute: impl Fn(Block, &mut [f32]) + Sync) -> Self {
        let images = (COLUMNS / plane).clamp(1, batch);
        let tasks: Vec<Block> = (0..rows)
            .step_by(ROWS)
            .flat_map(|row| {
                (0..batch).step_by(images).map(move |image| Block {
                    row,
                    rows: ROWS.min(rows - row),
                    column: image * plane,
                    columns: images.min(batch - image) * plane,
                })
            })
            .collect();
        let run = |block: &Block| {
            let mut part = vec![0.0; block.rows * block.columns];
            compute(*block, &mut part);
            part
        };
        Self { parts: tasks.par_iter().map(run).collect(), images, batch, plane }
    }

    /// The columns of one image in one row.
    fn line(&self, row: usize, image: usize) -> &[f32] {
        let across = self.batch.div_ceil(self.images);
        let (block, within) = (image / self.images, image % self.images);
        let columns = self.images.min(self.batch - block * self.images) * self.plane;
        &self.parts[row / ROWS * across + block][row % ROWS * columns + within * self.plane..][..self.plane]
    }

    /// Writes `[batch, rows, height, width]`, where a line of `width` values stands every `pitch` columns.
    pub(super) fn copy_to(&self, y: &mut [f32], rows: usize, [height, width]: [usize; 2], pitch: usize) {
        y.par_chunks_mut(height * width).enumerate().for_each(|(place, map)| {
            let line = self.line(place % rows, place / rows);
            map.chunks_mut(width).zip(line.chunks(pitch)).for_each(|(map, line)| map.copy_from_slice(&line[..width]));
        });
    }
}
