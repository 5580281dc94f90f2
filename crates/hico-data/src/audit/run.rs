//! The whole audit: signatures, candidates, the closer look.

use super::candidates::{ALL_PAIRS, Candidate, Search, candidates};
use super::compare::{Dense, Likeness, compare};
use super::corpus::{ClipRef, Corpus};
use super::pair::{Pair, Relation, Thresholds, pair, relation};
use super::quality::{Fault, Quality};
use super::sides::{Border, Crossing, MixedGroup, Unit, crossings, mixed_groups};
use super::signature::Signature;
use crate::error::Error;
use crate::inspect::{self, ClassFacts};
use crate::job::Job;
use rayon::prelude::*;
use serde::Serialize;
use std::time::Instant;

/// How to audit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AuditOptions {
    /// When two clips show the same.
    pub thresholds: Thresholds,
    /// Bits of 256 in which the hashes of two frames may differ for their clips to be compared.
    pub radius: u32,
    /// Frames up to which the search compares all with all.
    pub all_pairs: usize,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self { thresholds: Thresholds::default(), radius: 88, all_pairs: ALL_PAIRS }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// The data sets; the first is the one that was audited.
    pub datasets: Vec<DatasetFacts>,
    /// Clips that show the same: what spoils most comes first.
    pub pairs: Vec<Pair>,
    /// The most alike clips of different groups that were not called the same, to judge the thresholds by.
    pub nearest_others: Vec<Pair>,
    /// Groups, patients and files on both sides.
    pub crossings: Vec<Crossing>,
    /// Groups of several labels in the first data set.
    pub mixed_groups: Vec<MixedGroup>,
    /// Clips of the first data set that teach little.
    pub faults: Vec<FaultyClip>,
    /// Clips that could not be read, of any data set, and why.
    pub unreadable: Vec<Unreadable>,
    /// Colour and brightness of every clip of the first data set, `[clips]`.
    #[serde(skip)]
    pub quality: Vec<Quality>,
    /// What it took.
    pub work: Work,
}

impl Findings {
    /// What spoils a study, or will once the data set is split, each kind in a sentence; empty when there is nothing.
    ///
    /// Pairs and names on two sides, and pictures with two labels. What is confounded, static or copied within one
    /// group is no leak.
    #[must_use]
    pub fn leaks(&self) -> Vec<String> {
        let pairs = |holds: &dyn Fn(&Pair) -> bool| self.pairs.iter().filter(|pair| holds(pair)).count();
        let related = |relation: Relation| pairs(&|pair| pair.relation == relation);
        let crossing = |border: Border, unit: Unit| {
            self.crossings.iter().filter(|crossing| crossing.border == border && crossing.unit == unit).count()
        };
        let all = [
            (
                related(Relation::AcrossDataSets),
                "pair of clips in two data sets shows the same",
                "pairs of clips in two data sets show the same",
            ),
            (
                related(Relation::AcrossFolds),
                "pair of clips in two folds shows the same",
                "pairs of clips in two folds show the same",
            ),
            (
                related(Relation::AcrossGroups),
                "pair of clips in two groups shows the same",
                "pairs of clips in two groups show the same",
            ),
            (
                pairs(&|pair| pair.label_clash),
                "pair of clips shows the same and has two labels",
                "pairs of clips show the same and have two labels",
            ),
            (crossing(Border::Folds, Unit::Group), "group stands in several folds", "groups stand in several folds"),
            (
                crossing(Border::Folds, Unit::Patient),
                "patient stands in several folds",
                "patients stand in several folds",
            ),
            (
                crossing(Border::Groups, Unit::Patient),
                "patient stands in several groups",
                "patients stand in several groups",
            ),
            (
                crossing(Border::DataSets, Unit::Group),
                "name of a group stands in both data sets",
                "names of groups stand in both data sets",
            ),
            (
                crossing(Border::DataSets, Unit::Patient),
                "name of a patient stands in both data sets",
                "names of patients stand in both data sets",
            ),
            (crossing(Border::DataSets, Unit::File), "file stands in both data sets", "files stand in both data sets"),
        ];
        let told = all.into_iter().filter(|(count, ..)| *count > 0);
        told.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many })).collect()
    }
}

