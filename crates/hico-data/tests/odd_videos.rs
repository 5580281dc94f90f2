//! Videos that are odd and whole, and ones that are not: what is taken in, what is told, and what is refused. ffmpeg makes
//! them here.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop at what it did not expect, and say why it skips"
)]

use hico_data::ingest::{Damaged, IngestOptions, IngestReport, ingest};
use hico_data::{Dataset, Job, Preprocessing};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Ten grey frames that grow brighter.
const GREY: &str = "-f lavfi -i color=c=gray:size=96x64:rate=10:duration=1,format=gray,geq=lum='60+8*N+X/2'";

/// A place to make videos in; `None` after saying why a test is skipped.
fn desk(test: &str) -> Option<tempfile::TempDir> {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        println!("skipped: {test}: ffmpeg is not installed");
        return None;
    }
    Some(tempfile::tempdir().unwrap())
}

/// Makes a video by ffmpeg; its bytes.
fn made(folder: &Path, name: &str, arguments: &str) -> Vec<u8> {
    let path = folder.join(name);
    let mut command = Command::new("ffmpeg");
    command.current_dir(folder).args(["-v", "error", "-y"]).args(arguments.split_whitespace()).arg(&path);
    assert!(command.status().unwrap().success(), "{arguments}");
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(path).unwrap();
    bytes
}

/// A row of JPEGs as ffmpeg writes them.
fn jpegs(folder: &Path, arguments: &str) -> Vec<Vec<u8>> {
    let bytes = made(folder, "made.mjpeg", &format!("{GREY} {arguments} -c:v mjpeg -q:v 2"));
    let starts: Vec<usize> = (0..bytes.len() - 2).filter(|at| bytes[*at..].starts_with(&[0xff, 0xd8, 0xff])).collect();
    let ends = starts[1..].iter().copied().chain([bytes.len()]);
    starts.iter().zip(ends).map(|(start, end)| bytes[*start..end].to_vec()).collect()
}

/// JPEGs in an AVI with an index.
fn avi(jpegs: &[Vec<u8>]) -> Vec<u8> {
    let chunk = |name: &[u8], content: &[u8]| -> Vec<u8> {
        let padding = vec![0; content.len() % 2];
        [name, &(content.len() as u32).to_le_bytes(), content, &padding].concat()
    };
    let list = |name: &[u8], kind: &[u8], content: &[u8]| chunk(name, &[kind, content].concat());
    let words = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let count = jpegs.len() as u32;
    let header = words(&[100_000, 0, 0, 0x10, count, 0, 1, 0, 96, 64, 0, 0, 0, 0]);
    let stream = [b"vidsMJPG", &words(&[0, 0, 0, 1, 10, 0, count, 0, u32::MAX, 0, 0, 0])[..]].concat();
    let format = [&words(&[40, 96, 64, 24 << 16 | 1])[..], b"MJPG", &words(&[96 * 64 * 3, 0, 0, 0, 0])].concat();
    let stream = list(b"LIST", b"strl", &[chunk(b"strh", &stream), chunk(b"strf", &format)].concat());
    let (mut frames, mut index) = (Vec::new(), Vec::new());
    for jpeg in jpegs {
        index.extend([b"00dc", &words(&[0x10, frames.len() as u32 + 4, jpeg.len() as u32])[..]].concat());
        frames.extend(chunk(b"00dc", jpeg));
    }
    let parts = [
        list(b"LIST", b"hdrl", &[chunk(b"avih", &header), stream].concat()),
        list(b"LIST", b"movi", &frames),
        chunk(b"idx1", &index),
    ];
    list(b"RIFF", b"AVI ", &parts.concat())
}

/// Takes one file in.
fn taken(name: &str, bytes: &[u8], side: usize, damaged: Damaged) -> (IngestReport, Vec<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join(name), bytes).unwrap();
    let options = IngestOptions { preprocessing: Preprocessing::resized(side), damaged, ..IngestOptions::default() };
    let out = folder.path().join("out");
    let report = ingest(&source, &out, &options, Job::default()).unwrap();
    let frames = match report.clips {
        0 => Vec::new(),
        _ => {
            let clip = Dataset::open(&out).unwrap().read_clip(0).unwrap();
            clip.pixels.chunks(clip.frame_bytes()).map(<[u8]>::to_vec).collect()
        }
    };
    (report, frames)
}

fn means(frames: &[Vec<u8>]) -> Vec<f64> {
    frames.iter().map(|frame| frame.iter().map(|value| f64::from(*value)).sum::<f64>() / frame.len() as f64).collect()
}

