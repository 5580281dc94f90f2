//! Judging an encoder honestly: folds by group, floors beside every figure.

pub mod outcome;