/// A data set in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatasetFacts {
    /// As the person calls it.
    pub name: String,
    /// Its clips.
    pub clips: usize,
    /// Its groups.
    pub groups: usize,
    /// Its folds.
    pub folds: usize,
    /// Its classes; the unlabelled clips, if there are any, come last.
    pub classes: Vec<ClassFacts>,
}

/// A clip that teaches little.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultyClip {
    /// What is wrong.
    pub fault: Fault,
    /// Which.
    pub clip: ClipRef,
    /// Figures of its frames.
    pub quality: Quality,
}

/// A clip that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Which.
    pub clip: ClipRef,
    /// Why.
    pub reason: String,
}

/// What an audit took.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Work {
    /// Frames that were hashed.
    pub hashed_frames: usize,
    /// Pairs of clips that were worth a closer look.
    pub candidates: usize,
    /// Seconds to read and hash, to search, and to compare.
    pub seconds: [f64; 3],
}

/// Clips that are read between two looks at the clock.
const PIECE: usize = 64;

/// Nearest other pairs that are reported.
const NEAREST: usize = 12;

/// Within one group only copies matter, and those are near.
const RADIUS_WITHIN_GROUP: u32 = 48;

/// Audits the first data set of a corpus, and holds the others against it.
///
/// A clip that cannot be read is reported, and the others go on. The same data sets give the same findings whatever the
/// number of threads.
///
/// - `job`: hears of every stage: `read`, `search` and `compare`
///
/// # Errors
/// When the first data set is empty, or the work was interrupted.
pub fn audit(corpus: &Corpus<'_>, options: AuditOptions, job: Job<'_>) -> Result<Findings, Error> {
    let Some(((name, first), _)) = corpus.datasets().split_first() else {
        return Err(Error::Empty("the audit".to_owned()));
    };
    if first.is_empty() {
        return Err(Error::Empty((*name).to_owned()));
    }
    let mut work = Work::default();
    let mut clock = Instant::now();
    let mut lap = || std::mem::replace(&mut clock, Instant::now()).elapsed().as_secs_f64();

    let (signatures, unreadable) = read(corpus, job)?;
    work.hashed_frames = signatures.iter().map(|signature| signature.frames.len()).sum();
    work.seconds[0] = lap();

    let search = Search { radius: options.radius, all_pairs: options.all_pairs };
    let found = candidates(&signatures, search, job)?.into_iter();
    let found: Vec<Candidate> = found.filter(|candidate| matters(corpus, candidate)).collect();
    work.candidates = found.len();
    work.seconds[1] = lap();

    let likenesses = look(corpus, &found, options.thresholds.copy, job)?;
    work.seconds[2] = lap();
    let (pairs, nearest_others) = sort_out(corpus, &found, &likenesses, options.thresholds);
    let quality: Vec<Quality> = signatures[..first.len()].iter().map(|signature| signature.quality).collect();
    Ok(Findings {
        datasets: corpus.datasets().iter().map(|(name, dataset)| facts(name, dataset)).collect(),
        pairs,
        nearest_others,
        crossings: crossings(corpus),
        mixed_groups: mixed_groups(&first.manifest().rows),
        faults: faults(corpus, &quality, &unreadable),
        unreadable,
        quality,
        work,
    })
}

fn read(corpus: &Corpus<'_>, job: Job<'_>) -> Result<(Vec<Signature>, Vec<Unreadable>), Error> {
    let clips: Vec<usize> = (0..corpus.len()).collect();
    let (mut signatures, mut unreadable) = (Vec::with_capacity(clips.len()), Vec::new());
    for piece in clips.chunks(PIECE) {
        job.at([signatures.len(), clips.len()], "clips", "read");
        job.go_on()?;
        let read: Vec<Result<Signature, Error>> = piece
            .par_iter()
            .map(|&clip| {
                let (dataset, index) = corpus.place(clip);
                Signature::of(corpus.datasets()[dataset].1, index)
            })
            .collect();
        for (clip, signature) in piece.iter().zip(read) {
            signatures.push(signature.unwrap_or_else(|error| {
                unreadable.push(Unreadable { clip: corpus.clip(*clip), reason: error.to_string() });
                Signature::default()
            }));
        }
    }
    Ok((signatures, unreadable))
}

