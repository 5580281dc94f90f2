//! Tells what a header says of the clip beyond its pixels: frame rate, spacing, regions, whose it is.

use super::header::{Header, Value};
use super::numbers;
use super::told::Told;
use crate::region::{Region, Regions};
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Regions that are read; scanners state fewer than ten.
const MOST_REGIONS: usize = 1000;

/// Frames a second beyond this are taken for broken; the fastest scanners reach some 20,000.
const FASTEST: f64 = 1e6;

/// Frames a second: by the time of a frame, the times between frames, or how fast it wants to be shown.
pub(super) fn frame_rate(header: &Header, told: &mut Told) -> Option<f64> {
    let mut numbers = |tag| numbers::decimals(header.root(tag), tag, told);
    let of_milliseconds = |milliseconds: f64| 1000.0 / milliseconds;
    let mut first = |tag| numbers(tag)?.first().copied().filter(|number| *number > 0.0);
    let time = first(tags::FRAME_TIME);
    let stated = [tags::RECOMMENDED_DISPLAY_FRAME_RATE, tags::CINE_RATE].map(first);
    // The first time of the vector is that before the first frame.
    let between = numbers::decimals(header.root(tags::FRAME_TIME_VECTOR), tags::FRAME_TIME_VECTOR, told);
    let between = between.and_then(|times| times.get(1..).map(<[f64]>::to_vec)).filter(|times| !times.is_empty());
    let mean = between.map(|times| times.iter().sum::<f64>() / times.len() as f64).filter(|mean| *mean > 0.0);
    let tag = tags::RECOMMENDED_DISPLAY_FRAME_RATE_IN_FLOAT;
    let float = numbers::finite(header.root(tag).and_then(float), tag, told).filter(|rate| *rate > 0.0);
    let [recommended, cine] = stated;
    let rate = time.or(mean).map(of_milliseconds).or(float).or(recommended).or(cine)?;
    if rate > FASTEST {
        told.tell("the frame rate that the header states makes no sense, and is left out");
    }
    Some((rate * 1e6).round() / 1e6).filter(|rate| *rate > 0.0 && *rate <= FASTEST)
}

/// Height and width of a pixel, millimetres: as stated, or as the regions agree on.
pub(super) fn pixel_spacing(header: &Header, regions: &Regions, told: &mut Told) -> Option<[f64; 2]> {
    let stated = [tags::PIXEL_SPACING, tags::IMAGER_PIXEL_SPACING, tags::NOMINAL_SCANNED_PIXEL_SPACING];
    let stated = stated.iter().find_map(|tag| {
        let value = header.anywhere_in(*tag, &[tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE]);
        match numbers::decimals(value, *tag, told)?[..] {
            [height, width] if height > 0.0 && width > 0.0 => Some([height, width]),
            _ => None,
        }
    });
    stated.or_else(|| regions.spacing())
}

/// The regions of an ultrasound picture.
pub(super) fn regions(header: &Header, told: &mut Told) -> Regions {
    let sequence = tags::SEQUENCE_OF_ULTRASOUND_REGIONS;
    let region = |item: usize| -> Option<Region> {
        let value = |tag: Tag| header.in_item(sequence, item, tag);
        // Written as unsigned, though some devices mean signed.
        let side = |tag| value(tag).and_then(Value::long).map(|long| i64::from(long as i32));
        let code = |tag| value(tag).and_then(Value::word).unwrap_or(0);
        let mut delta = |tag| numbers::finite(value(tag).and_then(Value::double), tag, told).unwrap_or(0.0);
        Some(Region {
            x0: side(tags::REGION_LOCATION_MIN_X0)?,
            y0: side(tags::REGION_LOCATION_MIN_Y0)?,
            x1: side(tags::REGION_LOCATION_MAX_X1)?,
            y1: side(tags::REGION_LOCATION_MAX_Y1)?,
            format: code(tags::REGION_SPATIAL_FORMAT),
            data: code(tags::REGION_DATA_TYPE),
            unit_x: code(tags::PHYSICAL_UNITS_X_DIRECTION),
            unit_y: code(tags::PHYSICAL_UNITS_Y_DIRECTION),
            delta_x: delta(tags::PHYSICAL_DELTA_X),
            delta_y: delta(tags::PHYSICAL_DELTA_Y),
        })
    };
    Regions((1..=header.items(sequence).min(MOST_REGIONS)).filter_map(region).collect())
}

/// Reads the ids of the patient and of the study.
pub(super) fn patient_and_study(header: &Header) -> [Option<String>; 2] {
    [tags::PATIENT_ID, tags::STUDY_INSTANCE_UID]
        .map(|tag| header.root(tag).map(Value::text).filter(|text| !text.is_empty()))
}

fn float(value: &Value) -> Option<f64> {
    Some(f64::from(f32::from_bits(value.long()?)))
}
