use crate::args::DemoArgs;
use crate::hints;
use crate::interrupt::{self, EXIT_INTERRUPTED};
use crate::output::{Meter, Output};
use hico::Error;
use hico::demo::{self, Demo, DemoRecipe, Progress, Stage};
use hico::report;
use std::num::NonZeroUsize;
use std::process::ExitCode;

/// `hico demo`: the whole path on phantom clips.
pub(crate) fn run(args: &DemoArgs, threads: Option<NonZeroUsize>, output: &Output) -> anyhow::Result<ExitCode> {
    let recipe = DemoRecipe::small(args.seed)?;
    let stop = interrupt::flag()?;
    let mut shown = Shown { output: *output, meter: None };
    let outcome = demo::demo(&recipe, &args.out, args.device, threads, &mut |news| shown.show(news), &stop);
    shown.end();
    match outcome {
        Ok(demo) => {
            output.result(&demo, words)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(Error::Interrupted) => {
            output.note("interrupted; finished work is kept, and the same command continues");
            Ok(ExitCode::from(EXIT_INTERRUPTED))
        }
        Err(error) => hints::hinted(Err(error), hints::demo),
    }
}

fn words(demo: &Demo) -> String {
    format!(
        "{}\nreport: {}\ndata set: {} (see `hico inspect`)",
        report::study::terminal(&demo.summary),
        demo.report.display(),
        demo.dataset.display()
    )
}

/// One meter a stage.
struct Shown {
    output: Output,
    meter: Option<(Stage, Meter)>,
}

impl Shown {
    fn show(&mut self, Progress { stage, done, total, what }: Progress) {
        if self.meter.as_ref().is_none_or(|(shown, _)| *shown != stage) {
            self.end();
            let (unit, words) = match stage {
                Stage::Phantom => ("clips", "1/3 generating clips of a phantom"),
                Stage::Ingest => ("clips", "2/3 ingesting them, folds by patient"),
                Stage::Evaluate => ("epochs", "3/3 pretraining and fine-tuning within each fold"),
            };
            self.output.note(words);
            self.meter = Some((stage, self.output.meter(unit)));
        }
        if let Some((_, meter)) = &mut self.meter {
            meter.show(done, total, &what);
        }
    }

    fn end(&mut self) {
        if let Some((_, meter)) = self.meter.take() {
            meter.end();
        }
    }
}
