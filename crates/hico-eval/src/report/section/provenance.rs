//! Where every number comes from: versions, commands, seeds, devices, data, recipes.

use super::{Section, listed};
use crate::report::number::counted;
use crate::report::source::{Pretraining, Sources};
use crate::report::tables::{facts, text};
use hico_model::history::{Groups, PretrainingFacts};
use hico_train::run_record::RunRecord;
use maud::{Markup, html};

/// Groups of a run that are listed.
const GROUPS: usize = 500;

/// The provenance of everything on the page.
pub(crate) fn section(sources: &Sources) -> Section {
    let body = html! {
        p { "This page was made by hico " (env!("CARGO_PKG_VERSION")) "." }
        @for run in sources.studies.iter().flat_map(|found| &found.summary.pretraining) { (begun_with(run)) }
        @for family in &sources.families {
            @for run in &family.runs { (pretraining(run, family.runs.len() == 1 && sources.families.len() == 1)) }
        }
    };
    Section { id: "provenance".to_owned(), title: "Where it comes from".to_owned(), body }
}

/// A run whose weights an evaluation began with, as far as they tell of it.
fn begun_with(run: &PretrainingFacts) -> Markup {
    let groups_of = |groups: &Groups| groups.names.clone().unwrap_or_default();
    let or_none = |word: Option<String>, none: &str| text(word.unwrap_or_else(|| none.to_owned()));
    html! {
        details {
            summary { "Began with the pretraining " (run.run) }
            (facts(&[
                ("version", text(format!("hico {}", run.version))),
                ("method", text(&run.method)),
                ("recipe", or_none(run.recipe.clone(), "the method's own")),
                ("seed", text(run.seed.to_string())),
                ("epochs", text(run.epochs.to_string())),
                ("data", html! { "hash " code { (run.data) } }),
                ("kept out", or_none(run.holdout_fold.map(|fold| format!("fold {fold}")), "no fold")),
                ("began with", or_none(run.init_weights.clone(), "random weights")),
                ("learnt from", text(format!(
                    "{} of {}",
                    counted(run.clips, "clip", "clips"),
                    counted(run.learnt.count, "group", "groups")
                ))),
                ("validation", text(counted(run.validation.count, "group", "groups"))),
            ]))
            (groups("Groups it learnt from", &groups_of(&run.learnt)))
            (groups("Validation groups", &groups_of(&run.validation)))
        }
    }
}

fn pretraining(run: &Pretraining, open: bool) -> Markup {
    html! {
        details open[open] {
            summary { "Pretraining " (run.name) }
            @if let Some(record) = &run.record {
                (facts(&[
                    ("version", text(format!("hico {}", record.version))),
                    ("command", html! { code { (shell_words(&record.command)) } }),
                    ("method", text(word(&record.method))),
                    ("supervision", text(word(&record.supervision))),
                    ("seed", text(record.seed.to_string())),
                    ("device", text(&record.device)),
                    ("data", html! { (record.data.folder.display()) ", " (counted(record.data.clips, "clip", "clips")) ", hash " code { (record.data.hash) } }),
                    ("classes", text(listed(record.classes.iter().map(String::as_str), 100))),
                    ("kept out", text(kept_out(record))),
                    ("learnt from", text(format!(
                        "{} of {}, {} with a label that was used",
                        counted(record.clips.len(), "clip", "clips"),
                        counted(record.groups.len(), "group", "groups"),
                        record.labelled
                    ))),
                    ("validation", text(format!(
                        "{} of {}",
                        counted(record.val_clips.len(), "clip", "clips"),
                        counted(record.val_groups.len(), "group", "groups")
                    ))),
                ]))
                (groups("Groups it learnt from", &record.groups))
                (groups("Validation groups", &record.val_groups))
            } @else {
                p { "No record of this run is left; only its journal." }
            }
            @if let Some(recipe) = &run.recipe {
                details {
                    summary { "Recipe" }
                    pre tabindex="0" { code { (recipe) } }
                }
            }
        }
    }
}

/// What the run never saw: within a study the clips of a fold, which the record of the run does not number.
fn kept_out(record: &RunRecord) -> String {
    let unseen = record.data.clips.saturating_sub(record.clips.len() + record.val_clips.len());
    match (record.holdout_fold, unseen) {
        (Some(fold), _) => format!("fold {fold}, {}", counted(unseen, "clip", "clips")),
        (None, 0) => "none".to_owned(),
        (None, _) => counted(unseen, "clip", "clips"),
    }
}

fn groups(title: &str, groups: &[String]) -> Markup {
    html! {
        @if !groups.is_empty() {
            details {
                summary { (title) " (" (groups.len()) ")" }
                p .names { (listed(groups.iter().map(String::as_str), GROUPS)) }
            }
        }
    }
}

/// A word as it stands in a recipe.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A command as it could be typed.
fn shell_words(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+%@".contains(c);
    let quoted = words.iter().map(|word| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_could_be_typed() {
        let words = ["hico", "pretrain", "my data", "--out", "it's", ""].map(str::to_owned);
        assert_eq!(shell_words(&words), r"hico pretrain 'my data' --out 'it'\''s' ''");
    }

    #[test]
    fn clips_that_a_run_never_saw_are_counted_also_where_no_fold_was_named() {
        let mut record = crate::report::synthetic::record(0);
        record.holdout_fold = None;
        record.data.clips = record.clips.len() + record.val_clips.len();
        assert_eq!(kept_out(&record), "none");
        record.data.clips += 12;
        assert_eq!(kept_out(&record), "12\u{a0}clips");
        record.holdout_fold = Some(2);
        assert_eq!(kept_out(&record), "fold 2, 12\u{a0}clips");
    }
}
