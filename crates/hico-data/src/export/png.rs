//! A frame as PNG, without loss.

use crate::clip::{Channels, Clip};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use rayon::prelude::*;
use std::io;

/// Every frame of a clip as the bytes of a PNG file.
pub(super) fn frames(clip: &Clip) -> io::Result<Vec<Vec<u8>>> {
    let edge = |length: usize| u32::try_from(length).map_err(io::Error::other);
    let (width, height) = (edge(clip.size.width)?, edge(clip.size.height)?);
    let colour = match clip.channels {
        Channels::Grey => ExtendedColorType::L8,
        Channels::Rgb => ExtendedColorType::Rgb8,
    };
    let encode = |pixels: &[u8]| {
        let mut bytes = Vec::new();
        PngEncoder::new(&mut bytes).write_image(pixels, width, height, colour).map_err(io::Error::other)?;
        Ok(bytes)
    };
    clip.pixels.par_chunks_exact(clip.frame_bytes().max(1)).map(encode).collect()
}
