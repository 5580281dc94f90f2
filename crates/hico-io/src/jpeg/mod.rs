//! JPEG beyond what its decoders tell: segments, Huffman codes, whether every pixel is there, and rows of JPEGs in one
//! file.

pub(crate) mod huffman;
pub(crate) mod markers;
mod standard;
mod walk;
pub(crate) mod scans;
pub(crate) mod stream;
