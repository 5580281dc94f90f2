//! Convolutions with a 3x3 kernel that moves by one, with 16 products where the definition has 36.
//!
//! Minimal filtering F(2x2, 3x3) (Winograd 1980; Lavin and Gray 2016): the result is cut into tiles of 2x2, each of
//! which sees 4x4 pixels. Pixels and weights are turned into 16 coefficients each, a product of matrices is taken for
//! each coefficient over all channels, and its 16 values are turned into the tile. The turning is sums and halves of
//! few numbers ([`turn`]), so little is lost: the error stays that of a plain sum of products in 32 bits.

mod turn;
mod grid;
mod turned;
mod forward;
mod weight;

use super::Geometry;
use crate::Precision;
use grid::Grid;
use turn::SEEN;
use turned::{Plain, Turned};

/// Coefficients of a tile.
const COEFFICIENTS: usize = SEEN * SEEN;

/// Channels, in and out, and tiles from which on the turning costs less than it saves.
const CHANNELS: usize = 16;
const TILES: usize = 16;

/// Whether a convolution has this form, and is large enough to gain by it.
pub(super) fn fits(geometry: Geometry) -> bool {
    let Geometry { batch, inputs, outputs, kernel, stride, padding, .. } = geometry;
    let tiles = batch * geometry.out_height().div_ceil(2) * geometry.out_width().div_ceil(2);
    kernel == 3 && stride == 1 && padding <= 2 && inputs.min(outputs) >= CHANNELS && tiles >= TILES
}

fn grid(geometry: Geometry) -> Grid {
    let Geometry { height, width, padding, .. } = geometry;
    Grid { source: [height, width], target: [geometry.out_height(), geometry.out_width()], padding }
}

/// As [`super::forward`], for a convolution that [`fits`].
pub(super) fn forward(
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    geometry: Geometry,
    precision: Precision,
) -> Vec<f32> {
    let Geometry { batch, inputs, outputs, .. } = geometry;
    let plain = Plain::forward(weight, bias, [inputs, outputs], precision);
    forward::correlate(x, batch, grid(geometry), plain)
}

/// A weight and a bias, turned, to be used many times.
#[derive(Debug)]
pub(super) struct Kernel(Turned);

impl Kernel {
    /// - `weight`: `[outputs, inputs, 3, 3]`
    pub(super) fn new(weight: &[f32], bias: Option<&[f32]>, channels: [usize; 2], precision: Precision) -> Self {
        Self(Turned::new(Plain::forward(weight, bias, channels, precision)))
    }

    /// As [`forward`].
    pub(super) fn forward(&self, x: &[f32], geometry: Geometry) -> Vec<f32> {
        forward::correlate_by(x, [geometry.batch, geometry.outputs], grid(geometry), &self.0)
    }
}

/// As [`super::input_gradient`]: the same convolution with the kernels turned about, of outputs to inputs.
pub(super) fn input_gradient(weight: &[f32], dy: &[f32], geometry: Geometry, precision: Precision) -> Vec<f32> {
    let Geometry { batch, inputs, outputs, padding, .. } = geometry;
    let Grid { source, target, .. } = grid(geometry);
    let plain = Plain::back(weight, [inputs, outputs], precision);
    forward::correlate(dy, batch, Grid { source: target, target: source, padding: 2 - padding }, plain)
}

/// As [`super::weight_gradient`].
pub(super) fn weight_gradient(x: &[f32], dy: &[f32], geometry: Geometry, precision: Precision) -> Vec<f32> {
    let Geometry { batch, inputs, outputs, .. } = geometry;
    weight::gradient(x, dy, [batch, inputs, outputs], grid(geometry), precision)
}
