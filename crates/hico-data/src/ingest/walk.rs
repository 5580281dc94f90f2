//! The tree below the source folder → candidates for clips, in a fixed order.

use super::links::{FoundLinks, Links, Reached};
use super::refusal::Refusal;
use crate::spelling::caseless;
#[cfg(feature = "pickle")]
use hico_io::pickle::PickledPicture;
use hico_io::sniff::{self, Promise};
use hico_io::{Content, Error, FileKind, ReaderHandle, Readers};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
#[cfg(feature = "pickle")]
use std::sync::Arc;

/// What a folder of single pictures is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stills {
    /// A folder whose files are all pictures is one clip, its frames in natural order of their names.
    #[default]
    Clip,
    /// Every picture is a clip of one frame.
    Each,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// Path relative to the source folder, with `/`.
    pub(crate) key: String,
    /// The same as it is written down.
    pub(crate) source: String,
    pub(crate) what: What,
    /// Nothing promises that this is a clip: it is left out without a word unless the labels name it.
    pub(crate) optional: bool,
}

impl Found {
    fn new(key: String, what: What, optional: bool) -> Self {
        Self { source: key.clone(), key, what, optional }
    }

    /// Whether it is a picture by itself, and not a folder of them.
    pub(crate) fn is_one_picture(&self) -> bool {
        let What::Pictures(_, files) = &self.what else { return false };
        let name = self.key.rsplit('/').next();
        matches!(files.as_slice(), [file] if file.file_name().and_then(|name| name.to_str()) == name)
    }

    /// Whether its reader tells whose it is, as that of DICOM files does, or it was meant to be such a file.
    pub(crate) fn names_patients(&self) -> bool {
        match &self.what {
            What::File(reader, _) | What::Pictures(reader, _) => reader.names_patients(),
            What::Refused(_) => sniff::promise(&self.key) == Promise::Dicom,
            #[cfg(feature = "pickle")]
            What::Pickled(_) => false,
        }
    }
}

/// What a candidate seems to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// One file, and who reads it.
    File(ReaderHandle, PathBuf),
    /// One picture, or those of a folder in the order of the frames.
    Pictures(ReaderHandle, Vec<PathBuf>),
    /// One picture in a pickle.
    #[cfg(feature = "pickle")]
    Pickled(Arc<PickledPicture>),
    Refused(Refusal),
}

impl What {
    /// Whether it may take ffmpeg to decode it.
    pub(crate) fn needs_ffmpeg(&self) -> bool {
        matches!(self, Self::File(reader, _) | Self::Pictures(reader, _) if reader.needs_ffmpeg())
    }
}

/// What a tree holds.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Sorted by key.
    pub(crate) found: Vec<Found>,
    pub(crate) links: FoundLinks,
    /// Pictures that are masks of others, and no clips, by key.
    pub(crate) masks: Vec<String>,
}

/// How a tree is looked through.
#[derive(Debug, Clone, Default)]
pub(crate) struct Walk {
    pub(crate) readers: Readers,
    pub(crate) stills: Stills,
    pub(crate) links: Links,
    pub(crate) masks: Masks,
}

/// What a picture is whose name says that it is the mask of another one: `x_mask.png` beside `x.png`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Masks {
    /// No clip and no frame of one.
    #[default]
    LeftOut,
    /// A picture like any other.
    Kept,
}

impl Masks {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(super) fn are_left_out(&self) -> bool {
        *self == Self::LeftOut
    }
}

/// One folder of a tree: its key, the files in it, and whether each is a link.
type Folder = (String, Vec<(String, PathBuf, bool)>);

