//! One page about text that is burned into frames and headers with identifying values.

use crate::report::number::{count, counted};
use crate::report::page::{Head, around};
use crate::report::section::Section;
use crate::report::tables::{Row, Table, text};
use crate::report::thumbnail::picture;
use hico_data::phi::BurnedIn;
use hico_data::phi::{ClipText, PhiReport, TextPlace};
use maud::{Markup, html};

/// Longest side of a picture, pixels.
const SIDE: u32 = 420;

/// Rows of a table, at most; all are in the JSON.
const ROWS: usize = 1000;

/// One self-contained HTML page: no network, no script, no font. It shows what is burned in.
#[must_use]
pub fn phi_page(report: &PhiReport) -> String {
    let subtitle = format!("{}; for your eyes alone", counted(report.clips.len(), "clip", "clips"));
    let title = format!("Burned-in text of {}", report.source);
    let section = |id: &str, title: &str, body| Section { id: id.to_owned(), title: title.to_owned(), body };
    let suspected: Vec<&ClipText> = report.clips.iter().filter(|clip| clip.suspected).collect();
    let filled: Vec<&ClipText> =
        report.clips.iter().filter(|clip| clip.header.as_ref().is_some_and(|it| !it.filled.is_empty())).collect();
    let sections: Vec<Section> = [
        Some(section("summary", "Summary", summary(report))),
        (!suspected.is_empty()).then(|| section("suspected", "Suspected clips", clips(&suspected))),
        (!filled.is_empty()).then(|| section("headers", "Headers with identifying values", headers(&filled))),
        (!report.unseen.is_empty()).then(|| section("unseen", "Not looked at", unseen(report))),
        Some(section("how", "How it was found", how(report.threshold))),
    ]
    .into_iter()
    .flatten()
    .collect();
    around(&Head { brand: "hico audit --phi", title: &title, subtitle: &subtitle }, &sections)
}

fn summary(report: &PhiReport) -> Markup {
    let (class, word) = if report.is_clean() {
        ("answer good", "Nothing suspected")
    } else {
        ("answer bad", "Look before you pass on")
    };
    html! {
        div class=(class) {
            p .word { (word) }
            ul {
                li .sentence { "Text suspected in " (counted(report.suspected, "clip", "clips")) "." }
                li .sentence { "Headers with identifying values: " (count(report.headers as f64)) "." }
                li .sentence { "Not looked at: " (counted(report.unseen.len(), "clip", "clips")) "." }
            }
        }
        @if report.interrupted { p { "The work was interrupted: clips are missing from this page." } }
        p { "A clip that is not suspected may still hold text: look at it before you pass it on." }
    }
}

fn clips(suspected: &[&ClipText]) -> Markup {
    let place = |place: TextPlace| match place {
        TextPlace::Inside => "inside the region: a mask leaves it",
        TextPlace::Outside => "outside",
        TextPlace::Unknown => "the region was not found",
    };
    html! {
        p {
            "Boxes: green outside the insonated region, where " code { "hico ingest --sector mask" } " blackens it; red "
            "inside or across its edge; yellow where the region was not found."
        }
        @for clip in suspected.iter().take(ROWS) {
            h3 { (clip.clip) }
            p {
                "Score " (format!("{:.2}", clip.score)) "; " (counted(clip.lines.len(), "row", "rows")) "; region: "
                (clip.sector) "."
                @if let Some(header) = &clip.header {
                    @if header.burned_in == BurnedIn::Yes { " The header says that its pixels are burned in." }
                    @if header.burned_in == BurnedIn::No { " The header says that nothing is burned in." }
                }
            }
            @if let Some(address) = clip.picture.clone().and_then(|frame| picture(frame, SIDE)) {
                img src=(address) alt=(format!("Frame of {} with rows boxed", clip.clip));
            }
            @if !clip.lines.is_empty() {
                details {
                    summary { "Show the rows" }
                    ul {
                        @for line in &clip.lines {
                            li {
                                (format!("{:?}", line.line.bounds)) ", " (counted(line.line.letters, "letter", "letters"))
                                ", score " (format!("{:.2}", line.line.score)) ", " (place(line.place))
                                @if let Some(frame) = line.line.frame { ", seen in frame " (frame) }
                            }
                        }
                    }
                }
            }
        }
        @if suspected.len() > ROWS { p .note { "The first " (ROWS) " of " (suspected.len()) "." } }
    }
}

fn headers(filled: &[&ClipText]) -> Markup {
    let rows = filled.iter().take(ROWS).filter_map(|clip| {
        let header = clip.header.as_ref()?;
        Some(Row { cells: vec![text(&clip.clip), text(header.filled.join(", "))], class: "" })
    });
    let table = Table {
        caption: "Elements that hold something; what they hold is not shown",
        head: vec!["file", "elements"],
        rows: rows.collect(),
        figures_from: 2,
    };
    html! {
        p { "None of them enters a data set: " code { "hico ingest" } " keeps salted hashes of patient and path." }
        (table.render())
    }
}

fn unseen(report: &PhiReport) -> Markup {
    let row = |unseen: &hico_data::phi::Unseen| Row {
        cells: vec![text(&unseen.clip), text(&unseen.reason)],
        class: "contaminated",
    };
    let table = Table {
        caption: "Files of which nothing is known",
        head: vec!["file", "why"],
        rows: report.unseen.iter().take(ROWS).map(row).collect(),
        figures_from: 2,
    };
    table.render()
}

fn how(threshold: f64) -> Markup {
    html! {
        p {
            "Letters are bright pieces of a frame, sharply edged and of thin strokes; rows of pieces that are alike and "
            "stand on one line are scored from 0 to 1, and from " (threshold) " on a clip is suspected. They are looked "
            "for in what stays bright through the whole clip and in a few of its frames. Nothing is read."
        }
        p {
            "What is missed: single letters, letters less than five pixels high, dark ones on a bright ground, handwriting, "
            "words that stand upright, faces and barcodes, and words that pass between the frames that are looked at."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::phi::HeaderFacts;
    use hico_data::phi::{PlacedLine, Unseen};
    use hico_data::text::Line;
    use hico_data::{Channels, Frame, Size};

    #[test]
    fn suspected_clips_are_shown_with_their_frame_and_names_are_no_markup() {
        let line = Line { bounds: [1, 2, 30, 9], letters: 5, score: 0.9, frame: None };
        let frame = Frame { size: Size { height: 4, width: 6 }, channels: Channels::Rgb, pixels: vec![7; 72] };
        let clip = ClipText {
            clip: "<script>alert(1)</script>".to_owned(),
            frames: 3,
            height: 40,
            width: 60,
            score: 0.9,
            suspected: true,
            lines: vec![PlacedLine { line, place: TextPlace::Outside }],
            sector: "convex".to_owned(),
            header: Some(HeaderFacts { burned_in: BurnedIn::Yes, filled: vec!["PatientName"] }),
            picture: Some(frame),
        };
        let unseen = vec![Unseen { clip: "b.mp4".to_owned(), reason: "it is empty".to_owned() }];
        let report = PhiReport { clips: vec![clip], suspected: 1, headers: 1, unseen, ..PhiReport::default() };
        let html = phi_page(&report).replace('\u{a0}', " ");
        assert_eq!(html.matches("<img src=\"data:image/png;base64,").count(), 1);
        for words in
            ["Text suspected in 1 clip", "PatientName", "it is empty", "[1, 2, 30, 9], 5 letters", "says that its"]
        {
            assert!(html.contains(words), "{words}");
        }
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "a name became markup");
        assert!(phi_page(&PhiReport::default()).contains("Nothing suspected"));
    }
}
