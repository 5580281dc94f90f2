//! A card for people.

use super::{Card, Data, Figures, Row};
use crate::compare::summary::Role;
use hico_model::estimate::Estimate;
use hico_model::export::Target;
use hico_model::export::onnx::{INPUT, OPSET, Part};
use std::fmt::Write as _;

/// The card as Markdown.
pub(super) fn of(card: &Card) -> String {
    let mut text = format!("# {}\n\n{}\n", cell(&card.file), summary(card));
    section(&mut text, "How to use it", &usage(card));
    section(&mut text, "Preprocessing", &preprocessing(card));
    section(&mut text, "Intended use", &line(&card.intended_use));
    section(&mut text, "Limits", &list(&card.limits));
    section(&mut text, "Data", &data(card));
    let figures: Vec<String> = card.evaluations.iter().map(figures).collect();
    let figures = if figures.is_empty() { "None given.".to_owned() } else { figures.join("\n\n") };
    let reached = card.reached.as_ref().map(|reached| format!("{}\n\n", line(&reached.words)));
    section(&mut text, "Figures", &format!("{}{figures}", reached.unwrap_or_default()));
    section(&mut text, "Checked", &checked(card));
    section(&mut text, "Origin", &origin(card));
    if let Some(recipe) = card.recipe.as_ref().and_then(|recipe| toml::to_string(recipe).ok()) {
        section(&mut text, "Recipe", &format!("```toml\n{}\n```", recipe.trim()));
    }
    text
}

fn section(text: &mut String, title: &str, body: &str) {
    // Writing to a string cannot fail.
    write!(text, "\n## {title}\n\n{body}\n").ok();
}

fn summary(card: &Card) -> String {
    let network = &card.network;
    let what = match card.format {
        Target::Hico => "safetensors by hico's names".to_owned(),
        Target::Torchvision => "safetensors by torchvision's names".to_owned(),
        Target::Timm => "safetensors by timm's names".to_owned(),
        Target::Authors => "safetensors by the names of HiCo's authors".to_owned(),
        Target::Onnx(_) => format!("ONNX, opset {OPSET}"),
    };
    format!("{}, {} features; {what}, {}.", network.backbone.title(), network.features, line(&card.source.description))
}

fn usage(card: &Card) -> String {
    let (file, name) = (line(&card.file), card.network.backbone.get().name());
    let has_fc = card.network.tensors.iter().any(|tensor| tensor == "fc.weight");
    let classes = card.network.classes.as_ref().map_or(0, Vec::len);
    let code = match card.format {
        Target::Torchvision if has_fc && classes > 0 => format!(
            "import safetensors.torch, torchvision\nmodel = torchvision.models.{name}(num_classes={classes})\n\
             model.load_state_dict(safetensors.torch.load_file({file:?}))"
        ),
        Target::Torchvision => format!(
            "import safetensors.torch, torchvision\nmodel = torchvision.models.{name}()\n\
             missing, unexpected = model.load_state_dict(safetensors.torch.load_file({file:?}), strict=False)\n\
             assert set(missing) <= {{\"fc.weight\", \"fc.bias\"}} and not unexpected"
        ),
        // What timm's classifier has before it is not ours.
        Target::Timm if card.network.backbone.get().classifier().is_none() => format!(
            "import safetensors.torch, timm\nmodel = timm.create_model({name:?}, num_classes=0)\n\
             missing, unexpected = model.load_state_dict(safetensors.torch.load_file({file:?}), strict=False)\n\
             assert all(name.startswith(\"head.\") for name in missing) and not unexpected"
        ),
        Target::Timm => format!(
            "import safetensors.torch, timm\nmodel = timm.create_model({name:?}, num_classes={})\n\
             model.load_state_dict(safetensors.torch.load_file({file:?}))",
            if has_fc { classes } else { 0 }
        ),
        Target::Authors => format!(
            "import safetensors.torch\nstate = safetensors.torch.load_file({file:?})\n\
             # model.load_state_dict(state), of HiCo's authors' model of the same image size and classes"
        ),
        Target::Hico => {
            return format!("`hico finetune {file} --data DATA --holdout-fold 0 --out OUT`");
        }
        Target::Onnx(part) => format!(
            "import onnxruntime\nsession = onnxruntime.InferenceSession({file:?})\n\
             # {INPUT}: float32 [batch, 3, {side}, {side}]\n{} = session.run(None, {{{INPUT:?}: pictures}})",
            outputs(part),
            side = card.preprocessing.side,
        ),
    };
    let calibrated = card.network.temperature.map_or_else(String::new, |temperature| match card.format {
        Target::Onnx(Part::Classifier) => {
            format!(
                "\n\nThe output `probabilities` is calibrated: it is the softmax of the logits over {temperature:.3}."
            )
        }
        _ => format!(
            "\n\nDivide logits by the temperature {temperature:.3} before the softmax for a calibrated confidence."
        ),
    });
    format!("```python\n{code}\n```{calibrated}")
}

