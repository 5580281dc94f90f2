//! Mean and quantiles.

/// Mean of values; `None` of none.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a count")]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Quantile with linear interpolation between order statistics (type 7 of Hyndman and Fan 1996).
///
/// - `sorted`: ascending, not empty
/// - `share`: 0 to 1
///
/// # Panics
/// When there is no value.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list, from 0 to its length"
)]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}
