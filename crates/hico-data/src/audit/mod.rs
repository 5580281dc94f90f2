//! What spoils a study before it begins: copies on both sides of a split, clashing labels, clips that teach nothing.
//!
//! - [`texture`] (with `blur`), [`hash`]: a frame → its fine structure → 256 bits
//! - [`quality`], [`signature`]: a clip → what is kept of it while all the others are read
//! - [`candidates`]: signatures → pairs worth a closer look, without comparing all with all
//! - [`align`], [`compare`]: the closer look
//! - [`pair`], [`sides`]: what is found
//! - [`remedy`], [`files`]: merged groups and an exclusion list; nothing is deleted

mod blur;
pub mod corpus;
pub mod quality;
pub mod sides;
pub mod texture;
pub mod align;
pub mod hash;
pub mod signature;
pub mod candidates;
pub mod compare;
pub mod pair;
mod run;
pub mod remedy;
pub mod files;

pub use corpus::{ClipRef, Corpus};
pub use pair::{Kind, Pair, Relation, Thresholds};
pub use run::{AuditOptions, DatasetFacts, FaultyClip, Findings, Unreadable, Work, audit};
