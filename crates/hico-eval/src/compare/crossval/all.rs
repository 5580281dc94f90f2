//! One network that learns from every patient, for use: nobody is left to test it on.

use super::{EncoderSource, Request, backbone, check_pyramid, is_free, study};
use crate::Error;
use crate::compare::evaluator::{Evaluator, Tuning};
use crate::compare::grid::check_pyramids;
use crate::compare::ledger;
use crate::compare::network::{self, Facts};
use crate::compare::settings::ModelSelection;
use hico_data::{Dataset, Job, Seed};
use hico_model::Encoder;
use hico_model::frames::Context;
use hico_model::history::{Beginning, TuningFacts};
use hico_model::init::Init;
use hico_model::pretrained::Seen;
use hico_train::finetune::HeadInit;
use hico_train::plan::FoldPlan;
use hico_train::tuning_state::Keep;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// A network that was trained on every patient.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainedOnAll {
    /// Its file.
    pub network: PathBuf,
    /// What it learnt from.
    #[serde(flatten)]
    pub facts: TuningFacts,
}

/// Fine-tunes the encoder, or random weights, on every labelled clip and keeps the network, unless it is there; only the patients
/// that choose its epoch, where [`ModelSelection::InnerValidation`] asks for them, are not learnt from. The same request on
/// the same folder goes on where it stopped.
///
/// # Errors
/// When the labels, the folder, the encoder or the device do not do, or it is asked to stop.
pub fn train_on_all(dataset: &Arc<Dataset>, request: &Request, job: Job<'_>) -> Result<TrainedOnAll, Error> {
    check_pyramid(request)?;
    let study = study(dataset, request, Vec::new());
    check_pyramids(&study)?;
    let seed = Seed(request.seeds.first().copied().ok_or(Error::NothingAsked("seed"))?);
    let fraction =
        (request.model_selection == ModelSelection::InnerValidation).then_some(request.recipe.inner_fraction);
    let plan = FoldPlan::all(dataset, fraction, seed)?;
    let device = request.device.open()?;
    is_free(&request.folder)?;
    ledger::check(&request.folder, &study, &[Arc::clone(dataset)])?;
    let evaluator = Evaluator {
        dataset,
        settings: &study.evaluation,
        view: &study.view,
        seed,
        context: Context { device: &device, job },
    };
    let method = &study.methods[0];
    let network = network::path(&request.folder, method, None, seed);
    if network.is_file() {
        return Ok(TrainedOnAll { network, facts: network::tuning(&evaluator, &plan) });
    }
    let nothing = Seen::Groups { groups: Default::default(), data: String::new(), all: true };
    let (encoder, beginning, seen) = match &request.encoder {
        EncoderSource::Given(pretrained) => {
            let encoder = pretrained.encoder(&device)?;
            (encoder, pretrained.beginning.clone(), pretrained.seen.clone())
        }
        EncoderSource::None | EncoderSource::Inside(_) => {
            let encoder = Encoder::new(&Init::new(&device, seed).at("encoder"), backbone(request));
            (encoder, Beginning::Random, nothing)
        }
    };
    let kept = request.folder.join("work").join("all.safetensors");
    let total = evaluator.epochs(&plan);
    let mut after_epoch = |epochs: usize| job.at([epochs, total], "epochs", "all patients");
    let (trainable, head_init) = match request.encoder {
        EncoderSource::Given(_) => (request.trainable, request.recipe.head_init),
        EncoderSource::None | EncoderSource::Inside(_) => (request.scratch, HeadInit::Random),
    };
    let tuning = Tuning {
        trainable,
        head_init,
        keep: Keep { path: &kept, every: request.checkpoint_every },
        after_epoch: &mut after_epoch,
    };
    let failed = |source| Error::in_cell("all patients".to_owned(), source);
    let (tuned, _) = evaluator.tuned_and_tested(&encoder, &plan, tuning).map_err(failed)?;
    let facts = Facts { method, beginning: &beginning, seen: &seen };
    let network = network::save(&request.folder, &evaluator, &plan, (&tuned, None), facts)?;
    // The network is there; what was kept on the way is of no use any more.
    std::fs::remove_dir_all(request.folder.join("work")).ok();
    Ok(TrainedOnAll { network, facts: network::tuning(&evaluator, &plan) })
}
