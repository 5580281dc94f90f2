//! Which encoders a file holds, by whatever names, and which of them is meant.

use super::{NamedTensor, Naming};
use crate::Error;
use crate::backbone::{self, Architecture};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;

pub(super) const BACKBONE: &str = "encoder.backbone.";

/// Which of several networks in one file is meant: methods with a momentum (EMA) teacher save it beside the network that
/// learns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum WeightsOf {
    /// The network that gradients move.
    #[default]
    Online,
    /// Its momentum (EMA) teacher.
    Teacher,
    /// The network whose tensors' names begin so.
    Prefix(String),
}

impl fmt::Display for WeightsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Online => "online",
            Self::Teacher => "teacher",
            Self::Prefix(prefix) => prefix,
        })
    }
}

impl From<WeightsOf> for String {
    fn from(of: WeightsOf) -> Self {
        of.to_string()
    }
}

impl FromStr for WeightsOf {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "online" => Ok(Self::Online),
            "teacher" => Ok(Self::Teacher),
            "" => Err("must be online, teacher, or how the names of the tensors begin".to_owned()),
            prefix if prefix.ends_with('.') => Ok(Self::Prefix(prefix.to_owned())),
            prefix => Ok(Self::Prefix(format!("{prefix}."))),
        }
    }
}

impl TryFrom<String> for WeightsOf {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

/// Parts of the backbone by our names, in the order in which [`Names::parts`] has theirs.
const PARTS: [&str; 6] = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"];

/// What the parts of an encoder are called behind its prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) naming: Naming,
    /// What a file that numbers its modules calls each of [`PARTS`].
    parts: Option<[String; 6]>,
    /// Our name of the backbone's first kernel.
    kernel: String,
    /// How names of the backbone begin, where they have nothing before them.
    roots: BTreeSet<String>,
}

impl Names {
    /// - `mark`: of the backbone
    fn fixed(naming: Naming, mark: &Mark) -> Self {
        Self { naming, parts: None, kernel: mark.kernel.clone(), roots: mark.roots.clone() }
    }

    /// Our name of what is called `theirs`, the prefix taken off.
    pub(super) fn ours(&self, theirs: &str) -> String {
        let Some(parts) = &self.parts else {
            let root = theirs.split('.').next().unwrap_or_default();
            let outside = self.naming == Naming::Own && !self.roots.contains(root);
            return if outside { theirs.to_owned() } else { self.naming.ours(theirs) };
        };
        let found = parts.iter().zip(PARTS).find_map(|(part, ours)| {
            let rest = theirs.strip_prefix(part.as_str())?.strip_prefix('.')?;
            Some(format!("{BACKBONE}{ours}.{rest}"))
        });
        found.unwrap_or_else(|| theirs.to_owned())
    }

    /// Their name of what we call `ours`.
    pub(super) fn theirs(&self, ours: &str) -> String {
        let Some(parts) = &self.parts else { return self.naming.name(ours) };
        let found = parts.iter().zip(PARTS).find_map(|(part, name)| {
            let rest = ours.strip_prefix(BACKBONE)?.strip_prefix(name)?.strip_prefix('.')?;
            Some(format!("{part}.{rest}"))
        });
        found.unwrap_or_else(|| ours.to_owned())
    }
}

/// An encoder in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) names: Names,
    /// What stands before its names.
    pub(super) prefix: String,
    /// Whether it is a momentum (EMA) teacher.
    pub(super) teacher: bool,
    /// What stands before the names of other encoders in the file.
    pub(super) beside: Vec<String>,
}

impl Found {
    /// What the file calls its first kernel.
    fn kernel(&self) -> String {
        format!("{}{}", self.prefix, self.names.theirs(&self.names.kernel))
    }
}

