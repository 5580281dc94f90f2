use super::taking::{each_clip, exit_code, hinted};
use crate::args::ExplainArgs;
use crate::output::{HintExt as _, Output};
use anyhow::Context as _;
use hico_data::clip::evenly_spaced;
use hico_data::{Job, atomic};
use hico_eval::report;
use hico_model::explain::cam::Level;
use hico_model::explain::clip::{Explanation, explain};
use hico_model::explain::film::film;
use hico_model::explain::picture::{gif, png, row, sheet};
use hico_model::predict::clip::NamedClip;
use hico_model::predict::model::Model;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Frames of an animation, at most.
const ANIMATION: usize = 48;

/// Names of the pictures of a frame.
const PICTURES: [&str; 5] = ["frame", "local", "medium", "global", "occlusion"];

/// An explanation and where its pictures are.
#[derive(Serialize)]
struct Written {
    folder: PathBuf,
    #[serde(flatten)]
    explanation: Explanation,
}

/// `hico explain MODEL FILE|DIR... --out OUT`: where the network looks.
pub(crate) fn run(args: &ExplainArgs, output: &Output) -> anyhow::Result<ExitCode> {
    if args.out.exists() {
        return Err(anyhow::anyhow!("{}: exists", args.out.display())).hint(|| "choose another --out".to_owned());
    }
    let device = args.taking.device.open()?;
    let model = hinted(Model::open(&args.model, &device).map_err(Into::into))?;
    let class = args.class.as_ref().map(|class| class_of(class, &model)).transpose()?;
    let mut written = Vec::new();
    let preprocessing = model.saved.facts.preprocessing;
    let refused = output.work("explain", |job| {
        each_clip(&args.sources, preprocessing, &args.taking, job, output, |clip| {
            let folder = args.out.join(folder_name(written.len(), clip.source));
            let explanation = one(&model, clip, class, args, &folder, job)?;
            written.push(Written { folder, explanation });
            Ok(())
        })
    })??;
    output.result(&written, |written| written.iter().map(words).collect::<Vec<_>>().join("\n"))?;
    Ok(exit_code(refused, written.len()))
}

fn class_of(name: &str, model: &Model) -> anyhow::Result<usize> {
    let place = model.classes().iter().position(|class| class == name);
    place
        .with_context(|| format!("there is no class {name:?}"))
        .hint(|| format!("the classes are {}", model.classes().join(", ")))
}

/// The clip's number and the last part of its name, without what a folder's name may not hold.
fn folder_name(number: usize, source: &str) -> String {
    let last = source.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |letter: char| if letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '_' };
    format!("{:03}-{}", number + 1, last.chars().map(plain).take(60).collect::<String>())
}

/// Explains one clip and writes all of it.
fn one(
    model: &Model,
    named: NamedClip<'_>,
    class: Option<usize>,
    args: &ExplainArgs,
    folder: &Path,
    job: Job<'_>,
) -> anyhow::Result<Explanation> {
    let chosen = evenly_spaced(named.dataset.row(named.clip).frames, args.frames.get());
    let (explanation, frames) = explain(model, named, class, chosen, job)?;
    let rows: Vec<_> = frames.iter().map(row).collect();
    let mut files: Vec<(String, Vec<u8>)> = vec![("sheet.png".to_owned(), png(&sheet(&rows))?)];
    let mut pictures = Vec::new();
    for (frame, row) in frames.iter().zip(&rows) {
        let mut bytes: [Vec<u8>; 5] = Default::default();
        for ((bytes, picture), name) in bytes.iter_mut().zip(row).zip(PICTURES) {
            *bytes = png(picture)?;
            files.push((format!("{:05}-{name}.png", frame.frame), bytes.clone()));
        }
        pictures.push(bytes);
    }
    files.push(("explanation.json".to_owned(), serde_json::to_vec_pretty(&explanation)?));
    files.push((
        "explanation.html".to_owned(),
        report::explanation::page(&explanation, &frames, &pictures).into_bytes(),
    ));
    if args.gif {
        let class = class_of(&explanation.class, model)?;
        let (pictures, seconds) = film(model, named, class, ANIMATION, job)?;
        files.push(("animation.gif".to_owned(), gif(&pictures, seconds)?));
    }
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (name, bytes) in files {
        let path = folder.join(name);
        atomic::write(&path, &bytes).with_context(|| path.display().to_string())?;
    }
    Ok(explanation)
}

fn words(written: &Written) -> String {
    let Written { folder, explanation } = written;
    let figure = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.2}"));
    let levels = Level::ALL.map(|level| {
        let of = |all: &std::collections::BTreeMap<&str, Option<f64>>| figure(all.get(level.word()).copied().flatten());
        let (occlusion, random) = (of(&explanation.agrees_with_occlusion), of(&explanation.like_random_weights));
        format!("  {:<8} rank correlation {occlusion:>6} with occlusion, {random:>6} with random weights", level.word())
    });
    format!(
        "{}: {} {:.1} %; {}\n{}",
        explanation.source,
        explanation.class,
        explanation.probability * 100.0,
        folder.join("explanation.html").display(),
        levels.join("\n")
    )
}
