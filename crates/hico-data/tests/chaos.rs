//! A folder in which one file in ten is broken in some way: the others are all taken in, every broken one is refused or
//! left out by its name, and nothing panics.
//!
//! By default 300 files of one seed. `HICO_CHAOS_SEEDS=20` takes 1,000 files of each of 20 seeds.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use hico_data::ingest::{Damaged, IngestOptions, Programs, Stills, ingest};
use hico_data::{Dataset, Job, Preprocessing, Seed};
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, GrayImage, ImageFormat, Luma, RgbaImage};
use rand::{Rng, RngExt as _};
use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::time::Instant;

const KINDS: [&str; 7] = ["gif", "png", "jpg", "tiff", "bmp", "webp", "dcm"];

/// A small sound file of a kind, of noise, so that each part of it says something.
fn sound(kind: &str, random: &mut impl Rng) -> Vec<u8> {
    let (width, height) = (random.random_range(4..24), random.random_range(4..24));
    let picture = GrayImage::from_fn(width, height, |_, _| Luma([random.random()]));
    let mut bytes = Cursor::new(Vec::new());
    let format = match kind {
        "dcm" => return dicom(&picture),
        "gif" => {
            let mut encoder = GifEncoder::new(&mut bytes);
            for _ in 0..random.random_range(1..4) {
                let frame = DynamicImage::ImageLuma8(picture.clone()).into_rgba8();
                encoder.encode_frame(Frame::new(RgbaImage::from(frame))).unwrap();
            }
            drop(encoder);
            return bytes.into_inner();
        }
        "png" => ImageFormat::Png,
        "jpg" => ImageFormat::Jpeg,
        "tiff" => ImageFormat::Tiff,
        "bmp" => ImageFormat::Bmp,
        _ => ImageFormat::WebP,
    };
    // The WebP encoder takes colour only.
    DynamicImage::ImageLuma8(picture).to_rgb8().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// An uncompressed grey DICOM file, explicit little endian.
fn dicom(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = [&[0; 128][..], b"DICM"].concat();
    let mut put = |group: u16, element: u16, kind: &[u8; 2], value: &[u8]| {
        bytes.extend([group.to_le_bytes(), element.to_le_bytes()].concat());
        bytes.extend(kind);
        match kind {
            b"OB" | b"OW" => bytes.extend([&[0; 2], &(value.len() as u32).to_le_bytes()[..]].concat()),
            _ => bytes.extend((value.len() as u16).to_le_bytes()),
        }
        bytes.extend(value);
    };
    let short = |value: u32| (value as u16).to_le_bytes();
    let syntax = b"1.2.840.10008.1.2.1\0";
    put(2, 0, b"UL", &(8 + syntax.len() as u32).to_le_bytes());
    put(2, 0x10, b"UI", syntax);
    put(0x28, 2, b"US", &short(1));
    put(0x28, 4, b"CS", b"MONOCHROME2 ");
    put(0x28, 0x10, b"US", &short(picture.height()));
    put(0x28, 0x11, b"US", &short(picture.width()));
    for (element, value) in [(0x100, 8), (0x101, 8), (0x102, 7), (0x103, 0)] {
        put(0x28, element, b"US", &short(value));
    }
    let mut pixels = picture.as_raw().clone();
    pixels.resize(pixels.len().next_multiple_of(2), 0);
    put(0x7fe0, 0x10, b"OW", &pixels);
    bytes
}

/// Puts a broken file into the folder; whether it may be taken in all the same, because what was broken says nothing.
fn put_broken(path: &Path, kind: &str, way: usize, random: &mut impl Rng) -> bool {
    let mut bytes = sound(kind, random);
    match way {
        0 => {
            bytes.truncate(random.random_range(1..bytes.len()));
            fs::write(path, &bytes).unwrap();
            // The end marker of a PNG, or a byte of padding, may be what is missing.
            true
        }
        1 => {
            for _ in 0..random.random_range(1..9) {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= random.random_range(1..=255_u8);
            }
            fs::write(path, &bytes).unwrap();
            true
        }
        2 => {
            // What it is, its content decides; a picture that is called a video is none.
            let other = if kind == "gif" { dicom(&GrayImage::new(4, 4)) } else { sound("png", random) };
            fs::write(path.with_extension("mp4"), other).unwrap();
            kind == "gif"
        }
        3 => {
            fs::write(path, "").unwrap();
            false
        }
        4 => {
            fs::create_dir(path).unwrap();
            true
        }
        5 => {
            let mut noise = vec![0; random.random_range(20..2000)];
            random.fill_bytes(&mut noise);
            fs::write(path, [&bytes[..random.random_range(0..8)], &noise].concat()).unwrap();
            true
        }
        _ => put_special(path, way),
    }
}

/// What is no regular file, or may not be read.
#[cfg(unix)]
fn put_special(path: &Path, way: usize) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    match way {
        6 => drop(std::process::Command::new("mkfifo").arg(path).status()),
        7 => drop(std::os::unix::net::UnixListener::bind(path)),
        8 => {
            fs::write(path, dicom(&GrayImage::new(4, 4))).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
            // Whoever may read everything reads this too.
            return fs::File::open(path).is_ok();
        }
        _ => {
            let name = [path.file_stem().unwrap().as_bytes(), b"\xff.png"].concat();
            fs::write(path.with_file_name(std::ffi::OsStr::from_bytes(&name)), "").unwrap();
        }
    }
    false
}

