//! Finding the insonated region: synthetic pictures of every shape with text around them, and the real lung videos.

use hico_data::Size;
use hico_data::ingest::{IngestOptions, IngestReport, Programs, ingest};
use hico_data::region::Regions;
use hico_data::sector::{Look, NotFound, Sector, SectorUse, Shape, Treatment, find};
use hico_data::text::TextUse;
use hico_data::{Error, Job, Preprocessing, Step};
use std::path::{Path, PathBuf};

const SIZE: Size = Size { height: 300, width: 400 };
const FRAMES: u32 = 24;

type Inside = fn(f64, f64) -> bool;

fn linear(x: f64, y: f64) -> bool {
    (100.0..=300.0).contains(&x) && (40.0..=250.0).contains(&y)
}

fn fan(x: f64, y: f64, apex: f64, radii: [f64; 2], degrees: f64) -> bool {
    let (dx, dy) = (x - 200.0, y - apex);
    let radius = dx.hypot(dy);
    (radii[0]..=radii[1]).contains(&radius) && dx.atan2(dy).abs() <= degrees.to_radians()
}

fn convex(x: f64, y: f64) -> bool {
    fan(x, y, -20.0, [80.0, 280.0], 33.0)
}

fn phased(x: f64, y: f64) -> bool {
    fan(x, y, 35.0, [4.0, 220.0], 42.0)
}

/// A number that looks random, 0 to 255.
fn noise(seed: u32) -> u8 {
    let mut value = seed.wrapping_mul(0x9e37_79b9) ^ 0x85eb_ca6b;
    for _ in 0..3 {
        value ^= value >> 15;
        value = value.wrapping_mul(0x2c1b_3c6d);
    }
    (value >> 24) as u8
}

/// Whether a pixel belongs to what is burned in: letters in two corners, a logo, a ruler, and a trace that runs.
fn burned_in(x: usize, y: usize, frame: u32) -> bool {
    let letters = |left: usize, top: usize| {
        let (dx, dy) = (x.wrapping_sub(left), y.wrapping_sub(top));
        dx < 72 && dy < 9 && dx % 8 < 6 && (dx % 8 < 2 || dy == 4 || (dx / 8 % 2 == 0 && dy < 2))
    };
    let logo = (12..30).contains(&x) && (40..58).contains(&y);
    let ruler = x == 385 || (x > 380 && x < 386 && y.is_multiple_of(20));
    let beat = 280 - if x % 50 < 6 { 10 } else { 0 };
    let trace = (40..360).contains(&x) && y.abs_diff(beat) <= 1 && (x as u32) < 40 + frame * 14;
    letters(8, 8) || letters(310, 10) || logo || ruler || trace
}

fn picture(inside: Inside, frame: u32, outside: bool) -> Vec<u8> {
    let pixel = |at: usize| {
        let (x, y) = (at % SIZE.width, at / SIZE.width);
        let value = if inside(x as f64, y as f64) {
            // Speckle that changes, darker with depth.
            let speckle = u32::from(noise(at as u32 ^ (frame << 20)));
            (20 + speckle * (400 - y as u32) / 500) as u8
        } else if outside && burned_in(x, y, frame) {
            230
        } else {
            noise(at as u32 ^ (frame << 20)) % 3
        };
        [value; 3]
    };
    (0..SIZE.height * SIZE.width).flat_map(pixel).collect()
}

fn look(frames: impl IntoIterator<Item = Vec<u8>>) -> Look {
    let mut look = Look::new();
    frames.into_iter().for_each(|frame| look.push(SIZE, &frame));
    look
}

fn overlap(sector: &Sector, inside: Inside) -> f64 {
    let places = (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y)));
    let [mut both, mut either] = [0.0, 0.0];
    for (x, y) in places {
        let (found, truth) = (sector.outline.contains(x, y), inside(x as f64, y as f64));
        both += f64::from(u8::from(found && truth));
        either += f64::from(u8::from(found || truth));
    }
    both / either
}

const SHAPES: [(Inside, Shape); 3] = [(linear, Shape::Linear), (convex, Shape::Convex), (phased, Shape::Phased)];

