//! What an audit found, as text.

use super::Audit;
use hico_data::audit::{ClipRef, FaultyClip, Findings, Kind, Pair, Relation};
use hico_eval::confounds::{ConfoundScore, Confounds};

/// How many entries of a list are printed; all of them are in the JSON.
const LISTED: usize = 12;

pub(super) fn text(audit: &Audit) -> String {
    let findings = &audit.findings;
    let mut parts = vec![counts(findings), leaks(&audit.leaks), pairs(findings)];
    parts.push(list(
        "names in two folds or data sets",
        findings
            .crossings
            .iter()
            .map(|it| format!("{:?} {}: {} ({} clips)", it.unit, it.name, it.places.join(", "), it.clips)),
    ));
    parts.push(list(
        "groups of several labels",
        findings.mixed_groups.iter().map(|mixed| {
            let labels: Vec<String> = mixed.labels.iter().map(|(label, clips)| format!("{label} {clips}")).collect();
            format!("{}: {}", mixed.group, labels.join(", "))
        }),
    ));
    parts.push(list("blank, static or saturated clips", findings.faults.iter().map(fault)));
    let unread = findings.unreadable.iter().map(|unread| format!("{}: {}", unread.clip.clip, unread.reason));
    parts.push(list("clips that cannot be read", unread));
    parts.push(match (&audit.confounds, &audit.no_confounds) {
        (Some(confounds), _) => confound_table(confounds),
        (None, Some(why)) => format!("confounders: not measured, {why}"),
        (None, None) => String::new(),
    });
    let remedy = &audit.remedy;
    if !(remedy.merged.is_empty() && remedy.excluded.is_empty()) {
        parts.push(format!(
            "--fix would propose {} merged groups and {} clips to leave out",
            remedy.merged.len(),
            remedy.excluded.len()
        ));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn counts(findings: &Findings) -> String {
    let tables = findings.datasets.iter().map(|facts| {
        let mut lines = vec![
            format!("{}: {} clips, {} groups, {} folds", facts.name, facts.clips, facts.groups, facts.folds),
            format!("{:<24}{:>8}{:>8}{:>10}", "class", "clips", "groups", "frames"),
        ];
        lines.extend(facts.classes.iter().map(|class| {
            let name = class.class.as_deref().unwrap_or("(unlabelled)");
            format!("{name:<24}{:>8}{:>8}{:>10}", class.clips, class.groups, class.frames)
        }));
        lines.join("\n")
    });
    tables.collect::<Vec<_>>().join("\n\n")
}

fn leaks(leaks: &[String]) -> String {
    if leaks.is_empty() {
        return "no leakage found".to_owned();
    }
    leaks.iter().map(|leak| format!("leakage: {leak}")).collect::<Vec<_>>().join("\n")
}

fn pairs(findings: &Findings) -> String {
    let of = |relation: Relation| findings.pairs.iter().filter(move |pair| pair.relation == relation);
    let titles = [
        (Relation::AcrossDataSets, "the same in two data sets"),
        (Relation::AcrossFolds, "the same in two folds"),
        (Relation::AcrossGroups, "the same in two groups"),
    ];
    let mut parts: Vec<String> =
        titles.into_iter().map(|(relation, title)| list(title, of(relation).map(pair))).collect();
    let clashes = of(Relation::WithinGroup).filter(|pair| pair.label_clash);
    parts.push(list("the same in one group with two labels", clashes.map(pair)));
    let within = of(Relation::WithinGroup).count();
    if within > 0 {
        parts.push(format!("duplicate pairs within one group: {within}"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn pair(pair: &Pair) -> String {
    let kind = match (pair.same_file, pair.kind) {
        (true, _) => "same file",
        (false, Kind::Copy) => "duplicate",
        (false, Kind::SameView) => "same view",
    };
    let mirrored = if pair.likeness.mirrored { ", mirrored" } else { "" };
    let clash = if pair.label_clash { ", two labels" } else { "" };
    let clip = |clip: &ClipRef| {
        let label = clip.label.as_deref().unwrap_or("no label");
        let fold = clip.fold.map(|fold| format!(", fold {fold}")).unwrap_or_default();
        format!("{} ({label}, group {}{fold})", clip.clip, clip.group)
    };
    format!(
        "{kind}{mirrored}{clash}, similarity {:.2}: {} and {}",
        pair.likeness.agreement,
        clip(&pair.first),
        clip(&pair.second)
    )
}

fn fault(faulty: &FaultyClip) -> String {
    format!("{}: {}", faulty.fault.name(), faulty.clip.clip)
}

fn confound_table(confounds: &Confounds) -> String {
    let share = |share: f64| format!("{:.1} %", share * 100.0);
    let row = |name: &str, score: &ConfoundScore| {
        let interval = format!("{:.1} to {}", score.interval[0] * 100.0, share(score.interval[1]));
        let told = if score.tells(confounds.chance) { "above chance" } else { "" };
        let figures = (share(score.balanced_accuracy), share(score.accuracy));
        format!("{name:<24}{:>10}{interval:>18}{:>10}  {told}", figures.0, figures.1).trim_end().to_owned()
    };
    let made = if confounds.own_folds { "its own" } else { "new" };
    let mut lines = vec![
        format!(
            "confounders: the label predicted from metadata, {} clips of {} groups over {} of {made} folds; chance {}",
            confounds.clips,
            confounds.groups,
            confounds.folds,
            share(confounds.chance)
        ),
        format!("{:<24}{:>10}{:>18}{:>10}", "predicted from", "balanced", "95 % interval", "accuracy"),
    ];
    lines.extend(confounds.things.iter().map(|thing| row(thing.name, &thing.score)));
    lines.push(row("all of them", &confounds.together));
    lines.push(row("largest class", &confounds.majority));
    lines.push(row("thumbnail (image)", &confounds.thumbnails));
    if !confounds.left_out.is_empty() {
        lines.push(format!("left out, in too few groups: {}", confounds.left_out.join(", ")));
    }
    if !confounds.naming_words.is_empty() {
        lines.push(format!("left out of source, for they name a class: {}", confounds.naming_words.join(", ")));
    }
    lines.join("\n")
}

fn list(title: &str, items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        return String::new();
    }
    let mut lines = vec![format!("{title}: {}", items.len())];
    lines.extend(items.iter().take(LISTED).map(|item| format!("  {item}")));
    if items.len() > LISTED {
        lines.push(format!("  and {} more (--json or --html shows them)", items.len() - LISTED));
    }
    lines.join("\n")
}
