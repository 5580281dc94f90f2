//! What there is to do, settled before anything is written: which files are clips, what the labels say of them.

use super::identity::Veil;
use super::journal::{ClipEntry, Settings};
use super::labels::{Facts, LabelError, LabelTable};
use super::matching::{self, Matched};
use super::walk::{self, Found, What};
use super::{IngestError, IngestOptions, IngestReport, hash, naming};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What there is to do, settled before anything is written.
pub(super) struct Plan {
    pub(super) settings: Settings,
    pub(super) found: Vec<Found>,
    /// What the labels say, by the source as it is written down.
    pub(super) facts: BTreeMap<String, Facts>,
    pub(super) report: IngestReport,
}

impl Plan {
    pub(super) fn make(source: &Path, out: &Path, options: &IngestOptions) -> Result<Self, IngestError> {
        let broken = |reason: String| IngestError::Source { path: source.to_owned(), reason };
        let root = source.canonicalize().map_err(|error| broken(error.to_string()))?;
        if !root.is_dir() {
            return Err(broken("is no folder; name the folder that holds the clips".to_owned()));
        }
        let table = options.labels.as_ref().map(|(path, columns)| LabelTable::read(path, columns)).transpose()?;
        let labels = options.labels.as_ref().and_then(|(path, _)| path.canonicalize().ok());
        let skip: Vec<PathBuf> = out.canonicalize().into_iter().chain(labels.clone()).collect();
        let tree = walk::walk(&root, options.stills, &skip).map_err(|error| broken(error.to_string()))?;
        let keys: BTreeSet<&str> = tree.found.iter().map(|found| found.key.as_str()).collect();
        let matched = match (&table, &labels) {
            (Some(table), Some(path)) => {
                let prefixes = matching::prefixes(path, &root);
                matching::match_rows(&table.rows, &prefixes, &keys, &tree.clip_of_frame)?
            }
            _ => Matched::default(),
        };
        let labels_sha256 = options.labels.as_ref().and_then(|(path, _)| hash::file(path).ok());
        let settings = Settings {
            source: root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            side: options.side,
            fit: options.fit,
            stills: options.stills,
            sector: options.sector,
            text: options.text,
            labels_sha256,
            columns: table.as_ref().map(|table| table.used.clone()),
            ids: None,
        };
        let mut report = IngestReport {
            links: tree.links,
            columns: settings.columns.clone(),
            unmatched: matched.unmatched,
            ..IngestReport::default()
        };
        // What nothing promised to be a clip is one only if the labels say so; whether bytes of an unknown kind are a
        // video, ffmpeg has to say.
        let facts = matched.facts;
        let (found, ignored): (Vec<Found>, Vec<Found>) = tree
            .found
            .into_iter()
            .map(|found| Found { optional: found.optional && !facts.contains_key(&found.key), ..found })
            .partition(|found| !found.optional || matches!(found.what, What::Video(_)));
        report.ignored.extend(ignored.into_iter().map(|found| found.key));
        if found.iter().all(|found| found.optional) {
            return Err(IngestError::NothingFound(source.to_owned()));
        }
        let mut plan = Self { settings, found, facts, report };
        // Groups and folds of a table are judged before hours of decoding.
        let (_, warnings) = plan.groups(&BTreeMap::new())?;
        plan.report.warnings.extend(warnings);
        Ok(plan)
    }

    /// Whether any candidate is a DICOM file.
    pub(super) fn has_dicom(&self) -> bool {
        self.found.iter().any(Found::is_dicom)
    }

    /// From here on a DICOM file is written down by the name that the veil gives it.
    pub(super) fn veil(&mut self, veil: &Veil) {
        for found in self.found.iter_mut().filter(|found| found.is_dicom()) {
            found.source = veil.source(&found.key);
            if let Some(facts) = self.facts.remove(&found.key) {
                self.facts.insert(found.source.clone(), facts);
            }
        }
    }

    /// Patients that the files themselves name count where the labels name none.
    pub(super) fn learn_patients(&mut self, stored: &BTreeMap<String, ClipEntry>) {
        for (source, clip) in stored.iter().filter(|(_, clip)| clip.patient.is_some()) {
            let facts = self.facts.entry(source.clone()).or_default();
            facts.patient = facts.patient.take().or_else(|| clip.patient.clone());
        }
    }

    /// A name for every candidate; those given before stay.
    pub(super) fn names(&self, taken: &BTreeMap<String, String>) -> BTreeMap<&str, String> {
        let sources: Vec<&str> = self.found.iter().map(|found| found.source.as_str()).collect();
        naming::names(&sources, &self.settings.source, taken)
    }

    /// The group of every candidate by its name, and what a person should look at.
    pub(super) fn groups(
        &self,
        taken: &BTreeMap<String, String>,
    ) -> Result<(BTreeMap<String, String>, Vec<String>), LabelError> {
        let unknown = Facts::default();
        let names = self.names(taken);
        let clips: Vec<(&str, &Facts)> =
            names.iter().map(|(source, name)| (name.as_str(), self.facts.get(*source).unwrap_or(&unknown))).collect();
        let (groups, warnings) = matching::groups(&clips)?;
        Ok((clips.iter().map(|(name, _)| (*name).to_owned()).zip(groups).collect(), warnings))
    }
}
