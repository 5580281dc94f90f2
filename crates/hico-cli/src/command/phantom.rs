use crate::args::PhantomArgs;
use crate::output::Output;
use crate::{hints, interrupt};
use hico_data::phantom::{self, LABELS_FILE, PhantomRecipe};
use hico_data::{Error, Seed};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

/// `hico phantom --out DIR`: clips of a lung-ultrasound phantom, as files.
pub(crate) fn run(args: &PhantomArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let recipe = recipe(args)?;
    let stop = interrupt::flag()?;
    let bar = output.progress(phantom::count_clips(&recipe) as u64, "phantom");
    let written = phantom::write_tree(&recipe, &args.out, &|| {
        bar.inc(1);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    if matches!(written, Err(Error::Interrupted)) {
        output.note("interrupted; remove the folder and run it again");
        return Ok(ExitCode::from(interrupt::EXIT_INTERRUPTED));
    }
    let written = hints::hinted(written, hints::phantom)?;
    output.result(&written, |written| {
        format!(
            "{}: {} clips of {} patients, {} frames, {} clips without a label; labels in {LABELS_FILE}",
            args.out.display(),
            written.clips,
            written.patients,
            written.frames,
            written.unlabelled
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

fn recipe(args: &PhantomArgs) -> anyhow::Result<PhantomRecipe> {
    let check = |flag: &str, value: String, holds: bool, expected: &str| {
        anyhow::ensure!(holds, "--{flag} {value}: must be {expected}");
        Ok(())
    };
    check("patients", args.patients.to_string(), (1..=100_000).contains(&args.patients), "from 1 to 100000")?;
    check("frames", args.frames.to_string(), (1..=1_000).contains(&args.frames), "from 1 to 1000")?;
    check("image-size", args.image_size.to_string(), (32..=512).contains(&args.image_size), "from 32 to 512")?;
    check("unlabelled", args.unlabelled.to_string(), (0.0..=1.0).contains(&args.unlabelled), "from 0 to 1")?;
    Ok(PhantomRecipe {
        patients: args.patients,
        frames: args.frames,
        side: args.image_size,
        seed: Seed(args.seed),
        unlabelled_fraction: args.unlabelled,
        ..PhantomRecipe::default()
    })
}
