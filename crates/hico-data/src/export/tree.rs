//! An `ImageFolder` tree: `class/clip/00000.png`, below `train`, `val` and `test` where there are parts.
//!
//! torchvision and its like look for pictures at any depth below the folder of a class, so the folder of a clip costs
//! them nothing, and it keeps frames of one clip together for whoever draws pairs of them.

use super::names::Names;
use super::parts::ExportPart;
use super::{Piece, png};
use crate::dataset::Dataset;
use crate::error::Error;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// The folder of each labelled clip.
pub(super) fn pieces(data: &Dataset, parts: &[ExportPart], names: &Names) -> Vec<Piece> {
    let piece = |(clip, part): (usize, &ExportPart)| {
        let class = names.class(data.row(clip).label.as_deref()?)?;
        let folder = if *part == ExportPart::All { class.to_owned() } else { format!("{part}/{class}") };
        Some(Piece { path: format!("{folder}/{}", names.clip(clip)), part: *part, clips: vec![clip] })
    };
    parts.iter().enumerate().filter_map(piece).collect()
}

/// Writes the frames into a folder of another name, which is renamed once all are on the disk.
pub(super) fn write(data: &Dataset, piece: &Piece, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    for clip in &piece.clips {
        let frames = png::frames(&data.read_clip(*clip)?).map_err(failed)?;
        // Not tempfile's folder, which nobody else may enter.
        let part = folder.join(format!(".part-{}", path.file_name().unwrap_or_default().to_string_lossy()));
        let write = || -> io::Result<()> {
            std::fs::create_dir(&part)?;
            for (number, bytes) in frames.iter().enumerate() {
                let mut file = File::create_new(part.join(format!("{number:05}.png")))?;
                file.write_all(bytes)?;
                file.sync_data()?;
            }
            std::fs::rename(&part, path)
        };
        write().map_err(failed)?;
    }
    Ok(())
}
