use crate::args::SplitArgs;
use crate::output::{HintExt as _, Output};
use hico_data::split::{check_folds, k_folds};
use hico_data::{Manifest, Seed};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// One fold, as it is printed.
#[derive(Debug, Default, Serialize)]
struct Fold<'a> {
    clips: usize,
    groups: BTreeSet<&'a str>,
    classes: BTreeMap<&'a str, usize>,
}

/// `hico split DATASET`: folds that no group crosses.
pub(crate) fn run(args: &SplitArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let mut manifest = Manifest::read(&args.dataset).hint(|| "give a folder that `hico ingest` wrote".to_owned())?;
    if args.check {
        check_folds(&manifest).hint(|| "`hico split DATASET --folds K` makes folds".to_owned())?;
    } else {
        let has_folds = manifest.rows.iter().any(|row| row.fold.is_some()) && !args.force;
        let refused =
            if has_folds { Err(anyhow::anyhow!("{}: has folds already", args.dataset.display())) } else { Ok(()) };
        refused.hint(|| "--check looks at them, --force replaces them".to_owned())?;
        let folds = k_folds(&manifest, args.folds, Seed(args.seed)).hint(|| "try fewer --folds".to_owned())?;
        for (row, fold) in manifest.rows.iter_mut().zip(folds) {
            row.fold = Some(fold);
        }
        manifest.write(&args.dataset).hint(|| "the data set must be in a folder that you may write to".to_owned())?;
    }
    output.result(&folds_of(&manifest), table)?;
    Ok(ExitCode::SUCCESS)
}

fn folds_of(manifest: &Manifest) -> BTreeMap<usize, Fold<'_>> {
    let mut folds: BTreeMap<usize, Fold<'_>> = BTreeMap::new();
    for row in &manifest.rows {
        if let Some(fold) = row.fold {
            let fold = folds.entry(fold).or_default();
            fold.clips += 1;
            fold.groups.insert(&row.group);
            *fold.classes.entry(row.label.as_deref().unwrap_or("(unlabelled)")).or_default() += 1;
        }
    }
    folds
}

fn table(folds: &BTreeMap<usize, Fold<'_>>) -> String {
    let mut lines = vec![format!("{:<6}{:>7}{:>8}  clips per class", "fold", "clips", "groups")];
    for (number, fold) in folds {
        let classes: Vec<String> = fold.classes.iter().map(|(class, clips)| format!("{class} {clips}")).collect();
        lines.push(format!("{number:<6}{:>7}{:>8}  {}", fold.clips, fold.groups.len(), classes.join(", ")));
    }
    lines.join("\n")
}
