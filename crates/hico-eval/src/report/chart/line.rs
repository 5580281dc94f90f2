//! Line charts: curves over epochs, and ROC curves.

use super::{Scale, TEXT, WIDTH, extent, path, rounded, shortened, text_width, tick_text, ticks};
use maud::{Markup, html};

/// A figure of one or several curves.
#[derive(Debug)]
pub(crate) struct LineChart<'a> {
    /// Unique on the page.
    pub(crate) id: String,
    /// What the figure shows; its caption.
    pub(crate) title: &'a str,
    /// What stands along the bottom, with its unit.
    pub(crate) x: &'a str,
    /// What stands along the left side, with its unit.
    pub(crate) y: &'a str,
    /// The curves.
    pub(crate) lines: Vec<Line>,
    /// Its proportions, and what its sides run over.
    pub(crate) shape: Shape,
    /// A remark below the figure.
    pub(crate) note: Option<String>,
}

/// One curve.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Its name in the legend.
    pub(crate) name: String,
    /// Points `[x, y]` by growing x.
    pub(crate) points: Vec<[f64; 2]>,
}

/// Proportions and ranges of a line chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// Wide, both ranges from the data.
    Free,
    /// Wide, the left side from 0 to at least the largest value.
    FromZero,
    /// Wide, the left side over this range, whatever the data.
    Between([f64; 2]),
    /// Square, both sides from 0 to 1, with the diagonal of guessing.
    Roc,
}

/// Series after this one repeat the colours with another dash pattern.
pub(crate) const COLOURS: usize = 7;

impl LineChart<'_> {
    /// The figure with its caption and legend; nothing where no curve has a point.
    pub(crate) fn render(&self) -> Markup {
        if self.lines.iter().all(|line| line.points.iter().all(|point| !point[1].is_finite())) {
            return html! {};
        }
        html! {
            figure .chart {
                figcaption { (self.title) }
                (self.svg())
                @if self.lines.len() > 1 || self.shape == Shape::Roc {
                    ul .legend {
                        @for (index, line) in self.lines.iter().enumerate() {
                            li {
                                svg .swatch viewBox="0 0 28 10" aria-hidden="true" {
                                    path class=(series(index)) d="M1 5L27 5" {}
                                }
                                span title=(line.name) { (shortened(&line.name, 40)) }
                            }
                        }
                    }
                }
                @if let Some(note) = &self.note {
                    p .note { (note) }
                }
            }
        }
    }

    fn svg(&self) -> Markup {
        let (x_range, (y_range, y_ticks, y_step)) = self.ranges();
        let height = if self.shape == Shape::Roc { 400.0 } else { 270.0 };
        let (x_ticks, x_step) = ticks(x_range, 6);
        let y_texts: Vec<String> = y_ticks.iter().map(|&value| tick_text(value, y_step)).collect();
        let left = y_texts.iter().map(|text| text_width(text)).fold(0.0, f64::max) + 14.0;
        let x = Scale { low: x_range[0], high: x_range[1], start: left, end: WIDTH - 14.0 };
        let y = Scale { low: y_range[0], high: y_range[1], start: height - 42.0, end: 28.0 };
        let [title_id, text_id] = [format!("{}-t", self.id), format!("{}-d", self.id)];
        let points = |line: &Line| path(line.points.iter().map(|&[a, b]| [x.at(a), y.at(b)]));
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby=(format!("{title_id} {text_id}")) {
                title id=(title_id) { (self.title) }
                desc id=(text_id) { (self.description()) }
                text .axis x="2" y=(TEXT) { (self.y) }
                @for (value, text) in y_ticks.iter().zip(&y_texts) {
                    @let place = format!("{:.1}", y.at(*value));
                    path .grid d=(format!("M{left:.1} {place}L{:.1} {place}", x.end)) {}
                    text .tick.end x=(format!("{:.1}", left - 6.0)) y=(format!("{:.1}", y.at(*value) + 4.5)) { (text) }
                }
                @for value in &x_ticks {
                    @let place = x.at(*value);
                    path .grid.faint d=(format!("M{place:.1} {:.1}L{place:.1} {:.1}", y.start, y.start + 4.0)) {}
                    // The outermost tick is moved in, so that no label is cut.
                    @let text = tick_text(*value, x_step);
                    @let place = place.min(WIDTH - 1.0 - text_width(&text) / 2.0);
                    text .tick.middle x=(format!("{place:.1}")) y=(format!("{:.1}", y.start + 18.0)) { (text) }
                }
                text .axis.end x=(format!("{:.1}", x.end)) y=(format!("{:.1}", height - 6.0)) { (self.x) }
                @if self.shape == Shape::Roc {
                    path .rule d=(path([[x.at(0.0), y.at(0.0)], [x.at(1.0), y.at(1.0)]].into_iter())) {}
                }
                @for (index, line) in self.lines.iter().enumerate() {
                    path class=(series(index)) d=(points(line)) {}
                    // A path of one point draws nothing.
                    @if let [[a, b]] = line.points.as_slice() {
                        @if b.is_finite() {
                            circle class=(series(index)) cx=(format!("{:.1}", x.at(*a))) cy=(format!("{:.1}", y.at(*b))) r="3" {}
                        }
                    }
                }
            }
        }
    }

    /// What the bottom runs over; what the left side runs over, its ticks and their distance.
    fn ranges(&self) -> ([f64; 2], ([f64; 2], Vec<f64>, f64)) {
        let all = || self.lines.iter().flat_map(|line| &line.points).filter(|[x, y]| x.is_finite() && y.is_finite());
        let y_range = extent(all().map(|point| point[1]));
        // Epochs are counted from the beginning, also where a value comes only now and then.
        let x_range = [0.0, all().map(|point| point[0]).fold(0.0, f64::max).ceil().max(1.0)];
        let fixed = |range: [f64; 2]| {
            let (ticks, step) = ticks(range, 5);
            (range, ticks, step)
        };
        match self.shape {
            Shape::Roc => ([0.0, 1.0], fixed([0.0, 1.0])),
            Shape::Free => (x_range, rounded(y_range, 5)),
            Shape::FromZero => (x_range, rounded([0.0, y_range[1].max(f64::MIN_POSITIVE)], 5)),
            Shape::Between(range) => (x_range, fixed(range)),
        }
    }

    /// What the figure shows in words: where each curve begins and ends.
    fn description(&self) -> String {
        let said = self.lines.iter().take(12).filter_map(|line| {
            let mut finite = line.points.iter().filter(|point| point[1].is_finite());
            let first = finite.next()?;
            let last = finite.next_back().unwrap_or(first);
            let [from, to] = [first[1], last[1]].map(super::significant);
            Some(format!("{} from {from} to {to}", line.name))
        });
        format!("{} over {}: {}.", self.y, self.x, said.collect::<Vec<_>>().join("; "))
    }
}

