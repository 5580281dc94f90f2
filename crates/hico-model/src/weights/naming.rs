//! What the same tensor is called: by us, by the authors of HiCo and of USCL, and by torchvision and timm.
//!
//! Each naming is one table of prefixes, read in both directions; a name that is not in it stays as it is.

/// Whose names a file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// Ours, as above.
    #[default]
    Ours,
    /// The HiCo authors' (`features.R18.*`, `features.latlayer1`, `l2`, `l22`, `lf`, `fc`), for a model whose medium
    /// level is P3.
    Authors,
    /// The USCL authors' (`features.0`, `features.4.0.conv1`): torchvision's layers by their number.
    Uscl,
    /// Those of a `nn.Sequential` of torchvision's layers: their numbers alone (`0`, `4.0.conv1`).
    Sequential,
    /// torchvision's (`conv1`, `layer1.0.conv1`, `fc`), which are also timm's for its `resnet18`, `resnet34` and
    /// `resnet50`.
    Torchvision,
    /// Those of a backbone's own description, without anything before them.
    Own,
}

/// Beginnings of names: ours, and the other's.
type Table = &'static [(&'static str, &'static str)];

const AUTHORS: Table = &[
    ("encoder.backbone.", "features.R18."),
    ("encoder.pyramid.lateral5.", "features.toplayer."),
    ("encoder.pyramid.lateral4.", "features.latlayer1."),
    ("encoder.pyramid.lateral3.", "features.latlayer2."),
    ("encoder.pyramid.lateral2.", "features.latlayer3."),
    ("encoder.pyramid.smooth4.", "features.smooth1."),
    ("encoder.pyramid.smooth3.", "features.smooth2."),
    ("encoder.pyramid.smooth2.", "features.smooth3."),
    ("local.hidden.", "l2."),
    ("local.output.", "l22."),
    ("medium.hidden.", "l3."),
    ("medium.output.", "l33."),
    ("global.hidden.", "l5."),
    ("global.output.", "l55."),
    ("soft.hidden.", "lf."),
    ("soft.classifier.", "fc."),
];

const USCL: Table = &[
    ("encoder.backbone.conv1.", "features.0."),
    ("encoder.backbone.bn1.", "features.1."),
    ("encoder.backbone.layer1.", "features.4."),
    ("encoder.backbone.layer2.", "features.5."),
    ("encoder.backbone.layer3.", "features.6."),
    ("encoder.backbone.layer4.", "features.7."),
];

const SEQUENTIAL: Table = &[
    ("encoder.backbone.conv1.", "0."),
    ("encoder.backbone.bn1.", "1."),
    ("encoder.backbone.layer1.", "4."),
    ("encoder.backbone.layer2.", "5."),
    ("encoder.backbone.layer3.", "6."),
    ("encoder.backbone.layer4.", "7."),
];

const TORCHVISION: Table = &[
    ("encoder.backbone.conv1.", "conv1."),
    ("encoder.backbone.bn1.", "bn1."),
    ("encoder.backbone.layer1.", "layer1."),
    ("encoder.backbone.layer2.", "layer2."),
    ("encoder.backbone.layer3.", "layer3."),
    ("encoder.backbone.layer4.", "layer4."),
    ("head.", "fc."),
];

const OWN: Table = &[("encoder.backbone.", "")];

impl Naming {
    /// All of them; one whose names end as another's do stands before it.
    pub const ALL: [Self; 6] = [Self::Ours, Self::Authors, Self::Uscl, Self::Sequential, Self::Torchvision, Self::Own];

    /// The name in this naming of what we call `ours`.
    #[must_use]
    pub fn name(self, ours: &str) -> String {
        renamed(ours, self.table().iter().copied())
    }

    /// Our name of what is called `theirs` in this naming; of [`Self::Own`] everything is a backbone's.
    #[must_use]
    pub fn ours(self, theirs: &str) -> String {
        renamed(theirs, self.table().iter().map(|&(ours, theirs)| (theirs, ours)))
    }

    /// Whose it is, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ours => "our names",
            Self::Authors => "the HiCo authors' names",
            Self::Uscl => "the USCL authors' names",
            Self::Sequential => "the numbers of its modules",
            Self::Torchvision => "torchvision's names",
            Self::Own => "the backbone's own names",
        }
    }

    const fn table(self) -> Table {
        match self {
            Self::Ours => &[],
            Self::Authors => AUTHORS,
            Self::Uscl => USCL,
            Self::Sequential => SEQUENTIAL,
            Self::Torchvision => TORCHVISION,
            Self::Own => OWN,
        }
    }
}

fn renamed(name: &str, mut table: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    let found = table.find_map(|(from, to)| name.strip_prefix(from).map(|rest| format!("{to}{rest}")));
    found.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_from_every_naming() {
        for naming in Naming::ALL {
            for &(ours, _) in naming.table() {
                let name = format!("{ours}weight");
                assert_eq!(naming.ours(&naming.name(&name)), name, "{naming:?}");
            }
            assert_eq!(naming.name("elsewhere.weight"), "elsewhere.weight");
        }
    }

    #[test]
    fn a_block_is_called_as_each_of_them_calls_it() {
        let names = Naming::ALL.map(|naming| naming.name("encoder.backbone.layer2.0.downsample.1.bias"));
        assert_eq!(
            names,
            [
                "encoder.backbone.layer2.0.downsample.1.bias",
                "features.R18.layer2.0.downsample.1.bias",
                "features.5.0.downsample.1.bias",
                "5.0.downsample.1.bias",
                "layer2.0.downsample.1.bias",
                "layer2.0.downsample.1.bias",
            ]
        );
    }
}
