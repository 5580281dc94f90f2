//! What a study found: sections of a page, and the same tables as Markdown and for the terminal. A cross-validation and the test
//! of one fine-tuned network are studies of one method.

mod choices;
mod glossary;
mod ranks;
mod rows;
mod classes;
mod verdict;
mod folds;
mod tables;
mod curves;
mod words;

pub(super) use glossary::glossary;
pub use words::{markdown, plan, sentences, terminal};

use super::number::{counted, duration, tested};
use super::section::{Section, Severity, alert, listed};
use super::tables::{Row, Table as Grid, facts, text};
use crate::compare::answer::{EvalMode, Evaluation};
use crate::compare::labels::Labels;
use crate::compare::settings::ModelSelection;
use crate::compare::study::Budget;
use crate::compare::summary::{ClassFacts, DataFacts, EntryScores, Role, Summary, Table};
use hico_data::Dataset;
use hico_model::classifier::Trainable;
use maud::{Markup, html};
use std::collections::BTreeSet;
use verdict::{Judgement, Verdict};

/// Tables up to which each method is shown in detail; beyond, those that the verdict is about.
const FEW_TABLES: usize = 4;

/// One study of a page.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) summary: &'a Summary,
    /// Before ids, and after titles, where a page shows several studies.
    pub(super) prefix: &'a str,
    pub(super) suffix: &'a str,
}