/// Looks through a tree. Hidden files and what `skip` names are left out.
///
/// Links that are followed come after all that is there without them, so that a file has its own name where it has one.
pub(crate) fn walk(root: &Path, how: &Walk, skip: &[PathBuf]) -> std::io::Result<Tree> {
    let mut tree = Tree::default();
    let mut folders: Vec<Folder> = Vec::new();
    let mut reached = Reached::default();
    let mut linked = BTreeMap::from([(String::new(), root.to_owned())]);
    while let Some((key, folder)) = linked.pop_first() {
        if !reached.first(&folder) {
            tree.links.twice.push(key);
            continue;
        }
        let mut below = vec![(folder, key)];
        while let Some((folder, key)) = below.pop() {
            let mut files = Vec::new();
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries.collect::<std::io::Result<Vec<_>>>(),
                Err(error) => Err(error),
            };
            let entries = match entries {
                Ok(entries) => entries,
                Err(error) if key.is_empty() => return Err(error),
                Err(error) => {
                    tree.refuse(key, Refusal::read(&error));
                    continue;
                }
            };
            for entry in entries {
                let path = entry.path();
                let Ok(name) = entry.file_name().into_string() else {
                    tree.refuse(join(&key, &entry.file_name().to_string_lossy()), Refusal::Name);
                    continue;
                };
                if name.starts_with('.') || name == "__MACOSX" || skip.contains(&path) {
                    continue;
                }
                let mut kind = match entry.file_type() {
                    Ok(kind) => kind,
                    Err(error) => {
                        tree.refuse(join(&key, &name), Refusal::read(&error));
                        continue;
                    }
                };
                let is_link = kind.is_symlink();
                if is_link && how.links == Links::Left {
                    tree.links.left.push(join(&key, &name));
                    continue;
                }
                if is_link {
                    kind = match std::fs::metadata(&path) {
                        Ok(_) if path.canonicalize().is_ok_and(|path| skip.contains(&path)) => continue,
                        Ok(metadata) => metadata.file_type(),
                        Err(error) => {
                            let said = format!("a link to what is not there: {error}");
                            tree.refuse(join(&key, &name), Error::Read { said }.into());
                            continue;
                        }
                    };
                }
                if kind.is_dir() && is_link {
                    linked.insert(join(&key, &name), path);
                } else if kind.is_dir() {
                    // Only links lead anywhere twice.
                    if how.links == Links::Left || reached.first(&path) {
                        below.push((path, join(&key, &name)));
                    } else {
                        tree.links.twice.push(join(&key, &name));
                    }
                } else if kind.is_file() {
                    files.push((name, path, is_link));
                } else {
                    // To open a pipe is to wait for whoever writes into it.
                    let optional = sniff::promise(&name) == Promise::Nothing;
                    let why = Error::NoFile { what: special(kind) };
                    tree.found.push(Found::new(join(&key, &name), What::Refused(why.into()), optional));
                }
            }
            folders.push((key, files));
        }
    }
    if how.links == Links::Followed {
        tree.take_each_file_once(&mut folders, &mut reached);
    }
    for (key, mut files) in folders {
        files.sort_by(|(a, ..), (b, ..)| natural(a, b));
        tree.take_folder(&key, files.into_iter().map(|(name, path, _)| (name, path)).collect(), how);
    }
    tree.found.sort_by(|a, b| a.key.cmp(&b.key));
    tree.masks.sort();
    tree.links.left.sort();
    tree.links.twice.sort();
    Ok(tree)
}

/// A word for what is neither a file nor a folder.
pub(super) fn special(kind: std::fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a pipe";
        } else if kind.is_socket() {
            return "a socket";
        }
    }
    let _ = kind;
    "a device"
}

/// One file, as if it stood alone in its folder.
pub(crate) fn single(path: &Path, readers: &Readers) -> Tree {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut tree = Tree::default();
    let how = Walk { readers: readers.clone(), stills: Stills::Each, ..Walk::default() };
    tree.take_folder("", vec![(name, path.to_owned())], &how);
    tree
}

impl Tree {
    fn refuse(&mut self, key: String, why: Refusal) {
        self.found.push(Found::new(key, What::Refused(why), false));
    }

