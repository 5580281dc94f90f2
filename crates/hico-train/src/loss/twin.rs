//! The objective once more, from the formulas, with loops over 64-bit numbers.

use crate::settings::{CrossPairs, HicoRecipe, NonNegative, SoftTarget, Supervision};

/// Local, medium and global projections and logits of one view, row by row.
#[derive(Debug, Clone)]
pub(super) struct Views {
    pub(super) levels: [Vec<Vec<f64>>; 4],
}

pub(super) fn total(views: &[Views; 2], labels: &[Option<usize>], recipe: &HicoRecipe) -> f64 {
    let [[local_1, medium_1, global_1, logits_1], [local_2, medium_2, global_2, logits_2]] =
        views.each_ref().map(|view| &view.levels);
    let soft = |logits| soft_cross_entropy(logits, labels, recipe.smoothing.get(), recipe.soft_target);
    let soft = soft(logits_1) + soft(logits_2);
    if recipe.supervision == Supervision::Full {
        return soft / 2.0;
    }
    let pairs = |a, b| nt_xent(a, b, recipe.temperature.get(), recipe.decoupled);
    let peer = pairs(local_1, local_2) + pairs(medium_1, medium_2) + pairs(global_1, global_2);
    let [of_medium, of_local] = match recipe.cross_pairs {
        CrossPairs::AcrossViews => {
            [pairs(global_1, medium_2) + pairs(global_2, medium_1), pairs(global_1, local_2) + pairs(global_2, local_1)]
        }
        CrossPairs::SameView => {
            [pairs(global_1, medium_1) + pairs(global_2, medium_2), pairs(global_1, local_1) + pairs(global_2, local_2)]
        }
    };
    let [medium, local] = recipe.cross_weights.map(NonNegative::get);
    let cross = medium * of_medium + local * of_local;
    let peer_weight = recipe.peer_weight.get();
    let contrast = peer_weight * peer + (1.0 - peer_weight) * cross;
    contrast + if recipe.supervision == Supervision::Semi { recipe.label_weight.get() * soft } else { 0.0 }
}

fn nt_xent(a: &[Vec<f64>], b: &[Vec<f64>], temperature: f64, decoupled: bool) -> f64 {
    let z: Vec<&Vec<f64>> = a.iter().chain(b).collect();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let similarity = |i: usize, j: usize| dot(z[i], z[j]) / (dot(z[i], z[i]) * dot(z[j], z[j])).sqrt() / temperature;
    let anchor = |i: usize| {
        let partner = (i + a.len()) % z.len();
        // One pair alone has no other candidate.
        let left_out = |j: usize| j == i || (decoupled && a.len() > 1 && j == partner);
        let others: f64 = (0..z.len()).filter(|j| !left_out(*j)).map(|j| similarity(i, j).exp()).sum();
        others.ln() - similarity(i, partner)
    };
    (0..z.len()).map(anchor).sum::<f64>() / z.len() as f64
}

fn soft_cross_entropy(logits: &[Vec<f64>], labels: &[Option<usize>], smoothing: f64, target: SoftTarget) -> f64 {
    let labelled = labels.iter().flatten().count();
    let mut sum = 0.0;
    for (row, label) in logits.iter().zip(labels) {
        let Some(label) = label else { continue };
        let log_sum = row.iter().map(|logit| logit.exp()).sum::<f64>().ln();
        for (class, logit) in row.iter().enumerate() {
            let hard = f64::from(u8::from(class == *label));
            let weight = match target {
                SoftTarget::OverClasses => (1.0 - smoothing) * hard + smoothing / row.len() as f64,
                SoftTarget::OverLabelled if labelled == 1 => hard,
                SoftTarget::OverLabelled => (1.0 - smoothing) * hard + smoothing / (labelled as f64 - 1.0),
            };
            sum -= weight * (logit - log_sum);
        }
    }
    sum / labelled.max(1) as f64
}
