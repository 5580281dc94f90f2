use super::evaluation;
use crate::args::{ExportDataArgs, FormatArg, SampleArg};
use crate::hints;
use crate::output::Output;
use hico_data::export::{self, ExportOptions, ExportReport, Format, Parts, Sample};
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
    let report = output.work("export", |job| export::export(&data, &args.out, &options, job))?;
    let report = hints::hinted(report, hints::export_data)?;
    output.result(&report, |report| summary(report, args))?;
    Ok(ExitCode::SUCCESS)
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
