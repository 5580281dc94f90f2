//! Pooling and resampling of maps as operations of the graph.

use crate::graph::{Handle, close, contiguous, dims, open, tensor};
use crate::pool::{self, Window};
use crate::resample;
use burn::tensor::module as operation;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Tensor, TensorData};
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::Flex;
use std::sync::Arc;

/// The largest value under a square window; the border counts for nothing.
///
/// - `x`: `[batch, channels, height, width]`
/// - `padding`: at most half of `size`
/// - returns: `[batch, channels, (height + 2 padding - size) / stride + 1, ...]`
#[must_use]
pub fn max_pool(x: Tensor<4>, size: usize, stride: usize, padding: usize) -> Tensor<4> {
    assert!(stride > 0 && 2 * padding <= size, "a window lies in the border");
    let Some((handle, context)) = open(x.clone()) else {
        let options = MaxPoolOptions::new([size; 2]).with_stride([stride; 2]).with_padding([padding; 2]);
        return operation::max_pool2d(x, options);
    };
    let [batch, channels, height, width] = x.dims();
    assert!(height + 2 * padding >= size && width + 2 * padding >= size, "the window is larger than the map");
    let window = Window { height, width, size, stride, padding };
    let (y, from) = pool::forward(contiguous(&handle.clone().plain()).storage(), window);
    let y = tensor(y, [batch, channels, window.out_height(), window.out_width()]);
    let y = match handle {
        Handle::Plain(_) => Handle::Plain(y),
        Handle::Tracked(x) => {
            let state = Pooled { from: Arc::new(from), window, shape: [batch, channels, height, width] };
            Handle::Tracked(match MaxPool.prepare::<NoCheckpointing>([x.node()]).compute_bound().stateful() {
                OpsKind::Tracked(prepared) => prepared.finish(state, y),
                OpsKind::UnTracked(prepared) => prepared.finish(y),
            })
        }
    };
    close(y, context)
}

#[derive(Debug)]
struct MaxPool;

#[derive(Debug, Clone)]
struct Pooled {
    from: Arc<Vec<u32>>,
    window: Window,
    shape: [usize; 4],
}

impl Backward<Flex, 1> for MaxPool {
    type State = Pooled;

    fn backward(self, ops: Ops<Pooled, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&gradients.consume::<Flex>(&ops.node));
        let Pooled { from, window, shape } = ops.state;
        let [x] = ops.parents;
        if let Some(node) = x {
            gradients.register::<Flex>(node.id, tensor(pool::gradient(dy.storage(), &from, window), shape));
        }
    }
}

/// `coarse`, resampled to the size of `fine` by bilinear interpolation with pixels as areas (PyTorch's
/// `align_corners=False`), plus `fine`.
///
/// - `coarse`: `[batch, channels, _, _]`
/// - `fine`, and what is returned: `[batch, channels, height, width]`
#[must_use]
pub fn resample_add(coarse: Tensor<4>, fine: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = fine.dims();
    let opened = || Some((open(coarse.clone())?, open(fine.clone())?));
    let Some(((from, of_coarse), (onto, of_fine))) = opened() else {
        return by_products(coarse, [height, width]) + fine;
    };
    let [of_batch, of_channels, tall, wide] = coarse.dims();
    assert_eq!([of_batch, of_channels], [batch, channels], "maps of the two");
    let (source, added) = (contiguous(&from.clone().plain()), contiguous(&onto.clone().plain()));
    let resampled = Resampled { from: [tall, wide], to: [height, width], maps: [batch, channels] };
    let y = resample::forward(source.storage(), added.storage(), resampled.from, resampled.to);
    let y = tensor(y, [batch, channels, height, width]);
    let y = match (from, onto) {
        (Handle::Plain(_), Handle::Plain(_)) => Handle::Plain(y),
        (from, onto) => {
            let nodes = [from.tracked().node(), onto.tracked().node()];
            Handle::Tracked(match ResampleAdd.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
                OpsKind::Tracked(prepared) => prepared.finish(resampled, y),
                OpsKind::UnTracked(prepared) => prepared.finish(y),
            })
        }
    };
    close(y, of_coarse.merge(of_fine))
}

/// Resampling as a product with one matrix a side: burn's own has no gradient on a GPU.
fn by_products(coarse: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [_, _, tall, wide] = coarse.dims();
    // A constant, also where the maps are in a graph.
    let device = coarse.device();
    let matrix = |from: usize, to: usize| -> Tensor<4> {
        Tensor::from_data(TensorData::new(resample::matrix(from, to), [1, 1, to, from]), &device)
    };
    matrix(tall, height).matmul(coarse).matmul(matrix(wide, width).swap_dims(2, 3))
}

#[derive(Debug)]
struct ResampleAdd;

#[derive(Debug, Clone, Copy)]
struct Resampled {
    from: [usize; 2],
    to: [usize; 2],
    maps: [usize; 2],
}

impl Backward<Flex, 2> for ResampleAdd {
    type State = Resampled;

    fn backward(self, ops: Ops<Resampled, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&gradients.consume::<Flex>(&ops.node));
        let Resampled { from, to, maps: [batch, channels] } = ops.state;
        let [coarse, fine] = ops.parents;
        if let Some(node) = coarse {
            let gradient = resample::gradient(dy.storage(), from, to);
            gradients.register::<Flex>(node.id, tensor(gradient, [batch, channels, from[0], from[1]]));
        }
        if let Some(node) = fine {
            debug_assert_eq!(dims::<4>(&dy)[2..], to);
            gradients.register::<Flex>(node.id, dy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn products_resample_as_the_passes_do() {
        let device = Device::flex();
        for ([tall, wide], to) in [([4, 4], [8, 8]), ([3, 5], [5, 9]), ([1, 1], [2, 3]), ([7, 7], [4, 3])] {
            let of = |count: usize| (0..count).map(|place| (place as f32 * 0.7).sin()).collect::<Vec<f32>>();
            let coarse = Tensor::from_data(TensorData::new(of(6 * tall * wide), [2, 3, tall, wide]), &device);
            let nothing = Tensor::zeros([2, 3, to[0], to[1]], &device);
            let off = by_products(coarse.clone(), to) - resample_add(coarse, nothing);
            let off = off.abs().max().into_scalar::<f32>();
            assert!(off < 1e-6, "{tall}x{wide} to {to:?}: {off}");
        }
    }
}
