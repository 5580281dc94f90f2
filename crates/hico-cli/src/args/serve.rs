use clap::Args;
use hico::device::DeviceChoice;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico serve tuned
  curl -F file=@clip.mp4 http://127.0.0.1:8080/predict
  HICO_TOKEN=$(openssl rand -hex 24) hico serve tuned --listen 0.0.0.0:8080

Open the address in a browser to look at clips: drop one, scrub through it, see where the network looks. GET /openapi.json describes
the paths: /predict, /explain, /embed, /card, /limits, /health, /metrics.

Only this machine is listened to unless --listen says otherwise, and then a token is required. There is no TLS: put a proxy before it.
Uploads lie in a temporary folder (TMPDIR) that is removed before the answer goes out; names of files are never logged. What is too
large, too slow or too much at once is refused with 413, 503 and 429. Ctrl-C finishes what is at work. A research tool; not for
diagnosis.")]
pub(crate) struct ServeArgs {
    /// A fine-tuned network: its file, or a folder of `hico finetune`
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Address and port to listen at; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The secret that every request must bring, 16 bytes or more; better in the environment than here, where others see it
    #[arg(long, value_name = "TOKEN", env = "HICO_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Largest body, MB
    #[arg(long, value_name = "MB", default_value = "256")]
    pub(crate) max_body: NonZeroUsize,
    /// Frames of a clip, at most
    #[arg(long, value_name = "N", default_value = "2000")]
    pub(crate) max_frames: NonZeroUsize,
    /// Seconds that a request may take
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) max_seconds: u64,
    /// Clips that are worked on at once
    #[arg(long, value_name = "N", default_value = "2")]
    pub(crate) at_once: NonZeroUsize,
    /// Requests that may wait for their turn
    #[arg(long, value_name = "N", default_value = "16")]
    pub(crate) waiting: usize,
    /// Licence of the data that the network was trained on, for its card
    #[arg(long, value_name = "TEXT")]
    pub(crate) data_licence: Option<String>,
    /// What the network is meant for, for its card
    #[arg(long, value_name = "TEXT")]
    pub(crate) intended_use: Option<String>,
    /// Where to compute: auto, cpu, wgpu[:N] or cuda[:N]
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
}
