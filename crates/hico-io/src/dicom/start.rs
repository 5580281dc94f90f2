//! Finds where the data set of a file begins: behind preamble and meta group, or, where those are missing, at its first
//! byte.

use super::evidence;
use super::syntax::{Syntax, Writing};
use crate::dicom_fault::Fault;
use crate::words::plain;

/// Bytes of a file that hold its meta group.
pub(super) const HEAD: u64 = 65_536;

/// Bytes before the letters that tell a DICOM file.
const PREAMBLE: usize = 128;

/// Says what a file is that lists others.
const DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// Says where the data set begins, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) offset: usize,
    pub(super) syntax: Syntax,
    /// Holds what the transfer syntax says of the writing, where the data set is written in another way.
    pub(super) said: Option<&'static str>,
}

/// Says what the first bytes of a file make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Objects: pictures, reports, plans.
    Object,
    /// A DICOMDIR.
    Directory,
    /// No DICOM file.
    Foreign,
}

/// Tells whether a file is DICOM, by its first bytes.
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
        let (syntax, said) = match named {
            Some(uid) => {
                let syntax = Syntax::of_uid(&uid);
                let named = syntax.ok_or_else(|| Fault::Beyond { what: format!("transfer syntax {}", plain(&uid)) })?;
                let syntax = named.by_evidence(&head[offset..]);
                let differs = (syntax.writing, syntax.deflated) != (named.writing, named.deflated);
                (syntax, differs.then(|| named.writing_name()))
            }
            None => match (bare(&head[offset..]), offset) {
                (Some(writing), _) => (Syntax::guessed(writing), None),
                (None, 0) => return Err(Fault::Header { said: "it begins with no element".to_owned() }),
                (None, _) if offset == head.len() => return Err(Fault::NoPictures),
                (None, _) => return Err(Fault::NoSyntax),
            },
        };
        Ok(Self { offset, syntax, said })
    }
}

impl Syntax {
    /// As the bytes of the data set have it, where they are clear.
    ///
    /// - `bytes`: the first ones
    pub(super) fn by_evidence(self, bytes: &[u8]) -> Self {
        match evidence::writing(bytes) {
            // Deflated bytes make no elements.
            Some(writing) => Self { writing, deflated: false, ..self },
            None if self.deflated => self,
            None => {
                let letters = bytes.get(4..6).is_some_and(|letters| !letters.iter().all(u8::is_ascii_uppercase));
                match self.writing {
                    Writing::ExplicitLittle if letters => Self { writing: Writing::ImplicitLittle, ..self },
                    _ => self,
                }
            }
        }
    }
}

/// Finds where the meta group begins: behind preamble and letters, or where those are missing in part or whole.
fn meta_at(head: &[u8]) -> Option<usize> {
    if head.get(PREAMBLE..PREAMBLE + 4) == Some(b"DICM") {
        return Some(PREAMBLE + 4);
    }
    if head.starts_with(b"DICM") {
        return Some(4);
    }
    [0, PREAMBLE].into_iter().find(|at| head.get(*at..).is_some_and(begins_meta))
}

/// Tells whether bytes begin as a meta group does, with its length or without.
fn begins_meta(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [2, 0, 0, 0, b'U', b'L', 4, 0, ..]
            | [2, 0, 0, 0, 4, 0, 0, 0, ..]
            | [2, 0, 1, 0, b'O', b'B', ..]
            | [2, 0, 2 | 3 | 0x10 | 0x12, 0, b'U', b'I', ..]
    )
}

/// Says what is read of the meta group: Explicit VR Little Endian, though some write it implicit. Its own length is not
/// looked at, for it may be absent or wrong.
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
            let long = || {
                let length = bytes.get(meta.length + 8..meta.length + 12).and_then(|bytes| bytes.try_into().ok());
                length.map_or(usize::MAX, |length| u32::from_le_bytes(length) as usize)
            };
            let (begin, length) = match [*v0, *v1] {
                [b'O', b'B' | b'W' | b'D' | b'F' | b'L' | b'V'] | [b'U', b'N' | b'T' | b'C' | b'R' | b'V'] => {
                    (meta.length + 12, long())
                }
                [b'S', b'Q' | b'V'] => (meta.length + 12, long()),
                [b'A'..=b'Z', b'A'..=b'Z'] => (meta.length + 8, usize::from(u16::from_le_bytes([*l0, *l1]))),
                _ => (meta.length + 8, u32::from_le_bytes([*v0, *v1, *l0, *l1]) as usize),
            };
            let Some(value) = begin.checked_add(length).and_then(|end| bytes.get(begin..end)) else { break };
            let text = || Some(String::from_utf8_lossy(value).trim_matches(['\0', ' ']).to_owned());
            let text = || text().filter(|text| !text.is_empty());
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

/// Returns how a data set without a meta group is written, if the bytes look like one: an element of group 8 comes first.
fn bare(head: &[u8]) -> Option<Writing> {
    if let Some(writing) = evidence::explicit(head) {
        return Some(writing);
    }
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
    use crate::dicom::syntax::Coding;

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
        for (begin, what) in [(132, "no preamble and no letters"), (128, "no preamble"), (4, "a short preamble")] {
            let start = Start::find(&file[begin..]).unwrap();
            assert_eq!((start.offset, start.syntax.coding), (file.len() - begin, Coding::Jpeg), "{what}");
        }
        assert_eq!(
            Start::find(b"words are words").unwrap_err(),
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
