use super::StillsArg;
use clap::Args;
use hico::device::DeviceChoice;

/// How files become clips, and where they are looked at.
#[derive(Debug, Args)]
pub(crate) struct TakingArgs {
    /// What a folder of pictures is
    #[arg(long, value_enum, default_value_t = StillsArg::Clip)]
    pub(crate) stills: StillsArg,
    /// Follow symbolic links in folders; what is reached twice is taken in once
    #[arg(long)]
    pub(crate) follow_links: bool,
    /// Where to compute: auto, cpu, wgpu[:N] or cuda[:N]
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
}
