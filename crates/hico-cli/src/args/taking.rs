use clap::{Args, ValueEnum};
use hico_data::ingest::{Damaged, Limits, Stills};
use hico_model::device::DeviceChoice;

const LIMITS: &str = "Limits";

/// Limits of a clip, and the treatment of damaged ones.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Keep the readable frames of damaged or truncated clips; such clips are refused by default
    #[arg(long, help_heading = LIMITS)]
    keep_damaged: bool,
    /// Refuse clips with more frames than this; 20000 by default
    #[arg(long, help_heading = LIMITS, value_name = "N")]
    max_frames: Option<usize>,
    /// Refuse clips that take longer to decode than this many seconds; 600 by default
    #[arg(long, help_heading = LIMITS, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    max_seconds: Option<u64>,
}

impl LimitArgs {
    /// Returns the limits, the defaults where none are given.
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

/// Flags of every command that reads clips.
#[derive(Debug, Args)]
pub(crate) struct TakingArgs {
    /// Treat a folder of pictures as one clip, or each picture as a clip
    #[arg(long, value_enum, default_value_t = StillsArg::Clip)]
    pub(crate) stills: StillsArg,
    /// Follow symbolic links in folders; a file that is reached twice is read once
    #[arg(long)]
    pub(crate) follow_links: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// Compute on this device: auto, cpu, wgpu[:N] or cuda[:N]
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum StillsArg {
    /// One clip, its frames in natural order of their names
    Clip,
    /// Every picture is a clip of one frame
    Each,
}

impl From<StillsArg> for Stills {
    fn from(stills: StillsArg) -> Self {
        match stills {
            StillsArg::Clip => Self::Clip,
            StillsArg::Each => Self::Each,
        }
    }
}
