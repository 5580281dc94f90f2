//! Compressed streams as they are found: they say of themselves what their samples are, and whether all of them are there.

use crate::coded::{self, LOSSY, ONE, TILES, lossless};
use crate::made::{DicomFile, is};
use crate::odd::{JPEG, JPEG_2000, LOSSLESS};
use crate::study::{Study, options, read, refusal};
use hico_data::ingest::{Damaged, IngestOptions};
use image::codecs::jpeg::JpegEncoder;
use std::iter::repeat_n;

#[test]
fn a_jpeg_2000_tile_part_without_a_length_is_read_and_so_is_padding_behind_its_end() {
    let file = DicomFile::grey(16, 16, &[]).in_syntax(JPEG_2000);
    let ramp: Vec<u8> = (0..256).map(|at| (at / 16 * 9 + at % 16 * 6) as u8).collect();
    for stream in [ONE, TILES] {
        let stream = coded::bytes(stream);
        for padding in [0, 2, 5000] {
            for stream in [stream.clone(), coded::open(&stream)] {
                let frame: Vec<u8> = stream.into_iter().chain(repeat_n(0, padding)).collect();
                assert_eq!(read(&file.clone().in_items(&[], &[frame]).bytes()), (ramp.clone(), String::new()));
            }
        }
        let open = coded::open(&stream);
        for cut in [2, 20] {
            let cut = file.clone().in_items(&[], &[open[..open.len() - cut].to_vec()]);
            assert!(refusal(&cut.bytes()).contains("frame 0 does not decode"));
        }
    }
    let file = DicomFile::rgb(16, 16, &[]).with(0x0028, 0x0004, "CS", b"YBR_ICT").in_syntax(JPEG_2000);
    let of = |stream: Vec<u8>| read(&file.clone().in_items(&[], &[stream]).bytes()).0;
    let stream = coded::bytes(LOSSY);
    assert_eq!(of(coded::open(&stream)), of(stream));
}

#[test]
fn a_jpeg_2000_says_itself_whether_it_was_mixed_to_luma_and_chroma() {
    let file = DicomFile::rgb(16, 16, &[]).in_syntax(JPEG_2000).in_items(&[], &[coded::bytes(LOSSY)]);
    let of = |photometric: &str| read(&file.clone().with(0x0028, 0x0004, "CS", photometric.as_bytes()).bytes());
    let (expected, nothing) = of("YBR_ICT");
    assert!(
        expected[..3].iter().zip([200, 40, 30]).all(|(found, value)| found.abs_diff(value) < 24),
        "at a quarter of the bytes"
    );
    assert_eq!(nothing, "");
    for photometric in ["RGB", "YBR_FULL", "YBR_FULL_422"] {
        let (found, told) = of(photometric);
        assert!(found == expected && told.contains("JPEG 2000"), "{photometric}: {told}");
    }
}

/// A JPEG of 16x16 pixels, red above blue, its samples full: luma and chroma with a JFIF segment.
pub(crate) fn jpeg() -> Vec<u8> {
    let mut data = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut data, 100);
    let picture =
        image::RgbImage::from_fn(16, 16, |_, y| image::Rgb(if y < 8 { [220, 20, 20] } else { [10, 10, 120] }));
    encoder.encode_image(&picture).unwrap();
    data
}

/// The same without its JFIF segment.
fn bare_jpeg() -> Vec<u8> {
    let data = jpeg();
    let length = usize::from(u16::from_be_bytes([data[4], data[5]]));
    assert_eq!(data[2..4], [0xff, 0xe0]);
    [&data[..2], &data[4 + length..]].concat()
}

/// With these bytes behind the first marker.
fn marked(segment: &[u8], data: &[u8]) -> Vec<u8> {
    [&data[..2], segment, &data[2..]].concat()
}

/// With other names of its samples, in its frame header and its scans.
fn renamed(data: &[u8], names: [u8; 3]) -> Vec<u8> {
    let mut data = data.to_vec();
    let frame = data.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let scan = data.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    for (place, name) in names.into_iter().enumerate() {
        data[frame + 10 + 3 * place] = name;
        data[scan + 5 + 2 * place] = name;
    }
    data
}

const ADOBE_RGB: &[u8] = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0";
const ADOBE_YBR: &[u8] = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x01";

