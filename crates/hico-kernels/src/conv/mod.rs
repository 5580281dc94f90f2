//! Convolution of batches of maps, forward and both ways back, on slices.
//!
//! A 3x3 kernel that moves by one is taken by tiles of the result (`winograd`). For any other, maps are laid out with
//! their border, a strip at a time (`planes`); a tap of the kernel then reads the same row from another place, and all
//! three ways are sums over taps in tiles of registers: forward and back to the input a correlation (`correlate`), back
//! to the weight a sum over places (`weight`). Nothing is laid out once a tap.

mod planes;
mod share;
mod correlate;
mod weight;
mod winograd;

use crate::Precision;
use correlate::{Correlation, Part, Tap, Weights};
use planes::Axis;
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

    /// The kernel's taps, each in the phase of the stride that it reads.
    fn taps(&self) -> Vec<Tap> {
        let across = self.stride.min(self.kernel);
        let tap = |tap: usize| {
            let [down, right] = [tap / self.kernel, tap % self.kernel];
            let phase = down % self.stride * across + right % self.stride;
            Tap { phase, down: down / self.stride, across: right / self.stride }
        };
        (0..self.kernel * self.kernel).map(tap).collect()
    }

    /// Where the first pixel of each phase lies.
    fn phases(&self) -> Vec<[usize; 2]> {
        let across = self.stride.min(self.kernel);
        (0..across * across).map(|phase| [phase / across, phase % across]).collect()
    }

    /// What the places of the result see of the input.
    fn axes(&self) -> [Axis; 2] {
        let (step, before, reach) = (self.stride, self.padding as isize, (self.kernel - 1) / self.stride);
        let sizes = [(self.out_height(), self.height), (self.out_width(), self.width)];
        sizes.map(|(places, source)| Axis { places, source, step, before, reach })
    }

    /// How the convolution is taken.
    #[must_use]
    pub fn way(&self) -> Way {
        if winograd::fits(*self) { Way::Tiles } else { Way::Taps }
    }

    /// The weights of the way back to the input: a pixel `a stride + phase - padding` of it was read by the taps of that
    /// phase, tap `t stride + phase` for the result's place `a - t`.
    fn back_parts(&self, weight: &[f32]) -> Vec<Part> {
        let Self { inputs, outputs, kernel, stride, padding, .. } = *self;
        let (reach, first) = ((kernel - 1) / stride, padding / stride);
        let part = |[down, right]: [usize; 2]| {
            let along = |phase: usize| (phase..kernel).step_by(stride);
            let chosen: Vec<[usize; 2]> =
                along(down).flat_map(|down| along(right).map(move |right| [down, right])).collect();
            let tap = |[down, right]: &[usize; 2]| Tap {
                phase: 0,
                down: reach - down / stride,
                across: reach - right / stride,
            };
            let weights = Weights::new(inputs, [outputs, chosen.len()], None, |input, output, tap| {
                let [down, right] = chosen[tap];
                weight[((output * inputs + input) * kernel + down) * kernel + right]
            });
            let offset = [down, right].map(|phase| (first * stride + phase) as isize - padding as isize);
            Part { taps: chosen.iter().map(tap).collect(), weights, offset }
        };
        self.phases().into_iter().map(part).collect()
    }

    /// The way back to the input by these weights.
    fn way_back<'a>(&self, parts: &'a [Part]) -> Correlation<'a> {
        let Self { inputs, outputs, kernel, stride, padding, .. } = *self;
        let (reach, first) = ((kernel - 1) / stride, padding / stride);
        let sizes = [(self.height, self.out_height()), (self.width, self.out_width())];
        let axes = sizes.map(|(length, source)| {
            let places = (length + padding - 1) / stride + 1 - first;
            Axis { places, source, step: 1, before: reach as isize - first as isize, reach }
        });
        Correlation {
            batch: self.batch,
            channels: outputs,
            outputs: inputs,
            axes,
            phases: vec![[0, 0]],
            parts,
            target: [self.height, self.width],
            stride,
        }
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
/// - `precision`: of the products of 3x3 kernels that move by one; the others are taken in 32 bits
/// - returns: `[batch, outputs, out_height, out_width]`
///
/// # Panics
/// When a length is not what the geometry says.
#[must_use]
pub fn forward(x: &[f32], weight: &[f32], bias: Option<&[f32]>, geometry: Geometry, precision: Precision) -> Vec<f32> {
    geometry.check(x.len(), weight.len());
    match geometry.way() {
        Way::Tiles => winograd::forward(x, weight, bias, geometry, precision),
        Way::Taps => Kernel::new(weight, bias, geometry, precision).forward(x, geometry),
    }
}

