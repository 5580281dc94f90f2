use crate::args::RelabelArgs;
use crate::hints;
use crate::output::Output;
use hico_data::ingest::{RelabelOptions, RelabelReport, Unnamed, relabel};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// How many rows without a clip are printed; all of them are in the JSON.
const LISTED: usize = 10;

/// `hico relabel DATASET LABELS.csv`: other labels, the same frames.
pub(crate) fn run(args: &RelabelArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let options = RelabelOptions {
        columns: args.table.columns(),
        labels_roots: args.table.labels_root.clone(),
        unnamed: if args.unlabel_others { Unnamed::Unlabel } else { Unnamed::Keep },
        dry_run: args.dry_run,
    };
    let report = hints::hinted(relabel(&args.dataset, &args.labels, &options), hints::relabel)?;
    output.result(&report, |report| summary(report, args))?;
    Ok(ExitCode::SUCCESS)
}

fn summary(report: &RelabelReport, args: &RelabelArgs) -> String {
    let RelabelReport { clips, named, changes, before, classes, .. } = report;
    let mut lines = vec![format!("{}: {named} of {clips} clips are in the table", args.dataset.display())];
    let changed =
        [("label", changes.label), ("patient", changes.patient), ("group", changes.group), ("fold", changes.fold)];
    let changed: Vec<String> = changed
        .into_iter()
        .filter(|(_, clips)| *clips > 0)
        .map(|(what, clips)| format!("{what} of {clips} {}", if clips == 1 { "clip" } else { "clips" }))
        .collect();
    let verb = if args.dry_run { "would change" } else { "changed" };
    lines.push(match changed.as_slice() {
        [] => "nothing changes: the data set says the same already".to_owned(),
        changed => format!("{verb}: {}", changed.join(", ")),
    });
    let names: BTreeSet<&String> = before.keys().chain(classes.keys()).collect();
    let of = |classes: &BTreeMap<String, usize>, name| classes.get(name).copied().unwrap_or_default();
    lines.extend(names.into_iter().map(|name| match [of(before, name), of(classes, name)] {
        [was, now] if was == now => format!("{name:<24}{now}"),
        [was, now] => format!("{name:<24}{now}, was {was}"),
    }));
    if !report.unmatched.is_empty() {
        lines.push(format!("rows of the table that name no clip of the data set: {}", report.unmatched.len()));
        let shown = report.unmatched.iter().take(LISTED).map(|(line, file)| format!("  line {line}: {file}"));
        lines.extend(shown);
        if report.unmatched.len() > LISTED {
            lines.push(format!("  and {} more", report.unmatched.len() - LISTED));
        }
    }
    lines.extend(report.placeholders.iter().map(|cells| {
        format!(
            "{} cells of {} say {:?} and count as empty; --keep-word {2} keeps it",
            cells.cells, cells.column, cells.word
        )
    }));
    lines.extend(report.warnings.iter().map(|warning| format!("warning: {warning}")));
    if let Some(backup) = &report.backup {
        lines.push(format!("the table as it was: {}", backup.display()));
    }
    lines.join("\n")
}
