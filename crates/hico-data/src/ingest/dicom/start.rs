//! Where the data set of a file begins: behind preamble and meta group, or, where those are missing, at its first byte.

use super::fault::Fault;
use super::syntax::{Syntax, Writing};
use crate::ingest::words::plain;

/// Bytes of a file that hold its meta group.
pub(super) const HEAD: u64 = 65_536;

/// Bytes before the letters that tell a DICOM file.
const PREAMBLE: usize = 128;

/// What a file is that lists others.
const DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// Where the data set begins, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) offset: usize,
    pub(super) syntax: Syntax,
}

/// What the first bytes of a file make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Objects: pictures, reports, plans.
    Object,
    /// A DICOMDIR.
    Directory,
    /// No DICOM file.
    Foreign,
}

/// Whether a file is DICOM, by its first bytes.
pub(crate) fn kind(head: &[u8]) -> Kind {
    let meta = match meta_at(head) {
        Some(at) => Meta::read(&head[at..]),
        None if bare(head).is_some() => return Kind::Object,
        None => return Kind::Foreign,
    };
    if meta.class.as_deref() == Some(DIRECTORY) { Kind::Directory } else { Kind::Object }
}

impl Start {
    pub(super) fn find(head: &[u8]) -> Result<Self, Fault> {
        let (offset, named) = match meta_at(head) {
            Some(at) => {
                let meta = Meta::read(&head[at..]);
                (at + meta.length, meta.syntax)
            }
            None => (0, None),
        };
        let syntax = match named {
            Some(uid) => {
                let syntax = Syntax::of_uid(&uid);
                let syntax =
                    syntax.ok_or_else(|| Fault::Beyond { what: format!("transfer syntax {}", plain(&uid)) })?;
                // Some files say explicit and are not.
                let letters = head.get(offset + 4..offset + 6).filter(|_| !syntax.deflated);
                match letters.is_some_and(|letters| !letters.iter().all(u8::is_ascii_uppercase)) {
                    true if syntax.writing == Writing::ExplicitLittle => {
                        Syntax { writing: Writing::ImplicitLittle, ..syntax }
                    }
                    _ => syntax,
                }
            }
            None => match (bare(&head[offset..]), offset) {
                (Some(writing), _) => Syntax::guessed(writing),
                (None, 0) => return Err(Fault::Header { said: "it begins with no element".to_owned() }),
                (None, _) if offset == head.len() => return Err(Fault::NoPictures),
                (None, _) => return Err(Fault::NoSyntax),
            },
        };
        Ok(Self { offset, syntax })
    }
}

/// Where the meta group begins.
fn meta_at(head: &[u8]) -> Option<usize> {
    if head.get(PREAMBLE..PREAMBLE + 4) == Some(b"DICM") {
        return Some(PREAMBLE + 4);
    }
    let bare = [2, 0, 0, 0, b'U', b'L', 4, 0];
    head.starts_with(&bare).then_some(0)
}

/// What is read of the meta group, always Explicit VR Little Endian.
#[derive(Debug, Default)]
struct Meta {
    length: usize,
    class: Option<String>,
    syntax: Option<String>,
}

impl Meta {
    fn read(bytes: &[u8]) -> Self {
        let mut meta = Self::default();
        while let Some([2, 0, e0, e1, v0, v1, l0, l1]) = bytes.get(meta.length..meta.length + 8) {
            let long = [b"OB", b"UN", b"UT", b"OW", b"SQ"].contains(&&[*v0, *v1]);
            let (begin, length) = if long {
                let length = bytes.get(meta.length + 8..meta.length + 12).and_then(|bytes| bytes.try_into().ok());
                (meta.length + 12, length.map_or(usize::MAX, |length| u32::from_le_bytes(length) as usize))
            } else {
                (meta.length + 8, usize::from(u16::from_le_bytes([*l0, *l1])))
            };
            let Some(value) = begin.checked_add(length).and_then(|end| bytes.get(begin..end)) else { break };
            let text = || Some(String::from_utf8_lossy(value).trim_end_matches(['\0', ' ']).to_owned());
            match u16::from_le_bytes([*e0, *e1]) {
                0x0002 => meta.class = text(),
                0x0010 => meta.syntax = text(),
                _ => {}
            }
            meta.length = begin + length;
        }
        meta
    }
}

