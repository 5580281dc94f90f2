//! What there is to do, settled before anything is written: which files are clips, what the labels say of them.

use super::finder::{Finder, Places, begins_with};
use super::identity::Pseudonymiser;
use super::journal::{ClipEntry, Settings};
use super::labels::{Column, Columns, Facts, LabelTable};
use super::matching::{self, Matched};
use super::patient_name;
use super::told::SPLIT_WORDS;
use super::walk::{self, Found, Masks, Stills, Walk, What};
use super::{Folds, IngestOptions, IngestReport, Layout, hash, naming};
use crate::error::{Error, Rows};
use crate::spelling::composed;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is said where nothing tells whose the clips are.
const NO_PATIENTS: &str = "no patient is known, so every clip is a group of its own and folds may separate near duplicates, which is leakage; \
     name patients with --labels or --patient-in-name, or find near duplicates with hico audit";

/// What there is to do, settled before anything is written.
pub(super) struct Plan {
    pub(super) settings: Settings,
    pub(super) found: Vec<Found>,
    /// What is known of the candidates, by the source as it is written down.
    pub(super) facts: BTreeMap<String, Facts>,
    /// Sources that have a row in the labels table.
    pub(super) in_table: BTreeSet<String>,
    pub(super) report: IngestReport,
}

fn rows(count: usize) -> String {
    format!("{count} row{}", if count == 1 { "" } else { "s" })
}

impl Plan {
    pub(super) fn make(source: &Path, out: &Path, options: &IngestOptions) -> Result<Self, Error> {
        let usual = if options.layout == Layout::ImageFolder { Stills::Each } else { Stills::Clip };
        match Self::with(source, out, options, options.stills.unwrap_or(usual)) {
            Err(Error::Contradiction { clip, rows: Rows::OfPictures, .. }) if options.stills.is_none() => {
                let mut plan = Self::with(source, out, options, Stills::Each)?;
                plan.report.notes.push(format!(
                    "every picture is a clip of its own, for the labels table names different patients or groups in one folder ({clip})"
                ));
                Ok(plan)
            }
            plan => plan,
        }
    }

