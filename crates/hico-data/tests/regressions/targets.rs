//! What each fuzz target does with an input: it goes the way that a file goes through `hico ingest`, or a data set through
//! `Dataset::open`. The targets in `fuzz/` are these functions, and the test here replays inputs through them.

use hico_data::ingest::journal::{self, JOURNAL_FILE};
use hico_data::ingest::labels::LabelTable;
use hico_data::ingest::{Axes, Pickles};
use hico_data::ingest::{
    Columns, Damaged, Folds, IngestOptions, KeptWords, LabelBins, LabelMap, Layout, Limits, PatientPattern, Programs,
    Stills, ingest,
};
use hico_data::manifest::MANIFEST_FILE;
use hico_data::sector::SectorUse;
use hico_data::text::TextUse;
use hico_data::{Dataset, Error, Job, Manifest, Preprocessing};
use hico_io::dicom::read_frames;
use std::fs;
use std::path::{Path, PathBuf};

/// How many clips came of an input, or why none did.
pub type Outcome = Result<usize, String>;

/// Small, so that an input that obeys them is quick, and one that does not is seen.
pub const LIMITS: Limits = Limits { frames: 16, pixels: 1 << 16, bytes: 1 << 20, seconds: 8 };

/// A DICOM file: header, every frame as it is stored, then taken in with all that is done to pictures on the way.
pub fn dicom(bytes: &[u8]) -> Outcome {
    let desk = Desk::new();
    let path = desk.put("IM0001", bytes);
    let mut frames = 0;
    let read = read_frames(&path, LIMITS, |_| frames += 1);
    assert!(frames <= LIMITS.frames);
    let options = match read {
        Ok(()) => IngestOptions {
            preprocessing: Preprocessing {
                sector: SectorUse::CropAndMask,
                text: TextUse::Paint,
                ..Preprocessing::default()
            },
            ..IngestOptions::default()
        },
        Err(_) => IngestOptions { damaged: Damaged::Keep, ..IngestOptions::default() },
    };
    desk.ingest(options)
}

/// A picture or an animation (GIF, PNG, JPEG, BMP, TIFF, WebP), whichever its first bytes say.
pub fn stills(bytes: &[u8]) -> Outcome {
    let desk = Desk::new();
    desk.put("clip", bytes);
    desk.ingest(IngestOptions::default())
}

/// A PNG, animated or not. The signature is put in front of what has none, so that every input reaches the decoder.
pub fn png(bytes: &[u8]) -> Outcome {
    kind(bytes, b"\x89PNG\r\n\x1a\n", "a.png")
}

/// A JPEG.
pub fn jpeg(bytes: &[u8]) -> Outcome {
    kind(bytes, b"\xff\xd8\xff", "a.jpg")
}

/// Raw MJPEG, a row of JPEGs.
pub fn mjpeg(bytes: &[u8]) -> Outcome {
    kind(bytes, b"\xff\xd8\xff", "a.mjpeg")
}

/// A WebP, animated or not.
pub fn webp(bytes: &[u8]) -> Outcome {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= 12 {
        bytes[..4].copy_from_slice(b"RIFF");
        bytes[8..12].copy_from_slice(b"WEBP");
    }
    kind(&bytes, b"", "a.webp")
}

/// A GIF.
pub fn gif(bytes: &[u8]) -> Outcome {
    kind(bytes, b"GIF89a", "a.gif")
}

/// A BMP.
pub fn bmp(bytes: &[u8]) -> Outcome {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= 10 {
        bytes[..2].copy_from_slice(b"BM");
        bytes[6..10].fill(0);
    }
    kind(&bytes, b"", "a.bmp")
}

/// A TIFF of either order of bytes.
pub fn tiff(bytes: &[u8]) -> Outcome {
    let order: &[u8] = if bytes.starts_with(b"MM") { b"MM\0*" } else { b"II*\0" };
    kind(bytes, order, "a.tiff")
}

/// Puts the first bytes of a kind over those of an input, and takes it in, whole or with `--keep-damaged`, beside a sound
/// picture, which has to be taken in whatever becomes of the other.
fn kind(bytes: &[u8], first: &[u8], name: &str) -> Outcome {
    let mut bytes = bytes.to_vec();
    bytes.iter_mut().zip(first).for_each(|(byte, first)| *byte = *first);
    let desk = Desk::new();
    desk.put(name, &bytes);
    desk.put("sound.bmp", &picture());
    let damaged = if bytes.len().is_multiple_of(2) { Damaged::Refuse } else { Damaged::Keep };
    let (clips, refused) =
        desk.report(IngestOptions { damaged, stills: Some(Stills::Each), ..IngestOptions::default() })?;
    assert!(clips > 0, "the picture beside it is lost");
    match refused {
        Some(why) if clips == 1 => Err(why),
        _ => Ok(clips - 1),
    }
}

/// A data set: the table up to the first zero byte, its shard behind it. A table that begins as JSON is the record of an
/// ingest that was interrupted, and is gone on with.
pub fn manifest(bytes: &[u8]) -> Outcome {
    let desk = Desk::new();
    let at = bytes.iter().position(|byte| *byte == 0);
    let (table, shard) = at.map_or((bytes, &b""[..]), |at| (&bytes[..at], &bytes[at + 1..]));
    fs::create_dir(desk.out()).unwrap();
    if table.starts_with(b"{") {
        desk.beside(&format!("out/{JOURNAL_FILE}"), table);
        desk.beside("out/frames.part", shard);
        desk.put("a.bmp", &picture());
        journal::read(&desk.out()).map_err(|error| error.to_string())?;
        return desk.ingest(IngestOptions::default());
    }
    desk.beside(&format!("out/{MANIFEST_FILE}"), table);
    desk.beside("out/frames-0000.safetensors", shard);
    let data = Dataset::open(&desk.out()).map_err(|error| error.to_string())?;
    read_all(&data).map_err(|error| error.to_string())?;
    // What was read can be written, and is then the same.
    data.manifest().write(&desk.out()).unwrap();
    assert_eq!(Manifest::read(&desk.out()).unwrap().hash(), data.manifest().hash());
    Ok(data.len())
}

