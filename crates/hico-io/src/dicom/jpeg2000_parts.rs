//! The tile parts of a code stream: all of them have to be there, and the length of one that states none is written in. A
//! last one may say 0 and go on to the end of the code stream (ITU-T T.800, A.4.2), and the decoder would take what lies
//! behind for pixels.

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

/// Refuses a code stream of which tiles, or parts of them, are missing; the decoder would leave them grey.
///
/// - `data`: the code stream, every length filled in
/// - `tiles`: of the whole picture
pub(super) fn check(data: &[u8], tiles: usize) -> Result<(), String> {
    // Parts there are of each tile, and parts that it says it has.
    let mut parts = vec![(0_usize, 0_usize); tiles];
    let mut at = first_part(data).ok_or("it ends before its first tile")?;
    while let Some([0xff, 0x90, 0, 10, t0, t1, l0, l1, l2, l3, _, stated]) = data.get(at..at + HEAD) {
        let tile = usize::from(u16::from_be_bytes([*t0, *t1]));
        let (found, all) = parts.get_mut(tile).ok_or_else(|| format!("tile {tile}, of {tiles}"))?;
        (*found, *all) = (*found + 1, (*all).max(usize::from(*stated)));
        let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
        if length == 0 {
            return Err("its end is missing".to_owned());
        }
        at = at.saturating_add(length.max(HEAD));
        if at > data.len() {
            return Err(format!("tile {tile} is cut short"));
        }
    }
    // The end marker may be missing where everything else is there.
    if !matches!(data.get(at..), Some([] | [0xff] | [0xff, 0xd9, ..])) {
        return Err("the length of a tile is wrong, or bytes are missing".to_owned());
    }
    match parts.iter().filter(|(found, all)| *found == 0 || found < all).count() {
        0 => Ok(()),
        missing => Err(format!("{missing} of {tiles} tiles are missing, or parts of them")),
    }
}

/// Finds where the first tile part begins: behind the segments of the main header.
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
    fn missing_tiles_and_missing_parts_are_seen() {
        // Four tiles of 24 bytes; `of` says which, and how many parts each states.
        let of = |tiles: &[(u8, u8)]| {
            let mut data = stream(&vec![24; tiles.len()]);
            for (number, (tile, parts)) in tiles.iter().enumerate() {
                let at = 7 + 24 * number;
                (data[at + 5], data[at + 11]) = (*tile, *parts);
            }
            data
        };
        for whole in [&[(0, 1), (1, 1)][..], &[(0, 0), (1, 0)], &[(1, 2), (0, 0), (1, 0)]] {
            assert_eq!(check(&of(whole), 2), Ok(()), "{whole:?}");
        }
        for missing in [&[(0, 1)][..], &[(0, 1), (0, 1)], &[(0, 2), (1, 1)], &[(0, 1), (2, 1)]] {
            assert!(check(&of(missing), 2).is_err(), "{missing:?}");
        }
        let mut data = of(&[(0, 1), (1, 1)]);
        let end = data.len() - 6;
        assert_eq!(check(&data[..end], 2), Ok(()), "without its end marker");
        assert!(check(&data[..end - 1], 2).is_err() && check(&[&data[..40], &data[45..]].concat(), 2).is_err());
        data[7 + 9] = 30;
        assert!(check(&data, 2).is_err());
    }

    #[test]
    fn a_stream_cut_anywhere_is_left_as_it_is() {
        let whole = stream(&[24, 0]);
        for length in 0..whole.len() - 4 {
            assert_eq!(close(&whole[..length]).filter(|_| length < whole.len() - 4), None, "{length}");
        }
    }
}
