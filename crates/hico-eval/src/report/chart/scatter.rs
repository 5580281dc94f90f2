//! Scatter charts: rows of features on a plane, told apart by colour and shape.

use super::{Scale, WIDTH, extent, path, shortened};
use maud::{Markup, html};

/// A figure of points in series.
#[derive(Debug)]
pub(crate) struct Scatter<'a> {
    /// Unique on the page.
    pub(crate) id: String,
    /// What the figure shows; its caption.
    pub(crate) title: &'a str,
    /// The series.
    pub(crate) series: Vec<Points>,
    /// Whether every series' points are joined with their middle.
    pub(crate) joined: bool,
    /// A remark below the figure.
    pub(crate) note: Option<String>,
}

/// Points that belong together.
#[derive(Debug, Clone)]
pub(crate) struct Points {
    /// Their name in the legend.
    pub(crate) name: String,
    /// `[x, y]`
    pub(crate) points: Vec<[f64; 2]>,
    /// What each point is, shown where a pointer rests on it; as many as points, or none.
    pub(crate) names: Vec<String>,
}

/// Height of the figure in its own units.
const HEIGHT: f64 = 400.0;

/// Colours, and shapes: every pair of them is another series.
const COLOURS: usize = 7;
const SHAPES: usize = 4;

/// Series in the legend; more would be longer than the figure.
const NAMED: usize = 14;

impl Scatter<'_> {
    /// The figure with its caption and legend; nothing where there is no point.
    pub(crate) fn render(&self) -> Markup {
        if self.series.iter().all(|series| series.points.is_empty()) {
            return html! {};
        }
        html! {
            figure .chart {
                figcaption { (self.title) }
                (self.svg())
                @if !self.joined {
                    ul .legend {
                        @for (index, series) in self.series.iter().enumerate().take(NAMED) {
                            li {
                                svg .swatch viewBox="0 0 28 10" aria-hidden="true" { (mark(index, [14.0, 5.0], 4.0)) }
                                span title=(series.name) { (shortened(&series.name, 40)) }
                            }
                        }
                        @if self.series.len() > NAMED { li { "and " (self.series.len() - NAMED) " more" } }
                    }
                }
                @if let Some(note) = &self.note { p .note { (note) } }
            }
        }
    }

    fn svg(&self) -> Markup {
        let all = || self.series.iter().flat_map(|series| &series.points);
        let ranges = [0, 1].map(|axis: usize| extent(all().map(|point| point[axis])));
        let x = Scale { low: ranges[0][0], high: ranges[0][1], start: 10.0, end: WIDTH - 10.0 };
        let y = Scale { low: ranges[1][0], high: ranges[1][1], start: HEIGHT - 10.0, end: 10.0 };
        let at = |point: &[f64; 2]| [x.at(point[0]), y.at(point[1])];
        let [title_id, text_id] = [format!("{}-t", self.id), format!("{}-d", self.id)];
        let described = format!("{} points in {} series", all().count(), self.series.len());
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(format!("{title_id} {text_id}")) {
                title id=(title_id) { (self.title) }
                desc id=(text_id) { (described) }
                @for (index, series) in self.series.iter().enumerate() {
                    @if self.joined && series.points.len() > 1 {
                        path class=(format!("star c{}", index % COLOURS)) d=(star(&series.points, at)) {}
                    }
                    @for (place, point) in series.points.iter().enumerate() {
                        @match series.names.get(place) {
                            Some(name) => g { title { (name) } (mark(index, at(point), 3.2)) },
                            None => (mark(index, at(point), 3.2)),
                        }
                    }
                }
            }
        }
    }
}

/// Lines from the middle of points to each of them.
fn star(points: &[[f64; 2]], at: impl Fn(&[f64; 2]) -> [f64; 2]) -> String {
    let count = points.len() as f64;
    let middle = [0, 1].map(|axis: usize| points.iter().map(|point| point[axis]).sum::<f64>() / count);
    points.iter().map(|point| path([at(&middle), at(point)].into_iter())).collect()
}

/// The mark of a series: a circle, square, triangle or diamond.
fn mark(index: usize, [x, y]: [f64; 2], size: f64) -> Markup {
    let class = format!("dot c{}", index % COLOURS);
    let around = |corners: &[[f64; 2]]| {
        let corners = corners.iter().map(|[a, b]| [a.mul_add(size, x), b.mul_add(size, y)]);
        format!("{}Z", path(corners))
    };
    html! {
        @match (index / COLOURS + index % COLOURS) % SHAPES {
            0 => circle class=(class) cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r=(format!("{size:.1}")) {},
            1 => path class=(class) d=(around(&[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]])) {},
            2 => path class=(class) d=(around(&[[0.0, -1.2], [1.1, 0.8], [-1.1, 0.8]])) {},
            _ => path class=(class) d=(around(&[[0.0, -1.3], [1.3, 0.0], [0.0, 1.3], [-1.3, 0.0]])) {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_drawn_and_every_series_named_and_nothing_is_nothing() {
        let points = |name: &str, points: Vec<[f64; 2]>| Points {
            name: name.to_owned(),
            names: points.iter().map(|point| format!("{name} at {}", point[0])).collect(),
            points,
        };
        let series = vec![points("a <b>", vec![[0.0, 0.0], [1.0, 4.0]]), points("c", vec![[2.0, 2.0]])];
        let chart = Scatter { id: "s".into(), title: "Rows", series, joined: false, note: None };
        let drawn = chart.render().into_string();
        assert_eq!(drawn.matches("dot c0").count(), 2 + 1, "and the legend's");
        assert_eq!(drawn.matches("dot c1").count(), 1 + 1);
        assert!(drawn.contains("a &lt;b&gt;") && !drawn.contains("<b>") && drawn.contains("3 points in 2 series"));
        // Every point says what it is.
        assert_eq!(drawn.matches("<g><title>").count(), 3);
        assert!(drawn.contains("<title>c at 2</title>"), "{drawn}");
        // The outermost points lie at the edges, and up is up.
        assert!(drawn.contains(r#"cx="10.0" cy="390.0""#) && drawn.contains(r#"cx="240.0" cy="10.0""#), "{drawn}");
        let joined = Scatter { joined: true, ..chart }.render().into_string();
        assert_eq!((joined.matches("star c0").count(), joined.matches("<li>").count()), (1, 0));
        let none = Scatter { id: "n".into(), title: "None", series: Vec::new(), joined: false, note: None };
        assert!(none.render().into_string().is_empty());
    }

    #[test]
    fn neighbouring_series_differ_in_colour_and_shape() {
        let drawn: Vec<String> =
            (0..COLOURS * SHAPES).map(|index| mark(index, [0.0, 0.0], 1.0).into_string()).collect();
        let distinct: std::collections::BTreeSet<&String> = drawn.iter().collect();
        assert_eq!(distinct.len(), drawn.len());
    }
}
