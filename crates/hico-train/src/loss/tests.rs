//! The objective against closed forms, against the same formulas written with loops in 64 bits, and its gradients
//! against central differences of those.

use super::twin::{self, Views};
use super::*;
use crate::settings::{CrossPairs, Fraction, NonNegative, SoftTarget, Supervision, Temperature};
use burn::tensor::{Device, TensorData};
use hico_data::Seed;
use proptest::prelude::*;

const LEVELS: [&str; 4] = ["local", "medium", "global", "logits"];

fn tensor(rows: &[Vec<f64>], device: &Device) -> Tensor<2> {
    let shape = [rows.len(), rows.first().map_or(0, Vec::len)];
    let values: Vec<f32> = rows.iter().flatten().map(|value| *value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn number(tensor: &Tensor<1>) -> f64 {
    tensor.to_data().iter::<f64>().next().unwrap()
}

fn pairs(a: &[Vec<f64>], b: &[Vec<f64>], temperature: f64) -> f64 {
    let device = Device::flex();
    number(&nt_xent(tensor(a, &device), tensor(b, &device), temperature))
}

fn labels_loss(logits: &[Vec<f64>], labels: &[Option<usize>], smoothing: f64, target: SoftTarget) -> f64 {
    number(&soft_cross_entropy(tensor(logits, &Device::flex()), labels, smoothing, target))
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 2e-5 * b.abs().max(1.0)
}

/// Rows of the unit matrix, so that no two clips are alike.
fn apart(batch: usize) -> Vec<Vec<f64>> {
    (0..batch).map(|row| (0..batch).map(|column| f64::from(u8::from(row == column))).collect()).collect()
}

#[test]
fn a_batch_without_any_difference_costs_the_logarithm_of_its_candidates() {
    for batch in 1..6 {
        let same = vec![vec![0.3, -2.0, 1.0]; batch];
        assert!(near(pairs(&same, &same, 0.5), ((2 * batch - 1) as f64).ln()), "{batch} pairs");
    }
}

#[test]
fn perfect_pairs_cost_what_the_temperature_leaves() {
    for (batch, temperature) in [(2, 0.5), (3, 0.1), (5, 1.0)] {
        let rows = apart(batch);
        let own = (1.0_f64 / temperature).exp();
        let expected = -(own / (own + (2 * batch - 2) as f64)).ln();
        assert!(near(pairs(&rows, &rows, temperature), expected), "{batch} pairs at {temperature}");
    }
}

#[test]
fn one_pair_alone_costs_nothing_and_pulls_nowhere() {
    let device = Device::flex().autodiff();
    let a = tensor(&[vec![1.0, 2.0]], &device).require_grad();
    let loss = nt_xent(a.clone(), tensor(&[vec![-3.0, 0.5]], &device), 0.5);
    assert_eq!(number(&loss), 0.0);
    let gradient = a.grad(&loss.backward()).unwrap().into_data();
    assert!(gradient.iter::<f64>().all(|value| value == 0.0), "{gradient}");
}

#[test]
fn a_row_of_zeros_makes_no_nan() {
    let device = Device::flex().autodiff();
    let a = tensor(&[vec![0.0, 0.0], vec![1.0, 0.0]], &device).require_grad();
    let loss = nt_xent(a.clone(), tensor(&[vec![0.0, 1.0], vec![1.0, 1.0]], &device), 0.5);
    assert!(number(&loss).is_finite());
    assert!(a.grad(&loss.backward()).unwrap().into_data().iter::<f64>().all(f64::is_finite));
}

#[test]
fn logits_that_say_nothing_cost_the_logarithm_of_the_classes() {
    let logits = vec![vec![1.5; 4]; 3];
    let labels = [Some(0), None, Some(3)];
    for smoothing in [0.0, 0.2, 1.0] {
        let found = labels_loss(&logits, &labels, smoothing, SoftTarget::OverClasses);
        assert!(near(found, 4.0_f64.ln()), "{smoothing}: {found}");
        // Two labelled clips: the target of the authors' code sums to 1 - alpha + 4 alpha.
        let found = labels_loss(&logits, &labels, smoothing, SoftTarget::OverLabelled);
        assert!(near(found, (1.0 + 3.0 * smoothing) * 4.0_f64.ln()), "{smoothing}: {found}");
    }
}

#[test]
fn a_batch_with_one_label_or_none_has_a_loss_and_a_gradient() {
    let device = Device::flex().autodiff();
    for target in [SoftTarget::OverClasses, SoftTarget::OverLabelled] {
        let logits = tensor(&[vec![2.0, -1.0, 0.5], vec![0.0, 1.0, 3.0]], &device).require_grad();
        let none = soft_cross_entropy(logits.clone(), &[None, None], 0.2, target);
        assert_eq!(number(&none), 0.0);
        let gradient = logits.grad(&none.backward()).unwrap().into_data();
        assert!(gradient.iter::<f64>().all(|value| value == 0.0), "{target:?}: {gradient}");

        let one = soft_cross_entropy(logits.clone(), &[None, Some(2)], 0.2, target);
        let gradient: Vec<f64> = logits.grad(&one.backward()).unwrap().into_data().iter().collect();
        assert_eq!(gradient[..3], [0.0; 3], "an unlabelled clip is not moved");
        assert!(gradient[5] < 0.0, "{target:?}: {gradient:?}");
    }
    // One labelled clip, by the authors' formula a division by zero: the hard target.
    let logits = [vec![0.0, 1.0, 3.0]];
    let hard = -(3.0_f64.exp() / (1.0 + 1.0_f64.exp() + 3.0_f64.exp())).ln();
    assert!(near(labels_loss(&logits, &[Some(2)], 0.2, SoftTarget::OverLabelled), hard));
}

#[test]
#[should_panic(expected = "one label, or none, for each row")]
fn labels_of_another_batch_are_a_mistake() {
    labels_loss(&[vec![0.0, 1.0]], &[Some(0), None], 0.2, SoftTarget::OverClasses);
}

#[test]
fn each_supervision_has_its_terms_and_its_weights() {
    let views = random_views(4, 3, 1);
    let labels = [Some(0), None, Some(2), Some(2)];
    let (peer_weight, label_weight) = (Fraction::new(0.3).unwrap(), NonNegative::new(0.7).unwrap());
    let recipe = HicoRecipe { peer_weight, label_weight, ..HicoRecipe::default() };
    let device = Device::flex();
    let [a, b] = views.each_ref().map(|view| outputs(view, &device));
    let of = |supervision| hico_loss(&a, &b, &labels, &HicoRecipe { supervision, ..recipe }).values();
    let sum = |values: &BTreeMap<String, f64>, prefix: &str| -> f64 {
        values.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, value)| value).sum()
    };

    let semi = of(Supervision::Semi);
    assert_eq!(semi.len(), 10);
    let expected = 0.3 * sum(&semi, "peer_") + 0.7 * sum(&semi, "cross_") + 0.7 * sum(&semi, "soft_ce_");
    assert!(near(semi["total"], expected));

    let alone = of(Supervision::SelfOnly);
    assert!(!alone.contains_key("soft_ce_1"));
    assert!(near(alone["total"], 0.3 * sum(&semi, "peer_") + 0.7 * sum(&semi, "cross_")));

    let full = of(Supervision::Full);
    assert_eq!(full.keys().collect::<Vec<_>>(), ["soft_ce_1", "soft_ce_2", "total"]);
    assert!(near(full["total"], 0.5 * sum(&semi, "soft_ce_")));
}

