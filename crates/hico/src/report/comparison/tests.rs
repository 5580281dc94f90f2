//! The page and the Markdown of a small made-up summary.

use super::{markdown, page, terminal};
use crate::compare::ranks::ranks;
use crate::compare::row::Way;
use crate::compare::study::{Budget, Labels};
use crate::compare::summary::{
    Candidate, Choice, Compared, Curve, CurveLine, Entry, EntryScores, Judged, Overtaking, Point, Summary, Table,
};
use crate::evaluate::outcome::{Comparison, Estimate};
use hico_data::Seed;

fn estimate(mean: f64) -> Estimate {
    Estimate { mean, sd: Some(0.02), low: Some(mean - 0.1), high: Some(mean + 0.1), no_interval: None }
}

fn entry(method: &str, mean: Option<f64>) -> Entry {
    let scores = mean.map(|mean| EntryScores {
        balanced_accuracy: estimate(mean),
        frame_balanced_accuracy: mean,
        macro_f1: mean,
        auc: None,
        published: Some(mean + 0.05),
        images: 1200.0,
        seconds: 75.0,
        groups: 6.0,
    });
    Entry {
        method: method.into(),
        asked: method != "unasked",
        seeds: mean.map_or_else(Vec::new, |_| vec![1, 2]),
        scores,
    }
}

fn summary() -> Summary {
    let comparison = Comparison {
        better: "hico".into(),
        baseline: "random".into(),
        difference: Estimate { mean: 0.08, sd: None, low: Some(-0.01), high: Some(0.17), no_interval: None },
        p_value: 0.04,
    };
    let table = |labels, few: f64| Table {
        data: "lung".into(),
        way: Way::Probe,
        labels,
        entries: vec![
            entry("random", Some(0.6 - few)),
            entry("hico", Some(0.7 - few)),
            entry("hico-<b>", None),
            entry("unasked", None),
        ],
        comparisons: vec![Compared { comparison: comparison.clone(), p_holm: 0.08 }],
        ranks: ranks(vec!["random".into(), "hico".into()], &[vec![0.1, 0.2], vec![0.3, 0.2]], Seed(1)),
    };
    let point = |images: f64| Point { images, seconds: images / 100.0, balanced_accuracy: images / 2000.0 };
    Summary {
        title: "Lung <script>".into(),
        version: "0.1.0",
        methods: vec![("random".into(), None), ("hico".into(), None), ("hico-<b>".into(), Some("hico".into()))],
        seeds: vec![1, 2, 3],
        budget: Budget::Images(1200),
        frames_per_clip: 8,
        side: 64,
        data: vec![Judged {
            name: "lung".into(),
            hash: "0123456789abcdef01".into(),
            pretrained_on: "the training groups of each fold".into(),
            classes: vec![("covid".into(), 19, 7), ("regular".into(), 39, 16)],
            folds: vec![0, 1],
        }],
        cells: [5, 9],
        seconds: 900.0,
        tables: vec![table(Labels::All, 0.0), table(Labels::Groups(1), 0.1)],
        curves: vec![Curve {
            data: "lung".into(),
            way: Way::Knn,
            lines: vec![CurveLine { method: "hico".into(), points: vec![point(0.0), point(600.0), point(1200.0)] }],
        }],
        choices: vec![Choice {
            data: "lung".into(),
            labels: Labels::Groups(4),
            places: 2,
            entries: vec![
                Candidate { method: "random".into(), balanced_accuracy: vec![0.5, 0.53], mean: Some(0.515), first: 0 },
                Candidate { method: "hico".into(), balanced_accuracy: vec![0.6, 0.65], mean: Some(0.625), first: 2 },
            ],
        }],
        overtakings: vec![Overtaking {
            data: "lung".into(),
            way: Way::Knn,
            method: "hico".into(),
            mark: "simclr".into(),
            share_of_images: Some(0.5),
            share_of_seconds: None,
        }],
        warnings: vec!["4 cells are not finished".into()],
    }
}

#[test]
fn the_page_shows_every_part_and_no_name_becomes_markup() {
    let page = page(&summary());
    for part in [
        "5 of 9",
        "70.0",
        "+8.0",
        "Holm",
        "never",
        "Ablation",
        "critical difference",
        "labelled patients",
        "+5.0",
        "2 of 3",
        "Choice: lung",
        "62.5",
        "2 of 2",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script>") && !page.contains("hico-<b>") && !page.contains("unasked"));
    let drawings = page.match_indices("<svg viewBox").count();
    assert!(drawings >= 6, "{drawings} drawings");
}

#[test]
fn markdown_and_terminal_say_the_same_figures() {
    for text in [markdown(&summary()), terminal(&summary())] {
        // The terminal's columns are held together by other means.
        let text = text.replace('\u{a0}', " ");
        for part in [
            "70.0 %",
            "60.0 to 80.0 %",
            "hico minus random: +8.0",
            "4 cells are not finished",
            "n/a",
            "62.5 %",
            "53.0 %",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("unasked"), "{text}");
    }
    let text = markdown(&summary());
    let columns: Vec<usize> =
        text.lines().filter(|line| line.starts_with("| ")).map(|line| line.matches('|').count()).collect();
    assert!(columns.iter().all(|count| [11, 7, 6].contains(count)), "{columns:?}");
}
