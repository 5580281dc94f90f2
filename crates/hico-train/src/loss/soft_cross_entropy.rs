//! The softened objective: cross-entropy against a label that leaves something to the other classes.

use crate::settings::SoftTarget;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Tensor, TensorData};

/// Cross-entropy against softened labels (Zhang et al. 2022, section 3.4), averaged over the labelled clips.
///
/// With `y` one for the clip's class and zero elsewhere, the target is `(1 - smoothing) y + smoothing / classes`, or,
/// as the authors' code has it, `(1 - smoothing) y + smoothing / (labelled - 1)`, which is no distribution and would
/// divide by zero for one labelled clip: that clip's target is then `y`. Without any labelled clip the result is zero,
/// and so is its gradient.
///
/// - `logits`: `[batch, classes]`, before the softmax
/// - `labels`: class of each clip, `None` where it is unknown
/// - returns: `[1]`, in nats
///
/// # Panics
/// When the number of labels is not the batch's, or a label is not below the number of classes.
#[must_use]
pub fn soft_cross_entropy(
    logits: Tensor<2>,
    labels: &[Option<usize>],
    smoothing: f64,
    target: SoftTarget,
) -> Tensor<1> {
    let [batch, classes] = logits.dims();
    assert_eq!(labels.len(), batch, "one label, or none, for each row");
    let labelled = labels.iter().flatten().count();
    let weights = target_rows(labels, classes, smoothing, target);
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [batch, classes]), &logits.device());
    -(log_softmax(logits, 1) * weights).sum() / labelled.max(1) as f64
}

/// `[batch, classes]`; a row of zeros for an unlabelled clip.
fn target_rows(labels: &[Option<usize>], classes: usize, smoothing: f64, target: SoftTarget) -> Vec<f32> {
    let labelled = labels.iter().flatten().count();
    let (spread, hard) = match target {
        SoftTarget::OverClasses => (smoothing / classes as f64, 1.0 - smoothing),
        SoftTarget::OverLabelled if labelled == 1 => (0.0, 1.0),
        SoftTarget::OverLabelled => (smoothing / (labelled as f64 - 1.0), 1.0 - smoothing),
    };
    let mut rows = vec![0.0; labels.len() * classes];
    for (row, label) in rows.chunks_mut(classes).zip(labels) {
        if let Some(label) = label {
            row.fill(spread as f32);
            row[*label] = (spread + hard) as f32;
        }
    }
    rows
}
