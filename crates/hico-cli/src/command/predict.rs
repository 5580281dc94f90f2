use super::taking::{each_clip, exit_code, hinted};
use crate::args::{PerArg, PredictArgs};
use crate::output::Output;
use hico_model::Error;
use hico_model::history::Reached;
use hico_model::predict::clip::{Asking, ClipAnswer, FrameAnswer, NamedClip};
use hico_model::predict::ensemble::Ensemble;
use hico_model::predict::model::Model;
use std::process::ExitCode;
use std::time::Instant;

/// What was looked at so far.
#[derive(Default)]
struct Done {
    clips: usize,
    frames: usize,
    seconds: f64,
}

/// `hico predict MODEL FILE|DIR...`: classes of clips that nobody labelled.
pub(crate) fn run(args: &PredictArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let device = args.taking.device.open()?;
    let networks = hinted(Ensemble::open(&args.model, &device).map_err(Into::into))?;
    let model = networks.first();
    let reached = networks.reached();
    output.note(&reached.words);
    if let Some(warning) = &reached.warning {
        output.warning(warning);
    }
    if !networks.is_calibrated() {
        output.note("confidence is not calibrated: no validation patients were held out from the fine-tuning");
    }
    if !output.is_json() {
        output.text(&heads(args.per, model.classes()));
    }
    let mut done = Done::default();
    let preprocessing = model.saved.facts.preprocessing;
    let refused = output.work("predict", |job| {
        let asking = Asking { frame_stride: args.frame_stride.get(), job };
        each_clip(&args.sources, preprocessing, &args.taking, job, output, |clip| {
            Ok(answer(&networks, clip, asking, args.per, &reached, &mut done, output)?)
        })
    })??;
    output.note(&said(&done));
    Ok(exit_code(refused, done.clips))
}

fn said(done: &Done) -> String {
    let many = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let rate = match done.frames {
        0 => String::new(),
        frames => format!("; {:.0} frames a second once decoded", frames as f64 / done.seconds.max(1e-9)),
    };
    let (clips, frames) = (many(done.clips, "clip"), many(done.frames, "frame"));
    format!("{clips}, {frames}{rate}. A research tool; not for diagnosis.")
}

/// Asks about a clip.
fn answer(
    networks: &Ensemble,
    clip: NamedClip<'_>,
    asking: Asking<'_>,
    per: PerArg,
    reached: &Reached,
    done: &mut Done,
    output: &Output,
) -> Result<(), Error> {
    let began = Instant::now();
    let answer = networks.ask(clip, asking, |answer| {
        if per == PerArg::Frame {
            frame(clip.source, answer, networks.first(), reached, output);
        }
    })?;
    done.seconds += began.elapsed().as_secs_f64();
    done.clips += 1;
    done.frames += answer.frames;
    if per == PerArg::Clip {
        whole(&answer, reached, output);
    }
    Ok(())
}

const SOURCE: usize = 36;
const CLASS: usize = 16;

fn heads(per: PerArg, classes: &[String]) -> String {
    match per {
        PerArg::Clip => {
            format!(
                "{:<SOURCE$}  {:>6}  {:<CLASS$}  {:>10}  {:>9}  distribution",
                "clip", "frames", "prediction", "confidence", "ood_score"
            )
        }
        PerArg::Frame => {
            let classes = classes.iter().map(|class| format!("{:>CLASS$}", short(class, CLASS))).collect::<String>();
            format!("{:<SOURCE$}  {:>6}  {:>8}{classes}  ood_score", "clip", "frame", "seconds")
        }
    }
}

fn whole(answer: &ClipAnswer, reached: &Reached, output: &Output) {
    #[derive(serde::Serialize)]
    struct Named<'a> {
        #[serde(flatten)]
        answer: &'a ClipAnswer,
        network: &'a Reached,
    }
    if output.is_json() {
        return line(&Named { answer, network: reached }, output);
    }
    let (score, distribution) = match answer.ood {
        None => ("n/a".to_owned(), "not measured".to_owned()),
        Some(found) if found.out_of_distribution => {
            (format!("{:.2}", found.ood_score), format!("OUT-OF-DISTRIBUTION: above the threshold {}", found.threshold))
        }
        Some(found) => (format!("{:.2}", found.ood_score), "in-distribution".to_owned()),
    };
    output.text(&format!(
        "{:<SOURCE$}  {:>6}  {:<CLASS$}  {:>8.1} %  {score:>9}  {distribution}",
        short(&answer.source, SOURCE),
        answer.frames,
        short(&answer.prediction, CLASS),
        answer.confidence * 100.0,
    ));
}

fn frame(source: &str, answer: &FrameAnswer, model: &Model, reached: &Reached, output: &Output) {
    #[derive(serde::Serialize)]
    struct Named<'a> {
        source: &'a str,
        classes: &'a [String],
        #[serde(flatten)]
        answer: &'a FrameAnswer,
        network: &'a Reached,
    }
    if output.is_json() {
        return line(&Named { source, classes: model.classes(), answer, network: reached }, output);
    }
    let seconds = answer.seconds.map_or_else(|| "n/a".to_owned(), |seconds| format!("{seconds:.2}"));
    let probabilities = answer.probabilities.values().iter().map(|p| format!("{:>w$.1} %", p * 100.0, w = CLASS - 2));
    let probabilities = probabilities.collect::<String>();
    let score = answer.ood_score.map_or_else(|| "n/a".to_owned(), |score| format!("{score:.2}"));
    output.text(&format!(
        "{:<SOURCE$}  {:>6}  {seconds:>8}{probabilities}  {score}",
        short(source, SOURCE),
        answer.frame
    ));
}

/// One line of JSON.
fn line(value: &impl serde::Serialize, output: &Output) {
    match serde_json::to_string(value) {
        Ok(text) => output.text(&text),
        Err(error) => output.warning(&error.to_string()),
    }
}

/// The end of a text that is too long for its column, which tells more of a path than its beginning.
fn short(text: &str, most: usize) -> String {
    let letters = text.chars().count();
    if letters <= most {
        text.to_owned()
    } else {
        format!("…{}", text.chars().skip(letters - most + 1).collect::<String>())
    }
}
