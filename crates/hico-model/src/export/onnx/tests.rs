use super::proto::{Graph, Model};
use super::*;
use crate::classifier::{Classifier, Trainable};
use crate::init::Init;
use crate::{BackboneName, Encoder};
use burn::tensor::Device;
use hico_data::Seed;
use std::collections::BTreeSet;

fn tensors(backbone: BackboneName, trainable: Trainable) -> Vec<NamedTensor> {
    tensors_reading(backbone, trainable, FeatureSet::C5)
}

fn tensors_reading(backbone: BackboneName, trainable: Trainable, features: FeatureSet) -> Vec<NamedTensor> {
    let device = Device::flex();
    let init = Init::new(&device, Seed(6));
    Classifier::new(&init, Encoder::new(&init.at("encoder"), backbone), 3, trainable, features).to_tensors()
}

const fn of_c5(part: Part) -> Read {
    Read { part, features: FeatureSet::C5, top: false }
}

fn graph(tensors: &[NamedTensor], part: Part) -> Graph {
    graph_reading(BackboneName::RESNET18, tensors, of_c5(part))
}

fn graph_reading(backbone: BackboneName, tensors: &[NamedTensor], read: Read) -> Graph {
    let facts = BTreeMap::from([("mean".to_owned(), "0.5".to_owned())]);
    let model = Model::decode(to_onnx(tensors, backbone, read, 64, &facts).unwrap().as_slice()).unwrap();
    assert_eq!((model.ir_version, model.opset_import[0].version), (Some(8), Some(18)));
    assert_eq!((model.metadata_props[0].key.as_str(), model.metadata_props[0].value.as_str()), ("mean", "0.5"));
    model.graph.unwrap()
}

#[test]
fn every_value_is_made_once_and_before_it_is_read() {
    let convnext = BackboneName::CONVNEXT_TINY;
    for backbone in [BackboneName::RESNET18, BackboneName::RESNET34, BackboneName::RESNET50, convnext] {
        let reads = FeatureSet::ALL.map(|features| (features, false)).into_iter().chain([(FeatureSet::C5, true)]);
        // What is read of maps is the same for every backbone.
        let reads = reads.filter(|(features, _)| backbone != convnext || *features == FeatureSet::C5);
        let parts = [Part::Encoder, Part::Pyramid, Part::Classifier];
        for (part, (features, top)) in reads.flat_map(|reads| parts.map(|part| (part, reads))) {
            let trainable = if top { Trainable::LastBlock } else { Trainable::All };
            let read = Read { part, features, top };
            let graph = graph_reading(backbone, &tensors_reading(backbone, trainable, features), read);
            let mut there: BTreeSet<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
            for weight in &graph.initializer {
                assert!(there.insert(&weight.name), "{} twice", weight.name);
                let width = if weight.data_type == Some(proto::Element::Int64.into()) { 8 } else { 4 };
                assert_eq!(
                    weight.raw_data.len() as i64,
                    width * weight.dims.iter().product::<i64>(),
                    "{}",
                    weight.name
                );
            }
            for node in &graph.node {
                for input in node.input.iter().filter(|input| !input.is_empty()) {
                    assert!(there.contains(input.as_str()), "{backbone:?} {read:?}: {} reads {input}", node.name);
                }
                assert!(there.insert(&node.output[0]), "{} twice", node.output[0]);
            }
            assert!(graph.output.iter().all(|output| there.contains(output.name.as_str())));
        }
    }
}

#[test]
fn a_graph_holds_the_weights_of_its_part_and_no_other() {
    let all = tensors(BackboneName::RESNET18, Trainable::All);
    let names = |part| -> BTreeSet<String> {
        graph(&all, part)
            .initializer
            .into_iter()
            .map(|weight| weight.name)
            .filter(|name| !name.ends_with(".sizes"))
            .collect()
    };
    let (encoder, pyramid, classifier) = (names(Part::Encoder), names(Part::Pyramid), names(Part::Classifier));
    assert_eq!(encoder.len(), 100);
    assert_eq!(pyramid.difference(&encoder).count(), 14);
    let head: Vec<&String> = classifier.difference(&encoder).collect();
    assert_eq!(head, ["fc.bias", "fc.weight"]);
    let read = Read { top: true, ..of_c5(Part::Classifier) };
    let both = graph_reading(BackboneName::RESNET18, &tensors(BackboneName::RESNET18, Trainable::LastBlock), read);
    assert!(both.node.iter().any(|node| node.op_type == "Concat"));
}

#[test]
fn a_graph_of_a_convnext_holds_every_weight_of_its_description() {
    let name = BackboneName::CONVNEXT_TINY;
    let graph = graph_reading(name, &tensors(name, Trainable::All), of_c5(Part::Encoder));
    let there: BTreeSet<&str> = graph.initializer.iter().map(|weight| weight.name.as_str()).collect();
    let expected = name.architecture().tensors();
    assert!(expected.iter().all(|(name, _)| there.contains(name.as_str())));
    let with_constants = |of: &str| there.iter().filter(|name| name.contains(of)).count();
    assert_eq!(there.len(), expected.len() + with_constants(".divisor") + with_constants(".one"));
}

#[test]
fn what_is_not_there_is_named() {
    let mut few = tensors(BackboneName::RESNET18, Trainable::All);
    few.retain(|tensor| !tensor.name.starts_with("encoder.pyramid.smooth3"));
    assert!(to_onnx(&few, BackboneName::RESNET18, of_c5(Part::Encoder), 64, &BTreeMap::new()).is_ok());
    let error = to_onnx(&few, BackboneName::RESNET18, of_c5(Part::Pyramid), 64, &BTreeMap::new()).unwrap_err();
    assert!(matches!(&error, Error::GraphLacks(name) if name == "pyramid.smooth3.weight"), "{error}");
}

#[test]
fn probabilities_are_those_of_the_logits_over_the_temperature() {
    let all = tensors(BackboneName::RESNET18, Trainable::All);
    let graph = |temperature: &str| {
        let facts = BTreeMap::from([("temperature".to_owned(), temperature.to_owned())]);
        let bytes = to_onnx(&all, BackboneName::RESNET18, of_c5(Part::Classifier), 64, &facts).unwrap();
        Model::decode(bytes.as_slice()).unwrap().graph.unwrap()
    };
    let node = |graph: &Graph, operator: &str| graph.node.iter().find(|node| node.op_type == operator).cloned();
    let calibrated = graph("1.7");
    let (divide, softmax) = (node(&calibrated, "Div").unwrap(), node(&calibrated, "Softmax").unwrap());
    assert_eq!((divide.input[0].as_str(), &softmax.input), ("fc", &divide.output));
    let divisor = calibrated.initializer.iter().find(|weight| weight.name == divide.input[1]).unwrap();
    assert_eq!(divisor.raw_data, 1.7_f32.to_le_bytes());
    // The logits that are given out are as they are.
    let given = calibrated.node.iter().find(|node| node.output == ["logits"]).unwrap();
    assert_eq!(given.input, ["fc"]);
    assert_eq!(node(&graph("1"), "Div"), None);
}
