//! A clip as a film, with Grad-CAM at the global level over it.

use super::cam::{Level, grad_cam};
use super::picture::overlaid;
use crate::Error;
use crate::batch::images;
use crate::predict::clip::NamedClip;
use crate::predict::model::Model;
use hico_data::clip::evenly_spaced;
use hico_data::{Job, view};
use image::RgbImage;

/// Frames a second where the source states none.
const USUAL_FPS: f64 = 30.0;

/// Evenly spaced frames in their order, and how long each is shown so that the film runs as the clip does, seconds.
///
/// - `class`: by its place among the classes
/// - `frames`: at most
///
/// # Errors
/// When frames cannot be read, or it is asked to stop.
pub fn film(
    model: &Model,
    NamedClip { dataset, clip, .. }: NamedClip<'_>,
    class: usize,
    frames: usize,
    job: Job<'_>,
) -> Result<(Vec<RgbImage>, f64), Error> {
    let row = dataset.row(clip);
    let chosen = evenly_spaced(row.frames, frames);
    let view = &model.saved.facts.view;
    let mut pictures = Vec::with_capacity(chosen.len());
    for frame in &chosen {
        job.go_on()?;
        let picture = dataset.read_frame(clip, *frame)?;
        let image = images(&[view::plain(&picture, view)], view.side, &model.device);
        let [global] = grad_cam(&model.saved.classifier, &image, class, [Level::Global]).remove(0);
        pictures.push(overlaid(&picture, &global.scaled()));
    }
    let long = row.frames as f64 / row.fps.filter(|fps| *fps > 0.0).unwrap_or(USUAL_FPS);
    Ok((pictures, long / chosen.len().max(1) as f64))
}
