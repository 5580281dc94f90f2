//! Tile parts without a length: a last one may say 0 and go on to the end of the code stream (ITU-T T.800, A.4.2). The
//! decoder would take what lies behind for pixels, so the length is written in.

use std::borrow::Cow;

/// Bytes of the segment that begins a tile part, with its marker.
const HEAD: usize = 12;

/// The code stream with every length of a tile part filled in; as it is where none is 0, or where its end is missing.
///
/// - `data`: the code stream
pub(super) fn close(data: &[u8]) -> Option<Vec<u8>> {
    let mut closed = Cow::Borrowed(data);
    let mut at = first_part(data)?;
    while let Some([0xff, 0x90, 0, 10, _, _, l0, l1, l2, l3, _, _]) = data.get(at..at + HEAD) {
        let stated = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
        let length = if stated == 0 { open_part(&data[at..])? } else { stated.max(HEAD) };
        if stated == 0 {
            closed.to_mut()[at + 6..at + 10].copy_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
        }
        at = at.checked_add(length)?;
    }
    matches!(closed, Cow::Owned(_)).then(|| closed.into_owned())
}

/// Where the first tile part begins: behind the segments of the main header.
fn first_part(data: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        match data.get(at..at + 4)? {
            [0xff, 0x90, ..] => return Some(at),
            [0xff, _, high, low] => at += 2 + usize::from(u16::from_be_bytes([*high, *low])),
            _ => return None,
        }
    }
}

/// Length of a tile part that does not say it: up to the marker of the end, or of the next part. Behind its header no
/// byte 0xff is followed by one above 0x8f but in markers.
fn open_part(part: &[u8]) -> Option<usize> {
    let mut at = HEAD;
    while part.get(at..at + 2)? != [0xff, 0x93] {
        let [0xff, _, high, low] = part.get(at..at + 4)? else { return None };
        at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
    }
    let pixels = at + 2;
    let end = part.get(pixels..)?.windows(2).position(|pair| pair == [0xff, 0xd9] || pair == [0xff, 0x90])?;
    Some(pixels + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(lengths: &[u8]) -> Vec<u8> {
        let mut data = vec![0xff, 0x4f, 0xff, 0x64, 0, 3, 9];
        for length in lengths {
            data.extend([0xff, 0x90, 0, 10, 0, 0, 0, 0, 0, *length, 0, 1, 0xff, 0x64, 0, 4, 0xff, 0xd9]);
            data.extend([0xff, 0x93, 1, 0xff, 0x8f, 2]);
        }
        data.extend([0xff, 0xd9, 0, 0, 0xff, 0xd9]);
        data
    }

    #[test]
    fn a_part_without_a_length_ends_with_the_first_end_behind_its_header() {
        assert_eq!(close(&stream(&[24, 24])), None);
        assert_eq!(close(&stream(&[24, 0])).unwrap(), stream(&[24, 24]));
        assert_eq!(close(&stream(&[0])).unwrap(), stream(&[24]));
        assert_eq!(close(&stream(&[0, 0])).unwrap(), stream(&[24, 24]), "one that is not the last");
    }

    #[test]
    fn a_stream_cut_anywhere_is_left_as_it_is() {
        let whole = stream(&[24, 0]);
        for length in 0..whole.len() - 4 {
            assert_eq!(close(&whole[..length]).filter(|_| length < whole.len() - 4), None, "{length}");
        }
    }
}