/// A pickle of pictures and labels, as USCL hands them out.
pub fn pickle(bytes: &[u8]) -> Outcome {
    let desk = Desk::new();
    desk.put("fold.pkl", bytes);
    let axes = if bytes.len().is_multiple_of(2) { Axes::AsStored } else { Axes::Swapped };
    let layout = Layout::Pickles(Pickles { classes: vec!["covid".to_owned()], axes });
    desk.ingest(IngestOptions { layout, ..IngestOptions::default() })
}

/// A table of labels in every way that the flags of `hico ingest` have it read, a label map, and the texts of flags.
pub fn labels(bytes: &[u8]) -> Outcome {
    let desk = Desk::new();
    let path = desk.beside("labels.csv", bytes);
    let text = String::from_utf8_lossy(bytes);
    let first = text.lines().next().unwrap_or_default();
    // The first line may be the text of a flag.
    let bins: LabelBins = first.parse().unwrap_or_else(|_| "0.5,40".parse().unwrap());
    let pattern: PatientPattern = first.parse().unwrap_or_else(|_| "p*_".parse().unwrap());
    let map = LabelMap::read(&path).ok();
    let plain = Columns::default();
    let cut = Columns { bins, ..Columns::default() };
    let read = |columns: &Columns| LabelTable::parse(bytes, &path, columns).map_err(|error| error.to_string());
    let columns = match (read(&plain), read(&cut)) {
        (Ok(_), _) => Some(plain),
        (Err(_), Ok(_)) => Some(cut),
        (Err(why), Err(_)) if map.is_none() => return Err(why),
        _ => None,
    };
    for name in ["p1_a", "p2_a/p2_b", "Cov-1"] {
        fs::create_dir_all(desk.source().join(name)).unwrap();
        for frame in 0..2 {
            desk.put(&format!("{name}/{frame}.bmp"), &picture());
        }
    }
    let folds = if bytes.len().is_multiple_of(2) { Folds::Kept } else { Folds::Ignored };
    desk.ingest(IngestOptions {
        labels: columns.map(|columns| (path, columns)),
        layout: map.map_or(Layout::Plain, Layout::Uscl),
        folds,
        patient_in_name: Some(pattern),
        kept_words: KeptWords::new(first.split(',').map(str::to_owned)),
        labels_roots: vec![first.to_owned()],
        ..IngestOptions::default()
    })
}

/// A source folder and a place for a data set, in memory where the system has such a folder.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let desk = Self(folder.unwrap());
        fs::create_dir(desk.source()).unwrap();
        desk
    }

    fn source(&self) -> PathBuf {
        self.0.path().join("source")
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("out")
    }

    /// A file beside the source folder.
    fn beside(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A file in the source folder.
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        self.beside(&format!("source/{name}"), bytes)
    }

    /// Takes the source folder in: its clips, or why there is none.
    fn ingest(&self, options: IngestOptions) -> Outcome {
        match self.report(options)? {
            (0, why) => Err(why.unwrap_or_default()),
            (clips, _) => Ok(clips),
        }
    }

    /// Takes the source folder in: its clips, and why the first that is none was refused. What was taken in has to open
    /// again, frame by frame.
    fn report(&self, options: IngestOptions) -> Result<(usize, Option<String>), String> {
        // What only ffmpeg could tell is refused at once.
        let programs = Programs { ffmpeg: "/nowhere/ffmpeg".into(), ffprobe: "/nowhere/ffprobe".into() };
        let options = IngestOptions { limits: LIMITS, preprocessing: Preprocessing::resized(16), programs, ..options };
        let report = ingest(&self.source(), &self.out(), &options, Job::default().with_threads(1))
            .map_err(|error| error.to_string())?;
        for refused in &report.refused {
            // A decoder of others may break down; a reader of ours does not.
            assert!(!refused.reason.contains("broke down over it (hico-data/"), "{}", refused.reason);
            // It goes to a terminal and to a record.
            for words in [&refused.reason, &refused.hint] {
                assert!((1..1000).contains(&words.len()) && !words.contains(char::is_control), "{words:?}");
            }
        }
        let why = report.refused.first().map(|refused| refused.reason.clone());
        if report.clips == 0 {
            // Without a clip there is no table.
            return Ok((0, why));
        }
        let data = Dataset::open(&self.out()).unwrap();
        read_all(&data).unwrap();
        assert_eq!(report.clips, data.len());
        Ok((report.clips, why))
    }
}

/// Reads every clip, whole and frame by frame.
fn read_all(data: &Dataset) -> Result<(), Error> {
    for clip in 0..data.len() {
        let whole = data.read_clip(clip)?;
        for frame in 0..data.row(clip).frames {
            let bytes = whole.frame_bytes();
            assert_eq!(data.read_frame(clip, frame)?.pixels, whole.pixels[frame * bytes..][..bytes]);
        }
    }
    Ok(())
}

/// A BMP of one pixel.
fn picture() -> [u8; 58] {
    let mut bytes = [0; 58];
    for (at, value) in [(0, b'B'), (1, b'M'), (2, 58), (10, 54), (14, 40), (18, 1), (22, 1), (26, 1), (28, 24), (34, 4)]
    {
        bytes[at] = value;
    }
    bytes[54..57].fill(9);
    bytes
}
