//! Fine-tuning on a handful of clips.

use super::*;
use crate::{CheckpointEvery, Error};
use hico_data::Job;
use hico_data::view::ViewRecipe;
use hico_model::init::Init;
use hico_model::{BackboneName, Encoder, FeatureMaps, FeatureSet, test_data};
use std::sync::atomic::AtomicBool;

/// A fine-tuning that does not look at the test fold before its end.
fn honest<'a>(
    dataset: &'a Arc<Dataset>,
    plan: &'a FoldPlan,
    recipe: &'a FinetuneRecipe,
    context: Context<'a>,
) -> Finetuning<'a> {
    Finetuning { dataset, plan, recipe, test_fold: TestFold::AtTheEnd, seed: Seed(5), context }
}

/// Two folds; three groups of each class to train on and one to test, when fold 0 is tested.
fn spots(test_labels: [usize; 2]) -> Arc<Dataset> {
    let groups = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let row = |(index, group): (usize, &&'static str)| match index {
        0 | 1 => (*group, Some(test_labels[index]), 0),
        _ => (*group, Some(index % 2), 1),
    };
    Arc::new(test_data::spots(&groups.iter().enumerate().map(row).collect::<Vec<_>>()))
}

fn recipe(epochs: usize) -> FinetuneRecipe {
    let view = ViewRecipe { side: 32, ..ViewRecipe::default() };
    FinetuneRecipe { epochs, batch: 6, learning_rate: 1e-3, frames_per_clip: 1, view, ..FinetuneRecipe::default() }
}

fn run(data: &Arc<Dataset>, trainable: Trainable, epochs: usize, test_fold: TestFold, threads: usize) -> Finetuned {
    run_reading(data, (trainable, FeatureSet::C5), epochs, test_fold, threads)
}

fn run_reading(
    data: &Arc<Dataset>,
    (trainable, features): (Trainable, FeatureSet),
    epochs: usize,
    test_fold: TestFold,
    threads: usize,
) -> Finetuned {
    let device = Device::flex();
    let init = Init::new(&device, Seed(3));
    let classifier =
        Classifier::new(&init, Encoder::new(&init.at("encoder"), BackboneName::RESNET18), 2, trainable, features);
    let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5], inner: vec![6, 7], test: vec![0, 1] };
    let context = Context { device: &device, job: Job::default().with_threads(threads) };
    let (recipe, plan) = (&recipe(epochs), &plan);
    let finetuning = Finetuning { dataset: data, plan, recipe, test_fold, seed: Seed(5), context };
    finetune(finetuning, classifier, None, |_| {}).unwrap()
}

#[test]
fn a_head_that_begins_as_the_linear_probe_says_what_the_probe_says() {
    let (device, data) = (Device::flex(), spots([0, 1]));
    let init = Init::new(&device, Seed(3));
    let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5, 6, 7], inner: Vec::new(), test: vec![0, 1] };
    let context = Context { device: &device, job: Job::default() };
    // Steps so small that nothing moves.
    let recipe = FinetuneRecipe { learning_rate: 1e-20, head_init: HeadInit::LinearProbe, ..recipe(1) };
    let encoder = Encoder::new(&init.at("encoder"), BackboneName::RESNET18);
    let frames = |clips: &[usize]| frames_of(&data, clips, 1);
    let views = Views { dataset: &data, view: &recipe.view, seed: Seed(5), context };
    for (trainable, features) in
        [(Trainable::Head, FeatureSet::C5), (Trainable::All, FeatureSet { maps: FeatureMaps::Stages, max: false })]
    {
        let rows = |clips: &[usize]| views.features(&encoder, &[features], &frames(clips)).unwrap().concat();
        let labels: Vec<usize> = plan.fit.iter().map(|clip| data.label(*clip).unwrap()).collect();
        let probe = LinearProbe::fit(Labelled { rows: &rows(&plan.fit), labels: &labels }, 2, STRENGTH);
        let classifier = Classifier::new(&init, encoder.clone(), 2, trainable, features);
        let kept = probed(classifier.clone(), &data, &Inputs::Views(views), &frames(&plan.fit)).unwrap();
        assert_eq!(kept.trainable(), trainable);
        // All batch norms learn the statistics of what they see, also where no weight moves.
        let frozen = if trainable == Trainable::Head {
            let found = finetune(honest(&data, &plan, &recipe, context), classifier, None, |_| {}).unwrap();
            found.honest
        } else {
            Inputs::Views(views).predict(&kept, &frames(&plan.test)).unwrap()
        };
        for (frame, row) in frozen.iter().zip(rows(&plan.test)) {
            for (found, expected) in frame.probabilities.iter().zip(probe.predict(&row)) {
                assert!((found - expected).abs() < 1e-4, "{trainable:?}: {found} {expected}");
            }
        }
    }
}

