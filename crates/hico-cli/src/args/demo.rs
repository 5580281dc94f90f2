use clap::Args;
use hico::device::DeviceChoice;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
It generates clips of a lung-ultrasound phantom, ingests them, makes folds by patient, pretrains and fine-tunes within
each fold, judges the outcome beside its floors, and writes a report: what `hico phantom`, `ingest`, `split`, `crossval
--pretrain-inside` and `report` do one by one. It needs no data and no ffmpeg. Interrupted, the same command goes on.

Examples:
  hico demo
  hico demo --out demo-3 --seed 3")]
pub(crate) struct DemoArgs {
    /// Folder to write; new, empty, or a demo to go on with
    #[arg(long, value_name = "DIR", default_value = "hico-demo")]
    pub(crate) out: PathBuf,
    /// Root of the phantom, the folds and the pretraining
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// Where to compute: auto, cpu, wgpu[:N] or cuda[:N]
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
}
