//! A method's row in a table, the same on the page, in Markdown and in the terminal.

use crate::compare::strata::Stratum;
use crate::compare::summary::{ClassFacts, Compared, Coverage, MethodEntry, Summary, Table};
use crate::coverage::SIMULATIONS;
use crate::outcome::Metric;
use crate::report::number::{
    NONE, counted, decimal, duration, interval, interval_in_words, p_value, percent, points, points_interval_in_words,
    spread,
};
use hico_model::estimate::{Estimate, ROUNDING};

/// Heads of a table; the last two only where the published protocol was asked for.
const HEADS: [&str; 13] = [
    "method",
    "balanced accuracy",
    "95 % interval",
    "macro AUC",
    "95 % interval",
    "log loss",
    "Brier score",
    "calibration error",
    "per clip",
    "per frame",
    "pretraining",
    "seeds",
    "best on test fold (selection bias)",
];

/// Columns that a terminal has room for.
const IN_TERMINAL: [usize; 8] = [0, 1, 2, 3, 5, 8, 9, 12];

/// Keeps the cells of a row that a terminal has room for.
pub(super) fn in_terminal(row: Vec<String>) -> Vec<String> {
    row.into_iter().enumerate().filter(|(column, _)| IN_TERMINAL.contains(column)).map(|(_, cell)| cell).collect()
}

/// Returns the heads of a table.
pub(super) fn heads(table: &Table) -> Vec<&'static str> {
    HEADS[..HEADS.len() - usize::from(!has_published(table))].to_vec()
}

/// Returns a row for each method that the study asks this.
///
/// - `seeds`: of the study
pub(super) fn rows(table: &Table, seeds: usize) -> Vec<Vec<String>> {
    table.asked().map(|entry| row(entry, has_published(table), seeds)).collect()
}

fn has_published(table: &Table) -> bool {
    table.entries.iter().any(|entry| entry.scores.as_ref().is_some_and(|scores| scores.published.is_some()))
}

fn row(entry: &MethodEntry, published: bool, seeds: usize) -> Vec<String> {
    let mut cells = vec![entry.method.clone()];
    let optional = |figure: Option<&Estimate>, write: fn(&Estimate) -> String| figure.map_or_else(none, write);
    match &entry.scores {
        Some(scores) => {
            let patient = &scores.scores.patient;
            cells.extend([
                with_spread(&patient.balanced_accuracy),
                interval(&patient.balanced_accuracy),
                optional(patient.auc.as_ref(), |auc| decimal(auc.mean, 3)),
                optional(patient.auc.as_ref(), bare_interval),
                optional(patient.log_loss.as_ref(), |loss| decimal(loss.mean, 3)),
                optional(patient.brier.as_ref(), |brier| decimal(brier.mean, 3)),
                patient.calibration_error.map_or_else(none, percent),
                with_spread(&scores.scores.clip.balanced_accuracy),
                percent(scores.scores.frame.balanced_accuracy.mean),
                duration(scores.seconds),
            ]);
        }
        None => cells.resize_with(HEADS.len() - 2, none),
    }
    cells.push(format!("{} of {seeds}", entry.seeds.len()));
    if published {
        let scores = entry.scores.as_ref();
        let both = scores.and_then(|scores| Some((scores.published?, scores.scores.frame.balanced_accuracy.mean)));
        cells.push(both.map_or_else(none, |(best, honest)| format!("{} ({})", percent(best), points(best - honest))));
    }
    cells
}

fn none() -> String {
    NONE.to_owned()
}