#[test]
fn six_clips_that_differ_plainly_are_learnt_by_heart() {
    let data = spots([0, 1]);
    let device = Device::flex();
    let init = Init::new(&device, Seed(3));
    let classifier = Classifier::new(
        &init,
        Encoder::new(&init.at("encoder"), BackboneName::RESNET18),
        2,
        Trainable::All,
        FeatureSet::C5,
    );
    let clips: Vec<usize> = (2..8).collect();
    let plan = FoldPlan { fold: 0, fit: clips.clone(), inner: clips.clone(), test: clips };
    let context = Context { device: &device, job: Job::default() };
    let recipe = recipe(10);
    let tuned = finetune(honest(&data, &plan, &recipe, context), classifier, None, |_| {}).unwrap();
    let right = |frame: &&FramePrediction| Some(argmax(&frame.probabilities)) == data.label(frame.clip);
    assert_eq!(tuned.honest.iter().filter(right).count(), 6, "{:?}", tuned.curve);
    assert!(tuned.curve[9].train_loss < 0.5 * tuned.curve[0].train_loss, "{:?}", tuned.curve);
}

#[test]
fn the_test_fold_never_chooses_an_epoch() {
    let truth = run(&spots([0, 1]), Trainable::All, 3, TestFold::EveryEpoch, 2);
    let lies = run(&spots([1, 0]), Trainable::All, 3, TestFold::EveryEpoch, 1);
    let unseen = run(&spots([0, 1]), Trainable::All, 3, TestFold::AtTheEnd, 3);
    // Pictures of the test clips differ with their labels here, so only what was learnt can be compared with `lies`.
    assert_eq!(truth.chosen_epoch, lies.chosen_epoch);
    assert_eq!(truth.classifier.to_tensors(), lies.classifier.to_tensors());
    assert_eq!(truth.classifier.to_tensors(), unseen.classifier.to_tensors());
    assert_eq!((truth.chosen_epoch, &truth.honest), (unseen.chosen_epoch, &unseen.honest));
    assert!(unseen.published.is_none() && unseen.curve.iter().all(|point| point.test_balanced_accuracy.is_none()));
    let best = truth.curve.iter().filter_map(|point| point.test_balanced_accuracy).fold(0.0, f64::max);
    let published = Evaluated::new(&spots([0, 1]), truth.published.unwrap()).balanced_accuracy;
    assert_eq!(published, best);
    assert!(published >= Evaluated::new(&spots([0, 1]), truth.honest).balanced_accuracy);
}

/// Names of the tensors that training changed, and of all that there are.
fn changed(trainable: Trainable, features: FeatureSet) -> (Vec<String>, usize) {
    let device = Device::flex();
    let init = Init::new(&device, Seed(3));
    let before =
        Classifier::new(&init, Encoder::new(&init.at("encoder"), BackboneName::RESNET18), 2, trainable, features)
            .to_tensors();
    let after = run_reading(&spots([0, 1]), (trainable, features), 1, TestFold::AtTheEnd, 2).classifier.to_tensors();
    let pairs = before.iter().zip(&after).filter(|(before, after)| before != after);
    (pairs.map(|(before, _)| before.name.clone()).collect(), before.len())
}

