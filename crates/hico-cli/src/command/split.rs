use crate::args::SplitArgs;
use crate::output::{HintExt as _, Output};
use hico_data::inspect::{self, Fold};
use hico_data::split::{Remedy, check_folds, k_folds, remedies, torn_patients, unlabel};
use hico_data::{Manifest, Seed, spelling};
use std::collections::BTreeMap;
use std::process::ExitCode;

/// `hico split DATASET`: folds that no group crosses.
pub(crate) fn run(args: &SplitArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let mut manifest = Manifest::read(&args.dataset).hint(|| "give a folder that `hico ingest` wrote".to_owned())?;
    if args.check {
        let has_folds = manifest.rows.iter().any(|row| row.fold.is_some());
        check_folds(&manifest).hint(|| match has_folds {
            true => "`hico split DATASET --folds K --force` makes other folds".to_owned(),
            false => "`hico split DATASET --folds K` makes folds".to_owned(),
        })?;
    } else {
        let has_folds = manifest.rows.iter().any(|row| row.fold.is_some()) && !args.force;
        let refused =
            if has_folds { Err(anyhow::anyhow!("{}: has folds already", args.dataset.display())) } else { Ok(()) };
        refused.hint(|| "--check checks them, --force replaces them".to_owned())?;
        let classes = manifest.classes().join(", ");
        for class in &args.unlabel {
            let clips = unlabel(&mut manifest, class);
            let missing = (clips == 0).then(|| anyhow::anyhow!("--unlabel {class}: no clip is of that class"));
            missing.map_or(Ok(()), Err).hint(|| format!("the classes are {classes}"))?;
            output.note(&format!("{clips} clips of class {class} are now unlabelled"));
        }
        let seed = Seed(args.seed);
        let folds = k_folds(&manifest, args.folds, seed).hint(|| remedy(&manifest, args.folds, seed))?;
        if !args.unlabel.is_empty() {
            let kept = Manifest::back_up(&args.dataset, "split");
            let kept = kept.hint(|| "the data set must be in a folder that you may write to".to_owned())?;
            output.note(&format!("the table as it was: {}", kept.display()));
        }
        for (row, fold) in manifest.rows.iter_mut().zip(folds) {
            row.fold = Some(fold);
        }
        manifest.write(&args.dataset).hint(|| "the data set must be in a folder that you may write to".to_owned())?;
    }
    spelling::warnings(&manifest).iter().for_each(|words| output.warning(words));
    let torn = torn_patients(&manifest);
    let counted = |patients: usize| if patients == 1 { "1 patient".to_owned() } else { format!("{patients} patients") };
    if let Some(first) = torn.first() {
        output.warning(&format!(
            "{} in several folds (first: {first}), because their clips are in several groups, which is leakage: what is tested was \
             seen; give them one group in the labels table, or leave its column of groups out",
            counted(torn.len())
        ));
    }
    output.result(&inspect::folds(&manifest), table)?;
    Ok(ExitCode::SUCCESS)
}

/// What makes the split possible; every remedy was tried on this data set.
fn remedy(manifest: &Manifest, folds: usize, seed: Seed) -> String {
    let words = remedies(manifest, folds, seed).into_iter().map(|remedy| match remedy {
        Remedy::Folds(folds) => format!("--folds {folds} works"),
        Remedy::Unlabel { folds, classes } => {
            let flags: Vec<String> = classes.iter().map(|class| format!("--unlabel {}", quoted(class))).collect();
            format!("--folds {folds} {} works: clips of that class stay, without a label", flags.join(" "))
        }
        Remedy::MoreGroups => {
            "ingest clips of more patients, or name patients with --labels or --patient-in-name".to_owned()
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty() && word.chars().all(|letter| letter.is_alphanumeric() || "-_.".contains(letter));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
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
