//! What was found, in words and tables.

use crate::confounds::{ConfoundScore, Confounds};
use crate::report::number::{count, counted, percent};
use crate::report::section::{Section, Severity, alert, listed};
use crate::report::tables::{Row, Table, text};
use crate::report::thumbnail::picture;
use hico_data::audit::remedy::Remedy;
use hico_data::audit::sides::{Border, Unit};
use hico_data::audit::{Corpus, Findings, Relation};
use maud::{Markup, html};

/// Names that a sentence lists.
const LISTED: usize = 12;

/// Rows of a table, at most; all are in the JSON.
const ROWS: usize = 200;

/// The answer: what spoils a study, and what might.
pub(super) fn summary(findings: &Findings, confounds: Result<&Confounds, &str>) -> Section {
    let leaks = findings.leaks();
    let told: Vec<&str> = confounds.map_or_else(
        |_| Vec::new(),
        |confounds| {
            confounds
                .things
                .iter()
                .filter(|thing| thing.score.tells(confounds.chance))
                .map(|thing| thing.name)
                .collect()
        },
    );
    let within = findings.pairs.iter().filter(|pair| pair.relation == Relation::WithinGroup).count();
    let (class, word) = if leaks.is_empty() { ("answer good", "No leak found") } else { ("answer bad", "Leaks found") };
    let body = html! {
        div class=(class) {
            p .word { (word) }
            @if leaks.is_empty() {
                p .sentence { "Nothing stands in two folds, and no picture has two labels." }
            } @else {
                ul { @for leak in &leaks { li .sentence { (leak) } } }
            }
        }
        @if !told.is_empty() {
            (alert(Severity::Care, &format!("the label can be predicted from {} alone; see Confounders.", told.join(", "))))
        }
        @if within > 0 { p { (counted(within, "pair", "pairs")) " of copies within one group." } }
        @if !findings.mixed_groups.is_empty() {
            p {
                (counted(findings.mixed_groups.len(), "group holds", "groups hold")) " clips of several labels: "
                (listed(findings.mixed_groups.iter().map(|mixed| mixed.group.as_str()), LISTED)) "."
            }
        }
        @if !findings.unreadable.is_empty() {
            (alert(Severity::Care, &format!(
                "{} could not be read: {}",
                counted(findings.unreadable.len(), "clip", "clips"),
                listed(findings.unreadable.iter().map(|unread| unread.clip.clip.as_str()), LISTED)
            )))
        }
    };
    Section { id: "summary".to_owned(), title: "Summary".to_owned(), body }
}

/// Groups, patients and files on two sides.
pub(super) fn sides(findings: &Findings) -> Option<Section> {
    let row = |crossing: &hico_data::audit::sides::Crossing| Row {
        cells: vec![
            text(&crossing.name),
            text(unit(crossing.unit)),
            text(border(crossing.border)),
            text(listed(crossing.places.iter().map(String::as_str), LISTED)),
            text(count(crossing.clips as f64)),
        ],
        class: if crossing.leaks() { "contaminated" } else { "" },
    };
    let rows: Vec<Row> = findings.crossings.iter().take(ROWS).map(row).collect();
    let head = vec!["name", "is a", "stands in", "which", "clips"];
    let table = Table { caption: "By name", head, rows, figures_from: 4 };
    (!findings.crossings.is_empty()).then(|| Section {
        id: "sides".to_owned(),
        title: "Names in two folds".to_owned(),
        body: html! {
            (table.render())
            @if findings.crossings.len() > ROWS {
                p .note { "The first " (ROWS) " of " (findings.crossings.len()) "." }
            }
            p .note {
                "Names are compared as written: two data sets that both count patients from 1 seem to have them in common."
            }
        },
    })
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Group => "group",
        Unit::Patient => "patient",
        Unit::File => "file",
    }
}

fn border(border: Border) -> &'static str {
    match border {
        Border::Folds => "several folds",
        Border::Groups => "several groups",
        Border::DataSets => "both data sets",
    }
}

/// How well the label is told without looking.
pub(super) fn confounds(confounds: Result<&Confounds, &str>) -> Section {
    let body = match confounds {
        Ok(confounds) => confound_table(confounds),
        Err(why) => html! { p { "Not measured: " (why) "." } },
    };
    Section { id: "confounds".to_owned(), title: "Confounders".to_owned(), body }
}

fn confound_table(confounds: &Confounds) -> Markup {
    let row = |name: &str, what: &str, score: &ConfoundScore, class| Row {
        cells: vec![
            html! { (name) span .interval { (what) } },
            html! {
                span .value { (percent(score.balanced_accuracy)) }
                span .interval { (percent(score.interval[0])) " to " (percent(score.interval[1])) }
            },
            text(percent(score.accuracy)),
            text(if score.tells(confounds.chance) { "yes" } else { "no" }),
        ],
        class,
    };
    let things = confounds.things.iter().map(|thing| row(thing.name, thing.what, &thing.score, ""));
    let baselines = [
        row("all of them", "everything above together", &confounds.together, "best"),
        row("largest class", "always the same class", &confounds.majority, "baseline"),
        row("thumbnail", "nearest neighbours of 16x16 grey pixels", &confounds.thumbnails, "baseline"),
    ];
    let table = Table {
        caption: "The label, predicted from one thing alone, per clip",
        head: vec!["predicted from", "balanced accuracy", "accuracy", "above chance"],
        rows: things.chain(baselines).collect(),
        figures_from: 1,
    };
    html! {
        p {
            "What a classifier reaches that knows one thing of a clip, and nothing of what it "
            "shows. An encoder that does no better may have learnt "
            "just that. Trained and tested on "
            (counted(confounds.clips, "clip", "clips")) " of " (counted(confounds.groups, "group", "groups"))
            " over " (confounds.folds)
            @if confounds.own_folds { " folds of the data set" } @else { " folds made for this" }
            "; who guesses reaches " (percent(confounds.chance)) ". Intervals are 95 %, by bootstrap over groups."
        }
        (table.render())
        p .note {
            "Classes: " (confounds.classes.join(", ")) "."
            @if !confounds.left_out.is_empty() { " In too few groups: " (confounds.left_out.join(", ")) "." }
            @if !confounds.naming_words.is_empty() {
                " Words of paths that name a class were left out: "
                "" (listed(confounds.naming_words.iter().map(String::as_str), LISTED)) "."
            }
        }
    }
}

