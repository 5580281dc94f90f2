//! Exported weights in other programs, on real frames: ONNX Runtime, torchvision and timm compute what we do, and the
//! names of HiCo's authors come back to the bit.
//!
//! `HICO_PYTHON` names an interpreter that has them; `check` at the root of the repository makes one.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop at what it did not expect, and say why it skips"
)]

use burn::tensor::Device;
use hico_data::ingest::{IngestOptions, ingest};
use hico_data::view::ViewRecipe;
use hico_data::{Dataset, Job, Preprocessing, Seed};
use hico_model::classifier::{Classifier, Trainable};
use hico_model::classifier_file::{self, ClassifierFacts};
use hico_model::export::check::{self, Difference};
use hico_model::export::onnx::Part;
use hico_model::export::source::Source;
use hico_model::export::{Target, export};
use hico_model::init::Init;
use hico_model::weights::{self, Naming, WeightsOf};
use hico_model::{BackboneName, BackboneNetwork, FeatureSet, Mode, Stages, batch};
use hico_train::pretrained;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Frames that go through both.
const FRAMES: usize = 64;
const SIDE: usize = 96;

/// Videos that the frames are of.
const VIDEOS: [&str; 3] =
    ["covid/Cov-Atlas-Day+2.gif", "pneumonia/Pneu_northumbria_0409_set2_vid4.avi", "regular/Reg_pat1Image_133410.mpeg"];