/// The encoder that is meant among tensors, by any naming and below any prefix.
///
/// # Errors
/// When there is none, or nothing says which of several is meant.
pub(super) fn find(tensors: &[NamedTensor], of: &WeightsOf) -> Result<Found, Error> {
    let by_name: HashMap<&str, &NamedTensor> = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let all = distinct(encoders(&by_name), &by_name);
    let prefixes = |found: &[&Found]| -> Vec<String> { found.iter().map(|found| found.prefix.clone()).collect() };
    let (teachers, online): (Vec<&Found>, Vec<&Found>) = all.iter().partition(|found| found.teacher);
    let chosen: Vec<&Found> = match of {
        WeightsOf::Prefix(prefix) => {
            let named: Vec<&Found> = all.iter().filter(|found| found.prefix == *prefix).collect();
            if named.is_empty() && !all.is_empty() {
                let found = prefixes(&all.iter().collect::<Vec<_>>());
                return Err(Error::NoSuchPrefix { prefix: prefix.clone(), found });
            }
            named
        }
        WeightsOf::Teacher if teachers.is_empty() && !online.is_empty() => {
            return Err(Error::NoTeacher { found: prefixes(&online) });
        }
        WeightsOf::Teacher => teachers,
        // Beside a checkpoint's network, which needs no prefix, may stand heads and pools of others.
        WeightsOf::Online => match online.iter().find(|found| found.prefix.is_empty()) {
            Some(whole) => vec![*whole],
            None if online.is_empty() => teachers,
            None => online,
        },
    };
    match chosen.as_slice() {
        [] => Err(Error::NoEncoder { known: backbone::all().iter().map(ToString::to_string).collect() }),
        [only] => {
            let others = all.iter().filter(|found| found != only).map(|found| found.prefix.clone());
            Ok(Found { beside: others.collect(), ..(*only).clone() })
        }
        several => Err(Error::SeveralEncoders { prefixes: prefixes(several) }),
    }
}

/// What tells that a backbone is there, by the names of its description.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    /// Its first kernel.
    kernel: String,
    /// Other weights of its stem, and the first of the block behind it.
    others: Vec<String>,
    /// How its names begin.
    roots: BTreeSet<String>,
}

impl Mark {
    /// `None` for a backbone whose first tensor is no kernel, which is never found.
    fn of(architecture: &Architecture) -> Option<Self> {
        let tensors = architecture.tensors();
        let roots = tensors.iter().filter_map(|(name, _)| name.split('.').next().map(str::to_owned)).collect();
        let weights = tensors.iter().filter(|(name, _)| name.ends_with(".weight"));
        let mut names = weights.map(|(name, _)| format!("{BACKBONE}{name}"));
        let in_stem = architecture.tensors_of_stem().iter().filter(|(name, _)| name.ends_with(".weight")).count();
        let (_, shape) = tensors.first()?;
        let kernel = names.next().filter(|_| shape.len() == 4)?;
        Some(Self { kernel, others: names.take(in_stem.max(1)).collect(), roots })
    }

