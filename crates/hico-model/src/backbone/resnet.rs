//! Residual networks (He et al. 2016) with torchvision's architecture, so that its weights fit.

use super::architecture::{Architecture, Backbone, Block, Convolution, Library, Operation, Stage};

/// A residual network: its blocks, and how many of them each stage has.
#[derive(Debug)]
pub(super) struct ResNet {
    name: &'static str,
    title: &'static str,
    former: &'static [&'static str],
    /// Whether a block is a bottleneck of three convolutions, and not two of them.
    bottleneck: bool,
    blocks: [usize; 4],
}

pub(super) static RESNET18: ResNet =
    ResNet { name: "resnet18", title: "ResNet-18", former: &["r18"], bottleneck: false, blocks: [2, 2, 2, 2] };
pub(super) static RESNET34: ResNet =
    ResNet { name: "resnet34", title: "ResNet-34", former: &["r34"], bottleneck: false, blocks: [3, 4, 6, 3] };
pub(super) static RESNET50: ResNet =
    ResNet { name: "resnet50", title: "ResNet-50", former: &["r50"], bottleneck: true, blocks: [3, 4, 6, 3] };

impl Backbone for ResNet {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn libraries(&self) -> &'static [Library] {
        &[Library::Torchvision, Library::Timm]
    }

    fn classifier(&self) -> Option<&'static str> {
        Some("fc")
    }

    fn former_names(&self) -> &'static [&'static str] {
        self.former
    }

    fn architecture(&self) -> Architecture {
        let stem = vec![
            Convolution::new("conv1", 64, 7).stride(2).into(),
            Operation::batch_norm("bn1"),
            Operation::Relu,
            Operation::MaxPool { kernel: 3, stride: 2, padding: 1 },
        ];
        Architecture {
            stem: Block { name: String::new(), operations: stem },
            stages: [0, 1, 2, 3].map(|index| self.stage(index)),
        }
    }
}

impl ResNet {
    fn stage(&self, index: usize) -> Stage {
        let width = 64 << index;
        let channels = if self.bottleneck { 4 * width } else { width };
        let block = |number: usize| {
            let stride = if number == 0 && index > 0 { 2 } else { 1 };
            // The stem's map has 64 channels, which is what a block of two convolutions makes in the first stage.
            let around = number == 0 && (stride != 1 || channels != 64);
            let through = if self.bottleneck {
                vec![
                    Convolution::new("conv1", width, 1),
                    Convolution::new("conv2", width, 3).stride(stride),
                    Convolution::new("conv3", channels, 1),
                ]
            } else {
                vec![Convolution::new("conv1", width, 3).stride(stride), Convolution::new("conv2", width, 3)]
            };
            let around = around.then(|| Convolution::new("downsample.0", channels, 1).stride(stride));
            Block { name: number.to_string(), operations: residual(through, around) }
        };
        let name = format!("layer{}", index + 1);
        Stage { name, stride: 4 << index, channels, blocks: (0..self.blocks[index]).map(block).collect() }
    }
}

/// Convolutions, each with a batch norm and all but the last with a rectifier; then the way around them, and a rectifier.
fn residual(through: Vec<Convolution>, around: Option<Convolution>) -> Vec<Operation> {
    let last = through.len();
    let mut operations: Vec<Operation> = Vec::new();
    for (number, convolution) in (1..).zip(through) {
        operations.extend([convolution.into(), Operation::batch_norm(&format!("bn{number}"))]);
        if number < last {
            operations.push(Operation::Relu);
        }
    }
    let around = around.map(|convolution| vec![convolution.into(), Operation::batch_norm("downsample.1")]);
    operations.extend([Operation::Add(around.unwrap_or_default()), Operation::Relu]);
    operations
}
