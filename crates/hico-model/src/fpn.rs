//! The feature pyramid (Lin et al. 2017) as HiCo uses it: 256 channels, smoothing on P2 to P4, P5 bare.

use super::init::Init;
use super::layers::{Conv2d, ConvShape};
use crate::Stages;
use burn::module::Module;
use burn::tensor::Tensor;
use hico_kernels::resample_add;

/// Channels of every map of the pyramid.
pub const CHANNELS: usize = 256;

/// The layers that turn the backbone's maps into a pyramid.
#[derive(Module, Debug)]
pub struct Pyramid {
    lateral2: Conv2d,
    lateral3: Conv2d,
    lateral4: Conv2d,
    lateral5: Conv2d,
    smooth2: Conv2d,
    smooth3: Conv2d,
    smooth4: Conv2d,
}

/// The maps of the pyramid before they are smoothed, coarse to fine, `[batch, 256, height, width]`.
#[derive(Debug, Clone)]
pub struct Merged {
    /// P5.
    pub p5: Tensor<4>,
    m4: Tensor<4>,
    m3: Tensor<4>,
    m2: Tensor<4>,
}

impl Pyramid {
    /// Layers with random weights for a backbone with `channels` in `[c2, c3, c4, c5]`.
    #[must_use]
    pub fn new(init: &Init<'_>, channels: [usize; 4]) -> Self {
        let lateral = |name: &str, inputs| {
            Conv2d::with_bias(&init.at(name), ConvShape { inputs, outputs: CHANNELS, kernel: 1, stride: 1 })
        };
        let smooth = |name: &str| {
            Conv2d::with_bias(&init.at(name), ConvShape { inputs: CHANNELS, outputs: CHANNELS, kernel: 3, stride: 1 })
        };
        Self {
            lateral2: lateral("lateral2", channels[0]),
            lateral3: lateral("lateral3", channels[1]),
            lateral4: lateral("lateral4", channels[2]),
            lateral5: lateral("lateral5", channels[3]),
            smooth2: smooth("smooth2"),
            smooth3: smooth("smooth3"),
            smooth4: smooth("smooth4"),
        }
    }

    /// The top-down path: each coarser map, resampled to the finer one's size, is added to its lateral map.
    pub fn merge(&self, stages: Stages) -> Merged {
        let p5 = self.p5(stages.c5);
        let m4 = resample_add(p5.clone(), self.lateral4.forward(stages.c4));
        let m3 = resample_add(m4.clone(), self.lateral3.forward(stages.c3));
        let m2 = resample_add(m3.clone(), self.lateral2.forward(stages.c2));
        Merged { p5, m4, m3, m2 }
    }

    /// Every level, fine to coarse: P2, P3, P4 and P5.
    #[must_use]
    pub fn forward(&self, stages: Stages) -> [Tensor<4>; 4] {
        let merged = self.merge(stages);
        [self.p2(&merged), self.p3(&merged), self.p4(&merged), merged.p5]
    }

    /// The layer that makes P5 of C5.
    pub fn lateral5(&self) -> Conv2d {
        self.lateral5.clone()
    }

    /// The top of the pyramid needs no other map than C5.
    pub(crate) fn p5(&self, c5: Tensor<4>) -> Tensor<4> {
        self.lateral5.forward(c5)
    }

    /// Smooths P2, `[batch, 256, height, width]` at stride 4.
    #[must_use]
    pub fn p2(&self, merged: &Merged) -> Tensor<4> {
        self.smooth2.forward(merged.m2.clone())
    }

    /// Smooths P3, `[batch, 256, height, width]` at stride 8.
    #[must_use]
    pub fn p3(&self, merged: &Merged) -> Tensor<4> {
        self.smooth3.forward(merged.m3.clone())
    }

    /// Smooths P4, `[batch, 256, height, width]` at stride 16.
    #[must_use]
    pub fn p4(&self, merged: &Merged) -> Tensor<4> {
        self.smooth4.forward(merged.m4.clone())
    }
}
