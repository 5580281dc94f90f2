//! Every way to lay pixels out, and what becomes of them.

use crate::made::{DicomFile, RLE, US, ds, is};
use crate::study::{Study, options};
use hico_data::{Channels, Dataset};

/// The pixels of the only clip of a file that is ingested as it is.
fn pixels(file: &DicomFile) -> (Channels, Vec<u8>, String) {
    let study = Study::new(&[("one", file)]);
    let report = study.ingest(&options()).unwrap();
    assert_eq!(report.refused, [], "{report:?}");
    let data = Dataset::open(&study.out()).unwrap();
    let clip = data.read_clip(0).unwrap();
    (clip.channels, clip.pixels, data.row(0).steps.to_string())
}

#[test]
fn grey_of_8_bits_is_stored_as_it_is_and_the_other_way_round_where_0_is_white() {
    let file = DicomFile::grey(1, 4, &[0, 10, 20, 255]);
    assert_eq!(pixels(&file), (Channels::Grey, vec![0, 10, 20, 255], "decode dicom native;grey".to_owned()));
    let white = file.with(0x0028, 0x0004, "CS", b"MONOCHROME1");
    assert_eq!(pixels(&white).1, [255, 245, 235, 0]);
}

#[test]
fn a_window_over_rescaled_values_becomes_8_bits() {
    // 12 bits; 2 v - 100 within 1000 +- 500. The high bits hold an overlay, as old scanners wrote it.
    let words: Vec<u8> =
        [0_u16, 300, 550, 551 | 0x8000, 800, 4095].iter().flat_map(|word| word.to_le_bytes()).collect();
    let file = DicomFile::grey(1, 6, &words)
        .with(0x0028, 0x0100, "US", &US(16))
        .with(0x0028, 0x0101, "US", &US(12))
        .with(0x0028, 0x1050, "DS", &ds("1000\\40"))
        .with(0x0028, 0x1051, "DS", &ds("1001\\400"))
        .with(0x0028, 0x1052, "DS", &ds("-100"))
        .with(0x0028, 0x1053, "DS", &ds("2"));
    // PS3.3, C.11.2.1.2: ((x - 999.5) / 1000 + 0.5) * 255.
    let expected = [0.0, 500.0, 1000.0, 1002.0, 1500.0, 9000.0]
        .map(|x: f64| (((x - 999.5) / 1000.0 + 0.5).clamp(0.0, 1.0) * 255.0).round() as u8);
    let (_, found, done) = pixels(&file);
    assert_eq!(found, expected);
    assert_eq!(done, "decode dicom native;window 1000 1001;grey");
}

#[test]
fn signed_words_without_a_window_are_spread_over_the_whole_clip() {
    let words: Vec<u8> = [-100_i16, 0, 100, 50].iter().flat_map(|word| word.to_le_bytes()).collect();
    let file = DicomFile::grey(1, 2, &words)
        .with(0x0028, 0x0008, "IS", &is("2"))
        .with(0x0028, 0x0100, "US", &US(16))
        .with(0x0028, 0x0101, "US", &US(16))
        .with(0x0028, 0x0103, "US", &US(1));
    let (_, found, done) = pixels(&file);
    assert_eq!(found, [0, 128, 255, 191]);
    assert_eq!(done, "decode dicom native;range -100 100;grey");
}

#[test]
fn a_palette_becomes_its_colours() {
    let words = |words: &[u16]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = DicomFile::grey(1, 4, &[0, 5, 6, 9]).with(0x0028, 0x0004, "CS", b"PALETTE COLOR");
    for (element, entries) in [(1, [0x0000, 0x8000]), (2, [0x1000, 0xff00]), (3, [0x2000, 0x0100])] {
        file = file.with(0x0028, 0x1100 + element, "US", &words(&[2, 5, 16])).with(
            0x0028,
            0x1200 + element,
            "OW",
            &words(&entries),
        );
    }
    assert_eq!(pixels(&file).1, [0, 16, 32, 0, 16, 32, 128, 255, 1, 128, 255, 1]);
}

