//! What each fuzz target does with an input: it goes the way that weights, checkpoints, recipes and studies go when they are
//! read. The targets in `fuzz/` are these functions, and the test here replays inputs through them.

use hico_eval::compare::study::Study;
use hico_model::weights::{self, WeightsOf};
use hico_train::checkpoint::{LAST_FILE, position};
use hico_train::recipe::Recipe;
use std::fs;
use std::path::{Path, PathBuf};

/// How many things came of an input, or why none did.
pub type Outcome = Result<usize, String>;

/// A file of weights (`.pth` or safetensors, as its content says): every tensor, then the encoder among them.
pub fn weights(bytes: &[u8]) -> Outcome {
    let desk = Desk::new();
    let path = desk.put("weights", bytes);
    let tensors = weights::read(&path).map_err(|error| told(&error))?;
    let claimed: usize = tensors.iter().map(|tensor| tensor.values.len()).sum();
    assert!(4 * claimed <= (64 << 20) + 64 * bytes.len(), "{claimed} values of {} bytes", bytes.len());
    for tensor in &tensors {
        assert_eq!(tensor.shape.iter().product::<usize>(), tensor.values.len(), "{}", tensor.name);
    }
    let count = tensors.len();
    for of in [WeightsOf::Online, WeightsOf::Teacher] {
        if let Err(error) = weights::recognise(tensors.clone(), &of) {
            told(&error);
        }
    }
    Ok(count)
}

/// The newest state of a run.
pub fn checkpoint(bytes: &[u8]) -> Outcome {
    let desk = Desk::new();
    desk.put(LAST_FILE, bytes);
    position(desk.0.path()).map(|found| usize::from(found.is_some())).map_err(|error| told(&error))
}

/// A recipe; what is accepted is written and read to the same.
pub fn recipe(bytes: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(bytes);
    let recipe = Recipe::parse(&text).map_err(|error| told(&error))?;
    assert!(recipe.train().learning_rate.get().is_finite() && recipe.view().std.is_finite());
    let written = toml::to_string(&recipe).unwrap();
    assert_eq!(Recipe::parse(&written).unwrap(), recipe, "{written}");
    Ok(1)
}

/// A study; the recipe that it may name is the paper's.
pub fn study(bytes: &[u8]) -> Outcome {
    let desk = Desk::new();
    desk.put("recipe.toml", b"");
    let path = desk.put("study.toml", bytes);
    let study = Study::read(&path).map_err(|error| told(&error))?;
    assert!(!study.methods.is_empty() && !study.data.is_empty());
    Ok(study.methods.len())
}

/// What is said of an input; it goes to a terminal.
fn told(error: &dyn std::error::Error) -> String {
    let words = error.to_string();
    assert!(!words.is_empty());
    words
}

/// A folder in memory where the system has such a one.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self(folder.unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}