/// Two data sets that are only held against the first are no matter of ours, and what is alike within a group is
/// worth a look only where it is nearly the same.
fn matters(corpus: &Corpus<'_>, candidate: &Candidate) -> bool {
    let places = [candidate.a, candidate.b].map(|clip| corpus.place(clip).0);
    let related = places.contains(&0);
    let same_group = places[0] == places[1] && corpus.row(candidate.a).group == corpus.row(candidate.b).group;
    related && (!same_group || candidate.sighting.distance <= RADIUS_WITHIN_GROUP)
}

fn look(corpus: &Corpus<'_>, found: &[Candidate], copy: f32, job: Job<'_>) -> Result<Vec<Option<Likeness>>, Error> {
    let mut all = Vec::with_capacity(found.len());
    for piece in found.chunks(PIECE) {
        job.at([all.len(), found.len()], "pairs", "compare");
        job.go_on()?;
        let look = |candidate: &Candidate| {
            let (a, b) = (corpus.clip(candidate.a), corpus.clip(candidate.b));
            let dense = if a.dataset == b.dataset && a.group == b.group { Dense::Never } else { Dense::Below(copy) };
            // Its frames were read before, so a failure here is told as nothing in common.
            compare(corpus, candidate, dense).ok().flatten()
        };
        all.par_extend(piece.par_iter().map(look));
    }
    job.at([found.len(), found.len()], "pairs", "compare");
    Ok(all)
}

/// The pairs that show the same, and the nearest others of different groups.
fn sort_out(
    corpus: &Corpus<'_>,
    found: &[Candidate],
    likenesses: &[Option<Likeness>],
    thresholds: Thresholds,
) -> (Vec<Pair>, Vec<Pair>) {
    let (mut pairs, mut others) = (Vec::new(), Vec::new());
    for (Candidate { a, b, sighting }, likeness) in found.iter().zip(likenesses) {
        let Some(likeness) = *likeness else { continue };
        match thresholds.kind(&likeness) {
            Some(kind) => pairs.push(pair(corpus, *a, *b, kind, likeness, sighting.distance)),
            None if relation(&corpus.clip(*a), &corpus.clip(*b)) != Relation::WithinGroup => {
                others.push(pair(corpus, *a, *b, super::Kind::SameView, likeness, sighting.distance));
            }
            None => {}
        }
    }
    pairs.sort_by(|a, b| {
        let rank = |pair: &Pair| (pair.relation, !pair.label_clash, pair.kind);
        rank(a).cmp(&rank(b)).then(b.likeness.agreement.total_cmp(&a.likeness.agreement))
    });
    others.sort_by(|a, b| b.likeness.agreement.total_cmp(&a.likeness.agreement));
    others.truncate(NEAREST);
    (pairs, others)
}

fn faults(corpus: &Corpus<'_>, quality: &[Quality], unreadable: &[Unreadable]) -> Vec<FaultyClip> {
    let unread = |clip: &ClipRef| unreadable.iter().any(|other| other.clip == *clip);
    let of_clip = |(clip, quality): (usize, &Quality)| {
        let (clip, quality) = (corpus.clip(clip), *quality);
        quality.faults().into_iter().map(move |fault| FaultyClip { fault, clip: clip.clone(), quality })
    };
    let mut faults: Vec<FaultyClip> =
        quality.iter().enumerate().flat_map(of_clip).filter(|faulty| !unread(&faulty.clip)).collect();
    faults.sort_by_key(|faulty| faulty.fault);
    faults
}

fn facts(name: &str, dataset: &crate::Dataset) -> DatasetFacts {
    let facts = inspect::facts(dataset.manifest());
    DatasetFacts {
        name: name.to_owned(),
        clips: facts.clips,
        groups: facts.groups,
        folds: facts.folds.len(),
        classes: facts.classes,
    }
}
