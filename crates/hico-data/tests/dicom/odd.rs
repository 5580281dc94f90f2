//! Files as they are found: headers that contradict the pixels, or are incomplete. Each is read by what its bytes show, and
//! what was odd is told in the summary.

use crate::coded::{self, ONE, lossless, rle};
use crate::made::{DicomFile, RLE, US, ds, is};
use crate::streams::jpeg;
use crate::study::{Study, options, read, refusal};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG: &str = "1.2.840.10008.1.2.2";
pub(crate) const JPEG: &str = "1.2.840.10008.1.2.4.50";
pub(crate) const LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
pub(crate) const JPEG_2000: &str = "1.2.840.10008.1.2.4.91";

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A file with some of its bytes exchanged, which have to be there once.
fn exchanged(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// The element that names the transfer syntax.
fn named(syntax: &str) -> Vec<u8> {
    let syntax = if syntax.len() % 2 == 1 { format!("{syntax}\0") } else { syntax.to_owned() };
    [&[2, 0, 0x10, 0, b'U', b'I', syntax.len() as u8, 0], syntax.as_bytes()].concat()
}

fn grey() -> DicomFile {
    DicomFile::grey(1, 4, &[1, 2, 3, 200])
}

#[test]
fn pixels_of_a_header_of_shared_chroma_that_have_their_own_are_read_so_and_other_surplus_is_told() {
    let chroma = |planar: u16, pixels: &[u8], frames: &str| {
        DicomFile::rgb(2, 2, pixels)
            .with(0x0028, 0x0004, "CS", b"YBR_FULL_422")
            .with(0x0028, 0x0006, "US", &US(planar))
            .with(0x0028, 0x0008, "IS", &is(frames))
            .bytes()
    };
    let full = [76, 85, 255, 29, 255, 107, 90, 128, 128, 76, 85, 255];
    let planes = [76, 29, 90, 76, 85, 255, 128, 85, 255, 107, 128, 255];
    let expected = [254, 0, 0, 0, 0, 254, 90, 90, 90, 254, 0, 0];
    for (planar, pixels) in [(0, full), (1, planes)] {
        let (found, told) = read(&chroma(planar, &pixels, "1"));
        assert_eq!(found, expected);
        assert!(told.contains("YBR_FULL_422") && told.contains("read as YBR_FULL"), "{told}");
        assert_eq!(read(&chroma(planar, &pixels.repeat(3), "3")).0, expected.repeat(3));
    }
    let shared = [76, 76, 85, 255, 90, 90, 128, 128];
    let rgb = [254, 0, 0, 254, 0, 0, 90, 90, 90, 90, 90, 90];
    assert_eq!(read(&chroma(0, &shared, "1")), (rgb.to_vec(), String::new()));
    let surplus = "more bytes of pixels than its header says";
    let (found, told) = read(&chroma(0, &[&shared[..], &[9; 2]].concat(), "1"));
    assert!(found == rgb && told.contains(surplus), "{told}");
    let (found, told) =
        read(&DicomFile::grey(1, 4, &[1, 2, 3, 200, 5, 6]).with(0x0028, 0x0008, "IS", &is("1")).bytes());
    assert!(found == [1, 2, 3, 200] && told.contains(surplus), "{told}");
    // An odd number of bytes is filled up with one.
    assert_eq!(read(&DicomFile::grey(1, 3, &[1, 2, 3]).bytes()), (vec![1, 2, 3], String::new()));
    assert!(refusal(&chroma(0, &shared[..6], "1")).contains("cut short"));
    let (found, told) = read(&DicomFile::grey(1, 2, &[1, 2, 3, 4]).bytes());
    assert!(found == [1, 2, 3, 4] && told.contains("Number of Frames (0028,0008) is absent"), "{told}");
    let none = DicomFile::grey(1, 2, &[1, 2, 3, 4]).with(0x0028, 0x0008, "IS", &is("0"));
    let (found, told) = read(&none.bytes());
    assert!(found == [1, 2, 3, 4] && told.contains("Number of Frames (0028,0008) is 0: as many"), "{told}");
    // The same, cut within what its length announces.
    let whole = DicomFile::grey(4, 4, &[7; 64]).bytes();
    assert_eq!(refusal(&whole[..whole.len() - 10]), "cut short: 3 of 4 announced frames are whole");
}

#[test]
fn the_pixels_tell_whether_two_share_their_chroma_whatever_number_of_bytes_follows_them() {
    // 24x16 pixels, bright below, with a little colour.
    let pixel = |at: usize| [(at / 24 * 12 + at % 5) as u8, 120, 140];
    let own: Vec<u8> = (0..384).flat_map(pixel).collect();
    let shared: Vec<u8> = (0..192).flat_map(|pair| [pixel(2 * pair)[0], pixel(2 * pair + 1)[0], 120, 140]).collect();
    let of = |pixels: &[u8], frames: &str| {
        let file = DicomFile::rgb(16, 24, pixels).with(0x0028, 0x0004, "CS", b"YBR_FULL_422");
        read(&if frames.is_empty() { file } else { file.with(0x0028, 0x0008, "IS", &is(frames)) }.bytes())
    };
    let (expected, nothing) = of(&shared, "1");
    assert_eq!(nothing, "");
    assert_eq!(of(&own, "1").0, expected);
    let surplus = "more bytes of pixels than its header says";
    // Surplus bytes that make the length that of the other kind, or of none.
    for bytes in [384, 385, 400, 768, 5000] {
        let (found, told) = of(&[&shared[..], &vec![7; bytes]].concat(), "1");
        assert!(found == expected && told.contains(surplus) && !told.contains("YBR_FULL"), "{bytes}: {told}");
        let (found, told) = of(&[&own[..], &vec![7; bytes]].concat(), "1");
        assert!(found == expected && told.contains(surplus) && told.contains("read as YBR_FULL"), "{bytes}: {told}");
    }
    // Three frames of one kind are as long as two of the other.
    let (found, told) = of(&shared.repeat(3), "2");
    assert!(found == expected.repeat(2) && told.contains(surplus), "{told}");
    assert_eq!(of(&shared.repeat(3), "").0, expected.repeat(3));
    let (found, told) = of(&own.repeat(2), "");
    assert!(found == expected.repeat(2) && told.contains("read as YBR_FULL"), "{told}");
    let file = DicomFile::rgb(16, 24, &own).with(0x0028, 0x0004, "CS", b"YBR_FULL_422");
    assert!(refusal(&file.with(0x0028, 0x0008, "IS", &is("3")).bytes()).contains("1 of 3 announced frames"));
    // Of one grey all over nothing tells, and nothing is claimed.
    let (found, told) = of(&[128; 768 * 3], "");
    assert!(found == [128; 1152] && told.contains("neither the pixels nor their number show"), "{told}");
}

#[test]
fn a_high_bit_without_room_is_told() {
    let file = DicomFile::grey(1, 2, &words(&[5, 15])).with(0x0028, 0x0100, "US", &US(16));
    let file = file.with(0x0028, 0x0101, "US", &US(4)).with(0x0028, 0x0102, "US", &US(1));
    let (found, told) = read(&file.bytes());
    assert!(found == [85, 255] && told.contains("High Bit (0028,0102)"), "{told}");
}

#[test]
fn a_segmented_palette_becomes_its_colours() {
    // 4 entries from 10: two of their own, then a ramp.
    let red = words(&[0, 2, 0x0100, 0x2000, 1, 2, 0x6000]);
    let green = words(&[0, 1, 0xff00, 1, 3, 0]);
    let blue = words(&[0, 2, 0x0a00, 0x1400, 2, 1, 0, 0]);
    let mut file = DicomFile::grey(1, 4, &[10, 11, 12, 13]).with(0x0028, 0x0004, "CS", b"PALETTE COLOR");
    for (element, segments) in [(1, &red), (2, &green), (3, &blue)] {
        file = file.with(0x0028, 0x1100 + element, "US", &words(&[4, 10, 16])).with(
            0x0028,
            0x1220 + element,
            "OW",
            segments,
        );
    }
    let expected = [1, 255, 10, 0x20, 170, 20, 0x40, 85, 10, 0x60, 0, 20];
    assert_eq!(read(&file.bytes()), (expected.to_vec(), String::new()));
    // Segments of bytes.
    for (element, segments) in [(1, [0, 2, 1, 0x20, 1, 2, 0x60, 0]), (2, [0, 1, 255, 1, 3, 0, 0, 0])] {
        file = file.with(0x0028, 0x1100 + element, "US", &words(&[4, 10, 8])).with(
            0x0028,
            0x1220 + element,
            "OW",
            &segments,
        );
    }
    let segments = [0, 2, 10, 20, 2, 1, 0, 0, 0, 0];
    let bytes = file.clone().with(0x0028, 0x1103, "US", &words(&[4, 10, 8])).with(0x0028, 0x1223, "OW", &segments);
    assert_eq!(read(&bytes.bytes()), (expected.to_vec(), String::new()));
    for hostile in [words(&[2, 65_535, 0, 0]), words(&[1, 4, 7]), words(&[0, 1, 7]), words(&[0, 0, 0, 0])] {
        let file = file.clone().with(0x0028, 0x1103, "US", &words(&[4, 10, 16])).with(0x0028, 0x1223, "OW", &hostile);
        assert!(refusal(&file.bytes()).contains("blue palette (0028,1203)"));
    }
}

#[test]
fn a_dark_colour_of_a_palette_stays_dark_beside_bright_ones() {
    let mut file = DicomFile::grey(1, 2, &[0, 1]).with(0x0028, 0x0004, "CS", b"PALETTE COLOR");
    for (element, entries) in [(1, [0, 0xff00]), (2, [0, 0x8000]), (3, [0, 200])] {
        file = file.with(0x0028, 0x1100 + element, "US", &words(&[2, 0, 16]));
        file = file.with(0x0028, 0x1200 + element, "OW", &words(&entries));
    }
    assert_eq!(read(&file.bytes()).0, [0, 0, 0, 255, 128, 0]);
}

#[test]
fn one_frame_in_several_items_is_one_frame_with_any_table_and_any_number_of_frames() {
    let plane: Vec<u8> = (0..64).map(|at| (at * 3) as u8).collect();
    let greys: Vec<u16> = plane.iter().map(|byte| u16::from(*byte)).collect();
    let ramp: Vec<u8> = (0..256).map(|at| (at / 16 * 9 + at % 16 * 6) as u8).collect();
    let small = DicomFile::grey(8, 8, &[]);
    for (file, syntax, stream, expected) in [
        (&small, RLE, rle(std::slice::from_ref(&plane)), &plane),
        (&small, LOSSLESS, lossless(&greys, 8, 8, &[1]), &plane),
        (&DicomFile::grey(16, 16, &[]), JPEG_2000, coded::bytes(ONE), &ramp),
        (&small, "1.2.840.10008.1.2.1.98", plane.clone(), &plane),
    ] {
        let third = stream.len() / 6 * 2;
        let items: Vec<Vec<u8>> = stream.chunks(third).map(<[u8]>::to_vec).collect();
        let file = file.clone().in_syntax(syntax);
        let numbered = file.clone().with(0x0028, 0x0008, "IS", &is("1"));
        let extended = [file.clone(), numbered.clone()].map(|file| file.with(0x7fe0, 0x0001, "OV", &[0; 8]));
        for file in [file, numbered].into_iter().chain(extended) {
            for table in [&[][..], &[0]] {
                assert_eq!(&read(&file.clone().in_items(table, &items).bytes()).0, expected, "{syntax} {table:?}");
            }
        }
    }
    let two = [rle(&[vec![7; 64]]), rle(&[vec![9; 64]])];
    let halves: Vec<Vec<u8>> = two.iter().flat_map(|frame| [frame[..40].to_vec(), frame[40..].to_vec()]).collect();
    let file = small.with(0x0028, 0x0008, "IS", &is("2")).in_syntax(RLE).in_items(&[], &halves);
    assert_eq!(read(&file.bytes()).0, [[7; 64], [9; 64]].concat());
}

#[test]
fn a_data_set_is_read_as_it_is_written_whatever_its_transfer_syntax_says_and_that_is_told() {
    let file = grey().with(0x0010, 0x0020, "LO", b"P1");
    for written in [EXPLICIT, IMPLICIT, BIG] {
        for said in [EXPLICIT, IMPLICIT, BIG, "1.2.840.10008.1.2.1.99"] {
            let bytes = exchanged(&file.clone().in_syntax(written).bytes(), &named(written), &named(said));
            let (found, told) = read(&bytes);
            assert_eq!(found, [1, 2, 3, 200], "{written} {said}");
            assert_eq!(told.contains("the transfer syntax says"), written != said, "{written} {said}: {told}");
        }
    }
}

#[test]
fn a_file_without_meta_group_length_preamble_or_transfer_syntax_is_read() {
    let whole = grey().bytes();
    let at = whole.windows(4).position(|word| word == [2, 0, 0, 0]).unwrap();
    let without_length = [&whole[..at], &whole[at + 12..]].concat();
    let mut wrong_length = whole.clone();
    wrong_length[at + 8..at + 12].copy_from_slice(&9_999_u32.to_le_bytes());
    let bare = &whole[132..];
    for bytes in [&without_length, &wrong_length, &whole[128..], bare, &without_length[132..]] {
        assert_eq!(read(bytes), (vec![1, 2, 3, 200], String::new()));
    }
    let nothing = [2, 0, 0x10, 0, b'U', b'I', 0, 0];
    for (syntax, what) in
        [(EXPLICIT, "explicit VR, little"), (IMPLICIT, "implicit VR, little"), (BIG, "explicit VR, big")]
    {
        let (found, told) = read(&exchanged(&grey().in_syntax(syntax).bytes(), &named(syntax), &nothing));
        assert_eq!(found, [1, 2, 3, 200]);
        assert!(told.contains("no transfer syntax") && told.contains(what), "{told}");
    }
    let packed = DicomFile::grey(1, 4, &[]).in_syntax(RLE).in_items(&[], &[rle(&[vec![1, 2, 3, 200]])]);
    let (found, told) = read(&exchanged(&packed.bytes(), &named(RLE), &nothing));
    assert!(found == [1, 2, 3, 200] && told.contains("the frames are rle"), "{told}");
    // Another compression than was said.
    let (found, told) = read(&exchanged(&packed.bytes(), &named(RLE), &named(JPEG)));
    assert!(found == [1, 2, 3, 200] && told.contains("says jpeg, the frames are rle"), "{told}");
}

#[test]
fn numbers_of_frames_are_whole_however_they_are_written() {
    for text in ["2", "2.0", " 2 ", "2\0", "+2", "2.", "2e0", "2\n"] {
        let file = DicomFile::grey(1, 2, &[1, 2, 3, 200]).with(0x0028, 0x0008, "IS", &is(text));
        assert_eq!(read(&file.bytes()), (vec![1, 2, 3, 200], String::new()), "{text:?}");
    }
    for text in ["2.5", "1A", "-2", "nan", "inf", "1e99"] {
        let file = DicomFile::grey(1, 2, &[1, 2, 3, 200]).with(0x0028, 0x0008, "IS", &is(text));
        assert!(refusal(&file.bytes()).contains("Number of Frames (0028,0008)"), "{text:?}");
    }
}

#[test]
fn without_pixel_representation_colours_are_read_and_greys_are_read_without_a_sign_and_told() {
    let pixels = [200, 0, 0, 0, 200, 0];
    let file = DicomFile::rgb(1, 2, &pixels).without(0x0028, 0x0103);
    assert_eq!(read(&file.bytes()), (pixels.to_vec(), String::new()));
    let (found, told) = read(&grey().without(0x0028, 0x0103).bytes());
    assert!(found == [1, 2, 3, 200] && told.contains("Pixel Representation (0028,0103) is absent"), "{told}");
    let deep = DicomFile::grey(1, 3, &words(&[0, 0x7fff, 0xffff])).with(0x0028, 0x0100, "US", &US(16));
    let (found, told) = read(&deep.with(0x0028, 0x0101, "US", &US(16)).without(0x0028, 0x0103).bytes());
    assert!(found == [0, 127, 255] && told.contains("without a sign"), "{told}");
    let odd = grey().with(0x0028, 0x0103, "US", &US(2));
    assert!(refusal(&odd.bytes()).contains("Pixel Representation (0028,0103) is 2, expected 0 or 1"));
}

#[test]
fn numbers_that_are_none_reach_no_pixel_and_are_told() {
    let file = DicomFile::grey(1, 4, &words(&[0, 100, 200, 400])).with(0x0028, 0x0100, "US", &US(16)).with(
        0x0028,
        0x0101,
        "US",
        &US(16),
    );
    let plain = read(&file.bytes());
    assert_eq!(plain, (vec![0, 64, 128, 255], String::new()));
    let elements =
        [(0x1050, "Window Center"), (0x1051, "Window Width"), (0x1052, "Rescale Intercept"), (0x1053, "Rescale Slope")];
    for (element, name) in elements {
        for text in ["nan", "inf", "-inf", "1e999", "abc", "nan\\40", "1,5"] {
            let usual = file.clone().with(0x0028, 0x1050, "DS", &ds("200")).with(0x0028, 0x1051, "DS", &ds("401"));
            let file = if element > 0x1051 { file.clone() } else { usual };
            let (found, told) = read(&file.with(0x0028, element, "DS", &ds(text)).bytes());
            assert_eq!(found, plain.0, "{name} {text}");
            assert!(told.contains(name) && told.contains("no number that makes sense"), "{told}");
        }
    }
    for (element, text) in [(0x1053, "1e308"), (0x1053, "0"), (0x1052, "-1e308")] {
        let (found, told) = read(&file.clone().with(0x0028, element, "DS", &ds(text)).bytes());
        assert!(found == plain.0 && told.contains("Rescale"), "{text}: {told}");
    }
    let loops = DicomFile::grey(1, 2, &[1, 2, 3, 200]).with(0x0028, 0x0008, "IS", &is("2"));
    for (group, element, text, name) in [
        (0x0018, 0x1063, "nan", "Frame Time (0018,1063)"),
        (0x0018, 0x1065, "0\\nan", "Frame Time Vector"),
        (0x0018, 0x1063, "1e-320", "frame rate"),
        (0x0018, 0x0040, "inf", "Cine Rate"),
        (0x0028, 0x0030, "nan\\0.5", "Pixel Spacing"),
        (0x0028, 0x0030, "0.5\\inf", "Pixel Spacing"),
    ] {
        let study = Study::new(&[("one", &loops.clone().with(group, element, "DS", &ds(text)))]);
        let report = study.ingest(&options()).unwrap();
        let row = &report.manifest.rows[0];
        assert_eq!((row.fps, row.pixel_height_mm, row.pixel_width_mm), (None, None, None), "{name}");
        assert!(report.warnings[0].contains(name), "{:?}", report.warnings);
    }
}

#[test]
fn a_window_of_less_than_1_is_one_where_its_function_allows_it() {
    let file = DicomFile::grey(1, 3, &[0, 5, 10])
        .with(0x0028, 0x1053, "DS", &ds("0.1"))
        .with(0x0028, 0x1050, "DS", &ds("0.5"))
        .with(0x0028, 0x1051, "DS", &ds("0.8"));
    let (found, told) = read(&file.bytes());
    assert!(found == [0, 5, 10] && told.contains("Window Width"), "{told}");
    for (function, width) in [("LINEAR", "0"), ("LINEAR", "-3"), ("LINEAR_EXACT", "0"), ("SIGMOID", "-0.5")] {
        let file = file.clone().with(0x0028, 0x1056, "CS", function.as_bytes());
        let (found, told) = read(&file.with(0x0028, 0x1051, "DS", &ds(width)).bytes());
        let said = format!("Window Width (0028,1051) is {width}, which makes no window");
        assert!(found == [0, 5, 10] && told.contains(&said), "{told}");
    }
    let exact = file.with(0x0028, 0x1056, "CS", b"LINEAR_EXACT");
    assert_eq!(read(&exact.bytes()), (vec![0, 128, 255], String::new()));
}

#[test]
fn clips_of_one_oddity_are_told_in_one_sentence_with_the_first_of_them() {
    let file = DicomFile::rgb(16, 16, &[]).in_syntax(JPEG).in_items(&[], &[jpeg()]);
    let study = Study::new(&[("b", &file), ("a", &file), ("c/d", &file), ("e", &file), ("f", &grey())]);
    let report = study.ingest(&options()).unwrap();
    let expected = "4 clips: the header says RGB, the JPEG holds YBR: read as YBR (first: a, b, c/d, ...)";
    assert_eq!(report.warnings, [expected]);
    assert_eq!(study.ingest(&options()).unwrap().warnings, [expected], "a later run knows it, too");
}
