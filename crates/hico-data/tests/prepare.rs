//! A clip that is prepared in memory is the clip of the data set, whatever the preprocessing.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod drawing;

use drawing::{SIZE, tissue, write};
use embedded_graphics::mono_font::iso_8859_1::FONT_6X13;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor as _};
use hico_data::ingest::{IngestOptions, PrepareOptions, Stills, ingest, prepare_files};
use hico_data::preprocessing::Fit;
use hico_data::sector::SectorUse;
use hico_data::text::TextUse;
use hico_data::{Dataset, Job, Preprocessing, Step};
use image::{GrayImage, Rgb, RgbImage};
use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// A clip with a fan and letters beside it, one without either, and a coloured picture.
fn clips(root: &Path) {
    for folder in ["fan", "flat"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for number in 0..12 {
        let mut frame = tissue(number);
        write(&mut frame, "DOE JANE 1970", [4, 4], &FONT_6X13, Rgb888::WHITE);
        let frame = RgbImage::from_raw(SIZE.width as u32, SIZE.height as u32, frame.0).unwrap();
        frame.save(root.join(format!("fan/{number:02}.png"))).unwrap();
    }
    for number in 0..3_u8 {
        GrayImage::from_fn(31, 50, |x, y| [(x * 7 + y * 3) as u8 ^ number].into())
            .save(root.join(format!("flat/{number}.png")))
            .unwrap();
    }
    fs::create_dir_all(root.join("tinted")).unwrap();
    RgbImage::from_fn(60, 33, |x, y| Rgb([(x * 4) as u8, (y * 7) as u8, 90])).save(root.join("tinted/0.png")).unwrap();
}

/// Every clip that is prepared, as a data set of its own.
fn prepared(paths: &[PathBuf], options: &PrepareOptions) -> (Vec<Result<Dataset, String>>, Vec<String>) {
    let mut clips = Vec::new();
    let warnings = prepare_files(paths, options, Job::default(), |clip| {
        clips.push(clip.map_err(|refused| format!("{}: {}", refused.source, refused.reason)));
        ControlFlow::Continue(())
    });
    (clips, warnings.unwrap())
}

#[test]
fn a_clip_prepared_in_memory_is_that_of_the_data_set_in_every_combination() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    clips(&source);
    let mut kinds = BTreeSet::new();
    for image_size in [None, Some(40)] {
        for fit in [Fit::Squash, Fit::Keep, Fit::Pad] {
            for sector in [SectorUse::Off, SectorUse::Crop, SectorUse::Mask, SectorUse::CropAndMask] {
                for text in [TextUse::Keep, TextUse::Paint] {
                    let preprocessing = Preprocessing { image_size, fit, sector, text };
                    let out = folder.path().join(format!("{image_size:?}-{fit:?}-{sector:?}-{text:?}"));
                    let options = IngestOptions { preprocessing, ..IngestOptions::default() };
                    ingest(&source, &out, &options, Job::default()).unwrap();
                    let stored = Dataset::open(&out).unwrap();
                    assert_eq!(stored.preprocessing(), preprocessing);
                    // What the data set says of itself is all that a network knows.
                    let options = PrepareOptions { preprocessing: stored.preprocessing(), ..PrepareOptions::default() };
                    let (clips, warnings) = prepared(std::slice::from_ref(&source), &options);
                    assert_eq!((clips.len(), stored.len(), warnings.len()), (3, 3, 0), "{warnings:?}");
                    for (place, clip) in clips.into_iter().enumerate() {
                        let (clip, row) = (clip.unwrap(), stored.row(place));
                        let asked = clip.row(0);
                        assert_eq!(asked.source, source.join(&row.source).display().to_string());
                        assert_eq!(clip.read_clip(0).unwrap(), stored.read_clip(place).unwrap(), "{preprocessing:?}");
                        assert_eq!((&asked.steps, asked.source_height), (&row.steps, row.source_height));
                        kinds.extend(row.steps.0.iter().map(|step| match step {
                            Step::PaintText(_) => "text".to_owned(),
                            Step::Region { used, .. } => used.word().to_owned(),
                            Step::Resize { fit, .. } => fit.word().to_owned(),
                            _ => String::new(),
                        }));
                    }
                }
            }
        }
    }
    // Each of them did something to a clip.
    let expected = ["", "crop", "crop-and-mask", "keep", "mask", "pad", "squash", "text"];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn files_and_folders_come_in_the_order_in_which_they_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    clips(&at("source"));
    fs::write(at("notes.txt"), "words").unwrap();
    fs::write(at("empty.png"), "").unwrap();
    let paths = ["source/tinted", "notes.txt", "source/fan/03.png", "gone.png", "empty.png", "source/flat"].map(at);
    let options = PrepareOptions { preprocessing: Preprocessing::resized(16), ..PrepareOptions::default() };
    let (found, _) = prepared(&paths, &options);
    let named = |name: &str| at(name).display().to_string();
    let told = |clip: &Result<Dataset, String>| match clip {
        Ok(clip) => format!("{}: {} frames", clip.row(0).source, clip.row(0).frames),
        Err(why) => why.clone(),
    };
    let expected = [
        format!("{}: 1 frames", named("source/tinted")),
        format!("{}: is no DICOM file, no video and no picture", named("notes.txt")),
        format!("{}: 1 frames", named("source/fan/03.png")),
        format!("{}: cannot be read: No such file or directory (os error 2)", named("gone.png")),
        format!("{}: the file is empty", named("empty.png")),
        format!("{}: 3 frames", named("source/flat")),
    ];
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), expected);
    // Every picture may be a clip, and the work ends when nobody wants more.
    let each = PrepareOptions { stills: Stills::Each, ..options.clone() };
    assert_eq!(prepared(&[at("source")], &each).0.len(), 16);
    let mut taken = 0;
    prepare_files(&[at("source")], &each, Job::default(), |_| {
        taken += 1;
        if taken < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .unwrap();
    assert_eq!(taken, 5);
    fs::create_dir(at("nothing")).unwrap();
    let (found, _) = prepared(&["nothing", "source/flat"].map(at), &options);
    let expected = [
        format!("{}: holds no DICOM file, no video and no picture", named("nothing")),
        format!("{}: 3 frames", named("source/flat")),
    ];
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), expected);
}
