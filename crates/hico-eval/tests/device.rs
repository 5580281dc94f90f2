//! A network that is fine-tuned and judged on a GPU: the CPU's predictions, but for the order of sums.
//!
//!     cargo test -p hico-eval --features wgpu --test device
//!
//! Mesa's lavapipe, a Vulkan driver that computes on the CPU, is GPU enough.

#![cfg(feature = "wgpu")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop at what it did not expect, and say why it skips"
)]

use hico_data::Job;
use hico_data::view::ViewRecipe;
use hico_eval::compare::crossval::{Request, cross_validate};
use hico_eval::prediction_table::{AnswerKey, from_parquet};
use hico_model::device::DeviceChoice;
use hico_model::test_data;
use hico_train::finetune::FinetuneRecipe;
use hico_train::predictions::FramePrediction;
use std::collections::BTreeMap;
use std::sync::Arc;

const GPU: DeviceChoice = DeviceChoice::Wgpu(None);

const GROUPS: [&str; 16] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];

/// What each network and baseline predicted for every tested frame.
fn evaluated(device: DeviceChoice) -> BTreeMap<AnswerKey, Vec<FramePrediction>> {
    let view = ViewRecipe { side: test_data::SIDE, ..ViewRecipe::default() };
    let recipe =
        FinetuneRecipe { epochs: 1, frames_per_clip: 2, inner_fraction: 0.4, view, ..FinetuneRecipe::default() };
    let folder = tempfile::tempdir().unwrap();
    let request = Request { recipe, device, ..Request::new(folder.path().join("out")) };
    let rows: Vec<_> = (0..16).map(|clip| (GROUPS[clip], Some(clip % 2), clip / 2 % 2)).collect();
    let data = Arc::new(test_data::spots(&rows));
    cross_validate(&data, &request, Job::default()).unwrap();
    let sets = std::fs::read_dir(folder.path().join("out/predictions")).unwrap().map(|set| set.unwrap().path());
    let tables = sets.flat_map(|set| std::fs::read_dir(set).unwrap()).map(|table| table.unwrap().path());
    tables.flat_map(|table| from_parquet(&data, std::fs::read(table).unwrap()).unwrap()).collect()
}

#[test]
fn a_network_is_fine_tuned_and_judged_on_a_gpu_as_on_the_cpu() {
    if let Err(error) = GPU.open() {
        println!("skipped: {error}");
        return;
    }
    let (gpu, cpu) = (evaluated(GPU), evaluated(DeviceChoice::Cpu));
    assert_eq!(gpu.keys().collect::<Vec<_>>(), cpu.keys().collect::<Vec<_>>());
    let mut compared = 0;
    for (gpu, cpu) in gpu.values().flatten().zip(cpu.values().flatten()) {
        assert_eq!((gpu.clip, gpu.frame), (cpu.clip, cpu.frame));
        for (gpu, cpu) in gpu.probabilities.iter().zip(&cpu.probabilities) {
            // An epoch of Adam lies between the two: see above.
            assert!((gpu - cpu).abs() < 0.02, "{gpu} {cpu}");
            compared += 1;
        }
    }
    assert!(
        compared >= 2 * 2 * 2 * 16,
        "two candidates and more, all frames of sixteen clips, both classes: {compared}"
    );
}
