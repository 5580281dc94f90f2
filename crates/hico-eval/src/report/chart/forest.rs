//! Forest plots: one row a candidate, a point for its figure and a line for its interval.

use super::{Scale, TEXT, WIDTH, extent, shortened, text_width, tick_text, ticks};
use maud::{Markup, html};

/// Figures with their intervals below each other, on one scale.
#[derive(Debug)]
pub(crate) struct Forest<'a> {
    /// Unique on the page.
    pub(crate) id: String,
    /// What the figure shows; its caption.
    pub(crate) title: &'a str,
    /// What stands along the bottom, with its unit.
    pub(crate) x: &'a str,
    /// The rows, from the top.
    pub(crate) rows: Vec<Row>,
    /// Values to compare with, each a vertical line.
    pub(crate) rules: Vec<Rule<'a>>,
    /// The most the scale may run over.
    pub(crate) bounds: [f64; 2],
    /// A remark below the figure.
    pub(crate) note: Option<String>,
}

/// One row of a forest plot; values in the unit of the scale.
#[derive(Debug)]
pub(crate) struct Row {
    /// What it is.
    pub(crate) name: String,
    /// Its figure in words.
    pub(crate) text: String,
    /// The figure.
    pub(crate) mean: f64,
    /// The interval.
    pub(crate) interval: Option<[f64; 2]>,
    /// A second figure, drawn as an open diamond.
    pub(crate) second: Option<f64>,
    /// How it is drawn.
    pub(crate) mark: Mark,
}

/// How a row is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// An open grey square: a baseline.
    Baseline,
    /// A filled dot: a pretrained method.
    Pretrained,
    /// A filled red dot: not to be believed.
    Contaminated,
}

/// A vertical line.
#[derive(Debug)]
pub(crate) struct Rule<'a> {
    /// Where.
    pub(crate) value: f64,
    /// Its name.
    pub(crate) name: &'a str,
}

const ROW: f64 = 42.0;

impl Forest<'_> {
    /// The figure with its caption; nothing where there is no row.
    pub(crate) fn render(&self) -> Markup {
        if self.rows.is_empty() {
            return html! {};
        }
        html! {
            figure .chart.forest {
                figcaption { (self.title) }
                (self.svg())
                @if let Some(note) = &self.note {
                    p .note { (note) }
                }
            }
        }
    }

    fn svg(&self) -> Markup {
        let range = self.range();
        let x = Scale { low: range[0], high: range[1], start: 10.0, end: WIDTH - 10.0 };
        let rules: Vec<&Rule> =
            self.rules.iter().filter(|rule| rule.value >= range[0] && rule.value <= range[1]).collect();
        let top = TEXT * 1.5 * rules.len() as f64 + 4.0;
        let bottom = ROW.mul_add(self.rows.len() as f64, top);
        let height = bottom + 42.0;
        let (x_ticks, step) = ticks(range, 6);
        let [title_id, text_id] = [format!("{}-t", self.id), format!("{}-d", self.id)];
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby=(format!("{title_id} {text_id}")) {
                title id=(title_id) { (self.title) }
                desc id=(text_id) { (self.description()) }
                @for value in &x_ticks {
                    @let place = x.at(*value);
                    path .grid d=(format!("M{place:.1} {top:.1}L{place:.1} {bottom:.1}")) {}
                    @let text = tick_text(*value, step);
                    @let half = text_width(&text) / 2.0;
                    text .tick.middle x=(format!("{:.1}", place.clamp(half, WIDTH - half))) y=(format!("{:.1}", bottom + 18.0)) { (text) }
                }
                text .axis.end x=(format!("{:.1}", x.end)) y=(format!("{:.1}", height - 4.0)) { (self.x) }
                // Each rule's name has a line of its own above the plot, so that close rules do not run into each other.
                @for (index, rule) in rules.iter().enumerate() {
                    @let place = x.at(rule.value);
                    @let base = TEXT * 1.5f64.mul_add(index as f64, 1.0);
                    path .rule d=(format!("M{place:.1} {:.1}L{place:.1} {bottom:.1}", base + 4.0)) {}
                    @let half = text_width(rule.name) / 2.0;
                    text .rulename.middle x=(format!("{:.1}", place.clamp(half, WIDTH - half))) y=(format!("{base:.1}")) { (rule.name) }
                }
                @for (index, row) in self.rows.iter().enumerate() {
                    (row.draw(x, ROW.mul_add(index as f64, top)))
                }
            }
        }
    }

    /// From the smallest to the largest value shown, with a little room, within the bounds.
    fn range(&self) -> [f64; 2] {
        let rows = self.rows.iter().flat_map(|row| {
            let [low, high] = row.interval.unwrap_or([row.mean; 2]);
            [row.mean, low, high, row.second.unwrap_or(row.mean)]
        });
        let [low, high] = extent(rows.chain(self.rules.iter().map(|rule| rule.value)));
        let room = (high - low) * 0.06;
        let [least, most] = self.bounds;
        [(low - room).max(least), (high + room).min(most)]
    }

    fn description(&self) -> String {
        let rows = self.rows.iter().map(|row| format!("{}: {}", row.name, row.text));
        let rules = self.rules.iter().map(|rule| format!("{}: {}", rule.name, super::significant(rule.value)));
        format!("{}. {}.", self.x, rows.chain(rules).collect::<Vec<_>>().join("; "))
    }
}

