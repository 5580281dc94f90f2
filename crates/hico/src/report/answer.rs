//! The answer in one sentence: what the pretrained model reaches against the best floor, and how sure that is.

use super::number::{interval_in_words, p_value, percent, points, points_interval_in_words};
use crate::evaluate::outcome::{Candidate, Comparison, Estimate, Evaluation, Role, SCRATCH};
use std::collections::BTreeSet;

/// A paired test below this speaks for a difference.
const SIGNIFICANT: f64 = 0.05;

/// What can be said about the pretrained model against the floors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Better than the best floor: the interval of the paired difference lies above 0, and the paired test agrees.
    Better,
    /// Worse than the best floor: the interval lies below 0, and the paired test agrees.
    Worse,
    /// The interval includes 0, or the paired test does not agree with it.
    Unclear,
    /// The two were not compared clip by clip.
    NotCompared,
    /// There is no pretrained candidate, or nothing to compare it with.
    Alone,
    /// Pretraining saw groups it is tested on: the figure means nothing.
    Spoilt,
}

/// The answer of one evaluation, by balanced accuracy per clip under the honest protocol.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// The best contender.
    pub contender: Option<&'a Candidate>,
    /// The best floor.
    pub floor: Option<&'a Candidate>,
    /// `contender` minus `floor`, and the p value of the paired test.
    pub difference: Option<(Estimate, f64)>,
    /// What can be said.
    pub verdict: Verdict,
    /// How many contenders there are; the best of several is chosen after looking.
    contenders: usize,
}

/// Reads the answer out of an evaluation.
#[must_use]
pub fn answer(evaluation: &Evaluation) -> Answer<'_> {
    let contender = best(evaluation, Role::Contender);
    let floor = best(evaluation, Role::Floor);
    let difference = contender.zip(floor).and_then(|(contender, floor)| difference(evaluation, contender, floor));
    let verdict = match (contender, floor, difference) {
        (Some(contender), ..) if !contaminated_groups(contender).is_empty() => Verdict::Spoilt,
        (Some(_), Some(_), Some((estimate, p))) => verdict(&estimate, p),
        (Some(_), Some(_), None) => Verdict::NotCompared,
        _ => Verdict::Alone,
    };
    let contenders = evaluation.candidates.iter().filter(|candidate| candidate.role == Role::Contender).count();
    Answer { contender, floor, difference, verdict, contenders }
}

/// Groups of the test folds that a candidate's pretraining had seen.
#[must_use]
pub fn contaminated_groups(candidate: &Candidate) -> BTreeSet<&str> {
    candidate.runs.iter().flat_map(|run| &run.contaminated_groups).map(String::as_str).collect()
}

/// What every contender gains over the same network from random weights, one sentence each.
#[must_use]
pub fn gains_over_scratch(evaluation: &Evaluation) -> Vec<String> {
    let Some(scratch) = evaluation.candidates.iter().find(|candidate| candidate.name == SCRATCH) else {
        return Vec::new();
    };
    let contenders = evaluation.candidates.iter().filter(|candidate| candidate.role == Role::Contender);
    let gain = |contender: &Candidate| {
        let (estimate, p) = difference(evaluation, contender, scratch)?;
        Some(format!("{} minus {SCRATCH}: {}", contender.name, tested(&estimate, p)))
    };
    contenders.filter_map(gain).collect()
}

fn tested(estimate: &Estimate, p: f64) -> String {
    format!("{} points ({}; {})", points(estimate.mean), points_interval_in_words(estimate), p_value(p))
}

