//! A fine-tuned network on clips that nobody labelled, from outside.

use crate::setting::{dataset, done, hico, run, shared, snapshot};
use hico_data::Dataset;
use hico_eval::prediction_table::from_parquet;
use image::{GrayImage, Luma};
use std::collections::BTreeMap;
use std::path::Path;

fn lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Numbers of an object, in the order of its keys; the classes here are sorted.
fn by_class(probabilities: &serde_json::Value) -> Vec<f64> {
    probabilities.as_object().unwrap().values().map(|p| p.as_f64().unwrap()).collect()
}

/// Pictures of noise, the same each time.
fn noise(folder: &Path, count: u32) {
    std::fs::create_dir_all(folder).unwrap();
    let mut state = 1_u32;
    for number in 0..count {
        let mut pixel = |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Luma([(state >> 24) as u8])
        };
        GrayImage::from_fn(64, 64, &mut pixel).save(folder.join(format!("noise-{number}.png"))).unwrap();
    }
}

#[test]
fn a_prediction_is_that_of_the_evaluation_calibrated_and_says_whether_the_clip_is_in_distribution() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    dataset(path, "--patients 12 --frames 4 --seed 2");
    done(
        path,
        "finetune random --data data --side 32 --holdout-fold 0 --epochs 3 --frames-per-clip 4 --out tuned --quiet",
    );
    let read = |file: &str| std::fs::read(path.join(file)).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&read("tuned/summary.json")).unwrap();
    let entries = summary["tables"][0]["entries"].as_array().unwrap();
    let random = &entries.iter().find(|entry| entry["method"] == "random").unwrap()["scores"];
    let temperature = random["runs"][0]["temperature"].as_f64().unwrap();
    assert!(temperature > 0.0 && random["calibration"]["temperatures"][0].as_f64() == Some(temperature));
    let majority = &entries.iter().find(|entry| entry["method"] == "majority").unwrap()["scores"];
    assert!(majority["calibration"].is_null(), "the majority is not calibrated");

    // The tested frames of the evaluation, by clip and frame.
    let data = Dataset::open(&path.join("data")).unwrap();
    let tables = from_parquet(&data, read("tuned/predictions/data/random--data-fold0--seed1.parquet")).unwrap();
    let mut expected: BTreeMap<(String, u64), Vec<f64>> = BTreeMap::new();
    for frame in tables.into_values().flatten() {
        let powers: Vec<f64> = frame.probabilities.iter().map(|p| (p.max(1e-300).ln() / temperature).exp()).collect();
        let sum: f64 = powers.iter().sum();
        let key = (data.row(frame.clip).clip.clone(), frame.frame as u64);
        expected.insert(key, powers.iter().map(|power| power / sum).collect());
    }
    let mut compared = 0;
    let frames = lines(&done(path, "predict tuned data --per frame --json --quiet").out);
    for frame in &frames {
        let key = (frame["source"].as_str().unwrap().to_owned(), frame["frame"].as_u64().unwrap());
        let found: Vec<f64> = by_class(&frame["probabilities"]);
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9 && frame["ood_score"].as_f64().unwrap() >= 0.0);
        let Some(expected) = expected.get(&key) else { continue };
        // The same network, with the frames of other clips beside it.
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{key:?}: {found:?} {expected:?}");
        compared += 1;
    }
    assert!(compared > 0 && compared == expected.len(), "{compared} of {}", expected.len());

    // A clip is the mean of its frames, and the same from its file as from the data set.
    let of_set = lines(&done(path, "predict tuned data --json --quiet").out);
    let of_files = lines(&done(path, "predict tuned clips --json --quiet").out);
    assert_eq!((of_set.len(), of_files.len() * 4), (of_files.len(), frames.len()));
    for (clip, file) in of_set.iter().zip(&of_files) {
        assert!(file["source"].as_str().unwrap().contains(clip["source"].as_str().unwrap()), "{file} {clip}");
        assert_eq!((&clip["probabilities"], &clip["ood"]), (&file["probabilities"], &file["ood"]));
        let mine = frames.iter().filter(|frame| frame["source"] == clip["source"]);
        let first = mine.map(|frame| by_class(&frame["probabilities"])[0]).sum::<f64>() / 4.0;
        let classes = clip["probabilities"].as_object().unwrap();
        assert!((classes.values().next().unwrap().as_f64().unwrap() - first).abs() < 1e-9);
        assert_eq!(clip["nearest"].as_array().unwrap().len(), 5);
        assert_eq!(classes[clip["prediction"].as_str().unwrap()], clip["confidence"]);
    }
    let every = lines(&done(path, "predict tuned data --frame-stride 3 --per frame --json --quiet").out);
    assert_eq!(every.iter().filter(|frame| frame["source"] == of_set[0]["source"]).count(), 2, "frames 0 and 3");

    // Noise is out of the distribution of the training clips.
    noise(&path.join("noise"), 4);
    let strange = lines(&done(path, "predict tuned noise --stills each --json --quiet").out);
    assert!(strange.len() == 4 && strange.iter().all(|clip| clip["ood"]["out_of_distribution"] == true), "{strange:?}");
    let table = done(path, "predict tuned noise/noise-0.png clips");
    assert!(
        table.out.contains("OUT-OF-DISTRIBUTION")
            && table.out.contains("  in-distribution")
            && table.err.contains("not for diagnosis")
    );
    // Nothing is written on the way: there is no folder for temporary files, and none appears.
    let before = snapshot(path);
    let mut command = hico(path);
    command.args(["predict", "tuned", "noise/noise-0.png", "clips/P001-1", "data"]).env("TMPDIR", path.join("gone"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(snapshot(path) == before && !path.join("gone").exists());
}

#[test]
fn the_networks_of_a_cross_validation_answer_with_their_mean() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    dataset(path, "--patients 12 --frames 4 --seed 2");
    let study = "crossval data --side 32 --pretrain-inside --pretrain-epochs 1 --pretrain-batch 4 --epochs 1 --frames-per-clip 1 \
                 --baselines cheap --quiet --out study";
    done(path, study);
    // Cells that were finished are not repeated, and it is said.
    let late = done(path, &format!("{} --keep-models", study.replace("--quiet ", "")));
    assert!(late.err.contains("0 of 2 networks are kept"), "{}", late.err);
    done(path, &format!("{} --keep-models", study.replace("--out study", "--out kept")));
    let of = |network: &str, per: &str| {
        lines(&done(path, &format!("predict {network} clips/P001-1 {per} --json --quiet")).out)
    };
    let files = ["kept/hico-fold0-seed1.safetensors", "kept/hico-fold1-seed1.safetensors"];
    for per in ["", "--per frame --frame-stride 2"] {
        let mean = of("kept", per);
        let each = files.map(|file| of(file, per));
        assert!(!mean.is_empty() && each.iter().all(|answers| answers.len() == mean.len()));
        for (at, answer) in mean.iter().enumerate() {
            let found = by_class(&answer["probabilities"]);
            let expected = each.each_ref().map(|answers| by_class(&answers[at]["probabilities"]));
            for (class, found) in found.iter().enumerate() {
                assert!((found - f64::midpoint(expected[0][class], expected[1][class])).abs() < 1e-12, "{answer}");
            }
        }
    }
    let clip = &of("kept", "")[0];
    assert!(
        clip["network"]["words"].as_str().unwrap().starts_with("An ensemble of 2 networks, tested each on"),
        "{clip}"
    );
    assert_eq!(clip["nearest"].as_array().unwrap().len(), 5);
    // Networks of other classes do not answer together.
    done(path, "split data --unlabel normal --folds 2 --force");
    done(
        path,
        "finetune random --data data --side 32 --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out other --quiet",
    );
    std::fs::copy(path.join("other/scratch-fold0-seed1.safetensors"), path.join("kept/other.safetensors")).unwrap();
    let said = run(path, ["predict", "kept", "clips/P001-1"]);
    assert!(said.code == Some(1) && said.err.contains("holds 3 fine-tuned networks"), "{}", said.err);
}

