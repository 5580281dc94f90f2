//! Whatever names a file uses → an encoder by our names, and a report of what was used, missing and ignored.

use super::find::{BACKBONE, Found, WeightsOf, find};
use super::{NamedTensor, Naming, finite, parameters, to_tensors};
use crate::backbone::{self, Architecture};
use crate::init::Init;
use crate::{BackboneName, Encoder, Error};
use burn::module::Module;
use burn::tensor::Device;
use hico_data::Seed;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

const PYRAMID: &str = "encoder.pyramid.";

/// An encoder found among tensors.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// Its backbone, as its tensors tell.
    pub backbone: BackboneName,
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
    /// Whether it is a momentum (EMA) teacher.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub teacher: bool,
    /// What stands before the names of the other encoders in the file, which are not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
    /// Classes of the classifier that torchvision's names have on it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
    /// The backbone that was found.
    pub backbone: BackboneName,
    /// Names in the file of the tensors that were used.
    pub used: Vec<String>,
    /// Our names of the tensors that the file lacks and that therefore are random.
    pub missing: Vec<String>,
    /// Names in the file of the tensors that nothing here reads.
    pub ignored: Vec<String>,
}

impl LoadReport {
    /// Whether the names are those of torchvision's and timm's networks, which were trained on ImageNet, and no other
    /// classifier than one of its thousand classes is on them.
    #[must_use]
    pub fn is_of_imagenet(&self) -> bool {
        let of_library = !self.backbone.get().libraries().is_empty();
        matches!(self.naming, Naming::Torchvision | Naming::Own)
            && of_library
            && matches!(self.prefix.as_str(), "" | "module." | "model.")
            && self.classes.is_none_or(|classes| classes == 1000)
    }

    /// The report in one sentence; names are gathered by their first part.
    #[must_use]
    pub fn words(&self) -> String {
        let listed = |names: &[String], depth: usize| match names {
            [] => "0".to_owned(),
            names => format!("{} ({})", names.len(), gathered(names, depth)),
        };
        let prefix = if self.prefix.is_empty() { String::new() } else { format!(" below {}", self.prefix) };
        let which = match (self.teacher, self.beside.as_slice()) {
            (false, []) => String::new(),
            (true, []) => " (a momentum teacher, the only network there)".to_owned(),
            (true, beside) => format!(" (the momentum teacher, not the network {} beside it)", named(beside)),
            (false, beside) => format!(" (not {} beside it; --weights-of takes another)", named(beside)),
        };
        format!(
            "{} by {}{prefix}{which}: {} tensors used, {} missing{}, {} ignored",
            self.backbone.title(),
            self.naming.words(),
            self.used.len(),
            listed(&self.missing, 2),
            if self.missing.is_empty() { "" } else { ": random" },
            listed(&self.ignored, 1),
        )
    }
}