#[test]
fn what_is_frozen_stays_bit_for_bit_running_statistics_included() {
    for features in FeatureSet::ALL {
        assert_eq!(changed(Trainable::Head, features).0, ["head.weight", "head.bias"], "{features}");
    }
    let (names, _) = changed(Trainable::LastBlock, FeatureSet::C5);
    let allowed = ["encoder.backbone.layer4.1.", "encoder.pyramid.lateral5.", "head."];
    assert!(names.iter().all(|name| allowed.iter().any(|part| name.starts_with(part))), "{names:?}");
    assert!(names.iter().any(|name| name.ends_with("layer4.1.bn2.running_var")), "{names:?}");
    // Two convolutions, twice four of batch norm, and weight and bias of the top layer and the head.
    assert_eq!(names.len(), 2 + 2 * 4 + 4, "{names:?}");
    // The pyramid's top layer is read through every level.
    let pyramid = "pyramid-mean-max".parse().unwrap();
    assert_eq!(changed(Trainable::LastBlock, pyramid).0, names);
}

#[test]
fn the_gradient_of_a_fine_tuning_reaches_all_that_the_head_reads() {
    for features in FeatureSet::ALL {
        let (names, all) = changed(Trainable::All, features);
        let of_pyramid = names.iter().filter(|name| name.starts_with("encoder.pyramid.")).count();
        // Weight and bias of four lateral and three smoothing layers.
        assert_eq!(of_pyramid, if features.maps == FeatureMaps::Pyramid { 14 } else { 0 }, "{features}");
        assert_eq!(names.len(), if of_pyramid > 0 { all } else { all - 14 }, "{features}: {names:?}");
    }
}

#[test]
fn a_rare_class_weighs_as_much_as_a_common_one() {
    let device = Device::flex();
    let logits = Tensor::from_floats([[0.0, 0.0], [0.0, 0.0], [0.0, 3f32.ln()], [0.0, 0.0]], &device);
    let loss = weighted_cross_entropy(logits, &[0, 0, 1, 0], &class_weights(&[0, 0, 1, 0], 2));
    // Three of class 0 with weight 2/3 and -ln(1/2), one of class 1 with weight 2 and -ln(3/4), over four rows.
    let expected = (2.0 * 2f64.ln() + 2.0 * (4f64 / 3.0).ln()) / 4.0;
    assert!((f64::from(rows_of(loss.unsqueeze::<2>())[0][0]) - expected).abs() < 1e-6);
}

fn trained(data: &Arc<Dataset>, plan: &FoldPlan, recipe: &FinetuneRecipe, keep: Option<Keep<'_>>) -> Finetuned {
    let device = Device::flex();
    let init = Init::new(&device, Seed(3));
    let classifier = Classifier::new(
        &init,
        Encoder::new(&init.at("encoder"), BackboneName::RESNET18),
        2,
        Trainable::All,
        FeatureSet::C5,
    );
    let context = Context { device: &device, job: Job::default() };
    finetune(honest(data, plan, recipe, context), classifier, keep, |_| {}).unwrap()
}