#[test]
fn what_cannot_be_predicted_is_told_and_the_others_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    dataset(path, "--patients 9 --frames 2 --seed 2");
    done(
        path,
        "finetune random --data data --side 32 --holdout-fold 0 --epochs 1 --frames-per-clip 1 --out tuned --quiet",
    );
    noise(path, 1);
    std::fs::write(path.join("words.txt"), "no picture").unwrap();
    std::fs::write(path.join("broken.png"), &std::fs::read(path.join("noise-0.png")).unwrap()[..200]).unwrap();
    let said = run(path, "predict tuned words.txt noise-0.png broken.png --json".split(' '));
    assert_eq!((said.code, said.out.lines().count()), (Some(2), 1), "{}", said.err);
    assert!(said.err.contains("words.txt: is no DICOM file") && said.err.contains("broken.png"), "{}", said.err);
    assert_eq!(run(path, ["predict", "tuned", "words.txt"]).code, Some(1));
    // A path that is not there keeps no other from its answer.
    let said = run(path, "predict tuned gone.png noise-0.png --json".split(' '));
    assert_eq!((said.code, said.out.lines().count()), (Some(2), 1), "{}", said.err);
    assert!(said.err.contains("gone.png: No such file") && said.err.contains("hint: name a file that is there"));
    let folder = lines(&done(path, "predict tuned clips/P001-1 --json --quiet").out);
    assert_eq!(folder[0]["source"], "clips/P001-1");
    // What is refused for its damage is taken on request, and told.
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hico-data/tests/regressions/gif/good-bytes-behind.gif");
    std::fs::write(path.join("cut.gif"), &std::fs::read(whole).unwrap()[..300]).unwrap();
    let said = run(path, ["predict", "tuned", "cut.gif"]);
    assert!(said.code == Some(1) && said.err.contains("keep what decodes with --keep-damaged"), "{}", said.err);
    let said = done(path, "predict tuned cut.gif --keep-damaged --json");
    assert_eq!(lines(&said.out).len(), 1);
    assert!(said.err.contains("only what decodes was taken (cut.gif)"), "{}", said.err);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("noise-0.png", path.join("link.png")).unwrap();
        let linked = lines(&done(path, "predict tuned link.png --json --quiet").out);
        assert_eq!((linked.len(), &linked[0]["source"]), (1, &"link.png".into()));
    }
    let refused = |model: &str, file: &str, words: &str| {
        let said = run(path, ["predict", model, file]);
        assert!(said.code == Some(1) && said.err.contains(words), "{}", said.err);
    };
    refused("clips", "noise-0.png", "holds no fine-tuned network");
    refused("tuned", "gone.mp4", "gone.mp4: No such file");
    std::fs::copy(path.join("tuned/scratch-fold0-seed1.safetensors"), path.join("tuned/b.safetensors")).unwrap();
    // Several answer together, but an explanation is of one.
    let said = run(path, ["explain", "tuned", "noise-0.png", "--out", "why"]);
    let words = "2 fine-tuned networks: b.safetensors, scratch-fold0-seed1.safetensors";
    assert!(said.code == Some(1) && said.err.contains(words), "{}", said.err);
    // An encoder is no classifier.
    done(path, "export tuned/b.safetensors --to torchvision --out plain.safetensors --quiet");
    refused("plain.safetensors", "noise-0.png", "no fine-tuned network");
}

