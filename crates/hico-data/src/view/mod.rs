//! Frames of a clip → training views.

mod recipe;

pub use recipe::ViewRecipe;
