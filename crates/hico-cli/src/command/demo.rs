use crate::args::DemoArgs;
use crate::hints;
use crate::output::Output;
use hico::demo::{self, Demo, DemoRecipe};
use hico::report;
use std::process::ExitCode;

/// `hico demo`: the whole path on phantom clips.
pub(crate) fn run(args: &DemoArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let recipe = DemoRecipe::small(args.seed)?;
    let demo = output.work("", |job| demo::demo(&recipe, &args.out, args.device, job))?;
    output.result(&hints::hinted(demo, hints::demo)?, words)?;
    Ok(ExitCode::SUCCESS)
}

fn words(demo: &Demo) -> String {
    format!(
        "{}\nreport: {}\ndata set: {} (see `hico inspect`)",
        report::study::terminal(&demo.summary),
        demo.report.display(),
        demo.dataset.display()
    )
}
