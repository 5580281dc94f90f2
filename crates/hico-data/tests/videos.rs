//! Real lung videos against what an independent decoder saw in them (`videos.csv`): frames, luma, and bad files beside.
//!
//! By default a dozen of them, one for each container, codec, pixel format and oddity there is. `HICO_ALL_VIDEOS=1` takes
//! all 89 (about a minute of processor time).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop at what it did not expect, and say why it skips"
)]

use hico_data::ingest::journal::{self, IngestEntry};
use hico_data::ingest::{Column, Columns, IngestOptions, IngestReport, ingest};
use hico_data::view::planes::Planes;
use hico_data::view::resize::{self, Window};
use hico_data::{Channels, Dataset, Job, Preprocessing};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One of each kind; the comment says which.
const SOME: [&str; 11] = [
    "covid/Cov-Atlas-Day+2.gif",                     // GIF, `+`
    "covid/Cov_denault_proposedUS_vid1.mov",         // MOV, an edit list hides a frame, B frames
    "covid/Cov-Atlas-pleural.mp4",                   // MP4, tinted, 24000/1001 a second
    "pneumonia/Pneu_northumbria_0409_set2_vid4.avi", // AVI, MPEG-4 part 2, odd size
    "pneumonia/Pneu_northumbria_0409_set6_vid8.avi", // MOV called AVI, 4:4:4
    "pneumonia/pneu-radiopaeda.mp4",                 // coloured, not square
    "pneumonia/Pneu_Pneumonia-LITFL-Ultrasound_crop.mp4",
    "regular/Reg_Avi_lung-sliding-3.MP4",          // upper-case suffix
    "regular/Reg_northumbria_0409_set5_vid1.avi",  // time stamps that come twice
    "regular/Reg_pat1Image_133410.mpeg",           // MPEG-2, states no frame count
    "uncertain/Vir_or_Pneu_prospective_file4.mp4", // no `hico_class`
];

/// The folder with the real data, or `None` after saying why the test is skipped.
fn videos(test: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("HICO_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let videos = shared.join("data/videos");
    if !videos.join("videos.csv").is_file() {
        println!("skipped: {test}: ../shared is absent");
        return None;
    }
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        println!("skipped: {test}: ffmpeg is not installed");
        return None;
    }
    Some(videos)
}

fn options(labels: &Path) -> IngestOptions {
    let columns = Columns { label: Column::Named("hico_class".to_owned()), ..Columns::default() };
    IngestOptions {
        preprocessing: Preprocessing::resized(64),
        labels: Some((labels.to_owned(), columns)),
        ..IngestOptions::default()
    }
}

fn run(source: &Path, out: &Path, options: &IngestOptions) -> IngestReport {
    ingest(source, out, options, Job::default()).unwrap()
}

/// Rows of `videos.csv` by path below the videos' folder.
fn facts(videos: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(videos.join("videos.csv")).unwrap();
    let rows = reader.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
    rows.map(|row| (row["file"].trim_start_matches("videos/").to_owned(), row)).collect()
}

#[test]
fn frames_and_luma_are_those_of_an_independent_decoder() {
    let Some(videos) = videos("frames_and_luma_are_those_of_an_independent_decoder") else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let facts = facts(&videos);
    let all = std::env::var_os("HICO_ALL_VIDEOS").is_some();
    let source = if all {
        videos.clone()
    } else {
        for file in SOME {
            let copy = folder.path().join("videos").join(file);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(videos.join(file), copy).unwrap();
        }
        folder.path().join("videos")
    };
    let report = run(&source, &out, &options(&videos.join("videos.csv")));
    assert_eq!(report.refused, []);
    let expected = if all { facts.len() } else { SOME.len() };
    assert_eq!((report.clips, report.unmatched.len()), (expected, facts.len() - expected));
    assert_eq!((report.without_row.len(), report.ignored.len()), (0, 0));

    let mut worst: f64 = 0.0;
    let entries = journal::read(&out).unwrap();
    for clip in entries.iter().filter_map(|entry| if let IngestEntry::Clip(clip) = entry { Some(clip) } else { None }) {
        let fact = &facts[&clip.source];
        let number = |column: &str| fact[column].parse::<f64>().unwrap();
        assert_eq!(clip.frames.to_string(), fact["frames_decoded"], "{}", clip.source);
        assert_eq!(
            format!("{}x{}", clip.source_width, clip.source_height),
            format!("{}x{}", fact["width"], fact["height"])
        );
        assert!((clip.fps.unwrap() - number("fps")).abs() < 0.001, "{}: {:?}", clip.source, clip.fps);
        assert_eq!(clip.sha256, fact["sha256"]);
        for (luma, column) in clip.luma.iter().zip(["mean_luma_first", "mean_luma_middle", "mean_luma_last"]) {
            let off = (luma - number(column)).abs();
            assert!(off <= 1.0, "{}: {column} is {luma}", clip.source);
            worst = worst.max(off);
        }
    }
    println!("{} clips in {:.1} s, luma at most {worst:.4} off", report.clips, report.seconds);

    let data = Dataset::open(&out).unwrap();
    assert_eq!(data.classes(), ["covid", "pneumonia", "regular"]);
    for (clip, row) in data.manifest().rows.iter().enumerate() {
        let fact = &facts[&row.source];
        assert_eq!(row.label.as_deref().unwrap_or_default(), fact["hico_class"]);
        assert_eq!(
            (row.group.as_str(), row.fold.map(|fold| fold.to_string()).unwrap_or_default().as_str()),
            (fact["group"].as_str(), fact["fold"].as_str())
        );
        assert_eq!(data.read_clip(clip).unwrap().frames(), row.frames);
    }
}

