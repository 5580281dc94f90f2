use clap::Args;
use hico_model::device::DeviceChoice;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico demo
  hico demo --out demo-3 --seed 3

The demo shows what pretraining is for: many clips, and labels of few patients. It generates clips of a lung-ultrasound \
phantom, ingests them, assigns folds by patient, pretrains without labels on all patients but those of fold 0, fine-tunes \
with the labels of a few, tests on fold 0 beside baselines, writes a report, and leaves a network that `hico predict`, \
`explain` and `serve` take. These are the commands `hico phantom`, `ingest`, `split`, `crossval --pretrain-inside --folds 0 \
--labels-per-class 4 --features stages --trainable head --head-init linear-probe --metric macro-auc --keep-models` and \
`report`. It needs no data and no ffmpeg. After an interruption the same command continues.")]
pub(crate) struct DemoArgs {
    /// Write into this folder: new, empty, or an interrupted demo
    #[arg(long, value_name = "DIR", default_value = "hico-demo")]
    pub(crate) out: PathBuf,
    /// Set the random seed of the phantom, the folds, the weights and the pretraining
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// Compute on this device: auto, cpu, wgpu[:N] or cuda[:N]
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
}
