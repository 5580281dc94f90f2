//! The page of an audit of phantoms, with a planted copy.

use super::*;
use hico_data::audit::remedy::remedy;
use hico_data::audit::{AuditOptions, audit};
use hico_data::phantom::{PhantomRecipe, generate};
use hico_data::{Dataset, Job, Seed};

/// Phantoms in which the last clip is a copy of the first one in another group, with another label.
fn planted() -> Dataset {
    let recipe =
        PhantomRecipe { patients: 9, clips_per_patient: [1, 1], frames: 3, side: 96, ..PhantomRecipe::default() };
    let dataset = generate(&recipe);
    let mut manifest = dataset.manifest().clone();
    let mut clips: Vec<_> = (0..dataset.len()).map(|clip| dataset.read_clip(clip).unwrap()).collect();
    clips[8] = clips[0].clone();
    let first = manifest.rows[0].clone();
    let copy = &mut manifest.rows[8];
    (copy.height, copy.width, copy.channels, copy.frames) = (first.height, first.width, first.channels, first.frames);
    copy.label = Some("<script>alert(1)</script>".to_owned());
    Dataset::in_memory(manifest, clips)
}

#[test]
fn a_copy_stands_on_the_page_side_by_side_and_names_are_no_markup() {
    let dataset = planted();
    let corpus = Corpus::new(vec![("data", &dataset)]);
    let findings = audit(&corpus, AuditOptions::default(), Job::default()).unwrap();
    let confounds = crate::confounds::confounds(&dataset, &findings.quality, Seed(1));
    let words = confounds.as_ref().map_err(ToString::to_string);
    let confounds = match &words {
        Ok(confounds) => Ok(*confounds),
        Err(why) => Err(why.as_str()),
    };
    let remedy = remedy(&findings);
    let html = page(&Audited { findings: &findings, remedy: &remedy, confounds, corpus: &corpus });
    let html = html.replace('\u{a0}', " ");
    assert!(html.contains("In two groups: 1 pair"), "{findings:?}");
    assert!(html.contains("Copy, two labels"));
    // Once in each of the two sections, two pictures a pair.
    assert_eq!(html.matches("<img src=\"data:image/png;base64,").count(), 4 + 2 * findings.nearest_others.len());
    assert!(
        html.contains("alt=\"Frame 0 of clip")
            || html.contains("alt=\"Frame 1 of clip")
            || html.contains("alt=\"Frame 2 of clip")
    );
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "a label became markup");
    for outside in ["http://", "https://", "src=\"/", "url("] {
        assert!(!html.contains(outside), "the page asks for {outside}");
    }
}
