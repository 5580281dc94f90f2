//! Whatever names a file uses → an encoder by our names, and a report of what was used, missing and ignored.

use super::{NamedTensor, Naming, WeightsError, parameters, to_tensors};
use crate::model::Encoder;
use crate::model::init::Init;
use crate::recipe::Depth;
use burn::module::Module;
use burn::tensor::Device;
use hico_data::Seed;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

const BACKBONE: &str = "encoder.backbone.";
const PYRAMID: &str = "encoder.pyramid.";

/// The slow copy that momentum methods keep beside the network that learns: never meant where both are there.
const SLOW_COPY: &str = "encoder_k.";

/// An encoder found among tensors.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// Its depth, as its tensors tell.
    pub depth: Depth,
    /// Whether it has a pyramid; without one the pyramid below is random, the same at every reading.
    pub pyramid: bool,
    /// Every tensor of the encoder, by our names (`encoder.*`), each of the model's shape.
    pub tensors: Vec<NamedTensor>,
    /// Which tensors were used.
    pub report: LoadReport,
}

/// What of a file was used for an encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// Whose names the file uses.
    pub naming: Naming,
    /// What stands before them, for instance `module.encoder_q.`; mostly nothing.
    pub prefix: String,
    /// The network that was found.
    pub depth: Depth,
    /// Names in the file of the tensors that were used.
    pub used: Vec<String>,
    /// Our names of the tensors that the file lacks and that therefore are random.
    pub missing: Vec<String>,
    /// Names in the file of the tensors that nothing here reads.
    pub ignored: Vec<String>,
}

impl LoadReport {
    /// The report in one sentence; names are gathered by their first part.
    #[must_use]
    pub fn words(&self) -> String {
        let listed = |names: &[String], depth: usize| match names {
            [] => "0".to_owned(),
            names => format!("{} ({})", names.len(), gathered(names, depth)),
        };
        let prefix = if self.prefix.is_empty() { String::new() } else { format!(" below {}", self.prefix) };
        format!(
            "{} by {}{prefix}: {} tensors used, {} missing{}, {} ignored",
            self.depth.words(),
            self.naming.words(),
            self.used.len(),
            listed(&self.missing, 2),
            if self.missing.is_empty() { "" } else { ": random" },
            listed(&self.ignored, 1),
        )
    }
}

/// The beginnings of names, `depth` parts of each, every one once.
fn gathered(names: &[String], depth: usize) -> String {
    const SHOWN: usize = 8;
    let begin = |name: &String| name.split('.').take(depth).collect::<Vec<_>>().join(".");
    let beginnings: BTreeSet<String> = names.iter().map(begin).collect();
    let more = if beginnings.len() > SHOWN { ", ..." } else { "" };
    beginnings.into_iter().take(SHOWN).map(|name| format!("{name}.*")).collect::<Vec<_>>().join(", ") + more
}

/// Finds the encoder among tensors, by any [`Naming`] and below any prefix.
///
/// # Errors
/// When there is none or more than one, or when the first tensor that does not fit is missing, has another shape, or
/// has no place in a ResNet-18, 34 or 50.
pub fn recognise(tensors: Vec<NamedTensor>) -> Result<Recognised, WeightsError> {
    let (naming, prefix) = naming_of(&tensors)?;
    let mut originals = HashMap::new();
    let mut by_name = BTreeMap::new();
    for tensor in tensors {
        // What stands outside the prefix is not the encoder's, whatever it is called.
        let ours = tensor.name.strip_prefix(&prefix).map(|name| naming.ours(name));
        let ours = ours.unwrap_or_else(|| format!("outside.{}", tensor.name));
        originals.insert(ours.clone(), tensor.name.clone());
        by_name.insert(ours, tensor);
    }
    let depth = depth_of(&by_name);
    let pyramid = by_name.keys().any(|name| name.starts_with(PYRAMID));
    let blank = Holder { encoder: Encoder::new(&Init::new(&Device::flex(), Seed(0)).at("encoder"), depth) };
    let expected = parameters(&blank);
    let theirs = |ours: &str| originals.get(ours).cloned().unwrap_or_else(|| format!("{prefix}{}", naming.name(ours)));

    let known: HashSet<&str> = expected.iter().map(|parameter| parameter.name.as_str()).collect();
    let strange = |name: &&String| name.starts_with("encoder.backbone.layer") && !known.contains(name.as_str());
    let mut missing = Vec::new();
    for parameter in &expected {
        match by_name.get(&parameter.name) {
            Some(tensor) if tensor.shape == parameter.shape => {}
            Some(tensor) => {
                let (found, expected) = (tensor.shape.clone(), parameter.shape.clone());
                return Err(WeightsError::Shape { name: theirs(&parameter.name), found, expected });
            }
            None if parameter.name.starts_with(PYRAMID) && !pyramid => missing.push(parameter.name.clone()),
            None => return Err(WeightsError::Missing { name: theirs(&parameter.name) }),
        }
    }
    if let Some(name) = by_name.keys().find(strange) {
        return Err(WeightsError::Extra { name: theirs(name), depth });
    }

    let mut used = Vec::new();
    let random = if missing.is_empty() { Vec::new() } else { to_tensors(&blank, Naming::Ours) };
    let mut random: HashMap<String, NamedTensor> = random.into_iter().map(|t| (t.name.clone(), t)).collect();
    let tensors = expected.iter().filter_map(|parameter| match by_name.remove(&parameter.name) {
        Some(tensor) => {
            used.push(tensor.name);
            Some(NamedTensor { name: parameter.name.clone(), ..tensor })
        }
        None => random.remove(&parameter.name),
    });
    let tensors = tensors.collect();
    let ignored = by_name.into_values().map(|tensor| tensor.name).collect();
    let report = LoadReport { naming, prefix, depth, used, missing, ignored };
    Ok(Recognised { depth, pyramid, tensors, report })
}