/// How a convolution is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By tiles of the result.
    Tiles,
    /// Tap by tap.
    Taps,
}

/// A weight and a bias, laid out as one way of convolving wants them; for maps of any size that are taken this way.
#[derive(Debug)]
pub struct Kernel {
    laid: Laid,
    /// What of a geometry it was laid out for.
    channels: [usize; 4],
}

#[derive(Debug)]
enum Laid {
    Tiles(winograd::Kernel),
    Taps(Vec<Part>),
}

impl Kernel {
    /// - `weight`, `bias`, `precision`: as for [`forward`]
    /// - `geometry`: of what it will be used for; batch and size of the maps do not matter but for the way
    ///
    /// # Panics
    /// When a length is not what the geometry says.
    #[must_use]
    pub fn new(weight: &[f32], bias: Option<&[f32]>, geometry: Geometry, precision: Precision) -> Self {
        let Geometry { inputs, outputs, .. } = geometry;
        geometry.check(geometry.batch * geometry.in_image(), weight.len());
        let laid = match geometry.way() {
            Way::Tiles => Laid::Tiles(winograd::Kernel::new(weight, bias, [inputs, outputs], precision)),
            Way::Taps => {
                let taps = geometry.taps();
                let of = |output: usize, input: usize, tap: usize| weight[(output * inputs + input) * taps.len() + tap];
                let weights = Weights::new(outputs, [inputs, taps.len()], bias, of);
                Laid::Taps(vec![Part { taps, weights, offset: [0, 0] }])
            }
        };
        Self { laid, channels: Self::channels(geometry) }
    }

    const fn channels(geometry: Geometry) -> [usize; 4] {
        [geometry.inputs, geometry.outputs, geometry.kernel, geometry.stride]
    }

    /// As [`forward`].
    ///
    /// # Panics
    /// When `x` is not what the geometry says, or the geometry is taken another way or has other channels, kernel or stride
    /// than the one it was laid out for.
    #[must_use]
    pub fn forward(&self, x: &[f32], geometry: Geometry) -> Vec<f32> {
        geometry.check(x.len(), geometry.outputs * geometry.window());
        assert_eq!(self.channels, Self::channels(geometry), "{geometry:?}");
        let parts = match (&self.laid, geometry.way()) {
            (Laid::Tiles(kernel), Way::Tiles) => return kernel.forward(x, geometry),
            (Laid::Taps(parts), Way::Taps) => parts,
            (_, way) => panic!("not laid out for {way:?}: {geometry:?}"),
        };
        let mut y = vec![0.0; geometry.batch * geometry.out_image()];
        let correlation = Correlation {
            batch: geometry.batch,
            channels: geometry.inputs,
            outputs: geometry.outputs,
            axes: geometry.axes(),
            phases: geometry.phases(),
            parts,
            target: [geometry.out_height(), geometry.out_width()],
            stride: 1,
        };
        correlation.run(x, &mut y);
        y
    }
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
pub fn input_gradient(weight: &[f32], dy: &[f32], geometry: Geometry, precision: Precision) -> Vec<f32> {
    let mut dx = vec![0.0; geometry.batch * geometry.in_image()];
    geometry.check(dx.len(), weight.len());
    assert_eq!(dy.len(), geometry.batch * geometry.out_image(), "{geometry:?}");
    if winograd::fits(geometry) {
        return winograd::input_gradient(weight, dy, geometry, precision);
    }
    geometry.way_back(&geometry.back_parts(weight)).run(dy, &mut dx);
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
pub fn weight_gradient(x: &[f32], dy: &[f32], geometry: Geometry, precision: Precision) -> Vec<f32> {
    geometry.check(x.len(), geometry.outputs * geometry.window());
    assert_eq!(dy.len(), geometry.batch * geometry.out_image(), "{geometry:?}");
    if winograd::fits(geometry) {
        return winograd::weight_gradient(x, dy, geometry, precision);
    }
    let gradient = weight::Gradient {
        batch: geometry.batch,
        channels: geometry.inputs,
        outputs: geometry.outputs,
        axes: geometry.axes(),
        phases: geometry.phases(),
        taps: geometry.taps(),
    };
    gradient.run(x, dy)
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
