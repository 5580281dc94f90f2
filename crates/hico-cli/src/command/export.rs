use super::evaluation;
use crate::args::{ExportArgs, PartArg, ToArg};
use crate::hints;
use crate::output::{HintExt as _, Output};
use anyhow::Context as _;
use hico_data::{Seed, atomic};
use hico_eval::card::{Card, Statements};
use hico_eval::compare::summary::Summary;
use hico_model::Error;
use hico_model::export::check::{self, Checked, TOLERANCE};
use hico_model::export::onnx::Part;
use hico_model::export::source::Source;
use hico_model::export::{Target, export, files, folder_of, free};
use hico_train::pretrained;
use std::path::Path;
use std::process::ExitCode;

/// Frames, or pictures of noise, that an ONNX graph is compared on.
const FRAMES: usize = 64;
const NOISE: usize = 4;

/// `hico export RUN|FILE --to FORMAT --out FILE`: weights as other programs read them, and their card.
pub(crate) fn run(args: &ExportArgs, output: &Output) -> anyhow::Result<ExitCode> {
    hints::hinted(free(&args.out), hints::export)?;
    let source = hints::hinted(pretrained::source(&args.source, &args.weights_of), hints::encoder)?;
    let holds_features = args.to == ToArg::Onnx && args.part != PartArg::Classifier;
    let unread = args.features.filter(|_| !holds_features).map(|features| {
        anyhow::anyhow!("--features {features}: only ONNX graphs of an encoder or a pyramid hold features")
    });
    unread.map_or(Ok(()), Err).hint(|| "leave --features out, or say --to onnx --part encoder".to_owned())?;
    let source = match args.features {
        Some(features) => hints::hinted(source.with_features(features), hints::features)?,
        None => source,
    };
    let source = if args.hide_groups { source.without_names() } else { source };
    // Before the work, so that a path that cannot be written is told at once.
    hints::hinted(folder_of(&args.out), hints::export)?;
    output.note(&source.pretrained.report().words());
    let side = args.image_size.map_or(source.view().side, usize::from);
    let target = match args.to {
        ToArg::Torchvision => Target::Torchvision,
        ToArg::Timm => Target::Timm,
        ToArg::Authors => Target::Authors,
        ToArg::Hico => Target::Hico,
        ToArg::Onnx => Target::Onnx(args.part.into()),
    };
    let exported = hints::hinted(export(&source, target, side), hints::export)?;
    let statements = Statements {
        data_licence: args.data_licence.clone(),
        intended_use: args.intended_use.clone(),
        hide_groups: args.hide_groups,
    };
    let studies = studies(args, &source)?;
    let mut card = Card::new(&source, target, side, &args.out, &exported, &studies, &statements);
    if let Target::Onnx(part) = target {
        card.checked = checked(args, &source, part, side, &exported.bytes, output)?;
    }
    let json = serde_json::to_string_pretty(&card)? + "\n";
    let [weights, markdown, facts] = files(&args.out);
    let card_in_words = card.markdown();
    // The weights last: where they are, their card is.
    let files = [(facts, json.as_bytes()), (markdown, card_in_words.as_bytes()), (weights, exported.bytes.as_slice())];
    let written = atomic::write_all(&files);
    hints::hinted(written.map_err(|(path, source)| Error::Write { path, source }), hints::export)?;
    output.result(&card, |card| summary(card, &args.out, exported.bytes.len()))?;
    Ok(ExitCode::SUCCESS)
}

/// The studies that were named, or the one that lies beside a fine-tuned network.
fn studies(args: &ExportArgs, source: &Source) -> anyhow::Result<Vec<Summary>> {
    if args.evaluation.is_empty() && source.classifier.is_some() {
        return evaluation::beside(&source.file);
    }
    args.evaluation.iter().map(|folder| evaluation::read(folder)).collect()
}

/// Compares with ONNX Runtime, where there is one.
fn checked(
    args: &ExportArgs,
    source: &Source,
    part: Part,
    side: usize,
    onnx: &[u8],
    output: &Output,
) -> anyhow::Result<Option<Checked>> {
    let (images, of) = match &args.check {
        Some(folder) => {
            let mut view = source.view();
            view.side = side;
            (check::frames(evaluation::open(folder)?.as_ref(), FRAMES, &view)?, "frames")
        }
        None => (check::noise(NOISE, side, Seed(0)), "pictures of noise"),
    };
    let ours = check::ours(source, part, &images, side)?;
    match check::compare(&args.python, onnx, &ours, &images, of) {
        Ok(checked) if checked.agrees => Ok(Some(checked)),
        Ok(checked) => {
            let worst = checked.outputs.iter().find(|(_, difference)| !difference.agrees());
            let (name, difference) = worst.context("an output is missing")?;
            Err(anyhow::anyhow!(
                "{}: {name} differs from ours by {:.1e}, more than {TOLERANCE:.0e} of its largest \
                 value {:.2}; nothing is written",
                checked.runtime,
                difference.largest,
                difference.scale
            ))
            .hint(|| "this is a fault of hico or of that ONNX Runtime: please report it with the command".to_owned())
        }
        Err(error @ Error::NoOnnxRuntime { .. }) if args.check.is_none() => {
            output.warning(&format!("not compared with ONNX Runtime: {error}; `pip install onnxruntime` gives it"));
            Ok(None)
        }
        Err(error @ Error::NoOnnxRuntime { .. }) => Err(error).hint(|| {
            "`pip install onnxruntime`, name another interpreter by --python, or leave --check out".to_owned()
        }),
        Err(error) => Err(error.into()),
    }
}

fn summary(card: &Card, out: &Path, bytes: usize) -> String {
    let [_, markdown, json] = files(out);
    let mut lines = vec![format!(
        "{}: {} tensors, {:.1} MB; card in {} and {}",
        out.display(),
        card.network.tensors.len(),
        bytes as f64 / 1e6,
        markdown.display(),
        json.display()
    )];
    if !card.source.left_out.is_empty() {
        lines.push(format!("left out, because the format does not support them: {}", card.source.left_out.join(", ")));
    }
    if let Some(checked) = &card.checked {
        let largest = checked.outputs.iter().map(|(name, found)| format!("{name} {:.1e}", found.largest));
        let largest: Vec<String> = largest.collect();
        lines.push(format!(
            "{} on {} {}: largest difference {}",
            checked.runtime,
            checked.images,
            checked.of,
            largest.join(", ")
        ));
    }
    lines.join("\n")
}
