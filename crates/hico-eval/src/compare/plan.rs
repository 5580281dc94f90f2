//! What a study can show, told before it runs: patients, tests, and the smallest difference that it would find.

use super::answer::EvalMode;
use super::grid::Cell;
use super::study::Study;
use crate::stats::normal_quantile;
use hico_data::Dataset;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a study can show.
#[derive(Debug, Clone, Serialize)]
pub struct StudyPlan {
    /// Cells in all.
    pub cells: usize,
    /// Comparisons that p values will be corrected for.
    pub tests: usize,
    /// Seeds.
    pub seeds: usize,
    /// The least p that so many seeds allow; absent with one, which says nothing of other seeds.
    pub least_p: Option<f64>,
    /// The data sets that are evaluated.
    pub data: Vec<DataPlan>,
}

/// What can be shown on one data set.
#[derive(Debug, Clone, Serialize)]
pub struct DataPlan {
    /// Its name.
    pub name: String,
    /// Each class, with its groups that are tested.
    pub classes: Vec<ClassPlan>,
    /// Groups that are tested.
    pub groups: usize,
    /// Smallest difference, as a share, that one test at 5 % would show with power 0.8.
    pub detectable: f64,
    /// The same where p is corrected for all tests of the study.
    pub detectable_corrected: f64,
}

/// The tested groups of a class.
#[derive(Debug, Clone, Serialize)]
pub struct ClassPlan {
    /// The class.
    pub name: String,
    /// Groups with a clip of it.
    pub groups: usize,
    /// How many groups of one clip each would say as much (Kish 1965): fewer, where a few groups have most of the clips.
    pub effective: f64,
}

/// Spread of a paired difference in balanced accuracy between two pretrained methods, in percentage points, found on 44
/// lung patients with 3 seeds: from group to group at 44 groups, from seed to seed within groups, and from seed to seed.
const SPREAD: [f64; 3] = [1.46, 4.48, 2.0];

/// Groups that [`SPREAD`] was found on.
const SPREAD_GROUPS: f64 = 44.0;

/// Power that is asked for.
const POWER: f64 = 0.8;

/// Plans a study.
#[must_use]
pub fn plan(study: &Study, data: &[Arc<Dataset>], cells: &[Cell]) -> StudyPlan {
    let evaluated: Vec<(usize, &Arc<Dataset>)> =
        data.iter().enumerate().filter(|(place, _)| study.data[*place].evaluated).collect();
    let evaluations = study.evaluation.evaluations().into_iter().filter(|(asked, _)| asked.mode != EvalMode::Inner);
    let tests = evaluations.map(|(_, budgets)| budgets.len()).sum::<usize>() * study.compare.len() * evaluated.len();
    let of_data = |(place, dataset): (usize, &Arc<Dataset>)| {
        let folds: BTreeSet<usize> =
            cells.iter().flat_map(|cell| &cell.tests).filter(|(of, _)| *of == place).map(|(_, fold)| *fold).collect();
        data_plan(&study.data[place].name, dataset, &folds, study.seeds.len(), tests)
    };
    StudyPlan {
        cells: cells.len(),
        tests,
        seeds: study.seeds.len(),
        least_p: (study.seeds.len() > 1).then(|| 2.0_f64.powi(1 - study.seeds.len() as i32)),
        data: evaluated.into_iter().map(of_data).collect(),
    }
}

fn data_plan(name: &str, dataset: &Dataset, folds: &BTreeSet<usize>, seeds: usize, tests: usize) -> DataPlan {
    let mut of_class: Vec<BTreeMap<&str, f64>> = vec![BTreeMap::new(); dataset.classes().len()];
    for clip in 0..dataset.len() {
        let row = dataset.row(clip);
        let Some(class) = dataset.label(clip).filter(|_| row.fold.is_some_and(|fold| folds.contains(&fold))) else {
            continue;
        };
        *of_class[class].entry(row.group.as_str()).or_default() += 1.0;
    }
    let class = |(name, clips): (&String, &BTreeMap<&str, f64>)| {
        let (sum, squares) = clips.values().fold((0.0, 0.0), |(sum, squares), n| (sum + n, squares + n * n));
        ClassPlan {
            name: name.clone(),
            groups: clips.len(),
            effective: if squares > 0.0 { sum * sum / squares } else { 0.0 },
        }
    };
    let groups: BTreeSet<&str> = of_class.iter().flat_map(|clips| clips.keys().copied()).collect();
    let se = standard_error(groups.len(), seeds);
    let detectable = |tests: usize| (normal_quantile(1.0 - 0.025 / tests.max(1) as f64) + normal_quantile(POWER)) * se;
    DataPlan {
        name: name.to_owned(),
        classes: dataset.classes().iter().zip(&of_class).map(class).collect(),
        groups: groups.len(),
        detectable: detectable(1),
        detectable_corrected: detectable(tests),
    }
}

/// Standard error of a paired difference that is expected with so many groups and seeds, as a share.
fn standard_error(groups: usize, seeds: usize) -> f64 {
    let [between, within, main] = SPREAD;
    let (groups, seeds) = (groups.max(1) as f64, seeds.max(1) as f64);
    ((between.powi(2) + within.powi(2) / seeds) * SPREAD_GROUPS / groups + main.powi(2) / seeds).sqrt() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_patients_and_more_seeds_show_smaller_differences() {
        let points =
            |groups, seeds| 100.0 * standard_error(groups, seeds) * (normal_quantile(0.975) + normal_quantile(0.8));
        // As worked out by hand from the three components.
        for (groups, seeds, expected) in [(44, 3, 8.9), (44, 10, 6.0), (150, 5, 4.6), (300, 20, 2.4)] {
            let found = points(groups, seeds);
            assert!((found - expected).abs() < 0.15, "{groups} groups, {seeds} seeds: {found}");
        }
    }
}