impl Row {
    /// Name and figure on one line, the plot on the line below it.
    fn draw(&self, x: Scale, top: f64) -> Markup {
        let base = format!("{:.1}", top + 15.0);
        let y = top + 28.0;
        let place = x.at(self.mean);
        // The figure's text keeps its room; a long name gives way.
        let room = ((WIDTH - 24.0 - text_width(&self.text)) / (TEXT * 0.58)).max(8.0) as usize;
        let class = match self.mark {
            Mark::Baseline => "mark baseline",
            Mark::Pretrained => "mark pretrained",
            Mark::Contaminated => "mark contaminated",
        };
        let shown = shortened(&self.name, room);
        html! {
            // Lines behind the words would cross them.
            @for (left, words) in [(10.0, &shown), (x.end - text_width(&self.text), &self.text)] {
                rect .back x=(format!("{:.1}", left - 3.0)) y=(format!("{:.1}", top + 3.0)) width=(format!("{:.1}", text_width(words) + 6.0)) height="16" {}
            }
            text .rowname.strong[self.mark != Mark::Baseline] x="10" y=(base) { (shown) }
            text .rowtext.end x=(format!("{:.1}", x.end)) y=(base) { (self.text) }
            @if let Some([low, high]) = self.interval.filter(|ends| ends.iter().all(|end| end.is_finite())) {
                @let [low, high] = [x.at(low), x.at(high)];
                path class=(class) d=(format!(
                    "M{low:.1} {y:.1}L{high:.1} {y:.1}M{low:.1} {:.1}L{low:.1} {:.1}M{high:.1} {:.1}L{high:.1} {:.1}",
                    y - 4.0, y + 4.0, y - 4.0, y + 4.0
                )) {}
            }
            @if place.is_finite() {
                @if self.mark == Mark::Baseline {
                    rect class=(class) x=(format!("{:.1}", place - 4.5)) y=(format!("{:.1}", y - 4.5)) width="9" height="9" {}
                } @else {
                    circle class=(class) cx=(format!("{place:.1}")) cy=(format!("{y:.1}")) r="5.5" {}
                }
            }
            @if let Some(second) = self.second.filter(|value| value.is_finite()) {
                @let second = x.at(second);
                path .second d=(format!(
                    "M{:.1} {y:.1}L{second:.1} {:.1}L{:.1} {y:.1}L{second:.1} {:.1}Z",
                    second - 6.0, y - 6.0, second + 6.0, y + 6.0
                )) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forest(rows: Vec<Row>) -> Forest<'static> {
        let rules = vec![Rule { value: 33.3, name: "chance" }];
        Forest { id: "f".to_owned(), title: "Reached", x: "%", rows, rules, bounds: [0.0, 100.0], note: None }
    }

    fn row(name: &str, mean: f64, interval: Option<[f64; 2]>) -> Row {
        Row { name: name.to_owned(), text: format!("{mean}"), mean, interval, second: None, mark: Mark::Pretrained }
    }

    #[test]
    fn a_point_lies_between_the_ends_of_its_interval() {
        let svg = forest(vec![row("a", 60.0, Some([50.0, 75.0]))]).svg().into_string();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let find = |tag: &str| {
            document.descendants().find(|node| {
                node.has_tag_name(tag) && node.attribute("class").is_some_and(|class| class.starts_with("mark"))
            })
        };
        let centre: f64 = find("circle").unwrap().attribute("cx").unwrap().parse().unwrap();
        let line = find("path").unwrap().attribute("d").unwrap();
        let ends: Vec<f64> =
            line.split(['M', 'L', ' ']).filter(|part| !part.is_empty()).map(|part| part.parse().unwrap()).collect();
        let expected = (60.0 - 50.0) / (75.0 - 50.0);
        let found = (centre - ends[0]) / (ends[2] - ends[0]);
        assert!((found - expected).abs() < 0.01, "{found} {expected}");
    }

    #[test]
    fn figures_that_are_no_numbers_and_long_hostile_names_are_drawn_without_harm() {
        let name = "<script>".repeat(40);
        let rows = vec![row(&name, f64::NAN, Some([f64::NAN, f64::INFINITY])), row("b", 100.0, Some([100.0, 100.0]))];
        let svg = forest(rows).svg().into_string();
        assert!(!svg.contains("<script") && !svg.contains("NaN\"") && !svg.contains("inf"), "{svg}");
        roxmltree::Document::parse(&svg).unwrap();
    }
}