    fn with(source: &Path, out: &Path, options: &IngestOptions, stills: Stills) -> Result<Self, Error> {
        let broken = |reason: String| Error::Source { path: source.to_owned(), reason };
        let root = source.canonicalize().map_err(|error| broken(error.to_string()))?;
        if !root.is_dir() {
            return Err(broken("is no folder; name the folder that holds the clips".to_owned()));
        }
        let table = options.labels.as_ref().map(|(path, columns)| {
            let columns = Columns { kept: options.kept_words.clone(), ..columns.clone() };
            match options.folds {
                Folds::Kept => LabelTable::read(path, &columns),
                Folds::Ignored => LabelTable::read(path, &Columns { fold: Column::Ignored, ..columns }),
            }
        });
        let table = table.transpose()?;
        let labels = options.labels.as_ref().and_then(|(path, _)| path.canonicalize().ok());
        let skip: Vec<PathBuf> = out.canonicalize().into_iter().chain(labels.clone()).collect();
        let how = Walk { readers: options.readers.clone(), stills, links: options.links, masks: options.masks };
        let mut tree = walk::walk(&root, &how, &skip).map_err(|error| broken(error.to_string()))?;
        let layout = options.layout.settle(&tree, table.is_some());
        let mut told = layout.tell(&root, &mut tree);
        let no_classes = told.forget_placeholders(&layout, &options.kept_words);
        let keys: BTreeSet<&str> = tree.found.iter().map(|found| found.key.as_str()).collect();
        let patients = tree.found.iter().filter(|found| !found.names_patients()).filter_map(|found| {
            let pattern = options.patient_in_name.as_ref()?;
            Some((found.key.as_str(), pattern.patient(&found.key)?))
        });
        let (nobody, patients): (Vec<_>, Vec<_>) = patients.partition(|(_, id)| options.kept_words.is_no_one(id));
        let patients: BTreeMap<&str, &str> = patients.into_iter().collect();
        let (clip_of_frame, frames) = (|path: &str| tree.clip_of_frame(path), || tree.frames());
        let mut masks = BTreeSet::new();
        let mut matched = match (&table, &labels) {
            (Some(table), Some(path)) if table.used.file.is_none() => match options.patient_in_name {
                None => return Err(Error::RowsNamePatients(path.clone())),
                Some(_) => patient_name::match_patients(&table.rows, &patients)?,
            },
            (Some(table), Some(path)) => {
                let places = Places::new(path, &root, source, &options.labels_roots);
                let finder = Finder::new(places, &keys, &clip_of_frame, &frames);
                let matched = matching::match_rows(&table.rows, &finder)?;
                if options.masks == Masks::LeftOut {
                    masks = matching::masks(&table.masks, &finder, &matched);
                }
                matched
            }
            _ => Matched::default(),
        };
        let in_table: BTreeSet<String> = matched.facts.keys().cloned().collect();
        let masks: BTreeSet<String> = masks.into_iter().map(str::to_owned).collect();
        for (key, known) in told.facts {
            matched.facts.entry(key).or_default().fill(known);
        }
        if options.folds == Folds::Ignored {
            matched.facts.values_mut().for_each(|facts| facts.fold = None);
        }
        for (key, patient) in &patients {
            let known = Facts { patient: Some(composed(patient).into_owned()), ..Facts::default() };
            matched.facts.entry((*key).to_owned()).or_default().fill(known);
        }
        let labels_sha256 = options.labels.as_ref().and_then(|(path, _)| hash::file(path).ok());
        let settings = Settings {
            source: root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            preprocessing: options.preprocessing,
            stills,
            masks: options.masks,
            kept_words: options.kept_words.record(),
            labels_sha256,
            columns: table.as_ref().map(|table| table.used.clone()),
            patient_in_name: options.patient_in_name.as_ref().map(ToString::to_string),
            layout: layout.record(),
            folds: options.folds,
            ids: None,
        };
        let (linked, unmatched) = matched.unmatched.into_iter().partition(|(_, file)| tree.links.lead_to(file));
        let mut report = IngestReport {
            links: tree.links.left.len(),
            links_left: tree.links.left.clone(),
            warnings: tree.links.warnings(),
            columns: settings.columns.clone(),
            rows: table.as_ref().map_or(0, |table| table.rows.len()),
            placeholders: table.as_ref().map(|table| table.placeholders.clone()).unwrap_or_default(),
            unmatched,
            linked,
            notes: told.notes,
            ..IngestReport::default()
        };
        report.notes.extend(no_classes);
        if let Some(root) = &matched.root {
            report
                .notes
                .push(format!("paths of the labels table begin with {root}, which stands for the source folder"));
        }
        if let Some((line, file, clip)) = matched.loosely.first() {
            report.warnings.push(format!(
                "{} of the labels table found their file only where case did not count or %20 was a space, as line {line}: {file} \
                 for {clip}",
                rows(matched.loosely.len())
            ));
        }
        let rows = table.iter().flat_map(|table| &table.rows).collect::<Vec<_>>();
        for root in options.labels_roots.iter().filter(|root| !rows.iter().any(|row| begins_with(&row.file, root))) {
            report.warnings.push(format!("no path of the labels table begins with {root}, which --labels-root names"));
        }
        if let Some(root) = &matched.possible_root {
            report.warnings.push(format!(
                "paths of the labels table begin with {root}, which the source folder does not hold; if it stands for the \
                 source folder, add --labels-root {root}",
            ));
        }
        if table.as_ref().is_some_and(|table| table.folds_are_words) && options.folds == Folds::Kept {
            report.notes.push(SPLIT_WORDS.to_owned());
        }
        if options.layout == Layout::Auto && layout != Layout::Plain {
            report.notes.push("recognised by itself; --layout plain takes no label from names or pickles".to_owned());
        }
        if let Some(pattern) = &options.patient_in_name {
            let different = patients.values().collect::<BTreeSet<_>>().len();
            report.notes.push(format!("{different} patients in the names of {} clips, by {pattern}", patients.len()));
            if let Some((clip, id)) = nobody.first() {
                let count = nobody.len();
                report.notes.push(format!(
                    "{count} clips have a placeholder as their patient, such as {id} of {clip}; --keep-word {id} keeps it"
                ));
            }
        }
        // A table that gives the label knows better.
        told.silent.retain(|key| matched.facts.get(key).is_none_or(|facts| facts.label.is_none()));
        report.without_class = told.silent;
        let left_out: BTreeSet<&str> =
            told.left_out.iter().map(String::as_str).filter(|key| !in_table.contains(*key)).collect();
        tree.found.retain(|found| !left_out.contains(found.key.as_str()) && !masks.contains(&found.key));
        report.masks = tree.masks.iter().cloned().chain(masks).collect();
        report.masks.sort();
        report.ignored.extend(report.masks.iter().cloned());
        if !report.masks.is_empty() {
            let words = "masks of other pictures are left out; --keep-masks takes them in as pictures";
            report.notes.push(format!("{} {words}", report.masks.len()));
        }
        report.ignored.extend(left_out.into_iter().map(str::to_owned));
        // What nothing promised to be a clip is one only if the labels say so; whether bytes of an unknown kind are a
        // video, ffmpeg has to say.
        let facts = matched.facts;
        let (found, ignored): (Vec<Found>, Vec<Found>) = tree
            .found
            .into_iter()
            .map(|found| Found { optional: found.optional && !in_table.contains(&found.key), ..found })
            .partition(|found| !found.optional || matches!(found.what, What::File(..)));
        report.ignored.extend(ignored.into_iter().map(|found| found.key));
        if found.iter().all(|found| found.optional) {
            return Err(super::nothing(source, &tree.links));
        }
        let mut plan = Self { settings, found, facts, in_table, report };
        // Groups and folds of a table are judged before hours of decoding.
        let (_, warnings) = plan.groups(&BTreeMap::new())?;
        plan.report.warnings.extend(warnings);
        let known = plan.facts.values().any(|facts| facts.patient.is_some() || facts.group.is_some());
        if layout.record().is_some() && !known && !plan.has_dicom() {
            plan.report.warnings.push(NO_PATIENTS.to_owned());
        }
        Ok(plan)
    }

    /// Whether any candidate is a DICOM file.
    pub(super) fn has_dicom(&self) -> bool {
        self.found.iter().any(Found::names_patients)
    }

    /// From here on a DICOM file is written down by the name that the pseudonymiser gives it.
    pub(super) fn pseudonymise(&mut self, pseudonymiser: &Pseudonymiser) {
        for found in self.found.iter_mut().filter(|found| found.names_patients()) {
            found.source = pseudonymiser.source(&found.key);
            if let Some(facts) = self.facts.remove(&found.key) {
                self.facts.insert(found.source.clone(), facts);
            }
            if self.in_table.remove(&found.key) {
                self.in_table.insert(found.source.clone());
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
    ) -> Result<(BTreeMap<String, String>, Vec<String>), Error> {
        let unknown = Facts::default();
        let names = self.names(taken);
        let clips: Vec<(&str, &Facts)> =
            names.iter().map(|(source, name)| (name.as_str(), self.facts.get(*source).unwrap_or(&unknown))).collect();
        let (groups, warnings) = matching::groups(&clips)?;
        Ok((clips.iter().map(|(name, _)| (*name).to_owned()).zip(groups).collect(), warnings))
    }
}