/// Clips that teach little.
pub(super) fn faults(findings: &Findings, corpus: &Corpus<'_>) -> Option<Section> {
    let row = |faulty: &hico_data::audit::FaultyClip| {
        let quality = &faulty.quality;
        let dataset = corpus.datasets().first().map(|(_, dataset)| dataset);
        let frame =
            dataset.and_then(|data| data.read_frame(faulty.clip.index, data.row(faulty.clip.index).frames / 2).ok());
        let address = frame.and_then(|frame| picture(frame, 84));
        Row {
            cells: vec![
                text(&faulty.clip.clip),
                text(faulty.fault.name()),
                text(percent(quality.blank.into())),
                text(quality.motion.map_or_else(|| "n/a".to_owned(), |motion| format!("{motion:.2}"))),
                text(percent(quality.saturated.into())),
                html! {
                    @if let Some(address) = address {
                        img .small src=(address) alt=(format!("Middle frame of {}", faulty.clip.clip));
                    }
                },
            ],
            class: "",
        }
    };
    let head = vec!["clip", "is", "blank frames", "motion, grey levels", "saturated", "middle frame"];
    let rows = findings.faults.iter().take(ROWS).map(row).collect();
    let table = Table { caption: "Blank, static and saturated clips", head, rows, figures_from: 2 };
    (!findings.faults.is_empty()).then(|| Section {
        id: "faults".to_owned(),
        title: "Clips that teach little".to_owned(),
        body: table.render(),
    })
}

/// What `--fix` proposes.
pub(super) fn remedy(findings: &Findings, remedy: &Remedy) -> Option<Section> {
    if remedy.merged.is_empty() && remedy.excluded.is_empty() {
        return None;
    }
    let merged = remedy.merged.iter().map(|(leader, groups)| Row {
        cells: vec![text(leader), text(listed(groups.iter().map(String::as_str), ROWS))],
        class: "",
    });
    let excluded = remedy.excluded.iter().take(ROWS).map(|it| Row {
        cells: vec![text(&it.clip), text(it.reason.name()), text(it.other.clone().unwrap_or_default())],
        class: "",
    });
    let merged =
        Table { caption: "Groups to merge", head: vec!["becomes", "made of"], rows: merged.collect(), figures_from: 2 };
    let excluded = Table {
        caption: "Clips to leave out",
        head: vec!["clip", "why", "other clip"],
        rows: excluded.collect(),
        figures_from: 3,
    };
    let name = findings.datasets.first().map_or("DATASET", |facts| facts.name.as_str());
    let body = html! {
        p {
            code { "hico audit " (name) " --fix" } " writes these as tables inside the data set, for you to read "
            "and change; "
            code { "hico audit " (name) " --apply" } " puts them into effect and keeps the old table. No frame is "
            "deleted."
        }
        @if !merged.rows.is_empty() { (merged.render()) }
        @if !excluded.rows.is_empty() { (excluded.render()) }
        @if remedy.excluded.len() > ROWS { p .note { "The first " (ROWS) " of " (remedy.excluded.len()) "." } }
    };
    Some(Section { id: "remedy".to_owned(), title: "Remedies".to_owned(), body })
}

/// Clips and groups of every class.
pub(super) fn counts(findings: &Findings) -> Section {
    let tables = findings.datasets.iter().map(|facts| {
        let row = |class: &hico_data::inspect::ClassFacts| Row {
            cells: vec![
                text(class.class.as_deref().unwrap_or("(unlabelled)")),
                text(count(class.groups as f64)),
                text(count(class.clips as f64)),
                text(count(class.frames as f64)),
            ],
            class: "",
        };
        let caption = format!(
            "{}: {} in {}, {}",
            facts.name,
            counted(facts.clips, "clip", "clips"),
            counted(facts.groups, "group", "groups"),
            counted(facts.folds, "fold", "folds")
        );
        let head = vec!["class", "groups", "clips", "frames"];
        Table { caption: &caption, head, rows: facts.classes.iter().map(row).collect(), figures_from: 1 }.render()
    });
    let mixed = findings.mixed_groups.iter().take(ROWS).map(|mixed| {
        let labels: Vec<String> = mixed.labels.iter().map(|(label, clips)| format!("{label} {clips}")).collect();
        Row { cells: vec![text(&mixed.group), text(labels.join(", "))], class: "" }
    });
    let mixed = Table {
        caption: "Groups of several labels",
        head: vec!["group", "labels"],
        rows: mixed.collect(),
        figures_from: 2,
    };
    let body = html! {
        @for table in tables { (table) }
        @if !mixed.rows.is_empty() { (mixed.render()) }
    };
    Section { id: "counts".to_owned(), title: "Counts".to_owned(), body }
}
