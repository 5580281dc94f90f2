//! Which operation follows which: the same network as [`crate::model`], written down for another runtime.

use super::graph::{Builder, Value};
use super::proto::Graph;
use super::{INPUT, Part};
use crate::Error;
use crate::model::map_side;
use crate::model::weights::{NamedTensor, Naming};

/// The graph of a part of the network.
///
/// - `temperature`: what logits are divided by before the softmax
pub(super) fn graph(
    tensors: &[NamedTensor],
    part: Part,
    side: usize,
    temperature: Option<f32>,
) -> Result<Graph, Error> {
    let weights = tensors.iter().map(|tensor| NamedTensor { name: name(&tensor.name), ..tensor.clone() });
    let mut builder = Builder::new("hico", weights);
    let g = &mut builder;
    let image = g.input(INPUT, &[3, side, side]);
    let [c2, c3, c4, c5] = backbone(g, &image);
    let pooled = g.average(&c5, "avgpool");
    let features = rows(tensors, "encoder.backbone.layer4.0.downsample.0.weight");
    match part {
        Part::Encoder => g.output(&pooled, "features", &[features]),
        Part::Pyramid => {
            g.output(&pooled, "features", &[features]);
            pyramid(g, [&c2, &c3, &c4, &c5], side);
        }
        Part::Classifier => {
            // What `Trainable::LastBlock` reads.
            let reads_top = columns(tensors, "head.weight") > features;
            let read = if reads_top {
                let p5 = g.conv(&c5, "pyramid.lateral5", 1);
                let top = g.average(&p5, "pyramid.avgpool");
                g.concat(&pooled, &top, "both")
            } else {
                pooled
            };
            let logits = g.linear(&read, "fc");
            let calibrated = match temperature {
                Some(temperature) => g.divided(&logits, temperature, "temperature"),
                None => logits.clone(),
            };
            let probabilities = g.softmax(&calibrated, "softmax");
            let classes = rows(tensors, "head.weight");
            g.output(&logits, "logits", &[classes]);
            g.output(&probabilities, "probabilities", &[classes]);
        }
    }
    match builder.lacking.take() {
        Some(name) => Err(Error::GraphLacks(name)),
        None => Ok(builder.finish()),
    }
}

/// torchvision's name where it has one.
fn name(ours: &str) -> String {
    let name = Naming::Torchvision.name(ours);
    name.strip_prefix("encoder.").map_or_else(|| name.clone(), str::to_owned)
}

fn size(tensors: &[NamedTensor], name: &str, axis: usize) -> usize {
    let found = tensors.iter().find(|tensor| tensor.name == name);
    found.and_then(|tensor| tensor.shape.get(axis).copied()).unwrap_or(512)
}

fn rows(tensors: &[NamedTensor], name: &str) -> usize {
    size(tensors, name, 0)
}

fn columns(tensors: &[NamedTensor], name: &str) -> usize {
    size(tensors, name, 1)
}

/// C2 to C5.
fn backbone(g: &mut Builder, image: &Value) -> [Value; 4] {
    let stem = g.conv(image, "conv1", 2);
    let stem = g.norm(&stem, "bn1");
    let stem = g.relu(&stem, "relu");
    let mut x = g.max_pool(&stem, "maxpool");
    [1, 2, 3, 4].map(|layer| {
        for number in 0.. {
            let name = format!("layer{layer}.{number}");
            if number > 0 && !g.has(&format!("{name}.conv1.weight")) {
                break;
            }
            let stride = if layer > 1 && number == 0 { 2 } else { 1 };
            x = block(g, &x, &name, stride);
        }
        x.clone()
    })
}

/// A block of two 3x3 convolutions, the first of which has the stride, or of three, of which the 3x3 has it.
fn block(g: &mut Builder, x: &Value, name: &str, stride: usize) -> Value {
    let of = |part: &str| format!("{name}.{part}");
    let strides: &[usize] = if g.has(&of("conv3.weight")) { &[1, stride, 1] } else { &[stride, 1] };
    let mut through = x.clone();
    for (number, &stride) in (1..).zip(strides) {
        through = g.conv(&through, &of(&format!("conv{number}")), stride);
        through = g.norm(&through, &of(&format!("bn{number}")));
        if number < strides.len() {
            through = g.relu(&through, &of(&format!("relu{number}")));
        }
    }
    let around = if g.has(&of("downsample.0.weight")) {
        let around = g.conv(x, &of("downsample.0"), stride);
        g.norm(&around, &of("downsample.1"))
    } else {
        x.clone()
    };
    let sum = g.add(&through, &around, &of("add"));
    g.relu(&sum, &of("relu"))
}

/// Gives P2 to P5 out, coarse to fine.
fn pyramid(g: &mut Builder, maps: [&Value; 4], side: usize) {
    let of = |level: usize, part: &str| format!("pyramid.{part}{level}");
    let side_of = |level: usize| map_side(side, level as u32);
    let mut merged = g.conv(maps[3], &of(5, "lateral"), 1);
    g.output(&merged, "p5", &[256, side_of(5), side_of(5)]);
    for level in [4, 3, 2] {
        let lateral = g.conv(maps[level - 2], &of(level, "lateral"), 1);
        let coarser = g.resize(&merged, side_of(level), &of(level, "resize"));
        merged = g.add(&coarser, &lateral, &of(level, "add"));
        let smooth = g.conv(&merged, &of(level, "smooth"), 1);
        g.output(&smooth, &format!("p{level}"), &[256, side_of(level), side_of(level)]);
    }
}
