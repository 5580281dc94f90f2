//! Where a fine-tuned network looks, from outside.

use crate::setting::{dataset, done, run};

#[test]
fn a_clip_is_explained_at_three_levels_with_two_checks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    dataset(path, "--patients 9 --frames 5 --seed 2");
    done(
        path,
        "finetune random --data data --side 32 --holdout-fold 0 --epochs 3 --frames-per-clip 3 --out tuned --quiet",
    );
    let clips: Vec<String> = {
        let names = std::fs::read_dir(path.join("clips")).unwrap().map(|entry| entry.unwrap());
        let mut names: Vec<String> =
            names.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let (clip, second) = (&clips[0], &clips[1]);
    let line = format!("explain tuned clips/{clip} clips/{second} --frames 3 --gif --out why --json --quiet");
    let found: serde_json::Value = serde_json::from_str(&done(path, &line).out).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 2);
    for (explanation, number) in found.as_array().unwrap().iter().zip(1..) {
        assert_eq!(explanation["frames"], serde_json::json!([0, 2, 4]));
        for check in ["agrees_with_occlusion", "like_random_weights"] {
            for level in ["local", "medium", "global"] {
                let value = &explanation[check][level];
                // At 32 pixels only the local map has enough places to correlate.
                assert_eq!(value.is_null(), level != "local", "{explanation}");
                assert!(value.as_f64().is_none_or(|value| value.abs() <= 1.0), "{explanation}");
            }
        }
        let of_clip = path.join(explanation["folder"].as_str().unwrap());
        assert!(of_clip.file_name().unwrap().to_str().unwrap().starts_with(&format!("{number:03}-")));
        let size = |file: &str| image::open(of_clip.join(file)).unwrap().into_rgb8().dimensions();
        assert_eq!((size("sheet.png"), size("00002-medium.png")), ((1304, 780), (256, 256)));
        let page = std::fs::read_to_string(of_clip.join("explanation.html")).unwrap();
        assert!(page.matches("data:image/png;base64,").count() == 15 && !page.contains("<script"));
        let animation = std::fs::read(of_clip.join("animation.gif")).unwrap();
        assert!(animation.starts_with(b"GIF89a"));
        let kept: serde_json::Value =
            serde_json::from_slice(&std::fs::read(of_clip.join("explanation.json")).unwrap()).unwrap();
        assert_eq!((&kept["class"], &kept["frames"]), (&explanation["class"], &explanation["frames"]));
    }
    // Another class has another map, and its probability is that of `hico predict`.
    let other =
        done(path, &format!("explain tuned clips/{clip} --class normal --frames 5 --out other --json --quiet")).out;
    let other: serde_json::Value = serde_json::from_str(&other).unwrap();
    let predicted = done(path, &format!("predict tuned clips/{clip} --json --quiet")).out;
    let predicted: serde_json::Value = serde_json::from_str(&predicted).unwrap();
    let apart = other[0]["probability"].as_f64().unwrap() - predicted["probabilities"]["normal"].as_f64().unwrap();
    assert!(apart.abs() < 1e-6 && other[0]["class"] == "normal", "{other} {predicted}");

    let refused = |line: &str, words: &str| {
        let said = run(path, line.split(' '));
        assert!(said.code == Some(1) && said.err.contains(words), "{line}: {}", said.err);
    };
    refused(&format!("explain tuned clips/{clip} --out why"), "why: exists");
    refused(
        &format!("explain tuned clips/{clip} --class covid --out new"),
        "the classes are b_lines, consolidation, normal",
    );
    refused("explain tuned gone --out new", "gone: No such file");
    assert!(!path.join("new").exists());
}
