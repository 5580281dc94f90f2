//! A graph under construction: one method an operation, each of which gives the name of what it makes.

use super::proto::{
    Attribute, AttributeKind, Dimension, Element, Graph, Node, Shape, TensorType, TensorValue, ValueInfo, ValueType,
    dimension,
};
use crate::weights::NamedTensor;
use std::collections::{BTreeMap, BTreeSet};

/// Name of a value in the graph.
pub(super) type Value = String;

/// Name of the free size of every input and output.
const BATCH: &str = "batch";

/// As [`crate::batch_norm`].
const EPSILON: f32 = 1e-5;

/// The graph so far, and the weights that it may take.
pub(super) struct Builder {
    graph: Graph,
    /// By their names in the graph; taken out when they are used.
    weights: BTreeMap<String, NamedTensor>,
    taken: BTreeSet<String>,
    /// The first weight that was asked for and is not there.
    pub(super) lacking: Option<String>,
}

impl Builder {
    pub(super) fn new(name: &str, weights: impl IntoIterator<Item = NamedTensor>) -> Self {
        Self {
            graph: Graph { name: name.to_owned(), ..Graph::default() },
            weights: weights.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect(),
            taken: BTreeSet::new(),
            lacking: None,
        }
    }

    pub(super) fn finish(self) -> Graph {
        self.graph
    }

    fn has(&self, weight: &str) -> bool {
        self.taken.contains(weight) || self.weights.contains_key(weight)
    }

    pub(super) fn input(&mut self, name: &str, sizes: &[usize]) -> Value {
        self.graph.input.push(info(name, sizes));
        name.to_owned()
    }

    /// Gives `value` out under `name`.
    ///
    /// - `sizes`: after the batch
    pub(super) fn output(&mut self, value: &Value, name: &str, sizes: &[usize]) {
        self.node("Identity", name, &[value], Vec::new());
        self.graph.output.push(info(name, sizes));
    }

    /// A convolution with `name.weight`, and where there is one with `name.bias`.
    pub(super) fn conv(&mut self, x: &Value, name: &str, window: [usize; 3]) -> Value {
        self.grouped(x, name, window, 1)
    }

    /// As [`Self::conv`], with its channels in groups.
    pub(super) fn grouped(&mut self, x: &Value, name: &str, window: [usize; 3], groups: usize) -> Value {
        let mut inputs = vec![x.clone(), self.weight(&format!("{name}.weight"))];
        let bias = format!("{name}.bias");
        if self.has(&bias) {
            inputs.push(self.weight(&bias));
        }
        let inputs: Vec<&Value> = inputs.iter().collect();
        let attributes = of_window(window).into_iter().chain([int("group", groups as i64)]);
        self.node("Conv", name, &inputs, attributes.collect())
    }

    /// A layer norm over the channels of each place: ONNX normalises the last axis.
    pub(super) fn layer_norm(&mut self, x: &Value, name: &str, epsilon: f64) -> Value {
        let [weight, bias] = ["weight", "bias"].map(|part| self.weight(&format!("{name}.{part}")));
        let last = self.node("Transpose", &format!("{name}.last"), &[x], vec![ints("perm", &[0, 2, 3, 1])]);
        let attributes = vec![int("axis", -1), float("epsilon", epsilon as f32)];
        let normal = self.node("LayerNormalization", &format!("{name}.norm"), &[&last, &weight, &bias], attributes);
        self.node("Transpose", name, &[&normal], vec![ints("perm", &[0, 3, 1, 2])])
    }

    /// A fully connected layer over the channels of each place, as a convolution of 1x1 pixels.
    pub(super) fn pointwise(&mut self, x: &Value, name: &str) -> Value {
        self.shaped(&format!("{name}.weight"), &[1, 1]);
        self.conv(x, name, [1, 1, 0])
    }

    /// Each channel times a number.
    pub(super) fn scaled(&mut self, x: &Value, name: &str) -> Value {
        self.shaped(name, &[1, 1]);
        let scale = self.weight(name);
        self.node("Mul", &format!("{name}.scaled"), &[x, &scale], Vec::new())
    }

    /// `x (1 + erf(x / sqrt(2))) / 2`.
    pub(super) fn gelu(&mut self, x: &Value, name: &str) -> Value {
        let root = self.divided(x, std::f32::consts::SQRT_2, &format!("{name}.root"));
        let erf = self.node("Erf", &format!("{name}.erf"), &[&root], Vec::new());
        let one = self.number(&format!("{name}.one"), 1.0);
        let above = self.add(&erf, &one, &format!("{name}.above"));
        let twice = self.node("Mul", &format!("{name}.twice"), &[x, &above], Vec::new());
        self.divided(&twice, 2.0, name)
    }

    /// A batch norm by its running statistics.
    pub(super) fn norm(&mut self, x: &Value, name: &str) -> Value {
        let parts =
            ["weight", "bias", "running_mean", "running_var"].map(|part| self.weight(&format!("{name}.{part}")));
        let [weight, bias, mean, variance] = &parts;
        self.node("BatchNormalization", name, &[x, weight, bias, mean, variance], vec![float("epsilon", EPSILON)])
    }

    pub(super) fn relu(&mut self, x: &Value, name: &str) -> Value {
        self.node("Relu", name, &[x], Vec::new())
    }

    pub(super) fn add(&mut self, a: &Value, b: &Value, name: &str) -> Value {
        self.node("Add", name, &[a, b], Vec::new())
    }

    /// The largest value under a window.
    pub(super) fn max_pool(&mut self, x: &Value, name: &str, window: [usize; 3]) -> Value {
        self.node("MaxPool", name, &[x], of_window(window).into())
    }

