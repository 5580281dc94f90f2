//! The same recipe on a GPU: the CPU's losses and gradients, but for the order of sums.
//!
//!     cargo test -p hico-train --features wgpu --test pretrain device
//!
//! Mesa's lavapipe, a Vulkan driver that computes on the CPU, is GPU enough.

use super::{blocks, journal, small, with};
use hico_data::Job;
use hico_model::device::DeviceChoice;
use hico_model::weights;
use hico_train::checkpoint::BEST_FILE;
use hico_train::journal::{JournalEntry, StepEntry};
use hico_train::{PretrainOptions, pretrain};

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

/// What every step said, and the parameters at the end.
fn pretrained(device: DeviceChoice, learning_rate: f64) -> (Vec<StepEntry>, Vec<f64>) {
    let keys =
        format!("[train]\nbatch = 4\nwatch_fraction = 0.0\nwarmup_epochs = 0\nlearning_rate = {learning_rate:e}\n");
    let recipe = with(&small(2), &keys);
    let folder = tempfile::tempdir().unwrap();
    let options = PretrainOptions { folder: Some(folder.path().to_owned()), device, ..PretrainOptions::default() };
    pretrain(&blocks(8, 2), &recipe, &options, Job::default().silent()).unwrap();
    let step = |entry| if let JournalEntry::Step(step) = entry { Some(step) } else { None };
    let (tensors, _) = weights::read_safetensors(&folder.path().join(BEST_FILE)).unwrap();
    let learnt = tensors.into_iter().filter(|tensor| !tensor.name.contains("running"));
    let parameters = learnt.flat_map(|tensor| tensor.values).map(f64::from).collect();
    (journal(folder.path()).into_iter().filter_map(step).collect(), parameters)
}

#[test]
fn a_recipe_trains_on_a_gpu_as_on_the_cpu() {
    if !is_there() {
        return;
    }
    let ((gpu, on_gpu), (cpu, on_cpu)) = (pretrained(GPU, 1e-4), pretrained(DeviceChoice::Cpu, 1e-4));
    assert_eq!((gpu.len(), cpu.len()), (4, 4));
    for (step, (gpu, cpu)) in gpu.iter().zip(&cpu).enumerate() {
        // Adam's first updates have the size of the learning rate whatever that of the gradient, so that what rounding
        // leaves of gradients near zero moves weights; from the second step on figures drift apart a little.
        let (share, of_norm) = if step == 0 { (1e-4, 1e-3) } else { (2e-2, 1e-1) };
        assert_eq!(gpu.losses.keys().collect::<Vec<_>>(), cpu.losses.keys().collect::<Vec<_>>());
        for (term, loss) in &cpu.losses {
            close(gpu.losses[term], *loss, share, &format!("step {step}, {term}"));
        }
        close(gpu.gradient_norm, cpu.gradient_norm, of_norm, &format!("step {step}, norm of the gradient"));
    }
    // Where the weights begin: with a rate that moves none.
    let (_, begin) = pretrained(DeviceChoice::Cpu, 1e-30);
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let (moved, apart) = (distance(&on_cpu, &begin), distance(&on_gpu, &on_cpu));
    // Apart by 1.5 % where it was measured; a rate or a decay that is lost would be of the order of the way.
    println!("weights moved by {moved} on the CPU, and are {apart} apart on the GPU");
    assert!(moved > 0.0 && apart < 0.1 * moved, "moved by {moved}, apart by {apart}");
}
