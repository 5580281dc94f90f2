use crate::args::SplitArgs;
use crate::output::{HintExt as _, Output};
use hico_data::inspect::{self, Fold};
use hico_data::split::{check_folds, k_folds};
use hico_data::{Manifest, Seed};
use std::collections::BTreeMap;
use std::process::ExitCode;

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
    output.result(&inspect::folds(&manifest), table)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn table(folds: &BTreeMap<usize, Fold>) -> String {
    let mut lines = vec![format!("{:<6}{:>7}{:>8}  clips per class", "fold", "clips", "groups")];
    for (number, fold) in folds {
        let unlabelled = (fold.unlabelled > 0).then_some(("(unlabelled)", &fold.unlabelled));
        let classes = fold.classes.iter().map(|(class, clips)| (class.as_str(), clips)).chain(unlabelled);
        let classes: Vec<String> = classes.map(|(class, clips)| format!("{class} {clips}")).collect();
        lines.push(format!("{number:<6}{:>7}{:>8}  {}", fold.clips, fold.groups.len(), classes.join(", ")));
    }
    lines.join("\n")
}
