//! Convolution of batches of maps, forward and both ways back, on slices.
//!
//! A 3x3 kernel with stride 1 and padding 1, most of a residual network, is nine products with the padded map shifted by
//! each tap; any other is a product with the windows laid out in columns. Images go to the threads, or, where their maps
//! are small, blocks of one product over all of them. For the gradient of the weight taps or channels go to the threads,
//! each of which sums over all images in their order.

mod batched;
mod lowered;
mod shifted;

use rayon::prelude::*;

/// Sizes of a convolution with a square kernel and the same stride and padding on both axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub batch: usize,
    /// Channels that go in.
    pub inputs: usize,
    /// Channels that come out.
    pub outputs: usize,
    /// Height of the maps that go in.
    pub height: usize,
    /// Width of the maps that go in.
    pub width: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Step of the kernel.
    pub stride: usize,
    /// Zeros around the map.
    pub padding: usize,
}

impl Geometry {
    /// Height of the maps that come out.
    #[must_use]
    pub const fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Width of the maps that come out.
    #[must_use]
    pub const fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Values of one image that goes in.
    const fn in_image(&self) -> usize {
        self.inputs * self.height * self.width
    }

    /// Values of one map that comes out.
    const fn out_map(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Values of one image that comes out.
    const fn out_image(&self) -> usize {
        self.outputs * self.out_map()
    }

    /// Values of the weight for one output.
    const fn window(&self) -> usize {
        self.inputs * self.kernel * self.kernel
    }

    const fn is_shifted(&self) -> bool {
        self.kernel == 3 && self.stride == 1 && self.padding == 1
    }

    /// Whether a window is one pixel and every pixel has one.
    const fn is_point(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.padding == 0
    }

    fn check(&self, x: usize, weight: usize) {
        assert!(self.kernel > 0 && self.stride > 0, "{self:?}");
        assert!(self.height + 2 * self.padding >= self.kernel, "{self:?}");
        assert!(self.width + 2 * self.padding >= self.kernel, "{self:?}");
        assert_eq!(x, self.batch * self.in_image(), "{self:?}");
        assert_eq!(weight, self.outputs * self.window(), "{self:?}");
    }
}

/// The convolution.
///
/// - `x`: `[batch, inputs, height, width]`
/// - `weight`: `[outputs, inputs, kernel, kernel]`
/// - `bias`: `[outputs]`
/// - returns: `[batch, outputs, out_height, out_width]`
///
/// # Panics
/// When a length is not what the geometry says.
#[must_use]
pub fn forward(x: &[f32], weight: &[f32], bias: Option<&[f32]>, geometry: Geometry) -> Vec<f32> {
    geometry.check(x.len(), weight.len());
    let mut y = vec![0.0; geometry.batch * geometry.out_image()];
    if geometry.is_shifted() {
        shifted::forward(x, &shifted::by_tap(weight, geometry), &mut y, geometry);
    } else {
        lowered::forward(x, weight, &mut y, geometry);
    }
    if let Some(bias) = bias {
        let maps = y.par_chunks_mut(geometry.out_map().max(1)).enumerate();
        maps.for_each(|(map, values)| values.iter_mut().for_each(|value| *value += bias[map % geometry.outputs]));
    }
    y
}

/// The gradient for the input.
///
/// - `weight`: as for [`forward`]
/// - `dy`: the gradient for the output, of its shape
/// - returns: `[batch, inputs, height, width]`
///
/// # Panics
/// As [`forward`].
#[must_use]
pub fn input_gradient(weight: &[f32], dy: &[f32], geometry: Geometry) -> Vec<f32> {
    let mut dx = vec![0.0; geometry.batch * geometry.in_image()];
    geometry.check(dx.len(), weight.len());
    assert_eq!(dy.len(), geometry.batch * geometry.out_image(), "{geometry:?}");
    if geometry.is_shifted() {
        // The transposed convolution is one with the kernel turned round and its channels exchanged.
        let turned = shifted::by_tap_turned(weight, geometry);
        let back = Geometry { inputs: geometry.outputs, outputs: geometry.inputs, ..geometry };
        shifted::forward(dy, &turned, &mut dx, back);
    } else {
        lowered::input_gradient(weight, dy, &mut dx, geometry);
    }
    dx
}

/// The gradient for the weight.
///
/// - `x`, `dy`: as for [`forward`] and [`input_gradient`]
/// - returns: `[outputs, inputs, kernel, kernel]`
///
/// # Panics
/// As [`forward`].
#[must_use]
pub fn weight_gradient(x: &[f32], dy: &[f32], geometry: Geometry) -> Vec<f32> {
    geometry.check(x.len(), geometry.outputs * geometry.window());
    assert_eq!(dy.len(), geometry.batch * geometry.out_image(), "{geometry:?}");
    if geometry.is_shifted() {
        shifted::weight_gradient(x, dy, geometry)
    } else {
        lowered::weight_gradient(x, dy, geometry)
    }
}

/// The gradient for the bias, `[outputs]`.
///
/// # Panics
/// When `dy` is not whole images.
#[must_use]
pub fn bias_gradient(dy: &[f32], outputs: usize, map: usize) -> Vec<f32> {
    assert_eq!(dy.len() % (outputs * map).max(1), 0, "whole images");
    let of_output = |output: usize| {
        let images = dy.chunks(outputs * map);
        images.map(|image| crate::norm::sum(&image[output * map..][..map])).sum::<f64>() as f32
    };
    (0..outputs).into_par_iter().map(of_output).collect()
}

#[cfg(test)]
mod tests;
