//! A golden case: which weights and images, by which reading, and what another implementation computes from them.

use hico_model::weights::{self, NamedTensor, Naming};
use hico_train::recipe::{CrossPairs, HicoRecipe, MediumFrom, Projector, SoftTarget};
use safetensors::{Dtype, SafeTensors};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is computed, and what should come out.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) recipe: HicoRecipe,
    /// Whose names the weights, and the tensors made of their names, have.
    pub(crate) naming: Naming,
    pub(crate) weights: Weights,
    pub(crate) side: usize,
    pub(crate) classes: usize,
    pub(crate) labels: Vec<Option<usize>>,
    /// Each `[batch, 3, side, side]`.
    pub(crate) views: [Vec<f32>; 2],
    /// Every number to be met, by the file's own names.
    pub(crate) expected: BTreeMap<String, Vec<f64>>,
    /// Parameters that get no gradient there.
    pub(crate) unused: BTreeSet<String>,
}

/// Where the weights before the step come from.
pub(crate) enum Weights {
    /// A file.
    Read(Vec<NamedTensor>),
    /// The rule that `golden/generate.py` states, from this seed.
    Ruled(u64),
}

const LEARNING_RATE: f64 = 3e-4;

impl Case {
    /// Our own small case, with weights and images made by a rule.
    pub(crate) fn ours(path: &Path) -> Self {
        let (tensors, words) = read(path);
        let word = |key: &str| words.get(key).unwrap_or_else(|| panic!("{}: no {key}", path.display())).as_str();
        let number = |key: &str| word(key).parse::<usize>().unwrap();
        assert_eq!(word("learning_rate").parse::<f64>().unwrap(), LEARNING_RATE);
        let (side, batch, seed) = (number("side"), number("batch"), word("seed").parse().unwrap());
        let image = |name: &str| rule::images(name, batch * 3 * side * side, seed);
        Self {
            name: format!("our own, {}", word("reading")),
            recipe: reading(word("reading")),
            naming: Naming::Ours,
            weights: Weights::Ruled(seed),
            side,
            classes: number("classes"),
            labels: labels(&tensors["labels"].1, number("classes")),
            views: ["view1", "view2"].map(image),
            expected: tensors.into_iter().map(|(name, (_, values))| (name, values)).collect(),
            unused: BTreeSet::new(),
        }
    }

    /// A folder in the format of the authors' case: a state dict, tensors, and norms of gradients in JSON.
    pub(crate) fn theirs(folder: &Path) -> Self {
        let (tensors, _) = read(&folder.join("authors_step.safetensors"));
        let weights = weights::read_pth(&folder.join("authors_best_model.pth")).unwrap();
        let json = std::fs::read_to_string(folder.join("authors_step.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let norms = json["grad_norms"].as_object().unwrap();
        let classes = weights.iter().find(|tensor| tensor.name == "fc.bias").unwrap().shape[0];
        let view = |name: &str| tensors[name].1.iter().map(|&value| value as f32).collect();
        let mut expected: BTreeMap<String, Vec<f64>> =
            tensors.iter().map(|(name, (_, values))| (name.clone(), values.clone())).collect();
        let known = norms.iter().filter_map(|(name, norm)| Some((name, norm.as_f64()?)));
        expected.extend(known.map(|(name, norm)| (format!("grad_norm.{name}"), vec![norm])));
        Self {
            name: folder.display().to_string(),
            recipe: reading("authors"),
            naming: Naming::Authors,
            side: tensors["view1"].0[3],
            classes,
            labels: labels(&tensors["labels"].1, classes),
            views: ["view1", "view2"].map(view),
            expected,
            unused: norms.iter().filter(|(_, norm)| norm.is_null()).map(|(name, _)| name.clone()).collect(),
            weights: Weights::Read(weights),
        }
    }

    /// Every tensor of the model before the step, by the case's names.
    ///
    /// - `blank`: the model's own tensors, for names and shapes
    pub(crate) fn weights(&self, blank: Vec<NamedTensor>) -> Vec<NamedTensor> {
        match &self.weights {
            Weights::Read(tensors) => tensors.clone(),
            Weights::Ruled(seed) => blank.into_iter().map(|tensor| rule::weights(tensor, *seed)).collect(),
        }
    }
}

fn reading(name: &str) -> HicoRecipe {
    match name {
        "paper" => HicoRecipe { projector: Projector::Pooled, ..HicoRecipe::default() },
        "authors" => HicoRecipe {
            medium_from: MediumFrom::P3,
            projector: Projector::Flattened,
            cross_pairs: CrossPairs::SameView,
            soft_target: SoftTarget::OverLabelled,
            ..HicoRecipe::default()
        },
        other => panic!("no reading is called {other}"),
    }
}

/// A number that is no class stands for no label.
fn labels(numbers: &[f64], classes: usize) -> Vec<Option<usize>> {
    let label = |&number: &f64| (number >= 0.0 && number < classes as f64).then_some(number as usize);
    numbers.iter().map(label).collect()
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f64>)>;

fn read(path: &Path) -> (Tensors, BTreeMap<String, String>) {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.iter().map(|(name, view)| {
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => data.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect(),
            Dtype::F64 => data.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect(),
            Dtype::I64 => data.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as f64).collect(),
            other => panic!("{name} is {other:?}"),
        };
        (name.to_owned(), (view.shape().to_vec(), values))
    });
    (tensors.collect(), header.metadata().clone().unwrap_or_default().into_iter().collect())
}

/// Weights and images without a file: a hash of name, place and seed, the same in `golden/generate.py`.
mod rule {
    use super::NamedTensor;

    pub(super) fn weights(tensor: NamedTensor, seed: u64) -> NamedTensor {
        let NamedTensor { name, shape, .. } = tensor;
        let fan_in: usize = shape.iter().skip(1).product();
        let scale = |unit: f64| match shape.len() {
            1 if name.ends_with("running_var") || name.ends_with("weight") => 1.0 + 0.25 * unit,
            1 => 0.1 * unit,
            _ => unit * (3.0 / fan_in as f64).sqrt(),
        };
        let values = units(&name, shape.iter().product(), seed).map(|unit| scale(unit) as f32).collect();
        NamedTensor { name, shape, values }
    }

    pub(super) fn images(name: &str, count: usize, seed: u64) -> Vec<f32> {
        units(name, count, seed).map(|unit| (2.0 * unit) as f32).collect()
    }

    /// `count` numbers from -1 to 1.
    fn units(name: &str, count: usize, seed: u64) -> impl Iterator<Item = f64> {
        let named = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        (1..=count as u64).map(move |place| {
            let mut mixed = named.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(seed);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            (mixed >> 40) as f64 / f64::from(1 << 23) - 1.0
        })
    }
}