/// Prefixes, each as it stands before names.
fn named(prefixes: &[String]) -> String {
    let shown = |prefix: &String| if prefix.is_empty() { "without a prefix".to_owned() } else { format!("{prefix}*") };
    prefixes.iter().map(shown).collect::<Vec<_>>().join(", ")
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
/// - `of`: which is meant where a network and its momentum teacher are there
///
/// # Errors
/// When there is none or nothing says which, or when the first tensor that does not fit is missing, has another shape or
/// a value that is no number, or has no place in a backbone that is known.
pub fn recognise(tensors: Vec<NamedTensor>, of: &WeightsOf) -> Result<Recognised, Error> {
    let Found { names, prefix, teacher, beside } = find(&tensors, of)?;
    // torchvision's and timm's names of a classifier on a ResNet, and timm's on others.
    let classifier = match names.naming {
        Naming::Torchvision => Some("fc.weight"),
        Naming::Own => Some("head.fc.weight"),
        Naming::Ours | Naming::Authors | Naming::Uscl | Naming::Sequential => None,
    };
    let classes = classifier.and_then(|name| tensors.iter().find(|t| t.name.strip_prefix(&prefix) == Some(name)));
    let classes = classes.and_then(|tensor| tensor.shape.first().copied());
    let mut originals = HashMap::new();
    let mut by_name = BTreeMap::new();
    for tensor in tensors {
        // What stands outside the prefix is not the encoder's, whatever it is called.
        let ours = tensor.name.strip_prefix(&prefix).map(|name| names.ours(name));
        let ours = ours.unwrap_or_else(|| format!("outside.{}", tensor.name));
        originals.insert(ours.clone(), tensor.name.clone());
        by_name.insert(ours, tensor);
    }
    let backbone = backbone_of(&by_name);
    let pyramid = by_name.keys().any(|name| name.starts_with(PYRAMID));
    let blank = Holder { encoder: Encoder::new(&Init::new(&Device::flex(), Seed(0)).at("encoder"), backbone) };
    let expected = parameters(&blank);
    let theirs = |ours: &str| originals.get(ours).cloned().unwrap_or_else(|| format!("{prefix}{}", names.theirs(ours)));

    let known: HashSet<&str> = expected.iter().map(|parameter| parameter.name.as_str()).collect();
    let architecture = backbone.architecture();
    let strange = |name: &&String| {
        let inside = name.strip_prefix(BACKBONE);
        inside.is_some_and(|inside| is_of_stages(&architecture, inside)) && !known.contains(name.as_str())
    };
    let mut missing = Vec::new();
    for parameter in &expected {
        match by_name.get(&parameter.name) {
            Some(tensor) if tensor.shape == parameter.shape => finite::of_tensor(tensor, &theirs(&parameter.name))?,
            Some(tensor) => {
                let (found, expected) = (tensor.shape.clone(), parameter.shape.clone());
                return Err(Error::TensorShape { name: theirs(&parameter.name), found, expected });
            }
            None if parameter.name.starts_with(PYRAMID) && !pyramid => missing.push(parameter.name.clone()),
            None => return Err(Error::NoTensor { name: theirs(&parameter.name) }),
        }
    }
    if let Some(name) = by_name.keys().find(strange) {
        return Err(Error::ExtraTensor { name: theirs(name), backbone: backbone.title() });
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
    let report =
        LoadReport { naming: names.naming, prefix, teacher, beside, classes, backbone, used, missing, ignored };
    Ok(Recognised { backbone, pyramid, tensors, report })
}

impl Recognised {
    /// The encoder on a device.
    ///
    /// # Errors
    /// None for what [`recognise`] gave; the tensors could have been changed since.
    pub fn encoder(&self, device: &Device) -> Result<Encoder, Error> {
        let blank = Holder { encoder: Encoder::new(&Init::new(device, Seed(0)), self.backbone) };
        Ok(super::from_tensors(blank, &self.tensors, Naming::Ours)?.encoder)
    }

    /// The tensors that came from the file: all but those of a pyramid that it does not have.
    pub fn given(&self) -> impl Iterator<Item = &NamedTensor> {
        self.tensors.iter().filter(|tensor| self.pyramid || tensor.name.starts_with(BACKBONE))
    }
}

/// Every tensor by our names, whatever the file calls them; what has no name of ours keeps its own, and other encoders of
/// the file are left out where their names would be the same.
///
/// # Errors
/// As [`recognise`], but for tensors that do not fit.
pub fn by_our_names(tensors: Vec<NamedTensor>, of: &WeightsOf) -> Result<Vec<NamedTensor>, Error> {
    let Found { names, prefix, .. } = find(&tensors, of)?;
    let inside = |name: &str| name.strip_prefix(prefix.as_str()).map(|name| names.ours(name));
    let taken: HashSet<String> = tensors.iter().filter_map(|tensor| inside(&tensor.name)).collect();
    let renamed = tensors.into_iter().filter_map(|tensor| match inside(&tensor.name) {
        Some(name) => Some(NamedTensor { name, ..tensor }),
        None => (!taken.contains(&tensor.name)).then_some(tensor),
    });
    Ok(renamed.collect())
}

/// The backbone from which the fewest names of tensors are missing and left over, and of those that are alike in this the one
/// of which the fewest shapes differ.
fn backbone_of(by_name: &BTreeMap<String, NamedTensor>) -> BackboneName {
    let inside: BTreeMap<&str, &NamedTensor> =
        by_name.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(BACKBONE)?, tensor))).collect();
    let distance = |backbone: &BackboneName| {
        let architecture = backbone.architecture();
        let expected: HashMap<String, Vec<usize>> = architecture.tensors().into_iter().collect();
        let missing = expected.keys().filter(|name| !inside.contains_key(name.as_str())).count();
        let is_over = |name: &&&str| is_of_stages(&architecture, name) && !expected.contains_key(**name);
        let over = inside.keys().filter(is_over).count();
        let other = expected
            .iter()
            .filter(|(name, shape)| inside.get(name.as_str()).is_some_and(|tensor| tensor.shape != **shape));
        (missing + over, other.count())
    };
    backbone::all().into_iter().min_by_key(distance).unwrap_or_default()
}