#[cfg(not(unix))]
fn put_special(path: &Path, _way: usize) -> bool {
    fs::write(path, "").unwrap();
    false
}

/// Takes one such folder in; files, and those of them that were refused.
fn run(seed: u64, files: usize) -> [usize; 2] {
    let mut random = Seed(seed).stream("chaos", &[]);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    let (mut sound_ones, mut broken, mut hopeless) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for number in 0..files {
        let kind = KINDS[number % KINDS.len()];
        let name = format!("{number:04}.{kind}");
        if number % 10 == 7 {
            let way = number / 10 % 10;
            let stem = name[..4].to_owned();
            if !put_broken(&source.join(&name), kind, way, &mut random) {
                hopeless.insert(stem.clone());
            }
            broken.insert(stem);
        } else {
            fs::write(source.join(&name), sound(kind, &mut random)).unwrap();
            sound_ones.insert(name);
        }
    }
    // Bytes that are turned may make a file of an unknown kind; no ffmpeg has to tell that it is no video.
    let programs = Programs { ffmpeg: "/nowhere/ffmpeg".into(), ffprobe: "/nowhere/ffprobe".into() };
    let damaged = if seed.is_multiple_of(2) { Damaged::Refuse } else { Damaged::Keep };
    let options = IngestOptions {
        preprocessing: Preprocessing::resized(8),
        stills: Some(Stills::Each),
        identity: hico_data::ingest::Identity::Kept,
        programs,
        damaged,
        ..IngestOptions::default()
    };
    let out = folder.path().join("out");
    let report = ingest(&source, &out, &options, Job::default().with_threads(3)).unwrap();
    let taken: BTreeSet<String> = report.manifest.rows.iter().map(|row| row.source.clone()).collect();
    let lost: Vec<&String> = sound_ones.difference(&taken).collect();
    assert!(lost.is_empty(), "seed {seed}: {lost:?} {:?}", report.refused);
    let stem = |name: &str| name[..4].to_owned();
    for name in taken.difference(&sound_ones) {
        assert!(broken.contains(&stem(name)) && !hopeless.contains(&stem(name)), "seed {seed}: {name} is taken in");
    }
    let mut told: BTreeSet<String> = report.ignored.iter().map(|name| stem(name)).collect();
    for refused in &report.refused {
        assert!(broken.contains(&stem(&refused.source)), "seed {seed}: {refused:?}");
        assert!(!refused.reason.is_empty() && !refused.hint.is_empty(), "{refused:?}");
        told.insert(stem(&refused.source));
    }
    let silent: Vec<&String> = hopeless.difference(&told).collect();
    assert!(silent.is_empty(), "seed {seed}: nothing is said of {silent:?}");
    assert_eq!(Dataset::open(&out).unwrap().len(), report.clips);
    [files, report.refused.len()]
}

#[test]
fn of_a_folder_with_one_broken_file_in_ten_all_the_others_are_taken_in() {
    let seeds: Option<u64> = std::env::var("HICO_CHAOS_SEEDS").ok().map(|seeds| seeds.parse().unwrap());
    let begin = Instant::now();
    let files = if seeds.is_some() { 1000 } else { 300 };
    for seed in 0..seeds.unwrap_or(2) {
        let [files, refused] = run(seed, files);
        println!("seed {seed}: {files} files, {refused} refused, {:.1?}", begin.elapsed());
    }
}