fn with_spread(estimate: &Estimate) -> String {
    [Some(percent(estimate.mean)), spread(estimate)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The interval of a figure that is no share, as `0.801 to 0.930`.
pub(super) fn bare_interval(estimate: &Estimate) -> String {
    match estimate.interval() {
        Ok([low, high]) => format!("{} to {}", decimal(low, 3), decimal(high, 3)),
        Err(why) => why.short().to_owned(),
    }
}

/// Returns a figure per patient with its interval, as it stands in a sentence.
pub(super) fn figure_in_words(metric: Metric, figure: &Estimate) -> String {
    match metric {
        Metric::BalancedAccuracy => {
            format!("{} balanced accuracy per patient ({})", percent(figure.mean), interval_in_words(figure))
        }
        Metric::MacroAuc => {
            let interval = match figure.interval() {
                Ok(_) => format!("95\u{a0}% interval {}", bare_interval(figure)),
                Err(why) => why.words().to_owned(),
            };
            format!("a macro AUC of {} per patient ({interval})", decimal(figure.mean, 3))
        }
    }
}

/// Returns what a metric is called in a sentence.
pub(super) const fn metric(metric: Metric) -> &'static str {
    match metric {
        Metric::BalancedAccuracy => "balanced accuracy",
        Metric::MacroAuc => "macro AUC",
    }
}

/// Returns `better minus baseline`.
pub(super) fn name(compared: &Compared) -> String {
    format!("{} minus {}", compared.comparison.better, compared.comparison.baseline)
}

/// Returns a comparison as a sentence.
///
/// - `summary`: of the study, which says in what figure and how many tests there are
pub(super) fn difference(compared: &Compared, summary: &Summary) -> String {
    let comparison = &compared.comparison;
    let least = format!(
        "{}, so p could not be below {}",
        counted(comparison.differing_groups, "patient differs", "patients differ"),
        crate::report::number::significant(comparison.least_p)
    );
    let of_seeds = comparison.p_seeds.map_or_else(String::new, |p| {
        format!(" (patients {}, seeds {})", bare_p(comparison.p_groups.unwrap_or(1.0)), bare_p(p))
    });
    // Summaries of earlier versions have 0, or what rounding leaves of it, where no standard error is known.
    let detectable = match comparison.detectable.filter(|detectable| *detectable > ROUNDING) {
        Some(detectable) => {
            format!("a difference of {} points would have been shown with power 0.8", decimal(detectable * 100.0, 1))
        }
        None => "too few patients differ to say what could have been shown".to_owned(),
    };
    format!(
        "{} in {}: {} points ({}), {}{of_seeds}, Holm over {}: {}; {least}; {detectable}",
        name(compared),
        metric(summary.evaluation.metric),
        points(comparison.difference.mean),
        points_interval_in_words(&comparison.difference),
        p_value(comparison.p_value),
        counted(summary.tests, "test", "tests"),
        bare_p(compared.p_holm),
    )
}

/// Returns how often intervals of a table hold the truth, as a sentence.
pub(super) fn coverage(table: &Table) -> Option<String> {
    let Coverage { method, share } = table.coverage.as_ref()?;
    Some(format!(
        "In {SIMULATIONS} studies simulated on these patients, a 95\u{a0}% interval of {method} held the truth in {}.",
        percent(*share)
    ))
}

/// Returns the heads of a table of strata.
pub(super) fn strata_heads(table: &Table, classes: &[ClassFacts]) -> Vec<String> {
    let classes = classes.iter().map(|class| format!("clips of {}", class.name));
    let fixed = ["stratum".to_owned()].into_iter().chain(classes).chain(["patients".to_owned()]);
    fixed.chain(table.asked().map(|entry| entry.method.clone())).collect()
}

/// Returns a row for each stratum.
pub(super) fn strata(table: &Table) -> Vec<Vec<String>> {
    let row = |stratum: &Stratum| {
        let name = format!("{} {}", stratum.by, stratum.value);
        let counts = stratum.clips.iter().chain([&stratum.groups]).map(usize::to_string);
        let figures = stratum.balanced_accuracy.iter().map(|figure| figure.map_or_else(none, percent));
        std::iter::once(name).chain(counts).chain(figures).collect()
    };
    table.strata.iter().map(row).collect()
}

/// What a table of strata says.
pub(super) const STRATA: &str = "Size or file type alone separate the classes better than chance here, so a figure over all \
    clips may be theirs. Within a stratum they are constant: balanced accuracy per clip over the classes that are there.";

fn bare_p(p: f64) -> String {
    p_value(p).trim_start_matches(['p', '=', '\u{a0}', ' ']).to_owned()
}
