//! The page as a whole: what must stand on it, and what must never.

use super::*;
use crate::compare::summary::SUMMARY_FILE;
use hico_train::journal::{JOURNAL_FILE, JournalEntry};
use hico_train::run_record::RECIPE_FILE;
use std::path::Path;

const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";

/// A summary and one pretraining run a fold, as `crossval --pretrain-inside` leaves them.
fn folder(summary: &Summary, epochs: usize, runs: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(SUMMARY_FILE), serde_json::to_string(summary).unwrap()).unwrap();
    for fold in 0..runs {
        let run = folder.path().join(format!("fold-{fold}"));
        std::fs::create_dir(&run).unwrap();
        let journal = synthetic::lines(&synthetic::journal(epochs, 2, fold as u64));
        std::fs::write(run.join(JOURNAL_FILE), journal).unwrap();
        std::fs::write(run.join(RECIPE_FILE), "[train]\nepochs = 300\n").unwrap();
        synthetic::record(fold as u64).write(&run).unwrap();
    }
    folder
}

fn built(folder: &Path, dataset: Option<&Dataset>) -> String {
    build(&[folder.to_owned()], dataset).unwrap()
}

/// What a browser makes of the page, near enough: void elements closed, then read as XML.
fn parsed(html: &str) -> String {
    let body = html.strip_prefix("<!DOCTYPE html>").unwrap();
    let mut text = String::new();
    let mut rest = body;
    while let Some(start) = rest.find("<meta").into_iter().chain(rest.find("<img")).min() {
        let end = start + rest[start..].find('>').unwrap();
        text.push_str(&rest[..end]);
        text.push_str("/>");
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    text.replace("<details open>", "<details open=\"\">")
}

#[test]
fn the_figures_stand_on_the_page() {
    let summary = synthetic::summary(5, 3);
    let folder = folder(&summary, 10, 5);
    let html = built(folder.path(), None);
    for entry in summary.tables.iter().flat_map(|table| &table.entries) {
        let figure = &entry.scores.as_ref().unwrap().scores.patient.balanced_accuracy;
        assert!(html.contains(&number::percent(figure.mean)), "{}", entry.method);
        assert!(html.contains(&number::interval(figure)), "{}", entry.method);
    }
    for sentence in study::sentences(&summary) {
        let (_, sentence) = sentence.split_once(": ").unwrap();
        assert!(html.contains(sentence.split_once(": ").unwrap().1), "{sentence}");
    }
    for words in
        ["fold-4", "Learning rate", "Nearest neighbours", "selection bias", &summary.data[0].hash, "epochs = 300"]
    {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn the_page_is_well_formed_with_unique_ids_and_links_that_lead_somewhere() {
    let summary = synthetic::summary(4, 2);
    let [a, b] = [folder(&summary, 5, 3), folder(&summary, 5, 1)];
    let dataset = synthetic::dataset(4);
    let html = build(&[a.path().to_owned(), b.path().to_owned()], Some(&dataset)).unwrap();
    let xml = parsed(&html);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for id in document.descendants().filter_map(|node| node.attribute("id")) {
        assert!(ids.insert(id), "{id} stands twice");
    }
    for node in document.descendants() {
        if let Some(target) = node.attribute("href") {
            assert!(ids.contains(target.trim_start_matches('#')), "{target} leads nowhere");
        }
        for label in node.attribute("aria-labelledby").unwrap_or_default().split_whitespace() {
            assert!(ids.contains(label), "{label} names nothing");
        }
        if node.has_tag_name("img") {
            assert!(node.attribute("alt").is_some_and(|alt| !alt.is_empty()));
        }
        if node.has_tag_name("th") {
            assert!(node.attribute("scope").is_some());
        }
        for value in ["d", "x", "y", "cx", "cy", "viewBox"].iter().filter_map(|name| node.attribute(*name)) {
            assert!(!value.contains("NaN") && !value.contains("inf"), "{value}");
        }
    }
    let pictures = document.descendants().filter(|node| node.has_tag_name("img")).count();
    assert!(pictures >= 18, "six examples of each of three classes, and the mistakes: {pictures}");
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let summary = synthetic::summary(2, 1);
    let html = built(folder(&summary, 3, 2).path(), Some(&synthetic::dataset(2)));
    for forbidden in ["http://", "https://", "<script", "<link", "<iframe", "@import", "url(", "javascript:"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    for source in html.split("src=\"").skip(1) {
        assert!(source.starts_with("data:image/png;base64,"), "{}", &source[..40]);
    }
}

#[test]
fn a_hostile_name_stays_text_wherever_it_stands() {
    let mut summary = synthetic::summary(2, 1);
    for (at, class) in summary.data[0].classes.iter_mut().enumerate() {
        class.name = format!("{EVIL}{at}");
    }
    let name = format!("{EVIL}{}", summary.data[0].name);
    summary.tables.iter_mut().for_each(|table| table.data.clone_from(&name));
    let data = &mut summary.data[0];
    data.name = name;
    [&mut data.hash, &mut data.pretrained_on].into_iter().for_each(|text| *text = EVIL.to_owned());
    for text in
        [&mut summary.title, &mut summary.origin.command, &mut summary.origin.device, &mut summary.origin.finished]
    {
        *text = EVIL.to_owned();
    }
    summary.warnings.push(EVIL.to_owned());
    for method in &mut summary.methods {
        method.name = format!("{EVIL}{}", method.name);
        method.description = EVIL.to_owned();
    }
    for entry in summary.tables.iter_mut().flat_map(|table| &mut table.entries) {
        entry.method = format!("{EVIL}{}", entry.method);
        let scores = entry.scores.as_mut().unwrap();
        scores.runs.iter_mut().for_each(|run| run.seen_groups.push(EVIL.to_owned()));
        scores.mistakes.iter_mut().for_each(|clip| {
            clip.clip = format!("{EVIL}{}", clip.clip);
            clip.group = EVIL.to_owned();
        });
    }
    let folder = folder(&summary, 3, 1);
    let run = folder.path().join("fold-0");
    std::fs::write(run.join(RECIPE_FILE), format!("# {EVIL}")).unwrap();
    let mut record = synthetic::record(1);
    for list in [&mut record.command, &mut record.classes, &mut record.groups, &mut record.val_groups] {
        list.push(EVIL.to_owned());
    }
    record.write(&run).unwrap();
    let mut journal = synthetic::journal(3, 2, 1);
    for entry in &mut journal {
        if let JournalEntry::Step(step) = entry {
            step.losses.insert(EVIL.to_owned(), 1.0);
        }
    }
    journal.push(JournalEntry::Warning { epoch: 1, message: EVIL.to_owned() });
    journal.push(JournalEntry::Stopped { step: 2, reason: EVIL.to_owned() });
    std::fs::write(run.join(JOURNAL_FILE), synthetic::lines(&journal)).unwrap();
    let html = built(folder.path(), Some(&synthetic::dataset(2)));
    assert!(!html.contains("<script") && !html.contains("<img src=x"));
    let xml = parsed(&html);
    let document = roxmltree::Document::parse(&xml).unwrap();
    for node in document.descendants() {
        assert!(node.attributes().all(|attribute| !attribute.name().starts_with("on")), "no event handlers");
    }
}

#[test]
fn contamination_is_red_and_at_the_top() {
    let mut summary = synthetic::summary(2, 1);
    let hico = summary.tables[1].entries.iter_mut().find(|entry| entry.method == "hico").unwrap();
    hico.scores.as_mut().unwrap().runs[0].seen_groups.push("patient 7".to_owned());
    let html = built(folder(&summary, 2, 0).path(), None);
    let alert = html.find("class=\"alert contaminated\"").unwrap();
    assert!(alert < html.find("<figure").unwrap(), "before the first figure");
    assert!(
        html[alert..].starts_with(
            "class=\"alert contaminated\" role=\"note\"><b>Do not believe: </b>hico: its pretraining saw 1"
        )
    );
}

#[test]
fn one_seed_is_said_to_be_one_seed() {
    let html = built(folder(&synthetic::summary(2, 1), 2, 0).path(), None);
    assert!(html.contains("one seed: how far"));
    let html = built(folder(&synthetic::summary(2, 2), 2, 0).path(), None);
    assert!(!html.contains("one seed: how far") && html.contains("±"));
}

#[test]
fn a_killed_run_with_nothing_but_a_cut_journal_is_still_reported() {
    let folder = tempfile::tempdir().unwrap();
    let text = synthetic::lines(&synthetic::journal(10, 4, 1));
    std::fs::write(folder.path().join(JOURNAL_FILE), &text[..text.len() * 2 / 3 + 7]).unwrap();
    let html = built(folder.path(), None);
    for words in ["Nothing evaluated yet", "killed or running (journal cut)", "Training loss", "only its journal"] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn a_run_that_has_only_begun_is_reported_without_figures() {
    let folder = tempfile::tempdir().unwrap();
    let entries = synthetic::journal(10, 4, 1);
    std::fs::write(folder.path().join(JOURNAL_FILE), synthetic::lines(&entries[..1])).unwrap();
    assert!(!built(folder.path(), None).contains("<figure"));
}

/// Writes the page of a realistic case to the file named by `HICO_REPORT_SAMPLE`, for looking at it in a browser.
#[test]
fn a_realistic_case_makes_a_page_of_moderate_size() {
    let mut summary = synthetic::summary(5, 3);
    summary.warnings.push("fold 2 tests one group of class pneumonia only".to_owned());
    let folder = folder(&summary, 300, 5);
    let html = built(folder.path(), Some(&synthetic::dataset(5)));
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    if let Ok(path) = std::env::var("HICO_REPORT_SAMPLE") {
        std::fs::write(path, html).unwrap();
    }
}
