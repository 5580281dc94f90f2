//! Critical-difference diagrams (Demšar 2006): mean ranks on a line, methods that are not told apart joined by bars.

use super::{Part, evaluation, labels};
use crate::compare::summary::RankTable;
use crate::report::number::{counted, decimal, p_value};
use crate::report::section::Section;
use maud::{Markup, html};

/// Returns a diagram for each evaluation and label budget that has ranks.
pub(super) fn section(part: &Part<'_>) -> Option<Section> {
    let body = html! {
        p {
            "Mean rank of each method over data sets, 1 for the best. A bar joins methods that differ by less than the "
            "critical difference (Nemenyi, 5 %)."
        }
        div .charts { @for table in &part.summary.ranks { (diagram(part, table)) } }
    };
    let title = format!("Mean ranks{}", part.suffix);
    (!part.summary.ranks.is_empty()).then(|| Section { id: part.id("ranks"), title, body })
}

const WIDTH: f64 = 480.0;
const LEFT: f64 = 24.0;
const AXIS: f64 = 62.0;
const ROW: f64 = 20.0;

/// Runs of methods, as places in order of rank, whose ends differ by less than the critical difference; none inside
/// another.
fn cliques(sorted: &[f64], difference: f64) -> Vec<[usize; 2]> {
    let mut found: Vec<[usize; 2]> = Vec::new();
    for first in 0..sorted.len() {
        let last = (first..sorted.len()).rev().find(|&last| sorted[last] - sorted[first] < difference).unwrap_or(first);
        if last > first && found.last().is_none_or(|before| before[1] < last) {
            found.push([first, last]);
        }
    }
    found
}

fn diagram(part: &Part<'_>, table: &RankTable) -> Markup {
    let ranks = &table.ranks;
    let methods = ranks.methods.len();
    let mut order: Vec<usize> = (0..methods).collect();
    order.sort_by(|a, b| ranks.mean[*a].total_cmp(&ranks.mean[*b]));
    let sorted: Vec<f64> = order.iter().map(|method| ranks.mean[*method]).collect();
    let x = |rank: f64| (rank - 1.0) / (methods as f64 - 1.0) * (WIDTH - 2.0 * LEFT) + LEFT;
    let bars = cliques(&sorted, ranks.critical_difference);
    let below = (bars.len() as f64).mul_add(8.0, AXIS + 12.0);
    let height = ROW.mul_add(methods.div_ceil(2) as f64, below + 12.0);
    let title = format!("{}, {}", evaluation(table.evaluation), labels(table.labels));
    let id = part.id(&format!("ranks-{}-{}", table.evaluation, table.labels));
    let said: Vec<String> =
        order.iter().map(|method| format!("{} {}", ranks.methods[*method], decimal(ranks.mean[*method], 2))).collect();
    // The better half is named on the left, the other on the right.
    let half = methods.div_ceil(2);
    let place = |at: usize| {
        let row = if at < half { at } else { methods - 1 - at };
        ROW.mul_add(row as f64, below + 10.0)
    };
    let span = x(1.0 + ranks.critical_difference).min(WIDTH - LEFT);
    html! {
        figure .chart {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {WIDTH} {height:.0}")) role="img" aria-labelledby=(format!("{id}-t {id}-d")) {
                title id=(format!("{id}-t")) { (title) }
                desc id=(format!("{id}-d")) { "Mean ranks: " (said.join(", ")) "." }
                path .line.c6 d=(format!("M{LEFT:.1} 24L{span:.1} 24M{LEFT:.1} 20L{LEFT:.1} 28M{span:.1} 20L{span:.1} 28")) {}
                text x=(LEFT) y="14" { "critical difference " (decimal(ranks.critical_difference, 2)) }
                path .rule d=(format!("M{LEFT:.1} {AXIS}L{:.1} {AXIS}", WIDTH - LEFT)) {}
                @for rank in 1..=methods {
                    text .tick.middle x=(format!("{:.1}", x(rank as f64))) y=(format!("{:.1}", AXIS - 7.0)) { (rank) }
                }
                @for (at, [first, last]) in bars.iter().enumerate() {
                    @let y = 8.0_f64.mul_add(at as f64, AXIS + 8.0);
                    path .line.c0 d=(format!("M{:.1} {y:.1}L{:.1} {y:.1}", x(sorted[*first]) - 3.0, x(sorted[*last]) + 3.0)) {}
                }
                @for (at, method) in order.iter().enumerate() {
                    @let (rank, y) = (x(sorted[at]), place(at));
                    @let (end, class) = if at < half { (4.0, "rowname") } else { (WIDTH - 4.0, "rowname end") };
                    path .line.c6 d=(format!("M{rank:.1} {AXIS}L{rank:.1} {y:.1}L{end:.1} {y:.1}")) {}
                    text class=(class) x=(format!("{end:.1}")) y=(format!("{:.1}", y - 3.0)) {
                        (ranks.methods[*method]) " " (decimal(sorted[at], 2))
                    }
                }
            }
            p .note { "Over " (counted(ranks.blocks, "data set", "data sets")) "; Friedman " (p_value(ranks.p_value)) "." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cliques;

    #[test]
    fn bars_join_what_is_closer_than_the_difference_and_no_bar_is_inside_another() {
        assert_eq!(cliques(&[1.0, 1.5, 2.4, 4.0], 1.0), [[0, 1], [1, 2]]);
        assert_eq!(cliques(&[1.0, 1.2, 1.4, 4.0], 1.0), [[0, 2]]);
        assert_eq!(cliques(&[1.0, 3.0], 1.0), [[0; 2]; 0]);
    }
}
