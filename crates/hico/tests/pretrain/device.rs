//! The same recipe on a GPU: the CPU's losses, gradients and predictions, but for the order of sums.
//!
//!     cargo test -p hico --features wgpu --test pretrain device
//!
//! Mesa's lavapipe, a Vulkan driver that computes on the CPU, is GPU enough.

use super::{blocks, checked, journal, small};
use hico::device::DeviceChoice;
use hico::evaluate::classifier::Trainable;
use hico::evaluate::cross_validate::{Request, cross_validate};
use hico::evaluate::finetune::FinetuneRecipe;
use hico::evaluate::outcome::Evaluation;
use hico::train::journal::{Entry, StepEntry};
use hico::train::{PretrainOptions, pretrain};
use std::sync::atomic::AtomicBool;

const GPU: DeviceChoice = DeviceChoice::Wgpu(None);

/// Whether there is such a device; says so where there is none.
fn is_there() -> bool {
    let opened = GPU.open();
    if let Err(error) = &opened {
        println!("skipped: {error}");
    }
    opened.is_ok()
}

fn close(found: f64, expected: f64, share: f64, what: &str) {
    assert!((found - expected).abs() <= share * expected.abs().max(1e-3), "{what}: {found}, on the CPU {expected}");
}

fn pretrained(device: DeviceChoice) -> Vec<StepEntry> {
    let mut file = small(2);
    file.train.batch = 4;
    file.train.watch_fraction = 0.0;
    let folder = tempfile::tempdir().unwrap();
    let options = PretrainOptions { folder: Some(folder.path().to_owned()), device, ..PretrainOptions::default() };
    pretrain(&blocks(8, 2), &checked(file), &options, &mut |_| (), &AtomicBool::new(false)).unwrap();
    let step = |entry| if let Entry::Step(step) = entry { Some(step) } else { None };
    journal(folder.path()).into_iter().filter_map(step).collect()
}

#[test]
fn a_recipe_trains_on_a_gpu_as_on_the_cpu() {
    if !is_there() {
        return;
    }
    let (gpu, cpu) = (pretrained(GPU), pretrained(DeviceChoice::Cpu));
    assert_eq!((gpu.len(), cpu.len()), (4, 4));
    for (step, (gpu, cpu)) in gpu.iter().zip(&cpu).enumerate() {
        // Adam's first updates have the size of the learning rate whatever that of the gradient, so that what rounding
        // leaves of gradients near zero moves weights; from the second step on losses drift apart a little.
        let share = if step == 0 { 1e-4 } else { 2e-2 };
        assert_eq!(gpu.losses.keys().collect::<Vec<_>>(), cpu.losses.keys().collect::<Vec<_>>());
        for (term, loss) in &cpu.losses {
            close(gpu.losses[term], *loss, share, &format!("step {step}, {term}"));
        }
        close(gpu.gradient_norm, cpu.gradient_norm, share.max(1e-3), &format!("step {step}, norm of the gradient"));
    }
}

fn evaluated(device: DeviceChoice) -> Evaluation {
    let view = checked(small(1)).view().clone();
    let recipe =
        FinetuneRecipe { epochs: 1, frames_per_clip: 2, inner_fraction: 0.4, view, ..FinetuneRecipe::default() };
    let request = Request { recipe, device, trainable: Trainable::All, ..Request::default() };
    cross_validate(&blocks(16, 2), &request, &mut |_| (), &AtomicBool::new(false)).unwrap()
}

#[test]
fn a_network_is_fine_tuned_and_judged_on_a_gpu_as_on_the_cpu() {
    if !is_there() {
        return;
    }
    let (gpu, cpu) = (evaluated(GPU), evaluated(DeviceChoice::Cpu));
    assert_eq!(gpu.candidates.len(), cpu.candidates.len());
    let mut compared = 0;
    for (gpu, cpu) in gpu.candidates.iter().zip(&cpu.candidates) {
        for (gpu, cpu) in gpu.runs.iter().zip(&cpu.runs) {
            for (gpu, cpu) in gpu.clips_tested.iter().zip(&cpu.clips_tested) {
                assert_eq!(gpu.clip, cpu.clip);
                for (gpu, cpu) in gpu.probabilities.iter().zip(&cpu.probabilities) {
                    assert!((gpu - cpu).abs() < 0.02, "{gpu} {cpu}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared >= 2 * 2 * 16, "two candidates and more, all sixteen clips, both classes: {compared}");
}
