//! Pairs of clips that show the same, side by side.

use crate::report::number::counted;
use crate::report::section::Section;
use crate::report::tables::{Row, Table, text};
use crate::report::thumbnail::picture;
use hico_data::audit::{ClipRef, Corpus, Findings, Kind, Pair, Relation};
use maud::{Markup, html};

/// Longest side of a picture, pixels.
const SIDE: u32 = 200;

/// Pairs that are shown with pictures, in each section; all are in the JSON.
const SHOWN: usize = 120;

/// Pairs of one group are many and harmless: fewer are shown.
const SHOWN_WITHIN: usize = 24;

/// Pairs on two sides of something.
pub(super) fn across(findings: &Findings, corpus: &Corpus<'_>) -> Option<Section> {
    let of =
        |relation: Relation| findings.pairs.iter().filter(move |pair| pair.relation == relation).collect::<Vec<_>>();
    let kinds = [
        (of(Relation::AcrossDataSets), "In two data sets", "What is learnt on one of them is known on the other."),
        (of(Relation::AcrossFolds), "In two folds", "A leak: what is learnt in one fold is tested in another."),
        (of(Relation::AcrossGroups), "In two groups", "The next split may put them into two folds: merge the groups."),
    ];
    let count: usize = kinds.iter().map(|(pairs, ..)| pairs.len()).sum();
    (count > 0).then(|| Section {
        id: "pairs".to_owned(),
        title: "The same in two folds".to_owned(),
        body: html! {
            @for (pairs, title, meaning) in kinds.iter().filter(|(pairs, ..)| !pairs.is_empty()) {
                h3 { (title) ": " (counted(pairs.len(), "pair", "pairs")) }
                p { (meaning) }
                (list(pairs, SHOWN, findings, corpus))
            }
        },
    })
}

/// Pairs with two labels.
pub(super) fn clashes(findings: &Findings, corpus: &Corpus<'_>) -> Option<Section> {
    let pairs: Vec<&Pair> = findings.pairs.iter().filter(|pair| pair.label_clash).collect();
    (!pairs.is_empty()).then(|| Section {
        id: "clashes".to_owned(),
        title: "The same with two labels".to_owned(),
        body: html! {
            p { "One of the two labels is wrong, or the label is not in the picture." }
            (list(&pairs, SHOWN, findings, corpus))
        },
    })
}

/// Pairs in one group.
pub(super) fn within(findings: &Findings, corpus: &Corpus<'_>) -> Option<Section> {
    let pairs: Vec<&Pair> = findings.pairs.iter().filter(|pair| pair.relation == Relation::WithinGroup).collect();
    (!pairs.is_empty()).then(|| Section {
        id: "within".to_owned(),
        title: "Copies within one group".to_owned(),
        body: html! {
            p {
                (counted(pairs.len(), "pair", "pairs")) ". They harm no split, but weigh double in training and in "
                "every figure."
            }
            details {
                summary { "Show the pairs" }
                (list(&pairs, SHOWN_WITHIN, findings, corpus))
            }
        },
    })
}

/// The most alike pairs that were not called the same.
pub(super) fn nearest(findings: &Findings, corpus: &Corpus<'_>) -> Option<Section> {
    let pairs: Vec<&Pair> = findings.nearest_others.iter().collect();
    (!pairs.is_empty()).then(|| Section {
        id: "nearest".to_owned(),
        title: "Below the threshold".to_owned(),
        body: html! {
            p {
                "The most alike clips of different groups that lie below the thresholds. If you see the same in them, "
                "lower " code { "--same-view" } "."
            }
            details {
                summary { "Show the pairs" }
                (list(&pairs, SHOWN, findings, corpus))
            }
        },
    })
}

/// Pairs with pictures, and a table of those for which there is no room.
fn list(pairs: &[&Pair], most: usize, findings: &Findings, corpus: &Corpus<'_>) -> Markup {
    let rest = pairs.get(most..).unwrap_or_default();
    html! {
        ul .pairs {
            @for pair in pairs.iter().take(most) { (shown(pair, findings, corpus)) }
        }
        @if !rest.is_empty() {
            details {
                summary { (counted(rest.len(), "more pair", "more pairs")) }
                (table(rest))
            }
        }
    }
}

fn shown(pair: &Pair, findings: &Findings, corpus: &Corpus<'_>) -> Markup {
    let [first, second] = pair.likeness.frames;
    html! {
        li .pair {
            h4 { (what(pair)) }
            div .sides {
                (side(&pair.first, first, findings, corpus))
                (side(&pair.second, second, findings, corpus))
            }
            p .note { (figures(pair)) }
        }
    }
}

fn side(clip: &ClipRef, frame: usize, findings: &Findings, corpus: &Corpus<'_>) -> Markup {
    let dataset = corpus.datasets().get(clip.dataset).map(|(_, dataset)| dataset);
    let frame_there = dataset.and_then(|dataset| dataset.read_frame(clip.index, frame).ok());
    let address = frame_there.and_then(|frame| picture(frame, SIDE));
    let label = clip.label.as_deref().unwrap_or("no label");
    html! {
        figure {
            @if let Some(address) = address {
                img src=(address) alt=(format!("Frame {frame} of clip {}, {label}", clip.clip));
            } @else {
                p .note { "no picture" }
            }
            figcaption {
                b { (label) } br; (clip.clip) br;
                "group " (clip.group)
                @if let Some(fold) = clip.fold { ", fold " (fold) }
                @if findings.datasets.len() > 1 { br; "in " (findings.datasets[clip.dataset].name) }
            }
        }
    }
}

/// What two clips have in common, in a few words.
fn what(pair: &Pair) -> String {
    let kind = match (pair.same_file, pair.kind) {
        (true, _) => "Same file",
        (false, Kind::Copy) => "Copy",
        (false, Kind::SameView) => "Same view",
    };
    let mirrored = if pair.likeness.mirrored { ", mirrored" } else { "" };
    let parts = [pair.likeness.part_of_first, pair.likeness.part_of_second].concat();
    let cropped = if parts.iter().any(|part| *part < 1.0) { ", cropped" } else { "" };
    let clash = if pair.label_clash { ", two labels" } else { "" };
    format!("{kind}{mirrored}{cropped}{clash}")
}

fn figures(pair: &Pair) -> String {
    let likeness = &pair.likeness;
    format!("found {:.2}, agree {:.2}; {} of 256 bits differ", likeness.contained, likeness.agreement, pair.distance)
}

fn table(pairs: &[&Pair]) -> Markup {
    let label = |clip: &ClipRef| clip.label.clone().unwrap_or_default();
    let row = |pair: &&Pair| Row {
        cells: vec![
            text(&pair.first.clip),
            text(&pair.second.clip),
            text(format!("{} / {}", label(&pair.first), label(&pair.second))),
            text(what(pair)),
            text(figures(pair)),
        ],
        class: "",
    };
    let head = vec!["clip", "other clip", "labels", "what", "figures"];
    Table { caption: "Pairs without pictures", head, rows: pairs.iter().map(row).collect(), figures_from: 5 }.render()
}
