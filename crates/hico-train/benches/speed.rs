//! Seconds that `against_pytorch.py` and `against_onnxruntime.py` put beside those of others: a line of JSON for each round.
//!
//!     cargo bench -p hico --bench speed -- inference --side 224 --batch 16
//!     cargo bench -p hico --bench speed -- classifier MODEL --batch 16
//!     cargo bench -p hico --bench speed -- views DATASET --side 224 --colour

#![expect(clippy::print_stdout, reason = "what it prints is its result")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on should end there")]

use burn::tensor::{Device, Tensor, TensorData};
use hico_data::clip::{Channels, Clip};
use hico_data::manifest::{ClipRow, Manifest};
use hico_data::view::{self, Augment, ViewRecipe};
use hico_data::{Dataset, Seed};
use hico_model::init::Init;
use hico_model::predict::model::Model;
use hico_model::{BackboneName, Encoder, FeatureSet, Mode};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: hico_kernels::memory::Allocator = hico_kernels::memory::Allocator;

fn main() {
    hico_kernels::memory::keep_freed_pages();
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let number = |flag: &str, otherwise: usize| {
        let place = words.iter().position(|word| word == flag);
        place.map_or(otherwise, |place| words[place + 1].parse().unwrap())
    };
    let threads = number("--threads", 0);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let (side, rounds) = (number("--side", 224), number("--rounds", 8));
    match words.first().map(String::as_str) {
        Some("inference") => inference(side, number("--batch", 16), rounds),
        Some("classifier") => classifier(Path::new(&words[1]), number("--batch", 16), rounds),
        Some("views") => views(Path::new(&words[1]), side, words.iter().any(|word| word == "--colour"), rounds),
        _ => println!(
            "inference [--side S] [--batch N], classifier MODEL [--batch N] or views DATASET [--side S] [--colour]; \
             [--rounds N] [--threads N]"
        ),
    }
}

/// Pooled features of a ResNet-18 for one batch.
fn inference(side: usize, batch: usize, rounds: usize) {
    let device = Device::flex();
    let encoder = Encoder::new(&Init::new(&device, Seed(1)), BackboneName::RESNET18);
    let images = waves(batch, side, &device);
    timed(rounds, || encoder.features(images.clone(), FeatureSet::C5, Mode::Eval).into_data());
}

/// Logits of a fine-tuned network for one batch at its own side.
fn classifier(path: &Path, batch: usize, rounds: usize) {
    let model = Model::open(path, &Device::flex()).unwrap();
    let images = waves(batch, model.saved.facts.view.side, &model.device);
    let classifier = &model.saved.classifier;
    timed(rounds, || classifier.head(classifier.features(images.clone(), false)).into_data());
}

/// Images of numbers that are no picture; `[batch, 3, side, side]`.
fn waves(batch: usize, side: usize, device: &Device) -> Tensor<4> {
    let values: Vec<f32> = (0..batch * 3 * side * side).map(|place| (place as f32 * 0.37).sin()).collect();
    Tensor::from_data(TensorData::new(values, [batch, 3, side, side]), device)
}

fn timed<T>(rounds: usize, mut work: impl FnMut() -> T) {
    for _ in 0..rounds {
        let began = Instant::now();
        black_box(work());
        println!("{{\"seconds\": {}}}", began.elapsed().as_secs_f64());
    }
}

/// Grey frames of a data set, read and made into normalised views on one core, as pretraining makes them.
///
/// - `colour`: whether they are given three channels first, in memory
fn views(folder: &Path, side: usize, colour: bool, rounds: usize) {
    let mut data = Dataset::open(folder).unwrap();
    let recipe = ViewRecipe { side, ..ViewRecipe::default() };
    if colour {
        data = tinted(&data);
    }
    let channels = if colour { Channels::Rgb } else { Channels::Grey };
    let clips = (0..data.len()).filter(|&clip| data.row(clip).channels == channels);
    let frames: Vec<(usize, usize)> =
        clips.flat_map(|clip| (0..data.row(clip).frames).map(move |frame| (clip, frame))).collect();
    for round in 0..rounds {
        let began = Instant::now();
        for (number, &(clip, frame)) in frames.iter().enumerate() {
            let frame = data.read_frame(clip, frame).unwrap();
            let mut random = Seed(1).stream("view", &[round as u64, number as u64]);
            black_box(view::augmented(&frame, &recipe, Augment::Pretrain, &mut random));
        }
        println!("{{\"views\": {}, \"seconds\": {}}}", frames.len(), began.elapsed().as_secs_f64());
    }
}

/// The grey clips of a data set in three channels.
fn tinted(data: &Dataset) -> Dataset {
    let (mut rows, mut clips) = (Vec::new(), Vec::new());
    for number in (0..data.len()).filter(|&clip| data.row(clip).channels == Channels::Grey) {
        let clip = data.read_clip(number).unwrap();
        let pixels = clip.pixels.iter().flat_map(|&value| [value, value / 2, 255 - value]).collect();
        rows.push(ClipRow { channels: Channels::Rgb, ..data.row(number).clone() });
        clips.push(Clip { channels: Channels::Rgb, pixels, ..clip });
    }
    Dataset::in_memory(Manifest { rows }, clips)
}