#[test]
fn videos_that_are_cut_or_no_videos_are_refused_each_with_its_own_words() {
    let Some(videos) = videos("videos_that_are_cut_or_no_videos_are_refused_each_with_its_own_words") else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    let good = "pneumonia/Pneu_Pneumonia-LITFL-Ultrasound_crop.mp4";
    fs::copy(videos.join(good), source.join("good.mp4")).unwrap();
    // A video is what it is, whatever it is called.
    fs::copy(videos.join(good), source.join("unnamed")).unwrap();
    let cut = |file: &str, name: &str| {
        let bytes = fs::read(videos.join(file)).unwrap();
        fs::write(source.join(name), &bytes[..bytes.len() * 6 / 10]).unwrap();
    };
    cut("covid/Cov-Atlas-pleural.mp4", "no-index.mp4");
    cut("pneumonia/pneu-radiopaeda.mp4", "index-in-front.mp4");
    cut("pneumonia/Pneu_northumbria_0409_set2_vid4.avi", "cut.avi");
    cut("regular/Reg_pat1Image_133410.mpeg", "cut.mpeg");
    cut("covid/Cov-Atlas-Day+2.gif", "cut.gif");
    fs::write(source.join("empty.mp4"), "").unwrap();
    fs::write(source.join("text.mp4"), "words\n").unwrap();
    fs::write(source.join("playlist.mp4"), format!("#EXTM3U\n{}\n", videos.join(good).display())).unwrap();
    let noise: Vec<u8> = (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(source.join("noise.mp4"), &noise).unwrap();
    fs::write(source.join("noise.bin"), &noise).unwrap();
    fs::copy(videos.join(good), source.join("video.png")).unwrap();
    image::GrayImage::new(4, 4).save(source.join("picture.png")).unwrap();
    fs::rename(source.join("picture.png"), source.join("picture.avi")).unwrap();

    let report = run(
        &source,
        &folder.path().join("out"),
        &IngestOptions { preprocessing: Preprocessing::resized(32), ..IngestOptions::default() },
    );
    let sources: Vec<&str> = report.manifest.rows.iter().map(|row| row.source.as_str()).collect();
    assert_eq!(sources, ["good.mp4", "unnamed"]);
    assert_eq!(report.ignored, ["noise.bin"]);
    let reasons: BTreeMap<&str, &str> =
        report.refused.iter().map(|refused| (refused.source.as_str(), refused.reason.as_str())).collect();
    println!("{reasons:#?}");
    assert_eq!(reasons.len(), 11, "{reasons:#?}");
    assert_eq!(reasons["no-index.mp4"], "cut short: its index (moov) is missing");
    assert!(reasons["index-in-front.mp4"].starts_with("cut short: it announces 558595 bytes"), "{reasons:#?}");
    assert!(reasons["cut.avi"].starts_with("cut short: it announces "), "{reasons:#?}");
    for name in ["cut.mpeg", "cut.gif"] {
        assert!(reasons[name].starts_with("damaged or cut short: "), "{reasons:#?}");
    }
    assert_eq!(reasons["empty.mp4"], "the file is empty");
    assert_eq!(reasons["text.mp4"], "a text file, not a video or picture");
    assert_eq!(reasons["playlist.mp4"], reasons["text.mp4"]);
    assert_eq!(reasons["noise.mp4"], "not a video: ffmpeg does not recognise its content");
    assert_eq!(reasons["picture.avi"], "its name says a video (.avi), its content is a PNG picture");
    assert!(reasons["video.png"].contains("its name says a picture (.png)"), "{reasons:#?}");
}

/// Makes a video by ffmpeg's own test picture; `None` where there is no ffmpeg.
fn made(folder: &Path, name: &str, arguments: &str) -> Option<Vec<u8>> {
    let path = folder.join(name);
    let status = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(&path)
        .status()
        .ok()?;
    assert!(status.success(), "{arguments}");
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(path).unwrap();
    Some(bytes)
}

#[test]
fn grey_frames_that_ffmpeg_scales_are_those_that_are_scaled_here_and_coloured_ones_are_left_to_us() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    let videos = [
        ("coloured.mp4", "-f lavfi -i testsrc2=size=300x200:rate=10:duration=1 -c:v libx264 -pix_fmt yuv420p"),
        ("full.mp4", "-f lavfi -i testsrc2=size=300x200:rate=10:duration=1 -vf hue=s=0 -c:v libx264 -pix_fmt yuvj444p"),
        ("grey.avi", "-f lavfi -i testsrc2=size=301x203:rate=24000/1001:duration=1 -vf format=gray -c:v ffv1"),
        (
            "hd.mp4",
            "-f lavfi -i testsrc2=size=300x200:rate=10:duration=1 -vf hue=s=0 -c:v libx264 -pix_fmt yuv420p -colorspace bt709",
        ),
        ("small.mp4", "-f lavfi -i testsrc2=size=64x48:rate=10:duration=1 -vf hue=s=0 -c:v libx264 -pix_fmt yuv420p"),
        (
            "turned.mp4",
            "-f lavfi -i testsrc2=size=300x200:rate=10:duration=1 -vf hue=s=0 -c:v libx264 -pix_fmt yuv420p -metadata:s:v rotate=90",
        ),
    ];
    for (name, arguments) in videos {
        let Some(bytes) = made(folder.path(), name, arguments) else {
            println!("skipped: grey_frames_that_ffmpeg_scales_are_those_that_are_scaled_here: no ffmpeg");
            return;
        };
        fs::write(source.join(name), bytes).unwrap();
    }
    let data = |side: usize| {
        let out = folder.path().join(side.to_string());
        let options = IngestOptions { preprocessing: Preprocessing::resized(side), ..IngestOptions::default() };
        assert_eq!(run(&source, &out, &options).refused, []);
        Dataset::open(&out).unwrap()
    };
    let (scaled, whole) = (data(96), data(0));
    for clip in 0..videos.len() {
        let (row, expected) = (scaled.row(clip), whole.row(clip));
        assert!(!expected.steps.to_string().contains("by ffmpeg"));
        assert_eq!(
            row.steps.to_string().contains("by ffmpeg"),
            row.source != "coloured.mp4",
            "{}: {}",
            row.source,
            row.steps
        );
        let facts = |row: &hico_data::ClipRow| (row.frames, row.fps, row.source_height, row.source_width, row.channels);
        assert_eq!(facts(row), facts(expected), "{}", row.source);
        let mut off = Vec::new();
        for frame in 0..row.frames {
            let [found, frame] = [&scaled, &whole].map(|data| data.read_frame(clip, frame).unwrap());
            let expected = resize::bilinear(&Planes::of(&frame), Window::whole(frame.size), found.size).into_owned();
            // What is coloured was scaled here, by other means; see the tests of `frames.rs`.
            let pairs = found.pixels.iter().zip(&expected.values).filter(|_| row.channels == Channels::Grey);
            off.extend(pairs.map(|(a, b)| f64::from(a.abs_diff(*b))));
        }
        let (mean, most) = (off.iter().sum::<f64>() / off.len().max(1) as f64, off.iter().copied().fold(0.0, f64::max));
        println!("{}: {mean:.2} grey levels apart, {most} at most", row.source);
        // One rounding more or less; where frames grow, the two place their samples apart by a fraction.
        assert!(mean < 1.0, "{}: {mean}", row.source);
    }
}
