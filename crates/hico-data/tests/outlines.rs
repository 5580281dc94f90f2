//! The insonated region of real clips against outlines that were drawn by hand: how much tissue is kept, and how much of
//! what lies outside is masked.

use hico_data::Size;
use hico_data::ingest::{Limits, Programs, look};
use hico_data::sector::find;
use std::path::{Path, PathBuf};

/// A pixel shows tissue if in some frame it is at least this bright.
const TISSUE: u8 = 16;

#[derive(serde::Deserialize)]
struct Row {
    file: String,
    probe: String,
    /// Corners, `x,y` in source pixels.
    outline: String,
}

/// Whether the middle of a pixel lies in a polygon: a line to the right crosses its edges an odd number of times.
fn contains(corners: &[[f64; 2]], x: usize, y: usize) -> bool {
    let (x, y) = (x as f64 + 0.5, y as f64 + 0.5);
    let edges = corners.iter().zip(corners.iter().cycle().skip(1));
    edges.filter(|([x0, y0], [x1, y1])| (*y0 > y) != (*y1 > y) && x < x0 + (y - y0) / (y1 - y0) * (x1 - x0)).count() % 2
        == 1
}

/// Share of the tissue inside that is kept, and share of what is outside that is masked.
fn shares(corners: &[[f64; 2]], size: Size, brightest: &[u8], kept: impl Fn(usize, usize) -> bool) -> [f64; 2] {
    let [mut tissue, mut tissue_kept, mut outside, mut masked] = [0.0, 0.0, 0.0, 0.0];
    for (at, value) in brightest.iter().enumerate() {
        let (x, y) = (at % size.width, at / size.width);
        let kept = f64::from(u8::from(kept(x, y)));
        if !contains(corners, x, y) {
            outside += 1.0;
            masked += 1.0 - kept;
        } else if *value >= TISSUE {
            tissue += 1.0;
            tissue_kept += kept;
        }
    }
    [tissue_kept / f64::max(tissue, 1.0), masked / f64::max(outside, 1.0)]
}

/// Clips that are left alone: the region fills two of them, and of the third the surroundings are as bright as tissue.
const LEFT_ALONE: [&str; 3] = [
    "dicom/us_single_rgb_interleaved.dcm",
    "videos/covid/Cov_combatting_Image1.mp4",
    "videos/uncertain/Vir_or_Pneu_prospective_file4.mp4",
];

/// So much of the tissue is kept of every clip.
const KEPT: f64 = 0.97;

/// So much of what is outside is masked, of every clip whose region was found, and of all of them in the mean.
const MASKED: [f64; 2] = [0.75, 0.9];

/// `HICO_ALL_VIDEOS=1` takes all of the outlines; else DICOM files and every sixth video.
#[test]
fn outlines_of_real_clips_keep_the_tissue_and_mask_the_outside() {
    let shared = std::env::var_os("HICO_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let programs = Programs::default();
    if !shared.join("data").is_dir() || std::process::Command::new(&programs.ffmpeg).arg("-version").output().is_err() {
        println!("skipped: outlines_of_real_clips_keep_the_tissue_and_mask_the_outside: ../shared or ffmpeg is absent");
        return;
    }
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sector/outlines.csv");
    let rows: Vec<Row> = csv::Reader::from_path(table).unwrap().deserialize().map(Result::unwrap).collect();
    let all = std::env::var_os("HICO_ALL_VIDEOS").is_some();
    let chosen = rows.iter().enumerate().filter(|(place, row)| all || place % 6 == 0 || row.file.starts_with("dicom/"));
    let mut of_found = Vec::new();
    for (_, row) in chosen {
        let number = |text: &str| text.parse::<f64>().unwrap();
        let corner = |text: &str| text.split_once(',').map(|(x, y)| [number(x), number(y)]).unwrap();
        let corners: Vec<[f64; 2]> = row.outline.split(' ').map(corner).collect();
        let (look, regions) = look(&shared.join("data").join(&row.file), Limits::default(), &programs).unwrap();
        let found = find(&look, &regions);
        println!("{} {}: {:?}", row.file, row.probe, found.as_ref().map(|sector| sector.shape.to_string()));
        let Ok(sector) = found else {
            assert!(LEFT_ALONE.contains(&row.file.as_str()), "{} is left alone", row.file);
            continue;
        };
        let inside = |x: usize, y: usize| sector.outline.contains(x, y);
        let [kept, masked] = shares(&corners, look.source().unwrap(), &look.brightest(), inside);
        println!("  {:.1} % of the tissue kept, {:.1} % of the outside masked", 100.0 * kept, 100.0 * masked);
        assert!(kept >= KEPT, "{}: {kept:.3} of the tissue", row.file);
        assert!(masked >= MASKED[0], "{}: {masked:.3} of the outside", row.file);
        of_found.push(masked);
    }
    let mean = of_found.iter().sum::<f64>() / of_found.len() as f64;
    println!("{} found, {mean:.3} of the outside masked in the mean", of_found.len());
    assert!(mean >= MASKED[1], "{mean:.3} of the outside");
}

#[test]
fn an_outline_that_is_wrong_fails_the_bounds() {
    let size = Size { height: 100, width: 100 };
    let corners = [[20.0, 10.0], [80.0, 10.0], [80.0, 90.0], [20.0, 90.0]];
    let tissue = vec![TISSUE; 100 * 100];
    let of =
        |x0: usize, x1: usize| shares(&corners, size, &tissue, |x, y| (x0..x1).contains(&x) && (10..90).contains(&y));
    assert_eq!(of(20, 80), [1.0, 1.0]);
    assert!(of(22, 80)[0] < KEPT && of(20, 78)[0] < KEPT, "a strip of tissue is cut");
    assert!(of(0, 100)[1] < MASKED[0], "text beside the region is left");
    // Black pixels of the region are no tissue: to cut them is no loss.
    assert_eq!(shares(&corners, size, &[0; 100 * 100], |_, _| false), [0.0, 1.0]);
}
