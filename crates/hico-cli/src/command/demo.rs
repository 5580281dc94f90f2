use crate::args::DemoArgs;
use crate::hints;
use crate::output::Output;
use hico_eval::demo::{self, Demo, DemoRecipe};
use hico_eval::report;
use std::process::ExitCode;

/// `hico demo`: the whole path on phantom clips.
pub(crate) fn run(args: &DemoArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let recipe = DemoRecipe::small(args.seed)?;
    let demo = output.work("", |job| demo::demo(&recipe, &args.out, args.device, job))?;
    output.result(&hints::hinted(demo, hints::demo)?, words)?;
    Ok(ExitCode::SUCCESS)
}

fn words(demo: &Demo) -> String {
    let (model, clip) = (demo.model.display(), demo.clip.display());
    format!(
        "{}\nreport: {}\ndata set: {} (see `hico inspect`)\nthe fine-tuned network, for a clip of a patient whom it has \
         never seen:\n  hico predict {model} {clip}\n  hico explain {model} {clip} --out explanation\n  hico serve {model}",
        report::study::terminal(&demo.summary),
        demo.report.display(),
        demo.dataset.display()
    )
}
