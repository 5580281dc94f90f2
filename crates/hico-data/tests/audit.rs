//! Audits of real clips: what is known to be the same is found, and nothing else across folds.
//!
//! By default a part of the lung videos with planted copies, and all breast pictures. `HICO_ALL_VIDEOS=1` takes all 89.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop at what it did not expect, and say why it skips"
)]

use hico_data::audit::remedy::{Reason, remedy};
use hico_data::audit::{AuditOptions, Corpus, Findings, Kind, Pair, Relation, audit};
use hico_data::ingest::{Column, Columns, IngestOptions, Stills, ingest};
use hico_data::{Dataset, Job};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Clips of patients whom the data's own table merged into one group, two by two.
const MERGED: [&str; 8] = [
    "uncertain/Vir_or_Pneu_prospective_file4.mp4",
    "viral/Vir_prospective_file1.mp4",
    "pneumonia/Pneu_northumbria_0409_set2_vid3.avi",
    "pneumonia/Pneu_northumbria_0409_set2_vid4.avi",
    "pneumonia/Pneu_northumbria_0409_set5_vid1.avi",
    "pneumonia/Pneu_northumbria_0409_set5_vid2.avi",
    "regular/Reg_pat3Image_135128.mpeg",
    "regular/Reg_pat4Image_140705.mpeg",
];

/// Clips of the same scanners that have nothing to do with those, and with each other.
const OTHERS: [&str; 5] = [
    "regular/Reg_pat1Image_133327.mpeg",
    "pneumonia/Pneu_northumbria_0409_set6_vid7.avi",
    "pneumonia/Pneu_northumbria_0409_set6_vid8.avi",
    "covid/Cov-Atlas-Day+2.gif",
    "regular/Reg_Avi_lung-sliding-3.MP4",
];

/// Clips that are planted again, each in every way.
const PLANTED: [&str; 2] = ["pneumonia/Pneu_northumbria_0409_set6_vid7.avi", "covid/Cov-Atlas-Day+2.gif"];

/// Ways of planting: name, filter of ffmpeg, quality (x264's `crf`, more is worse).
const WAYS: [(&str, &str, &str); 5] = [
    ("reencoded", "null", "30"),
    ("rescaled", "scale=180:150", "23"),
    ("mirrored", "hflip", "23"),
    ("cut", "trim=start_frame=11,setpts=PTS-STARTPTS", "23"),
    ("cropped", "crop=iw*0.92:ih*0.92", "23"),
];

/// The folder with the real data, or `None` after saying why the test is skipped.
fn shared(test: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("HICO_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let data = shared.join("data");
    if !data.join("videos/videos.csv").is_file() {
        println!("skipped: {test}: ../shared is absent");
        return None;
    }
    Some(data)
}

fn has_ffmpeg(test: &str) -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !there {
        println!("skipped: {test}: ffmpeg is not installed");
    }
    there
}

/// The data set of a folder, each clip in the group that `column` names.
fn take_in(source: &Path, labels: &Path, column: &str, stills: Stills, out: &Path) -> Dataset {
    let columns = Columns { group: Column::Named(column.to_owned()), fold: Column::Obvious, ..Columns::default() };
    let options =
        IngestOptions { stills: Some(stills), labels: Some((labels.to_owned(), columns)), ..IngestOptions::default() };
    let report = ingest(source, out, &options, Job::default()).unwrap();
    assert_eq!(report.refused, []);
    Dataset::open(out).unwrap()
}

fn audited(dataset: &Dataset) -> Findings {
    let corpus = Corpus::new(vec![("data", dataset)]);
    audit(&corpus, AuditOptions::default(), Job::default()).unwrap()
}

/// The two clips of a pair, without folder and suffix, in order.
fn names(pair: &Pair) -> [String; 2] {
    let name = |source: &str| Path::new(source).file_stem().unwrap().to_str().unwrap().to_owned();
    let mut names = [name(&pair.first.source), name(&pair.second.source)];
    names.sort();
    names
}