/// Asserts that scaled by ffmpeg and whole, all frames are there and equally bright.
fn is_as_bright_both_ways(name: &str, bytes: &[u8]) {
    let (short, long) = (taken(name, bytes, 32, Damaged::Refuse), taken(name, bytes, 0, Damaged::Refuse));
    assert!(short.0.refused.is_empty() && long.0.refused.is_empty(), "{:?} {:?}", short.0.refused, long.0.refused);
    let (short, long) = (means(&short.1), means(&long.1));
    println!("{name}: {short:.1?} {long:.1?}");
    assert_eq!((short.len(), long.len()), (20, 20), "{name}");
    for (number, (a, b)) in short.iter().zip(&long).enumerate() {
        let expected = 60.0 + 8.0 * (number % 10) as f64 + 95.0 / 4.0;
        assert!((a - b).abs() < 1.0 && (b - expected).abs() < 2.5, "{name}: {number}: {a} {b} {expected}");
    }
}

#[test]
fn a_pixel_format_or_a_range_that_changes_makes_no_frame_brighter() {
    let Some(desk) = desk("a_pixel_format_or_a_range_that_changes_makes_no_frame_brighter") else { return };
    let folder = desk.path();
    let [full, half] = ["yuvj422p", "yuvj420p"].map(|format| jpegs(folder, &format!("-pix_fmt {format}")));
    is_as_bright_both_ways("formats.avi", &avi(&[full.clone(), half.clone()].concat()));
    is_as_bright_both_ways("formats-back.avi", &avi(&[half, full].concat()));
    let h264 = |filter: &str| made(folder, "made.h264", &format!("{GREY},{filter} -c:v libx264 -qp 1"));
    let limited = h264("scale=out_range=limited,format=yuv420p");
    let full = h264("scale=out_range=full,format=yuvj420p");
    let whole = h264("scale=out_range=full,format=yuvj444p");
    for (name, streams) in [("ranges.mp4", [&limited, &full]), ("both.mp4", [&limited, &whole])] {
        is_as_bright_both_ways(name, &streams.map(Vec::as_slice).concat());
    }
}

#[test]
fn a_range_that_is_stated_no_more_is_read_alike_on_every_path() {
    let Some(desk) = desk("a_range_that_is_stated_no_more_is_read_alike_on_every_path") else { return };
    let h264 = |filter: &str| made(desk.path(), "made.h264", &format!("{GREY},{filter} -c:v libx264 -qp 1"));
    let full = h264("scale=out_range=full,format=yuvj420p");
    let limited = h264("scale=out_range=limited,format=yuv420p");
    // The decoder keeps the range that was stated last; so both paths read the second half by it.
    for streams in [[&full, &limited], [&limited, &full]] {
        let bytes = streams.map(Vec::as_slice).concat();
        let (short, long) = (taken("a.mp4", &bytes, 32, Damaged::Refuse), taken("a.mp4", &bytes, 0, Damaged::Refuse));
        assert!(short.0.refused.is_empty() && long.0.refused.is_empty(), "{:?}", long.0.refused);
        let (short, long) = (means(&short.1), means(&long.1));
        assert_eq!((short.len(), long.len()), (20, 20));
        assert!(short.iter().zip(&long).all(|(a, b)| (a - b).abs() < 1.0), "{short:.1?} {long:.1?}");
    }
}

#[test]
fn a_size_that_changes_is_told_on_both_ways_and_nothing_is_stretched() {
    let Some(desk) = desk("a_size_that_changes_is_told_on_both_ways_and_nothing_is_stretched") else { return };
    let folder = desk.path();
    let row = [jpegs(folder, ""), jpegs(folder, "-vf scale=48:80")].concat();
    let files = [("sizes.avi", avi(&row)), ("sizes.mjpeg", row.concat())];
    for (name, bytes) in files {
        for side in [0, 32] {
            for damaged in [Damaged::Refuse, Damaged::Keep] {
                let (report, _) = taken(name, &bytes, side, damaged);
                let reason = &report.refused[0].reason;
                assert!(reason.contains("64x96") && reason.contains("80x48"), "{name} {side}: {reason}");
                assert!(!report.refused[0].hint.contains("--keep-damaged"), "{}", report.refused[0].hint);
            }
        }
    }
}

