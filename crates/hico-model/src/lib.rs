//! Networks and their use: encoders with a feature pyramid, fine-tuned networks, and what they say of clips.
//!
//! The modules are listed in the order in which data flows; nothing uses what is listed below it.
//!
//! - [`backbone`]: what a network is, as a description; ResNets, and whatever is registered
//! - [`BackboneNetwork`] and [`Pyramid`] make an [`Encoder`]; a [`FeatureSet`] says what of it is read
//! - [`weights`]: parameters by name, out of and into files
//! - [`classifier`], [`classifier_file`]: a fine-tuned network, and its file
//! - [`pretrained`], [`history`]: an encoder, and what is known of how it came to be
//! - [`predict`], [`embed`], [`explain`], [`export`]: uses
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use hico_data::Seed;
//! use hico_model::init::Init;
//! use hico_model::{BackboneName, Encoder, FeatureSet, Mode};
//!
//! let device = Device::flex();
//! let encoder = Encoder::new(&Init::new(&device, Seed(1)).at("encoder"), BackboneName::RESNET18);
//! let pictures = Tensor::<4>::zeros([2, 3, 64, 64], &device);
//! let features = encoder.features(pictures, FeatureSet::C5, Mode::Eval);
//! assert_eq!(features.dims(), [2, 512]);
//! ```

mod error;
pub mod device;
pub mod rows;
pub mod stats;
mod mode;
pub mod init;
pub mod backbone;
mod gradients;
pub mod batch_norm;
pub mod layers;
pub mod channel_layers;
mod network;
mod fpn;
mod features;
mod encoder;
pub mod weights;
mod pass;
pub mod batch;
pub mod classifier;
pub mod frame_ref;
pub mod known;
pub mod frames;
pub mod calibration;
pub mod estimate;
pub mod history;
pub mod classifier_file;
pub mod pretrained;
pub mod predict;
pub mod export;
pub mod embed;
pub mod explain;
#[cfg(any(test, feature = "test-data"))]
pub mod test_data;

pub use backbone::{Backbone, BackboneName};
pub use encoder::{Encoder, Maps};
pub use error::Error;
pub use features::{FeatureMaps, FeatureSet};
pub use fpn::{CHANNELS, Pyramid};
pub use gradients::added;
pub use mode::Mode;
pub use network::{BackboneNetwork, Stages};
pub use pass::Pass;

/// The version of this program, kept in all that it writes.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The style sheet of every page that this program writes or serves.
pub const STYLE: &str = include_str!("page.css");
