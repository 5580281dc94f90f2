//! Which operation follows which: the same network as [`crate`], written down for another runtime.

use super::graph::{Builder, Value};
use super::proto::Graph;
use super::{INPUT, Part, Read};
use crate::backbone::{Architecture, Operation, below};
use crate::weights::NamedTensor;
use crate::{BackboneName, Error, FeatureMaps, FeatureSet};

/// Channels of every level of the pyramid.
const CHANNELS: usize = 256;

/// Kernel, stride and padding of the pyramid's convolutions, as in [`crate::Pyramid`].
const LATERAL: [usize; 3] = [1, 1, 0];
const SMOOTH: [usize; 3] = [3, 1, 1];

/// The graph of a part of the network.
///
/// - `temperature`: what logits are divided by before the softmax
pub(super) fn graph(
    tensors: &[NamedTensor],
    name: BackboneName,
    Read { part, features, top }: Read,
    side: usize,
    temperature: Option<f32>,
) -> Result<Graph, Error> {
    let weights = tensors.iter().map(|tensor| NamedTensor { name: own_name(&tensor.name), ..tensor.clone() });
    let mut builder = Builder::new("hico", weights);
    let g = &mut builder;
    let image = g.input(INPUT, &[3, side, side]);
    let architecture = name.architecture();
    let sides = architecture.map_sides(side);
    let maps = backbone(g, &image, &architecture);
    let levels = (part == Part::Pyramid || features.reads_pyramid()).then(|| pyramid(g, &maps, sides));
    let rows = read(g, features, &maps, levels.as_ref());
    let length = features.len(name);
    match part {
        Part::Encoder => g.output(&rows, "features", &[length]),
        Part::Pyramid => {
            g.output(&rows, "features", &[length]);
            for ((level, map), side) in (2..).zip(levels.iter().flatten()).zip(sides) {
                g.output(map, &format!("p{level}"), &[CHANNELS, side, side]);
            }
        }
        Part::Classifier => {
            // What `Trainable::LastBlock` reads besides.
            let read = if top {
                let p5 = g.conv(&maps[3], "pyramid.lateral5", LATERAL);
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
            let head = tensors.iter().find(|tensor| tensor.name == "head.weight");
            let classes = head.and_then(|head| head.shape.first().copied()).unwrap_or_default();
            g.output(&logits, "logits", &[classes]);
            g.output(&probabilities, "probabilities", &[classes]);
        }
    }
    match builder.lacking.take() {
        Some(name) => Err(Error::GraphLacks(name)),
        None => Ok(builder.finish()),
    }
}

/// A backbone's own name of what is in it, and `fc` for the head.
fn own_name(ours: &str) -> String {
    match ours.strip_prefix("head.") {
        Some(rest) => format!("fc.{rest}"),
        None => {
            let name = ours.strip_prefix("encoder.").unwrap_or(ours);
            name.strip_prefix("backbone.").unwrap_or(name).to_owned()
        }
    }
}

/// Means, and largest values, of the maps that features are read from, as [`FeatureSet::read`].
fn read(g: &mut Builder, features: FeatureSet, maps: &[Value], levels: Option<&[Value; 4]>) -> Value {
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

/// C2 to C5, from the description that the network is built from.
fn backbone(g: &mut Builder, image: &Value, architecture: &Architecture) -> Vec<Value> {
    let mut x = image.clone();
    let mut maps = Vec::new();
    for placed in architecture.blocks() {
        let block = Operations { prefix: placed.prefix(), input: x };
        x = block.run(g, &placed.block.operations, "");
        if placed.ends_stage {
            maps.push(x.clone());
        }
    }
    maps
}

/// The operations of a block.
struct Operations {
    /// What stands before their names.
    prefix: String,
    /// What the block reads.
    input: Value,
}

impl Operations {
    /// - `branch`: marks the values of a branch
    fn run(&self, g: &mut Builder, operations: &[Operation], branch: &str) -> Value {
        let mut x = self.input.clone();
        for (number, operation) in (1..).zip(operations) {
            let name = |own: &str| below(&self.prefix, own);
            // What has no parameters is known by where it stands.
            let at = |kind: &str| name(&format!("{branch}{kind}{number}"));
            x = match operation {
                Operation::Convolution(convolution) => {
                    g.grouped(&x, &name(&convolution.name), convolution.window(), convolution.groups)
                }
                Operation::BatchNorm { name: own } => g.norm(&x, &name(own)),
                Operation::LayerNorm { name: own, epsilon } => g.layer_norm(&x, &name(own), *epsilon),
                Operation::Linear(linear) => g.pointwise(&x, &name(&linear.name)),
                Operation::LayerScale { name: own, .. } => g.scaled(&x, &name(own)),
                Operation::Gelu => g.gelu(&x, &at("gelu")),
                Operation::Relu => g.relu(&x, &at("relu")),
                &Operation::MaxPool { kernel, stride, padding } => {
                    g.max_pool(&x, &at("maxpool"), [kernel, stride, padding])
                }
                Operation::Add(around) => {
                    let around = self.run(g, around, &format!("around{number}."));
                    g.add(&x, &around, &at("add"))
                }
            };
        }
        x
    }
}

/// P2 to P5.
fn pyramid(g: &mut Builder, maps: &[Value], sides: [usize; 4]) -> [Value; 4] {
    let of = |level: usize, part: &str| format!("pyramid.{part}{level}");
    let p5 = g.conv(&maps[3], &of(5, "lateral"), LATERAL);
    let mut merged = p5.clone();
    let [p4, p3, p2] = [4, 3, 2].map(|level| {
        let lateral = g.conv(&maps[level - 2], &of(level, "lateral"), LATERAL);
        let coarser = g.resize(&merged, sides[level - 2], &of(level, "resize"));
        merged = g.add(&coarser, &lateral, &of(level, "add"));
        g.conv(&merged, &of(level, "smooth"), SMOOTH)
    });
    [p2, p3, p4, p5]
}
