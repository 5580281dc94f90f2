//! RLE Lossless (DICOM PS3.5, annex G): a picture as planes of bytes, each compressed as PackBits.

/// Segments that the header has room for.
const SEGMENTS: usize = 15;

/// Decodes one frame to planes of bytes, the most significant byte of the first sample first.
///
/// - `planes`: samples a pixel times bytes a sample
/// - `pixels`: of a plane
/// - returns: `[planes, pixels]`, and whether a segment holds more than its plane, beyond padding
pub(super) fn decode(data: &[u8], planes: usize, pixels: usize) -> Result<(Vec<u8>, bool), String> {
    let word = |place: usize| {
        let bytes = data.get(4 * place..4 * place + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_le_bytes).map(|word| word as usize).ok_or_else(|| "its RLE header is cut short".to_owned())
    };
    let segments = word(0)?;
    if segments != planes || segments > SEGMENTS {
        return Err(format!("{segments} RLE segments, expected {planes}"));
    }
    let mut result = Vec::with_capacity(planes * pixels);
    let mut has_surplus = false;
    for segment in 0..segments {
        let begin = word(1 + segment)?;
        let end = if segment + 1 < segments { word(2 + segment)? } else { data.len() };
        let bytes = data.get(begin..end).filter(|_| begin >= 64);
        let bytes = bytes.ok_or_else(|| format!("RLE segment {segment} lies outside the frame"))?;
        let whole = result.len() + pixels;
        let rest = unpack(bytes, whole, &mut result);
        // Zeros fill up to an even number, and 128 is no byte.
        has_surplus |= rest.iter().any(|byte| !matches!(byte, 0 | 128));
        if result.len() != whole {
            let found = pixels + result.len() - whole;
            return Err(format!("RLE segment {segment} has {found} bytes, expected {pixels}"));
        }
    }
    Ok((result, has_surplus))
}

/// Unpacks runs until `result` is `whole` bytes long or nothing is left; returns what is left. A run that goes on
/// beyond the end is left with it.
fn unpack<'a>(mut bytes: &'a [u8], whole: usize, result: &mut Vec<u8>) -> &'a [u8] {
    while let ([head, rest @ ..], true) = (bytes, result.len() < whole) {
        let (run, room) = (bytes, whole - result.len());
        let head = usize::from(*head);
        let count = match head {
            0..=127 => {
                let count = (head + 1).min(rest.len());
                result.extend_from_slice(&rest[..count.min(room)]);
                bytes = &rest[count..];
                count
            }
            128 => {
                bytes = rest;
                0
            }
            _ => {
                let Some((value, rest)) = rest.split_first() else { return &[] };
                result.resize(result.len() + (257 - head).min(room), *value);
                bytes = rest;
                257 - head
            }
        };
        if count > room {
            return run;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(segments: &[&[u8]]) -> Vec<u8> {
        let mut header = [0_u32; 16];
        header[0] = segments.len() as u32;
        let mut at = 64;
        for (segment, bytes) in segments.iter().enumerate() {
            header[1 + segment] = at;
            at += bytes.len() as u32;
        }
        let mut frame: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        frame.extend(segments.concat());
        frame
    }

    #[test]
    fn runs_and_literals_are_unpacked_plane_by_plane() {
        let data = frame(&[&[2, 1, 2, 3, 128, 255, 7], &[252, 9]]);
        assert_eq!(decode(&data, 2, 5).unwrap(), (vec![1, 2, 3, 7, 7, 9, 9, 9, 9, 9], false));
        // Padding is no surplus; further runs are, and one that goes on beyond the plane.
        for (segment, has_surplus) in [
            (&[2, 1, 2, 3, 0][..], false),
            (&[2, 1, 2, 3, 128, 0], false),
            (&[2, 1, 2, 3, 0, 9], true),
            (&[3, 1, 2, 3, 4], true),
            (&[1, 1, 2, 200, 3], true),
        ] {
            assert_eq!(decode(&frame(&[segment]), 1, 3).unwrap(), (vec![1, 2, 3], has_surplus), "{segment:?}");
        }
    }

    #[test]
    fn a_frame_that_is_short_or_lies_is_refused() {
        let data = frame(&[&[2, 1, 2, 3]]);
        assert_eq!(decode(&data, 1, 4).unwrap_err(), "RLE segment 0 has 3 bytes, expected 4");
        assert_eq!(decode(&data, 3, 4).unwrap_err(), "1 RLE segments, expected 3");
        assert_eq!(decode(&data[..50], 1, 3).unwrap_err(), "RLE segment 0 lies outside the frame");
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(data in prop::collection::vec(any::<u8>(), 0..200), pixels in 0_usize..300) {
            let mut data = frame(&[&data]);
            decode(&data, 1, pixels).ok();
            data.truncate(70);
            data[5] = 3;
            decode(&data, 1, pixels).ok();
        }
    }
}
