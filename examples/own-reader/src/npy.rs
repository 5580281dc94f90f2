//! Clips as `numpy.save` writes them: `uint8`, `[frames, height, width]` or `[frames, height, width, 3]`.

use hico_io::{ClipMeta, Error, FileKind, FrameSink, FrameSource, ReadOptions, Reader, Size, check_size, guard, one_file};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header that is read; that of an array of four axes has 118 bytes.
const LONGEST_HEADER: usize = 4096;

/// Reads `.npy` files.
pub struct Npy;

impl Reader for Npy {
    fn name(&self) -> &'static str {
        "npy"
    }

    fn probe(&self, head: &[u8], _: &Path) -> Option<FileKind> {
        head.starts_with(MAGIC).then_some(FileKind::Clip)
    }

    fn open(&self, files: &[PathBuf], options: &ReadOptions) -> Result<Box<dyn FrameSource>, Error> {
        let file = guard::open(one_file(files)?).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let mut file = BufReader::new(file);
        let (shape, header) = read_header(&mut file)?;
        let (frames, size, channels) = match shape[..] {
            [frames, height, width] => (frames, Size { height, width }, 1),
            [frames, height, width, 3] => (frames, Size { height, width }, 3),
            _ => return Err(wrong(format!("an array of shape {shape:?}"))),
        };
        // What the header claims is held against the limits and against the file before memory is taken for it.
        check_size(size, options.limits)?;
        let claimed = (frames as u64).checked_mul((size.height * size.width * channels) as u64);
        if claimed.and_then(|pixels| pixels.checked_add(header)) != Some(bytes) {
            return Err(wrong(format!("an array of shape {shape:?} in a file of {bytes} bytes")));
        }
        Ok(Box::new(Array { file, frames, size, channels }))
    }
}

/// An open array; the file stands at its first frame.
struct Array {
    file: BufReader<File>,
    frames: usize,
    size: Size,
    channels: usize,
}

impl FrameSource for Array {
    fn decode(&mut self, sink: &mut dyn FrameSink, stop: &AtomicBool) -> Result<ClipMeta, Error> {
        let Self { size, channels, .. } = *self;
        let mut pixels = Vec::new();
        for frame in 0..self.frames {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            sink.admit(size, &|| format!("frame {frame}"))?;
            pixels.resize(size.height * size.width * channels, 0);
            self.file.read_exact(&mut pixels).map_err(unreadable)?;
            match channels {
                3 => sink.push(&pixels)?,
                _ => sink.push(&pixels.iter().flat_map(|grey| [*grey; 3]).collect::<Vec<u8>>())?,
            }
        }
        Ok(ClipMeta::of_frames(None, "npy".to_owned()))
    }
}

/// Reads the shape that the header tells, and how many bytes stand before the first frame.
fn read_header(file: &mut impl Read) -> Result<(Vec<usize>, u64), Error> {
    let mut begin = [0; 8];
    file.read_exact(&mut begin).map_err(unreadable)?;
    let mut length = vec![0; if begin[6] == 1 { 2 } else { 4 }];
    file.read_exact(&mut length).map_err(unreadable)?;
    let before = (begin.len() + length.len()) as u64;
    let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
    if length > LONGEST_HEADER {
        return Err(wrong(format!("a header of {length} bytes")));
    }
    let mut header = vec![0; length];
    file.read_exact(&mut header).map_err(unreadable)?;
    let header = String::from_utf8_lossy(&header);
    let value = |key: &str| header.split_once(key).map(|(_, rest)| rest.trim_start());
    if !value("'descr':").is_some_and(|kind| kind.starts_with("'|u1'")) {
        return Err(wrong("an array that is not of uint8".to_owned()));
    }
    if !value("'fortran_order':").is_some_and(|order| order.starts_with("False")) {
        return Err(wrong("an array in the order of Fortran".to_owned()));
    }
    let shape = value("'shape':").and_then(|shape| shape.strip_prefix('(')?.split_once(')'));
    let lengths = shape.map(|(shape, _)| shape.split(',').map(str::trim).filter(|length| !length.is_empty()));
    let shape = lengths.and_then(|lengths| lengths.map(|length| length.parse().ok()).collect());
    Ok((shape.ok_or_else(|| wrong("an array without a shape".to_owned()))?, before + length as u64))
}

fn wrong(what: String) -> Error {
    let hint = "write it with numpy.save as uint8, [frames, height, width] or [frames, height, width, 3]";
    Error::Own { said: format!("a .npy file of {what}"), hint }
}

fn unreadable(error: std::io::Error) -> Error {
    Error::Read { said: error.to_string() }
}
