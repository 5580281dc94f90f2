//! One step of ours on a golden case, every number of it by the case's names.

use super::case::Case;
use super::gradient;
use burn::tensor::{Device, Tensor, TensorData};
use hico_data::Seed;
use hico_model::init::Init;
use hico_model::weights::{self, NamedTensor};
use hico_model::{BackboneName, Mode, Pass};
use hico_train::loss::{hico_loss, nt_xent};
use hico_train::model::{HicoModel, Outputs};
use hico_train::optimiser::Adam;
use hico_train::recipe::Decay;
use std::collections::{BTreeMap, BTreeSet};

/// What we compute, by the names of the case.
pub(crate) type Found = BTreeMap<String, Vec<f64>>;

/// Forward in evaluation and in training, loss, gradients, one update, and forward again.
pub(crate) fn take(case: &Case) -> Found {
    let device = Device::flex().autodiff();
    let blank =
        HicoModel::new(BackboneName::RESNET18, &case.recipe, case.side, case.classes, &Init::new(&device, Seed(1)));
    let weights = case.weights(weights::to_tensors(&blank, case.naming));
    let mut network = weights::from_tensors(blank, &weights, case.naming).unwrap();
    let batch = case.labels.len();
    let [first, second] = [&case.views[0], &case.views[1]]
        .map(|view| Tensor::<4>::from_data(TensorData::new(view.clone(), [batch, 3, case.side, case.side]), &device));

    let mut found = Found::new();
    evaluate(&network, &first, "eval", &mut found);
    let maps = network.encoder.maps(first.clone(), Mode::Eval);
    for (name, map) in [("p2", maps.p2), ("p3", maps.p3), ("p4", maps.p4), ("p5", maps.p5)] {
        found.insert(format!("eval.{name}"), numbers(map));
    }

    let [a, b] = network.views(&[first.clone(), second], &[], &Pass::keeping(Mode::Train));
    record(&a, "train.view1", &mut found);
    record(&b, "train.view2", &mut found);
    for NamedTensor { name, values, .. } in weights::to_tensors(&network, case.naming) {
        if name.contains("running_") {
            found.insert(format!("after_forward.{name}"), values.into_iter().map(f64::from).collect());
        }
    }
    let loss = hico_loss(&a, &b, &case.labels, &case.recipe);
    losses(&loss.values(), &mut found);

    let gradients = loss.total.backward();
    for (name, gradient) in gradient::of(&network, &gradients, case.naming) {
        let norm = gradient.iter().map(|value| value * value).sum::<f64>().sqrt();
        found.insert(format!("grad_norm.{name}"), vec![norm]);
        found.insert(format!("grad.{name}"), gradient);
    }
    network = Adam::new(1e-4, Decay::L2).step(network, gradients, 3e-4, 1.0);
    for NamedTensor { name, values, .. } in weights::to_tensors(&network, case.naming) {
        found.insert(format!("after_adam.{name}"), values.into_iter().map(f64::from).collect());
    }
    evaluate(&network, &first, "after_adam.eval", &mut found);
    bare_pairs(case, &device, &mut found);
    found
}

fn evaluate(network: &HicoModel, x: &Tensor<4>, prefix: &str, found: &mut Found) {
    let outputs = network.forward(x.clone(), Mode::Eval);
    found.insert(format!("{prefix}.pooled"), numbers(outputs.pooled.clone()));
    record(&outputs, prefix, found);
}

fn record(outputs: &Outputs, prefix: &str, found: &mut Found) {
    let Outputs { local, medium, global, logits, .. } = outputs;
    for (name, tensor) in [("local", local), ("medium", medium), ("global", global), ("logits", logits)] {
        found.insert(format!("{prefix}.{name}"), numbers(tensor.clone()));
    }
}

/// Our names of the terms, and both names that files have for them.
const TERMS: [(&str, [&str; 2]); 9] = [
    ("peer_local", ["peer.local"; 2]),
    ("peer_medium", ["peer.medium"; 2]),
    ("peer_global", ["peer.global"; 2]),
    ("cross_medium_1", ["cross.medium_1", "cross.global_medium.view1"]),
    ("cross_medium_2", ["cross.medium_2", "cross.global_medium.view2"]),
    ("cross_local_1", ["cross.local_1", "cross.global_local.view1"]),
    ("cross_local_2", ["cross.local_2", "cross.global_local.view2"]),
    ("soft_ce_1", ["soft_ce.view1"; 2]),
    ("soft_ce_2", ["soft_ce.view2"; 2]),
];

fn losses(values: &BTreeMap<String, f64>, found: &mut Found) {
    for (ours, theirs) in TERMS {
        for name in theirs {
            found.insert(format!("loss.{name}"), vec![values[ours]]);
        }
    }
    let sum = |prefix: &str| values.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, value)| value).sum();
    found.insert("loss.peer".to_owned(), vec![sum("peer_")]);
    found.insert("loss.cross".to_owned(), vec![sum("cross_")]);
    found.insert("loss.total".to_owned(), vec![values["total"]]);
}

/// NT-Xent alone, on the pairs that a case brings.
fn bare_pairs(case: &Case, device: &Device, found: &mut Found) {
    let sizes: BTreeSet<usize> = case
        .expected
        .keys()
        .filter_map(|name| name.strip_prefix("ntxent.b")?.strip_suffix(".loss")?.parse().ok())
        .collect();
    for size in sizes {
        let rows = |side: &str| {
            let values = &case.expected[&format!("ntxent.b{size}.{side}")];
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            let columns = values.len() / size;
            Tensor::<2>::from_data(TensorData::new(values, [size, columns]), device)
        };
        let loss = nt_xent(rows("a"), rows("b"), case.recipe.temperature.get());
        found.insert(format!("ntxent.b{size}.loss"), numbers(loss));
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
