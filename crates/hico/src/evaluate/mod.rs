//! Judging an encoder honestly: folds by group, floors beside every figure.

pub mod classifier;
pub mod finetune;
pub mod floors;
pub mod knn;
mod lbfgs;
pub mod linear;
pub mod outcome;
pub mod plan;
pub mod predictions;
pub mod scores;

#[cfg(test)]
mod test_data;