    /// Those of every backbone, each once.
    fn all() -> Vec<Self> {
        let mut marks = Vec::new();
        for mark in backbone::all().into_iter().filter_map(|backbone| Self::of(&backbone.architecture())) {
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
        marks
    }

    /// What shows whose naming a file uses.
    fn in_naming(&self, naming: Naming) -> Self {
        let name = |ours: &String| match naming {
            // Which numbers USCL's layers have shows in the last.
            Naming::Uscl => naming.name(&ours.replace("layer1.0.", "layer4.0.")),
            _ => naming.name(ours),
        };
        Self { kernel: name(&self.kernel), others: self.others.iter().map(name).collect(), roots: self.roots.clone() }
    }
}

/// Every encoder: known by its first convolution, the norm behind it and the first block.
fn encoders(by_name: &HashMap<&str, &NamedTensor>) -> Vec<Found> {
    let marks = Mark::all();
    let mut found: Vec<Found> = Vec::new();
    let kernel = |name: &str| by_name.get(name).is_some_and(|tensor| tensor.shape.len() == 4);
    // What is numbered is known by the order of the numbers, below.
    for naming in Naming::ALL.into_iter().filter(|naming| *naming != Naming::Sequential) {
        for ours in &marks {
            let mark = ours.in_naming(naming);
            // A table of names that says nothing of this backbone.
            if naming != Naming::Ours && mark.kernel == ours.kernel {
                continue;
            }
            let conv = mark.kernel.as_str();
            let prefixes: BTreeSet<&str> = by_name.keys().filter_map(|name| name.strip_suffix(conv)).collect();
            let whole = |prefix: &&str| {
                (prefix.is_empty() || prefix.ends_with('.'))
                    && kernel(&format!("{prefix}{conv}"))
                    && mark.others.iter().all(|part| by_name.contains_key(format!("{prefix}{part}").as_str()))
            };
            let names = Names::fixed(naming, ours);
            found.extend(prefixes.into_iter().filter(whole).map(|prefix| of_names(names.clone(), prefix)));
        }
    }
    found.extend(numbered(by_name));
    // What one naming calls a prefix is part of a name in another; the first that fits is meant.
    let mut kernels = BTreeSet::new();
    found.retain(|found| kernels.insert(found.kernel()));
    found
}

fn of_names(names: Names, prefix: &str) -> Found {
    Found { names, teacher: is_teacher(prefix), prefix: prefix.to_owned(), beside: Vec::new() }
}

/// Encoders whose modules stand in a `nn.Sequential`, wholly (0, 1, 4, 5, 6, 7 where ReLU and pooling are modules) or their
/// stem alone (`layer0.0`, `0.0`): the four modules that hold blocks are the layers, in their order.
fn numbered(by_name: &HashMap<&str, &NamedTensor>) -> Vec<Found> {
    let mut layers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for base in by_name.keys().filter_map(|name| name.strip_suffix(".0.conv1.weight")) {
        let at = base.rfind('.').map_or(0, |dot| dot + 1);
        layers.entry(&base[..at]).or_default().insert(&base[at..]);
    }
    let of_parent = |(prefix, children): (&str, BTreeSet<&str>)| {
        let mut numbers: Vec<usize> = children.iter().filter_map(|child| child.parse().ok()).collect();
        numbers.sort_unstable();
        let layers: [String; 4] = match *numbers.as_slice() {
            [a, b, c, d] if children.len() == 4 => [a, b, c, d].map(|number| number.to_string()),
            _ if PARTS[2..].iter().all(|layer| children.contains(layer)) => PARTS_OF_LAYERS.map(str::to_owned),
            _ => return None,
        };
        let [conv, norm] = stem(prefix, numbers.first().copied(), by_name)?;
        let [a, b, c, d] = layers;
        let names = Names {
            naming: Naming::Sequential,
            parts: Some([conv, norm, a, b, c, d]),
            kernel: format!("{BACKBONE}{}.weight", PARTS[0]),
            roots: BTreeSet::new(),
        };
        Some(of_names(names, prefix))
    };
    layers.into_iter().filter_map(of_parent).collect()
}

/// As torchvision calls them.
const PARTS_OF_LAYERS: [&str; 4] = [PARTS[2], PARTS[3], PARTS[4], PARTS[5]];

/// What convolution and batch norm before the layers are called behind `prefix`.
///
/// - `before`: the number of the first layer, where layers are numbered
fn stem(prefix: &str, before: Option<usize>, by_name: &HashMap<&str, &NamedTensor>) -> Option<[String; 2]> {
    let is_conv = |name: &str| {
        by_name.get(format!("{prefix}{name}.weight").as_str()).is_some_and(|tensor| tensor.shape.len() == 4)
    };
    let is_norm = |name: &str| by_name.contains_key(format!("{prefix}{name}.running_var").as_str());
    let first = before.unwrap_or(0).min(MOST_MODULES);
    let flat = (0..first).map(|number| number.to_string()).find(|name| is_conv(name)).and_then(|conv| {
        let norm = (0..first).map(|number| number.to_string()).find(|name| is_norm(name));
        Some([conv, norm?])
    });
    let nested = || {
        let children = by_name.keys().filter_map(|name| {
            let child = name.strip_prefix(prefix)?.strip_suffix(".0.weight")?;
            (!child.contains('.') && is_conv(&format!("{child}.0")) && is_norm(&format!("{child}.1"))).then_some(child)
        });
        let children: BTreeSet<&str> = children.collect();
        match children.into_iter().collect::<Vec<_>>().as_slice() {
            [only] => Some([format!("{only}.0"), format!("{only}.1")]),
            _ => None,
        }
    };
    flat.or_else(nested)
}

/// Modules before the layers that are looked at, at most.
const MOST_MODULES: usize = 16;

/// One of each: PyTorch saves a module that two others share under both their names.
fn distinct(found: Vec<Found>, by_name: &HashMap<&str, &NamedTensor>) -> Vec<Found> {
    let alike = |a: &Found, b: &Found| {
        let [a, b] = [below(a, by_name), below(b, by_name)];
        let bits = |tensor: &&NamedTensor| tensor.values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
        a.len() == b.len() && a.iter().zip(&b).all(|((x, a), (y, b))| x == y && bits(a) == bits(b))
    };
    let mut kept: Vec<Found> = Vec::new();
    for found in found {
        // A teacher that has not moved yet is a teacher still.
        if !kept.iter().any(|other| other.teacher == found.teacher && alike(other, &found)) {
            kept.push(found);
        }
    }
    kept
}

/// The tensors of an encoder's backbone, by our names.
fn below<'a>(found: &Found, by_name: &HashMap<&str, &'a NamedTensor>) -> BTreeMap<String, &'a NamedTensor> {
    let of_backbone = |name: &str| {
        let ours = found.names.ours(name.strip_prefix(found.prefix.as_str())?);
        ours.starts_with(BACKBONE).then_some(ours)
    };
    by_name.iter().filter_map(|(name, tensor)| Some((of_backbone(name)?, *tensor))).collect()
}

