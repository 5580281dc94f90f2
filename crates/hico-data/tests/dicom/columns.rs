//! What a header says of a clip beyond its pixels.

use crate::made::{DicomFile, US, ds, is};
use crate::study::{Study, options};

#[test]
fn rate_spacing_and_regions_are_columns() {
    let region = DicomFile::item_of(&[
        (0x0018, 0x6012, "US", US(1).to_vec()),
        (0x0018, 0x6014, "US", US(1).to_vec()),
        (0x0018, 0x6018, "UL", 1_u32.to_le_bytes().to_vec()),
        (0x0018, 0x601a, "UL", 0_u32.to_le_bytes().to_vec()),
        (0x0018, 0x601c, "UL", 3_u32.to_le_bytes().to_vec()),
        (0x0018, 0x601e, "UL", 1_u32.to_le_bytes().to_vec()),
        (0x0018, 0x6024, "US", US(3).to_vec()),
        (0x0018, 0x6026, "US", US(3).to_vec()),
        (0x0018, 0x602c, "FD", 0.02_f64.to_le_bytes().to_vec()),
        (0x0018, 0x602e, "FD", 0.04_f64.to_le_bytes().to_vec()),
    ]);
    let loops = DicomFile::grey(2, 4, &[1; 24]).with(0x0028, 0x0008, "IS", &is("3"));
    let one = |file: &DicomFile| {
        let study = Study::new(&[("one", file)]);
        study.ingest(&options()).unwrap().manifest.rows.remove(0)
    };
    let row = one(&loops.clone().with(0x0018, 0x1063, "DS", &ds("40")).with(0x0018, 0x6011, "SQ", &region));
    assert_eq!((row.fps, row.pixel_height_mm, row.pixel_width_mm), (Some(25.0), Some(0.4), Some(0.2)));
    assert_eq!(row.regions.to_string(), "1 0 3 1 1 1 3 3 0.02 0.04");
    let row =
        one(&loops.clone().with(0x0018, 0x1065, "DS", &ds("0\\30\\50")).with(0x0028, 0x0030, "DS", &ds("0.5\\0.25")));
    assert_eq!((row.fps, row.pixel_height_mm, row.pixel_width_mm), (Some(25.0), Some(0.5), Some(0.25)));
    assert_eq!(one(&loops.clone().with(0x0018, 0x0040, "IS", &is("12"))).fps, Some(12.0));
    let both = loops.with(0x0018, 0x0040, "IS", &is("12")).with(0x0008, 0x2144, "IS", &is("15"));
    assert_eq!(one(&both).fps, Some(15.0));
}

#[test]
fn a_dicomdir_is_passed_over_with_a_word_and_the_files_it_lists_are_found() {
    let directory = DicomFile::grey(1, 1, &[1]).of_class("1.2.840.10008.1.3.10");
    let file = DicomFile::grey(2, 2, &[1, 2, 3, 4]);
    let study = Study::new(&[("DICOMDIR", &directory), ("DICOM/ST01/IM01", &file), ("DICOM/ST01/IM02", &file)]);
    let report = study.ingest(&options()).unwrap();
    assert_eq!((report.clips, report.refused.len()), (2, 0));
    assert_eq!(report.ignored, ["DICOMDIR"]);
}
