use super::{evaluation, split};
use crate::args::InspectArgs;
use crate::output::{HintExt as _, Output};
use anyhow::Context as _;
use hico_data::contact_sheet::{self, SheetOptions};
use hico_data::inspect::{ClassFacts, Facts, facts};
use hico_data::{Dataset, Manifest, atomic};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// The sheet inside a data set, which this command owns.
const OWN_SHEET: &str = "contact-sheet.png";

/// How many sizes are named.
const SIZES: usize = 4;

/// `hico inspect DATASET`: what is in it, as a table and as a picture.
pub(crate) fn run(args: &InspectArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let dataset = evaluation::open(&args.dataset)?;
    let manifest = dataset.manifest();
    output.result(&facts(manifest), |facts| {
        let rows = if args.rows { format!("\n\n{}", rows(manifest)) } else { String::new() };
        format!("{}{rows}", summary(facts))
    })?;
    if !args.no_sheet {
        let path = write_sheet(args, &dataset)?;
        output.note(&format!("contact sheet: {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn write_sheet(args: &InspectArgs, dataset: &Dataset) -> anyhow::Result<PathBuf> {
    let path = args.sheet.clone().unwrap_or_else(|| args.dataset.join(OWN_SHEET));
    let taken = args.sheet.is_some() && !args.force && path.exists();
    let refused = if taken { Err(anyhow::anyhow!("{}: exists", path.display())) } else { Ok(()) };
    refused.hint(|| "choose another --sheet, or --force to write over it".to_owned())?;
    let options = SheetOptions { clips: args.clips, frames: args.frames.into(), side: args.image_size.into() };
    let png = contact_sheet::png(dataset, options).hint(|| "try fewer --clips, or --no-sheet".to_owned())?;
    atomic::write(&path, &png)
        .with_context(|| format!("{}: cannot be written", path.display()))
        .hint(|| "name a --sheet in a folder that you may write to, or --no-sheet".to_owned())?;
    Ok(path)
}

fn summary(facts: &Facts) -> String {
    let [fewest, median, most] = facts.frames_per_clip;
    let fps = match facts.fps {
        Some([slowest, fastest]) if slowest == fastest => format!("{slowest:.1}"),
        Some([slowest, fastest]) => format!("{slowest:.1} to {fastest:.1}"),
        None => "not stated".to_owned(),
    };
    let lines = [
        format!("{:<20}{}", "clips", facts.clips),
        format!("{:<20}{} groups, {} named patients", "", facts.groups, facts.patients),
        format!("{:<20}{}, {:.1} MB stored", "frames", facts.frames, facts.bytes as f64 / 1e6),
        format!("{:<20}{fewest} to {most}, median {median}", "frames a clip"),
        format!("{:<20}{fps}", "frames a second"),
        format!("{:<20}{}", "stored size", sizes(&facts.stored)),
        format!("{:<20}{}", "size in the source", sizes(&facts.sources)),
        format!("{:<20}{} clips; in colour {}", "in grey", facts.grey, facts.clips - facts.grey),
        String::new(),
        classes(&facts.classes),
        String::new(),
    ];
    let folds = if facts.folds.is_empty() {
        "no folds yet: `hico split DATASET --folds K` makes them".to_owned()
    } else {
        split::table(&facts.folds)
    };
    let warnings = facts.warnings.iter().map(|warning| format!("\nwarning: {warning}"));
    format!("{}\n{folds}{}", lines.join("\n"), warnings.collect::<String>())
}

fn classes(classes: &[ClassFacts]) -> String {
    let mut lines = vec![format!("{:<24}{:>8}{:>8}{:>10}", "class", "clips", "groups", "frames")];
    lines.extend(classes.iter().map(|ClassFacts { class, clips, groups, frames }| {
        format!("{:<24}{clips:>8}{groups:>8}{frames:>10}", class.as_deref().unwrap_or("(unlabelled)"))
    }));
    lines.join("\n")
}

/// The most frequent sizes first.
fn sizes(sizes: &BTreeMap<String, usize>) -> String {
    let mut order: Vec<(&String, &usize)> = sizes.iter().collect();
    order.sort_by_key(|(_, clips)| std::cmp::Reverse(**clips));
    let named = order.iter().take(SIZES).map(|(size, clips)| format!("{size} ({clips})"));
    let named = named.collect::<Vec<_>>().join(", ");
    match order.len().saturating_sub(SIZES) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn rows(manifest: &Manifest) -> String {
    let longest = |heading: &str, lengths: &mut dyn Iterator<Item = usize>| {
        lengths.chain([heading.len()]).max().unwrap_or_default() + 2
    };
    let clip = longest("clip", &mut manifest.rows.iter().map(|row| row.clip.chars().count()));
    let group = longest("group", &mut manifest.rows.iter().map(|row| row.group.chars().count()));
    let label = |label: &Option<String>| label.clone().unwrap_or_else(|| "-".to_owned());
    let class = longest("class", &mut manifest.rows.iter().map(|row| label(&row.label).chars().count()));
    let mut lines = vec![format!(
        "{:<clip$}{:<group$}{:<class$}{:>4}{:>8}{:>12}",
        "clip", "group", "class", "fold", "frames", "size"
    )];
    lines.extend(manifest.rows.iter().map(|row| {
        let fold = row.fold.map_or_else(|| "-".to_owned(), |fold| fold.to_string());
        let size = format!("{}x{}", row.height, row.width);
        let (name, of, is) = (&row.clip, &row.group, label(&row.label));
        format!("{name:<clip$}{of:<group$}{is:<class$}{fold:>4}{:>8}{size:>12}", row.frames)
    }));
    lines.join("\n")
}
