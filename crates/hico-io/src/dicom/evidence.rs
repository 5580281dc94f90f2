//! Bytes that tell by themselves how a data set is written, and how its pixels are coded; what the transfer syntax says
//! of them is wrong now and then.

use super::syntax::{Coding, Writing};
use crate::jpeg::markers::Segments;

/// Elements that are looked at.
const ELEMENTS: usize = 6;

/// Value representations of explicit data sets with a length of two bytes (DICOM PS3.5, 7.1.2), two letters each.
const SHORT: &[u8] = b"AEASATCSDADSDTFLFDISLOLTPNSHSLSSSTTMUIULUS";

/// Those with two bytes between them and a length of four.
const LONG: &[u8] = b"OBODOFOLOVOWSQSVUCUNURUTUV";

/// Tells how a data set is written, where its first elements make sense in one way.
pub(super) fn writing(bytes: &[u8]) -> Option<Writing> {
    let ways = [Writing::ExplicitLittle, Writing::ExplicitBig, Writing::ImplicitLittle];
    ways.into_iter().find(|writing| elements(bytes, *writing) >= 2)
}

/// Tells whether so many bytes are a data set of explicit VR beyond doubt.
pub(super) fn explicit(bytes: &[u8]) -> Option<Writing> {
    let is_early =
        |group: &[u8]| matches!(group, [8 | 0x10 | 0x18 | 0x20 | 0x28, 0] | [0, 8 | 0x10 | 0x18 | 0x20 | 0x28]);
    bytes.get(..2).filter(|group| is_early(group))?;
    let ways = [Writing::ExplicitLittle, Writing::ExplicitBig];
    ways.into_iter().find(|writing| elements(bytes, *writing) >= 4)
}

/// Counts the elements that begin the bytes; 0 where one of the first makes no sense.
fn elements(bytes: &[u8], writing: Writing) -> usize {
    let mut before = None;
    let (mut at, mut count) = (0, 0);
    while let (Some(head), true) = (bytes.get(at..at + 8), count < ELEMENTS) {
        let Some((tag, begin, length)) = element(head, bytes.get(at + 8..at + 12), writing) else { return 0 };
        // The first group is a low one; of a high one the bytes are turned round.
        let highest = if before.is_none() { 0xff } else { 0x7fe0 };
        if !(8..=highest).contains(&tag.0) || before.is_some_and(|before| before >= tag) {
            return 0;
        }
        (before, count) = (Some(tag), count + 1);
        at = match length.and_then(|length| at.checked_add(begin + length)) {
            Some(end) if end <= bytes.len() => end,
            // A sequence without a length, or a value beyond what is looked at.
            _ if writing == Writing::ExplicitLittle => return count.max(2),
            _ if count > 1 => return count,
            _ => return 0,
        };
    }
    count
}

/// Group and element, bytes before the value, and its length if that is stated.
fn element(head: &[u8], more: Option<&[u8]>, writing: Writing) -> Option<((u16, u16), usize, Option<usize>)> {
    let [a, b, c, d, v0, v1, l0, l1] = head.try_into().ok()?;
    let is_big = writing == Writing::ExplicitBig;
    let short = |pair: [u8; 2]| if is_big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
    let long = |four: [u8; 4]| if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
    let stated = |length: u32| (length != u32::MAX).then_some(length as usize);
    let tag = (short([a, b]), short([c, d]));
    if writing == Writing::ImplicitLittle {
        let length = long([v0, v1, l0, l1]);
        return (length == u32::MAX || length.is_multiple_of(2)).then_some((tag, 8, stated(length)));
    }
    let is_one_of = |letters: &[u8]| letters.as_chunks::<2>().0.contains(&[v0, v1]);
    if is_one_of(SHORT) {
        return Some((tag, 8, Some(usize::from(short([l0, l1])))));
    }
    let length = long(more?.try_into().ok()?);
    is_one_of(LONG).then_some((tag, 12, stated(length)))
}

