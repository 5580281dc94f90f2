//! Text that is burned in: drawn into synthetic clips, and in real ones that were labelled by looking at each.

mod drawing;

use drawing::{Drawing, SIZE, tissue, write};
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X13, FONT_10X20};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor as _};
use hico_data::phi::{PhiOptions, PhiReport, SUSPECT, scan_files};
use hico_data::text::{Line, TextLook, find};
use hico_data::{Job, Size};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is found in a clip of 12 frames.
fn found(draw: impl Fn(u32, &mut Drawing)) -> Vec<Line> {
    let mut look = TextLook::new();
    for number in 0..12 {
        let mut frame = tissue(number);
        draw(number, &mut frame);
        look.push(SIZE, &frame.0);
    }
    find(&look).into_iter().filter(|line| line.score >= SUSPECT).collect()
}

#[test]
fn words_are_found_where_they_stand_in_every_colour_and_on_tissue() {
    let places = [
        ("DOE JANE 1970", [4, 4], &FONT_6X13, Rgb888::WHITE),
        ("12.03.2021", [240, 220], &FONT_6X13, Rgb888::YELLOW),
        ("RT KIDNEY", [110, 150], &FONT_10X20, Rgb888::WHITE),
        ("Gain 64 dB", [4, 180], &FONT_6X13, Rgb888::new(60, 220, 230)),
    ];
    for (words, at, font, colour) in places {
        let lines = found(|_, frame| write(frame, words, at, font, colour));
        let width = words.len() as i32 * font.character_size.width as i32;
        let middle = [at[0] + width / 2, at[1] + font.character_size.height as i32 / 2];
        let holds = |line: &Line| {
            let [x0, y0, x1, y1] = line.bounds.map(|place| place as i32);
            (x0..=x1).contains(&middle[0])
                && (y0..=y1).contains(&middle[1])
                && 2 * (x1 - x0) > width
                && line.letters > 3
        };
        assert!(lines.iter().any(holds), "{words}: {lines:?}");
        assert!(lines.iter().all(|line| line.bounds[0] as i32 >= at[0] - 3), "{words}: {lines:?}");
        assert_eq!(lines[0].frame, None, "{words} stays");
    }
}

#[test]
fn a_clock_that_ticks_is_found() {
    let lines = found(|number, frame| {
        write(frame, &format!("12:{:02}:{:02}", 3 * number, 7 * number % 60), [250, 4], &FONT_6X13, Rgb888::WHITE);
    });
    assert!(lines.iter().any(|line| line.bounds[0] >= 248 && line.bounds[3] < 20), "{lines:?}");
}

#[test]
fn tissue_rulers_grey_bars_and_traces_are_no_words() {
    let marks = |number: u32, frame: &mut Drawing| {
        let mut paint = |x: usize, y: usize, value: u8| frame.0[3 * (y * SIZE.width + x)..][..3].fill(value);
        (0..12).for_each(|tick| (0..5).for_each(|x| paint(312 + x, 10 + 18 * tick, 230)));
        (0..14).for_each(|dot| (0..4).for_each(|at| paint(20 + 20 * dot + at % 2, 234 + at / 2, 230)));
        (0..100).for_each(|y| (0..8).for_each(|x| paint(8 + x, 30 + y, (250 - 2 * y) as u8)));
        let trace = |x: usize| 215 - if x % 50 < 6 { 12 } else { 0 };
        (40..(40 + 20 * number as usize)).for_each(|x| paint(x, trace(x), 220));
    };
    let lines = found(marks);
    assert_eq!(lines, [], "marks");
    assert_eq!(found(|_, _| {}), []);
}

#[test]
fn a_look_at_nothing_or_at_frames_without_pixels_finds_nothing() {
    assert_eq!(find(&TextLook::new()), []);
    let mut look = TextLook::new();
    look.push(Size { height: 0, width: 0 }, &[]);
    look.push(Size { height: 1, width: 1 }, &[255; 3]);
    assert_eq!(find(&look), []);
}

#[derive(serde::Deserialize)]
struct Labelled {
    file: String,
    half: String,
    text: String,
}

/// How many clips of a kind were suspected, and how many there are.
type Counts = BTreeMap<(String, String), [usize; 2]>;

/// `HICO_ALL_VIDEOS=1` takes all videos; else two, those with words.
#[test]
fn of_real_clips_those_with_words_are_suspected_and_few_others() {
    let shared = std::env::var_os("HICO_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let data = shared.join("data");
    if !data.is_dir() {
        println!("skipped: of_real_clips_those_with_words_are_suspected_and_few_others: ../shared is absent");
        return;
    }
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/burned_in/text.csv");
    let labels: Vec<Labelled> = csv::Reader::from_path(table).unwrap().deserialize().map(Result::unwrap).collect();
    let videos = if std::env::var_os("HICO_ALL_VIDEOS").is_some() { "videos" } else { "videos/other" };
    let (mut suspected, mut counts) = (BTreeMap::new(), Counts::new());
    for folder in ["images/busi_native", "images/busi256", "images/pocus_stills", "dicom", videos] {
        let mut report = PhiReport::default();
        scan_files(&data.join(folder), &PhiOptions::default(), &mut report, Job::default()).unwrap();
        suspected.extend(report.clips.into_iter().map(|clip| (format!("{folder}/{}", clip.clip), clip)));
    }
    for row in labels {
        let Some(clip) = suspected.get(&row.file) else { continue };
        let wrong = (row.text == "words") != clip.suspected && row.text != "marks";
        if wrong {
            println!("{} {}: {} but {:.3}", row.half, row.file, row.text, clip.score);
        }
        let [yes, all] = counts.entry((row.half, row.text)).or_default();
        *yes += usize::from(clip.suspected);
        *all += 1;
    }
    println!("{counts:?}");
    let of = |half: &str, text: &str| counts[&(half.to_owned(), text.to_owned())];
    for half in ["tune", "test", "new"] {
        let ([found, words], [alarms, none]) = (of(half, "words"), of(half, "none"));
        assert!(found * 100 >= words * 94, "{half}: {found} of {words} with words");
        assert!(alarms * 100 <= none * 4, "{half}: {alarms} of {none} without");
    }
}