#[test]
fn the_same_picture_in_every_writing_is_the_same_clip() {
    let file = DicomFile::rgb(2, 2, &[200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9]);
    let expected = pixels(&file).1;
    for syntax in ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"] {
        assert_eq!(pixels(&file.clone().in_syntax(syntax)).1, expected, "{syntax}");
    }
    for syntax in ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"] {
        assert_eq!(pixels(&file.clone().in_syntax(syntax).bare()).1, expected, "bare {syntax}");
    }
    // Frames of three bytes each, written as words of two.
    let odd = DicomFile::grey(1, 3, &[]).with(0x0028, 0x0008, "IS", &is("2"));
    let odd = odd.with(0x7fe0, 0x0010, "OW", &[2, 1, 4, 3, 6, 5]).in_syntax("1.2.840.10008.1.2.2");
    assert_eq!(pixels(&odd).1, [1, 2, 3, 4, 5, 6]);
    let planar = DicomFile::rgb(2, 2, &[200, 0, 0, 9, 0, 200, 0, 9, 0, 0, 200, 9]).with(0x0028, 0x0006, "US", &US(1));
    assert_eq!(pixels(&planar).1, expected);
}

#[test]
fn what_a_header_should_not_hold_is_read_over() {
    let file = DicomFile::grey(1, 2, &[1, 2]);
    // A sequence of unknown kind and length, and in it the pixels of another picture, implicit.
    let inner = [&b"\xe0\x7f\x10\0\x02\0\0\0\x09\x09"[..], b"\xfe\xff\x0d\xe0\0\0\0\0"].concat();
    let value = [&b"\xfe\xff\0\xe0\xff\xff\xff\xff"[..], &inner, b"\xfe\xff\xdd\xe0\0\0\0\0"].concat();
    assert_eq!(pixels(&file.clone().with(0x0009, 0x1001, "UN*", &value)).1, [1, 2]);
    // Explicit by name and implicit in truth.
    let mut lying = file.in_syntax("1.2.840.10008.1.2").bytes();
    let at = lying.windows(18).position(|word| word == b"1.2.840.10008.1.2\0").unwrap();
    lying.splice(at..at + 18, *b"1.2.840.10008.1.2.1\0");
    lying[at - 2] = 20;
    let study = Study::new(&[]);
    std::fs::create_dir(study.source()).unwrap();
    std::fs::write(study.source().join("lying"), lying).unwrap();
    assert_eq!(study.ingest(&options()).unwrap().clips, 1);
}

#[test]
fn items_are_frames_with_every_table_of_offsets() {
    let frame = |value: u8| {
        let mut frame = vec![0; 64];
        frame[0] = 1;
        frame[4] = 64;
        frame.extend([253, value]);
        frame
    };
    let file = DicomFile::grey(2, 2, &[]).with(0x0028, 0x0008, "IS", &is("2")).in_syntax(RLE);
    let very_long = |numbers: &[u64]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let items = [frame(7), frame(9)];
    let expected = [[7; 4], [9; 4]].concat();
    for table in [&[][..], &[0, 74]] {
        assert_eq!(pixels(&file.clone().in_items(table, &items)).1, expected);
    }
    let halves: Vec<Vec<u8>> = items.iter().flat_map(|item| [item[..60].to_vec(), item[60..].to_vec()]).collect();
    assert_eq!(pixels(&file.clone().in_items(&[0, 82], &halves)).1, expected);
    let extended = file
        .with(0x7fe0, 0x0001, "OV", &very_long(&[0, 82]))
        .with(0x7fe0, 0x0002, "OV", &very_long(&[66, 66]))
        .in_items(&[], &halves);
    assert_eq!(pixels(&extended).1, expected);
}