impl Answer<'_> {
    /// The answer as one or two sentences of plain text.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (contender, floor) = match (self.contender, self.floor) {
            (Some(contender), Some(floor)) => (contender, floor),
            (Some(only), None) => {
                return format!(
                    "{} There is no baseline to compare it with, so this says nothing about pretraining.",
                    reaches(only, "")
                );
            }
            (None, Some(floor)) => {
                return format!("{} It is the best baseline; no pretrained model was evaluated.", reaches(floor, ""));
            }
            (None, None) => return "Nothing was evaluated.".to_owned(),
        };
        let figure = clip_figure(floor);
        let chosen =
            if self.contenders > 1 { format!(", the best of {} tried,", self.contenders) } else { String::new() };
        let reached = format!(
            "{}; the best baseline, {}, reaches {}.",
            reaches(contender, &chosen).trim_end_matches('.'),
            floor.name,
            percent(figure.mean)
        );
        format!("{} {}", reached, self.judgement())
    }

    fn judgement(&self) -> String {
        let tested = self.difference.map(|(estimate, p)| tested(&estimate, p));
        match (self.verdict, tested) {
            (Verdict::Spoilt, _) => {
                "But its pretraining saw groups that it is tested on, so this figure must not be believed.".to_owned()
            }
            (Verdict::Better, Some(tested)) => format!("The gain over that baseline is {tested}."),
            (Verdict::Worse, Some(tested)) => {
                format!("That is worse: the difference is {tested}. On this data, pretraining did not pay.")
            }
            (_, Some(tested)) if self.has_no_interval() => {
                format!("The difference is {tested}; so on this data it has not been shown that pretraining helps.")
            }
            (_, Some(tested)) if self.interval_has_zero() => format!(
                "The difference is {tested}; the interval includes 0, so on this data it has not been shown that pretraining helps."
            ),
            (_, Some(tested)) => {
                format!(
                    "The difference is {tested}; the interval and the paired test disagree, so take it as not shown."
                )
            }
            (_, None) => "The two were not compared clip by clip, so whether they differ is not known.".to_owned(),
        }
    }

    fn has_no_interval(&self) -> bool {
        self.difference.is_none_or(|(estimate, _)| estimate.interval().is_err())
    }

    fn interval_has_zero(&self) -> bool {
        self.difference.is_none_or(|(estimate, _)| !(is_above_zero(&estimate) || is_below_zero(&estimate)))
    }
}

fn reaches(candidate: &Candidate, aside: &str) -> String {
    let figure = clip_figure(candidate);
    format!(
        "{}{aside} reaches {} balanced accuracy per clip ({}).",
        candidate.name,
        percent(figure.mean),
        interval_in_words(figure)
    )
}

/// The figure by which candidates are ranked and compared: balanced accuracy per clip, honest protocol.
pub(crate) const fn clip_figure(candidate: &Candidate) -> &Estimate {
    &candidate.honest.clip.balanced_accuracy
}

fn best(evaluation: &Evaluation, role: Role) -> Option<&Candidate> {
    let of_role = evaluation.candidates.iter().filter(|candidate| candidate.role == role);
    of_role.max_by(|a, b| clip_figure(a).mean.total_cmp(&clip_figure(b).mean))
}

/// The recorded comparison of the two, turned so that it reads `contender` minus `floor`.
fn difference(evaluation: &Evaluation, contender: &Candidate, floor: &Candidate) -> Option<(Estimate, f64)> {
    let find = |better: &str, baseline: &str| {
        let mut all = evaluation.comparisons.iter();
        all.find(|comparison| comparison.better == better && comparison.baseline == baseline)
    };
    let as_is = |comparison: &Comparison| (comparison.difference, comparison.p_value);
    let turned = |comparison: &Comparison| {
        let Estimate { mean, low, high, .. } = comparison.difference;
        let turned = |end: Option<f64>| end.map(|end| -end);
        let difference = Estimate { mean: -mean, low: turned(high), high: turned(low), ..comparison.difference };
        (difference, comparison.p_value)
    };
    let direct = find(&contender.name, &floor.name).map(as_is);
    direct.or_else(|| find(&floor.name, &contender.name).map(turned))
}

fn verdict(difference: &Estimate, p: f64) -> Verdict {
    match p <= SIGNIFICANT {
        true if is_above_zero(difference) => Verdict::Better,
        true if is_below_zero(difference) => Verdict::Worse,
        _ => Verdict::Unclear,
    }
}