impl Recognised {
    /// The encoder on a device.
    ///
    /// # Errors
    /// None for what [`recognise`] gave; the tensors could have been changed since.
    pub fn encoder(&self, device: &Device) -> Result<Encoder, WeightsError> {
        let blank = Holder { encoder: Encoder::new(&Init::new(device, Seed(0)), self.depth) };
        Ok(super::from_tensors(blank, &self.tensors, Naming::Ours)?.encoder)
    }

    /// The tensors that came from the file: all but those of a pyramid that it does not have.
    pub fn given(&self) -> impl Iterator<Item = &NamedTensor> {
        self.tensors.iter().filter(|tensor| self.pyramid || tensor.name.starts_with(BACKBONE))
    }
}

/// Every tensor by our names, whatever the file calls them; what has no name of ours keeps its own.
///
/// # Errors
/// As [`recognise`], but for tensors that do not fit.
pub fn by_our_names(tensors: Vec<NamedTensor>) -> Result<Vec<NamedTensor>, WeightsError> {
    let (naming, prefix) = naming_of(&tensors)?;
    let ours = |name: &str| name.strip_prefix(&prefix).map_or_else(|| name.to_owned(), |name| naming.ours(name));
    Ok(tensors.into_iter().map(|tensor| NamedTensor { name: ours(&tensor.name), ..tensor }).collect())
}

/// Whose names these are, and what stands before them: known by the first convolution, its batch norm and the first
/// block.
fn naming_of(tensors: &[NamedTensor]) -> Result<(Naming, String), WeightsError> {
    let names: HashSet<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    for naming in Naming::ALL {
        let [conv, norm, block] =
            ["conv1", "bn1", "layer1.0.conv1"].map(|part| naming.name(&format!("{BACKBONE}{part}.weight")));
        let prefixes: BTreeSet<&str> = names.iter().filter_map(|name| name.strip_suffix(conv.as_str())).collect();
        let begins = |prefix: &str| prefix.is_empty() || prefix.ends_with('.');
        let whole = |prefix: &&str| {
            begins(prefix) && [&norm, &block].iter().all(|part| names.contains(format!("{prefix}{part}").as_str()))
        };
        let found: Vec<&str> = prefixes.into_iter().filter(whole).collect();
        // Beside a checkpoint's network stand the optimiser's tensors and perhaps a teacher, below prefixes.
        if found.contains(&"") {
            return Ok((naming, String::new()));
        }
        let fast: Vec<&str> = found.iter().copied().filter(|prefix| !prefix.ends_with(SLOW_COPY)).collect();
        match (if fast.is_empty() { &found } else { &fast }).as_slice() {
            [] => {}
            [only] => return Ok((naming, (*only).to_owned())),
            [first, second, ..] => {
                return Err(WeightsError::Several {
                    first: format!("{first}{conv}"),
                    second: format!("{second}{conv}"),
                });
            }
        }
    }
    Err(WeightsError::NoEncoder)
}

fn depth_of(by_name: &BTreeMap<String, NamedTensor>) -> Depth {
    let has = |name: &str| by_name.contains_key(&format!("{BACKBONE}{name}"));
    match (has("layer1.0.conv3.weight"), has("layer3.5.conv1.weight")) {
        (true, _) => Depth::R50,
        (false, true) => Depth::R34,
        (false, false) => Depth::R18,
    }
}

