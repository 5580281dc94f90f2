//! WebDataset shards: tar files in which files of one key are one sample.
//!
//! Every clip has a folder of its own in the tar. A sample that is a clip has the files `clip.00000.png`, ..., `clip.json`
//! and, where it is labelled, `clip.cls` with the number of its class: a clip stays whole, and a loader draws two frames
//! of it. A sample that is a frame has `00000.png`, `00000.json` and `00000.cls`, as classifiers of pictures want it.
//! Unpacked, either is a folder of frames a clip.

use super::names::Names;
use super::parts::ExportPart;
use super::{Piece, png};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::manifest::ClipRow;
use crate::seed::Seed;
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sample {
    /// A clip with all its frames.
    #[default]
    Clip,
    /// A frame.
    Frame,
}

/// What a sample's JSON says.
#[derive(Serialize)]
struct About<'a> {
    clip: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<usize>,
    frames: usize,
    label: Option<&'a str>,
    class: Option<usize>,
    patient: Option<&'a str>,
    group: &'a str,
    fold: Option<usize>,
    height: usize,
    width: usize,
    fps: Option<f64>,
    source: &'a str,
    sha256: &'a str,
}

impl<'a> About<'a> {
    fn of(row: &'a ClipRow, class: Option<usize>, frame: Option<usize>) -> Self {
        Self {
            clip: &row.clip,
            frame,
            frames: row.frames,
            label: row.label.as_deref(),
            class,
            patient: row.patient.as_deref(),
            group: &row.group,
            fold: row.fold,
            height: row.height,
            width: row.width,
            fps: row.fps,
            source: &row.source,
            sha256: &row.sha256,
        }
    }
}

/// Which clips go into which shard: settled by the sizes in the table, so that a shard is the same whenever it is written.
pub(super) fn pieces(data: &Dataset, parts: &[ExportPart], shard_bytes: u64, seed: Seed) -> Vec<Piece> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.shuffle(&mut seed.stream("export", &[]));
    let mut pieces: Vec<Piece> = Vec::new();
    for part in [ExportPart::All, ExportPart::Train, ExportPart::Val, ExportPart::Test] {
        let (mut number, mut room) = (0, 0);
        for clip in order.iter().copied().filter(|clip| parts[*clip] == part) {
            let row = data.row(clip);
            let bytes = (row.frames * row.height * row.width * row.channels.count()) as u64;
            match pieces.last_mut().filter(|piece| piece.part == part && bytes <= room) {
                Some(piece) => {
                    piece.clips.push(clip);
                    room -= bytes;
                }
                None => {
                    let name = if part == ExportPart::All { "data".to_owned() } else { part.to_string() };
                    pieces.push(Piece { path: format!("{name}-{number:06}.tar"), part, clips: vec![clip] });
                    number += 1;
                    room = shard_bytes.saturating_sub(bytes);
                }
            }
        }
    }
    pieces
}

/// Writes one shard under another name, which is changed once it is whole and on the disk.
pub(super) fn write(data: &Dataset, names: &Names, sample: Sample, piece: &Piece, path: &Path) -> Result<(), Error> {
    let mut trouble = None;
    let fill = |file: &mut File| -> io::Result<()> {
        let mut tar = tar::Builder::new(BufWriter::with_capacity(1 << 20, file));
        for clip in &piece.clips {
            let frames = data.read_clip(*clip).map_err(|error| {
                trouble = Some(error);
                io::Error::other("the data set cannot be read")
            })?;
            let folder = names.clip(*clip);
            for (name, bytes) in files(data.row(*clip), data.label(*clip), sample, png::frames(&frames)?)? {
                let mut header = tar::Header::new_gnu();
                header.set_size(bytes.len() as u64);
                header.set_mode(0o644);
                header.set_mtime(0);
                tar.append_data(&mut header, format!("{folder}/{name}"), bytes.as_slice())?;
            }
        }
        tar.into_inner()?.flush()
    };
    let written = crate::atomic::write_with(path, fill);
    match (written, trouble) {
        (Err(_), Some(trouble)) => Err(trouble),
        (Err(source), None) => Err(Error::Write { path: path.to_owned(), source }),
        (Ok(()), _) => Ok(()),
    }
}

/// The files of a clip, name and bytes, those of one sample one after the other.
///
/// - `frames`: as PNG
fn files(
    row: &ClipRow,
    class: Option<usize>,
    sample: Sample,
    frames: Vec<Vec<u8>>,
) -> io::Result<Vec<(String, Vec<u8>)>> {
    let about = |key: &str, frame: Option<usize>| -> io::Result<Vec<(String, Vec<u8>)>> {
        let json = (format!("{key}.json"), serde_json::to_vec(&About::of(row, class, frame))?);
        let class = class.map(|class| (format!("{key}.cls"), class.to_string().into_bytes()));
        Ok(std::iter::once(json).chain(class).collect())
    };
    let mut files = Vec::new();
    if sample == Sample::Clip {
        files.extend(about("clip", None)?);
    }
    for (number, png) in frames.into_iter().enumerate() {
        let key = format!("{number:05}");
        match sample {
            Sample::Clip => files.push((format!("clip.{key}.png"), png)),
            Sample::Frame => {
                files.extend(about(&key, Some(number))?);
                files.push((format!("{key}.png"), png));
            }
        }
    }
    Ok(files)
}
