//! How a batch of maps that is written is shared out: some outputs of some images to each task.

use std::ops::Range;

/// What one task writes.
#[derive(Debug)]
pub(super) struct Task<'a> {
    pub(super) images: Range<usize>,
    /// The first output.
    pub(super) first: usize,
    /// For each image, the maps of the task's outputs.
    pub(super) targets: Vec<&'a mut [f32]>,
}

/// Outputs that a task takes at least: what they read is prepared by each task anew.
const FEWEST: usize = 64;

/// The same where some threads would have no task otherwise.
const FEWEST_OF_IDLE: usize = 32;

/// Shares out `[batch, outputs, map]`, all outputs to one task where there are images enough for all threads.
///
/// What a task computes does not depend on how many there are.
///
/// - `images`: of each task
/// - `rows`: outputs are cut at multiples of this
pub(super) fn share(target: &mut [f32], images: usize, outputs: usize, map: usize, rows: usize) -> Vec<Task<'_>> {
    let groups = target.len().div_ceil(images * outputs * map);
    let threads = rayon::current_num_threads();
    let for_tasks = |tasks: usize, fewest: usize| outputs.div_ceil(tasks.div_ceil(groups)).max(fewest);
    let rows = for_tasks(4 * threads, FEWEST).min(for_tasks(threads, FEWEST_OF_IDLE)).next_multiple_of(rows);
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for (number, target) in target.chunks_mut(images * outputs * map).enumerate() {
        let before = tasks.len();
        for (place, image) in target.chunks_mut(outputs * map).enumerate() {
            for (split, maps) in image.chunks_mut(rows * map).enumerate() {
                if place == 0 {
                    let images = number * images..number * images;
                    tasks.push(Task { images, first: split * rows, targets: Vec::new() });
                }
                tasks[before + split].images.end += 1;
                tasks[before + split].targets.push(maps);
            }
        }
    }
    tasks
}
