//! Writes small DICOM files element by element, without the library that reads them.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::collections::BTreeMap;
use std::io::Write as _;

/// Transfer syntax of RLE.
pub(crate) const RLE: &str = "1.2.840.10008.1.2.5";

/// An unsigned short.
#[expect(non_snake_case, reason = "named as the standard names it")]
pub(crate) const fn US(value: u16) -> [u8; 2] {
    value.to_le_bytes()
}

/// Decimal text.
pub(crate) fn ds(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// Text of a whole number.
pub(crate) fn is(text: &str) -> Vec<u8> {
    ds(text)
}

/// A file to be written; values are little endian whatever the transfer syntax.
#[derive(Clone)]
pub(crate) struct DicomFile {
    syntax: String,
    class: String,
    bare: bool,
    elements: BTreeMap<(u16, u16), (String, Vec<u8>)>,
    /// The table of offsets and the items, where the pixels are in items.
    items: Option<(Vec<u32>, Vec<Vec<u8>>)>,
}

impl DicomFile {
    /// Grey of 8 bits.
    pub(crate) fn grey(rows: u16, columns: u16, pixels: &[u8]) -> Self {
        let file = Self {
            syntax: "1.2.840.10008.1.2.1".to_owned(),
            class: "1.2.840.10008.5.1.4.1.1.3.1".to_owned(),
            bare: false,
            elements: BTreeMap::new(),
            items: None,
        };
        file.with(0x0008, 0x0016, "UI", b"1.2.840.10008.5.1.4.1.1.3.1")
            .with(0x0028, 0x0002, "US", &US(1))
            .with(0x0028, 0x0004, "CS", b"MONOCHROME2")
            .with(0x0028, 0x0010, "US", &US(rows))
            .with(0x0028, 0x0011, "US", &US(columns))
            .with(0x0028, 0x0100, "US", &US(8))
            .with(0x0028, 0x0101, "US", &US(8))
            .with(0x0028, 0x0103, "US", &US(0))
            .with(0x7fe0, 0x0010, "OB", pixels)
    }

    /// Colour of 8 bits, interleaved.
    pub(crate) fn rgb(rows: u16, columns: u16, pixels: &[u8]) -> Self {
        Self::grey(rows, columns, pixels).with(0x0028, 0x0002, "US", &US(3)).with(0x0028, 0x0004, "CS", b"RGB")
    }

    /// With an element more, or another value of it.
    pub(crate) fn with(mut self, group: u16, element: u16, vr: &str, value: &[u8]) -> Self {
        self.elements.insert((group, element), (vr.to_owned(), value.to_vec()));
        self
    }

    pub(crate) fn without(mut self, group: u16, element: u16) -> Self {
        self.elements.remove(&(group, element));
        self
    }

    pub(crate) fn in_syntax(mut self, syntax: &str) -> Self {
        self.syntax = syntax.to_owned();
        self
    }

    pub(crate) fn of_class(mut self, class: &str) -> Self {
        self.class = class.to_owned();
        self
    }

    /// Without preamble and meta group.
    pub(crate) fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    pub(crate) fn in_items(mut self, table: &[u32], items: &[Vec<u8>]) -> Self {
        self.items = Some((table.to_vec(), items.to_vec()));
        self
    }

    /// The value of a sequence of one item, explicit little endian.
    pub(crate) fn item_of(elements: &[(u16, u16, &str, Vec<u8>)]) -> Vec<u8> {
        let elements = elements.iter();
        let bytes: Vec<u8> = elements
            .flat_map(|(group, element, vr, bytes)| written(*group, *element, vr, bytes, true, false))
            .collect();
        written(0xfffe, 0xe000, "", &bytes, false, false)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (explicit, big) = (self.syntax != "1.2.840.10008.1.2", self.syntax == "1.2.840.10008.1.2.2");
        let mut body = Vec::new();
        for ((group, element), (vr, value)) in &self.elements {
            match &self.items {
                Some((table, items)) if *group == 0x7fe0 && *element == 0x0010 => {
                    body.extend(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff");
                    let table: Vec<u8> = table.iter().flat_map(|offset| offset.to_le_bytes()).collect();
                    for item in std::iter::once(&table).chain(items) {
                        body.extend(written(0xfffe, 0xe000, "", item, false, false));
                    }
                    body.extend(written(0xfffe, 0xe0dd, "", &[], false, false));
                }
                _ => body.extend(written(*group, *element, vr, value, explicit, big)),
            }
        }
        if self.syntax.ends_with(".99") {
            let mut deflated = DeflateEncoder::new(Vec::new(), Compression::fast());
            deflated.write_all(&body).unwrap();
            body = deflated.finish().unwrap();
        }
        if self.bare {
            return body;
        }
        let meta = [
            written(2, 0x0002, "UI", self.class.as_bytes(), true, false),
            written(2, 0x0010, "UI", self.syntax.as_bytes(), true, false),
        ]
        .concat();
        let length = written(2, 0, "UL", &(meta.len() as u32).to_le_bytes(), true, false);
        [&[0; 128][..], b"DICM", &length, &meta, &body].concat()
    }
}

fn written(group: u16, element: u16, vr: &str, value: &[u8], explicit: bool, big: bool) -> Vec<u8> {
    let short = |number: u16| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let long = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let mut value = value.to_vec();
    if big && vr == "US" {
        value.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.swap(0, 1));
    }
    if value.len() % 2 == 1 {
        value.push(if ["UI", "OB", ""].contains(&vr) { 0 } else { b' ' });
    }
    let mut bytes = [short(group), short(element)].concat();
    match (explicit, vr) {
        (false, _) => bytes.extend(long(value.len() as u32)),
        (true, "OB" | "OW" | "OV" | "SQ" | "UN") => {
            bytes.extend([vr.as_bytes(), &[0, 0]].concat());
            bytes.extend(long(value.len() as u32));
        }
        (true, "UN*") => bytes.extend(b"UN\0\0\xff\xff\xff\xff"),
        (true, _) => {
            bytes.extend(vr.as_bytes());
            bytes.extend(short(value.len() as u16));
        }
    }
    bytes.extend(value);
    bytes
}