    /// Leaves out links to files that are there by another way.
    fn take_each_file_once(&mut self, folders: &mut [Folder], reached: &mut Reached) {
        folders.sort_by(|(a, _), (b, _)| a.cmp(b));
        for links in [false, true] {
            for (key, files) in folders.iter_mut() {
                files.sort();
                files.retain(|(name, path, is_link)| {
                    let stays = *is_link != links || reached.first(path);
                    if !stays {
                        self.links.twice.push(join(key, name));
                    }
                    stays
                });
            }
        }
    }

    /// Every picture in a folder of frames, and the clip that it belongs to.
    pub(crate) fn frames(&self) -> Vec<(String, &str)> {
        let frames = self.found.iter().filter_map(|found| match &found.what {
            What::Pictures(_, files) if !found.is_one_picture() => Some((found.key.as_str(), files)),
            _ => None,
        });
        let named = |file: &PathBuf| file.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let frames = frames.flat_map(|(key, files)| {
            let folder = if key == "." { "" } else { key };
            files.iter().filter_map(named).map(move |name| (join(folder, &name), key))
        });
        frames.collect()
    }

    /// The clip to which a picture in a folder of frames belongs.
    pub(crate) fn clip_of_frame(&self, path: &str) -> Option<&str> {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        let place = self.found.binary_search_by(|found| found.key.as_str().cmp(folder)).ok()?;
        let Found { key, what: What::Pictures(_, files), .. } = &self.found[place] else { return None };
        let name_of = |file: &PathBuf| file.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let frame = files.binary_search_by(|file| natural(&name_of(file).unwrap_or_default(), name)).ok();
        frame.map(|_| key.as_str())
    }

    /// Sorts the files of one folder into candidates.
    fn take_folder(&mut self, key: &str, files: Vec<(String, PathBuf)>, how: &Walk) {
        let stills = how.stills;
        let mut pictures: Vec<Still> = Vec::new();
        let mut videos = 0;
        for (name, path) in files {
            let promise = sniff::promise(&name);
            let (what, optional) = match how.readers.probe(&path) {
                Err(error) => (What::Refused(Refusal::read(&error)), false),
                // Also what only its name makes a picture: a frame that is broken spoils its clip and must not vanish.
                Ok(Content::Known(reader, FileKind::Still(_)))
                    if !matches!(promise, Promise::Video | Promise::Dicom) =>
                {
                    pictures.push(Still { name, path, reader, broken: None });
                    continue;
                }
                Ok(content) if promise == Promise::Picture && is_none(&content) => {
                    let reader = how.readers.pictures();
                    pictures.push(Still { name, path, reader, broken: Some(content) });
                    continue;
                }
                Ok(content) => candidate(&name, path, content, promise),
            };
            videos += usize::from(!optional);
            self.found.push(Found::new(join(key, &name), what, optional));
        }
        if how.masks == Masks::LeftOut {
            let stems: BTreeSet<String> = pictures.iter().map(|still| stem(&still.name)).collect();
            let (masks, others) = pictures.into_iter().partition(|still| is_mask(&still.name, &stems));
            let masks: Vec<Still> = masks;
            self.masks.extend(masks.into_iter().map(|still| join(key, &still.name)));
            pictures = others;
        }
        // Frames of one clip have one reader.
        let is_one_reader = pictures.windows(2).all(|pair| pair[0].reader == pair[1].reader);
        match pictures.first().map(|still| still.reader.clone()) {
            Some(reader) if stills == Stills::Clip && videos == 0 && is_one_reader => {
                let clip = if key.is_empty() { ".".to_owned() } else { key.to_owned() };
                let files = pictures.into_iter().map(|still| still.path).collect();
                self.found.push(Found::new(clip, What::Pictures(reader, files), false));
            }
            _ => self.found.extend(pictures.into_iter().map(|Still { name, path, reader, broken }| {
                let (what, optional) = match broken {
                    // A picture beside videos may be a thumbnail; it is a clip where the labels or the user say so.
                    None => (What::Pictures(reader, vec![path]), stills == Stills::Clip && videos > 0),
                    Some(content) => (What::Refused(no_picture(&name, &content)), false),
                };
                Found::new(join(key, &name), what, optional)
            })),
        }
    }
}