fn random_views(batch: usize, classes: usize, seed: u64) -> [Views; 2] {
    let mut rng = Seed(seed).stream("views", &[]);
    let mut rows = |columns: usize| -> Vec<Vec<f64>> {
        let row = |_| (0..columns).map(|_| f64::from(rng.random_range(-2.0f32..2.0))).collect();
        (0..batch).map(row).collect()
    };
    [(); 2].map(|()| Views { levels: [rows(5), rows(5), rows(5), rows(classes)] })
}

fn outputs(view: &Views, device: &Device) -> Outputs {
    let [local, medium, global, logits] = view.levels.each_ref().map(|rows| tensor(rows, device));
    Outputs { local, medium, pooled: global.clone(), global, dense: None, predicted: None, logits }
}

/// The same numbers as the start of a graph, so that each gets a gradient of its own.
fn leaves(Outputs { local, medium, global, dense, predicted, logits, pooled }: Outputs) -> Outputs {
    let [local, medium, global, logits] = [local, medium, global, logits].map(Tensor::require_grad);
    Outputs { local, medium, global, dense, predicted, logits, pooled }
}

/// The gradient of the total for every number that goes in, beside central differences of the twin.
fn check_gradients(recipe: &HicoRecipe, labels: &[Option<usize>], seed: u64) {
    const STEP: f64 = 1e-5;
    let views = random_views(labels.len(), 3, seed);
    let device = Device::flex().autodiff();
    let both = views.each_ref().map(|view| leaves(outputs(view, &device)));
    let total = hico_loss(&both[0], &both[1], labels, recipe).total;
    let gradients = total.backward();
    for (place, outputs) in both.iter().enumerate() {
        let tensors = [&outputs.local, &outputs.medium, &outputs.global, &outputs.logits];
        for (level, tensor) in tensors.into_iter().enumerate() {
            let columns = views[place].levels[level][0].len();
            let found: Vec<f64> = match tensor.grad(&gradients) {
                Some(gradient) => gradient.into_data().iter().collect(),
                None => vec![0.0; columns * labels.len()],
            };
            for (at, found) in found.into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut views = views.clone();
                    views[place].levels[level][at / columns][at % columns] += by;
                    twin::total(&views, labels, recipe)
                };
                let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                assert!(
                    (found - expected).abs() < 2e-5 * expected.abs().max(1.0),
                    "{:?}, view {place}, {} {at}: {found} is not {expected}",
                    recipe.supervision,
                    LEVELS[level]
                );
            }
        }
    }
}

