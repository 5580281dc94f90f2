//! Text that is burned into frames: where it may be, and how likely it is text.
//!
//! Letters are bright, sharply edged and of thin strokes of one width, and they stand in rows; what is burned in stays
//! where it is while tissue moves. Nothing is read: a place is named, not a word.

mod look;
mod glyph;
mod row;
mod find;
mod place;
mod paint;

pub use find::{Line, find};
pub use look::TextLook;
pub use paint::{Paint, SUSPECT, TextUse};
pub use place::TextPlace;
