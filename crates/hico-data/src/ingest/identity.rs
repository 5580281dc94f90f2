//! Whose clips they are: what a DICOM file says of patient and path enters a data set as salted hashes only.
//!
//! The salt lies beside the data set and not in it, so that who is given the data set cannot try ids until a hash
//! fits. A path of a DICOM file is hashed whole: export programs put names and dates into folders and files. Which
//! file a clip came from is written into a second file beside the data set. Both are readable by their owner alone.

use crate::error::Error;
use rand::random;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What becomes of patients' ids and of the paths of DICOM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Salted hashes.
    Hashed {
        /// The salt; without one that beside the data set, made if there is none.
        salt: Option<String>,
    },
    /// They are written as they are.
    Kept,
}

impl Default for Identity {
    fn default() -> Self {
        Self::Hashed { salt: None }
    }
}

/// What the record says where ids are kept.
const KEPT: &str = "kept";

/// Turns what tells a patient into what does not.
#[derive(Debug)]
pub(super) struct Pseudonymiser {
    salt: Option<String>,
}

impl Pseudonymiser {
    /// Settles the salt: the given one, else that beside the data set, else a new one.
    ///
    /// - `before`: what the record says of earlier sessions
    pub(super) fn settle(out: &Path, identity: &Identity, before: Option<&str>) -> Result<Self, Error> {
        let changed = |before: &str, now: String| Error::OptionChanged {
            path: out.to_owned(),
            option: "--salt or --keep-ids: ids",
            before: before.to_owned(),
            now,
        };
        let path = beside(out, "salt");
        let salt = match identity {
            Identity::Kept => None,
            Identity::Hashed { salt: Some(salt) } => Some(salt.clone()),
            Identity::Hashed { salt: None } => match std::fs::read_to_string(&path) {
                Ok(text) => Some(text.trim().to_owned()),
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::Salt { path, source: error });
                }
                Err(_) if before == Some(KEPT) => return Err(changed(KEPT, "hashed".to_owned())),
                Err(_) if before.is_some() => return Err(Error::SaltGone(path)),
                Err(_) => {
                    let salt: String = random::<[u8; 16]>().iter().map(|byte| format!("{byte:02x}")).collect();
                    write_private(&path, format!("{salt}\n").as_bytes())
                        .map_err(|source| Error::Salt { path, source })?;
                    Some(salt)
                }
            },
        };
        let pseudonymiser = Self { salt };
        match before {
            Some(before) if before != pseudonymiser.record() => Err(changed(before, pseudonymiser.record())),
            _ => Ok(pseudonymiser),
        }
    }

    /// For the record of the data set: by it a later session knows the salt again, and nobody learns it.
    pub(super) fn record(&self) -> String {
        self.hash("salt", "").map_or_else(|| KEPT.to_owned(), |hash| format!("hashed, salt {}", &hash[..8]))
    }

    /// A patient, as it is written down.
    pub(super) fn patient(&self, id: &str) -> String {
        self.hash("patient", id).unwrap_or_else(|| id.to_owned())
    }

    /// The path of a DICOM file, as it is written down.
    pub(super) fn source(&self, path: &str) -> String {
        self.hash("path", path).map_or_else(|| path.to_owned(), |hash| format!("dicom-{hash}"))
    }

    /// The name of the source folder, as it is written down.
    pub(super) fn folder(&self, name: &str) -> String {
        self.hash("folder", name).map_or_else(|| name.to_owned(), |hash| format!("folder-{hash}"))
    }

    /// Writes down beside the data set which clip came from which file; files of earlier sessions stay in the list.
    ///
    /// - `sources`: path as it is by path as it is written
    /// - returns: what lies beside the data set
    pub(super) fn write_sources(&self, out: &Path, sources: &BTreeMap<&str, &str>) -> Result<Vec<PathBuf>, Error> {
        if self.salt.is_none() || sources.is_empty() {
            return Ok(Vec::new());
        }
        let there =
            || ["salt", "sources.csv"].map(|suffix| beside(out, suffix)).into_iter().filter(|path| path.is_file());
        let path = beside(out, "sources.csv");
        let failed = |source| Error::Salt { path: path.clone(), source };
        let mut rows = files_of_sources(out);
        let before = rows.clone();
        rows.extend(sources.iter().map(|(written, source)| ((*written).to_owned(), (*source).to_owned())));
        if rows == before {
            return Ok(there().collect());
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        let records = std::iter::once(("source".to_owned(), "file".to_owned())).chain(rows);
        for record in records {
            writer.serialize(record).map_err(|error| failed(io::Error::other(error)))?;
        }
        let bytes = writer.into_inner().map_err(|error| failed(io::Error::other(error.to_string())))?;
        write_private(&path, &bytes).map_err(failed)?;
        Ok(there().collect())
    }

    /// 16 hexadecimal digits.
    fn hash(&self, kind: &str, text: &str) -> Option<String> {
        let mut hash = Sha256::new();
        for part in [self.salt.as_deref()?, kind, text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Some(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Reads from beside a data set which file each of its sources was, by the source as it is written down; nothing where no such
/// list is there.
pub(super) fn files_of_sources(dataset: &Path) -> BTreeMap<String, String> {
    let reader = csv::Reader::from_path(beside(dataset, "sources.csv"));
    let rows = reader.into_iter().flat_map(csv::Reader::into_deserialize::<(String, String)>);
    rows.filter_map(Result::ok).collect()
}

/// A file beside the data set: its name, a dot, and the suffix.
fn beside(out: &Path, suffix: &str) -> PathBuf {
    let out = out.canonicalize().unwrap_or_else(|_| out.to_owned());
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    out.with_file_name(name)
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new().prefix(".part-").tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: Identity = Identity::Hashed { salt: None };

    fn given(salt: &str) -> Identity {
        Identity::Hashed { salt: Some(salt.to_owned()) }
    }

    #[test]
    fn hashes_depend_on_the_salt_and_tell_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let pseudonymiser = |salt: &str| Pseudonymiser::settle(folder.path(), &given(salt), None).unwrap();
        let (one, two) = (pseudonymiser("a"), pseudonymiser("b"));
        assert_eq!(one.patient("DOE"), pseudonymiser("a").patient("DOE"));
        assert_ne!(one.patient("DOE"), two.patient("DOE"));
        assert_ne!(one.patient("DOE"), one.patient("ROE"));
        assert_eq!(one.patient("DOE").len(), 16);
        assert_ne!(format!("dicom-{}", one.patient("DOE")), one.source("DOE"));
        let kept = Pseudonymiser::settle(folder.path(), &Identity::Kept, None).unwrap();
        assert_eq!((kept.patient("DOE").as_str(), kept.source("a/b").as_str()), ("DOE", "a/b"));
    }

    #[test]
    fn a_salt_is_made_once_lies_beside_the_data_set_and_is_missed_when_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("data");
        std::fs::create_dir(&out).unwrap();
        let first = Pseudonymiser::settle(&out, &RANDOM, None).unwrap();
        let record = first.record();
        let salt = folder.path().join("data.salt");
        assert!(!record.contains(std::fs::read_to_string(&salt).unwrap().trim()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&salt).unwrap().permissions().mode() & 0o077, 0);
        }
        assert_eq!(Pseudonymiser::settle(&out, &RANDOM, Some(&record)).unwrap().patient("x"), first.patient("x"));
        assert!(matches!(
            Pseudonymiser::settle(&out, &given("other"), Some(&record)),
            Err(Error::OptionChanged { .. })
        ));
        assert!(matches!(
            Pseudonymiser::settle(&out, &Identity::Kept, Some(&record)),
            Err(Error::OptionChanged { .. })
        ));
        std::fs::remove_file(&salt).unwrap();
        assert!(matches!(Pseudonymiser::settle(&out, &RANDOM, Some(&record)), Err(Error::SaltGone(_))));
        assert!(matches!(Pseudonymiser::settle(&out, &RANDOM, Some(KEPT)), Err(Error::OptionChanged { .. })));
        assert!(!salt.exists());
    }

    #[test]
    fn the_list_of_sources_grows() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("data");
        std::fs::create_dir(&out).unwrap();
        let pseudonymiser = Pseudonymiser::settle(&out, &given("a"), None).unwrap();
        pseudonymiser.write_sources(&out, &BTreeMap::from([("x", "DOE/1.dcm")])).unwrap();
        pseudonymiser.write_sources(&out, &BTreeMap::from([("w", "DOE/2.dcm")])).unwrap();
        let list = std::fs::read_to_string(folder.path().join("data.sources.csv")).unwrap();
        assert_eq!(list, "source,file\nw,DOE/2.dcm\nx,DOE/1.dcm\n");
    }
}
