//! Tells what a header says of identity: which elements that may tell whose pictures they are hold something, and
//! whether the scanner calls its pictures burned in. Values are never kept.

use super::elements::ELEMENTS;
use super::header::Header;
use crate::clip_meta::{BurnedIn, HeaderFacts};
use dicom_dictionary_std::tags;

impl HeaderFacts {
    pub(super) fn read(header: &Header) -> Self {
        let said = header.root(tags::BURNED_IN_ANNOTATION).map(|value| value.text().to_uppercase());
        let burned_in = match said.as_deref() {
            Some("YES") => BurnedIn::Yes,
            Some("NO") => BurnedIn::No,
            _ => BurnedIn::Unstated,
        };
        let filled = ELEMENTS.iter().filter(|(tag, _)| header.filled.contains(tag)).map(|(_, name)| *name).collect();
        Self { burned_in, filled }
    }
}