/// One picture of a folder.
struct Still {
    name: String,
    path: PathBuf,
    reader: ReaderHandle,
    /// What it is by its content, where only its name calls it a picture.
    broken: Option<Content>,
}

/// Whether bytes are nothing that a reader is sure of.
const fn is_none(content: &Content) -> bool {
    matches!(content, Content::Empty | Content::Text | Content::Known(_, FileKind::Perhaps))
}

/// The name of a picture without its suffix, as it is compared.
fn stem(name: &str) -> String {
    caseless(name.rsplit_once('.').map_or(name, |(stem, _)| stem))
}

/// Whether a picture is a mask as BUSI has them: `x_mask.png` or `x_mask_1.png` beside `x.png`.
fn is_mask(name: &str, stems: &BTreeSet<String>) -> bool {
    let stem = stem(name);
    let Some(at) = stem.rfind("mask") else { return false };
    let (before, behind) = (&stem[..at], &stem[at + "mask".len()..]);
    let behind = behind.strip_prefix('s').unwrap_or(behind);
    let bare = before.strip_suffix(['_', '-', ' ', '.']);
    !behind.starts_with(char::is_alphabetic) && bare.is_some_and(|bare| stems.contains(bare.trim_end()))
}

/// Why a file that its name calls a picture is none.
fn no_picture(name: &str, content: &Content) -> Refusal {
    let why = match content {
        Content::Empty => Error::Empty { picture: None },
        Content::Text => Error::Text { picture: None },
        _ => {
            let promised = format!("a picture (.{})", sniff::suffix(name).unwrap_or_default());
            Error::WrongSuffix { promised, found: "no picture".to_owned() }
        }
    };
    why.into()
}

/// A file that is no part of a row of pictures: what it is, and whether it may be left out without a word.
fn candidate(name: &str, path: PathBuf, content: Content, promise: Promise) -> (What, bool) {
    let unpromised = promise == Promise::Nothing;
    let refused = |why: Error| What::Refused(why.into());
    match content {
        Content::Known(reader, FileKind::Clip) => (What::File(reader, path), false),
        Content::DicomDirectory => (refused(Error::Directory), true),
        Content::Known(_, kind) if promise == Promise::Dicom => (refused(wrong_suffix(name, "DICOM", kind)), false),
        Content::Empty => (refused(Error::Empty { picture: None }), unpromised),
        Content::Text => (refused(Error::Text { picture: None }), unpromised),
        Content::Known(reader, FileKind::Perhaps) => (What::File(reader, path), unpromised),
        Content::Known(_, kind) => (refused(wrong_suffix(name, "a video", kind)), false),
    }
}

