//! Views → tensors: the one place where the two worlds meet.

use burn::tensor::{Device, Tensor, TensorData};

/// Stacks views into one tensor.
///
/// - `views`: each `[3, side, side]`, channel by channel, row by row
/// - returns: `[views, 3, side, side]`
///
/// # Panics
/// When a view has another length.
#[must_use]
pub fn images<V: AsRef<[f32]>>(views: &[V], side: usize, device: &Device) -> Tensor<4> {
    let mut values = Vec::with_capacity(views.len() * 3 * side * side);
    for view in views {
        assert_eq!(view.as_ref().len(), 3 * side * side, "a view is [3, {side}, {side}]");
        values.extend_from_slice(view.as_ref());
    }
    Tensor::from_data(TensorData::new(values, [views.len(), 3, side, side]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_views_of_a_batch_stay_in_order() {
        let views = [vec![1.0; 12], vec![2.0; 12]];
        let batch = images(&views, 2, &Device::flex());
        assert_eq!(batch.dims(), [2, 3, 2, 2]);
        assert_eq!(batch.into_data().try_to_vec::<f32>().unwrap(), views.concat());
    }
}
