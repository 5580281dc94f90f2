use crate::args::ReportArgs;
use crate::hints;
use crate::output::{HintExt as _, Output};
use anyhow::Context as _;
use hico_data::{Dataset, atomic};
use hico_eval::report::{self, Sources};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// `hico report RUN...`: one HTML page, or with `--json` the facts it would be made of.
pub(crate) fn run(args: &ReportArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let sources = read(args)?;
    if output.is_json() {
        output.result(&sources, |_| String::new())?;
        return Ok(ExitCode::SUCCESS);
    }
    refuse_to_overwrite(args)?;
    let dataset = args.data.as_deref().map(Dataset::open).transpose();
    let dataset = dataset.hint(|| "give a folder that `hico ingest` wrote, or leave --data out".to_owned())?;
    let page = report::page(&sources, dataset.as_ref());
    let written = atomic::write(&args.out, page.as_bytes());
    written
        .with_context(|| format!("{}: cannot be written", args.out.display()))
        .hint(|| "name a file in a folder that exists and that you may write to".to_owned())?;
    for found in &sources.studies {
        report::study::sentences(&found.summary).iter().for_each(|sentence| output.note(sentence));
    }
    output.text(&args.out.display().to_string());
    if args.open {
        open(&args.out, output);
    }
    Ok(ExitCode::SUCCESS)
}

fn read(args: &ReportArgs) -> anyhow::Result<Sources> {
    hints::hinted(report::read(&args.runs), hints::report)
}

fn refuse_to_overwrite(args: &ReportArgs) -> anyhow::Result<()> {
    let exists = args.out.exists() && !args.force;
    let refused = if exists { Err(anyhow::anyhow!("{}: exists", args.out.display())) } else { Ok(()) };
    refused.hint(|| "choose another --out, or --force to write over it".to_owned())
}

/// Shows the page; where no browser can be started that is no failure, for the page is there.
fn open(page: &Path, output: &Output) {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let started =
        Command::new(program).arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if let Err(error) = started {
        output.warning(&format!("{program}: {error}; open {} in a browser", page.display()));
    }
}
