//! A fine-tuned network as a file: safetensors, with all that is needed to use it in its metadata.

use super::classifier::{Classifier, Trainable};
use super::history::History;
use super::known::{Described, Known, KnownFrame};
use crate::init::Init;
use crate::weights::{self, NamedTensor};
use crate::{BackboneName, Encoder, Error, FeatureSet, VERSION};
use burn::tensor::Device;
use hico_data::view::ViewRecipe;
use hico_data::{Dataset, Preprocessing, Seed, atomic};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a fine-tuned network is, apart from its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassifierFacts {
    /// Version of the program that wrote it.
    pub version: String,
    /// The classes, in the order of the outputs.
    pub classes: Vec<String>,
    /// What of it was trained.
    pub trainable: Trainable,
    /// What the head reads; files of earlier versions read C5.
    #[serde(default)]
    pub features: FeatureSet,
    /// The backbone. Files of earlier versions call it `depth`.
    #[serde(alias = "depth")]
    pub backbone: BackboneName,
    /// The views it expects.
    pub view: ViewRecipe,
    /// Hash of the table it was trained on.
    pub data: String,
    /// How the clips that it learnt from were prepared.
    /// Files of earlier versions call it `prepared`.
    #[serde(default, alias = "prepared")]
    pub preprocessing: Preprocessing,
    /// What its logits are divided by, so that its confidence is true on the inner validation groups; 1 changes nothing.
    #[serde(default = "one")]
    pub temperature: f64,
    /// Where it comes from, and what it reached; files of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
}

/// What is known of training frames besides their descriptions: a row of each of [`KNOWN`], and what distance is usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KnownFacts {
    frames: Vec<KnownFrame>,
    usual: [f64; 2],
    /// Files of earlier versions hold no layouts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usual_layout: Option<f64>,
}

const fn one() -> f64 {
    1.0
}

/// A fine-tuned network from its file.
#[derive(Debug)]
pub struct Saved {
    /// The network.
    pub classifier: Classifier,
    /// What it is.
    pub facts: ClassifierFacts,
    /// What it learnt from; files of earlier versions do not tell.
    pub known: Option<Known>,
}

/// Where what is known of training frames stands in the file's metadata.
const KNOWN_FACTS: &str = "hico.known";

/// Names of the descriptions of training frames, `[frames, length]` each, in the file.
const KNOWN: [&str; 3] = ["known.features", "known.look", "known.layout"];

/// Where the facts stand in the file's metadata.
pub(crate) const FACTS: &str = "hico.classifier";

/// File name of a fine-tuned network inside an evaluation's folder.
///
/// - `fold`: that was tested; `None` where it learnt from every patient
#[must_use]
pub fn file_name(candidate: &str, fold: Option<usize>, seed: u64) -> PathBuf {
    let fold = fold.map_or_else(|| "all".to_owned(), |fold| format!("fold{fold}"));
    PathBuf::from(format!("{candidate}-{fold}-seed{seed}.safetensors"))
}

impl ClassifierFacts {
    /// The facts of a network that was trained on `dataset`.
    #[must_use]
    pub fn new(dataset: &Dataset, classifier: &Classifier, view: &ViewRecipe) -> Self {
        Self {
            version: VERSION.to_owned(),
            classes: dataset.classes().to_vec(),
            trainable: classifier.trainable(),
            features: classifier.reads(),
            backbone: classifier.encoder.backbone.name(),
            view: view.clone(),
            data: dataset.manifest().hash(),
            preprocessing: dataset.preprocessing(),
            temperature: 1.0,
            history: None,
        }
    }

    /// Refuses what no network can have been written with.
    fn check(&self) -> Result<(), String> {
        self.view.check().map_err(|fault| fault.to_string())?;
        // Calibration keeps to some powers of e around 1.
        if !(1e-3..=1e3).contains(&self.temperature) {
            return Err(format!("its temperature is {:e}, and must be from 0.001 to 1000", self.temperature));
        }
        if !(1..=MOST_CLASSES).contains(&self.classes.len()) {
            return Err(format!("it has {} classes, and must have 1 to {MOST_CLASSES}", self.classes.len()));
        }
        Ok(())
    }
}

/// Classes of a network, at most: room is made for a head before its weights are looked at.
const MOST_CLASSES: usize = 10_000;

