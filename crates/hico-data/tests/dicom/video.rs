//! Videos within DICOM, made of real videos.

use crate::made::{DicomFile, ds, is};
use crate::shared;
use crate::study::{Study, options};
use hico_data::ingest::{IngestOptions, Programs};
use hico_data::{Dataset, Preprocessing};
use std::fs;

#[test]
fn a_video_within_dicom_goes_to_ffmpeg() {
    let test = "a_video_within_dicom_goes_to_ffmpeg";
    let Some(videos) = shared(test).map(|data| data.join("videos")) else { return };
    if std::process::Command::new("ffmpeg").arg("-version").output().is_err() {
        println!("skipped: {test}: ffmpeg is not installed");
        return;
    }
    for (video, syntax, frames) in [
        ("pneumonia/Pneu_Pneumonia-LITFL-Ultrasound_crop.mp4", "1.2.840.10008.1.2.4.102", None),
        ("regular/Reg_pat1Image_133410.mpeg", "1.2.840.10008.1.2.4.100", Some(30)),
    ] {
        let bytes = fs::read(videos.join(video)).unwrap();
        let middle = bytes.len() / 4 * 2;
        let items = [bytes[..middle].to_vec(), bytes[middle..].to_vec()];
        let mut file = DicomFile::rgb(7, 7, &[]).with(0x0028, 0x0004, "CS", b"YBR_PARTIAL_420");
        file = file.in_syntax(syntax).in_items(&[], &items);
        if let Some(frames) = frames {
            file = file.with(0x0028, 0x0008, "IS", &is(&frames.to_string())).with(0x0018, 0x1063, "DS", &ds("50"));
        }
        let study = Study::new(&[("video.dcm", &file)]);
        fs::copy(videos.join(video), study.source().join("plain")).unwrap();
        let report = study.ingest(&IngestOptions { preprocessing: Preprocessing::resized(32), ..options() }).unwrap();
        assert_eq!(report.refused, [], "{video}");
        let data = Dataset::open(&study.out()).unwrap();
        let clip = |source: &str| (0..2).find(|clip| data.row(*clip).source.starts_with(source)).unwrap();
        let (dicom, plain) = (clip("dicom-"), clip("plain"));
        assert!(data.read_clip(dicom).unwrap().pixels == data.read_clip(plain).unwrap().pixels, "{video}");
        let fps = if frames.is_some() { Some(20.0) } else { data.row(plain).fps };
        assert_eq!((data.row(dicom).fps, &data.row(dicom).steps), (fps, &data.row(plain).steps));
        let none = Programs { ffmpeg: "/nowhere/ffmpeg".into(), ffprobe: "/nowhere/ffprobe".into() };
        fs::remove_dir_all(study.out()).unwrap();
        fs::remove_file(study.source().join("plain")).unwrap();
        let report = study.ingest(&IngestOptions { programs: none, ..options() }).unwrap();
        assert_eq!(report.refused[0].reason, "a video, and ffmpeg is not installed");
    }
}