#[test]
fn it_stops_where_no_epoch_was_better_for_long_enough_also_when_it_is_gone_on_with() {
    let data = spots([0, 1]);
    let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5], inner: vec![6, 7], test: vec![0, 1] };
    let whole = trained(&data, &plan, &recipe(6), None);
    let patient = trained(&data, &plan, &FinetuneRecipe { early_stopping: Some(6), ..recipe(6) }, None);
    assert_eq!(whole.curve, patient.curve);
    // A rate that changes nothing: the first epoch stays the best.
    let still = FinetuneRecipe { learning_rate: 1e-30, early_stopping: Some(2), ..recipe(6) };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tuning.safetensors");
    let every = CheckpointEvery::Steps(std::num::NonZeroU64::new(1).unwrap());
    let stopped = trained(&data, &plan, &still, Some(Keep { path: &path, every }));
    let best = stopped.chosen_epoch;
    assert_eq!(stopped.curve.len(), best + 3, "{:?}", stopped.curve);
    assert!(path.is_file());
    let again = trained(&data, &plan, &still, Some(Keep { path: &path, every }));
    assert_eq!((again.chosen_epoch, &again.curve), (best, &stopped.curve));
    assert_eq!(again.honest, stopped.honest);
}

#[test]
fn classes_are_made_up_for_by_weight_by_drawing_or_not_and_frames_are_augmented_or_not() {
    // Three of class 0 are learnt from, and one of class 1.
    let rows: Vec<_> = [("a", 0), ("b", 1), ("c", 0), ("d", 0), ("e", 0), ("f", 1), ("g", 0), ("h", 1)]
        .iter()
        .enumerate()
        .map(|(at, (group, class))| (*group, Some(*class), usize::from(at >= 2)))
        .collect();
    let data = Arc::new(test_data::spots(&rows));
    let device = Device::flex();
    let context = Context { device: &device, job: Job::default() };
    let frames = frames_of(&data, &[2, 3, 4, 5], 1);
    let count = |class_balance: ClassBalance| {
        let recipe = FinetuneRecipe { class_balance, ..recipe(1) };
        let inputs = Inputs::Views(Views { dataset: &data, view: &recipe.view, seed: Seed(5), context });
        let init = Init::new(&device, Seed(3));
        let classifier = Classifier::new(
            &init,
            Encoder::new(&init.at("encoder"), BackboneName::RESNET18),
            2,
            Trainable::All,
            FeatureSet::C5,
        );
        let training = Training::new(classifier, &recipe, frames.clone(), &inputs, &data, Seed(5));
        let orders = [training.order(0), training.order(1)];
        assert_ne!(orders[0], orders[1]);
        let drawn = orders.map(|order| order.iter().filter(|frame| data.label(frame.clip) == Some(1)).count());
        (drawn, training.class_weights.clone())
    };
    assert_eq!(count(ClassBalance::Weights), ([1, 1], vec![2.0 / 3.0, 2.0]));
    assert_eq!(count(ClassBalance::Sampling), ([2, 2], vec![1.0, 1.0]));
    assert_eq!(count(ClassBalance::None), ([1, 1], vec![1.0, 1.0]));
    // Without augmentation an epoch shows every frame as it is, so a rate that changes nothing repeats the loss.
    let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5], inner: vec![6, 7], test: vec![0, 1] };
    let losses = |augmentation| {
        let recipe = FinetuneRecipe { augmentation, learning_rate: 1e-30, ..recipe(2) };
        trained(&data, &plan, &recipe, None).curve.iter().map(|point| point.train_loss).collect::<Vec<_>>()
    };
    let (plain, augmented) = (losses(false), losses(true));
    assert!(
        (plain[0] - plain[1]).abs() < 1e-6 && (augmented[0] - augmented[1]).abs() > 1e-6,
        "{plain:?} {augmented:?}"
    );
}