const fn outputs(part: Part) -> &'static str {
    match part {
        Part::Encoder => "(features,)",
        Part::Pyramid => "features, p5, p4, p3, p2",
        Part::Classifier => "logits, probabilities",
    }
}

fn preprocessing(card: &Card) -> String {
    let how = &card.preprocessing;
    let known = if how.known { "" } else { " The weights do not say so: these are hico's defaults." };
    format!(
        "{}; {}, a grey frame as three equal channels; each value divided by 255, minus {}, divided by {}. \
         Image size: {} pixels.{known}",
        how.resize, how.channels, how.mean, how.std, how.side
    )
}

fn data(card: &Card) -> String {
    let licence = card.data_licence.as_deref().map_or_else(|| "not stated".to_owned(), line);
    let Some(Data { hash, role, clips, groups, group_names }) = &card.data else {
        return format!("Not recorded in the weights. Licence: {licence}.");
    };
    let count = |number: &Option<usize>, what: &str| {
        number.map_or_else(|| format!("{what} not recorded"), |number| format!("{number} {what}"))
    };
    let names = if group_names.is_some() { " (named in the JSON beside this file)" } else { "" };
    format!(
        "{role} the data set with the hash `{hash}`: {}, {}{names}. Licence, as its user states it: {licence}.",
        count(clips, "clips"),
        count(groups, "groups"),
    )
}

fn figures(figures: &Figures) -> String {
    let mut lines = vec![
        format!(
            "{} with {} labels. Tested on {} clips of {} patients, which the tested networks did not learn from; per patient, \
             folds {:?}, seeds {:?}, data `{}`. Intervals are 95 %, by patient; where there are too few patients for one, it \
             says why.",
            figures.evaluation,
            figures.labels,
            figures.tested.clips,
            figures.tested.groups,
            figures.folds,
            figures.seeds,
            figures.data
        ),
        String::new(),
        "| what | balanced accuracy | per clip | accuracy | macro F1 | AUC |".to_owned(),
        "| --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    lines.extend(figures.rows.iter().map(|row| {
        let Row { name, role, accuracy, balanced_accuracy, clip_balanced_accuracy, macro_f1, auc } = row;
        let role = if *role == Role::Baseline { " (baseline)" } else { "" };
        let auc = auc.as_ref().map_or_else(|| "-".to_owned(), estimate);
        let of = [balanced_accuracy, clip_balanced_accuracy, accuracy, macro_f1].map(estimate);
        format!("| {}{role} | {} | {auc} |", cell(name), of.join(" | "))
    }));
    if !figures.warnings.is_empty() {
        lines.extend([String::new(), list(&figures.warnings)]);
    }
    lines.join("\n")
}

fn estimate(estimate: &Estimate) -> String {
    let mean = estimate.mean;
    match estimate.interval() {
        Ok([low, high]) => format!("{mean:.3} [{low:.3}, {high:.3}]"),
        Err(why) => format!("{mean:.3} ({})", why.short()),
    }
}

fn checked(card: &Card) -> String {
    let Some(checked) = &card.checked else { return "Not compared with another runtime.".to_owned() };
    let outputs: Vec<String> = checked
        .outputs
        .iter()
        .map(|(name, difference)| format!("{name} {:.1e} (largest value {:.2})", difference.largest, difference.scale))
        .collect();
    format!("{} on {} {}: largest difference {}.", checked.runtime, checked.images, checked.of, outputs.join(", "))
}

fn origin(card: &Card) -> String {
    let source = &card.source;
    let left = if source.left_out.is_empty() {
        String::new()
    } else {
        format!(" {} tensors are not supported by this format and are left out.", source.left_out.len())
    };
    format!(
        "{}.\n\n{} (SHA-256 `{}`): {}.{left} Written by hico {}; SHA-256 of this file `{}`.",
        line(&card.history_in_words),
        line(&source.name),
        source.sha256,
        source.report.words(),
        card.hico,
        card.sha256
    )
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|words| format!("- {}", line(words))).collect::<Vec<_>>().join("\n")
}

/// Words on one line: what a person states cannot begin a heading or a list.
fn line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(words: &str) -> String {
    line(words).replace('|', "\\|")
}