/// Writes a fine-tuned network.
///
/// # Errors
/// When the file cannot be written.
pub fn save(
    path: &Path,
    classifier: &Classifier,
    facts: &ClassifierFacts,
    known: Option<&Known>,
) -> std::io::Result<()> {
    let mut metadata = BTreeMap::from([(FACTS.to_owned(), serde_json::to_string(facts)?)]);
    let mut tensors = classifier.to_tensors();
    if let Some(known) = known {
        let usual_layout = known.usual_layout();
        let told = KnownFacts { frames: known.frames().to_vec(), usual: known.usual(), usual_layout };
        metadata.insert(KNOWN_FACTS.to_owned(), serde_json::to_string(&told)?);
        let rows: [fn(&Described) -> &[f32]; 3] = [|frame| &frame.features, |frame| &frame.look, |frame| &frame.layout];
        let count = if usual_layout.is_some() { 3 } else { 2 };
        tensors.extend(KNOWN.into_iter().zip(rows).take(count).map(|(name, row)| {
            let rows: Vec<&[f32]> = known.described().iter().map(row).collect();
            let shape = vec![rows.len(), rows.first().map_or(0, |row| row.len())];
            NamedTensor { name: name.to_owned(), shape, values: rows.concat() }
        }));
    }
    let bytes = weights::to_safetensors(&tensors, &metadata).map_err(std::io::Error::other)?;
    atomic::write(path, &bytes)
}

/// Reads a fine-tuned network onto a device.
///
/// # Errors
/// When the file cannot be read, is none of ours, or its weights do not fit its own facts.
pub fn load(path: &Path, device: &Device) -> Result<Saved, Error> {
    let (tensors, metadata) = weights::read_safetensors(path)?;
    let facts = facts(path, &metadata)?.ok_or_else(|| Error::BrokenWeights {
        path: path.to_owned(),
        reason: "it is no fine-tuned network of `hico finetune`".to_owned(),
    })?;
    weights::finite_in(path, &tensors)?;
    let init = Init::new(device, Seed(0));
    let encoder = Encoder::new(&init.at("encoder"), facts.backbone);
    let classifier = Classifier::new(&init, encoder, facts.classes.len(), facts.trainable, facts.features);
    let classifier = classifier.with_tensors(&tensors).map_err(|error| error.of_file(path))?;
    let known = parsed::<KnownFacts>(path, &metadata, KNOWN_FACTS)?;
    let known = known.map(|known| known_of(path, known, &tensors, facts.classes.len())).transpose()?;
    Ok(Saved { classifier, facts, known })
}

/// The training frames with their features; the two must fit.
fn known_of(path: &Path, known: KnownFacts, tensors: &[NamedTensor], classes: usize) -> Result<Known, Error> {
    let broken = |reason: &str| Error::BrokenWeights { path: path.to_owned(), reason: reason.to_owned() };
    let KnownFacts { frames, usual, usual_layout } = known;
    let labelled = frames.iter().all(|frame| frame.label < classes);
    let mut distances = usual.iter().chain(&usual_layout);
    if frames.is_empty() || !labelled || !distances.all(|usual| usual.is_finite() && *usual > 0.0) {
        return Err(broken("what it says of its training frames makes no sense"));
    }
    let rows = |name: &str| -> Result<Vec<Vec<f32>>, Error> {
        let tensor = tensors.iter().find(|tensor| tensor.name == name);
        let tensor = tensor.ok_or_else(|| broken(&format!("it names training frames but has no {name}")))?;
        match *tensor.shape.as_slice() {
            [count, width] if count == frames.len() && width > 0 => {
                Ok(tensor.values.chunks_exact(width).map(<[f32]>::to_vec).collect())
            }
            _ => Err(broken(&format!("{name} does not fit what it says of its training frames"))),
        }
    };
    let [features, looks] = [rows(KNOWN[0])?, rows(KNOWN[1])?];
    let layouts = match usual_layout {
        Some(_) => rows(KNOWN[2])?,
        None => vec![Vec::new(); frames.len()],
    };
    let described = features.into_iter().zip(looks).zip(layouts);
    let described = described.map(|((features, look), layout)| Described { features, look, layout });
    Ok(Known::from_parts(frames, described.collect(), usual, usual_layout))
}

