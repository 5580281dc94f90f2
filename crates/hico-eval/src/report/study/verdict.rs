//! The answer of a table in a sentence or two: what the best pretrained method reaches against the best baseline, and how sure
//! that is.

use super::rows::{figure_in_words, metric};
use crate::compare::summary::{EntryScores, MethodEntry, Role, Summary, Table};
use crate::outcome::Comparison;
use crate::report::number::{p_value, points, points_interval_in_words};
use hico_model::estimate::Estimate;

/// A paired test below this speaks for a difference.
const SIGNIFICANT: f64 = 0.05;

/// What can be said of pretraining by one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Better than the best baseline: the interval of the paired difference lies above 0, and the paired test agrees.
    Better,
    /// Worse than the best baseline: the interval lies below 0, and the paired test agrees.
    Worse,
    /// The interval includes 0, or the paired test does not agree with it.
    Unclear,
    /// The study does not compare the two.
    NotCompared,
    /// There is no pretrained method, or nothing to compare it with.
    Alone,
    /// Pretraining saw groups it is tested on: the figure means nothing.
    Contaminated,
}

/// What a table says of pretraining, by the figure that the study tests, per patient.
#[derive(Debug)]
pub(super) struct Verdict<'a> {
    summary: &'a Summary,
    pretrained: Option<(&'a MethodEntry, &'a Estimate)>,
    baseline: Option<(&'a MethodEntry, &'a Estimate)>,
    /// The first minus the second, and the p value of the paired test.
    difference: Option<(Estimate, f64)>,
    /// What can be said.
    pub(super) judgement: Judgement,
    /// How many pretrained methods there are; the best of several is chosen after looking.
    tried: usize,
}

impl<'a> Verdict<'a> {
    /// Reads the verdict out of a table.
    pub(super) fn of(table: &'a Table, summary: &'a Summary) -> Self {
        let pretrained = best(table, summary, Role::Pretrained);
        let baseline = best(table, summary, Role::Baseline);
        let both = pretrained.zip(baseline);
        let difference = both.and_then(|((better, _), (other, _))| difference(table, &better.method, &other.method));
        let judgement = match (pretrained, both, difference) {
            (Some((entry, _)), ..) if is_contaminated(entry) => Judgement::Contaminated,
            (_, Some(_), Some((estimate, p))) => judgement(&estimate, p),
            (_, Some(_), None) => Judgement::NotCompared,
            _ => Judgement::Alone,
        };
        let tried = of_role(table, summary, Role::Pretrained).count();
        Self { summary, pretrained, baseline, difference, judgement, tried }
    }

    /// Returns true where the verdict is about this method.
    pub(super) fn is_about(&self, method: &str) -> bool {
        [self.pretrained, self.baseline].into_iter().flatten().any(|(entry, _)| entry.method == method)
    }

    /// The name of the best pretrained method.
    pub(super) fn pretrained(&self) -> Option<&'a MethodEntry> {
        self.pretrained.map(|(entry, _)| entry)
    }

    /// The verdict as one or two sentences of plain text.
    pub(super) fn sentence(&self) -> String {
        let reaches = |(entry, figure): (&MethodEntry, &Estimate), aside: &str| {
            format!("{}{aside} reaches {}", entry.method, figure_in_words(self.summary.evaluation.metric, figure))
        };
        let metric = metric(self.summary.evaluation.metric);
        let (pretrained, baseline) = match (self.pretrained, self.baseline) {
            (Some(pretrained), Some(baseline)) => (pretrained, baseline),
            (Some(only), None) => {
                let reached = reaches(only, "");
                return format!(
                    "{reached}. There is no baseline to compare it with, so this says nothing about pretraining."
                );
            }
            (None, Some(best)) => {
                return format!("{}. It is the best baseline; no pretrained model was evaluated.", reaches(best, ""));
            }
            (None, None) => return format!("Nothing has a {metric}."),
        };
        let aside = if self.tried > 1 { format!(", the best of {} tried,", self.tried) } else { String::new() };
        format!("{}; the best baseline, {}. {}", reaches(pretrained, &aside), reaches(baseline, ","), self.in_words())
    }

    fn in_words(&self) -> String {
        let tested = self.difference.map(|(estimate, p)| {
            let interval = points_interval_in_words(&estimate);
            format!("{} points ({interval}; {})", points(estimate.mean), p_value(p))
        });
        match (self.judgement, tested) {
            (Judgement::Contaminated, _) => {
                "But its pretraining saw groups that it is tested on, so this figure must not be believed.".to_owned()
            }
            (Judgement::Better, Some(tested)) => format!("The gain over that baseline is {tested}."),
            (Judgement::Worse, Some(tested)) => {
                format!("That is worse: the difference is {tested}. On this data, pretraining did not pay.")
            }
            (_, Some(tested)) => {
                let why = match self.difference.map(|(estimate, _)| estimate.interval()) {
                    Some(Ok([low, high])) if low > 0.0 || high < 0.0 => {
                        "the interval and the paired test disagree, so take it as not shown"
                    }
                    Some(Ok(_)) => {
                        "the interval includes 0, so on this data it has not been shown that pretraining helps"
                    }
                    _ => "so on this data it has not been shown that pretraining helps",
                };
                format!("The difference is {tested}; {why}.")
            }
            (_, None) => "The study does not compare the two, so whether they differ is not known.".to_owned(),
        }
    }
}

/// Returns true where pretraining saw a tested group.
pub(super) fn is_contaminated(entry: &MethodEntry) -> bool {
    entry.scores.as_ref().is_some_and(|scores| !scores.seen_groups().is_empty())
}

/// The figure of a method that the study tests.
pub(super) fn tested<'a>(scores: &'a EntryScores, summary: &Summary) -> Option<&'a Estimate> {
    scores.scores.patient.of(summary.evaluation.metric)
}

fn of_role<'a>(table: &'a Table, summary: &Summary, role: Role) -> impl Iterator<Item = &'a MethodEntry> {
    let is_of_role = move |method: &str| summary.methods.iter().any(|of| of.role == role && of.name == method);
    table.asked().filter(move |entry| is_of_role(&entry.method))
}

fn best<'a>(table: &'a Table, summary: &Summary, role: Role) -> Option<(&'a MethodEntry, &'a Estimate)> {
    let figures =
        of_role(table, summary, role).filter_map(|entry| Some((entry, tested(entry.scores.as_ref()?, summary)?)));
    figures.max_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean))
}

/// The recorded comparison of the two, turned so that it reads `better` minus `baseline`.
fn difference(table: &Table, better: &str, baseline: &str) -> Option<(Estimate, f64)> {
    let mut all = table.comparisons.iter().map(|compared| &compared.comparison);
    let is = |comparison: &Comparison, a: &str, b: &str| comparison.better == a && comparison.baseline == b;
    let found = all.find(|found| is(found, better, baseline) || is(found, baseline, better))?;
    let Estimate { mean, low, high, .. } = found.difference;
    let difference = match is(found, better, baseline) {
        true => found.difference,
        false => Estimate { mean: -mean, low: high.map(|end| -end), high: low.map(|end| -end), ..found.difference },
    };
    Some((difference, found.p_value))
}

fn judgement(difference: &Estimate, p: f64) -> Judgement {
    match difference.interval() {
        Ok([low, _]) if p <= SIGNIFICANT && low > 0.0 => Judgement::Better,
        Ok([_, high]) if p <= SIGNIFICANT && high < 0.0 => Judgement::Worse,
        _ => Judgement::Unclear,
    }
}