fn is_above_zero(difference: &Estimate) -> bool {
    difference.low.is_some_and(|low| low > 0.0)
}

fn is_below_zero(difference: &Estimate) -> bool {
    difference.high.is_some_and(|high| high < 0.0)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    fn judged(low: f64, high: f64, p: f64) -> (Verdict, String) {
        let mut evaluation = synthetic::evaluation(5, 3);
        let mean = f64::midpoint(low, high);
        for comparison in &mut evaluation.comparisons {
            let (low, high) = (Some(low), Some(high));
            comparison.difference = Estimate { mean, low, high, ..Estimate::default() };
            comparison.p_value = p;
        }
        let answer = answer(&evaluation);
        (answer.verdict, answer.sentence())
    }

    #[test]
    fn the_best_floor_is_the_one_that_is_compared_with() {
        let evaluation = synthetic::evaluation(5, 3);
        let answer = answer(&evaluation);
        assert_eq!(answer.contender.unwrap().name, "hico");
        assert_eq!(answer.floor.unwrap().name, "scratch");
    }

    #[test]
    fn a_gain_is_claimed_only_where_interval_and_test_agree() {
        let (verdict, sentence) = judged(0.01, 0.09, 0.02);
        assert_eq!(verdict, Verdict::Better);
        assert!(sentence.contains("The gain over that baseline is +5.0 points"), "{sentence}");
        let (verdict, sentence) = judged(0.01, 0.09, 0.2);
        assert_eq!(verdict, Verdict::Unclear);
        assert!(sentence.contains("disagree"), "{sentence}");
    }

    #[test]
    fn an_interval_with_zero_is_said_to_show_nothing() {
        let (verdict, sentence) = judged(-0.02, 0.09, 0.2);
        assert_eq!(verdict, Verdict::Unclear);
        assert!(sentence.contains("includes 0") && sentence.contains("not been shown"), "{sentence}");
        let (verdict, _) = judged(f64::NAN, f64::NAN, f64::NAN);
        assert_eq!(verdict, Verdict::Unclear);
    }

    #[test]
    fn a_loss_is_called_a_loss() {
        let (verdict, sentence) = judged(-0.09, -0.01, 0.02);
        assert_eq!(verdict, Verdict::Worse);
        assert!(sentence.contains("did not pay"), "{sentence}");
    }

    #[test]
    fn a_comparison_written_the_other_way_round_is_turned() {
        let mut evaluation = synthetic::evaluation(5, 3);
        let (before, _) = answer(&evaluation).difference.unwrap();
        for comparison in &mut evaluation.comparisons {
            std::mem::swap(&mut comparison.better, &mut comparison.baseline);
        }
        let (after, _) = answer(&evaluation).difference.unwrap();
        let ends = [after.low, before.high].map(Option::unwrap);
        assert!((after.mean + before.mean).abs() < 1e-12 && (ends[0] + ends[1]).abs() < 1e-12);
    }

    #[test]
    fn each_contender_is_held_against_scratch() {
        let mut evaluation = synthetic::evaluation(5, 3);
        let gains = gains_over_scratch(&evaluation);
        let contenders = evaluation.candidates.iter().filter(|candidate| candidate.role == Role::Contender);
        assert_eq!(gains.len(), contenders.count());
        assert!(gains.iter().any(|gain| gain.starts_with("hico minus scratch: ")), "{gains:?}");
        evaluation.candidates.retain(|candidate| candidate.name != SCRATCH);
        assert!(gains_over_scratch(&evaluation).is_empty());
    }

    #[test]
    fn a_contaminated_contender_is_not_to_be_believed() {
        let mut evaluation = synthetic::evaluation(5, 3);
        let hico = evaluation.candidates.iter_mut().find(|candidate| candidate.name == "hico").unwrap();
        hico.runs[0].contaminated_groups.push("patient 7".to_owned());
        let answer = answer(&evaluation);
        assert_eq!(answer.verdict, Verdict::Spoilt);
        assert!(answer.sentence().contains("must not be believed"));
    }
}