/// How a data set without a meta group is written, if the bytes look like one: an element of group 8 comes first.
fn bare(head: &[u8]) -> Option<Writing> {
    let [a, b, c, d, v0, v1, l0, l1] = head.get(..8)?.try_into().ok()?;
    let of_group = |group: u16, element: u16| group == 8 && element <= 0x0070;
    let explicit = is_vr([v0, v1]);
    let little = of_group(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
    let big = of_group(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let implicit_length = u32::from_le_bytes([v0, v1, l0, l1]);
    match (little, big, explicit) {
        (true, _, true) => Some(Writing::ExplicitLittle),
        (_, true, true) => Some(Writing::ExplicitBig),
        (true, _, false) if implicit_length <= 1024 && implicit_length.is_multiple_of(2) => {
            Some(Writing::ImplicitLittle)
        }
        _ => None,
    }
}

fn is_vr(letters: [u8; 2]) -> bool {
    const FIRST: [&[u8; 2]; 10] = [b"UL", b"UI", b"CS", b"SH", b"LO", b"DA", b"TM", b"DT", b"PN", b"SQ"];
    FIRST.contains(&&letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::dicom::syntax::Coding;

    fn meta(class: &str, syntax: &str) -> Vec<u8> {
        let mut file = vec![0; 128];
        file.extend(b"DICM");
        file.extend([2, 0, 1, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 1]);
        for (element, text) in [(2, class), (0x10, syntax)] {
            file.extend([2, 0, element, 0, b'U', b'I', text.len() as u8, 0]);
            file.extend(text.as_bytes());
        }
        file
    }

    #[test]
    fn the_meta_group_tells_the_syntax_and_where_the_data_set_begins() {
        let file = meta("1.2", "1.2.840.10008.1.2.4.50\0");
        let start = Start::find(&file).unwrap();
        assert_eq!((start.offset, start.syntax.coding), (file.len(), Coding::Jpeg));
        assert_eq!(kind(&file), Kind::Object);
        assert_eq!(kind(&meta("1.2.840.10008.1.3.10", "1.2.840.10008.1.2.1")), Kind::Directory);
        assert_eq!(
            Start::find(&file[128 + 4..]).unwrap_err(),
            Fault::Header { said: "it begins with no element".into() }
        );
        let unknown = Start::find(&meta("1.2", "1.2.3")).unwrap_err();
        assert_eq!(unknown.to_string(), "a DICOM file of transfer syntax 1.2.3, which is not read");
    }

    #[test]
    fn a_data_set_without_meta_group_is_known_by_its_first_element() {
        let of = |bytes: &[u8]| bare(bytes);
        assert_eq!(of(&[8, 0, 5, 0, b'C', b'S', 10, 0]), Some(Writing::ExplicitLittle));
        assert_eq!(of(&[0, 8, 0, 5, b'C', b'S', 0, 10]), Some(Writing::ExplicitBig));
        assert_eq!(of(&[8, 0, 5, 0, 10, 0, 0, 0]), Some(Writing::ImplicitLittle));
        assert_eq!(of(&[8, 0, 5, 0, 11, 0, 0, 0]), None);
        assert_eq!(of(b"words are words"), None);
        assert_eq!(kind(&[0; 200]), Kind::Foreign);
    }

    #[test]
    fn a_meta_group_cut_anywhere_is_read_as_far_as_it_goes() {
        let file = meta("1.2", "1.2.840.10008.1.2.4.50\0");
        for length in 132..file.len() {
            let start = Start::find(&file[..length]);
            assert!(matches!(start, Ok(_) | Err(Fault::NoSyntax | Fault::NoPictures)), "{length}: {start:?}");
        }
    }
}