    /// The mean over each map, `[batch, channels]`.
    pub(super) fn average(&mut self, x: &Value, name: &str) -> Value {
        let mean = self.node("GlobalAveragePool", &format!("{name}.mean"), &[x], Vec::new());
        self.node("Flatten", name, &[&mean], vec![int("axis", 1)])
    }

    /// The largest value of each map, `[batch, channels]`.
    pub(super) fn largest(&mut self, x: &Value, name: &str) -> Value {
        let largest = self.node("GlobalMaxPool", &format!("{name}.max"), &[x], Vec::new());
        self.node("Flatten", name, &[&largest], vec![int("axis", 1)])
    }

    /// Bilinear, pixels as areas, to a square of `side` pixels.
    pub(super) fn resize(&mut self, x: &Value, side: usize, name: &str) -> Value {
        let sizes = self.constant(&format!("{name}.sizes"), &[side as i64; 2]);
        let nothing = Value::new();
        let attributes =
            vec![word("mode", "linear"), word("coordinate_transformation_mode", "half_pixel"), ints("axes", &[2, 3])];
        self.node("Resize", name, &[x, &nothing, &nothing, &sizes], attributes)
    }

    pub(super) fn concat(&mut self, parts: &[Value], name: &str) -> Value {
        self.node("Concat", name, &parts.iter().collect::<Vec<_>>(), vec![int("axis", 1)])
    }

    pub(super) fn linear(&mut self, x: &Value, name: &str) -> Value {
        let [weight, bias] = ["weight", "bias"].map(|part| self.weight(&format!("{name}.{part}")));
        self.node("Gemm", name, &[x, &weight, &bias], vec![int("transB", 1)])
    }

    /// Each value divided by a number.
    pub(super) fn divided(&mut self, x: &Value, by: f32, name: &str) -> Value {
        let divisor = self.number(&format!("{name}.divisor"), by);
        self.node("Div", name, &[x, &divisor], Vec::new())
    }

    pub(super) fn softmax(&mut self, x: &Value, name: &str) -> Value {
        self.node("Softmax", name, &[x], vec![int("axis", 1)])
    }

    fn node(&mut self, operator: &str, name: &str, inputs: &[&Value], attribute: Vec<Attribute>) -> Value {
        self.graph.node.push(Node {
            input: inputs.iter().map(|&input| input.clone()).collect(),
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: operator.to_owned(),
            attribute,
        });
        name.to_owned()
    }

    /// Gives a weight that is not used yet more axes.
    fn shaped(&mut self, name: &str, axes: &[usize]) {
        if let Some(tensor) = self.weights.get_mut(name) {
            tensor.shape.extend(axes);
        }
    }

    fn number(&mut self, name: &str, value: f32) -> Value {
        self.graph.initializer.push(TensorValue {
            dims: Vec::new(),
            data_type: Some(Element::Float.into()),
            name: name.to_owned(),
            raw_data: value.to_le_bytes().to_vec(),
        });
        name.to_owned()
    }

    fn weight(&mut self, name: &str) -> Value {
        match self.weights.remove(name) {
            Some(NamedTensor { name, shape, values }) => {
                self.taken.insert(name.clone());
                self.graph.initializer.push(TensorValue {
                    dims: shape.iter().map(|&size| size as i64).collect(),
                    data_type: Some(Element::Float.into()),
                    name,
                    raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
                });
            }
            None if !self.taken.contains(name) => {
                self.lacking.get_or_insert_with(|| name.to_owned());
            }
            None => {}
        }
        name.to_owned()
    }

    fn constant(&mut self, name: &str, values: &[i64]) -> Value {
        self.graph.initializer.push(TensorValue {
            dims: vec![values.len() as i64],
            data_type: Some(Element::Int64.into()),
            name: name.to_owned(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
        name.to_owned()
    }
}

/// Kernel, stride and padding of a square window.
fn of_window([kernel, stride, padding]: [usize; 3]) -> [Attribute; 3] {
    [ints("kernel_shape", &[kernel; 2]), ints("strides", &[stride; 2]), ints("pads", &[padding; 4])]
}

fn info(name: &str, sizes: &[usize]) -> ValueInfo {
    let batch = dimension::Value::Free(BATCH.to_owned());
    let sizes = sizes.iter().map(|&size| dimension::Value::Fixed(size as i64));
    let dim = std::iter::once(batch).chain(sizes).map(|value| Dimension { value: Some(value) }).collect();
    let tensor = TensorType { elem_type: Some(Element::Float.into()), shape: Some(Shape { dim }) };
    ValueInfo { name: name.to_owned(), r#type: Some(ValueType { tensor_type: Some(tensor) }) }
}

fn attribute(name: &str, kind: AttributeKind) -> Attribute {
    Attribute { name: name.to_owned(), r#type: Some(kind.into()), ..Attribute::default() }
}

fn int(name: &str, value: i64) -> Attribute {
    Attribute { i: Some(value), ..attribute(name, AttributeKind::Int) }
}

fn float(name: &str, value: f32) -> Attribute {
    Attribute { f: Some(value), ..attribute(name, AttributeKind::Float) }
}

fn word(name: &str, value: &str) -> Attribute {
    Attribute { s: Some(value.as_bytes().to_vec()), ..attribute(name, AttributeKind::String) }
}

fn ints(name: &str, values: &[usize]) -> Attribute {
    let ints = values.iter().map(|&value| value as i64).collect();
    Attribute { ints, ..attribute(name, AttributeKind::Ints) }
}
