//! A fine-tuned network on clips that nobody labelled: classes with a confidence that is calibrated, whether the clip is like
//! any that was learnt from, and which of those are nearest.
//!
//! - [`model`]: a fine-tuned network, ready to be asked
//! - [`sources`]: files and folders → clips, prepared as the network's training clips were
//! - [`clip`]: a clip → its answer, frame by frame
//! - [`ensemble`]: the mean answer of several networks

pub mod model;
pub mod clip;
pub mod ensemble;
pub mod sources;
