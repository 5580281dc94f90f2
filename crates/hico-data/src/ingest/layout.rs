//! How other people lay out their folders, and what names of folders then tell of the clips in them.

use super::label_map::LabelMap;
use super::labels::{Facts, fold_of_word};
#[cfg(feature = "pickle")]
use super::pickle_shelf::{self, Pickles};
use super::placeholder::{KeptWords, is_unlabelled};
use super::told::{SPLIT_WORDS, Told};
use super::walk::{Found, Tree, What};
use crate::spelling::composed;
#[cfg(feature = "pickle")]
use hico_io::pickle::Axes;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How a tree of files is laid out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Layout {
    /// Found out: with a labels table `Plain`; `Pickles` where there is nothing else; `Uscl` with the map of US-4 where every candidate is a folder of frames whose
    /// name begins as that map has it; else `Plain`.
    #[default]
    Auto,
    /// Names of folders tell nothing.
    Plain,
    /// As USCL and HiCo have it: a folder a clip, whose name begins with its class.
    Uscl(LabelMap),
    /// As torchvision's `ImageFolder`: a folder a class, perhaps below `train`, `val` and `test`.
    ImageFolder,
    /// Pictures and labels in pickles of numpy arrays, as USCL hands out POCUS; every picture is a clip.
    #[cfg(feature = "pickle")]
    Pickles(Pickles),
}

impl Layout {
    /// What `Auto` is for this tree; any other one is itself.
    pub(crate) fn settle(&self, tree: &Tree, has_table: bool) -> Self {
        if *self != Self::Auto {
            return self.clone();
        }
        #[cfg(feature = "pickle")]
        {
            if !has_table
                && clips(tree).next().is_none()
                && tree.found.iter().any(|found| pickle_shelf::is_pickle(&found.key))
            {
                return Self::Pickles(Pickles::default());
            }
        }
        let us4 = LabelMap::named("us4").filter(|map| {
            let mut clips = clips(tree).peekable();
            let is_frames = |found: &Found| matches!(&found.what, What::Pictures(..)) && found.key != ".";
            clips.peek().is_some() && clips.all(|found| is_frames(found) && map.label(name(&found.key)).is_some())
        });
        match us4 {
            Some(map) if !has_table => Self::Uscl(map),
            _ => Self::Plain,
        }
    }

    /// For the record of a data set; nothing where names of folders tell nothing.
    pub(crate) fn record(&self) -> Option<String> {
        match self {
            Self::Auto | Self::Plain => None,
            Self::Uscl(map) => Some(format!("uscl with label map {}", map.record())),
            Self::ImageFolder => Some("image-folder".to_owned()),
            #[cfg(feature = "pickle")]
            Self::Pickles(Pickles { classes, axes }) => {
                let axes = if *axes == Axes::Swapped { ", rows and columns swapped" } else { "" };
                let classes = if classes.is_empty() { "" } else { &format!(", classes {}", classes.join(",")) };
                Some(format!("pickles{axes}{classes}"))
            }
        }
    }

    /// What a tree tells; of a layout that is settled. Pickles are replaced by the pictures in them.
    #[cfg_attr(not(feature = "pickle"), expect(unused_variables, reason = "pickles alone are opened to be told of"))]
    pub(crate) fn tell(&self, root: &Path, tree: &mut Tree) -> Told {
        match self {
            Self::Auto | Self::Plain => Told::default(),
            Self::Uscl(map) => by_prefix(map, tree),
            Self::ImageFolder => by_folder(tree),
            #[cfg(feature = "pickle")]
            Self::Pickles(reading) => pickle_shelf::unpack(root, tree, reading),
        }
    }
}

fn clips(tree: &Tree) -> impl Iterator<Item = &Found> {
    tree.found.iter().filter(|found| !found.optional)
}

fn by_prefix(map: &LabelMap, tree: &Tree) -> Told {
    let mut told = Told::default();
    for found in clips(tree) {
        match map.label(name(&found.key)) {
            Some(label) => told.learn(&found.key, label, None),
            None => told.silent.push(found.key.clone()),
        }
    }
    let all = told.facts.len() + told.silent.len();
    told.notes.push(format!(
        "layout uscl: {} of {all} clips labelled by the first letters of their name, label map {} ({})",
        told.facts.len(),
        map.name(),
        map.prefixes().join(" "),
    ));
    told
}

fn by_folder(tree: &Tree) -> Told {
    let mut told = Told::default();
    let clips: Vec<&Found> = clips(tree).collect();
    // Words of a split are one only where all there is lies below them, and classes below that.
    let fold = |key: &str| {
        let (top, rest) = key.split_once('/')?;
        rest.contains('/').then(|| fold_of_word(top)).flatten()
    };
    let is_split = !clips.is_empty() && clips.iter().all(|found| fold(&found.key).is_some());
    let mut facts = Vec::new();
    for found in &clips {
        let below = if is_split { found.key.split_once('/').map_or("", |(_, rest)| rest) } else { &found.key };
        match below.split_once('/') {
            Some((class, _)) => facts.push((found.key.clone(), class, fold(&found.key).filter(|_| is_split))),
            None => told.silent.push(found.key.clone()),
        }
    }
    let classes: BTreeSet<&str> = facts.iter().map(|(_, class, _)| *class).collect();
    let names = classes.iter().take(20).copied().collect::<Vec<_>>().join(", ");
    let note =
        format!("layout image-folder: {} clips labelled by their folder, {} classes", facts.len(), classes.len());
    told.notes.push(format!("{note}: {names}{}", if classes.len() > 20 { ", ..." } else { "" }));
    if is_split {
        told.notes.push(SPLIT_WORDS.to_owned());
    }
    for (key, class, fold) in facts {
        told.learn(&key, class, fold);
    }
    told
}