/// The style classes of series number `index`: its colour and its dash pattern.
pub(crate) fn series(index: usize) -> String {
    format!("line c{} d{}", index % COLOURS, (index % COLOURS + index / COLOURS) % COLOURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(lines: Vec<Line>) -> LineChart<'static> {
        LineChart {
            id: "a".to_owned(),
            title: "Loss",
            x: "epoch",
            y: "loss, nats",
            lines,
            shape: Shape::Free,
            note: None,
        }
    }

    fn line(name: &str, points: &[[f64; 2]]) -> Line {
        Line { name: name.to_owned(), points: points.to_vec() }
    }

    /// Every coordinate of every path.
    fn coordinates(svg: &str) -> Vec<f64> {
        let document = roxmltree::Document::parse(svg).unwrap();
        let paths = document.descendants().filter_map(|node| node.attribute("d"));
        let numbers = paths.flat_map(|d| d.split(['M', 'L', ' ']).filter(|part| !part.is_empty()).collect::<Vec<_>>());
        numbers.map(|number| number.parse().unwrap()).collect()
    }

    #[test]
    fn a_chart_is_well_formed_and_stays_inside_its_frame() {
        for points in [vec![[1.0, 2.0], [2.0, 9.7], [300.0, -3.0]], vec![[5.0, 5.0]], vec![[0.0, 1e-300], [1.0, 1e300]]]
        {
            let svg = chart(vec![line("a", &points), line("b", &[])]).svg().into_string();
            for value in coordinates(&svg) {
                assert!((-0.1..=WIDTH + 0.1).contains(&value), "{value} in {svg}");
            }
        }
    }

    #[test]
    fn the_first_and_last_values_are_said_in_words() {
        let svg = chart(vec![line("total", &[[1.0, 4.0], [2.0, f64::NAN], [3.0, 2.0]])]).svg().into_string();
        assert!(svg.contains("loss, nats over epoch: total from 4.00 to 2.00."), "{svg}");
    }

    #[test]
    fn a_chart_with_nothing_to_show_is_left_out() {
        assert_eq!(chart(vec![line("a", &[[1.0, f64::NAN]])]).render().into_string(), "");
    }

    #[test]
    fn a_hostile_name_stays_text() {
        let markup = chart(vec![line("</svg><script>alert(1)</script>", &[[1.0, 1.0]]), line("b", &[[1.0, 2.0]])]);
        assert!(!markup.render().into_string().contains("<script"));
    }

    #[test]
    fn series_differ_in_colour_or_dash() {
        let all: std::collections::BTreeSet<String> = (0..COLOURS * COLOURS).map(series).collect();
        assert_eq!(all.len(), COLOURS * COLOURS);
    }
}
