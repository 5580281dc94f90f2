//! Numbers of a header that may be no numbers: they are told and left out, and never reach a pixel.

use super::header::{Header, Value};
use super::told::Told;
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Elements whose numbers are used, by name.
const NAMES: [(Tag, &str); 14] = [
    (tags::WINDOW_CENTER, "Window Center (0028,1050)"),
    (tags::WINDOW_WIDTH, "Window Width (0028,1051)"),
    (tags::RESCALE_INTERCEPT, "Rescale Intercept (0028,1052)"),
    (tags::RESCALE_SLOPE, "Rescale Slope (0028,1053)"),
    (tags::FRAME_TIME, "Frame Time (0018,1063)"),
    (tags::FRAME_TIME_VECTOR, "Frame Time Vector (0018,1065)"),
    (tags::RECOMMENDED_DISPLAY_FRAME_RATE, "Recommended Display Frame Rate (0008,2144)"),
    (tags::RECOMMENDED_DISPLAY_FRAME_RATE_IN_FLOAT, "Recommended Display Frame Rate in Float (0008,9459)"),
    (tags::CINE_RATE, "Cine Rate (0018,0040)"),
    (tags::PIXEL_SPACING, "Pixel Spacing (0028,0030)"),
    (tags::IMAGER_PIXEL_SPACING, "Imager Pixel Spacing (0018,1164)"),
    (tags::NOMINAL_SCANNED_PIXEL_SPACING, "Nominal Scanned Pixel Spacing (0018,2010)"),
    (tags::PHYSICAL_DELTA_X, "Physical Delta X (0018,602C)"),
    (tags::PHYSICAL_DELTA_Y, "Physical Delta Y (0018,602E)"),
];

/// Name and number of an element.
pub(super) fn name(tag: Tag) -> String {
    let name = NAMES.iter().find(|(named, _)| *named == tag);
    name.map_or_else(|| tag.to_string(), |(_, name)| (*name).to_owned())
}

/// The numbers of a value of text, all of them finite; none where it is absent, blank, or told to make no sense.
pub(super) fn decimals(value: Option<&Value>, tag: Tag, told: &mut Told) -> Option<Vec<f64>> {
    let value = value.filter(|value| !value.text().is_empty())?;
    let numbers = value.decimals();
    if numbers.is_none() {
        tell(tag, told);
    }
    numbers
}

/// The first number of an element of the data set itself, or of one of these sequences.
pub(super) fn first(header: &Header, tag: Tag, sequences: &[Tag], told: &mut Told) -> Option<f64> {
    decimals(header.anywhere_in(tag, sequences), tag, told)?.first().copied()
}

/// A number of a binary value.
pub(super) fn finite(number: Option<f64>, tag: Tag, told: &mut Told) -> Option<f64> {
    let number = number?;
    if !number.is_finite() {
        tell(tag, told);
    }
    Some(number).filter(|number| number.is_finite())
}

pub(super) fn tell(tag: Tag, told: &mut Told) {
    told.tell(format!("{} is no number that makes sense, and is left out", name(tag)));
}
