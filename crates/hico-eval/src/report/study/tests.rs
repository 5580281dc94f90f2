//! The page and the Markdown of a small made-up summary.

use super::verdict::{Judgement, Verdict};
use super::{markdown, terminal};
use crate::compare::answer::EvalMode;
use crate::compare::labels::Labels;
use crate::compare::ranks::ranks;
use crate::compare::strata::Stratum;
use crate::compare::study::{Budget, EvaluationSettings};
use crate::compare::summary::{
    AreaDifference, Candidate, Choice, ClassFacts, Compared, Coverage, Curve, CurveLine, DataFacts, EntryScores,
    MethodEntry, MethodFacts, Origin, Point, RankTable, Role, Summary, Table,
};
use crate::outcome::{Comparison, Metric, Scores, Unit, UnitScores};
use crate::report::{page_of as page, synthetic};
use hico_data::Seed;
use hico_model::estimate::Estimate;

fn candidate(method: &str, macro_auc: [f64; 2], first: usize) -> Candidate {
    let mean_macro_auc = Some(macro_auc.iter().sum::<f64>() / 2.0);
    let (macro_auc, mean_balanced_accuracy) = (macro_auc.to_vec(), Some(0.44));
    Candidate { method: method.into(), macro_auc, mean_macro_auc, first, mean_balanced_accuracy }
}

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
        confusion: vec![vec![3.0, 1.0], vec![2.0, 14.0]],
        roc: Vec::new(),
    }
}

