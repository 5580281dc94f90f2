//! Encoders of pretraining runs, and of files that may lie in one: their weights, and what is known of how they came to be.

use super::checkpoint::{BEST_FILE, LAST_FILE};
use super::run_record::{RECIPE_FILE, RUN_FILE, RunRecord, compatible};
use crate::Error;
use crate::recipe::Recipe;
use hico_data::view::ViewRecipe;
use hico_model::export::source::Source;
use hico_model::history::{Beginning, History, PretrainingFacts};
use hico_model::pretrained::{Pretrained, Seen};
use hico_model::weights::{NamedTensor, WeightsOf};
use std::path::Path;

/// Reads a run's folder (its best checkpoint, else its last), a folder of `hico finetune` with one network, or a file of
/// weights, safetensors or PyTorch's.
///
/// # Errors
/// When there is neither, a file is broken, or it holds no encoder.
pub fn read(path: &Path) -> Result<Pretrained, Error> {
    read_of(path, &WeightsOf::Online)
}

/// As [`read`], choosing between the networks of a file that holds several.
///
/// # Errors
/// As [`read`], or when there is no such network.
pub fn read_of(path: &Path, of: &WeightsOf) -> Result<Pretrained, Error> {
    if path.join(RUN_FILE).is_file() {
        return of_folder(path, of);
    }
    let read = match Pretrained::read_of(path, of) {
        Err(hico_model::Error::NoModel(folder)) => return Err(Error::NotARun { folder, lacks: RUN_FILE }),
        read => read?,
    };
    Ok(match run_beside(path).filter(|_| !read.has_history()) {
        Some((view, history)) => of_view(read.with_history(history), view),
        None => read,
    })
}

/// Reads what is exported or embedded by: as [`read_of`], with every tensor of the network.
///
/// # Errors
/// As [`read_of`].
pub fn source(path: &Path, of: &WeightsOf) -> Result<Source, Error> {
    let prepared = if path.join(RUN_FILE).is_file() { RunRecord::read(path)?.data.preprocessing } else { None };
    Ok(Source::new(path, read_of(path, of)?, of, prepared)?)
}

fn of_folder(folder: &Path, of: &WeightsOf) -> Result<Pretrained, Error> {
    let (record, recipe) = run_in(folder)?;
    if !compatible(&record.version) {
        return Err(Error::RunVersion { folder: folder.to_owned(), run: record.version });
    }
    let checkpoint = [BEST_FILE, LAST_FILE].map(|name| folder.join(name)).into_iter().find(|path| path.is_file());
    let checkpoint =
        checkpoint.ok_or_else(|| Error::NoCheckpoint { folder: folder.to_owned(), wanted: [BEST_FILE, LAST_FILE] })?;
    let facts = record.facts(folder, &recipe);
    let read = Pretrained::plain_file(&checkpoint, of)?.0.with_history(run_history(facts));
    let mut read = of_view(read, recipe.view().clone());
    read.name = record.method.to_string();
    Ok(read)
}

fn of_view(mut pretrained: Pretrained, view: ViewRecipe) -> Pretrained {
    pretrained.view = Some(view);
    pretrained
}

/// Reads record and recipe of a run.
///
/// # Errors
/// When one of them is missing or broken.
pub fn run_in(folder: &Path) -> Result<(RunRecord, Recipe), Error> {
    let record = RunRecord::read(folder)?;
    let path = folder.join(RECIPE_FILE);
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Input { path: path.clone(), source })?;
    let recipe = Recipe::of_record(&text).map_err(|source| Error::InFile { path, source: Box::new(source) })?;
    Ok((record, recipe))
}

/// Finds the encoder of a run among its tensors in memory; `None` where they hold none.
#[must_use]
pub fn of_run(record: &RunRecord, recipe: &Recipe, tensors: Vec<NamedTensor>) -> Option<Pretrained> {
    let method = record.method.to_string();
    let read = Pretrained::from_tensors(&method, String::new(), None, Seen::Unknown, tensors, &WeightsOf::Online);
    let history = run_history(record.facts(Path::new(""), recipe));
    let mut read = of_view(read.ok()?.with_history(history), recipe.view().clone());
    read.description = format!("pretrained by {method} within each fold's training groups");
    Some(read)
}

fn run_history(facts: PretrainingFacts) -> History {
    History { beginning: Beginning::Run(Box::new(facts)), tuning: None, test: None }
}

/// The run whose checkpoint a file is, by the record that lies beside it.
fn run_beside(path: &Path) -> Option<(ViewRecipe, History)> {
    let name = path.file_name()?;
    if ![BEST_FILE, LAST_FILE].iter().any(|checkpoint| name == *checkpoint) {
        return None;
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (record, recipe) = run_in(folder).ok().filter(|(record, _)| compatible(&record.version))?;
    Some((recipe.view().clone(), run_history(record.facts(folder, &recipe))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HicoModel;
    use crate::recipe::HicoRecipe;
    use burn::tensor::Device;
    use hico_data::Seed;
    use hico_model::init::Init;
    use hico_model::weights::{self, Naming};
    use hico_model::{BackboneName, Encoder};
    use std::collections::BTreeMap;

    fn tensors(naming: Naming, depth: BackboneName) -> (Encoder, Vec<NamedTensor>) {
        let model = HicoModel::new(depth, &HicoRecipe::default(), 32, 3, &Init::new(&Device::flex(), Seed(4)));
        let tensors = weights::to_tensors(&model, naming);
        (model.encoder, tensors)
    }

    #[test]
    fn an_encoder_comes_back_from_a_file_by_our_names_and_by_the_authors() {
        let folder = tempfile::tempdir().unwrap();
        for (naming, depth) in [(Naming::Authors, BackboneName::RESNET18), (Naming::Ours, BackboneName::RESNET34)] {
            let (encoder, tensors) = tensors(naming, depth);
            let path = folder.path().join("weights.safetensors");
            std::fs::write(&path, weights::to_safetensors(&tensors, &BTreeMap::new()).unwrap()).unwrap();
            let found = read(&path).unwrap();
            assert_eq!((found.backbone, &found.seen), (depth, &Seen::Unknown));
            let tensors = weights::to_tensors(&found.encoder(&Device::flex()).unwrap(), Naming::Ours);
            assert_eq!(tensors, weights::to_tensors(&encoder, Naming::Ours));
        }
    }

    #[test]
    fn what_is_no_encoder_is_refused_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let reason = |path: &Path| read(path).unwrap_err().to_string();
        assert!(reason(&folder.path().join("nowhere")).contains("no such run or file"));
        assert!(reason(folder.path()).contains("not a run"));
        let path = folder.path().join("other.safetensors");
        let other = NamedTensor { name: "weight".into(), shape: vec![1], values: vec![1.0] };
        std::fs::write(&path, weights::to_safetensors(&[other], &BTreeMap::new()).unwrap()).unwrap();
        assert!(reason(&path).contains("holds no ResNet encoder"));
        std::fs::write(&path, b"short").unwrap();
        assert!(reason(&path).contains("not a whole safetensors file"));
    }

    /// `fixtures/format-0/run` was written by version 0.1.0 before a run knew how its clips were prepared.
    #[test]
    fn record_and_recipe_of_a_run_of_format_0_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/format-0/run");
        let (record, recipe) = run_in(&folder).unwrap();
        assert_eq!((record.clips.len(), record.data.preprocessing, record.groups.len()), (6, None, 3));
        assert_eq!((recipe.method().name(), recipe.view().side), (record.method, 32));
    }
}
