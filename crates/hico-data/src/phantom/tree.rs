//! The phantom as files, as a person would have them: folders of pictures, animated GIFs and a table of labels.

use super::{FPS, PhantomRecipe, Subject, subjects};
use crate::atomic;
use crate::clip::{Channels, Clip};
use crate::error::Error;
use crate::job::Job;
use image::ExtendedColorType;
use rayon::prelude::*;
use serde::Serialize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// File name of the table of labels inside the folder.
pub const LABELS_FILE: &str = "labels.csv";

/// Every so many clips one is an animated GIF, so that both readers have something to read.
const GIF_EVERY: usize = 6;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Patients.
    pub patients: usize,
    /// Clips, each a folder or a GIF.
    pub clips: usize,
    /// Of these, clips without a label.
    pub unlabelled: usize,
    /// Frames of all clips.
    pub frames: usize,
}

/// Writes the clips of [`super::generate`] into `folder`: one folder of PNG pictures a clip, every sixth clip an
/// animated GIF, and `labels.csv` (`file`, `label`, `patient`, `group`). Both kinds of file keep every byte.
///
/// - `job`: hears of each clip
///
/// # Errors
/// When `folder` holds anything already, cannot be written, or it is asked to stop.
pub fn write_tree(recipe: &PhantomRecipe, folder: &Path, job: Job<'_>) -> Result<Written, Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    if std::fs::read_dir(folder).map_err(failed(folder))?.next().is_some() {
        return Err(Error::NotEmpty(folder.to_owned()));
    }
    let (subjects, done) = (subjects(recipe), AtomicUsize::new(0));
    subjects.par_iter().enumerate().try_for_each(|(index, subject)| {
        let path = folder.join(file_name(subject, index));
        let clip = subject.film(recipe);
        if is_gif(index) { write_gif(&clip, &path) } else { write_pictures(&clip, &path) }.map_err(failed(&path))?;
        job.at([done.fetch_add(1, Ordering::Relaxed) + 1, subjects.len()], "clips", "");
        job.go_on()
    })?;
    let table = folder.join(LABELS_FILE);
    labels(&subjects).and_then(|bytes| atomic::write(&table, &bytes)).map_err(failed(&table))?;
    Ok(Written {
        patients: recipe.patients,
        clips: subjects.len(),
        unlabelled: subjects.iter().filter(|subject| !subject.labelled).count(),
        frames: subjects.len() * recipe.frames,
    })
}

const fn is_gif(index: usize) -> bool {
    index % GIF_EVERY == GIF_EVERY - 1
}

fn file_name(subject: &Subject, index: usize) -> String {
    if is_gif(index) { format!("{}.gif", subject.name()) } else { subject.name() }
}

fn write_pictures(clip: &Clip, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir(folder)?;
    let colour = match clip.channels {
        Channels::Grey => ExtendedColorType::L8,
        Channels::Rgb => ExtendedColorType::Rgb8,
    };
    for (number, pixels) in (0..clip.frames()).filter_map(|number| Some((number, clip.frame(number)?))) {
        let path = folder.join(format!("{number:04}.png"));
        image::save_buffer(path, pixels, length(clip.size.width), length(clip.size.height), colour)
            .map_err(std::io::Error::other)?;
    }
    Ok(())
}

/// A GIF's 256 colours are enough: a clip has one colour for each of 256 grey values.
fn write_gif(clip: &Clip, path: &Path) -> std::io::Result<()> {
    let (height, width) = (clip.size.height, clip.size.width);
    let mut palette: Vec<[u8; 3]> = match clip.channels {
        Channels::Grey => (0..=255).map(|value| [value; 3]).collect(),
        Channels::Rgb => clip.pixels.as_chunks::<3>().0.to_vec(),
    };
    palette.sort_unstable();
    palette.dedup();
    let side = |length: usize| u16::try_from(length).map_err(std::io::Error::other);
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, side(width)?, side(height)?, palette.as_flattened())
        .map_err(std::io::Error::other)?;
    encoder.set_repeat(gif::Repeat::Infinite).map_err(std::io::Error::other)?;
    for pixels in (0..clip.frames()).filter_map(|number| clip.frame(number)) {
        let index = |colour: &[u8; 3]| palette.binary_search(colour).map_or(0, |index| index as u8);
        let indices: Vec<u8> = match clip.channels {
            Channels::Grey => pixels.to_vec(),
            Channels::Rgb => pixels.as_chunks().0.iter().map(index).collect(),
        };
        let mut frame = gif::Frame::from_indexed_pixels(side(width)?, side(height)?, indices, None);
        frame.delay = (100.0 / FPS) as u16;
        encoder.write_frame(&frame).map_err(std::io::Error::other)?;
    }
    drop(encoder);
    atomic::write(path, &bytes)
}

fn length(pixels: usize) -> u32 {
    u32::try_from(pixels).unwrap_or(u32::MAX)
}

/// One row of the table of labels.
#[derive(Serialize)]
struct LabelRow {
    file: String,
    label: &'static str,
    patient: String,
    group: String,
}

fn labels(subjects: &[Subject]) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (index, subject) in subjects.iter().enumerate() {
        let row = LabelRow {
            file: file_name(subject, index),
            label: subject.label().unwrap_or_default(),
            patient: subject.patient_name(),
            group: subject.patient_name(),
        };
        writer.serialize(row).map_err(std::io::Error::other)?;
    }
    writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
}