impl Part<'_> {
    fn id(&self, of: &str) -> String {
        format!("{}{of}", self.prefix)
    }

    /// - `data`: the data set that the section is about
    fn section(&self, id: &str, title: &str, data: &str, body: Markup) -> Section {
        Section { id: self.id(&format!("{id}-{data}")), title: format!("{title}: {data}{}", self.suffix), body }
    }

    fn tables_of<'s>(&'s self, data: &'s DataFacts) -> Vec<&'s Table> {
        self.summary.tables.iter().filter(|table| table.data == data.name).collect()
    }

    /// Every section of the study, the answer first.
    ///
    /// - `dataset`: where pictures are taken from; without it there are none
    pub(super) fn sections(&self, dataset: Option<&Dataset>) -> Vec<Section> {
        let summary = self.summary;
        let mut sections = vec![self.answer(), self.how()];
        for data in &summary.data {
            let tables = self.tables_of(data);
            sections.push(self.data(data, &tables));
            sections.extend(curves::of_labels(self, data, &tables));
            sections.extend(curves::of_pretraining(self, data));
            sections.extend(tables::ablations(self, data, &tables));
            sections.extend(choices::section(self, data));
            for table in largest_budgets(&tables) {
                sections.extend(classes::sections(self, data, table));
                sections.extend(folds::sections(self, data, table, dataset));
            }
        }
        sections.extend(ranks::section(self));
        sections
    }

    /// The methods of a table that are shown in detail, those first that the verdict is about.
    fn in_detail<'s>(&self, table: &'s Table) -> Vec<Detailed<'s>> {
        let verdict = Verdict::of(table, self.summary);
        let few = self.summary.tables.len() <= FEW_TABLES;
        let with_scores = table.asked().filter_map(|entry| Some((entry, entry.scores.as_ref()?)));
        let mut all: Vec<Detailed<'s>> = with_scores
            .map(|(entry, scores)| Detailed { name: &entry.method, scores, in_focus: verdict.is_about(&entry.method) })
            .filter(|method| few || method.in_focus)
            .collect();
        let rank = |method: &Detailed<'_>| (!method.in_focus, self.role(method.name) == Some(Role::Baseline));
        all.sort_by_key(rank);
        all
    }

    fn role(&self, method: &str) -> Option<Role> {
        self.summary.methods.iter().find(|of| of.name == method).map(|of| of.role)
    }

    /// A method's name as a cell, and what must be known of it.
    fn name(&self, method: &str, contaminated: bool) -> Markup {
        html! {
            (method)
            @if self.role(method) == Some(Role::Baseline) { " " span .tag { "baseline" } }
            @if contaminated { " " span .tag.contaminated { "contaminated" } }
        }
    }

    /// The verdict of every table with the most labels, and everything that calls for care.
    fn answer(&self) -> Section {
        let summary = self.summary;
        let tables = summary.data.iter().flat_map(|data| largest_budgets(&self.tables_of(data)));
        let body = html! {
            @for words in contaminated(summary) { (alert(Severity::Contaminated, &words)) }
            @for table in tables { (answer_of(table, summary)) }
            @for words in &summary.warnings { (alert(Severity::Care, words)) }
        };
        Section { id: self.id("answer"), title: format!("The answer{}", self.suffix), body }
    }

    fn how(&self) -> Section {
        let Summary { origin, evaluation, .. } = self.summary;
        let summary = self.summary;
        let seeds: Vec<String> = summary.seeds.iter().map(u64::to_string).collect();
        let epochs = match evaluation.finetune_epochs {
            Some(epochs) => counted(epochs, "epoch", "epochs"),
            None => counted(evaluation.finetune_steps, "step", "steps"),
        };
        let selection = match evaluation.model_selection {
            ModelSelection::Last => "every training group is learnt from and the last epoch stands".to_owned(),
            ModelSelection::InnerValidation => format!(
                "the epoch is chosen on {} of the training groups, which are not learnt from; where a class has one labelled group, \
                 none is spared and the last epoch stands",
                super::number::percent(evaluation.inner_fraction)
            ),
        };
        let mut rows = vec![
            ("seeds", text(listed(seeds.iter().map(String::as_str), 100))),
            ("pretraining", text(format!("{}, the same for every method", budget(summary.budget)))),
            (
                "images",
                text(format!("{0}x{0} pixels, {1} frames a clip", summary.image_size, evaluation.frames_per_clip)),
            ),
            ("features", text(evaluation.features.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))),
            ("fine-tuning", text(format!("{epochs} of {}; {selection}", trained(evaluation.trainable)))),
            ("strength of probes", text(evaluation.probe_strength.to_string())),
            ("tested figure", text(format!("{} per patient", rows::metric(evaluation.metric)))),
            ("cells", text(format!("{} of {} finished", summary.cells[0], summary.cells[1]))),
            ("time in all", text(duration(summary.seconds))),
            ("version", text(format!("hico {}", summary.version))),
        ];
        let known = [("device", &origin.device), ("finished", &origin.finished)];
        rows.extend(known.into_iter().filter(|(_, fact)| !fact.is_empty()).map(|(name, fact)| (name, text(fact))));
        if !origin.command.is_empty() {
            rows.push(("command", html! { code { (origin.command) } }));
        }
        let body = html! {
            dl .candidates {
                @for method in &summary.methods { div { dt { (self.name(&method.name, false)) } dd { (method.description) } } }
            }
            (facts(&rows))
            p .note {
                "Groups (patients) never cross a fold. A test fold chooses nothing: a probe's strength and a fine-tuning's epochs "
                "are fixed beforehand, or chosen within the training groups where the study says so. "
                "Pretraining that reads labels knows no more of them than its evaluation does."
            }
        };
        Section { id: self.id("how"), title: format!("What was asked{}", self.suffix), body }
    }

    fn data(&self, data: &DataFacts, tables: &[&Table]) -> Section {
        let count = |number: usize| text(super::number::count(number as f64));
        let row = |class: &ClassFacts| Row {
            cells: std::iter::once(text(&class.name))
                .chain([class.tested_groups, class.tested_clips, class.groups, class.clips, class.frames].map(count))
                .collect(),
            class: "",
        };
        let sizes = Grid {
            caption: &format!("Labelled clips of {}: how many were tested, and how many there are", data.name),
            head: vec!["class", "patients tested", "clips tested", "patients", "clips", "frames used"],
            rows: data.classes.iter().map(row).collect(),
            figures_from: 1,
        };
        let folds: Vec<String> = data.folds.iter().map(usize::to_string).collect();
        let rows = [
            ("tested", text(tested(data))),
            ("folds tested", text(folds.join(", "))),
            ("encoders pretrained on", text(&data.pretrained_on)),
            ("hash of its table", html! { code { (data.hash) } }),
        ];
        let body = html! {
            @for table in tables { (tables::scores(self, table)) }
            (facts(&rows))
            (sizes.render())
        };
        Section { id: self.id(&format!("data-{}", data.name)), title: format!("{}{}", data.name, self.suffix), body }
    }
}