/// Gives the encoder the names it has inside a whole model.
#[derive(Module, Debug)]
struct Holder {
    encoder: Encoder,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The encoder's tensors as a file of that naming would have them.
    fn file(depth: Depth, naming: Naming, prefix: &str, pyramid: bool) -> Vec<NamedTensor> {
        let encoder = Encoder::new(&Init::new(&Device::flex(), Seed(4)).at("encoder"), depth);
        let mut tensors = to_tensors(&Holder { encoder }, Naming::Ours);
        tensors.retain(|tensor| pyramid || tensor.name.starts_with(BACKBONE));
        tensors.iter_mut().for_each(|tensor| tensor.name = format!("{prefix}{}", naming.name(&tensor.name)));
        tensors
    }

    fn refused(tensors: Vec<NamedTensor>) -> String {
        recognise(tensors).unwrap_err().to_string()
    }

    #[test]
    fn every_naming_below_any_prefix_is_the_same_encoder() {
        let ours = recognise(file(Depth::R18, Naming::Ours, "", true)).unwrap();
        assert!(ours.pyramid && ours.report.missing.is_empty() && ours.report.ignored.is_empty());
        for (naming, prefix) in [
            (Naming::Authors, ""),
            (Naming::Uscl, ""),
            (Naming::Torchvision, ""),
            (Naming::Torchvision, "module.encoder_q."),
            (Naming::Torchvision, "backbone."),
        ] {
            let pyramid = naming == Naming::Authors;
            let mut tensors = file(Depth::R18, naming, prefix, pyramid);
            tensors.push(NamedTensor { name: "fc.weight".into(), shape: vec![1], values: vec![0.0] });
            let found = recognise(tensors).unwrap();
            assert_eq!((found.depth, found.pyramid), (Depth::R18, pyramid));
            assert_eq!((found.report.naming, found.report.prefix.as_str()), (naming, prefix));
            assert_eq!(found.report.ignored, ["fc.weight"]);
            assert_eq!(found.report.missing.len(), if pyramid { 0 } else { 14 });
            let backbone = |all: &Recognised| -> Vec<NamedTensor> {
                all.tensors.iter().filter(|tensor| tensor.name.starts_with(BACKBONE)).cloned().collect()
            };
            assert_eq!(backbone(&found), backbone(&ours), "{naming:?}");
            found.encoder(&Device::flex()).unwrap();
        }
    }

    #[test]
    fn each_depth_is_told_by_its_tensors() {
        for depth in [Depth::R18, Depth::R34, Depth::R50] {
            assert_eq!(recognise(file(depth, Naming::Torchvision, "", false)).unwrap().depth, depth);
        }
    }

    #[test]
    fn the_first_mismatch_is_named_as_the_file_names_it() {
        let mut grey = file(Depth::R18, Naming::Torchvision, "net.", false);
        let first = grey.iter_mut().find(|tensor| tensor.name == "net.conv1.weight").unwrap();
        (first.shape, first.values) = (vec![64, 1, 7, 7], vec![0.0; 64 * 49]);
        let words = refused(grey);
        assert!(words.contains("net.conv1.weight is [64, 1, 7, 7]") && words.contains("[64, 3, 7, 7]"), "{words}");

        let mut shallow = file(Depth::R18, Naming::Torchvision, "", false);
        shallow.retain(|tensor| !tensor.name.starts_with("layer2.1."));
        assert!(refused(shallow).contains("layer2.1.conv1.weight"));

        let mut deep = file(Depth::R18, Naming::Torchvision, "", false);
        deep.push(NamedTensor { name: "layer4.2.conv1.weight".into(), shape: vec![1], values: vec![0.0] });
        let words = refused(deep);
        assert!(words.contains("layer4.2.conv1.weight") && words.contains("ResNet-18"), "{words}");

        assert!(refused(vec![]).contains("no ResNet"));
    }

    #[test]
    fn of_two_encoders_none_is_chosen_but_over_a_slow_copy() {
        let pair = |first: &str, second: &str| {
            let mut tensors = file(Depth::R18, Naming::Torchvision, first, false);
            tensors.extend(file(Depth::R18, Naming::Torchvision, second, false));
            tensors
        };
        let words = refused(pair("student.", "teacher."));
        assert!(words.contains("student.conv1.weight") && words.contains("teacher.conv1.weight"), "{words}");
        let found = recognise(pair("module.encoder_k.", "module.encoder_q.")).unwrap();
        assert_eq!(found.report.prefix, "module.encoder_q.");
        assert!(found.report.ignored.iter().all(|name| name.starts_with("module.encoder_k.")));
    }
}