impl Told {
    /// Takes back classes that are words for having none; a label map or `--classes` that names one is believed.
    ///
    /// - returns: what was taken back, in words
    pub(crate) fn forget_placeholders(&mut self, layout: &Layout, kept: &KeptWords) -> Vec<String> {
        let named = |class: &str| match layout {
            Layout::Uscl(_) => !is_unlabelled(class),
            #[cfg(feature = "pickle")]
            Layout::Pickles(Pickles { classes, .. }) => classes.iter().any(|named| named == class),
            _ => false,
        };
        let mut forgotten: BTreeMap<String, usize> = BTreeMap::new();
        for facts in self.facts.values_mut() {
            if let Some(class) = facts.label.take_if(|class| kept.is_no_class(class) && !named(class)) {
                *forgotten.entry(class).or_default() += 1;
            }
        }
        let words = forgotten.into_iter().map(|(class, clips)| {
            format!("{class} is no class: its {clips} clips are unlabelled; --keep-word {class} makes it one")
        });
        words.collect()
    }

    fn learn(&mut self, key: &str, label: &str, fold: Option<usize>) {
        let label = Some(composed(label).into_owned());
        self.facts.insert(key.to_owned(), Facts { label, fold, ..Facts::default() });
    }
}

fn name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::super::walk::{Stills, Walk, walk};
    use super::*;

    fn tree(files: &[&str], stills: Stills) -> Tree {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
            image::GrayImage::new(2, 2).save(path).unwrap();
        }
        walk(root.path(), &Walk { stills, ..Walk::default() }, &[]).unwrap()
    }

    fn labels(told: &Told) -> Vec<(&str, &str, Option<usize>)> {
        let facts = told.facts.iter();
        facts.map(|(key, facts)| (key.as_str(), facts.label.as_deref().unwrap_or(""), facts.fold)).collect()
    }

    #[test]
    fn a_tree_of_us4_is_recognised_by_every_folder_and_not_beside_a_table() {
        let us4 = LabelMap::named("us4").unwrap();
        let whole = tree(&["Butte/Cov-1/0.png", "Butte/Reg-2/0.png", "Liver/F3_7/0.png"], Stills::Clip);
        assert_eq!(Layout::Auto.settle(&whole, false), Layout::Uscl(us4.clone()));
        assert_eq!(Layout::Auto.settle(&whole, true), Layout::Plain);
        assert_eq!(Layout::ImageFolder.settle(&whole, true), Layout::ImageFolder);
        let mut other = tree(&["Butte/Cov-1/0.png", "Butte/xyz/0.png"], Stills::Clip);
        assert_eq!(Layout::Auto.settle(&other, false), Layout::Plain);
        assert_eq!(Layout::Auto.settle(&Tree::default(), false), Layout::Plain);
        let told = Layout::Uscl(us4).tell(Path::new("."), &mut other);
        assert_eq!(labels(&told), [("Butte/Cov-1", "Cov-Bli-Ple-Oth", None)]);
        assert_eq!(told.silent, ["Butte/xyz"]);
        assert!(told.notes[0].contains("1 of 2 clips"), "{told:?}");
    }

    #[test]
    fn a_folder_is_a_class_and_a_split_above_it_is_a_fold() {
        let mut plain = tree(&["cat/1.png", "dog/deep/2.png", "3.png"], Stills::Each);
        let told = Layout::ImageFolder.tell(Path::new("."), &mut plain);
        assert_eq!(labels(&told), [("cat/1.png", "cat", None), ("dog/deep/2.png", "dog", None)]);
        assert_eq!(told.silent, ["3.png"]);
        let mut split = tree(&["train/cat/1.png", "Val/cat/2.png", "test/dog/3.png"], Stills::Each);
        let told = Layout::ImageFolder.tell(Path::new("."), &mut split);
        let expected = [
            ("Val/cat/2.png", "cat", Some(1)),
            ("test/dog/3.png", "dog", Some(2)),
            ("train/cat/1.png", "cat", Some(0)),
        ];
        assert_eq!(labels(&told), expected);
        // A class that happens to be called test is no split where other classes stand beside it.
        let told = Layout::ImageFolder.tell(Path::new("."), &mut tree(&["test/x/1.png", "dog/x/2.png"], Stills::Each));
        assert_eq!(labels(&told), [("dog/x/2.png", "dog", None), ("test/x/1.png", "test", None)]);
    }

    #[test]
    fn clips_within_a_class_are_labelled_too() {
        let told = Layout::ImageFolder
            .tell(Path::new("."), &mut tree(&["cat/a/1.png", "cat/a/2.png", "dog/1.png"], Stills::Clip));
        assert_eq!(labels(&told), [("cat/a", "cat", None)]);
        assert_eq!(told.silent, ["dog"]);
    }

    #[test]
    fn masks_of_busi_are_no_clips() {
        let files = ["b/b (1).png", "b/b (1)_mask.png", "b/b (1)_mask_1.png", "b/c_mask.png"];
        let mut tree = tree(&files, Stills::Each);
        let told = Layout::ImageFolder.tell(Path::new("."), &mut tree);
        assert_eq!(tree.masks, ["b/b (1)_mask.png", "b/b (1)_mask_1.png"]);
        assert_eq!(told.facts.len(), 2);
    }
}
