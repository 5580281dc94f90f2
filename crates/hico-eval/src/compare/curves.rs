//! How methods did on their way through pretraining, and which came farther sooner: the area under the curve.

use super::answer::{Answer, Evaluation};
use super::answers::DRAWS;
use super::answers::{Answers, units};
use super::labels::Labels;
use super::study::{Start, Study};
use crate::comparison::SeedOutcome;
use crate::outcome::{Metric, Unit};
use crate::scores::{Groups, estimated};
use crate::stats::{self, Bootstrap};
use hico_data::Dataset;
use hico_model::estimate::Estimate;
use hico_train::predictions::UnitPrediction;
use serde::{Deserialize, Serialize};

/// How methods did on one data set on their way through pretraining, evaluated one way with every label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The data set.
    pub data: String,
    /// What was asked of the encoders.
    pub evaluation: Evaluation,
    /// The figure, per patient.
    pub metric: Metric,
    /// For each method that was pretrained its points.
    pub lines: Vec<CurveLine>,
    /// Paired differences of the area under the curve, of the pairs that the study compares.
    pub areas: Vec<AreaDifference>,
}

/// One method's way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurveLine {
    /// The method.
    pub method: String,
    /// Means over seeds, folds pooled.
    pub points: Vec<Point>,
}

/// One at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Views seen.
    pub images: f64,
    /// Seconds of pretraining.
    pub seconds: f64,
    /// The figure.
    pub value: f64,
}

/// How much higher one method's curve lies than another's, on average over pretraining.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AreaDifference {
    /// The one that is expected to be sooner.
    pub method: String,
    /// The one it is compared with.
    pub baseline: String,
    /// Mean height of the first curve over the images seen minus that of the second, over the same seeds.
    pub difference: Estimate,
}

/// One method's points: for each seed that has all folds, at by at.
struct Way<'a> {
    method: &'a str,
    seeds: Vec<(u64, Vec<Vec<&'a Answer>>)>,
}

/// - `folds`: those that are tested
/// - returns: `None` where fewer than two points of any method are there
pub(super) fn curve(
    study: &Study,
    (name, dataset): (&str, &Dataset),
    folds: &[usize],
    evaluation: Evaluation,
    answers: &Answers<'_>,
) -> Option<Curve> {
    let metric = study.evaluation.metric;
    let pretrained = study.methods.iter().filter(|method| matches!(method.start, Start::Recipe(_)));
    let way = |method: &'_ str| {
        let points = answers.points((method, name, evaluation, Labels::All), folds);
        points.into_iter().collect::<Vec<_>>()
    };
    let ways: Vec<Way<'_>> = pretrained
        .map(|method| Way { method: &method.name, seeds: way(&method.name) })
        .filter(|way| way.seeds.iter().all(|(_, points)| points.len() > 1) && !way.seeds.is_empty())
        .collect();
    let lines: Vec<CurveLine> = ways.iter().filter_map(|way| line(way, dataset, metric)).collect();
    if lines.is_empty() {
        return None;
    }
    let areas = study.compare.iter().filter_map(|&[method, baseline]| {
        let of = |place: usize| ways.iter().find(|way| way.method == study.methods[place].name);
        area([of(method)?, of(baseline)?], dataset, metric)
    });
    Some(Curve { data: name.to_owned(), evaluation, metric, areas: areas.collect(), lines })
}

/// The mean curve; `None` where the figure is not there.
fn line(way: &Way<'_>, dataset: &Dataset, metric: Metric) -> Option<CurveLine> {
    let points = way.seeds.iter().map(|(_, points)| points.len()).min()?;
    let point = |at: usize| {
        let answers: Vec<&Vec<&Answer>> = way.seeds.iter().map(|(_, points)| &points[at]).collect();
        let values = answers.iter().map(|answers| {
            let units = units(dataset, answers, Unit::Patient);
            SeedOutcome::new(&units, dataset.classes().len(), metric).figure(&|_| 1.0)
        });
        let mean = |of: fn(&Answer) -> f64| {
            stats::mean(&answers.iter().flat_map(|answers| answers.iter()).map(|answer| of(answer)).collect::<Vec<_>>())
        };
        Some(Point {
            images: mean(|answer| answer.images as f64)?,
            seconds: mean(|answer| answer.pretrain_seconds)?,
            value: stats::mean(&values.collect::<Option<Vec<f64>>>()?)?,
        })
    };
    let points = (0..points).map(point).collect::<Option<Vec<Point>>>()?;
    Some(CurveLine { method: way.method.to_owned(), points })
}

