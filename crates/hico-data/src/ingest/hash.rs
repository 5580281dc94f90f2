//! SHA-256 of a clip's source, by which a later session knows it again.

use super::walk::What;
use hico_io::guard::{self, StoppableFile};
use sha2::{Digest as _, Sha256};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// SHA-256 of a file, or over the name and the SHA-256 of each picture of a clip, in the order of its frames; of a picture
/// in a pickle over its array.
///
/// - `stop`: turns true when nobody waits for it any more
pub(super) fn of(what: &What, stop: &AtomicBool) -> io::Result<String> {
    match what {
        What::File(_, path) => of_file(path, stop),
        What::Pictures(_, files) if files.len() == 1 => of_file(&files[0], stop),
        What::Pictures(_, files) => {
            let mut hash = Sha256::new();
            for picture in files {
                let name = picture.file_name().unwrap_or_default().to_string_lossy();
                hash.update((name.len() as u64).to_le_bytes());
                hash.update(name.as_bytes());
                hash.update(of_file(picture, stop)?);
            }
            Ok(hexadecimal(&hash.finalize()))
        }
        #[cfg(feature = "pickle")]
        What::Pickled(picture) => picture.sha256().map_err(io::Error::other),
        What::Refused(_) => Ok(String::new()),
    }
}

/// SHA-256 of a file, hexadecimal.
pub(super) fn file(path: &Path) -> io::Result<String> {
    of_file(path, &AtomicBool::new(false))
}

fn of_file(path: &Path, stop: &AtomicBool) -> io::Result<String> {
    let mut file = StoppableFile::new(guard::open(path)?, stop);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