fn entry(method: &str, mean: Option<f64>) -> MethodEntry {
    let scores = mean.map(|mean| EntryScores {
        scores: Scores { patient: unit(mean), clip: unit(mean + 0.01), frame: unit(mean) },
        published: Some(mean + 0.05),
        calibration: None,
        images: 1200.0,
        seconds: 75.0,
        groups: 6.0,
        runs: Vec::new(),
        mistakes: Vec::new(),
    });
    MethodEntry {
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
        evaluation: EvalMode::LinearProbe.into(),
        labels,
        entries: vec![
            entry("random", Some(0.6 - few)),
            entry("hico", Some(0.7 - few)),
            entry("hico-<b>", None),
            entry("unasked", None),
        ],
        comparisons: vec![Compared { comparison: comparison.clone(), p_holm: 0.75 }],
        coverage: Some(Coverage { method: "hico".into(), share: 0.905 }),
        strata: vec![Stratum {
            by: "file type".into(),
            value: "mp4".into(),
            clips: vec![3, 17],
            groups: 11,
            balanced_accuracy: vec![Some(0.525), Some(0.615), None],
        }],
    };
    let point = |images: f64| Point { images, seconds: images / 100.0, value: images / 2000.0 };
    Summary {
        title: "Lung <script>".into(),
        version: "0.1.0".into(),
        origin: Origin::default(),
        methods: [("random", Role::Baseline), ("hico", Role::Pretrained), ("hico-<b>", Role::Pretrained)]
            .map(|(name, role)| MethodFacts {
                name: name.into(),
                description: "An encoder.".into(),
                role,
                ablates: name.contains('<').then(|| "hico".into()),
            })
            .to_vec(),
        seeds: vec![1, 2, 3],
        budget: Budget::Images(1200),
        evaluation: EvaluationSettings { metric: Metric::BalancedAccuracy, ..EvaluationSettings::default() },
        image_size: 64,
        data: vec![DataFacts {
            name: "lung".into(),
            hash: "0123456789abcdef01".into(),
            pretrained_on: "the training groups of each fold".into(),
            classes: [("covid", 19, 7), ("regular", 39, 16)]
                .map(|(name, clips, groups)| ClassFacts {
                    name: name.into(),
                    clips,
                    groups,
                    frames: 8 * clips,
                    tested_clips: clips,
                    tested_groups: groups,
                })
                .to_vec(),
            unlabelled: 3,
            folds: vec![0, 1],
            tested_clips: 58,
            tested_groups: (0..23).map(|group| format!("p{group}")).collect(),
        }],
        cells: [5, 9],
        seconds: 900.0,
        tables: vec![table(Labels::All, 0.0), table(Labels::Groups(1), 0.1)],
        curves: vec![Curve {
            data: "lung".into(),
            evaluation: EvalMode::Knn.into(),
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
            evaluation: EvalMode::Inner.into(),
            labels: Labels::Groups(4),
            strength: 0.1,
            places: 2,
            entries: vec![candidate("random", [0.5, 0.53], 0), candidate("hico", [0.6, 0.65], 2)],
        }],
        pretraining: Vec::new(),
        tests: 5,
        ranks: ranks(vec!["random".into(), "hico".into()], &[vec![0.1, 0.2], vec![0.3, 0.2]], Seed(1))
            .map(|ranks| RankTable { evaluation: EvalMode::Knn.into(), labels: Labels::All, ranks })
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
        "58\u{a0}clips of 23\u{a0}patients (3\u{a0}clips have no label)",
        "linear probe, all labels: Not shown",
        "the best of 2 tried,",
        "Choice: lung",
        "0.625",
        "2 of 2",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script>") && !page.contains("hico-<b>") && !page.contains("unasked"));
    let drawings = page.match_indices("<svg viewBox").count();
    assert!(drawings >= 6, "{drawings} drawings");
}

#[test]
fn without_a_standard_error_nothing_is_said_of_what_could_have_been_shown() {
    for detectable in [None, Some(0.0), Some(1e-17)] {
        let mut summary = summary();
        summary.tables[0].comparisons[0].comparison.detectable = detectable;
        let text = markdown(&summary);
        assert!(text.contains("; too few patients differ to say what could have been shown\n"), "{text}");
    }
}

#[test]
fn markdown_and_terminal_say_the_same_figures() {
    for text in [markdown(&summary()), terminal(&summary())] {
        // The terminal's columns are held together by other means.
        let text = text.replace('\u{a0}', " ");
        for part in [
            "70.0 %",
            "60.0 to 80.0 %",
            "hico minus random in balanced accuracy: +8.0 points",
            "p = 0.250 (patients 0.040, seeds 0.250), Holm over 5 tests: 0.750",
            "7 patients differ, so p could not be below 0.25",
            "a difference of 13.1 points",
            "4 cells are not finished",
            "a 95 % interval of hico held the truth in 90.5 %",
            "file type mp4",
            "61.5 %",
            "tried, reaches 70.0 % balanced accuracy per patient (95 % interval 60.0 to 80.0 %)",
            "n/a",
            "0.625",
            "44.0 %",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("unasked"), "{text}");
    }
    let text = markdown(&summary());
    assert!(text.contains("0.600 to 0.800"), "{text}");
    let text_of_study = terminal(&synthetic::summary(5, 3));
    let rows = text_of_study.lines().filter(|line| line.starts_with("method ") || line.starts_with("thumbnails "));
    let widths: Vec<usize> = rows.map(|line| line.chars().count()).collect();
    assert!(widths.len() == 4 && widths.iter().all(|width| *width <= 140), "{widths:?}");
    let columns: Vec<usize> =
        text.lines().filter(|line| line.starts_with("| ")).map(|line| line.matches('|').count()).collect();
    assert!(columns.iter().all(|count| [14, 8, 7, 5].contains(count)), "{columns:?}");
}

/// The verdict of the first table where the one difference is this.
fn verdict(low: f64, high: f64, p_value: f64) -> (Judgement, String) {
    let mut summary = summary();
    let mean = f64::midpoint(low, high);
    let comparison = &mut summary.tables[0].comparisons[0].comparison;
    comparison.difference = Estimate { mean, low: Some(low), high: Some(high), ..Estimate::default() };
    comparison.p_value = p_value;
    let verdict = Verdict::of(&summary.tables[0], &summary);
    (verdict.judgement, verdict.sentence())
}

#[test]
fn a_gain_is_claimed_only_where_interval_and_test_agree_and_a_loss_is_called_a_loss() {
    for (low, high, p, expected, words) in [
        (0.01, 0.09, 0.02, Judgement::Better, "The gain over that baseline is +5.0 points"),
        (0.01, 0.09, 0.2, Judgement::Unclear, "disagree"),
        (-0.02, 0.09, 0.2, Judgement::Unclear, "includes 0"),
        (-0.09, -0.01, 0.02, Judgement::Worse, "did not pay"),
        (f64::NAN, f64::NAN, f64::NAN, Judgement::Unclear, "not been shown"),
    ] {
        let (judgement, sentence) = verdict(low, high, p);
        assert!(judgement == expected && sentence.contains(words), "{judgement:?}: {sentence}");
    }
}

#[test]
fn a_comparison_written_the_other_way_round_is_turned_and_one_that_is_not_there_is_missed() {
    let mut summary = summary();
    let before = Verdict::of(&summary.tables[0], &summary).sentence();
    assert!(before.contains("+8.0 points (95\u{a0}% interval \u{2212}1.0 to +17.0 points"), "{before}");
    let comparison = &mut summary.tables[0].comparisons[0].comparison;
    std::mem::swap(&mut comparison.better, &mut comparison.baseline);
    let after = Verdict::of(&summary.tables[0], &summary).sentence();
    assert!(after.contains("\u{2212}8.0 points (95\u{a0}% interval \u{2212}17.0 to +1.0 points"), "{after}");
    summary.tables[0].comparisons.clear();
    assert_eq!(Verdict::of(&summary.tables[0], &summary).judgement, Judgement::NotCompared);
    summary.methods.iter_mut().for_each(|method| method.role = Role::Baseline);
    let verdict = Verdict::of(&summary.tables[0], &summary);
    assert!(verdict.judgement == Judgement::Alone && verdict.sentence().contains("no pretrained model was evaluated"));
}

#[test]
fn a_method_that_saw_tested_groups_is_not_to_be_believed() {
    let mut summary = synthetic::summary(5, 1);
    let hico = summary.tables[1].entries.iter_mut().find(|entry| entry.method == "hico").unwrap();
    hico.scores.as_mut().unwrap().runs[0].seen_groups.push("patient 7".to_owned());
    let verdict = Verdict::of(&summary.tables[1], &summary);
    assert!(verdict.judgement == Judgement::Contaminated && verdict.sentence().contains("must not be believed"));
    let text = terminal(&summary);
    assert!(text.contains("CONTAMINATED: hico: its pretraining saw 1 group"), "{text}");
    assert!(text.contains("warning: one seed"), "{text}");
}

#[test]
fn a_hostile_name_cannot_move_the_cursor() {
    let mut summary = synthetic::summary(2, 1);
    summary.tables[0].entries[0].method = "\u{1b}[2Jx\rrandom".to_owned();
    summary.title = "a\u{7}b".to_owned();
    assert!(!terminal(&summary).chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn the_surest_mistake_stands_first() {
    let summary = synthetic::summary(2, 1);
    for entry in summary.tables.iter().flat_map(|table| &table.entries) {
        let mistakes = &entry.scores.as_ref().unwrap().mistakes;
        let sure: Vec<f64> =
            mistakes.iter().map(|clip| clip.probabilities.iter().copied().fold(0.0, f64::max)).collect();
        assert!(sure.len() > 3 && sure.is_sorted_by(|a, b| a >= b), "{}: {sure:?}", entry.method);
    }
}
