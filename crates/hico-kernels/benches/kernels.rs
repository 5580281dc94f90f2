//! Each kernel at the sizes that a ResNet-18 with a pyramid has at 224 pixels and 16 images, and in its stages at 64.
//!
//!     cargo bench -p hico-kernels --features mimalloc --bench kernels
//!
//! "Items" are the additions and multiplications of the definition, so Gitem/s are GFLOP/s; `peak` is what this machine
//! can do, measured. A convolution by tiles does 16 products where its definition has 36 and may seem to pass the peak.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use hico_kernels::Precision;
use hico_kernels::conv::{Geometry, forward, input_gradient, weight_gradient};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

#[global_allocator]
static ALLOCATOR: hico_kernels::memory::Allocator = hico_kernels::memory::Allocator;

fn main() {
    hico_kernels::memory::keep_freed_pages();
    divan::main();
}

/// Channels in and out, side, kernel and stride.
const SHAPES: [[usize; 5]; 14] = [
    [3, 64, 224, 7, 2],
    [64, 64, 56, 3, 1],
    [128, 128, 28, 3, 1],
    [256, 256, 14, 3, 1],
    [512, 512, 7, 3, 1],
    [256, 256, 56, 3, 1],
    [64, 128, 56, 3, 2],
    [256, 512, 14, 3, 2],
    [64, 128, 56, 1, 2],
    [64, 256, 56, 1, 1],
    [64, 64, 16, 3, 1],
    [128, 128, 8, 3, 1],
    [256, 256, 4, 3, 1],
    [512, 512, 2, 3, 1],
];

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

fn geometry([inputs, outputs, side, kernel, stride]: [usize; 5]) -> Geometry {
    Geometry { batch: 16, inputs, outputs, height: side, width: side, kernel, stride, padding: kernel / 2 }
}

/// Values of input, weight and result.
fn sizes(of: Geometry) -> [usize; 3] {
    let Geometry { batch, inputs, outputs, height, width, kernel, .. } = of;
    let result = batch * outputs * of.out_height() * of.out_width();
    [batch * inputs * height * width, outputs * inputs * kernel * kernel, result]
}

fn work(of: Geometry) -> ItemsCount {
    let [_, _, result] = sizes(of);
    ItemsCount::new(2 * result * of.inputs * of.kernel * of.kernel)
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|place| (place * 7919 % 1013) as f32 / 1013.0 - 0.5).collect()
}

#[divan::bench(args = SHAPES, consts = [0, 1])]
fn convolution<const PRECISION: usize>(bencher: Bencher<'_, '_>, shape: [usize; 5]) {
    let of = geometry(shape);
    let [x, weight, _] = sizes(of).map(numbers);
    bencher.counter(work(of)).bench(|| forward(black_box(&x), &weight, None, of, PRECISIONS[PRECISION]));
}

#[divan::bench(args = SHAPES, consts = [0, 1])]
fn gradient_for_input<const PRECISION: usize>(bencher: Bencher<'_, '_>, shape: [usize; 5]) {
    let of = geometry(shape);
    let [_, weight, dy] = sizes(of).map(numbers);
    bencher.counter(work(of)).bench(|| input_gradient(&weight, black_box(&dy), of, PRECISIONS[PRECISION]));
}

#[divan::bench(args = SHAPES, consts = [0, 1])]
fn gradient_for_weight<const PRECISION: usize>(bencher: Bencher<'_, '_>, shape: [usize; 5]) {
    let of = geometry(shape);
    let [x, _, dy] = sizes(of).map(numbers);
    bencher.counter(work(of)).bench(|| weight_gradient(&x, black_box(&dy), of, PRECISIONS[PRECISION]));
}

/// Twenty-four sums at a time that nothing has to wait for.
struct Peak;

impl Peak {
    const ROUNDS: usize = 1 << 16;
    const SUMS: usize = 24;
}

impl WithSimd for Peak {
    type Output = [f32; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f32; 2] {
        let (a, b) = (simd.splat_f32s(black_box(0.5)), simd.splat_f32s(black_box(0.25)));
        let mut sums = [simd.splat_f32s(0.0); Self::SUMS];
        for _ in 0..Self::ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(a, *sum, b);
            }
        }
        let mut all = sums[0];
        for sum in &sums[1..] {
            all = simd.add_f32s(all, *sum);
        }
        [simd.reduce_sum_f32s(all), S::F32_LANES as f32]
    }
}

/// Multiplications and additions from registers, on every thread.
#[divan::bench]
fn peak(bencher: Bencher<'_, '_>) {
    let threads = rayon::current_num_threads();
    let lanes = Arch::new().dispatch(Peak)[1] as usize;
    let work = ItemsCount::new(2 * threads * lanes * Peak::ROUNDS * Peak::SUMS);
    bencher.counter(work).bench(|| (0..threads).into_par_iter().map(|_| Arch::new().dispatch(Peak)[0]).sum::<f32>());
}

/// A copy that no cache holds, on every thread; read and written bytes.
#[divan::bench]
fn memory(bencher: Bencher<'_, '_>) {
    const LENGTH: usize = 64 << 20;
    let (source, mut target) = (vec![1.0_f32; LENGTH], vec![0.0_f32; LENGTH]);
    bencher.counter(BytesCount::new(2 * size_of::<f32>() * LENGTH)).bench_local(|| {
        target.par_chunks_mut(1 << 16).zip(source.par_chunks(1 << 16)).for_each(|(to, from)| to.copy_from_slice(from));
        black_box(&mut target);
    });
}