fn wrong_suffix(name: &str, promised: &str, kind: FileKind) -> Error {
    let found = match kind {
        FileKind::Still(format) => format!("a {format} picture"),
        _ => "something else".to_owned(),
    };
    let promised = format!("{promised} (.{})", sniff::suffix(name).unwrap_or_default());
    Error::WrongSuffix { promised, found }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Natural order: numbers within names count as numbers, so `f9.png` stands before `f10.png`.
pub(crate) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(x), Some(y)) = (left.first(), right.first()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number, rest) = take_number(left);
            let (other, other_rest) = take_number(right);
            (left, right) = (rest, other_rest);
            number.len().cmp(&other.len()).then_with(|| number.cmp(other))
        } else {
            (left, right) = (&left[1..], &right[1..]);
            x.cmp(y)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The digits at the front without leading zeros, and what follows.
fn take_number(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    let (number, rest) = bytes.split_at(end);
    let begin = number.iter().position(|digit| *digit != b'0').unwrap_or(number.len());
    (&number[begin..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    const EACH: Walk =
        Walk { readers: Readers::built_in(), stills: Stills::Each, links: Links::Left, masks: Masks::LeftOut };
    const FOLLOWING: Walk =
        Walk { readers: Readers::built_in(), stills: Stills::Clip, links: Links::Followed, masks: Masks::LeftOut };

    fn picture(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::new(2, 2).save(path).unwrap();
    }

    fn keys(tree: &Tree) -> Vec<(&str, bool)> {
        tree.found.iter().map(|found| (found.key.as_str(), found.optional)).collect()
    }

    #[test]
    fn a_folder_of_pictures_is_one_clip_in_natural_order_or_a_clip_each() {
        let root = tempfile::tempdir().unwrap();
        for name in ["p/f10.png", "p/f9.png", "p/f1.png", "p/.hidden.png"] {
            picture(&root.path().join(name));
        }
        fs::write(root.path().join("p/notes.txt"), "words").unwrap();
        let tree = walk(root.path(), &Walk::default(), &[]).unwrap();
        assert_eq!(keys(&tree), [("p", false), ("p/notes.txt", true)]);
        let What::Pictures(_, files) = &tree.found[0].what else { panic!("{tree:?}") };
        let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["f1.png", "f9.png", "f10.png"]);
        let clips = ["p/f9.png", "p/f2.png", "p/notes.txt", "f9.png"].map(|path| tree.clip_of_frame(path));
        assert_eq!(clips, [Some("p"), None, None, None]);
        let tree = walk(root.path(), &EACH, &[]).unwrap();
        assert_eq!(keys(&tree)[..3], [("p/f1.png", false), ("p/f10.png", false), ("p/f9.png", false)]);
    }

    #[test]
    fn what_is_left_out_is_what_nothing_promises() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(root.path().join(name), bytes).unwrap();
        write("a.mp4", &[0; 50]);
        write("b.bin", &[0; 50]);
        write("c.mp4", b"");
        write("d.csv", b"a,b\n");
        write("e.mov", b"words\n");
        picture(&root.path().join("f.png"));
        fs::copy(root.path().join("f.png"), root.path().join("g.avi")).unwrap();
        let tree = walk(root.path(), &Walk::default(), &[root.path().join("d.csv")]).unwrap();
        let expected =
            [("a.mp4", false), ("b.bin", true), ("c.mp4", false), ("e.mov", false), ("f.png", true), ("g.avi", false)];
        assert_eq!(keys(&tree), expected);
        let What::Refused(why) = &tree.found[5].what else { panic!("{tree:?}") };
        assert_eq!(why.to_string(), "its name says a video (.avi), its content is a PNG picture");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_counted_and_not_followed() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        picture(&outside.path().join("secret/f.png"));
        std::os::unix::fs::symlink(outside.path(), root.path().join("out")).unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("round")).unwrap();
        let tree = walk(root.path(), &Walk::default(), &[]).unwrap();
        assert_eq!((tree.found.len(), tree.links.left.as_slice()), (0, &["out".to_owned(), "round".to_owned()][..]));
        assert!(tree.links.lead_to("out/secret/f.png") && tree.links.lead_to("out") && !tree.links.lead_to("outer"));
        let warning = &tree.links.warnings()[0];
        assert_eq!(warning, "2 links (out, round) were not followed; --follow-links takes in what links lead to");
    }

    #[cfg(unix)]
    #[test]
    fn links_that_are_followed_give_each_file_once_and_no_round_twice() {
        use std::os::unix::fs::symlink;
        let [root, outside, store] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let at = |name: &str| root.path().join(name);
        picture(&outside.path().join("more/f.png"));
        picture(&store.path().join("f1.png"));
        picture(&store.path().join("f2.png"));
        picture(&at("real/a.png"));
        fs::create_dir(at("annex")).unwrap();
        // A folder of links, as git-annex leaves it, is one clip.
        symlink(store.path().join("f1.png"), at("annex/1.png")).unwrap();
        symlink(store.path().join("f2.png"), at("annex/2.png")).unwrap();
        symlink(root.path(), at("real/round")).unwrap();
        symlink(at("real"), at("again")).unwrap();
        symlink(at("real/a.png"), at("annex/z.png")).unwrap();
        symlink(outside.path(), at("zz")).unwrap();
        symlink("nowhere", at("broken.png")).unwrap();
        symlink("loop.gif", at("loop.gif")).unwrap();
        let tree = walk(root.path(), &FOLLOWING, &[]).unwrap();
        assert_eq!(
            keys(&tree),
            [("annex", false), ("broken.png", false), ("loop.gif", false), ("real", false), ("zz/more", false)]
        );
        assert_eq!(tree.links.twice, ["again", "annex/z.png", "real/round"]);
    }

    /// Reads pictures that begin with `OWN`.
    struct OwnPictures;

    impl hico_io::Reader for OwnPictures {
        fn name(&self) -> &'static str {
            "own"
        }

        fn probe(&self, head: &[u8], _: &Path) -> Option<FileKind> {
            head.starts_with(b"OWN").then_some(FileKind::Still("OWN"))
        }

        fn open(&self, _: &[PathBuf], _: &hico_io::ReadOptions) -> Result<Box<dyn hico_io::FrameSource>, Error> {
            Err(Error::NoIndex)
        }
    }

    #[test]
    fn pictures_of_one_reader_are_a_clip_and_those_of_two_are_a_clip_each() {
        let root = tempfile::tempdir().unwrap();
        for name in ["1.own", "2.own"] {
            fs::write(root.path().join(name), b"OWN\0").unwrap();
        }
        let how = Walk { readers: Readers::default().with(OwnPictures), ..Walk::default() };
        let tree = walk(root.path(), &how, &[]).unwrap();
        assert_eq!(keys(&tree), [(".", false)]);
        assert!(
            matches!(&tree.found[0].what, What::Pictures(reader, files) if reader.name() == "own" && files.len() == 2)
        );
        picture(&root.path().join("3.png"));
        let tree = walk(root.path(), &how, &[]).unwrap();
        assert_eq!(keys(&tree), [("1.own", false), ("2.own", false), ("3.png", false)]);
    }

    #[test]
    fn masks_are_no_clips_and_no_frames() {
        let root = tempfile::tempdir().unwrap();
        for name in [
            "b (1).png",
            "b (1)_mask.png",
            "b (1)_mask_1.png",
            "B (1)-Masks.bmp",
            "b (1)_masked.png",
            "c_mask.png",
            "mask.png",
        ] {
            picture(&root.path().join("b").join(name));
        }
        let masks = ["b/B (1)-Masks.bmp", "b/b (1)_mask.png", "b/b (1)_mask_1.png"];
        let tree = walk(root.path(), &EACH, &[]).unwrap();
        assert_eq!((tree.masks.as_slice(), tree.found.len()), (&masks.map(str::to_owned)[..], 4));
        let tree = walk(root.path(), &Walk::default(), &[]).unwrap();
        let What::Pictures(_, files) = &tree.found[0].what else { panic!("{tree:?}") };
        assert_eq!((tree.masks.len(), files.len()), (3, 4));
        let tree = walk(root.path(), &Walk { masks: Masks::Kept, ..EACH }, &[]).unwrap();
        assert_eq!((tree.masks.len(), tree.found.len()), (0, 7));
    }

    proptest! {
        #[test]
        fn natural_order_is_an_order(mut names in prop::collection::vec("[a0-2.]{0,5}", 3)) {
            let [a, b, c] = [&names[0], &names[1], &names[2]];
            prop_assert_eq!(natural(a, b), natural(b, a).reverse());
            prop_assert_eq!(natural(a, b) == Ordering::Equal, a == b);
            if natural(a, b) != Ordering::Greater && natural(b, c) != Ordering::Greater {
                prop_assert_ne!(natural(a, c), Ordering::Greater);
            }
            names.sort_by(|a, b| natural(a, b));
        }
    }
}
