//! Views against what torchvision makes of the same pictures (`golden/generate_views.py` wrote the numbers).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end there")]

use hico_data::view::ViewRecipe;
use hico_data::view::crop::CropRange;
use hico_data::view::jitter::{Change, Jitter};
use hico_data::view::normalise::Normalise;
use hico_data::view::planes::Planes;
use hico_data::view::resize::{self, Window};
use hico_data::{Channels, Frame, Seed, Size};
use safetensors::SafeTensors;

const FILE: &[u8] = include_bytes!("../../../fixtures/views.safetensors");

/// Every stored result whose name begins with `operation`: picture, parameters, result.
fn stored(operation: &str) -> Vec<(Frame, String, Vec<u8>, Vec<usize>)> {
    let file = SafeTensors::deserialize(FILE).unwrap();
    let mut found = Vec::new();
    for (name, tensor) in file.tensors() {
        if let [head, picture, parameters] = name.split('/').collect::<Vec<_>>()[..]
            && head == operation
        {
            found.push((frame(&file, picture), parameters.to_owned(), tensor.data().to_vec(), tensor.shape().to_vec()));
        }
    }
    found
}

fn frame(file: &SafeTensors, picture: &str) -> Frame {
    let tensor = file.tensor(&format!("picture/{picture}")).unwrap();
    let [height, width, channels] = tensor.shape() else { panic!("{picture}") };
    let channels = if *channels == 1 { Channels::Grey } else { Channels::Rgb };
    Frame { size: Size { height: *height, width: *width }, channels, pixels: tensor.data().to_vec() }
}

#[test]
fn resizing_agrees_byte_for_byte() {
    let cases = stored("resize");
    assert_eq!(cases.len(), 10);
    for (frame, parameters, expected, shape) in cases {
        let size = Size { height: shape[0], width: shape[1] };
        let resized = resize::bilinear(&Planes::of(&frame), Window::whole(frame.size), size).into_owned();
        assert_eq!(resized.into_frame(), Frame { size, pixels: expected, ..frame }, "{parameters}");
    }
}

#[test]
fn cropping_and_resizing_agrees_byte_for_byte() {
    let cases = stored("crop");
    assert_eq!(cases.len(), 6);
    for (frame, parameters, expected, _) in cases {
        let numbers: Vec<usize> = parameters.split(',').map(|number| number.parse().unwrap()).collect();
        let [top, left, height, width] = numbers[..] else { panic!("{parameters}") };
        let (window, size) = (Window { top, left, size: Size { height, width } }, Size { height: 32, width: 32 });
        let cropped = resize::bilinear(&Planes::of(&frame), window, size).into_owned();
        assert_eq!(cropped.into_frame(), Frame { size, pixels: expected, ..frame }, "{parameters}");
    }
}

#[test]
fn colour_changes_agree_byte_for_byte() {
    let cases = stored("jitter");
    assert_eq!(cases.len(), 34);
    for (frame, parameters, expected, _) in cases {
        let change = |words: &str| {
            let factor: f64 = words[1..].parse().unwrap();
            match &words[..1] {
                "b" => Change::Brightness(factor as f32),
                "c" => Change::Contrast(factor as f32),
                "s" => Change::Saturation(factor as f32),
                "h" => Change::Hue(factor),
                _ => panic!("{parameters}"),
            }
        };
        let mut picture = Planes::of(&frame);
        Jitter(parameters.split(',').map(change).collect()).apply(&mut picture);
        // The same integer and single-precision steps: no tolerance is needed.
        let expected = Planes::of(&Frame { pixels: expected, ..frame });
        assert_eq!(picture, expected, "{parameters}");
    }
}

#[test]
fn normalised_values_agree_to_the_last_bit_or_two() {
    let cases = stored("normalise");
    assert_eq!(cases.len(), 1);
    for (frame, _, expected, _) in cases {
        let ours = Normalise::of(&ViewRecipe::default()).planes(&Planes::of(&frame)).into_three();
        let expected: Vec<f32> = expected.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert_eq!(ours.len(), expected.len());
        for (ours, theirs) in ours.iter().zip(expected) {
            // Values up to 2 in single precision; a division may be done as a product with the reciprocal.
            assert!((ours - theirs).abs() <= 5e-7, "{ours} {theirs}");
        }
    }
}

#[test]
fn random_crops_have_the_area_shape_and_place_that_torchvision_draws() {
    for (name, tensor) in SafeTensors::deserialize(FILE).unwrap().tensors() {
        let Some(size) = name.strip_prefix("crop-statistics/") else { continue };
        let (height, width) = size.split_once('x').unwrap();
        let size = Size { height: height.parse().unwrap(), width: width.parse().unwrap() };
        let theirs: Vec<f64> = tensor.data().as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        let (means, deviations) = theirs.split_at(4);
        let range = CropRange { scale: [0.8, 1.0], ratio: [0.8, 1.25] };
        let mut rng = Seed(11).stream("crop", &[]);
        let draws: Vec<[f64; 4]> = (0..40_000)
            .map(|_| {
                let Window { top, left, size: Size { height, width } } = range.draw(size, &mut rng);
                let share = (height * width) as f64 / (size.height * size.width) as f64;
                [share, (width as f64 / height as f64).ln(), top as f64, left as f64]
            })
            .collect();
        for value in 0..4 {
            let mean = draws.iter().map(|draw| draw[value]).sum::<f64>() / draws.len() as f64;
            let spread = draws.iter().map(|draw| (draw[value] - mean).powi(2)).sum::<f64>() / draws.len() as f64;
            // Both means come from 40 000 draws: five standard errors of their difference, and 3 % of the spread.
            let error = 5.0 * deviations[value] * (2.0 / 40_000f64).sqrt() + 1e-12;
            assert!((mean - means[value]).abs() <= error, "{name} {value}: {mean} {}", means[value]);
            assert!((spread.sqrt() - deviations[value]).abs() <= 0.03 * deviations[value] + 1e-12, "{name} {value}");
        }
    }
}