#[test]
fn every_shape_is_found_within_a_few_pixels_whatever_stands_around_it() {
    for (inside, shape) in SHAPES {
        for outside in [false, true] {
            let look = look((0..FRAMES).map(|frame| picture(inside, frame, outside)));
            let sector = find(&look, &Regions::default()).unwrap();
            let overlap = overlap(&sector, inside);
            println!("{shape} {outside}: {overlap:.4} {:?}", sector.outline.bounds());
            assert!(overlap >= 0.95, "{shape} {outside}: {overlap} {:?}", sector.outline.bounds());
            assert_eq!(sector.shape, shape);
        }
    }
}

#[test]
fn under_a_mask_no_letter_is_left_and_no_tissue_is_lost() {
    for (inside, shape) in SHAPES {
        let frames: Vec<_> = (0..FRAMES).map(|frame| picture(inside, frame, true)).collect();
        let sector = find(&look(frames.clone()), &Regions::default()).unwrap();
        let treatment = Treatment::new(SectorUse::Mask, &sector).unwrap();
        for (number, frame) in frames.iter().enumerate() {
            let masked = treatment.apply(frame, SIZE);
            let [mut tissue, mut lost] = [0, 0];
            for (at, pixel) in masked.as_chunks::<3>().0.iter().enumerate() {
                let (x, y) = (at % SIZE.width, at / SIZE.width);
                if inside(x as f64, y as f64) {
                    tissue += 1;
                    lost += usize::from(*pixel == [0; 3]);
                } else {
                    assert!(!burned_in(x, y, number as u32) || *pixel == [0; 3], "{shape}: {x},{y} of frame {number}");
                }
            }
            assert!(lost * 100 < tissue * 2, "{shape}: {lost} of {tissue} pixels");
        }
    }
}

#[test]
fn tissue_near_the_probe_belongs_to_the_region_though_a_dark_band_parts_them() {
    let parted: Inside = |x, y| convex(x, y) && !(90.0..115.0).contains(&y);
    let look = look((0..FRAMES).map(|frame| picture(parted, frame, true)));
    let sector = find(&look, &Regions::default()).unwrap();
    assert!(overlap(&sector, convex) >= 0.95, "{:?}", sector.outline.bounds());
}

#[test]
fn deep_tissue_behind_a_shadow_belongs_to_the_region_and_a_clock_beside_it_does_not() {
    let shadowed: Inside =
        |x, y| convex(x, y) && (y < 190.0 || ((180.0..230.0).contains(&x) && (200.0..240.0).contains(&y)));
    let frames = (0..FRAMES).map(|frame| {
        let mut rgb = picture(shadowed, frame, true);
        // Digits that change, just beside the lower end of the picture.
        for y in 246..255 {
            for x in (330..390).filter(|x| x % 8 < 5 && noise((x / 8) as u32 * 31 + y as u32 / 3 + frame * 7) > 120) {
                rgb[3 * (y * SIZE.width + x)..][..3].fill(235);
            }
        }
        rgb
    });
    let sector = find(&look(frames), &Regions::default()).unwrap();
    let kept = (200..238).all(|y| (182..228).all(|x| sector.outline.contains(x, y)));
    assert!(kept, "{:?}", sector.outline.bounds());
    assert!(!sector.outline.contains(360, 250), "{:?}", sector.outline.bounds());
}

#[test]
fn tissue_near_the_probe_of_a_picture_that_stands_still_belongs_to_it_though_it_is_wider() {
    let frozen: Inside = |x, y| linear(x, y) && (y < 75.0 || (y > 130.0 && (110.0..290.0).contains(&x)));
    let still = picture(frozen, 0, true);
    let sector = find(&look((0..FRAMES).map(|_| still.clone())), &Regions::default()).unwrap();
    assert_eq!(sector.outline.bounds()[..2], [100, 40]);
}

#[test]
fn a_still_that_is_darker_than_its_surroundings_is_left_alone() {
    let dark = |at: usize| {
        let (x, y) = ((at % SIZE.width) as f64, (at / SIZE.width) as f64);
        let speckle = noise(at as u32);
        [if !convex(x, y) {
            50
        } else if y < 150.0 {
            80 + speckle / 2
        } else {
            speckle / 16
        }; 3]
    };
    let rgb: Vec<u8> = (0..SIZE.height * SIZE.width).flat_map(dark).collect();
    assert_eq!(find(&look([rgb]), &Regions::default()), Err(NotFound::Unsure));
}

