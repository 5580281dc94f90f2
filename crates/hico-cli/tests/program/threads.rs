//! The number of threads changes how long it takes, and nothing else.

use crate::setting::{dataset, done, tensors};

#[test]
fn weights_do_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dataset(folder, "--patients 9 --frames 3 --seed 2");
    for threads in [1, 3] {
        // Large enough for the engine to share out its work.
        let line = "pretrain data --side 96 --batch 6 --epochs 1 --device cpu --quiet";
        done(folder, &format!("{line} --threads {threads} --out run-{threads}"));
    }
    for file in ["last.safetensors", "best.safetensors"] {
        let of = |threads: u8| tensors(&folder.join(format!("run-{threads}")).join(file));
        assert!(of(1) == of(3), "{file} differs");
    }
}
