use clap::Args;
use hico_model::device::DeviceChoice;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico serve tuned
  curl -F file=@clip.mp4 http://127.0.0.1:8080/predict
  HICO_TOKEN=$(openssl rand -hex 24) hico serve tuned --listen 0.0.0.0:8080

Open the address in a browser to view clips: drop one, scrub through it, and see the Grad-CAM maps. GET /openapi.json \
describes the paths: /predict, /explain, /embed, /card, /limits, /health, /metrics.

By default the server accepts connections from this machine only; any other --listen address requires a token. There is \
no TLS: use a reverse proxy. Uploads go to a temporary folder (TMPDIR) and are removed before the response is sent; file \
names are never logged. Requests that are too large, too slow or too many are refused with 413, 503 and 429. Ctrl-C \
finishes the running requests. A research tool; not for diagnosis.")]
pub(crate) struct ServeArgs {
    /// Read the fine-tuned network from this file, or folder of `hico finetune`
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Listen on this address and port; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Require this token, 16 bytes or more, in every request; better set in the environment, where other users do not see
    /// it. None by default
    #[arg(long, value_name = "TOKEN", env = "HICO_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Refuse larger request bodies, in MB
    #[arg(long, help_heading = LIMITS, value_name = "MB", default_value = "256")]
    pub(crate) max_body: NonZeroUsize,
    /// Refuse clips with more frames
    #[arg(long, help_heading = LIMITS, value_name = "N", default_value = "2000")]
    pub(crate) max_frames: NonZeroUsize,
    /// Stop a request after this many seconds
    #[arg(long, help_heading = LIMITS, value_name = "SECONDS", default_value = "120", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) max_seconds: u64,
    /// Process this many clips at once
    #[arg(long, help_heading = LIMITS, value_name = "N", default_value = "2")]
    pub(crate) at_once: NonZeroUsize,
    /// Queue this many requests; more are refused
    #[arg(long, help_heading = LIMITS, value_name = "N", default_value = "16")]
    pub(crate) waiting: usize,
    /// State the licence of the training data; "not stated" by default
    #[arg(long, help_heading = CARD, value_name = "TEXT")]
    pub(crate) data_licence: Option<String>,
    /// State the intended use; research by default
    #[arg(long, help_heading = CARD, value_name = "TEXT")]
    pub(crate) intended_use: Option<String>,
    /// Compute on this device: auto, cpu, wgpu[:N] or cuda[:N]
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
}

const LIMITS: &str = "Limits";
const CARD: &str = "Model card";