#[test]
fn gradients_are_those_of_the_formulas() {
    let labels = [Some(1), None, Some(0), Some(2)];
    for (seed, cross_pairs) in [CrossPairs::AcrossViews, CrossPairs::SameView].into_iter().enumerate() {
        for soft_target in [SoftTarget::OverClasses, SoftTarget::OverLabelled] {
            let peer_weight = Fraction::new(0.4).unwrap();
            for supervision in [Supervision::Semi, Supervision::SelfOnly, Supervision::Full] {
                let recipe = HicoRecipe { supervision, cross_pairs, soft_target, peer_weight, ..HicoRecipe::default() };
                check_gradients(&recipe, &labels, seed as u64);
            }
        }
    }
    for labels in [vec![None; 3], vec![None, Some(1)], vec![Some(0)]] {
        for decoupled in [false, true] {
            let cross_weights = [1.5, 0.25].map(|weight| NonNegative::new(weight).unwrap());
            check_gradients(&HicoRecipe { decoupled, cross_weights, ..HicoRecipe::default() }, &labels, 9);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_reading_agrees_with_its_twin(
        batch in 1usize..7,
        classes in 1usize..5,
        seed in 0u64..1000,
        temperature in 0.05f64..2.0,
        smoothing in 0.0f64..1.0,
        labelled in proptest::collection::vec(any::<bool>(), 7),
        across: bool,
        over_classes: bool,
        decoupled: bool,
        cross_weights in [0.0f64..3.0, 0.0f64..3.0],
    ) {
        let views = random_views(batch, classes, seed);
        let labels: Vec<Option<usize>> = (0..batch).map(|clip| labelled[clip].then_some(clip % classes)).collect();
        let recipe = HicoRecipe {
            temperature: Temperature::new(temperature).unwrap(),
            smoothing: Fraction::new(smoothing).unwrap(),
            decoupled,
            cross_weights: cross_weights.map(|weight| NonNegative::new(weight).unwrap()),
            cross_pairs: if across { CrossPairs::AcrossViews } else { CrossPairs::SameView },
            soft_target: if over_classes { SoftTarget::OverClasses } else { SoftTarget::OverLabelled },
            ..HicoRecipe::default()
        };
        let device = Device::flex();
        let [a, b] = views.each_ref().map(|view| outputs(view, &device));
        for supervision in [Supervision::Semi, Supervision::SelfOnly, Supervision::Full] {
            let recipe = HicoRecipe { supervision, ..recipe };
            let found = number(&hico_loss(&a, &b, &labels, &recipe).total);
            let expected = twin::total(&views, &labels, &recipe);
            prop_assert!(near(found, expected), "{supervision:?}: {found} is not {expected}");
        }
    }

    #[test]
    fn neither_the_order_of_clips_nor_that_of_views_nor_scale_matters(seed in 0u64..1000, scale in 0.1f64..10.0) {
        let [first, second] = random_views(5, 2, seed).map(|view| view.levels[0].clone());
        let loss = pairs(&first, &second, 0.5);
        prop_assert!(near(pairs(&second, &first, 0.5), loss));
        let turned = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
            let rows = rows.iter().cycle().skip(2).take(rows.len());
            rows.map(|row| row.iter().map(|value| value * scale).collect()).collect()
        };
        prop_assert!(near(pairs(&turned(&first), &turned(&second), 0.5), loss));
    }
}
