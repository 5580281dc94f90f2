//! The page of an explained clip.

use super::number::{NONE, decimal, percent};
use super::page::{Head, around};
use super::section::Section;
use super::tables::{Row, Table, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hico_model::explain::cam::Level;
use hico_model::explain::clip::{Explained, Explanation};
use maud::{Markup, html};

/// One self-contained HTML page.
///
/// - `pictures`: for each frame the bytes of its five PNGs
#[must_use]
pub fn page(explanation: &Explanation, frames: &[Explained], pictures: &[[Vec<u8>; 5]]) -> String {
    let places = |level: usize| {
        let map = frames.first().map(|frame| &frame.cams[level]);
        map.map_or_else(String::new, |map| format!(", {}x{}", map.height, map.width))
    };
    let heads: Vec<String> = std::iter::once("as it is".to_owned())
        .chain(
            Level::ALL
                .into_iter()
                .zip(["C2", "C4", "C5"])
                .enumerate()
                .map(|(place, (level, map))| format!("{} ({map}{})", level.word(), places(place))),
        )
        .chain(["where occlusion matters".to_owned()])
        .collect();
    let picture = |bytes: &[u8], words: &str| -> Markup {
        let data = format!("data:image/png;base64,{}", STANDARD.encode(bytes));
        html! { img src=(data) alt=(words) width="150" height="150"; }
    };
    let rows = frames.iter().zip(pictures).map(|(frame, pictures)| {
        let head = html! { (frame.frame) br; (percent(frame.probability)) };
        let drawn = pictures
            .iter()
            .zip(&heads)
            .map(|(bytes, words)| picture(bytes, &format!("frame {}, {words}", frame.frame)));
        Row { cells: std::iter::once(head).chain(drawn).collect(), class: "" }
    });
    let looks = Table {
        caption: &format!("Where it speaks for {}", explanation.class),
        head: std::iter::once("frame").chain(heads.iter().map(String::as_str)).collect(),
        rows: rows.collect(),
        figures_from: 6,
    };
    let figure = |value: Option<f64>| text(value.map_or_else(|| NONE.to_owned(), |value| decimal(value, 2)));
    let checks = Level::ALL.map(|level| Row {
        cells: vec![
            text(level.word()),
            figure(explanation.agrees_with_occlusion.get(level.word()).copied().flatten()),
            figure(explanation.like_random_weights.get(level.word()).copied().flatten()),
        ],
        class: "",
    });
    let checks = Table {
        caption: "Whether the maps can be believed (rank correlations, mean over frames)",
        head: vec!["level", "with occlusion", "with random weights"],
        rows: checks.into(),
        figures_from: 1,
    };
    let body = html! {
        (looks.render())
        (checks.render())
        p .note {
            "Local, medium and global are Grad-CAM at three depths of the backbone; brighter places speak more for the class. "
            "Where occlusion matters: how far the probability falls where each place is hidden behind the mean. A map near 1 with random "
            "weights shows the picture, not what was learnt; one far from occlusion shows something that the answer does not hang on. "
            "Maps of fewer than 16 places are too coarse for either check. A map says where, never why."
        }
    };
    let subtitle = format!("{}, probability {}", explanation.class, percent(explanation.probability));
    // A page is passed on; where somebody keeps their patients is nobody's business.
    let name = explanation.source.rsplit(['/', '\\']).next().unwrap_or_default();
    let section = Section { id: "reads".to_owned(), title: "What it reads".to_owned(), body };
    around(&Head { brand: "hico explain", title: name, subtitle: &subtitle }, &[section])
}
