//! `hico audit SRC --phi`: text that is burned in, and headers that tell identity.

use super::{EXIT_FOUND, refuse_to_overwrite, write};
use crate::args::AuditArgs;
use crate::command::{evaluation, taking::links};
use crate::hints;
use crate::interrupt::EXIT_INTERRUPTED;
use crate::output::Output;
use hico_data::Error;
use hico_data::ingest::{Limits, links_left};
use hico_data::manifest::MANIFEST_FILE;
use hico_data::phi::{self, ClipText, LARGEST_SHEET, PhiOptions, PhiReport, TextPlace};
use hico_eval::report::audit::phi_page;
use std::process::ExitCode;

/// How many entries of a list are printed; all of them are in the JSON.
const LISTED: usize = 40;

/// Longest name of a clip in the table, characters; what is left out is its middle.
const NAME: usize = 44;

pub(super) fn run(args: &AuditArgs, output: &Output) -> anyhow::Result<ExitCode> {
    refuse_to_overwrite(args)?;
    let drawn = args.html.is_some() || args.sheet.is_some();
    let usual = PhiOptions::default();
    let options = PhiOptions {
        threshold: args.phi_threshold,
        pictures: if drawn { LARGEST_SHEET } else { 0 },
        links: links(args.follow_links),
        limits: args.max_seconds.map_or(usual.limits, |seconds| Limits { seconds, ..usual.limits }),
        ..usual
    };
    let source = &args.dataset;
    let mut report = PhiReport::default();
    let searched = if source.join(MANIFEST_FILE).is_file() {
        let dataset = evaluation::open(source)?;
        output.note(
            "the stored frames are searched, small as they may be: search the files they came from where there still are any",
        );
        output.work("phi", |job| phi::scan_dataset(&dataset, &options, &mut report, job))?
    } else {
        output.work("phi", |job| phi::scan_files(source, &options, &mut report, job))?
    };
    // What was seen before an interruption is shown, too.
    match searched {
        Err(Error::Interrupted) => {}
        searched => hints::hinted(searched, hints::search)?,
    }
    if let Some(html) = &args.html {
        write(html, phi_page(&report).as_bytes())?;
        output.note(&format!("page, with what is burned in: {}", html.display()));
    }
    if let Some(sheet) = &args.sheet {
        write(sheet, &phi::sheet(&report.clips)?)?;
        output.note(&format!("sheet, with what is burned in: {}", sheet.display()));
    }
    links_left(&report.links).into_iter().for_each(|words| output.warning(&words));
    output.result(&report, text)?;
    if report.interrupted {
        output.note("interrupted: clips are missing from the list");
        return Ok(ExitCode::from(EXIT_INTERRUPTED));
    }
    Ok(if args.strict && !report.is_clean() { ExitCode::from(EXIT_FOUND) } else { ExitCode::SUCCESS })
}

fn text(report: &PhiReport) -> String {
    let mut lines = vec![format!(
        "{}: {} clips, text suspected in {}, headers that identify {}, not searched {}",
        report.source,
        report.clips.len(),
        report.suspected,
        report.headers,
        report.unseen.len()
    )];
    let suspected: Vec<&ClipText> = report.clips.iter().filter(|clip| clip.suspected).collect();
    if !suspected.is_empty() {
        lines.push(String::new());
        lines.push(format!(
            "{:<NAME$}{:>7}{:>6}{:>9}{:>8}{:>9}",
            "suspected", "score", "rows", "outside", "inside", "unknown"
        ));
        lines.extend(suspected.iter().take(LISTED).map(|clip| row(clip)));
        more(&mut lines, suspected.len());
    }
    let filled: Vec<&ClipText> = report
        .clips
        .iter()
        .filter(|clip| clip.header.as_ref().is_some_and(|header| !header.filled.is_empty()))
        .collect();
    if !filled.is_empty() {
        lines.push(String::new());
        lines.push("elements of DICOM headers that are filled".to_owned());
        lines.extend(filled.iter().take(LISTED).filter_map(|clip| {
            let header = clip.header.as_ref()?;
            Some(format!("  {}: {}", clip.clip, header.filled.join(", ")))
        }));
        more(&mut lines, filled.len());
    }
    if !report.unseen.is_empty() {
        lines.push(String::new());
        lines.push("not searched".to_owned());
        lines.extend(report.unseen.iter().take(LISTED).map(|unseen| format!("  {}: {}", unseen.clip, unseen.reason)));
        more(&mut lines, report.unseen.len());
    }
    lines.push(String::new());
    lines.push("a clip that is not suspected may still contain text: check it before you publish it".to_owned());
    lines.join("\n")
}

fn row(clip: &ClipText) -> String {
    let rows = |place: TextPlace| clip.lines.iter().filter(|line| line.place == place).count();
    let characters: Vec<char> = clip.clip.chars().collect();
    let name = match characters.len().checked_sub(NAME - 2) {
        Some(over) if over > 0 => {
            let half = NAME / 2 - 2;
            let [head, tail] = [&characters[..half], &characters[characters.len() - half..]];
            head.iter().chain(&['.', '.']).chain(tail).collect()
        }
        _ => clip.clip.clone(),
    };
    format!(
        "{name:<NAME$}{:>7.2}{:>6}{:>9}{:>8}{:>9}",
        clip.score,
        clip.lines.len(),
        rows(TextPlace::Outside),
        rows(TextPlace::Inside),
        rows(TextPlace::Unknown)
    )
}

fn more(lines: &mut Vec<String>, count: usize) {
    if count > LISTED {
        lines.push(format!("  and {} more (--json lists them)", count - LISTED));
    }
}
