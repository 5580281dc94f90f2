use crate::args::PhantomArgs;
use crate::hints;
use crate::output::Output;
use hico_data::Seed;
use hico_data::phantom::{self, LABELS_FILE, PhantomRecipe};
use std::process::ExitCode;

/// `hico phantom --out DIR`: clips of a lung-ultrasound phantom, as files.
pub(crate) fn run(args: &PhantomArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let recipe = recipe(args)?;
    let written = output.work("phantom", |job| phantom::write_tree(&recipe, &args.out, job))?;
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
    check("devices", args.devices.to_string(), (1..=1_000).contains(&args.devices), "from 1 to 1000")?;
    check("image-size", args.image_size.to_string(), (32..=512).contains(&args.image_size), "from 32 to 512")?;
    check("unlabelled", args.unlabelled.to_string(), (0.0..=1.0).contains(&args.unlabelled), "from 0 to 1")?;
    Ok(PhantomRecipe {
        patients: args.patients,
        devices: args.devices,
        frames: args.frames,
        side: args.image_size,
        seed: Seed(args.seed),
        unlabelled_fraction: args.unlabelled,
        ..PhantomRecipe::default()
    })
}