#[test]
fn a_loss_or_a_weight_that_becomes_no_number_ends_the_training_with_its_name() {
    let device = Device::flex();
    let init = Init::new(&device, Seed(3));
    let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5], inner: vec![6, 7], test: vec![0, 1] };
    let context = Context { device: &device, job: Job::default() };
    let said = |classifier: Classifier, learning_rate: f64| {
        let recipe = FinetuneRecipe { learning_rate, ..recipe(4) };
        finetune(honest(&spots([0, 1]), &plan, &recipe, context), classifier, None, &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    let new = |trainable| {
        Classifier::new(&init, Encoder::new(&init.at("encoder"), BackboneName::RESNET18), 2, trainable, FeatureSet::C5)
    };
    let words = said(new(Trainable::All), 1e30);
    assert!(words.contains("is not a number in epoch") && words.contains("a learning rate below 1e30"), "{words}");
    // Behind ReLU the loss is a number still.
    let mut tensors = new(Trainable::All).to_tensors();
    let odd = tensors.iter_mut().find(|tensor| tensor.name == "encoder.backbone.layer4.1.bn1.bias").unwrap();
    odd.values[0] = f32::NAN;
    let words = said(new(Trainable::All).with_tensors(&tensors).unwrap(), 1e-4);
    assert!(words.contains("is not a number in epoch 1"), "{words}");
}

#[test]
fn a_fine_tuning_that_was_killed_and_stopped_ends_in_the_same_bits() {
    let data = spots([0, 1]);
    let device = Device::flex();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work/tuning.safetensors");
    // Two batches an epoch, a checkpoint after every third step: in the middle of the second epoch.
    let every = CheckpointEvery::Steps(std::num::NonZeroU64::new(3).unwrap());
    let recipe = FinetuneRecipe { batch: 2, ..recipe(4) };
    for trainable in [Trainable::All, Trainable::LastBlock] {
        let run = |keep: Option<Keep<'_>>, stop: &AtomicBool, after_epoch: &mut dyn FnMut(usize)| {
            let init = Init::new(&device, Seed(3));
            let classifier = Classifier::new(
                &init,
                Encoder::new(&init.at("encoder"), BackboneName::RESNET18),
                2,
                trainable,
                FeatureSet::C5,
            );
            let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5], inner: vec![6, 7], test: vec![0, 1] };
            let context = Context { device: &device, job: Job::new(stop) };
            let finetuning = Finetuning { test_fold: TestFold::EveryEpoch, ..honest(&data, &plan, &recipe, context) };
            finetune(finetuning, classifier, keep, after_epoch)
        };
        let go_on = AtomicBool::new(false);
        let whole = run(None, &go_on, &mut |_| {}).unwrap();
        let keep = Some(Keep { path: &path, every });
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run(keep, &go_on, &mut |epochs| assert!(epochs < 2, "killed"))
        }));
        assert!(killed.is_err() && path.is_file());
        let stop = AtomicBool::new(false);
        let mut epochs_told = Vec::new();
        let stopped = run(keep, &stop, &mut |epochs| {
            epochs_told.push(epochs);
            stop.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert_eq!(epochs_told, [2], "it goes on in the second epoch");
        let gone_on = run(keep, &go_on, &mut |_| {}).unwrap();
        assert_eq!(gone_on.classifier.to_tensors(), whole.classifier.to_tensors(), "{trainable:?}");
        assert_eq!((gone_on.chosen_epoch, &gone_on.curve), (whole.chosen_epoch, &whole.curve));
        assert_eq!((gone_on.inner, gone_on.honest, gone_on.published), (whole.inner, whole.honest, whole.published));
        std::fs::write(&path, "torn").unwrap();
        let anew = run(keep, &go_on, &mut |_| {}).unwrap();
        assert_eq!(anew.curve, whole.curve, "what cannot be read is done again");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn it_stops_when_asked_to() {
    let device = Device::flex();
    let init = Init::new(&device, Seed(3));
    let classifier = Classifier::new(
        &init,
        Encoder::new(&init.at("encoder"), BackboneName::RESNET18),
        2,
        Trainable::Head,
        FeatureSet::C5,
    );
    let plan = FoldPlan { fold: 0, fit: vec![2], inner: vec![6], test: vec![0] };
    let stop = AtomicBool::new(true);
    let context = Context { device: &device, job: Job::new(&stop) };
    let outcome = finetune(honest(&spots([0, 1]), &plan, &recipe(1), context), classifier, None, |_| {});
    assert!(matches!(outcome, Err(Error::Interrupted)));
}
