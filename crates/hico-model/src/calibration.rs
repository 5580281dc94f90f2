//! Confidence that means what it says: probabilities at the temperature that was chosen for a network (Guo et al. 2017, "On
//! Calibration of Modern Neural Networks").

/// Probabilities at another temperature: `softmax(ln p / temperature)`, which is that of the logits divided by it.
///
/// - `temperature`: above 0; 1 changes nothing
#[must_use]
pub fn calibrated(probabilities: &[f64], temperature: f64) -> Vec<f64> {
    let powers: Vec<f64> = probabilities.iter().map(|p| p.max(f64::MIN_POSITIVE).ln() / temperature).collect();
    let largest = powers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = powers.into_iter().map(|power| (power - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}
