//! The page and the Markdown of a small made-up summary.

use super::{markdown, page, terminal};
use crate::compare::answer::EvalMode;
use crate::compare::ranks::ranks;
use crate::compare::study::{Budget, Labels};
use crate::compare::summary::{
    AreaDifference, Candidate, Choice, Compared, Curve, CurveLine, Entry, EntryScores, Judged, Point, RankTable,
    Summary, Table,
};
use crate::evaluate::outcome::{Comparison, Estimate, Metric, Unit, UnitScores};
use hico_data::Seed;

fn estimate(mean: f64) -> Estimate {
    Estimate { mean, sd: Some(0.02), low: Some(mean - 0.1), high: Some(mean + 0.1), ..Estimate::default() }
}

fn unit(mean: f64) -> UnitScores {
    UnitScores {
        count: 20,
        accuracy: estimate(mean),
        balanced_accuracy: estimate(mean),
        macro_f1: estimate(mean),
        auc: Some(estimate(mean + 0.1)),
        log_loss: Some(estimate(1.25)),
        brier: None,
        calibration_error: Some(0.061),
        per_class: Vec::new(),
        confusion: Vec::new(),
        roc: Vec::new(),
    }
}

fn entry(method: &str, mean: Option<f64>) -> Entry {
    let scores = mean.map(|mean| EntryScores {
        patient: unit(mean),
        clip: unit(mean + 0.01),
        frame_balanced_accuracy: mean,
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
        metric: Metric::BalancedAccuracy,
        unit: Unit::Patient,
        difference: Estimate { mean: 0.08, low: Some(-0.01), high: Some(0.17), ..Estimate::default() },
        p_value: 0.25,
        p_groups: Some(0.04),
        p_seeds: Some(0.25),
        differing_groups: 7,
        least_p: 0.25,
        detectable: Some(0.131),
    };
    let table = |labels, few: f64| Table {
        data: "lung".into(),
        evaluation: EvalMode::LinearProbe,
        labels,
        entries: vec![
            entry("random", Some(0.6 - few)),
            entry("hico", Some(0.7 - few)),
            entry("hico-<b>", None),
            entry("unasked", None),
        ],
        comparisons: vec![Compared { comparison: comparison.clone(), p_holm: 0.75 }],
    };
    let point = |images: f64| Point { images, seconds: images / 100.0, value: images / 2000.0 };
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
            evaluation: EvalMode::Knn,
            metric: Metric::BalancedAccuracy,
            lines: vec![CurveLine { method: "hico".into(), points: vec![point(0.0), point(600.0), point(1200.0)] }],
            areas: vec![AreaDifference {
                method: "hico".into(),
                baseline: "simclr".into(),
                difference: Estimate { mean: 0.034, low: Some(-0.02), high: Some(0.09), ..Estimate::default() },
            }],
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
        metric: Metric::BalancedAccuracy,
        tests: 5,
        ranks: ranks(vec!["random".into(), "hico".into()], &[vec![0.1, 0.2], vec![0.3, 0.2]], Seed(1))
            .map(|ranks| RankTable { evaluation: EvalMode::Knn, labels: Labels::All, ranks })
            .into_iter()
            .collect(),
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
        "+3.4 (95\u{a0}% interval",
        "1.250",
        "0.800",
        "6.1\u{a0}%",
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
            "hico minus random: +8.0 points",
            "p = 0.250 (patients 0.040, seeds 0.250), Holm over 5 tests: 0.750",
            "7 patients differ, so p could not be below 0.25",
            "a difference of 13.1 points",
            "0.600 to 0.800",
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
    assert!(columns.iter().all(|count| [14, 6, 5].contains(count)), "{columns:?}");
}
