//! Which operation follows which: the same network as [`crate`], written down for another runtime.

use super::graph::{Builder, Value};
use super::proto::Graph;
use super::{INPUT, Part, Read};
use crate::map_side;
use crate::weights::{NamedTensor, Naming};
use crate::{Depth, Error, FeatureMaps, FeatureSet};

/// Channels of every level of the pyramid.
const CHANNELS: usize = 256;

/// The graph of a part of the network.
///
/// - `temperature`: what logits are divided by before the softmax
pub(super) fn graph(
    tensors: &[NamedTensor],
    Read { part, features, top }: Read,
    side: usize,
    temperature: Option<f32>,
) -> Result<Graph, Error> {
    let weights = tensors.iter().map(|tensor| NamedTensor { name: name(&tensor.name), ..tensor.clone() });
    let mut builder = Builder::new("hico", weights);
    let g = &mut builder;
    let image = g.input(INPUT, &[3, side, side]);
    let maps = backbone(g, &image);
    let levels = (part == Part::Pyramid || features.reads_pyramid()).then(|| pyramid(g, &maps, side));
    let rows = read(g, features, &maps, levels.as_ref());
    let depth =
        if size(tensors, "encoder.backbone.layer4.0.downsample.0.weight", 0) == 2048 { Depth::R50 } else { Depth::R18 };
    let length = features.len(depth);
    match part {
        Part::Encoder => g.output(&rows, "features", &[length]),
        Part::Pyramid => {
            g.output(&rows, "features", &[length]);
            for (level, map) in (2..).zip(levels.iter().flatten()) {
                let side = map_side(side, level);
                g.output(map, &format!("p{level}"), &[CHANNELS, side, side]);
            }
        }
        Part::Classifier => {
            // What `Trainable::LastBlock` reads besides.
            let read = if top {
                let p5 = g.conv(&maps[3], "pyramid.lateral5", 1);
                let top = g.average(&p5, "pyramid.avgpool");
                g.concat(&[rows, top], "both")
            } else {
                rows
            };
            let logits = g.linear(&read, "fc");
            let calibrated = match temperature {
                Some(temperature) => g.divided(&logits, temperature, "temperature"),
                None => logits.clone(),
            };
            let probabilities = g.softmax(&calibrated, "softmax");
            let classes = size(tensors, "head.weight", 0);
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

/// Means, and largest values, of the maps that features are read from, as [`FeatureSet::read`].
fn read(g: &mut Builder, features: FeatureSet, maps: &[Value; 4], levels: Option<&[Value; 4]>) -> Value {
    let maps: Vec<(String, &Value)> = match (features.maps, levels) {
        (FeatureMaps::C5, _) => vec![(String::new(), &maps[3])],
        (FeatureMaps::Pyramid, Some(levels)) => (2..).map(|level| format!("p{level}.")).zip(levels).collect(),
        (FeatureMaps::Stages | FeatureMaps::Pyramid, _) => (2..).map(|stage| format!("c{stage}.")).zip(maps).collect(),
    };
    let mut figures = Vec::new();
    for (of, map) in maps {
        figures.push(g.average(map, &format!("{of}avgpool")));
        if features.max {
            figures.push(g.largest(map, &format!("{of}largest")));
        }
    }
    if figures.len() == 1 { figures.remove(0) } else { g.concat(&figures, "features.all") }
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

/// P2 to P5.
fn pyramid(g: &mut Builder, maps: &[Value; 4], side: usize) -> [Value; 4] {
    let of = |level: usize, part: &str| format!("pyramid.{part}{level}");
    let p5 = g.conv(&maps[3], &of(5, "lateral"), 1);
    let mut merged = p5.clone();
    let [p4, p3, p2] = [4, 3, 2].map(|level| {
        let lateral = g.conv(&maps[level - 2], &of(level, "lateral"), 1);
        let coarser = g.resize(&merged, map_side(side, level as u32), &of(level, "resize"));
        merged = g.add(&coarser, &lateral, &of(level, "add"));
        g.conv(&merged, &of(level, "smooth"), 1)
    });
    [p2, p3, p4, p5]
}