/// On real clips: lung videos are learnt, then chest X-rays, noise and unseen lung clips are asked about, and some explained.
#[test]
fn xrays_and_noise_are_unlike_lung_clips() {
    let shared = shared();
    if !shared.join("data/videos").is_dir() {
        return println!("skipped: xrays_and_noise_are_unlike_lung_clips: no {}", shared.display());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let [videos, xrays, eyes] = ["videos", "images/cxr_figure1", "videos/other"]
        .map(|part| shared.join("data").join(part).display().to_string());
    done(
        path,
        &format!("ingest {videos} --labels {videos}/videos.csv --label-column hico_class --out lung --side 96 --quiet"),
    );
    done(
        path,
        "finetune random --data lung --side 64 --holdout-fold 0 --epochs 8 --frames-per-clip 4 --out tuned --quiet",
    );
    noise(&path.join("noise"), 10);
    let unlike = |sources: &[String]| -> [usize; 2] {
        let options = ["--stills", "each", "--frame-stride", "10", "--json", "--quiet"];
        let said = run(path, ["predict", "tuned"].into_iter().chain(sources.iter().map(String::as_str)).chain(options));
        assert_eq!(said.code, Some(0), "{}", said.err);
        let clips = lines(&said.out);
        [clips.iter().filter(|clip| clip["ood"]["out_of_distribution"] == true).count(), clips.len()]
    };
    let tested: Vec<String> = {
        let mut table = csv::Reader::from_path(format!("{videos}/videos.csv")).unwrap();
        let heads = table.headers().unwrap().clone();
        let column = |name: &str| heads.iter().position(|head| head == name).unwrap();
        let rows = table.records().map(Result::unwrap);
        let rows = rows.filter(|row| &row[column("fold")] == "0" && !row[column("hico_class")].is_empty());
        rows.map(|row| shared.join("data").join(&row[column("file")]).display().to_string()).collect()
    };
    let breast: Vec<String> = snapshot(&shared.join("data/images/busi_native"))
        .into_keys()
        .map(|file| file.display().to_string())
        .filter(|file| !file.contains("_mask"))
        .collect();
    let [lung, xray, noise, eye, breast] =
        [tested.clone(), vec![xrays], vec!["noise".to_owned()], vec![eyes], breast].map(|of| unlike(&of));
    println!("out-of-distribution: {lung:?} of unseen lung clips, {xray:?} of X-rays, {noise:?} of pictures of noise");
    // Another organ is ultrasound too: eyes are told by their layout; how much of a breast is told is not promised.
    println!("out-of-distribution: {eye:?} of eye clips, {breast:?} of breast pictures");
    assert!(lung[1] == tested.len() && lung[0] * 3 <= lung[1], "{lung:?}");
    assert!(xray[0] * 3 >= xray[1] * 2 && noise[0] == noise[1], "{xray:?} {noise:?}");
    assert!(eye[0] == 2 && eye[1] == 2, "{eye:?}");

    // What it looks at hangs on what it learnt: with random weights the maps are others.
    let three: Vec<&str> = tested.iter().step_by(tested.len().div_ceil(3)).map(String::as_str).collect();
    let options = ["--frames", "4", "--out", "why", "--json", "--quiet"];
    let said = run(path, ["explain", "tuned"].into_iter().chain(three.clone()).chain(options));
    let explained: Vec<serde_json::Value> = serde_json::from_str(&said.out).unwrap();
    // Of 2x2 places, as the global map has here, no correlation can be told from chance.
    assert!(explained.iter().all(|clip| clip["like_random_weights"]["global"].is_null()), "{explained:?}");
    for level in ["local", "medium"] {
        let alike = explained.iter().filter_map(|clip| clip["like_random_weights"][level].as_f64());
        let alike: Vec<f64> = alike.map(f64::abs).collect();
        let mean = alike.iter().sum::<f64>() / alike.len() as f64;
        println!("{level} maps and those of random weights: rank correlations {alike:.2?}");
        assert!(alike.len() == three.len() && mean < 0.5, "{level}: {alike:?}");
    }
}
