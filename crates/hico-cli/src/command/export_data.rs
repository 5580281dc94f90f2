use super::evaluation;
use crate::args::{ExportDataArgs, FormatArg, SampleArg};
use crate::interrupt;
use crate::output::{HintExt as _, Output};
use hico_data::export::{self, ExportError, ExportOptions, ExportReport, Format, Parts, Sample};
use std::process::ExitCode;

/// `hico export-data DATASET --to FORMAT --out DIR`: a data set as other programs read it.
pub(crate) fn run(args: &ExportDataArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let data = evaluation::open(&args.data)?;
    let options = ExportOptions {
        format: match args.to {
            FormatArg::Webdataset => Format::WebDataset {
                sample: match args.sample {
                    SampleArg::Clip => Sample::Clip,
                    SampleArg::Frame => Sample::Frame,
                },
                shard_bytes: args.shard_size * 1_000_000,
                seed: args.seed,
            },
            FormatArg::ImageFolder => Format::ImageFolder,
        },
        parts: Parts { val_fold: args.val_fold, test_fold: args.test_fold },
    };
    let stop = interrupt::flag()?;
    let bar = output.progress(0, "export");
    let progress = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let report = export::export(&data, &args.out, &options, &progress, &stop);
    bar.finish_and_clear();
    let hint = report.as_ref().err().map(hint);
    let report = report.hint(|| hint.unwrap_or_default().to_owned())?;
    output.result(&report, |report| summary(report, args))?;
    if report.left > 0 {
        output.note(&format!("interrupted with {} to go; the same command goes on", report.left));
        return Ok(ExitCode::from(interrupt::EXIT_INTERRUPTED));
    }
    Ok(ExitCode::SUCCESS)
}

fn hint(error: &ExportError) -> &'static str {
    match error {
        ExportError::Data(_) => "check the data set with: hico inspect DATASET",
        ExportError::OutTaken(_) => "choose another --out, or the options that it was begun with",
        ExportError::NoSuchFold { .. } => "name a fold that is there, or make folds with: hico split DATASET --folds 5",
        ExportError::OneFoldTwice(_) => "name two different folds, or one of them",
        ExportError::GroupInTwoParts { .. } => {
            "make folds that no group crosses with: hico split DATASET --folds 5 --force"
        }
        ExportError::Unlabelled => "choose --to webdataset, which takes clips without a label too",
        ExportError::Write { .. } => "choose an --out on a disk with room that you may write to",
    }
}

fn summary(report: &ExportReport, args: &ExportDataArgs) -> String {
    let kind = match args.to {
        FormatArg::Webdataset => "shards",
        FormatArg::ImageFolder => "folders of frames",
    };
    let before = if report.kept > 0 { format!("; {} written before", report.kept) } else { String::new() };
    let mut lines = vec![format!(
        "{}: {} clips, {} frames in {} {kind}{before}",
        args.out.display(),
        report.clips,
        report.frames,
        report.files
    )];
    lines.extend(report.parts.iter().map(|(part, clips)| format!("{part:<8}{clips:>8} clips")));
    if report.unlabelled > 0 {
        lines.push(format!("{} clips without a label are left out", report.unlabelled));
    }
    lines.join("\n")
}