/// Whether a name inside a backbone begins as those of one of its stages.
fn is_of_stages(architecture: &Architecture, name: &str) -> bool {
    let root = |name: &str| name.split('.').next().map(str::to_owned);
    architecture.stages.iter().any(|stage| root(&stage.name) == root(name))
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
    fn file(backbone: BackboneName, naming: Naming, prefix: &str, pyramid: bool) -> Vec<NamedTensor> {
        let encoder = Encoder::new(&Init::new(&Device::flex(), Seed(4)).at("encoder"), backbone);
        let mut tensors = to_tensors(&Holder { encoder }, Naming::Ours);
        tensors.retain(|tensor| pyramid || tensor.name.starts_with(BACKBONE));
        tensors.iter_mut().for_each(|tensor| tensor.name = format!("{prefix}{}", naming.name(&tensor.name)));
        tensors
    }

    fn online(tensors: Vec<NamedTensor>) -> Recognised {
        recognise(tensors, &WeightsOf::Online).unwrap()
    }

    fn refused(tensors: Vec<NamedTensor>) -> String {
        recognise(tensors, &WeightsOf::Online).unwrap_err().to_string()
    }

    #[test]
    fn every_naming_below_any_prefix_is_the_same_encoder() {
        let ours = online(file(BackboneName::RESNET18, Naming::Ours, "", true));
        assert!(ours.pyramid && ours.report.missing.is_empty() && ours.report.ignored.is_empty());
        for (naming, prefix) in [
            (Naming::Authors, ""),
            (Naming::Uscl, ""),
            (Naming::Torchvision, ""),
            (Naming::Torchvision, "module.encoder_q."),
            (Naming::Torchvision, "backbone."),
            (Naming::Sequential, ""),
            (Naming::Sequential, "module.backbone."),
            (Naming::Sequential, "encoder."),
        ] {
            let pyramid = naming == Naming::Authors;
            let mut tensors = file(BackboneName::RESNET18, naming, prefix, pyramid);
            tensors.push(NamedTensor { name: "fc.weight".into(), shape: vec![1], values: vec![0.0] });
            let found = online(tensors);
            assert_eq!((found.backbone, found.pyramid), (BackboneName::RESNET18, pyramid));
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
        for depth in [BackboneName::RESNET18, BackboneName::RESNET34, BackboneName::RESNET50] {
            assert_eq!(online(file(depth, Naming::Torchvision, "", false)).backbone, depth);
        }
    }

    #[test]
    fn a_convnext_is_known_by_timms_names_and_by_ours() {
        let name = BackboneName::CONVNEXT_TINY;
        for (naming, prefix) in [(Naming::Ours, ""), (Naming::Own, ""), (Naming::Own, "module.encoder_q.")] {
            let mut tensors = file(name, naming, prefix, false);
            let head = NamedTensor { name: format!("{prefix}head.fc.weight"), shape: vec![1], values: vec![0.0] };
            tensors.push(head);
            let found = online(tensors);
            let report = &found.report;
            assert_eq!((found.backbone, report.naming, report.prefix.as_str()), (name, naming, prefix));
            assert_eq!((report.used.len(), &report.ignored), (178, &vec![format!("{prefix}head.fc.weight")]));
            assert!(!report.is_of_imagenet(), "a classifier of one class");
        }
        let mut deep = file(name, Naming::Own, "", false);
        deep.push(NamedTensor { name: "stages.2.blocks.9.gamma".into(), shape: vec![384], values: vec![0.0; 384] });
        let words = refused(deep);
        assert!(words.contains("stages.2.blocks.9.gamma") && words.contains("ConvNeXt-T"), "{words}");
    }

    #[test]
    fn the_first_mismatch_is_named_as_the_file_names_it() {
        let mut grey = file(BackboneName::RESNET18, Naming::Torchvision, "net.", false);
        let first = grey.iter_mut().find(|tensor| tensor.name == "net.conv1.weight").unwrap();
        (first.shape, first.values) = (vec![64, 1, 7, 7], vec![0.0; 64 * 49]);
        let words = refused(grey);
        assert!(words.contains("net.conv1.weight is [64, 1, 7, 7]") && words.contains("[64, 3, 7, 7]"), "{words}");

        let mut shallow = file(BackboneName::RESNET18, Naming::Torchvision, "", false);
        shallow.retain(|tensor| !tensor.name.starts_with("layer2.1."));
        assert!(refused(shallow).contains("layer2.1.conv1.weight"));

        let mut deep = file(BackboneName::RESNET18, Naming::Torchvision, "", false);
        deep.push(NamedTensor { name: "layer4.2.conv1.weight".into(), shape: vec![1], values: vec![0.0] });
        let words = refused(deep);
        assert!(words.contains("layer4.2.conv1.weight") && words.contains("ResNet-18"), "{words}");

        assert!(refused(vec![]).contains("no ResNet"));
    }

    /// With torchvision's parts called otherwise: of each pair what stands there now, and what shall.
    fn called(prefix: &str, parts: &[(&str, &str)]) -> Vec<NamedTensor> {
        let mut tensors = file(BackboneName::RESNET18, Naming::Torchvision, "", false);
        for tensor in &mut tensors {
            let name = parts.iter().find_map(|(from, to)| Some(format!("{to}{}", tensor.name.strip_prefix(from)?)));
            tensor.name = format!("{prefix}{}", name.unwrap_or_else(|| tensor.name.clone()));
        }
        tensors
    }

    #[test]
    fn modules_by_their_number_are_known_by_their_order() {
        let whole = online(file(BackboneName::RESNET18, Naming::Ours, "", false));
        let all = |numbers: [&'static str; 6]| {
            ["conv1.", "bn1.", "layer1.", "layer2.", "layer3.", "layer4."].into_iter().zip(numbers).collect::<Vec<_>>()
        };
        for (prefix, parts) in [
            ("backbone.", all(["0.", "1.", "4.", "5.", "6.", "7."])),
            ("", all(["0.", "1.", "4.", "5.", "6.", "7."])),
            ("module.encoder.", all(["0.", "1.", "4.", "5.", "6.", "7."])),
            // ReLU is no module, or neither is the pooling.
            ("net.", all(["0.", "1.", "3.", "4.", "5.", "6."])),
            ("net.", all(["0.", "1.", "2.", "3.", "4.", "5."])),
            // The stem is a module of its own.
            ("net.", all(["0.0.", "0.1.", "1.", "2.", "3.", "4."])),
            ("", all(["layer0.0.", "layer0.1.", "layer1.", "layer2.", "layer3.", "layer4."])),
            ("model.", all(["stem.0.", "stem.1.", "layer1.", "layer2.", "layer3.", "layer4."])),
        ] {
            let mut tensors = called(prefix, &parts);
            tensors.push(NamedTensor {
                name: format!("{prefix}9.weight"),
                shape: vec![2, 512],
                values: vec![0.0; 1024],
            });
            let found = online(tensors);
            assert_eq!((found.report.naming, found.report.prefix.as_str()), (Naming::Sequential, prefix), "{parts:?}");
            assert_eq!((found.report.used.len(), found.report.ignored.len()), (100, 1));
            assert_eq!(found.tensors, whole.tensors, "{parts:?}");
        }
        let mut other = called("backbone.", &all(["0.", "1.", "4.", "5.", "6.", "7."]));
        other.retain(|tensor| !tensor.name.starts_with("backbone.6.1.conv2"));
        assert!(refused(other).contains("backbone.6.1.conv2.weight"));
    }

    #[test]
    fn a_value_that_is_no_number_is_refused_where_the_encoder_reads_it() {
        let mut tensors = file(BackboneName::RESNET18, Naming::Torchvision, "net.", false);
        let other = |values| NamedTensor { name: "mask".into(), shape: vec![1], values };
        tensors.push(other(vec![f32::NEG_INFINITY]));
        assert!(recognise(tensors.clone(), &WeightsOf::Online).is_ok(), "nothing reads the mask");
        let place = tensors.iter().position(|tensor| tensor.name == "net.layer3.0.bn2.weight").unwrap();
        tensors[place].values[5] = f32::NAN;
        let words = refused(tensors);
        assert!(words.contains("net.layer3.0.bn2.weight") && words.contains("NaN at index 5"), "{words}");
    }

    /// Two encoders that differ in each value.
    fn pair(first: &str, second: &str) -> Vec<NamedTensor> {
        let mut tensors = file(BackboneName::RESNET18, Naming::Torchvision, first, false);
        let mut other = file(BackboneName::RESNET18, Naming::Torchvision, second, false);
        other.iter_mut().flat_map(|tensor| &mut tensor.values).for_each(|value| *value += 1.0);
        tensors.extend(other);
        tensors
    }

    #[test]
    fn of_a_network_and_its_momentum_teacher_the_one_that_is_asked_for_is_taken() {
        for (network, teacher) in [
            ("module.encoder_q.", "module.encoder_k."),
            ("module.base_encoder.", "module.momentum_encoder."),
            ("student.backbone.", "teacher.backbone."),
            ("online_encoder.net.", "target_encoder.net."),
            ("backbone.", "backbone_momentum."),
            ("", "ema."),
            ("model.", "model_ema.module."),
        ] {
            let (first, second) = (pair(network, teacher), pair(teacher, network));
            for tensors in [&first, &second] {
                let found = online(tensors.clone());
                assert_eq!((found.report.prefix.as_str(), found.report.teacher), (network, false));
                assert_eq!(found.report.beside, [teacher]);
                let words = found.report.words();
                assert!(words.contains(&format!("not {teacher}* beside it")), "{words}");
            }
            let found = recognise(first.clone(), &WeightsOf::Teacher).unwrap();
            assert_eq!((found.report.prefix.as_str(), found.report.teacher), (teacher, true));
            assert!(found.report.words().contains("the momentum teacher"), "{}", found.report.words());
            let by_prefix = recognise(first.clone(), &teacher.parse().unwrap()).unwrap();
            assert_eq!(by_prefix.tensors, found.tensors);
            assert_ne!(by_prefix.tensors, online(first.clone()).tensors);
            // Renaming follows the same choice.
            let conv = |of: &WeightsOf| {
                let all = by_our_names(first.clone(), of).unwrap();
                all.into_iter().find(|tensor| tensor.name == "encoder.backbone.conv1.weight").unwrap().values
            };
            assert_ne!(conv(&WeightsOf::Online), conv(&WeightsOf::Teacher));
        }
        let alone = file(BackboneName::RESNET18, Naming::Torchvision, "teacher.", false);
        assert!(online(alone).report.words().contains("the only network there"));
        let none = recognise(file(BackboneName::RESNET18, Naming::Torchvision, "net.", false), &WeightsOf::Teacher)
            .unwrap_err();
        assert!(none.to_string().contains("no momentum teacher"), "{none}");
    }

    #[test]
    fn where_nothing_says_which_of_two_is_meant_both_are_named_and_either_can_be_chosen() {
        let tensors = pair("left.", "right.");
        let words = refused(tensors.clone());
        assert!(words.contains("left.*") && words.contains("right.*"), "{words}");
        assert_eq!(recognise(tensors.clone(), &"right".parse().unwrap()).unwrap().report.prefix, "right.");
        let words = recognise(tensors, &"middle".parse().unwrap()).unwrap_err().to_string();
        assert!(words.contains("middle.") && words.contains("left.*"), "{words}");
        // One module under two names is one.
        let mut shared = file(BackboneName::RESNET18, Naming::Torchvision, "backbone.", false);
        shared.extend(file(BackboneName::RESNET18, Naming::Torchvision, "online.backbone.", false));
        assert_eq!(online(shared).report.used.len(), 100);
    }
}
