//! A backbone that is no residual network goes the same way.

use super::{assert_same, blocks, heard, options, small, with};
use burn::tensor::{Device, Tensor};
use hico_data::Job;
use hico_model::export::onnx::Part;
use hico_model::export::{Target, export};
use hico_model::weights::WeightsOf;
use hico_model::{BackboneName, FeatureSet, Mode};
use hico_train::checkpoint::BEST_FILE;
use hico_train::method::{MethodName, MethodRecipe, SimClr};
use hico_train::pretrained;
use hico_train::{Error, Event};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_convnext_is_pretrained_stopped_resumed_to_the_bit_exported_and_opened_again() {
    let data = blocks(8, 0);
    let simclr = small(1).with_method(MethodRecipe::of(MethodName::of::<SimClr>()));
    let recipe = with(&simclr, "model.backbone = \"convnext_tiny\"");
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [whole, broken] = folders.each_ref().map(|folder| folder.path());
    let mut losses = Vec::new();
    let note = |event: Event| {
        if let Event::Step(step) = event {
            losses.push(step.losses["total"]);
        }
    };
    heard(&data, &recipe, &options(whole), Job::default().with_threads(2), note).unwrap();
    assert!(losses.len() == 3 && losses.iter().all(|loss| loss.is_finite()), "{losses:?}");
    let stop = AtomicBool::new(false);
    let after_the_first = |event: Event| stop.fetch_or(matches!(event, Event::Step(_)), Ordering::SeqCst);
    let stopped = heard(&data, &recipe, &options(broken), Job::new(&stop).with_threads(1), |event| {
        after_the_first(event);
    });
    assert!(matches!(stopped, Err(Error::Interrupted)));
    heard(&data, &recipe, &options(broken), Job::default().with_threads(1), |_| ()).unwrap();
    assert_same(whole, broken);

    let source = pretrained::source(whole, &WeightsOf::Online).unwrap();
    assert_eq!(source.pretrained.backbone, BackboneName::CONVNEXT_TINY);
    let graph = export(&source, Target::Onnx(Part::Encoder), 32).unwrap();
    assert!(graph.bytes.len() > 4 * 27_000_000 && graph.written.len() == 178);
    // timm's names come back as the same network, and torchvision's are others.
    let file = folders[1].path().join("timm.safetensors");
    std::fs::write(&file, export(&source, Target::Timm, 32).unwrap().bytes).unwrap();
    let error = export(&source, Target::Torchvision, 32).unwrap_err().to_string();
    assert!(error.contains("torchvision has no ConvNeXt-T"), "{error}");
    let device = Device::flex();
    let features = |path: &std::path::Path| -> Vec<f32> {
        let encoder = pretrained::read(path).unwrap().encoder(&device).unwrap();
        let features = encoder.features(Tensor::ones([1, 3, 32, 32], &device), FeatureSet::C5, Mode::Eval);
        features.into_data().iter().collect()
    };
    let from_run = features(whole);
    assert_eq!(from_run.len(), 768);
    assert_eq!([features(&file), features(&whole.join(BEST_FILE))], [from_run.clone(), from_run]);
}
