mod phi;
mod table;

use super::evaluation;
use crate::args::AuditArgs;
use crate::hints;
use crate::output::{HintExt as _, Output};
use anyhow::Context as _;
use hico_data::audit::remedy::{Remedy, remedy};
use hico_data::audit::{AuditOptions, Corpus, Findings, Thresholds, audit, files};
use hico_data::{Dataset, Seed, atomic};
use hico_eval::confounds::{Confounds, confounds};
use hico_eval::report::audit::{Audited, page};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Exit code of `--strict` where something was found.
const EXIT_FOUND: u8 = 3;

/// What the command knows when it is done.
#[derive(Debug, Serialize)]
struct Audit {
    #[serde(flatten)]
    findings: Findings,
    /// Leaks, in words; `--strict` fails on any.
    leaks: Vec<String>,
    confounds: Option<Confounds>,
    /// Why there are none.
    no_confounds: Option<String>,
    remedy: Remedy,
}

/// `hico audit DATASET [OTHER...]`: what spoils a study before it begins.
pub(crate) fn run(args: &AuditArgs, output: &Output) -> anyhow::Result<ExitCode> {
    if args.apply {
        return apply(args, output);
    }
    if args.phi {
        return phi::run(args, output);
    }
    refuse_to_overwrite(args)?;
    let folders = || std::iter::once(&args.dataset).chain(&args.others);
    let datasets: Vec<Arc<Dataset>> = folders().map(|folder| evaluation::open(folder)).collect::<Result<_, _>>()?;
    let names: Vec<String> = folders().map(|folder| folder.display().to_string()).collect();
    let corpus = Corpus::new(names.iter().map(String::as_str).zip(datasets.iter().map(Arc::as_ref)).collect());
    let found = output.work("audit", |job| audit(&corpus, options(args), job))?;
    let findings = hints::hinted(found, hints::data)?;
    let audit = complete(args, &datasets[0], findings)?;
    if let Some(html) = &args.html {
        write_page(html, &audit, &corpus)?;
        output.note(&format!("page: {}", html.display()));
    }
    if args.fix {
        propose(args, &datasets[0], &audit, output)?;
    }
    output.result(&audit, table::text)?;
    Ok(if args.strict && !audit.leaks.is_empty() { ExitCode::from(EXIT_FOUND) } else { ExitCode::SUCCESS })
}

fn options(args: &AuditArgs) -> AuditOptions {
    let thresholds = Thresholds { copy: args.duplicate_threshold, same_view: args.same_view_threshold };
    AuditOptions { thresholds, ..AuditOptions::default() }
}

fn complete(args: &AuditArgs, dataset: &Dataset, findings: Findings) -> anyhow::Result<Audit> {
    let (confounds, no_confounds) = if args.no_confounders {
        (None, Some("it was skipped".to_owned()))
    } else if findings.unreadable.iter().any(|unread| unread.clip.dataset == 0) {
        (None, Some("some clips cannot be read".to_owned()))
    } else {
        match confounds(dataset, &findings.quality, Seed(1)) {
            Ok(confounds) => (Some(confounds), None),
            // Folds that cannot be made are no fault of the audit.
            Err(hico_eval::Error::Train(hico_train::Error::Data(error))) if !hints::is_about_folds(&error) => {
                return Err(error.into());
            }
            Err(error) => (None, Some(error.to_string())),
        }
    };
    let remedy = remedy(&findings);
    Ok(Audit { leaks: findings.leaks(), findings, confounds, no_confounds, remedy })
}

fn write_page(path: &Path, audit: &Audit, corpus: &Corpus<'_>) -> anyhow::Result<()> {
    let confounds = audit.confounds.as_ref().ok_or(audit.no_confounds.as_deref().unwrap_or_default());
    let html = page(&Audited { findings: &audit.findings, remedy: &audit.remedy, confounds, corpus });
    write(path, html.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    atomic::write(path, bytes)
        .with_context(|| format!("{}: cannot be written", path.display()))
        .hint(|| "name a file in a folder that exists and that you may write to".to_owned())
}

/// Looked at before the work begins, and not after it.
fn refuse_to_overwrite(args: &AuditArgs) -> anyhow::Result<()> {
    let audit = args.dataset.join(files::FOLDER);
    let tables = [files::GROUPS_FILE, files::EXCLUDE_FILE].map(|file| audit.join(file));
    let pictures = args.html.iter().chain(&args.sheet).cloned();
    let written = pictures.chain(tables.into_iter().filter(|_| args.fix));
    match written.into_iter().find(|path| path.exists() && !args.force) {
        Some(path) => Err(anyhow::anyhow!("{}: exists", path.display()))
            .hint(|| "--force writes over it; --apply puts a proposal into effect".to_owned()),
        None => Ok(()),
    }
}

fn propose(args: &AuditArgs, dataset: &Dataset, audit: &Audit, output: &Output) -> anyhow::Result<()> {
    let written = files::propose(&args.dataset, dataset.manifest(), &audit.remedy, args.force);
    let [groups, exclude] = hints::hinted(written, hints::proposal)?;
    output.note(&format!(
        "proposal: {} ({} merged), {} ({} to leave out)\nedit them, then: hico audit {} --apply",
        groups.display(),
        audit.remedy.merged.len(),
        exclude.display(),
        audit.remedy.excluded.len(),
        args.dataset.display()
    ));
    Ok(())
}

/// `hico audit DATASET --apply`: the proposal becomes the data set's table.
fn apply(args: &AuditArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let applied = hints::hinted(files::apply(&args.dataset), hints::proposal)?;
    output.result(&applied, |applied| {
        format!(
            "{}: {} clips; {} in another group or fold, {} left out; the table as it was: {}",
            args.dataset.display(),
            applied.clips,
            applied.regrouped,
            applied.excluded,
            applied.backup.display()
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