/// Words that mark the momentum (EMA) copy of a network, as methods' authors use them: MoCo's `encoder_k` and
/// `momentum_encoder`, BYOL's `target_encoder`, DINO's `teacher`, and the averages that trainers keep (`model_ema`).
const OF_TEACHERS: [&str; 14] =
    ["momentum", "teacher", "target", "tgt", "ema", "key", "k", "m", "slow", "shadow", "averaged", "avg", "swa", "mom"];

/// Whether what stands before names marks a momentum teacher.
pub(super) fn is_teacher(prefix: &str) -> bool {
    prefix
        .split(['.', '_', '-'])
        .flat_map(words)
        .any(|word| OF_TEACHERS.contains(&word.as_str()) || word.starts_with("momentum") || word.starts_with("teacher"))
}

/// The words of a name in camel case, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut after_small = false;
    for letter in name.chars() {
        match words.last_mut() {
            Some(word) if !(letter.is_uppercase() && after_small) => word.extend(letter.to_lowercase()),
            _ => words.push(letter.to_lowercase().collect()),
        }
        after_small = letter.is_lowercase() || letter.is_ascii_digit();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_methods_tell_a_teacher() {
        for teacher in [
            "momentum_encoder.",
            "module.momentum_encoder.",
            "teacher.",
            "teacher.backbone.",
            "target_encoder.net.",
            "module.encoder_k.",
            "backbone_momentum.",
            "model_ema.module.",
            "ema.",
            "encoderK.",
            "targetNetwork.",
            "key_encoder.",
            "method.teacher.",
            "visual_encoder_m.",
            "ema_model.",
            "teacher_model.",
            "momentum_backbone.",
        ] {
            assert!(is_teacher(teacher), "{teacher}");
        }
        for online in [
            "",
            "encoder.",
            "encoder_q.",
            "base_encoder.",
            "online_encoder.net.",
            "student.",
            "backbone.",
            "module.",
            "model.",
            "query_encoder.",
            "resnet.",
            "net.",
            "keypoint.",
            "schema.",
            "q_encoder.",
            "emanuel.",
        ] {
            assert!(!is_teacher(online), "{online}");
        }
    }

    #[test]
    fn a_word_is_online_teacher_or_a_prefix() {
        assert_eq!("online".parse(), Ok(WeightsOf::Online));
        assert_eq!("teacher".parse(), Ok(WeightsOf::Teacher));
        for word in ["left", "left."] {
            assert_eq!(word.parse(), Ok(WeightsOf::Prefix("left.".to_owned())));
        }
        assert!("".parse::<WeightsOf>().is_err());
    }
}
