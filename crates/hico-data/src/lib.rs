//! From files to training views, with no tensor framework inside.
//!
//! The modules are listed in the order in which data flows; nothing uses what is listed below it.
//!
//! ```
//! use hico_data::phantom::{PhantomRecipe, generate};
//!
//! // Clips of a phantom in memory; `Dataset::open` opens a data set on a disk.
//! let clips = generate(&PhantomRecipe { patients: 3, frames: 2, side: 32, ..PhantomRecipe::default() });
//! let frame = clips.read_frame(0, 1)?;
//! assert_eq!((clips.classes().len(), frame.size.height, frame.size.width), (3, 32, 32));
//! # Ok::<(), hico_data::Error>(())
//! ```

mod words;
mod error;
pub mod seed;
pub mod clip;
pub mod atomic;
mod canvas;
pub mod sector;
pub mod text;
pub mod preprocessing;
pub mod steps;
pub mod manifest;
pub mod info;
pub mod spelling;
pub mod store;
pub mod dataset;
pub mod job;
pub mod split;
pub mod inspect;
pub mod phantom;
pub mod view;
pub mod sector_sheet;
pub mod ingest;
pub mod contact_sheet;
pub mod audit;
pub mod phi;
pub mod prefetch;
pub mod export;
pub mod join;

pub use clip::{Channels, Clip, Frame, Size};
pub use dataset::Dataset;
pub use error::Error;
pub use hico_io::{guarded, region};
pub use job::{Event, Job};
pub use manifest::{ClipRow, Manifest};
pub use preprocessing::Preprocessing;
pub use seed::Seed;
pub use steps::{Step, Steps};