#[test]
fn a_still_is_judged_by_its_brightness() {
    for (inside, shape) in SHAPES {
        let sector = find(&look([picture(inside, 0, true)]), &Regions::default()).unwrap();
        let overlap = overlap(&sector, inside);
        assert!(overlap >= 0.95, "{shape}: {overlap} {:?}", sector.outline.bounds());
        assert_eq!(sector.shape, shape);
    }
}

#[test]
fn what_fills_the_frame_is_empty_tiny_or_double_is_left_alone() {
    let all = |inside: Inside| find(&look((0..FRAMES).map(|frame| picture(inside, frame, false))), &Regions::default());
    assert_eq!(all(|_, _| true), Err(NotFound::WholeFrame));
    assert_eq!(all(|_, _| false), Err(NotFound::Nothing));
    assert_eq!(all(|x, y| x < 60.0 && y < 60.0), Err(NotFound::Tiny));
    assert_eq!(all(|x, y| (y - 150.0).abs() < 100.0 && (x - 200.0).abs() > 20.0), Err(NotFound::Several));
    assert_eq!(find(&Look::new(), &Regions::default()), Err(NotFound::Nothing));
}

#[test]
fn a_stated_region_bounds_the_search() {
    // Something else moves below the picture, and touches it.
    let both: Inside = |x, y| linear(x, y) || (x > 20.0 && x < 380.0 && y > 250.0);
    let look = look((0..FRAMES).map(|frame| picture(both, frame, false)));
    let stated = |text: &str| find(&look, &text.parse().unwrap());
    let sector = stated("90 30 320 250 1 1 3 3 0.1 0.1;0 251 399 299 4 10 4 0 0.005 0").unwrap();
    assert_eq!((sector.shape, sector.outline.bounds()), (Shape::Linear, [100, 40, 300, 250]));
    assert_eq!(stated("0 0 90 250 1 1 3 3 0.1 0.1;100 0 320 250 1 1 3 3 0.1 0.1"), Err(NotFound::Several));
    // Beyond the frame, or without an extent: as if nothing were stated.
    for nonsense in ["-5 -9 9999 9999 1 1 3 3 0.1 0.1", "7 7 7 7 1 1 3 3 0.1 0.1"] {
        assert!(stated(nonsense).unwrap().outline.bounds()[3] > 290);
    }
}

/// Letters drawn by strokes: E, F, H, L, T, six by nine pixels, in white.
fn write(rgb: &mut [u8], left: usize, top: usize, count: usize) {
    for letter in 0..count {
        for (x, y) in (0..6).flat_map(|x| (0..9).map(move |y| (x, y))) {
            let stroke = match letter % 5 {
                0 => x < 2 || y < 2 || y == 4 || y > 7,
                1 => x < 2 || y < 2 || y == 4,
                2 => !(2..4).contains(&x) || y == 4,
                3 => x < 2 || y > 7,
                _ => y < 2 || (2..4).contains(&x),
            };
            if stroke {
                rgb[3 * ((top + y) * SIZE.width + left + 9 * letter + x)..][..3].fill(240);
            }
        }
    }
}

#[test]
fn ingest_paints_over_letters_outside_and_leaves_those_on_tissue() {
    let folder = tempfile::tempdir().unwrap();
    let (source, out) = (folder.path().join("source"), folder.path().join("out"));
    std::fs::create_dir_all(source.join("fan")).unwrap();
    for frame in 0..9 {
        let mut rgb = picture(convex, frame, false);
        write(&mut rgb, 8, 8, 7);
        write(&mut rgb, 180, 150, 5);
        let picture = image::RgbImage::from_raw(SIZE.width as u32, SIZE.height as u32, rgb).unwrap();
        picture.save(source.join(format!("fan/{frame}.png"))).unwrap();
    }
    let options = |text| IngestOptions {
        preprocessing: Preprocessing { text, ..Preprocessing::default() },
        ..IngestOptions::default()
    };
    let report = run(&source, &out, &options(TextUse::Paint)).unwrap();
    assert_eq!(report.manifest.rows[0].steps.to_string(), "decode pictures;text painted over in 1 places;grey");
    let frame = hico_data::Dataset::open(&out).unwrap().read_frame(0, 4).unwrap();
    let brightest = |x: std::ops::Range<usize>, y: std::ops::Range<usize>| {
        y.flat_map(|y| x.clone().map(move |x| y * SIZE.width + x)).map(|at| frame.pixels[at]).max().unwrap()
    };
    assert!(brightest(0..75, 0..22) < 8, "the letters in the corner are gone");
    assert_eq!(brightest(180..225, 150..159), 240, "those on tissue stay");
    assert_eq!(brightest(60..340, 60..140).max(100), brightest(60..340, 60..140), "tissue stays");
    let error = run(&source, &out, &options(TextUse::Keep)).unwrap_err();
    assert!(error.to_string().ends_with("was begun with --text paint, now keep"), "{error}");
}