/// The difference in area over the seeds that both have.
fn area([method, baseline]: [&Way<'_>; 2], dataset: &Dataset, metric: Metric) -> Option<AreaDifference> {
    let classes = dataset.classes().len();
    let common = |(seed, points): &(u64, Vec<Vec<&'_ Answer>>)| {
        let (_, other) = baseline.seeds.iter().find(|(other, _)| other == seed)?;
        Some([curve_of(points, dataset, metric), curve_of(other, dataset, metric)])
    };
    let pairs: Vec<[Heights; 2]> = method.seeds.iter().filter_map(common).collect();
    let first: Vec<UnitPrediction> = units(dataset, method.seeds.first()?.1.first()?, Unit::Patient);
    let groups = Groups::new(first.iter().map(|unit| (unit.group.as_str(), unit.truth)), classes);
    let difference = |seed: usize, weight: &dyn Fn(usize) -> f64| {
        Some(mean_height(&pairs[seed][0], weight)? - mean_height(&pairs[seed][1], weight)?)
    };
    let by_seed: Vec<f64> = (0..pairs.len()).map(|seed| difference(seed, &|_| 1.0)).collect::<Option<_>>()?;
    let bootstrap = Bootstrap::new(&groups.strata, Bootstrap::DRAWS, DRAWS);
    let spread = bootstrap
        .two_way(pairs.len(), |seed, weights| vec![difference(seed, &|unit: usize| weights[groups.of_unit[unit]])]);
    Some(AreaDifference {
        method: method.method.to_owned(),
        baseline: baseline.method.to_owned(),
        difference: estimated(&by_seed, *spread.first()?, groups.no_interval()),
    })
}

/// One seed's curve: images seen, and what can be weighed into the figure there.
type Heights = Vec<(f64, SeedOutcome)>;

fn curve_of(points: &[Vec<&Answer>], dataset: &Dataset, metric: Metric) -> Heights {
    let height = |answers: &Vec<&Answer>| {
        let images = stats::mean(&answers.iter().map(|answer| answer.images as f64).collect::<Vec<_>>());
        let units = units(dataset, answers, Unit::Patient);
        (images.unwrap_or(0.0), SeedOutcome::new(&units, dataset.classes().len(), metric))
    };
    points.iter().map(height).collect()
}

/// Mean height of a curve of straight lines between its points, over the images seen.
fn mean_height(curve: &Heights, weight: &dyn Fn(usize) -> f64) -> Option<f64> {
    let points: Vec<[f64; 2]> =
        curve.iter().map(|(images, outcome)| Some([*images, outcome.figure(weight)?])).collect::<Option<_>>()?;
    mean_of_lines(&points)
}

fn mean_of_lines(points: &[[f64; 2]]) -> Option<f64> {
    let ([first, _], [last, _]) = (*points.first()?, *points.last()?);
    let area: f64 = points.windows(2).map(|pair| (pair[1][0] - pair[0][0]) * (pair[1][1] + pair[0][1]) / 2.0).sum();
    (last > first).then(|| area / (last - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_height_of_a_curve_weighs_its_pieces_by_their_length() {
        assert_eq!(mean_of_lines(&[[0.0, 0.5], [100.0, 0.7]]), Some(0.6));
        let height = mean_of_lines(&[[0.0, 0.4], [100.0, 0.8], [400.0, 0.8]]).unwrap();
        assert!((height - (0.6 + 3.0 * 0.8) / 4.0).abs() < 1e-12);
        assert_eq!(mean_of_lines(&[[0.0, 0.5], [0.0, 0.7]]), None);
        assert_eq!(mean_of_lines(&[]), None);
    }
}
