//! Features that are predicted where they are hidden.

use burn::tensor::{Tensor, TensorData};

/// Added to a variance before its root is taken.
const EPSILON: f64 = 1e-6;

/// Mean squared distance of predicted features from those of a teacher, over hidden places. Targets are normalised over the
/// channels of a place (Baevski et al. 2022, section 3.3), so that no teacher can make them small.
///
/// - `predicted`, `target`: `[places, channels]`
/// - `hidden`: for each place whether it is
/// - returns: `[1]`; 0 where nothing is hidden
///
/// # Panics
/// When there are not as many places as rows.
#[must_use]
pub fn latent_prediction(predicted: Tensor<2>, target: Tensor<2>, hidden: &[bool]) -> Tensor<1> {
    let [places, channels] = predicted.dims();
    assert_eq!(places, hidden.len(), "a place is a row");
    let around = target.clone() - target.mean_dim(1);
    let deviation = (around.clone().square().mean_dim(1) + EPSILON).sqrt();
    let distance = (predicted - around / deviation).square().sum_dim(1) / channels as f64; // [places, 1]
    let count = hidden.iter().filter(|hidden| **hidden).count().max(1);
    let weights: Vec<f32> = hidden.iter().map(|hidden| f32::from(u8::from(*hidden)) / count as f32).collect();
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [places, 1]), &distance.device());
    (distance * weights).sum()
}
