//! Which backbones there are, by name.

use super::architecture::{Architecture, Backbone};
use super::convnext::CONVNEXT_TINY;
use super::resnet::{RESNET18, RESNET34, RESNET50};
use crate::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

/// Those that come with hico: a backbone that moves in is one line here.
static BUILT_IN: [&dyn Backbone; 4] = [&RESNET18, &RESNET34, &RESNET50, &CONVNEXT_TINY];

/// Those that somebody else has brought.
static BROUGHT: RwLock<Vec<&'static dyn Backbone>> = RwLock::new(Vec::new());

/// A backbone that is there, by its name: a recipe, a run or a file of a network says `resnet18` and means its description.
#[derive(Clone, Copy)]
pub struct BackboneName(&'static dyn Backbone);

/// Adds a backbone for the rest of the process, by its name and by its former ones: recipes, records and files may name it from
/// now on.
///
/// # Errors
/// When a backbone has one of its names already, a name is not of small letters, digits, `_` and `-`, or its description cannot be
/// built.
pub fn register(backbone: &'static dyn Backbone) -> Result<BackboneName, Error> {
    let broken = |reason: String| Error::BrokenBackbone { name: backbone.name().to_owned(), reason };
    let is_of_name = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '_' | '-');
    for name in names_of(backbone) {
        if name.is_empty() || !name.chars().all(is_of_name) {
            return Err(broken(format!("{name:?} is no name: it must be of small letters, digits, _ and -")));
        }
    }
    backbone.architecture().check().map_err(broken)?;
    let mut brought = BROUGHT.write().unwrap_or_else(PoisonError::into_inner);
    let is_taken =
        |name: &&str| BUILT_IN.iter().chain(brought.iter()).any(|other| names_of(*other).any(|own| own == *name));
    if let Some(name) = names_of(backbone).find(is_taken) {
        return Err(Error::BackboneTaken { name: name.to_owned() });
    }
    brought.push(backbone);
    Ok(BackboneName(backbone))
}

/// Every backbone: those that come with hico, and then those that were brought, in that order.
#[must_use]
pub fn all() -> Vec<BackboneName> {
    let brought = BROUGHT.read().unwrap_or_else(PoisonError::into_inner);
    BUILT_IN.iter().chain(brought.iter()).map(|backbone| BackboneName(*backbone)).collect()
}

fn names_of(backbone: &'static dyn Backbone) -> impl Iterator<Item = &'static str> {
    std::iter::once(backbone.name()).chain(backbone.former_names().iter().copied())
}

impl BackboneName {
    /// ResNet-18.
    pub const RESNET18: Self = Self(&RESNET18);
    /// ResNet-34.
    pub const RESNET34: Self = Self(&RESNET34);
    /// ResNet-50.
    pub const RESNET50: Self = Self(&RESNET50);
    /// ConvNeXt-T.
    pub const CONVNEXT_TINY: Self = Self(&CONVNEXT_TINY);

    /// What it is the name of.
    #[must_use]
    pub const fn get(self) -> &'static dyn Backbone {
        self.0
    }

    /// Its name as its paper has it, such as `ResNet-18`.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.0.title()
    }

    /// Its stages, blocks and operations.
    #[must_use]
    pub fn architecture(self) -> Architecture {
        self.0.architecture()
    }

    /// Channels of C2, C3, C4 and C5.
    #[must_use]
    pub fn channels(self) -> [usize; 4] {
        self.architecture().channels()
    }
}

impl Default for BackboneName {
    fn default() -> Self {
        Self::RESNET18
    }
}

impl PartialEq for BackboneName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for BackboneName {}

impl Hash for BackboneName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name().hash(state);
    }
}

impl fmt::Display for BackboneName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

impl fmt::Debug for BackboneName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

impl FromStr for BackboneName {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let all = all();
        let found = all.iter().find(|backbone| names_of(backbone.0).any(|name| name == word));
        found.copied().ok_or_else(|| {
            let names: Vec<String> = all.iter().map(ToString::to_string).collect();
            format!("no backbone is called {word:?}; there are {}", names.join(", "))
        })
    }
}

impl Serialize for BackboneName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for BackboneName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ResNet-18 by other names.
    #[derive(Debug)]
    struct Other {
        name: &'static str,
        former: &'static [&'static str],
        broken: bool,
    }

    impl Backbone for Other {
        fn name(&self) -> &'static str {
            self.name
        }

        fn title(&self) -> &'static str {
            "Other"
        }

        fn former_names(&self) -> &'static [&'static str] {
            self.former
        }

        fn architecture(&self) -> Architecture {
            let mut architecture = RESNET18.architecture();
            architecture.stages[3].channels += usize::from(self.broken);
            architecture
        }
    }

    #[test]
    fn every_backbone_that_comes_with_hico_can_be_built() {
        for backbone in BUILT_IN {
            assert_eq!(backbone.architecture().check(), Ok(()), "{}", backbone.name());
        }
    }

    #[test]
    fn a_backbone_is_found_by_its_name_and_by_those_of_earlier_versions() {
        for (word, name) in [
            ("resnet18", BackboneName::RESNET18),
            ("r18", BackboneName::RESNET18),
            ("r34", BackboneName::RESNET34),
            ("r50", BackboneName::RESNET50),
            ("convnext_tiny", BackboneName::CONVNEXT_TINY),
        ] {
            assert_eq!(word.parse(), Ok(name));
            assert_eq!(serde_json::from_value::<BackboneName>(word.into()).unwrap(), name);
        }
        assert_eq!(serde_json::to_value(BackboneName::RESNET34).unwrap(), "resnet34");
        let error = "r20".parse::<BackboneName>().unwrap_err();
        assert!(error.contains("\"r20\"; there are resnet18, resnet34, resnet50, convnext_tiny"), "{error}");
    }

    #[test]
    fn a_backbone_can_be_brought_once_and_its_name_is_then_read() {
        static NEW: Other = Other { name: "of-a-test", former: &["test1"], broken: false };
        static AGAIN: Other = Other { name: "again", former: &["test1"], broken: false };
        static RESNET: Other = Other { name: "resnet18", former: &[], broken: false };
        static OLD: Other = Other { name: "r50", former: &[], broken: false };
        static SPACE: Other = Other { name: "two words", former: &[], broken: false };
        static BROKEN: Other = Other { name: "broken", former: &[], broken: true };
        assert!("of-a-test".parse::<BackboneName>().is_err());
        let name = register(&NEW).unwrap();
        assert_eq!(["of-a-test".parse(), "test1".parse()], [Ok(name), Ok(name)]);
        for (other, taken) in [(&NEW, "of-a-test"), (&AGAIN, "test1"), (&RESNET, "resnet18"), (&OLD, "r50")] {
            let error = register(other).unwrap_err();
            assert!(matches!(&error, Error::BackboneTaken { name } if name == taken), "{error}");
        }
        for (other, fault) in [(&SPACE, "small letters"), (&BROKEN, "513 channels")] {
            let error = register(other).unwrap_err();
            assert!(matches!(&error, Error::BrokenBackbone { reason, .. } if reason.contains(fault)), "{error}");
        }
    }
}
