//! Our model, losses, gradients and update against what other implementations computed from the same numbers.
//!
//! Always: the two small cases of `golden/`. Where it stands beside the repository, or where `HICO_GOLDEN` names another
//! folder of that format: the case of the authors' own implementation.
//!
//! The tolerances are those stated with the authors' case, for 32 bits against 32 bits: 1e-4 of a tensor's largest value
//! for maps and projections, 1e-5 for losses, 1e-3 for gradients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end there")]
#![expect(clippy::print_stdout, reason = "what was compared, how far off, and what was skipped")]

mod case;
mod gradient;
mod step;

use case::Case;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use step::Found;

static CASES: LazyLock<Vec<(Case, Found)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let ours = ["paper", "authors"].map(|reading| Case::ours(&root.join(format!("golden/{reading}.safetensors"))));
    let named = std::env::var_os("HICO_GOLDEN").map(PathBuf::from);
    let folder = named.clone().unwrap_or_else(|| root.join("../shared/golden"));
    let mut cases = Vec::from(ours);
    if named.is_some() || folder.is_dir() {
        cases.push(Case::theirs(&folder));
    } else {
        println!("skipped: the authors' case, for there is no {}", folder.display());
    }
    let taken = |case: Case| {
        let found = step::take(&case);
        (case, found)
    };
    cases.into_iter().map(taken).collect()
});

/// Compares every expected tensor of every case whose name `chosen` takes, prints the worst, and fails on any that is
/// missing or whose largest difference is more than `bound` of its largest expected value.
fn all_agree(what: &str, bound: f64, chosen: impl Fn(&str) -> bool) {
    let mut faults = Vec::new();
    for (case, found) in CASES.iter() {
        let (mut worst, mut compared) = ((0.0, String::new()), 0);
        for (name, expected) in case.expected.iter().filter(|(name, _)| chosen(name)) {
            if case.unused.iter().any(|unused| name.ends_with(&format!(".{unused}"))) && !found.contains_key(name) {
                continue;
            }
            let Some(found) = found.get(name) else {
                faults.push(format!("{}: {name} is not computed", case.name));
                continue;
            };
            // A map of the first image only keeps a file small.
            let found = if name.starts_with("eval.p") { &found[..expected.len().min(found.len())] } else { found };
            assert_eq!(found.len(), expected.len(), "{}: {name}", case.name);
            assert!(found.iter().all(|value| value.is_finite()), "{}: {name} is not finite", case.name);
            if expected.iter().any(|value| !value.is_finite()) {
                println!("{}: {name} is no number there; ours is, and is not compared", case.name);
                continue;
            }
            let difference = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let largest = expected.iter().map(|value| value.abs()).fold(0.0, f64::max);
            // Where nothing but zero is expected, a share of it has no meaning.
            let off = difference / largest.max(1e-6);
            if off > bound {
                faults.push(format!("{}: {name} is off by {off:.2e}, more than {bound:.0e}", case.name));
            }
            compared += 1;
            if off >= worst.0 {
                worst = (off, name.clone());
            }
        }
        println!("{}: {what}: {compared} compared, worst {:.2e} at {}", case.name, worst.0, worst.1);
        assert!(compared > 0, "{}: no {what} in it", case.name);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn golden_maps_and_projections_without_batch_statistics() {
    all_agree("evaluation", 1e-4, |name| name.starts_with("eval."));
}

#[test]
fn golden_projections_with_batch_statistics() {
    all_agree("training", 1e-4, |name| name.starts_with("train."));
}

#[test]
fn golden_running_statistics() {
    all_agree("running statistics", 1e-4, |name| {
        name.starts_with("after_forward.") && !name.ends_with("num_batches_tracked")
    });
}

#[test]
fn golden_losses() {
    all_agree("losses", 1e-5, |name| name.starts_with("loss.") || is_pair_loss(name));
}

fn is_pair_loss(name: &str) -> bool {
    name.starts_with("ntxent.") && name.ends_with(".loss")
}

#[test]
fn golden_gradients() {
    all_agree("gradients", 1e-3, |name| name.starts_with("grad."));
}

#[test]
fn golden_norms_of_gradients() {
    all_agree("norms of gradients", 1e-3, |name| name.starts_with("grad_norm."));
}

#[test]
fn golden_parameters_after_one_update() {
    all_agree("parameters after the update", 1e-4, |name| {
        name.starts_with("after_adam.") && !name.starts_with("after_adam.eval.")
    });
}

#[test]
fn golden_outputs_after_one_update() {
    all_agree("evaluation after the update", 1e-3, |name| name.starts_with("after_adam.eval."));
}
