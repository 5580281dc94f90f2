use super::taking::{exit_code, links};
use crate::args::{FitArg, IngestArgs, LayoutArg, SectorArg, TextArg};
use crate::hints;
use crate::output::{HintExt as _, Output};
use hico_data::ingest::{self, Axes, Folds, Identity, IngestOptions, IngestReport, LabelMap, Layout, Masks, Pickles};
use hico_data::preprocessing::{Fit, Preprocessing};
use hico_data::sector::SectorUse;
use hico_data::text::TextUse;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// How many names of a list are printed; all of them are in the JSON.
const LISTED: usize = 10;

/// `hico ingest SRC --out DATASET`: from files to a data set.
pub(crate) fn run(args: &IngestArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let options = options(args)?;
    let report = output.work("ingest", |job| ingest::ingest(&args.source, &args.out, &options, job))?;
    let report = hints::hinted(report, hints::ingest)?;
    output.result(&report, |report| summary(report, args))?;
    Ok(exit_code(report.refused.len(), report.clips))
}

fn options(args: &IngestArgs) -> anyhow::Result<IngestOptions> {
    let layout = layout(args)?;
    Ok(IngestOptions {
        preprocessing: preprocessing(args),
        limits: args.limits.limits(),
        stills: args.stills.map(Into::into),
        layout,
        links: links(args.follow_links),
        masks: if args.keep_masks { Masks::Kept } else { Masks::LeftOut },
        kept_words: args.table.kept_words(),
        labels_roots: args.table.labels_root.clone(),
        folds: if args.no_folds { Folds::Ignored } else { Folds::Kept },
        sector_sheet: args.sector_sheet.clone(),
        damaged: args.limits.damaged(),
        labels: args.labels.clone().map(|path| (path, args.table.columns())),
        patient_in_name: args.patient_in_name.clone(),
        identity: if args.keep_ids { Identity::Kept } else { Identity::Hashed { salt: args.salt.clone() } },
        ..IngestOptions::default()
    })
}

fn preprocessing(args: &IngestArgs) -> Preprocessing {
    Preprocessing {
        image_size: Some(args.image_size).filter(|size| *size > 0),
        fit: match args.fit {
            FitArg::Squash => Fit::Squash,
            FitArg::Keep => Fit::Keep,
            FitArg::Pad => Fit::Pad,
        },
        sector: match args.sector {
            SectorArg::Off => SectorUse::Off,
            SectorArg::Crop => SectorUse::Crop,
            SectorArg::Mask => SectorUse::Mask,
            SectorArg::CropAndMask => SectorUse::CropAndMask,
        },
        text: match args.text {
            TextArg::Keep => TextUse::Keep,
            TextArg::Paint => TextUse::Paint,
        },
    }
}

fn layout(args: &IngestArgs) -> anyhow::Result<Layout> {
    let map = args.label_map.as_ref().map(|given| match given.to_str().and_then(LabelMap::named) {
        Some(map) => Ok(map),
        None => LabelMap::read(given)
            .hint(|| format!("name one of {}, or a CSV with the columns prefix and label", LabelMap::NAMES.join(", "))),
    });
    let pickles = (!args.classes.is_empty() || args.transpose).then(|| Pickles {
        classes: args.classes.clone(),
        axes: if args.transpose { Axes::Swapped } else { Axes::AsStored },
    });
    let us4 = || LabelMap::named("us4").map_or(Layout::Auto, Layout::Uscl);
    match (args.layout, map.transpose()?, pickles) {
        (LayoutArg::Auto | LayoutArg::Uscl, Some(map), None) => Ok(Layout::Uscl(map)),
        (LayoutArg::Auto | LayoutArg::Pickles, None, Some(pickles)) => Ok(Layout::Pickles(pickles)),
        (LayoutArg::Auto, None, None) => Ok(Layout::Auto),
        (LayoutArg::Plain, None, None) => Ok(Layout::Plain),
        (LayoutArg::Uscl, None, None) => Ok(us4()),
        (LayoutArg::ImageFolder, None, None) => Ok(Layout::ImageFolder),
        (LayoutArg::Pickles, None, None) => Ok(Layout::Pickles(Pickles::default())),
        (_, Some(_), _) => {
            Err(anyhow::anyhow!("--label-map goes with --layout uscl, where names begin with their class"))
                .hint(|| "leave the other layout's flags out".to_owned())
        }
        (_, None, Some(_)) => Err(anyhow::anyhow!("--classes and --transpose go with --layout pickles"))
            .hint(|| "leave them out, or the other layout".to_owned()),
    }
}

