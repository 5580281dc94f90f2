//! What the same tensor is called: by us, and by the authors of HiCo.

/// Whose names a file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// Ours, as above.
    #[default]
    Ours,
    /// The HiCo authors' (`features.R18.*`, `features.latlayer1`, `l2`, `l22`, `lf`, `fc`), for a model whose medium
    /// level is P3.
    Authors,
}

impl Naming {
    /// The name in this naming of what we call `ours`.
    #[must_use]
    pub fn name(self, ours: &str) -> String {
        if self == Self::Ours {
            return ours.to_owned();
        }
        let prefixes = [
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
        let found = prefixes.iter().find_map(|(from, to)| ours.strip_prefix(from).map(|rest| format!("{to}{rest}")));
        found.unwrap_or_else(|| ours.to_owned())
    }
}

/// Our name of the tensor at a path of fields: torchvision's names for what is inside the backbone.
pub(super) fn our_name(path: &[String]) -> String {
    let mut name = String::new();
    let mut parts = path.iter().map(String::as_str).peekable();
    while let Some(part) = parts.next() {
        let translated = match part {
            "stem" => match parts.next() {
                Some("conv") => "conv1".to_owned(),
                _ => "bn1".to_owned(),
            },
            "shortcut" => match parts.next() {
                Some("conv") => "downsample.0".to_owned(),
                _ => "downsample.1".to_owned(),
            },
            "stages" => {
                let number = parts.next().and_then(|index| index.parse::<usize>().ok()).unwrap_or_default() + 1;
                match parts.next() {
                    Some("conv") => format!("conv{number}"),
                    _ => format!("bn{number}"),
                }
            }
            other => other.to_owned(),
        };
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&translated);
    }
    name
}
