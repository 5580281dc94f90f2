//! How methods did on their way through pretraining, and how soon one came as far as another.

use super::row::{Row, Way};
use super::study::{Labels, Start, Study};
use serde::Serialize;
use std::collections::BTreeMap;

/// How methods did on one data set on their way through pretraining, asked one way with every label.
#[derive(Debug, Clone, Serialize)]
pub struct Curve {
    /// The data set.
    pub data: String,
    /// How they were asked.
    pub way: Way,
    /// For each method that was pretrained its points.
    pub lines: Vec<CurveLine>,
}

/// One method's way.
#[derive(Debug, Clone, Serialize)]
pub struct CurveLine {
    /// The method.
    pub method: String,
    /// Means over folds and seeds.
    pub points: Vec<Point>,
}

/// One look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Views seen.
    pub images: f64,
    /// Seconds of pretraining.
    pub seconds: f64,
    /// Balanced accuracy per clip.
    pub balanced_accuracy: f64,
}

/// How soon one method came as far as another at its end, by the mean curves of pretraining: no interval, and not the
/// convergence in fine-tuning that the code of HiCo's authors records.
#[derive(Debug, Clone, Serialize)]
pub struct Overtaking {
    /// The data set.
    pub data: String,
    /// How they were asked.
    pub way: Way,
    /// The one that is followed.
    pub method: String,
    /// The one whose end is the mark.
    pub mark: String,
    /// Views that the first needed, as a share of those that the other saw; absent where it never came so far.
    pub share_of_images: Option<f64>,
    /// The same in seconds.
    pub share_of_seconds: Option<f64>,
}

/// Of every cell of a method the looks, in their order; then the mean of each look over cells. All labels only.
pub(super) fn curve(study: &Study, data: &str, way: Way, rows: &[Row]) -> Curve {
    let pretrained = study.methods.iter().filter(|method| matches!(method.start, Start::Recipe(_)));
    let line = |name: &String| {
        let mut cells: BTreeMap<(u64, usize), Vec<&Row>> = BTreeMap::new();
        let asked = |row: &&Row| row.method == *name && row.data == data && row.way == way && row.labels == Labels::All;
        for row in rows.iter().filter(asked) {
            cells.entry((row.seed, row.fold)).or_default().push(row);
        }
        cells.values_mut().for_each(|rows| rows.sort_by_key(|row| row.epochs));
        let looks = cells.values().map(Vec::len).min().unwrap_or(0);
        let mean = |look: usize, value: &dyn Fn(&Row) -> f64| {
            cells.values().map(|rows| value(rows[look])).sum::<f64>() / cells.len() as f64
        };
        let point = |look: usize| Point {
            images: mean(look, &|row| row.images as f64),
            seconds: mean(look, &|row| row.pretrain_seconds),
            balanced_accuracy: mean(look, &|row| row.balanced_accuracy),
        };
        CurveLine { method: name.clone(), points: (0..looks).map(point).collect() }
    };
    let lines = pretrained.map(|method| line(&method.name)).filter(|line| line.points.len() > 1);
    Curve { data: data.to_owned(), way, lines: lines.collect() }
}

pub(super) fn overtakings(study: &Study, curves: &[Curve]) -> Vec<Overtaking> {
    let mut found = Vec::new();
    for curve in curves {
        for &[method, mark] in &study.compare {
            let line = |method: usize| curve.lines.iter().find(|line| line.method == study.methods[method].name);
            let (Some(line), Some(mark)) = (line(method), line(mark)) else { continue };
            let Some(end) = mark.points.last() else { continue };
            let share =
                |along: fn(&Point) -> f64| Some(first_at(&line.points, end.balanced_accuracy, along)? / along(end));
            found.push(Overtaking {
                data: curve.data.clone(),
                way: curve.way,
                method: line.method.clone(),
                mark: mark.method.clone(),
                share_of_images: share(|point| point.images),
                share_of_seconds: share(|point| point.seconds),
            });
        }
    }
    found
}

/// Where a curve first reaches a level, on straight lines between its points.
fn first_at(points: &[Point], level: f64, along: fn(&Point) -> f64) -> Option<f64> {
    if points.first()?.balanced_accuracy >= level {
        return Some(along(&points[0]));
    }
    points.windows(2).find(|pair| pair[1].balanced_accuracy >= level).map(|pair| {
        let [before, after] = [&pair[0], &pair[1]];
        let share = (level - before.balanced_accuracy) / (after.balanced_accuracy - before.balanced_accuracy);
        (along(after) - along(before)).mul_add(share, along(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_reached_on_the_way_between_two_looks() {
        let point = |images, balanced_accuracy| Point { images, seconds: images / 10.0, balanced_accuracy };
        let points = [point(0.0, 0.4), point(100.0, 0.6), point(200.0, 0.5), point(300.0, 0.8)];
        assert_eq!(first_at(&points, 0.3, |point| point.images), Some(0.0));
        assert!((first_at(&points, 0.55, |point| point.images).unwrap() - 75.0).abs() < 1e-9);
        assert!((first_at(&points, 0.7, |point| point.seconds).unwrap() - (20.0 + 10.0 * 2.0 / 3.0)).abs() < 1e-9);
        assert_eq!(first_at(&points, 0.9, |point| point.images), None);
    }
}