/// Which columns of the labels table were read, and what was not in them.
fn table_facts(report: &IngestReport) -> Vec<String> {
    let Some(columns) = &report.columns else { return Vec::new() };
    let named = [
        ("file", &columns.file),
        ("label", &columns.label),
        ("patient", &columns.patient),
        ("group", &columns.group),
        ("fold", &columns.fold),
    ];
    let named = named.iter().filter_map(|(what, column)| {
        let column = column.as_ref()?;
        Some(if what == column { column.clone() } else { format!("{column} ({what})") })
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let mut lines = vec![format!("labels table: {} rows, columns {named}", report.rows)];
    lines.extend(report.placeholders.iter().map(|cells| {
        let count = if cells.cells == 1 { "1 cell".to_owned() } else { format!("{} cells", cells.cells) };
        // A fold is a number, whatever is kept.
        let kept = match columns.fold.as_ref() == Some(&cells.column) {
            true => String::new(),
            false => format!("; --keep-word {} makes it a value", cells.word),
        };
        format!(
            "column {}: {count} with {:?} (first in line {}), which stands for nothing{kept}",
            cells.column, cells.word, cells.line
        )
    }));
    lines
}

fn summary(report: &IngestReport, args: &IngestArgs) -> String {
    let mut lines = vec![format!(
        "{}: {} clips, {} frames in {:.1} s{}",
        args.out.display(),
        report.clips,
        report.frames,
        report.seconds,
        if report.kept > 0 { format!("; {} stored before", report.kept) } else { String::new() },
    )];
    lines.push(format!(
        "{} labelled, {} unlabelled; {} patients, {} groups",
        report.labelled, report.unlabelled, report.patients, report.groups
    ));
    lines.extend(table_facts(report));
    lines.extend(report.notes.iter().cloned());
    let mut classes: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for row in &report.manifest.rows {
        let counts = classes.entry(row.label.as_deref().unwrap_or("(unlabelled)")).or_default();
        *counts = [counts[0] + 1, counts[1] + row.frames];
    }
    lines.push(format!("{:<24}{:>8}{:>10}", "class", "clips", "frames"));
    lines.extend(classes.iter().map(|(class, [clips, frames])| format!("{class:<24}{clips:>8}{frames:>10}")));
    let mut list = |title: &str, items: &[String]| {
        if !items.is_empty() {
            lines.push(format!("{} {title}", items.len()));
            lines.extend(items.iter().take(LISTED).map(|item| format!("  {item}")));
            if items.len() > LISTED {
                lines.push(format!("  and {} more (--json lists them)", items.len() - LISTED));
            }
        }
    };
    let refused: Vec<String> = report.refused.iter().map(|clip| format!("{}: {}", clip.source, clip.reason)).collect();
    list("refused", &refused);
    let unmatched: Vec<String> = report.unmatched.iter().map(|(line, file)| format!("line {line}: {file}")).collect();
    list("in the labels table without a file", &unmatched);
    let linked: Vec<String> = report.linked.iter().map(|(line, file)| format!("line {line}: {file}")).collect();
    list("in the labels table whose file is behind a link (--follow-links takes it in)", &linked);
    if args.labels.is_some() {
        list("without a row in the labels table", &report.without_row);
    }
    list("without a class in their name (rename them, or give --label-map a CSV of yours)", &report.without_class);
    list("ignored", &report.ignored);
    let beside: Vec<String> = report.beside.iter().map(|path| path.display().to_string()).collect();
    if !beside.is_empty() {
        lines.push(format!(
            "patients and paths of DICOM files are pseudonymised; keep these files secret: {}",
            beside.join(", ")
        ));
    }
    lines.extend(report.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.join("\n")
}
