use super::StillsArg;
use clap::Args;
use hico::device::DeviceChoice;
use hico_data::ingest::{Damaged, Limits};

/// What a clip may cost, and what is kept of a damaged one.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Keep the frames that decode of a clip that is damaged or cut short, instead of refusing it
    #[arg(long)]
    keep_damaged: bool,
    /// Refuse clips with more frames
    #[arg(long, value_name = "N")]
    max_frames: Option<usize>,
    /// Refuse clips that take longer to decode, 600 if absent
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    max_seconds: Option<u64>,
}

impl LimitArgs {
    /// Returns the limits, the usual ones where none are given.
    pub(crate) fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            frames: self.max_frames.unwrap_or(usual.frames),
            seconds: self.max_seconds.unwrap_or(usual.seconds),
            ..usual
        }
    }

    /// Returns what is kept of a damaged clip.
    pub(crate) const fn damaged(&self) -> Damaged {
        if self.keep_damaged { Damaged::Keep } else { Damaged::Refuse }
    }
}

/// How files become clips, and where they are looked at.
#[derive(Debug, Args)]
pub(crate) struct TakingArgs {
    /// What a folder of pictures is
    #[arg(long, value_enum, default_value_t = StillsArg::Clip)]
    pub(crate) stills: StillsArg,
    /// Follow symbolic links in folders; what is reached twice is taken in once
    #[arg(long)]
    pub(crate) follow_links: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// Where to compute: auto, cpu, wgpu[:N] or cuda[:N]
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
}