/// A method that is shown in detail.
struct Detailed<'a> {
    name: &'a str,
    scores: &'a EntryScores,
    in_focus: bool,
}

/// Of each evaluation the table with the most labels.
fn largest_budgets<'a>(tables: &[&'a Table]) -> Vec<&'a Table> {
    let mut largest: Vec<&Table> = Vec::new();
    for table in tables {
        match largest.iter_mut().find(|of| of.evaluation == table.evaluation) {
            Some(of) if of.labels < table.labels => *of = table,
            Some(_) => {}
            None => largest.push(table),
        }
    }
    largest
}

fn answer_of(table: &Table, summary: &Summary) -> Markup {
    let verdict = Verdict::of(table, summary);
    let (class, word) = match verdict.judgement {
        Judgement::Better => ("good", "Pretraining helps here"),
        Judgement::Worse => ("bad", "Pretraining did not pay here"),
        Judgement::Unclear => ("open", "Not shown"),
        Judgement::NotCompared => ("open", "Not compared"),
        Judgement::Alone => ("open", "Nothing to compare"),
        Judgement::Contaminated => ("bad", "Not to be believed"),
    };
    html! {
        div class=(format!("answer {class}")) {
            p .word { (title(table)) ": " (word) }
            p .sentence { (verdict.sentence()) }
        }
    }
}

/// What says that a method's pretraining saw tested groups, for every method.
fn contaminated(summary: &Summary) -> Vec<String> {
    let of_method = |method: &str| {
        let entries = summary.tables.iter().flat_map(|table| &table.entries).filter(|entry| entry.method == method);
        let groups = entries.filter_map(|entry| entry.scores.as_ref()).flat_map(|scores| scores.seen_groups());
        groups.collect::<BTreeSet<&str>>()
    };
    let words = |method: &str| {
        let groups = of_method(method);
        let number = counted(groups.len(), "group", "groups");
        let listed = listed(groups.iter().copied(), 12);
        (!groups.is_empty()).then(|| {
            format!("{method}: its pretraining saw {number} that it is tested on ({listed}), so its figures may be far too good.")
        })
    };
    summary.methods.iter().filter_map(|method| words(&method.name)).collect()
}

/// The data set, evaluation and label budget of a table.
fn title(table: &Table) -> String {
    format!("{}: {}, {}", table.data, evaluation(table.evaluation), labels(table.labels))
}

/// An evaluation in words.
fn evaluation(Evaluation { mode, features }: Evaluation) -> String {
    let mode = match mode {
        EvalMode::Knn => "nearest neighbours",
        EvalMode::LinearProbe => "linear probe",
        EvalMode::Finetune => "fine-tuning",
        EvalMode::Inner => "probe within the training groups",
        EvalMode::Baseline => "baseline",
    };
    features.map_or_else(|| mode.to_owned(), |features| format!("{mode} of {features}"))
}

/// A label budget in words.
fn labels(labels: Labels) -> String {
    match labels {
        Labels::All => "all labels".to_owned(),
        Labels::Groups(1) => "labels of 1 patient a class".to_owned(),
        Labels::Groups(groups) => format!("labels of {groups} patients a class"),
        Labels::Thousandths(share) => format!("labels of {} % of the patients a class", f64::from(share) / 10.0),
    }
}

const fn trained(trainable: Trainable) -> &'static str {
    match trainable {
        Trainable::Head => "the head on the frozen encoder",
        Trainable::LastBlock => "the last block, the top layer and the head",
        Trainable::All => "the whole backbone and the head",
    }
}

/// A budget in words.
fn budget(budget: Budget) -> String {
    match budget {
        Budget::Steps(steps) => format!("about {} of pretraining", counted(steps as usize, "step", "steps")),
        Budget::Images(images) => format!("about {} seen in pretraining", counted(images as usize, "image", "images")),
        Budget::Recipe => "the epochs of each recipe".to_owned(),
        Budget::Seconds(seconds) => format!("{} of pretraining", duration(seconds)),
    }
}

#[cfg(test)]
mod tests;