fn run(source: &Path, out: &Path, options: &IngestOptions) -> Result<IngestReport, Error> {
    ingest(source, out, options, Job::default())
}

#[test]
fn ingest_writes_down_what_it_did_and_goes_on_only_with_the_same_option() {
    let folder = tempfile::tempdir().unwrap();
    let (source, out) = (folder.path().join("source"), folder.path().join("out"));
    std::fs::create_dir_all(source.join("fan")).unwrap();
    let save = |name: &str, rgb: Vec<u8>| {
        let picture = image::RgbImage::from_raw(SIZE.width as u32, SIZE.height as u32, rgb).unwrap();
        picture.save(source.join(name)).unwrap();
    };
    (0..6).for_each(|frame| save(&format!("fan/{frame}.png"), picture(convex, frame, true)));
    std::fs::create_dir(source.join("full")).unwrap();
    (0..6).for_each(|frame| save(&format!("full/{frame}.png"), picture(|_, _| true, frame, false)));
    let sheet = folder.path().join("sheet.png");
    let options = |sector| IngestOptions {
        preprocessing: Preprocessing { sector, ..Preprocessing::default() },
        sector_sheet: Some(sheet.clone()),
        ..IngestOptions::default()
    };
    let done = |sector, out: &Path| {
        let report = run(&source, out, &options(sector)).unwrap();
        let row = report.manifest.rows[0].clone();
        (row.steps.to_string(), [row.height, row.width], report.manifest.rows[1].steps.to_string())
    };
    let off = done(SectorUse::Off, &folder.path().join("off"));
    assert_eq!((off.0.as_str(), off.1), ("decode pictures;grey", [300, 400]));
    let (crop, size, full) = done(SectorUse::CropAndMask, &out);
    assert_eq!(full, "decode pictures;sector left alone: it fills the frame;grey");
    let words = crop.strip_prefix("decode pictures;sector crop-and-mask convex ").unwrap();
    let places: Vec<usize> = words.strip_suffix(";grey").unwrap().split(',').map(|it| it.parse().unwrap()).collect();
    assert_eq!(size, [places[3] - places[1] + 1, places[2] - places[0] + 1]);
    assert!(image::open(&sheet).unwrap().width() > 480);
    assert_eq!(run(&source, &out, &options(SectorUse::CropAndMask)).unwrap().kept, 2);
    let error = run(&source, &out, &options(SectorUse::Mask)).unwrap_err();
    assert!(error.to_string().ends_with("was begun with --sector crop-and-mask, now mask"), "{error}");
}

/// `HICO_ALL_VIDEOS=1` takes all of them, as does `HICO_SECTOR_SHEET`, which names a picture to draw.
#[test]
fn every_real_video_has_its_word_in_the_done_column() {
    let shared = std::env::var_os("HICO_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let sheet = std::env::var_os("HICO_SECTOR_SHEET").map(PathBuf::from);
    let all = sheet.is_some() || std::env::var_os("HICO_ALL_VIDEOS").is_some();
    let videos = shared.join(if all { "data/videos" } else { "data/videos/viral" });
    let ffmpeg = Programs::default().ffmpeg;
    if !videos.is_dir() || std::process::Command::new(ffmpeg).arg("-version").output().is_err() {
        println!("skipped: every_real_video_has_its_word_in_the_done_column: ../shared or ffmpeg is absent");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let preprocessing = Preprocessing { sector: SectorUse::Mask, ..Preprocessing::resized(256) };
    let options = IngestOptions { preprocessing, sector_sheet: sheet, ..IngestOptions::default() };
    let report = run(&videos, &folder.path().join("out"), &options).unwrap();
    assert_eq!(report.refused, []);
    for row in &report.manifest.rows {
        let is_region = |step: &&Step| step.to_string().starts_with("sector");
        let step = row.steps.0.iter().find(is_region).unwrap();
        println!("{}x{} {} {step}", row.source_width, row.source_height, row.clip);
    }
}
