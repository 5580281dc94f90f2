use super::*;
use crate::twin::{close, each_product, numbers};
use proptest::prelude::*;

/// 32-bit sums of some thousand products, against 64-bit ones.
const SHARE: f64 = 2e-6;

/// Operands of 8 bits: 1/512 off at most, once turned for the tiles; the errors of many products mostly cancel.
const SHARE_OF_BF16: f64 = 1e-2;

fn check(geometry: Geometry, seed: u64) -> Result<(), String> {
    check_in(geometry, seed, Precision::F32, SHARE)
}

fn check_in(geometry: Geometry, seed: u64, precision: Precision, share: f64) -> Result<(), String> {
    let x = numbers(geometry.batch * geometry.in_image(), seed);
    let weight = numbers(geometry.outputs * geometry.window(), seed + 1);
    let bias = numbers(geometry.outputs, seed + 2);
    let dy = numbers(geometry.batch * geometry.out_image(), seed + 3);
    let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<f64>>();
    let (x_64, weight_64, dy_64) = (wide(&x), wide(&weight), wide(&dy));

    let map = geometry.out_map();
    let mut y: Vec<f64> = (0..dy.len()).map(|place| f64::from(bias[place / map % geometry.outputs])).collect();
    let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; weight.len()]);
    each_product(geometry, |in_x, in_weight, in_y| {
        y[in_y] += x_64[in_x] * weight_64[in_weight];
        dx[in_x] += weight_64[in_weight] * dy_64[in_y];
        dw[in_weight] += x_64[in_x] * dy_64[in_y];
    });
    let mut db = vec![0.0; geometry.outputs];
    dy_64.iter().enumerate().for_each(|(place, value)| db[place / map % geometry.outputs] += value);

    let named =
        |what: &str, outcome: Result<(), String>| outcome.map_err(|error| format!("{what}, {geometry:?}, {error}"));
    named("forward", close(&forward(&x, &weight, Some(&bias), geometry, precision), &y, share))?;
    named("input", close(&input_gradient(&weight, &dy, geometry, precision), &dx, share))?;
    named("weight", close(&weight_gradient(&x, &dy, geometry, precision), &dw, share))?;
    named("bias", close(&bias_gradient(&dy, geometry.outputs, map), &db, share))
}

#[test]
fn every_convolution_of_a_residual_network_agrees_with_its_twin() {
    for (inputs, outputs, side, kernel, stride) in
        [(3, 8, 33, 7, 2), (8, 8, 17, 3, 1), (8, 16, 17, 3, 2), (8, 16, 17, 1, 2), (16, 70, 9, 1, 1), (70, 66, 5, 3, 1)]
    {
        let geometry =
            Geometry { batch: 3, inputs, outputs, height: side, width: side + 2, kernel, stride, padding: kernel / 2 };
        check(geometry, 7).unwrap();
    }
}

proptest! {
    #[test]
    fn any_convolution_agrees_with_its_twin(
        batch in 1usize..4,
        inputs in 1usize..6,
        outputs in 1usize..6,
        height in 1usize..12,
        width in 1usize..12,
        kernel in 1usize..6,
        stride in 1usize..4,
        padding in 0usize..4,
        seed in 0u64..1000,
    ) {
        prop_assume!(height + 2 * padding >= kernel && width + 2 * padding >= kernel);
        let geometry = Geometry { batch, inputs, outputs, height, width, kernel, stride, padding };
        check(geometry, seed).map_err(TestCaseError::fail)?;
    }
}

/// Images, height and width: a few wide maps, or many of a few pixels, as the last stages have them.
fn sizes() -> impl Strategy<Value = (usize, usize, usize)> {
    prop_oneof![(1usize..4, 1usize..20, 1usize..70), (1usize..40, 1usize..10, 1usize..10)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_convolution_by_tiles_agrees_with_its_twin(
        (batch, height, width) in sizes(),
        inputs in 16usize..40,
        outputs in 16usize..40,
        padding in 0usize..3,
        seed in 0u64..1000,
    ) {
        prop_assume!(height + 2 * padding >= 3 && width + 2 * padding >= 3);
        let geometry = Geometry { batch, inputs, outputs, height, width, kernel: 3, stride: 1, padding };
        prop_assume!(winograd::fits(geometry));
        check(geometry, seed).map_err(TestCaseError::fail)?;
        check_in(geometry, seed, Precision::Bf16, SHARE_OF_BF16).map_err(TestCaseError::fail)?;
        // Weights that are kept, and those that are turned where they are used, come to the same bits.
        let (x, weight) = (numbers(batch * geometry.in_image(), seed), numbers(outputs * geometry.window(), seed + 1));
        for precision in [Precision::F32, Precision::Bf16] {
            let kept = Kernel::new(&weight, None, geometry, precision).forward(&x, geometry);
            prop_assert!(kept == forward(&x, &weight, None, geometry, precision));
        }
    }
}

#[test]
fn numbers_are_rounded_where_the_cpu_can_and_the_precision_says_so() {
    let geometry =
        Geometry { batch: 1, inputs: 32, outputs: 32, height: 16, width: 16, kernel: 3, stride: 1, padding: 1 };
    let (x, weight) = (numbers(geometry.batch * geometry.in_image(), 1), numbers(32 * geometry.window(), 2));
    let of = |precision| forward(&x, &weight, None, geometry, precision);
    assert_eq!(of(Precision::F32) != of(Precision::Bf16), Precision::Bf16.is_available());
}

#[test]
fn a_residual_networks_convolutions_are_taken_by_tiles() {
    for (channels, side) in [(64, 56), (128, 28), (256, 14), (512, 7)] {
        let same = Geometry {
            batch: 8,
            inputs: channels,
            outputs: channels,
            height: side,
            width: side,
            kernel: 3,
            stride: 1,
            padding: 1,
        };
        assert!(winograd::fits(same));
        assert!(!winograd::fits(Geometry { stride: 2, ..same }));
        assert!(!winograd::fits(Geometry { kernel: 1, padding: 0, ..same }));
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let geometry =
        Geometry { batch: 5, inputs: 24, outputs: 70, height: 19, width: 19, kernel: 3, stride: 1, padding: 1 };
    let strided = Geometry { stride: 2, ..geometry };
    // One image: its outputs are shared out.
    let [alone, strided_alone] = [geometry, strided].map(|geometry| Geometry { batch: 1, ..geometry });
    let all = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let in_full = [geometry, strided, alone, strided_alone].map(|geometry| (geometry, Precision::F32));
            let cases = in_full.into_iter().chain([geometry, alone].map(|geometry| (geometry, Precision::Bf16)));
            let of_case = |(geometry, precision): (Geometry, Precision)| {
                let x = numbers(geometry.batch * geometry.in_image(), 1);
                let weight = numbers(geometry.outputs * geometry.window(), 2);
                let dy = numbers(geometry.batch * geometry.out_image(), 3);
                [
                    forward(&x, &weight, None, geometry, precision),
                    input_gradient(&weight, &dy, geometry, precision),
                    weight_gradient(&x, &dy, geometry, precision),
                ]
            };
            cases.map(of_case).collect::<Vec<_>>()
        })
    };
    assert!(all(1) == all(3));
}

#[test]
#[should_panic(expected = "Geometry")]
fn a_length_that_does_not_fit_is_a_mistake() {
    let geometry = Geometry { batch: 1, inputs: 1, outputs: 1, height: 4, width: 4, kernel: 3, stride: 1, padding: 1 };
    let _ = forward(&[0.0; 15], &[0.0; 9], None, geometry, Precision::F32);
}
