use crate::args::JoinArgs;
use crate::hints;
use crate::output::{HintExt as _, Output};
use anyhow::Context as _;
use hico_data::ingest::LabelMap;
use hico_data::join::{self, JoinPart, JoinReport, SharedPatients};
use hico_data::{Dataset, Preprocessing};
use std::path::Path;
use std::process::ExitCode;

/// `hico join DATASET DATASET... --out DIR`: several data sets as one.
pub(crate) fn run(args: &JoinArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let mut parts = args.datasets.iter().map(|words| part(words)).collect::<anyhow::Result<Vec<JoinPart>>>()?;
    for words in &args.label_map {
        let (name, map) = words
            .split_once('=')
            .with_context(|| format!("--label-map {words}: not NAME=MAP"))
            .hint(|| "say which data set it is for, as --label-map lung=us4".to_owned())?;
        let known = parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(", ");
        let part = parts
            .iter_mut()
            .find(|part| part.name == name)
            .with_context(|| format!("--label-map {words}: there is no data set {name:?}"))
            .hint(|| format!("the names are {known}"))?;
        let read = LabelMap::named(map).map_or_else(|| LabelMap::read(Path::new(map)), Ok);
        part.map = Some(read.hint(|| {
            format!("name one of {}, or a CSV with the columns prefix and label", LabelMap::NAMES.join(", "))
        })?);
    }
    let patients = if args.same_patients { SharedPatients::Same } else { SharedPatients::Different };
    let report = output.work("join", |job| join::join(&parts, patients, &args.out, job))?;
    let report = hints::hinted(report, hints::join)?;
    output.result(&report, |report| summary(report, args))?;
    Ok(ExitCode::SUCCESS)
}

/// `NAME=DATASET`, or a data set that is called as its folder.
fn part(words: &str) -> anyhow::Result<JoinPart> {
    let (name, folder) = words.split_once('=').filter(|_| !Path::new(words).exists()).unwrap_or(("", words));
    let of_folder =
        || Path::new(folder).canonicalize().ok()?.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = if name.is_empty() { of_folder().unwrap_or_default() } else { name.to_owned() };
    let data = hints::hinted(Dataset::open(Path::new(folder)), hints::open)?;
    Ok(JoinPart { name, data, map: None })
}

/// How many names of patients are told.
const LISTED: usize = 3;

/// What is said of patients that several data sets name alike.
fn patients(report: &JoinReport, args: &JoinArgs) -> Vec<String> {
    let few = report.shared.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if report.shared.len() > LISTED { ", ..." } else { "" };
    let count = report.shared.len();
    let mut lines = Vec::new();
    if count > 0 && args.same_patients {
        lines.push(format!("{count} patients stand in several data sets and stay together ({few}{more})"));
    } else if count > 0 {
        lines.push(format!(
            "warning: {count} patients are named alike in several data sets ({few}{more}) and are treated as different people, whom \
             folds may separate; if they are the same, join again with --same-patients"
        ));
    }
    lines.extend(report.alike.iter().take(LISTED).map(|names| {
        let names = names.iter().take(LISTED).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" and ");
        format!("warning: patients {names} of different data sets are probably the same; write them alike in the labels tables")
    }));
    lines
}

/// The flags of `hico ingest` that prepare clips so.
fn words(preprocessing: Preprocessing) -> String {
    let Preprocessing { image_size, fit, sector, text } = preprocessing;
    let mut words = format!("--image-size {}", image_size.unwrap_or_default());
    let others = [("--fit", fit.word(), "squash"), ("--sector", sector.word(), "off"), ("--text", text.word(), "keep")];
    for (flag, word, _) in others.into_iter().filter(|(_, word, usual)| word != usual) {
        words.push_str(&format!(" {flag} {word}"));
    }
    words
}

fn summary(report: &JoinReport, args: &JoinArgs) -> String {
    let mut lines = vec![format!("{}: {} clips", args.out.display(), report.clips)];
    let from = |parts: &std::collections::BTreeMap<String, usize>| {
        parts.iter().map(|(part, clips)| format!("{clips} of {part}")).collect::<Vec<_>>().join(", ")
    };
    lines.extend(report.classes.iter().map(|(class, parts)| format!("{class:<24}{}", from(parts))));
    if !report.unlabelled.is_empty() {
        lines.push(format!("{:<24}{}", "(unlabelled)", from(&report.unlabelled)));
    }
    if !report.folds {
        lines.push(
            "no folds: not every data set has them, or they separate clips of a patient; `hico split` makes folds"
                .to_owned(),
        );
    }
    lines.extend(patients(report, args));
    if !report.prepared.is_empty() {
        let sizes = report.prepared.iter().map(|(part, prepared)| format!("{part} {}", words(*prepared)));
        lines.push(format!(
            "warning: clips were not prepared alike ({}), by which a network may know the data sets apart; a network that learns from them \
             prepares new clips as most of these were",
            sizes.collect::<Vec<_>>().join("; ")
        ));
    }
    lines.join("\n")
}