/// The folder with the real data and the interpreter, or `None` after saying why the test is skipped.
fn world(test: &str, needs: &str) -> Option<(PathBuf, String)> {
    let shared = std::env::var_os("HICO_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let python = std::env::var("HICO_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let run = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    let reason = if !shared.join("golden/authors_best_model.pth").is_file() {
        "../shared is absent".to_owned()
    } else if !run("ffmpeg", &["-version"]) {
        "ffmpeg is not installed".to_owned()
    } else if !run(&python, &["-c", &format!("import {needs}")]) {
        format!("{python} cannot import {needs}")
    } else {
        return Some((shared, python));
    };
    println!("skipped: {test}: {reason}");
    None
}

fn data(shared: &Path, folder: &Path) -> Dataset {
    let source = folder.join("videos");
    for file in VIDEOS {
        let to = source.join(file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(shared.join("data/videos").join(file), to).unwrap();
    }
    let out = folder.join("data");
    let options = IngestOptions { preprocessing: Preprocessing::resized(SIDE), ..IngestOptions::default() };
    ingest(&source, &out, &options, Job::default()).unwrap();
    Dataset::open(&out).unwrap()
}

fn frames(shared: &Path, folder: &Path, side: usize) -> Vec<Vec<f32>> {
    let view = ViewRecipe { side, ..ViewRecipe::default() };
    let frames = check::frames(&data(shared, folder), FRAMES, &view).unwrap();
    assert_eq!(frames.len(), FRAMES);
    frames
}

/// A fine-tuned network around the authors' encoder; its head is random.
fn classifier(encoder: &Source, path: &Path, trainable: Trainable, features: FeatureSet) -> Source {
    let device = Device::flex();
    let init = Init::new(&device, Seed(5));
    let classifier = Classifier::new(&init, encoder.pretrained.encoder(&device).unwrap(), 3, trainable, features);
    let facts = ClassifierFacts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        classes: ["covid", "pneumonia", "regular"].map(str::to_owned).to_vec(),
        backbone: encoder.pretrained.backbone,
        trainable,
        features,
        view: ViewRecipe { side: SIDE, ..ViewRecipe::default() },
        data: "none".to_owned(),
        preprocessing: Preprocessing::default(),
        temperature: 1.7,
        history: None,
    };
    classifier_file::save(path, &classifier, &facts, None).unwrap();
    read(path)
}

fn read(path: &Path) -> Source {
    pretrained::source(path, &WeightsOf::Online).unwrap()
}

#[test]
fn onnx_runtime_computes_every_part_alike() {
    let test = "onnx_runtime_computes_every_part_alike";
    let Some((shared, python)) = world(test, "onnxruntime, numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let images = frames(&shared, folder.path(), SIDE);
    let authors = read(&shared.join("golden/authors_best_model.pth"));
    let tuned = |trainable, features: FeatureSet| {
        let file = folder.path().join(format!("{trainable:?}-{features}.safetensors"));
        (classifier(&authors, &file, trainable, features), Part::Classifier, 2)
    };
    let encoders = FeatureSet::ALL.map(|features| authors.clone().with_features(features).unwrap());
    let cases = encoders.into_iter().map(|encoder| (encoder, Part::Encoder, 1));
    let cases = cases.chain([(authors.clone(), Part::Pyramid, 5), tuned(Trainable::LastBlock, FeatureSet::C5)]);
    for (source, part, outputs) in
        &cases.chain(FeatureSet::ALL.map(|set| tuned(Trainable::All, set))).collect::<Vec<_>>()
    {
        let (part, outputs) = (*part, *outputs);
        let ours = check::ours(source, part, &images, SIDE).unwrap();
        assert_eq!(ours.len(), outputs);
        let onnx = export(source, Target::Onnx(part), SIDE).unwrap().bytes;
        let checked = check::compare(&python, &onnx, &ours, &images, "frames").unwrap();
        println!("{} {part:?} {}: {:?}", source.path.display(), checked.runtime, checked.outputs);
        assert!(checked.agrees && checked.images == FRAMES, "{:?}", checked.outputs);
        // The comparison can fail: other pictures are not these.
        let others = check::noise(FRAMES, SIDE, Seed(1));
        assert!(!check::compare(&python, &onnx, &ours, &others, "noise").unwrap().agrees);
    }
}

/// Runs `theirs.py`.
fn theirs(python: &str, program: &str, file: &Path, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/theirs.py");
    let output = Command::new(python).arg(script).arg(program).arg(file).arg(folder).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn torchvision_and_timm_compute_the_same_features_and_logits() {
    let test = "torchvision_and_timm_compute_the_same_features_and_logits";
    let Some((shared, python)) = world(test, "torchvision, timm, safetensors.torch") else { return };
    let folder = tempfile::tempdir().unwrap();
    let images = frames(&shared, folder.path(), SIDE);
    let bytes: Vec<u8> = images.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(folder.path().join("image.f32"), bytes).unwrap();
    std::fs::write(folder.path().join("side"), SIDE.to_string()).unwrap();
    let authors = read(&shared.join("golden/authors_best_model.pth"));
    let all = classifier(&authors, &folder.path().join("all.safetensors"), Trainable::All, FeatureSet::C5);
    for (name, target) in [("torchvision", Target::Torchvision), ("timm", Target::Timm)] {
        for (source, part, outputs) in
            [(&authors, Part::Encoder, ["features"].as_slice()), (&all, Part::Classifier, &["features", "logits"])]
        {
            let file = folder.path().join("exported.safetensors");
            std::fs::write(&file, export(source, target, SIDE).unwrap().bytes).unwrap();
            theirs(&python, name, &file, folder.path());
            let mut ours = check::ours(source, Part::Encoder, &images, SIDE).unwrap();
            ours.extend(check::ours(source, part, &images, SIDE).unwrap());
            for &output in outputs {
                let difference =
                    Difference::of(&ours[output], &floats(&folder.path().join(output).with_extension("f32")));
                println!("{name} {part:?} {output}: {difference:?}");
                assert!(difference.agrees(), "{name} {part:?} {output}: {difference:?}");
            }
        }
    }
}

/// A ConvNeXt-T with random weights, as a file by timm's names. Layer scales are 1: at the first ones no block would be seen.
fn convnext(path: &Path) -> Source {
    let network = BackboneNetwork::new(&Init::new(&Device::flex(), Seed(8)), BackboneName::CONVNEXT_TINY);
    let mut tensors = weights::to_tensors(&network, Naming::Ours);
    let scales = tensors.iter_mut().filter(|tensor| tensor.name.ends_with(".gamma"));
    scales.for_each(|tensor| tensor.values.fill(1.0));
    std::fs::write(path, weights::to_safetensors(&tensors, &BTreeMap::new()).unwrap()).unwrap();
    read(path)
}

#[test]
fn timm_and_onnx_runtime_compute_a_convnext_as_we_do() {
    let test = "timm_and_onnx_runtime_compute_a_convnext_as_we_do";
    let Some((_, python)) = world(test, "timm, safetensors.torch, onnxruntime") else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = convnext(&folder.path().join("convnext.safetensors"));
    let report = source.pretrained.report();
    assert_eq!((report.naming, report.used.len(), report.ignored.len()), (Naming::Own, 178, 0));
    for side in [64, 75] {
        let images = check::noise(8, side, Seed(1));
        let bytes: Vec<u8> = images.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(folder.path().join("image.f32"), bytes).unwrap();
        std::fs::write(folder.path().join("side"), side.to_string()).unwrap();
        let file = folder.path().join("exported.safetensors");
        std::fs::write(&file, export(&source, Target::Timm, side).unwrap().bytes).unwrap();
        theirs(&python, "timm-maps", &file, folder.path());
        let encoder = source.pretrained.encoder(&Device::flex()).unwrap();
        let x = batch::images(&images, side, &Device::flex());
        let Stages { c2, c3, c4, c5 } = encoder.backbone.forward(x, Mode::Eval);
        for (name, map) in [("c2", c2), ("c3", c3), ("c4", c4), ("c5", c5)] {
            let ours: Vec<f32> = map.into_data().iter().collect();
            let difference = Difference::of(&ours, &floats(&folder.path().join(name).with_extension("f32")));
            println!("timm {side} {name}: {difference:?}");
            assert!(difference.agrees(), "timm {side} {name}: {difference:?}");
        }
        let ours = check::ours(&source, Part::Encoder, &images, side).unwrap();
        let onnx = export(&source, Target::Onnx(Part::Encoder), side).unwrap().bytes;
        let checked = check::compare(&python, &onnx, &ours, &images, "noise").unwrap();
        println!("{} {side}: {:?}", checked.runtime, checked.outputs);
        assert!(checked.agrees, "{:?}", checked.outputs);
    }
    assert!(export(&source, Target::Torchvision, 64).unwrap_err().to_string().contains("ConvNeXt-T"));
}

#[test]
fn the_authors_file_comes_back_to_the_bit_as_pytorch_reads_it() {
    let test = "the_authors_file_comes_back_to_the_bit_as_pytorch_reads_it";
    let Some((shared, python)) = world(test, "torch, safetensors.torch") else { return };
    let folder = tempfile::tempdir().unwrap();
    let authors = shared.join("golden/authors_best_model.pth");
    let (ours, back) = (folder.path().join("ours.safetensors"), folder.path().join("back.safetensors"));
    std::fs::write(&ours, export(&read(&authors), Target::Hico, 32).unwrap().bytes).unwrap();
    std::fs::write(&back, export(&read(&ours), Target::Authors, 32).unwrap().bytes).unwrap();
    let [there, here] = [&authors, &back].map(|file| theirs(&python, "state", file, folder.path()));
    assert!(there.lines().count() > 100, "{there}");
    assert_eq!(there, here);
}

#[test]
fn torchvisions_own_file_is_read_by_its_names() {
    let test = "torchvisions_own_file_is_read_by_its_names";
    let Some((_, python)) = world(test, "torchvision") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, tensors) in [("resnet18", 100), ("resnet34", 180), ("resnet50", 265)] {
        let file = folder.path().join(name).with_extension("pth");
        let script = format!(
            "import torch, torchvision; torch.save(torchvision.models.{name}().state_dict(), {:?})",
            file.display().to_string()
        );
        assert!(Command::new(&python).args(["-c", &script]).status().unwrap().success());
        let source = read(&file);
        let report = source.pretrained.report();
        assert_eq!(
            (report.used.len(), report.ignored.as_slice()),
            (tensors, ["fc.bias", "fc.weight"].map(str::to_owned).as_slice())
        );
        let by_name: BTreeMap<_, _> = weights::read(&file).unwrap().into_iter().map(|t| (t.name.clone(), t)).collect();
        for tensor in source.pretrained.found().given() {
            assert_eq!(tensor.values, by_name[tensor.name.trim_start_matches("encoder.backbone.")].values);
        }
    }
}
