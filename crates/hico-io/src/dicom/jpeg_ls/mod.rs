//! JPEG-LS (ITU-T T.87), lossless and near-lossless, all three ways of interleaving. Written from the recommendation;
//! the letters in `context.rs` and `scan.rs` are its own.

mod bits;
mod context;
mod scan;

use crate::jpeg::markers::{Frame, Segment, Segments};
use context::{Contexts, Parameters};
use scan::Interleave;

/// Decodes one picture.
///
/// - `expected`: height, width and samples; a picture that says otherwise is refused before memory is taken
/// - returns: the values, `[height, width, samples]`, and bits of a value
pub(super) fn decode(data: &[u8], expected: [usize; 3]) -> Result<(Vec<u16>, u32), String> {
    let [height, width, samples] = expected;
    let mut frame = None;
    let mut preset = Preset::default();
    let mut values = Vec::new();
    let mut done = vec![false; samples];
    for segment in Segments::new(data)? {
        let Segment { marker, body, tail } = segment?;
        match marker {
            0xf7 => frame = Some(Frame::read(body, expected)?),
            0xf8 => preset = Preset::read(body)?,
            0xdd if body.iter().any(|byte| *byte != 0) => return Err("JPEG-LS with restarts is not read".to_owned()),
            0xe8 if body.starts_with(b"mrfx") && body.get(4).is_some_and(|transform| *transform != 0) => {
                return Err("JPEG-LS with a colour transform is not read".to_owned());
            }
            0xda => {
                let frame = frame.as_ref().ok_or("a scan before its frame header")?;
                let header = ScanHeader::read(body, frame)?;
                let parameters = preset.parameters(frame.precision, header.near)?;
                // Scan after scan of one component would go on for as long as the file does.
                if header.components.iter().any(|component| std::mem::replace(&mut done[*component], true)) {
                    return Err("a component that comes twice".to_owned());
                }
                values.resize(height * width * samples, 0);
                let mut scan = scan::Scan::new(tail, width, Contexts::new(parameters), header.components.len());
                scan.decode(header.interleave, height, |component, row, line| {
                    let first = row * width * samples + header.components[component];
                    let places = values[first..].iter_mut().step_by(samples);
                    places.zip(line).for_each(|(place, value)| *place = *value);
                })?;
                if done.iter().all(|done| *done) {
                    return Ok((values, frame.precision));
                }
            }
            0xc0..=0xcf => return Err("its frame header is of another JPEG process".to_owned()),
            _ => {}
        }
    }
    Err("it ends before its pixels".to_owned())
}

struct ScanHeader {
    /// Place of each component.
    components: Vec<usize>,
    near: i32,
    interleave: Interleave,
}

impl ScanHeader {
    fn read(body: &[u8], frame: &Frame) -> Result<Self, String> {
        let short = "its scan header is cut short";
        let (count, rest) = body.split_first().ok_or(short)?;
        let (names, rest) = rest.split_at_checked(2 * usize::from(*count)).ok_or(short)?;
        let [near, interleave, shift, ..] = rest else { return Err(short.to_owned()) };
        let place = |name: &[u8]| frame.components.iter().position(|other| *other == name[0]);
        let components = names.chunks_exact(2).map(place).collect::<Option<Vec<_>>>();
        let components =
            components.filter(|components| !components.is_empty()).ok_or("a scan of an unknown component")?;
        if names.chunks_exact(2).any(|name| name[1] != 0) || *shift != 0 {
            return Err("JPEG-LS with a mapping table or point transform is not read".to_owned());
        }
        let interleave = match (interleave, components.len()) {
            (_, 1) => Interleave::Line,
            (1, _) => Interleave::Line,
            (2, _) => Interleave::Sample,
            (other, count) => return Err(format!("{count} components interleaved in way {other}")),
        };
        Ok(Self { components, near: i32::from(*near), interleave })
    }
}

/// Says what an LSE segment may set; 0 leaves the default.
#[derive(Default)]
struct Preset {
    largest: i32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Preset {
    fn read(body: &[u8]) -> Result<Self, String> {
        let [1, body @ ..] = body else {
            return Err("JPEG-LS with mapping tables or large sizes is not read".to_owned());
        };
        let numbers: Vec<i32> =
            body.chunks_exact(2).map(|pair| i32::from(u16::from_be_bytes([pair[0], pair[1]]))).collect();
        match numbers[..] {
            [largest, t1, t2, t3, reset] => Ok(Self { largest, thresholds: [t1, t2, t3], reset }),
            _ => Err("its preset parameters are cut short".to_owned()),
        }
    }

    fn parameters(&self, precision: u32, near: i32) -> Result<Parameters, String> {
        let top = (1 << precision) - 1;
        let largest = if self.largest == 0 { top } else { self.largest };
        if !(1..=top).contains(&largest) || near > 255.min(largest / 2) {
            return Err(format!("values up to {largest}, near {near}, in {precision} bits"));
        }
        Parameters::new(largest, near, self.thresholds, self.reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of T.87, annex H.3: 4x4 pixels of 8 bits.
    const EXAMPLE: [u8; 49] = [
        0xff, 0xd8, 0xff, 0xf7, 0, 11, 8, 0, 4, 0, 4, 1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0xc0, 0, 0,
        0x6c, 0x80, 0x20, 0x8e, 0x01, 0xc0, 0, 0, 0x57, 0x40, 0, 0, 0x6e, 0xe6, 0, 0, 1, 0xbc, 0x18, 0, 0,
    ];

    fn example() -> Vec<u8> {
        [&EXAMPLE[..], &[0x05, 0xd8, 0, 0, 0x91, 0x60, 0xff, 0xd9]].concat()
    }

    #[test]
    fn the_example_of_the_recommendation_decodes() {
        let expected = [0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145];
        assert_eq!(decode(&example(), [4, 4, 1]).unwrap(), (expected.to_vec(), 8));
    }

    #[test]
    fn a_picture_that_is_short_or_of_another_size_is_refused() {
        let data = example();
        for length in 0..data.len() - 4 {
            assert!(decode(&data[..length], [4, 4, 1]).is_err(), "{length}");
        }
        assert!(decode(&data, [4, 5, 1]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(at in 2_usize..56, value in any::<u8>(), noise in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut data = example();
            data[at] = value;
            decode(&data, [4, 4, 1]).ok();
            data.truncate(25);
            data.extend(noise);
            decode(&data, [4, 4, 1]).ok();
        }
    }
}
