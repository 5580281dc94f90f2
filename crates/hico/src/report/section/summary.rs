//! The answer, at the top: one sentence, the figure behind it, and what spoils it.

use super::{Gravity, Section, alert, listed};
use crate::evaluate::outcome::{Candidate, Evaluation, Role};
use crate::report::answer::{Verdict, answer, clip_figure, contaminated_groups};
use crate::report::chart::forest::{Forest, Mark, Row, Rule};
use crate::report::number::{
    bare_points_interval, counted, interval, interval_on_chart, p_value, percent, points, spread, tested,
};
use crate::report::source::{Family, Judged};
use maud::{Markup, html};

/// The summary of one evaluation.
pub(crate) fn section(judged: &Judged, prefix: &str, suffix: &str) -> Section {
    let evaluation = &judged.evaluation;
    let answer = answer(evaluation);
    let (class, word) = match answer.verdict {
        Verdict::Better => ("good", "Pretraining helps here"),
        Verdict::Worse => ("bad", "Pretraining did not pay here"),
        Verdict::Unclear => ("open", "Not shown"),
        Verdict::NotCompared => ("open", "Not compared"),
        Verdict::Alone => ("open", "Nothing to compare"),
        Verdict::Spoilt => ("bad", "Not to be believed"),
    };
    let body = html! {
        div class=(format!("answer {class}")) {
            p .word { (word) }
            p .sentence { (answer.sentence()) }
        }
        (alerts(evaluation))
        p { (protocol_in_words(evaluation)) }
        div .charts {
            (reached(evaluation, prefix))
            (differences(evaluation, prefix))
        }
    };
    Section { id: format!("{prefix}answer"), title: format!("The answer{suffix}"), body }
}

/// The summary where nothing has been judged yet.
pub(crate) fn without_evaluation(families: &[Family]) -> Section {
    let runs = families.iter().map(|family| family.runs.len()).sum::<usize>();
    let body = html! {
        div .answer.open {
            p .word { "Nothing evaluated yet" }
            p .sentence {
                (counted(runs, "pretraining run", "pretraining runs"))
                " and no evaluation: the curves below say how training went, not what it is worth. `hico crossval` evaluates it."
            }
        }
    };
    Section { id: "answer".to_owned(), title: "The answer".to_owned(), body }
}

/// Everything that spoils a figure, then everything that calls for care.
fn alerts(evaluation: &Evaluation) -> Markup {
    let spoilt = evaluation.candidates.iter().filter_map(|candidate| {
        let groups = contaminated_groups(candidate);
        let number = counted(groups.len(), "group", "groups");
        let listed = listed(groups.iter().copied(), 12);
        (!groups.is_empty()).then(|| {
            format!(
                "{}: its pretraining saw {number} that it is tested on ({listed}), so its figures may be far too good.",
                candidate.name
            )
        })
    });
    let spoilt: Vec<String> = spoilt.collect();
    let one_seed = evaluation.protocol.seeds.len() == 1;
    // The page says more about a single seed than the evaluation's own words.
    let care = evaluation.warnings.iter().filter(|words| !(one_seed && words.starts_with("one seed")));
    html! {
        @for words in &spoilt { (alert(Gravity::Spoilt, words)) }
        @for words in care { (alert(Gravity::Care, words)) }
        @if one_seed {
            (alert(Gravity::Care, "one seed was run, so the spread over seeds is not known; it is often as large as the gains that are published."))
        }
    }
}

fn protocol_in_words(evaluation: &Evaluation) -> String {
    let protocol = &evaluation.protocol;
    let data = &evaluation.data;
    let inside = if protocol.pretrained_inside {
        " Each fold's encoder was pretrained on that fold's training groups alone."
    } else {
        ""
    };
    let chosen = match protocol.inner_fraction {
        0.0 => "Every training group was learnt from and the last epoch stands".to_owned(),
        held => format!("The epoch was chosen on {} of the training groups held out for that", percent(held)),
    };
    format!(
        "Tested on {}, {}: {} by group (patient), {}. {chosen}, and each test fold was looked at once.{inside} Intervals are \
         95\u{a0}% bootstrap intervals over groups{}.",
        tested(evaluation),
        counted(data.classes.len(), "class", "classes"),
        counted(protocol.folds.len(), "fold", "folds"),
        counted(protocol.seeds.len(), "seed", "seeds"),
        if protocol.seeds.len() > 1 { " and seeds; \u{b1} is the standard deviation over seeds" } else { "" },
    )
}

fn reached(evaluation: &Evaluation, prefix: &str) -> Markup {
    let chance = 1.0 / evaluation.data.classes.len().max(1) as f64;
    let best_floor = answer(evaluation).floor.map(|floor| clip_figure(floor).mean);
    let mut rules = vec![Rule { value: chance * 100.0, name: "chance" }];
    match best_floor {
        // One line, where two would cross each other's names.
        Some(value) if (value - chance).abs() < 0.0005 => rules[0].name = "chance and best baseline",
        Some(value) => rules.push(Rule { value: value * 100.0, name: "best baseline" }),
        None => {}
    }
    let forest = Forest {
        id: format!("{prefix}reached"),
        title: "What each candidate reaches",
        x: "balanced accuracy per clip, %",
        rows: evaluation.candidates.iter().map(row).collect(),
        rules,
        bounds: [0.0, 100.0],
        note: Some("Squares are baselines, dots are pretrained; lines are 95\u{a0}% intervals.".to_owned()),
    };
    forest.render()
}

fn row(candidate: &Candidate) -> Row {
    let figure = clip_figure(candidate);
    let spread = spread(figure).map(|spread| format!(" {spread}")).unwrap_or_default();
    Row {
        name: candidate.name.clone(),
        text: format!("{}{spread} ({})", percent(figure.mean), interval(figure)),
        mean: figure.mean * 100.0,
        interval: interval_on_chart(figure),
        second: None,
        mark: mark(candidate),
    }
}

/// How a candidate is drawn throughout the page.
pub(crate) fn mark(candidate: &Candidate) -> Mark {
    match candidate.role {
        _ if !contaminated_groups(candidate).is_empty() => Mark::Spoilt,
        Role::Floor => Mark::Floor,
        Role::Contender => Mark::Contender,
    }
}

fn differences(evaluation: &Evaluation, prefix: &str) -> Markup {
    let rows = evaluation.comparisons.iter().map(|comparison| {
        let difference = &comparison.difference;
        Row {
            name: format!("{} \u{2212} {}", comparison.better, comparison.baseline),
            // The axis says that these are points.
            text: format!(
                "{} ({}), {}",
                points(difference.mean),
                bare_points_interval(difference),
                p_value(comparison.p_value)
            ),
            mean: difference.mean * 100.0,
            interval: interval_on_chart(difference),
            second: None,
            mark: Mark::Contender,
        }
    });
    let forest = Forest {
        id: format!("{prefix}differences"),
        title: "Paired differences, clip by clip",
        x: "difference of balanced accuracy, points",
        rows: rows.collect(),
        rules: vec![Rule { value: 0.0, name: "no difference" }],
        bounds: [-100.0, 100.0],
        note: Some("An interval that crosses the line shows no difference. p is two-sided, from sign-flip permutation tests over groups and, where each seed has a pretraining of its own, over seeds: the larger of the two; it is not corrected for the number of comparisons.".to_owned()),
    };
    forest.render()
}