#[test]
fn the_jpeg_decides_what_its_samples_are_and_a_header_that_says_otherwise_is_told() {
    let of = |photometric: &str, stream: Vec<u8>| {
        let file = DicomFile::rgb(16, 16, &[]).with(0x0028, 0x0004, "CS", photometric.as_bytes());
        read(&file.in_syntax(JPEG).in_items(&[], &[stream]).bytes())
    };
    let near = |pixels: &[u8], colour: [u8; 3]| pixels.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 6);
    let is_ybr = |pixels: &[u8]| near(&pixels[..3], [220, 20, 20]) && near(&pixels[765..], [10, 10, 120]);
    // Luma and chroma of (220, 20, 20), shown as they are.
    let is_raw = |pixels: &[u8]| near(&pixels[..3], [80, 94, 228]);
    for header in ["RGB", "YBR_FULL", "YBR_FULL_422"] {
        for stream in [jpeg(), bare_jpeg(), marked(ADOBE_YBR, &bare_jpeg())] {
            let (pixels, told) = of(header, stream);
            assert!(is_ybr(&pixels), "{header}: {:?}", &pixels[..3]);
            assert_eq!(
                told.contains("the header says RGB, the JPEG holds YBR: read as YBR"),
                header == "RGB",
                "{told}"
            );
        }
        for stream in [marked(ADOBE_RGB, &bare_jpeg()), renamed(&bare_jpeg(), *b"RGB")] {
            let (pixels, told) = of(header, stream);
            assert!(is_raw(&pixels), "{header}: {:?}", &pixels[..3]);
            assert_eq!(
                told.contains("the header says YBR, the JPEG holds RGB: read as RGB"),
                header != "RGB",
                "{told}"
            );
        }
    }
    // A lossless stream tells by names and by Adobe's segment only.
    let pixels: Vec<u16> = repeat_n([76, 85, 255], 4).flatten().collect();
    let lossless_of = |photometric: &str, names: &[u8], segment: &[u8]| {
        let file = DicomFile::rgb(2, 2, &[]).with(0x0028, 0x0004, "CS", photometric.as_bytes()).in_syntax(LOSSLESS);
        let (pixels, told) = read(&file.in_items(&[], &[marked(segment, &lossless(&pixels, 2, 8, names))]).bytes());
        ([pixels[0], pixels[1], pixels[2]], told.contains("lossless JPEG"))
    };
    for names in [[0, 1, 2], [1, 2, 3]] {
        assert_eq!(lossless_of("RGB", &names, &[]), ([76, 85, 255], false));
        assert_eq!(lossless_of("YBR_FULL", &names, &[]), ([254, 0, 0], false));
    }
    assert_eq!(lossless_of("YBR_FULL", b"RGB", &[]), ([76, 85, 255], true));
    assert_eq!(lossless_of("RGB", &[1, 2, 3], ADOBE_YBR), ([254, 0, 0], true));
}

#[test]
fn a_jpeg_is_read_to_its_end_whatever_lies_behind_and_one_cut_short_is_refused() {
    let file = DicomFile::rgb(16, 16, &[]).with(0x0028, 0x0004, "CS", b"YBR_FULL_422").in_syntax(JPEG);
    let of = |stream: Vec<u8>| file.clone().in_items(&[], &[stream]).bytes();
    let expected = read(&of(jpeg()));
    for (byte, count) in [(0, 1), (0, 5000), (0, 100_000), (0xff, 5000)] {
        assert_eq!(read(&of(jpeg().into_iter().chain(repeat_n(byte, count)).collect())), expected, "{byte} {count}");
    }
    // A thumbnail in a segment has an end of its own.
    let thumbnail = marked(b"\xff\xe1\0\x08Exif\xff\xd9", &jpeg());
    assert_eq!(read(&of(thumbnail.clone())), expected);
    for length in [thumbnail.len() - 1, thumbnail.len() - 2, thumbnail.len() * 2 / 3] {
        assert!(refusal(&of(thumbnail[..length].to_vec())).contains("frame 0 does not decode"), "{length}");
    }
}