#[test]
fn merged_patients_and_planted_copies_are_found_and_nothing_else() {
    let test = "merged_patients_and_planted_copies_are_found_and_nothing_else";
    let Some(data) = shared(test).filter(|_| has_ffmpeg(test)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    for clip in MERGED.into_iter().chain(OTHERS) {
        std::fs::create_dir_all(source.join(clip).parent().unwrap()).unwrap();
        std::fs::copy(data.join("videos").join(clip), source.join(clip)).unwrap();
    }
    std::fs::create_dir_all(source.join("planted")).unwrap();
    for (number, clip) in PLANTED.into_iter().enumerate() {
        for (way, filter, crf) in WAYS {
            let out = source.join(format!("planted/{way}-{number}.mp4"));
            let filter = format!("{filter},pad=ceil(iw/2)*2:ceil(ih/2)*2");
            let mut ffmpeg = Command::new("ffmpeg");
            ffmpeg.args(["-loglevel", "error", "-i"]).arg(source.join(clip)).args(["-an", "-vf", &filter]);
            ffmpeg.args(["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", crf]).arg(&out);
            assert!(ffmpeg.status().unwrap().success(), "{way}");
        }
    }
    let labels = data.join("videos/videos.csv");
    let dataset = take_in(&source, &labels, "patient", Stills::Clip, &folder.path().join("data"));
    let findings = audited(&dataset);
    let found: BTreeSet<[String; 2]> =
        findings.pairs.iter().filter(|pair| pair.relation != Relation::WithinGroup).map(names).collect();

    let stem = |clip: &str| Path::new(clip).file_stem().unwrap().to_str().unwrap().to_owned();
    let mut expected: BTreeSet<[String; 2]> = MERGED.chunks(2).map(|two| [stem(two[0]), stem(two[1])]).collect();
    for (number, clip) in PLANTED.into_iter().enumerate() {
        let family: Vec<String> = WAYS.iter().map(|(way, ..)| format!("{way}-{number}")).chain([stem(clip)]).collect();
        for way in &family[..WAYS.len()] {
            let mut pair = [way.clone(), stem(clip)];
            pair.sort();
            assert!(found.contains(&pair), "{pair:?} not in {found:?}");
        }
        // Copies of one clip are copies of each other too.
        expected.extend(found.iter().filter(|pair| pair.iter().all(|name| family.contains(name))).cloned());
    }
    assert_eq!(found, expected);

    let kind = |way: &str| {
        let of_way = |pair: &&Pair| {
            names(pair).iter().any(|name| *name == format!("{way}-0")) && names(pair)[0] == stem(PLANTED[0])
        };
        findings.pairs.iter().find(of_way).map(|pair| (pair.kind, pair.likeness.mirrored))
    };
    for (way, mirrored) in [("reencoded", false), ("rescaled", false), ("mirrored", true), ("cut", false)] {
        assert_eq!(kind(way), Some((Kind::Copy, mirrored)), "{way}");
    }
    let merged = remedy(&findings).merged;
    assert_eq!(merged.len(), MERGED.len() / 2 + PLANTED.len(), "{merged:?}");
}

#[test]
fn breast_pictures_with_two_labels_are_found_and_lesions_in_two_folds() {
    let Some(data) = shared("breast_pictures_with_two_labels_are_found_and_lesions_in_two_folds") else { return };
    let folder = tempfile::tempdir().unwrap();
    let labels = data.join("images/images.csv");
    let pictures = data.join("images/busi256");
    let dataset = take_in(&pictures, &labels, "group", Stills::Each, &folder.path().join("data"));
    let findings = audited(&dataset);
    let pair = |a: &str, b: &str| [format!("busi_{a}"), format!("busi_{b}")];
    let clashes: BTreeSet<[String; 2]> =
        findings.pairs.iter().filter(|pair| pair.label_clash && pair.kind == Kind::Copy).map(names).collect();
    // The first pair is the one that the data set is known for; the tests' part of it may lack one of the two.
    let known = [
        pair("benign_433", "malignant_145"),
        pair("benign_131", "malignant_51"),
        pair("benign_42", "malignant_51"),
        pair("benign_333", "malignant_77"),
        pair("benign_333", "malignant_78"),
    ];
    let there = |name: &String| dataset.manifest().rows.iter().any(|row| row.source.ends_with(&format!("{name}.png")));
    let expected: BTreeSet<[String; 2]> = known.into_iter().filter(|pair| pair.iter().all(there)).collect();
    assert!(expected.len() >= 4 && expected.is_subset(&clashes), "{clashes:?}");
    let left_out = remedy(&findings).excluded;
    for name in expected.iter().flatten() {
        assert!(
            left_out.iter().any(|it| it.reason == Reason::LabelClash && it.clip.ends_with(name.as_str())),
            "{name}"
        );
    }
    // Each one lesion, cut and squashed in two ways, some with the same marks: looked at, and right.
    let across: BTreeSet<[String; 2]> =
        findings.pairs.iter().filter(|pair| pair.relation == Relation::AcrossFolds).map(names).collect();
    let one_lesion = [
        pair("benign_333", "malignant_78"),
        pair("malignant_77", "malignant_78"),
        pair("malignant_114", "malignant_123"),
        pair("malignant_114", "malignant_14"),
        pair("malignant_128", "malignant_129"),
    ];
    assert_eq!(across, one_lesion.into());
}

#[test]
fn no_two_lung_videos_of_different_folds_are_called_the_same() {
    let test = "no_two_lung_videos_of_different_folds_are_called_the_same";
    if std::env::var_os("HICO_ALL_VIDEOS").is_none() {
        println!("skipped: {test}: HICO_ALL_VIDEOS is not set");
        return;
    }
    let Some(data) = shared(test).filter(|_| has_ffmpeg(test)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let videos = data.join("videos");
    let dataset = take_in(&videos, &videos.join("videos.csv"), "patient", Stills::Clip, &folder.path().join("data"));
    let findings = audited(&dataset);
    let across: Vec<_> =
        findings.pairs.iter().filter(|pair| pair.relation == Relation::AcrossFolds).map(names).collect();
    assert_eq!(across, [] as [[String; 2]; 0]);
    let merged: Vec<Vec<String>> =
        remedy(&findings).merged.into_values().map(|groups| groups.into_iter().collect()).collect();
    let pair = |a: &str, b: &str| vec![format!("pocus-{a}"), format!("pocus-{b}")];
    assert_eq!(merged, [pair("1", "2"), pair("114", "116"), pair("188", "189"), pair("196", "197")]);
}