#[test]
fn complaints_that_cost_no_pixel_are_noted_and_others_are_refused() {
    let Some(desk) = desk("complaints_that_cost_no_pixel_are_noted_and_others_are_refused") else { return };
    let folder = desk.path();
    let plain = jpegs(folder, "-pix_fmt yuvj420p");
    let odd: Vec<Vec<u8>> = plain
        .iter()
        .map(|jpeg| [&jpeg[..2], &[0xff, 0xe0, 0, 4, b'A', b'V'], &[0xff, 0xe1, 0, 2], &jpeg[2..]].concat())
        .collect();
    let expected = taken("plain.avi", &avi(&plain), 0, Damaged::Refuse).1;
    let (report, frames) = taken("odd.avi", &avi(&odd), 0, Damaged::Refuse);
    assert!(report.refused.is_empty() && frames == expected, "{:?}", report.refused);
    println!("{:?}", report.warnings);
    // One that stops early and has an end marker.
    let mut stops = plain.clone();
    let length = stops[4].len() * 3 / 4;
    stops[4].splice(length.., [0xff, 0xd9]);
    for side in [0, 32] {
        let (report, _) = taken("stops.avi", &avi(&stops), side, Damaged::Refuse);
        assert!(report.refused[0].reason.starts_with("damaged or cut short: "), "{:?}", report.refused);
    }
    let mut torn = odd;
    let middle = torn[4].len() / 2;
    // No Huffman code is ones alone.
    torn[4][middle..middle + 60].as_chunks_mut::<2>().0.fill([0xff, 0]);
    let (report, _) = taken("torn.avi", &avi(&torn), 0, Damaged::Refuse);
    assert!(report.refused[0].reason.starts_with("damaged or cut short: "), "{:?}", report.refused);
    assert!(report.refused[0].hint.contains("--keep-damaged"));
    let (report, frames) = taken("torn.avi", &avi(&torn), 0, Damaged::Keep);
    assert!(report.manifest.rows[0].steps.is_damaged() && frames.len() >= 9, "{:?}", report.manifest.rows);
    // A reference to chapters that are not there.
    let mut movie = made(folder, "made.mov", &format!("{GREY} -c:v libx264 -pix_fmt yuv420p"));
    let track = movie.windows(4).position(|word| word == b"tkhd").unwrap() - 12;
    let reference = b"\0\0\0\x14tref\0\0\0\x0cchap\0\0\0\x09";
    let grow = |movie: &mut [u8], at: usize| {
        let size = u32::from_be_bytes(movie[at..at + 4].try_into().unwrap()) + reference.len() as u32;
        movie[at..at + 4].copy_from_slice(&size.to_be_bytes());
    };
    let header = movie.windows(4).position(|word| word == b"moov").unwrap() - 4;
    // The samples stand before the header, so that their places stay.
    assert!(movie.windows(4).position(|word| word == b"mdat").unwrap() < header);
    grow(&mut movie, header);
    grow(&mut movie, track);
    let end = track + 8 + u32::from_be_bytes(movie[track + 8..track + 12].try_into().unwrap()) as usize;
    movie.splice(end..end, reference.iter().copied());
    let (report, frames) = taken("chapters.mov", &movie, 32, Damaged::Refuse);
    assert!(report.refused.is_empty() && frames.len() == 10, "{:?}", report.refused);
    assert!(report.warnings.iter().any(|warning| warning.contains("chapter")), "{:?}", report.warnings);
    // The same in a file whose last frames are gone is more than that.
    let samples = movie.windows(4).position(|word| word == b"mdat").unwrap();
    movie[samples + (header - samples) * 7 / 10..header - 5].fill(0);
    let (report, _) = taken("chapters.mov", &movie, 32, Damaged::Refuse);
    assert!(!report.refused.is_empty());
}