/// Tells how a frame is coded, by its first bytes.
pub(super) fn coding(frame: &[u8]) -> Option<Coding> {
    const JP2: &[u8] = b"\0\0\0\x0cjP  ";
    if frame.starts_with(&[0xff, 0x4f, 0xff, 0x51]) || frame.starts_with(JP2) {
        return Some(Coding::Jpeg2000);
    }
    if is_rle(frame) {
        return Some(Coding::Rle);
    }
    let segments = Segments::new(frame).ok()?.map_while(Result::ok);
    segments.take_while(|segment| segment.marker != 0xda).find_map(|segment| match segment.marker {
        0xc0..=0xc2 => Some(Coding::Jpeg),
        0xc3 => Some(Coding::JpegLossless),
        0xf7 => Some(Coding::JpegLs),
        _ => None,
    })
}

/// Tells the bits of a sample of a compressed frame.
pub(super) fn precision(frame: &[u8]) -> Option<u32> {
    if let Some(begin) = frame.windows(4).position(|word| word == [0xff, 0x4f, 0xff, 0x51]) {
        return frame.get(begin + 42).map(|depth| u32::from(depth & 0x7f) + 1);
    }
    let segments = Segments::new(frame).ok()?.map_while(Result::ok);
    let mut segments = segments.take_while(|segment| segment.marker != 0xda);
    let found = segments.find(|segment| matches!(segment.marker, 0xc0..=0xc3 | 0xf7))?;
    found.body.first().map(|bits| u32::from(*bits))
}

/// Tells whether bytes begin as a frame of RLE: 1 to 15 segments, the first right behind a header of 64 bytes.
pub(super) fn is_rle(frame: &[u8]) -> bool {
    matches!(frame, [1..=15, 0, 0, 0, 64, 0, 0, 0, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three elements: class, Rows and a sequence.
    fn explicit_little() -> Vec<u8> {
        [&b"\x08\0\x16\0UI\x02\x001\0"[..], b"\x28\0\x10\0US\x02\0\x05\0", b"\x28\0\x20\x13SQ\0\0\xff\xff\xff\xff"]
            .concat()
    }

    #[test]
    fn the_first_elements_tell_how_a_data_set_is_written() {
        let little = explicit_little();
        assert_eq!(writing(&little), Some(Writing::ExplicitLittle));
        let implicit = [&b"\x08\0\x16\0\x02\0\0\x001\0"[..], b"\x28\0\x10\0\x02\0\0\0\x05\0"].concat();
        assert_eq!(writing(&implicit), Some(Writing::ImplicitLittle));
        let big = [&b"\0\x08\0\x16UI\0\x021\0"[..], b"\0\x28\0\x10US\0\x02\0\x05"].concat();
        assert_eq!(writing(&big), Some(Writing::ExplicitBig));
        let falling = [&little[10..20], &little[..10]].concat();
        for nonsense in [&b"no data set at all, but words"[..], &[0; 64], &falling, &little[..7]] {
            assert_eq!(writing(nonsense), None);
        }
        assert_eq!(explicit(&little), None, "three elements are not beyond doubt");
    }

    #[test]
    fn a_frame_tells_how_it_is_coded() {
        let jpeg = |marker: u8, bits: u8| [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, marker, 0, 3, bits];
        assert_eq!((coding(&jpeg(0xc1, 12)), precision(&jpeg(0xc1, 12))), (Some(Coding::Jpeg), Some(12)));
        assert_eq!((coding(&jpeg(0xc3, 16)), precision(&jpeg(0xc3, 16))), (Some(Coding::JpegLossless), Some(16)));
        assert_eq!(coding(&jpeg(0xf7, 8)), Some(Coding::JpegLs));
        assert_eq!(coding(b"\x03\0\0\0\x40\0\0\0\x50\0\0\0"), Some(Coding::Rle));
        assert_eq!(coding(b"\xff\x4f\xff\x51\0\x29"), Some(Coding::Jpeg2000));
        assert_eq!((coding(b"pixels"), precision(b"pixels")), (None, None));
    }
}
