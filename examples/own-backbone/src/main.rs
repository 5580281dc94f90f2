//! A backbone of one's own, described outside of hico: registered, pretrained for a few steps on a phantom, read as frozen
//! features, and exported to ONNX. `cargo run --manifest-path examples/Cargo.toml -p own-backbone` ends with an error where one of
//! these does not give what it should.

use burn::tensor::Device;
use hico_data::phantom::{PhantomRecipe, generate};
use hico_data::{Dataset, Job};
use hico_model::backbone::{self, Architecture, Backbone, Block, Convolution, Operation, Stage};
use hico_model::export::onnx::Part;
use hico_model::export::{Target, check, export};
use hico_model::weights::{NamedTensor, WeightsOf};
use hico_model::{BackboneName, FeatureSet, Mode, batch};
use hico_train::recipe::Recipe;
use hico_train::{PretrainOptions, pretrain, pretrained};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

/// Four stages of 8, 16, 24 and 32 channels, each a convolution that halves the map and a residual block.
#[derive(Debug)]
struct Small;

impl Backbone for Small {
    fn name(&self) -> &'static str {
        "small"
    }

    fn title(&self) -> &'static str {
        "Small"
    }

    fn architecture(&self) -> Architecture {
        let stage = |index: usize| {
            let channels = 8 * (index + 1);
            Stage {
                name: format!("stage{}", index + 1),
                stride: 4 << index,
                channels,
                blocks: vec![halve("halve", channels), residual("residual", channels)],
            }
        };
        Architecture { stem: halve("stem", 8), stages: [0, 1, 2, 3].map(stage) }
    }
}

fn halve(name: &str, channels: usize) -> Block {
    let convolution = Convolution::new("conv", channels, 3).stride(2);
    let operations = vec![convolution.into(), Operation::batch_norm("norm"), Operation::Relu];
    Block { name: name.to_owned(), operations }
}

/// A kernel for each channel, a layer over the channels, and the way around both.
fn residual(name: &str, channels: usize) -> Block {
    let operations = vec![
        Convolution::new("depthwise", channels, 5).groups(channels).into(),
        Operation::batch_norm("norm1"),
        Operation::Gelu,
        Convolution::new("pointwise", channels, 1).into(),
        Operation::batch_norm("norm2"),
        Operation::Add(Vec::new()),
        Operation::Relu,
    ];
    Block { name: name.to_owned(), operations }
}

const SIDE: usize = 32;

fn recipe(more: &str) -> Result<Recipe, hico_train::Error> {
    let own = "[method]\nname = \"simclr\"\n[model]\nbackbone = \"small\"\n";
    Recipe::parse(&format!("{own}[view]\nimage_size = {SIDE}\n[train]\nbatch = 3\nepochs = 2\n{more}"))
}

/// Pretrains into a folder; returns how many steps that were, and the weights.
fn run(clips: &Arc<Dataset>, recipe: &Recipe, folder: &Path) -> Result<(u64, Vec<NamedTensor>), Box<dyn Error>> {
    let options = PretrainOptions { folder: Some(folder.to_owned()), ..PretrainOptions::default() };
    let outcome = pretrain(clips, recipe, &options, Job::default().silent())?;
    let source = pretrained::source(folder, &WeightsOf::Online)?;
    Ok((outcome.step, source.pretrained.found().given().cloned().collect()))
}

fn main() -> Result<(), Box<dyn Error>> {
    assert!(recipe("").is_err(), "nobody knows it yet");
    let name = backbone::register(&Small)?;
    assert_eq!(name, "small".parse::<BackboneName>()?);
    assert!(backbone::register(&Small).is_err(), "a name is given once");

    let few =
        PhantomRecipe { patients: 9, clips_per_patient: [1, 1], frames: 2, side: SIDE, ..PhantomRecipe::default() };
    let clips = Arc::new(generate(&few));
    let folder = std::env::temp_dir().join(format!("own-backbone-{}", std::process::id()));
    let [plain, checkpointed] = ["plain", "checkpointed"].map(|run| folder.join(run));
    let (steps, weights) = run(&clips, &recipe("")?, &plain)?;
    let (_, same) = run(&clips, &recipe("gradient_checkpointing = true\n")?, &checkpointed)?;
    assert!(steps > 1 && weights == same, "blocks that are computed again have the same gradients");

    // The file says which backbone it holds: nothing else has to.
    let source = pretrained::source(&plain, &WeightsOf::Online)?;
    assert_eq!(source.pretrained.backbone, name);
    let device = Device::flex();
    let encoder = source.pretrained.encoder(&device)?.fold();
    let frames = check::frames(&clips, 4, &source.view())?;
    let read = |set: FeatureSet| -> Vec<f32> {
        let features = encoder.features(batch::images(&frames, SIDE, &device), set, Mode::Eval);
        features.into_data().iter().collect()
    };
    for (set, length) in [("c5", 32), ("stages", 8 + 16 + 24 + 32), ("c5-mean-max", 64)] {
        let features = read(set.parse()?);
        assert!(features.len() == 4 * length && features.iter().all(|value| value.is_finite()), "{set}");
        assert!(features[..length] != features[length..2 * length], "{set}: two frames are told apart");
    }

    let graph = export(&source, Target::Onnx(Part::Encoder), SIDE)?;
    assert_eq!(graph.written.len(), weights.len());
    let file = folder.join("small.onnx");
    std::fs::write(&file, &graph.bytes)?;
    println!("{steps} steps, {} tensors, {} bytes of ONNX", weights.len(), graph.bytes.len());
    if let Some(python) = std::env::var_os("HICO_PYTHON") {
        let ours = check::ours(&source, Part::Encoder, &frames, SIDE)?;
        let checked = check::compare(&python.to_string_lossy(), &graph.bytes, &ours, &frames, "frames of the phantom")?;
        assert!(checked.agrees, "{:?}", checked.outputs);
        println!("{} agrees", checked.runtime);
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