/// The files in a folder that hold a fine-tuned network, sorted by name.
///
/// # Errors
/// When the folder cannot be read; a file that cannot be is none.
pub fn networks_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_weights = path.extension().is_some_and(|suffix| suffix == "safetensors");
        if is_weights && weights::read_words(&path).is_ok_and(|words| words.contains_key(FACTS)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The facts in a file's metadata; `None` where it is no fine-tuned network.
///
/// # Errors
/// When they are broken.
pub fn facts(path: &Path, metadata: &BTreeMap<String, String>) -> Result<Option<ClassifierFacts>, Error> {
    let facts = parsed::<ClassifierFacts>(path, metadata, FACTS)?;
    match facts.as_ref().map(ClassifierFacts::check) {
        Some(Err(reason)) => Err(Error::BrokenWeights { path: path.to_owned(), reason }),
        _ => Ok(facts),
    }
}

fn parsed<T: DeserializeOwned>(
    path: &Path,
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<Option<T>, Error> {
    let broken = |error: serde_json::Error| Error::BrokenWeights { path: path.to_owned(), reason: error.to_string() };
    metadata.get(key).map(|text| serde_json::from_str(text).map_err(broken)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame_ref::FrameRef;
    use crate::test_data;
    use hico_data::preprocessing::Fit;

    #[test]
    fn a_network_and_its_facts_come_back_from_their_file() {
        let device = Device::flex();
        let data = test_data::spots(&[("a", Some(0), 0), ("b", Some(1), 1)]);
        let init = Init::new(&device, Seed(8));
        let encoder = Encoder::new(&init.at("encoder"), BackboneName::RESNET18);
        let classifier = Classifier::new(&init, encoder, 2, Trainable::LastBlock, FeatureSet::C5);
        let facts = ClassifierFacts::new(&data, &classifier, &ViewRecipe::default());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file_name("hico", Some(0), 1));
        save(&path, &classifier, &facts, None).unwrap();
        let read = load(&path, &device).unwrap();
        assert_eq!((read.facts, read.known), (facts.clone(), None));
        assert_eq!(read.classifier.to_tensors(), classifier.to_tensors());

        let described = |clip: usize| Described {
            features: vec![1.0, clip as f32, -2.0],
            look: vec![clip as f32; 2],
            layout: vec![0.6, clip as f32],
        };
        let fit = [0, 1].map(|clip| (FrameRef { clip, frame: 0 }, described(clip)));
        let known = Known::new(&data, fit.to_vec(), &fit[..1]);
        save(&path, &classifier, &ClassifierFacts { temperature: 1.5, ..facts }, Some(&known)).unwrap();
        let read = load(&path, &device).unwrap();
        assert_eq!((read.known.as_ref(), read.facts.temperature), (Some(&known), 1.5));
        // A value or a fact that is no number is refused by its name.
        let (whole, words) = weights::read_safetensors(&path).unwrap();
        let refused = |tensors: &[NamedTensor], words: &BTreeMap<String, String>| {
            std::fs::write(&path, weights::to_safetensors(tensors, words).unwrap()).unwrap();
            load(&path, &device).unwrap_err().to_string()
        };
        for name in ["head.bias", KNOWN[1], "encoder.backbone.layer1.0.bn1.running_mean"] {
            let mut odd = whole.clone();
            odd.iter_mut().find(|tensor| tensor.name == name).unwrap().values[1] = f32::NAN;
            let said = refused(&odd, &words);
            assert!(said.contains(&format!("tensor {name}")) && said.contains("hico-fold0-seed1"), "{said}");
        }
        for (from, to, said) in [
            ("\"temperature\":1.5", "\"temperature\":0.0", "temperature is 0e0"),
            ("\"std\":0.25", "\"std\":0.0", "view.std = 0"),
            ("\"image_size\":224", "\"image_size\":224000", "view.image_size = 224000"),
        ] {
            let facts = words[FACTS].replace(from, to);
            assert_ne!(facts, words[FACTS], "{from}");
            let found = refused(&whole, &BTreeMap::from([(FACTS.to_owned(), facts)]));
            assert!(found.contains(said), "{found}");
        }
        std::fs::write(&path, weights::to_safetensors(&whole, &words).unwrap()).unwrap();
        // Features that do not fit what is told of them are refused.
        let (mut tensors, metadata) = weights::read_safetensors(&path).unwrap();
        let place = tensors.iter().position(|tensor| tensor.name == KNOWN[0]).unwrap();
        (tensors[place].shape, tensors[place].values) = (vec![1, 3], vec![0.0; 3]);
        std::fs::write(&path, weights::to_safetensors(&tensors, &metadata).unwrap()).unwrap();
        assert!(load(&path, &device).unwrap_err().to_string().contains("does not fit"));
        tensors.remove(place);
        std::fs::write(&path, weights::to_safetensors(&tensors, &metadata).unwrap()).unwrap();
        assert!(load(&path, &device).unwrap_err().to_string().contains("no known.features"));
    }

    /// `fixtures/format-0/model.json` holds the words of a network that version 0.1.0 wrote before `Preprocessing` stood in it.
    #[test]
    fn words_of_a_network_of_format_0_read() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/format-0/model.json");
        let words: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let facts = facts(Path::new("model"), &words).unwrap().unwrap();
        let expected = Preprocessing { fit: Fit::Pad, ..Preprocessing::resized(24) };
        assert_eq!((facts.preprocessing, facts.classes.len(), facts.view.side), (expected, 3, 32));
        assert!(facts.history.unwrap().tuning.is_some_and(|tuning| tuning.learnt.count == 3));
        let known = parsed::<KnownFacts>(Path::new("model"), &words, KNOWN_FACTS).unwrap().unwrap();
        assert_eq!(known.frames.len(), 6);
    }
}
