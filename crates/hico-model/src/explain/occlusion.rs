//! What the network says of a picture with one place after the other hidden (Zeiler and Fergus 2014): no gradient, no map of the
//! network, so it checks both.

use super::Map;
use crate::classifier::Classifier;
use crate::frames::rows_of;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};

/// Places along a side; what hides one reaches half a place beyond it, so that neighbours overlap.
pub const PLACES: usize = 8;

/// How much the probability of a class falls where each place is hidden behind the picture's mean; negative where it rises.
///
/// - `image`: `[3, side, side]`
#[must_use]
pub fn occlusion(classifier: &Classifier, image: &[f32], side: usize, class: usize, device: &Device) -> Map {
    let plane = side * side;
    let means: Vec<f32> =
        image.chunks_exact(plane).map(|plane| plane.iter().sum::<f32>() / plane.len() as f32).collect();
    let mut batch = image.to_vec();
    for place in 0..PLACES * PLACES {
        let [rows, columns] = [place / PLACES, place % PLACES].map(|place| {
            let step = side as f32 / PLACES as f32;
            let (from, to) = ((place as f32 - 0.5) * step, (place as f32 + 1.5) * step);
            (from.max(0.0) as usize, (to as usize).min(side))
        });
        let mut hidden = image.to_vec();
        for (plane, mean) in hidden.chunks_exact_mut(plane).zip(&means) {
            for row in plane.chunks_exact_mut(side).take(rows.1).skip(rows.0) {
                row[columns.0..columns.1].fill(*mean);
            }
        }
        batch.extend(hidden);
    }
    let images = Tensor::<4>::from_data(TensorData::new(batch, [PLACES * PLACES + 1, 3, side, side]), device);
    let said = rows_of(softmax(classifier.head(classifier.features(images, false)), 1));
    let whole = said[0][class];
    Map { height: PLACES, width: PLACES, values: said[1..].iter().map(|row| whole - row[class]).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::Trainable;
    use crate::init::Init;
    use crate::{BackboneName, Encoder, FeatureSet};
    use hico_data::Seed;

    const SIDE: usize = 64;

    #[test]
    fn hiding_what_is_like_the_mean_changes_nothing_and_hiding_something_does() {
        let device = Device::flex();
        let init = Init::new(&device, Seed(1));
        let classifier = Classifier::new(
            &init,
            Encoder::new(&init.at("encoder"), BackboneName::RESNET18),
            3,
            Trainable::All,
            FeatureSet::C5,
        );
        // A mean of 0 with a bright square, rows and columns 8 to 15, and a dark one, 40 to 47.
        let plane = |row: usize, column: usize| match [row / 8, column / 8] {
            [1, 1] => 2.0,
            [5, 5] => -2.0,
            _ => 0.0,
        };
        let picture: Vec<f32> = (0..3 * SIDE * SIDE).map(|at| plane(at / SIDE % SIDE, at % SIDE)).collect();
        let found = occlusion(&classifier, &picture, SIDE, 1, &device);
        assert_eq!((found.height, found.width), (PLACES, PLACES));
        for place in 0..PLACES * PLACES {
            let (row, column) = (place / PLACES, place % PLACES);
            // What hides a place reaches half a place beyond it.
            let touches = |square: usize| row.abs_diff(square) <= 1 && column.abs_diff(square) <= 1;
            assert_eq!(found.values[place] != 0.0, touches(1) || touches(5), "{row} {column}: {}", found.values[place]);
        }
        assert!(
            occlusion(&classifier, &vec![0.5; 3 * SIDE * SIDE], SIDE, 1, &device)
                .values
                .iter()
                .all(|drop| *drop == 0.0)
        );
    }
}
