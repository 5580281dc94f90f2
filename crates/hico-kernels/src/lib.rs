//! Faster operations for the CPU, as burn operations with gradients of their own.
//!
//! Each is written for contiguous 32-bit tensors of burn's `flex` engine; any other tensor takes burn's own operation,
//! so that callers need not know where they compute. Results do not depend on the number of threads: work is shared out
//! by the shape alone, and every sum is taken in one order.
//!
//! - [`conv2d`]: convolution, and its gradients for input, weight and bias
//! - [`depthwise_conv2d`]: a convolution with a kernel of its own for every channel
//! - [`conv_norm`]: a convolution and the batch norm behind it, where nothing is learnt
//! - [`batch_norm`]: batch normalisation in training, with the rectifier and the residual sum that follow it
//! - [`max_pool`], and [`resample_add`], a step down the feature pyramid
//! - [`linear()`]: a fully connected layer whose weight is large beside the batch
//! - [`adam`]: one update in one pass over memory
//! - `memory`, with the feature `mimalloc`: an allocator for programs that train
//!
//! The arithmetic ([`conv`], `norm`, `pool`, `resample`) knows slices only; `graph` joins it to burn.

mod graph;
mod lanes;
#[cfg(feature = "mimalloc")]
pub mod memory;
mod pool;
mod resample;
mod maps;
mod tile;
mod wide;
mod bf16;
mod norm;
pub mod batch_norm;
pub mod conv;
mod conv2d;
mod depthwise;
pub mod conv_norm;
mod wide_linear;
pub mod linear;
pub mod adam;

pub use bf16::Precision;
pub use conv2d::{Setting, conv2d};
pub use depthwise::depthwise_conv2d;
pub use linear::linear;
pub use maps::{max_pool, resample_add};

#[cfg(test)]
mod twin;
