//! Shell scripts in the place of ffmpeg and ffprobe: whatever they do, they cost bounded time, memory and bytes.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use hico_data::ingest::{IngestOptions, Limits, Programs, RefusedClip, ingest};
use hico_data::{Job, Preprocessing};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// What ffprobe says of a video of 2 x 1 pixels.
const ANSWER: &str = r#"echo '{"streams":[{"codec_name":"x","width":2,"height":1}],"format":{"format_name":"mov"}}'"#;

/// A video as far as its first bytes tell.
const VIDEO: &[u8] = b"\0\0\0\x0cftypisom";

const LIMITS: Limits = Limits { frames: 5, pixels: 100, bytes: 10_000, seconds: 2 };

/// Takes one video in with these scripts, whole frames: why it was refused, and how long that took.
fn refused(probe: &str, decode: &str) -> (RefusedClip, Duration) {
    refused_at(0, probe, decode)
}

/// The same with frames of `side` pixels, which ffmpeg is asked to scale to.
fn refused_at(side: usize, probe: &str, decode: &str) -> (RefusedClip, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let program = |name: &str, script: &str| {
        let path = folder.path().join(name);
        // A script sees no more of the limits than its parent, and is asked for its version first.
        fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = -version ] && exit 0\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let programs = Programs { ffmpeg: program("ffmpeg", decode), ffprobe: program("ffprobe", probe) };
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("clip.mp4"), VIDEO).unwrap();
    let options = IngestOptions {
        programs,
        preprocessing: Preprocessing::resized(side),
        limits: LIMITS,
        ..IngestOptions::default()
    };
    let begin = Instant::now();
    let report =
        ingest(&source, Path::new(&folder.path().join("out")), &options, Job::default().with_threads(1)).unwrap();
    assert_eq!((report.clips, report.refused.len()), (0, 1));
    (report.refused[0].clone(), begin.elapsed())
}

#[test]
fn a_child_that_does_not_end_is_ended() {
    for (probe, decode) in [("exec sleep 60", ""), (ANSWER, "exec sleep 60"), (ANSWER, "exec sleep 60 >&- 2>&-")] {
        let (clip, time) = refused(probe, decode);
        assert_eq!(clip.reason, "decoding took more than 2 s");
        assert!(clip.hint.contains("--max-seconds"));
        assert!(time < Duration::from_secs(20), "{time:?}");
    }
}

#[test]
fn a_child_that_writes_without_end_is_ended_when_there_is_enough() {
    let endless = "while true; do printf 'P6\\n2 1\\n255\\nabcdef'; done";
    assert_eq!(refused(ANSWER, endless).0.reason, "more than 5 frames");
    let bytes = refused(ANSWER, "exec cat /dev/zero").0.reason;
    assert_eq!(bytes, "not a video: frame 0: an endless word in a PPM header");
    // One megabyte of an answer is read, and that is no JSON.
    let (clip, time) = refused("exec cat /dev/zero", "");
    assert_eq!(clip.reason, "not a video: ffmpeg does not recognise its content");
    assert!(time < Duration::from_secs(20), "{time:?}");
    let words = "while true; do echo nonsense >&2; done";
    assert_eq!(refused(ANSWER, words).0.reason, "decoding took more than 2 s");
}

#[test]
fn a_child_that_announces_a_huge_frame_is_not_given_memory_for_it() {
    let huge = "printf 'P6\\n400000 400000\\n255\\n'; exec cat /dev/zero";
    assert_eq!(refused(ANSWER, huge).0.reason, "frames of 400000x400000 pixels (height x width), more than 100 pixels");
    let answer = ANSWER.replace("\"width\":2", "\"width\":18446744073709551615");
    assert!(refused(&answer, "").0.reason.starts_with("frames of 1x18446744073709551615 pixels"));
}

#[test]
fn a_child_that_scales_is_bounded_as_well_and_what_it_says_besides_is_not_believed() {
    let header = "printf 'YUV4MPEG2 W4 H4 F25:1 C444\\n'";
    let frame = "printf 'FRAME\\n'; head -c 48 /dev/zero | tr '\\0' '\\200'";
    let endless = format!("{header}; while true; do {frame}; done");
    assert_eq!(refused_at(4, ANSWER, &endless).0.reason, "more than 5 frames");
    let (clip, time) = refused_at(4, ANSWER, "exec sleep 60");
    assert_eq!(clip.reason, "decoding took more than 2 s");
    assert!(time < Duration::from_secs(20), "{time:?}");
    // Frames without words that tell of their source, frames of another size, and no frames at all: then whole frames
    // are asked for, and those are no pictures here.
    for decode in [
        format!("{header}; {frame}"),
        "printf 'YUV4MPEG2 W400000 H400000 F25:1 C444\\n'".to_owned(),
        "exec cat /dev/zero".to_owned(),
    ] {
        let reason = refused_at(4, ANSWER, &decode).0.reason;
        assert!(reason.starts_with("not a video: frame 0: "), "{reason}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_runs_under_a_limit_of_memory_and_is_refused_when_it_asks_for_more() {
    // 4 GiB and 256 MiB for its one thread, in kilobytes.
    let told = refused(ANSWER, "ulimit -v >&2; exit 1").0.reason;
    assert_eq!(told, "not a video: 4456448");
    let told = refused("ulimit -v >&2; echo 'Cannot allocate memory' >&2; exit 1", "").0;
    assert_eq!(told.reason, "decoding takes more than 4352 MB of memory");
    assert!(told.hint.contains("shrink it first"), "{}", told.hint);
}