#[test]
fn whole_videos_are_whole_whatever_their_container_says_of_bytes() {
    let Some(desk) = desk("whole_videos_are_whole_whatever_their_container_says_of_bytes") else { return };
    let folder = desk.path();
    let avi = avi(&jpegs(folder, ""));
    let mp4 = made(folder, "made.mp4", &format!("{GREY} -c:v libx264 -pix_fmt yuv420p"));
    let index = avi.windows(4).rposition(|word| word == b"idx1").unwrap();
    let mut long = avi.clone();
    long[4..8].copy_from_slice(&(avi.len() as u32 + 100_000).to_le_bytes());
    let mut open = mp4.clone();
    let box_of = |kind: &[u8]| mp4.windows(4).position(|word| word == kind).unwrap() - 4;
    // An MP4 whose samples come last and reach to its end.
    let front = made(folder, "made.mp4", &format!("{GREY} -c:v libx264 -pix_fmt yuv420p -movflags +faststart"));
    let mut to_the_end = front.clone();
    let data = front.windows(4).position(|word| word == b"mdat").unwrap() - 4;
    to_the_end[data..data + 4].fill(0);
    let mut too_long = front.clone();
    too_long[data..data + 4].copy_from_slice(&1_000_000_u32.to_be_bytes());
    let free = [&mp4[..], &1_000_u32.to_be_bytes(), b"free", &[0; 10]].concat();
    open.truncate(box_of(b"moov") + 4);
    let files = [
        ("no-index.avi", avi[..index].to_vec()),
        ("long.avi", long),
        ("words-behind.mp4", [&mp4[..], b"and these are words that stand behind the last box"].concat()),
        ("zeros-behind.mp4", [&mp4[..], &[0; 3000]].concat()),
        ("free-behind.mp4", free),
        ("to-the-end.mp4", to_the_end),
        ("too-long.mp4", too_long),
        ("noise-behind.avi", [&avi[..], &[9; 3000]].concat()),
    ];
    for (name, bytes) in files {
        for side in [0, 32] {
            let (report, frames) = taken(name, &bytes, side, Damaged::Refuse);
            assert!(report.refused.is_empty() && frames.len() == 10, "{name}: {:?}", report.refused);
        }
    }
    // Those that are cut are refused, and what the hint says helps.
    for (name, bytes) in [
        ("cut.avi", avi[..index * 6 / 10].to_vec()),
        ("cut-in-last.avi", avi[..index - 200].to_vec()),
        ("cut.mp4", front[..front.len() - 300].to_vec()),
        ("cut-in-last.mp4", front[..front.len() - 20].to_vec()),
    ] {
        let (report, _) = taken(name, &bytes, 0, Damaged::Refuse);
        let refused = &report.refused[0];
        assert!(
            refused.reason.starts_with("cut short: ") && refused.hint.contains("--keep-damaged"),
            "{name} {refused:?}"
        );
        let (report, frames) = taken(name, &bytes, 0, Damaged::Keep);
        assert!(!frames.is_empty() && report.manifest.rows[0].steps.is_damaged(), "{name}: {:?}", report.refused);
    }
    let (report, _) = taken("no-header.mp4", &open, 0, Damaged::Refuse);
    assert!(!report.refused[0].hint.contains("--keep-damaged"), "{:?}", report.refused);
}

#[test]
fn raw_mjpeg_is_all_its_frames() {
    let Some(desk) = desk("raw_mjpeg_is_all_its_frames") else { return };
    let row = jpegs(desk.path(), "-pix_fmt yuvj420p");
    for name in ["a.mjpeg", "a.mjpg", "a.MJPG"] {
        let (report, frames) = taken(name, &row.concat(), 0, Damaged::Refuse);
        assert!(report.refused.is_empty() && frames.len() == 10, "{name}: {:?}", report.refused);
        let means = means(&frames);
        assert!((means[9] - means[0] - 72.0).abs() < 2.0, "{means:?}");
    }
    let cut = row.concat();
    let (report, _) = taken("a.mjpeg", &cut[..cut.len() - 10], 0, Damaged::Refuse);
    assert!(report.refused[0].hint.contains("--keep-damaged"), "{:?}", report.refused);
    assert_eq!(taken("a.mjpeg", &cut[..cut.len() - 10], 0, Damaged::Keep).1.len(), 9);
}

#[test]
fn what_is_seen_through_lies_over_black_in_videos_as_in_pictures() {
    let Some(desk) = desk("what_is_seen_through_lies_over_black_in_videos_as_in_pictures") else { return };
    // Left opaque, then half, then not to be seen; grey 200 all over.
    let alpha = "format=rgba,geq=r=200:g=200:b=200:a='if(lt(X,32),255,if(lt(X,64),128,0))'";
    let source = format!("-f lavfi -i color=c=gray:size=96x64:rate=10:duration=0.5,{alpha}");
    for (name, encoder) in [
        ("a.mov", "-c:v qtrle"),
        ("b.mov", "-c:v png"),
        ("c.mov", "-c:v prores_ks -pix_fmt yuva444p10le"),
        ("d.webm", "-c:v libvpx-vp9 -pix_fmt yuva420p -lossless 1"),
        ("e.webm", "-c:v libvpx -pix_fmt yuva420p -auto-alt-ref 0 -b:v 5M"),
    ] {
        let bytes = made(desk.path(), name, &format!("{source} {encoder}"));
        for side in [0, 96] {
            let (report, frames) = taken(name, &bytes, side, Damaged::Refuse);
            assert!(report.refused.is_empty() && frames.len() == 5, "{name}: {:?}", report.refused);
            let channels = report.manifest.rows[0].channels.count();
            let width = report.manifest.rows[0].width;
            let row = &frames[2][width * 10 * channels..];
            for (x, expected) in [(16, 200_u8), (48, 100), (80, 0)] {
                let found = row[x * channels];
                assert!(found.abs_diff(expected) <= 3, "{name} {side}: {found} at {x}, expected {expected}");
            }
        }
    }
}