#[test]
fn a_jpeg_whose_pixels_end_before_its_end_marker_is_refused_and_the_frames_beside_it_can_be_kept() {
    let whole = jpeg();
    let begin = whole.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap() + 14;
    let stops = [&whole[..begin + 9], &[0xff, 0xd9]].concat();
    let missed = [&whole[..begin + 4], &whole[begin + 14..]].concat();
    let last = [&whole[..whole.len() - 3], &[0xff, 0xd9]].concat();
    let file = DicomFile::rgb(16, 16, &[]).with(0x0028, 0x0004, "CS", b"YBR_FULL_422").in_syntax(JPEG);
    for broken in [stops, missed, last] {
        let one = file.clone().in_items(&[], std::slice::from_ref(&broken));
        assert!(refusal(&one.bytes()).contains("frame 0 does not decode"));
        let two = file.clone().with(0x0028, 0x0008, "IS", &is("2")).in_items(&[], &[whole.clone(), broken]);
        let study = Study::new(&[("one", &two)]);
        let refused = &study.ingest(&options()).unwrap().refused[0];
        assert!(refused.reason.contains("frame 1 does not decode") && refused.hint.contains("--keep-damaged"));
        let kept = study.ingest(&IngestOptions { damaged: Damaged::Keep, ..options() }).unwrap();
        let row = &kept.manifest.rows[0];
        assert!(row.frames == 1 && row.steps.is_damaged(), "{row:?}");
    }
}

#[test]
fn bytes_of_a_jpeg_that_belong_to_no_pixel_are_told() {
    let file = DicomFile::rgb(16, 16, &[]).with(0x0028, 0x0004, "CS", b"YBR_FULL_422").in_syntax(JPEG);
    let of = |stream: Vec<u8>| read(&file.clone().in_items(&[], &[stream]).bytes());
    let whole = jpeg();
    let expected = of(whole.clone()).0;
    let within = [&whole[..whole.len() - 2], &[1, 2, 3], &[0xff, 0xd9]].concat();
    let (found, told) = of(within);
    assert!(found == expected && told.contains("compressed bytes that belong to no pixel"), "{told}");
    let (found, told) = of([&whole[..], b"another picture"].concat());
    assert!(found == expected && told.contains("bytes behind the end of the JPEG"), "{told}");
}

#[test]
fn a_colour_space_that_neither_marks_nor_pixels_verify_is_told_where_header_and_stream_contradict() {
    // Neither dark nor bright: nothing tells whether (120, 90, 150) is a colour or luma and chroma.
    let mut middling = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut middling, 100);
    encoder.encode_image(&image::RgbImage::from_pixel(16, 16, image::Rgb([150, 100, 120]))).unwrap();
    let length = usize::from(u16::from_be_bytes([middling[4], middling[5]]));
    middling.drain(2..4 + length);
    let of = |photometric: &str, stream: &[u8]| {
        let file = DicomFile::rgb(16, 16, &[]).with(0x0028, 0x0004, "CS", photometric.as_bytes());
        read(&file.in_syntax(JPEG).in_items(&[], &[stream.to_vec()]).bytes()).1
    };
    assert!(of("RGB", &middling).contains("colour space not verified"), "{}", of("RGB", &middling));
    for (header, stream) in [
        ("YBR_FULL", middling.clone()),
        ("YBR_FULL_422", middling.clone()),
        ("RGB", renamed(&middling, *b"RGB")),
        ("RGB", renamed(&middling, [0, 1, 2])),
        ("RGB", marked(ADOBE_RGB, &middling)),
        ("RGB", bare_jpeg()),
    ] {
        assert!(!of(header, &stream).contains("not verified"), "{header}");
    }
}

#[test]
fn a_jpeg_2000_of_which_tiles_are_missing_is_refused() {
    let file = DicomFile::grey(16, 16, &[]).in_syntax(JPEG_2000);
    let whole = coded::bytes(TILES);
    let parts: Vec<usize> = (0..whole.len() - 4).filter(|at| whole[*at..*at + 4] == [0xff, 0x90, 0, 10]).collect();
    let end = whole.len() - 2;
    let without = |from: usize, to: usize| [&whole[..from], &whole[to..]].concat();
    let mut more_parts = whole.clone();
    more_parts[parts[1] + 11] = 2;
    for (broken, said) in [
        (without(parts[3], end), "1 of 4 tiles are missing"),
        (without(parts[1], end), "3 of 4 tiles are missing"),
        (without(parts[1], parts[2]), "1 of 4 tiles are missing"),
        (more_parts, "1 of 4 tiles are missing"),
        (without(parts[2] + 20, parts[2] + 30), "bytes are missing"),
        (whole[..parts[3] + 20].to_vec(), "tile 3 is cut short"),
    ] {
        let reason = refusal(&file.clone().in_items(&[], &[broken]).bytes());
        assert!(reason.contains("frame 0 does not decode") && reason.contains(said), "{reason}");
    }
}
