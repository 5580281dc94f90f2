//! What the fuzz target does with an input: it goes the way that the body of a request goes. The target in `fuzz/` is this
//! function, and the test here replays inputs through it.

use hico_serve::config::Limits;
use hico_serve::stored;

/// How many files came of an input, or why none did.
pub type Outcome = Result<usize, String>;

/// A body, after its first line, which is the content type; it comes in pieces of as many bytes as the line is long.
pub fn upload(bytes: &[u8]) -> Outcome {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (line, body) = (&bytes[..at], bytes.get(at + 1..).unwrap_or_default());
    let pieces = body.chunks(at.max(1)).map(<[u8]>::to_vec).collect();
    let limits = Limits { body_bytes: 1 << 20, frames: 16, ..Limits::default() };
    let files = stored(&String::from_utf8_lossy(line), pieces, limits)?;
    assert!((1..=limits.frames).contains(&files), "{files}");
    Ok(files)
}
