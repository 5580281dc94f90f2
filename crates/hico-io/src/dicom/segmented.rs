//! Segmented palettes: a table as runs, ramps and repetitions (DICOM PS3.3, C.7.9.2).

/// Copies the numbers that follow.
const DISCRETE: u16 = 0;

/// Goes evenly from the entry before to the number that follows.
const LINEAR: u16 = 1;

/// Repeats segments from further up; their place follows.
const INDIRECT: u16 = 2;

/// Expands the segments of a table, up to `count` entries; `None` where they make no sense or fall short.
///
/// - `numbers`: of the segments, each of a byte or of a word
/// - `place`: numbers that the place of an indirect segment takes: 2 words, or 4 bytes
pub(super) fn expand(numbers: &[u16], place: usize, count: usize) -> Option<Vec<u16>> {
    let mut entries = Vec::with_capacity(count);
    let mut at = 0;
    while entries.len() < count {
        let [code, length, rest @ ..] = numbers.get(at..)? else { return None };
        if *code != INDIRECT {
            at += segment(&numbers[at..], count, &mut entries)?;
            continue;
        }
        let digits = rest.get(..place)?;
        let bits = 32 / place as u32;
        // The least significant number comes first.
        let from = digits.iter().rev().fold(0_u64, |from, digit| from << bits | u64::from(*digit));
        let mut from = usize::try_from(from).ok().filter(|from| *from < at)?;
        for _ in 0..*length {
            if entries.len() < count {
                from += segment(numbers.get(from..)?, count, &mut entries)?;
            }
        }
        at += 2 + place;
    }
    Some(entries)
}

/// Expands one discrete or linear segment; returns the numbers that it takes. Every segment adds an entry, so that the
/// work is bounded by what the table may hold.
fn segment(numbers: &[u16], count: usize, entries: &mut Vec<u16>) -> Option<usize> {
    let [code, length, rest @ ..] = numbers else { return None };
    let length = Some(usize::from(*length)).filter(|length| *length > 0)?;
    let room = count.saturating_sub(entries.len());
    match *code {
        DISCRETE => {
            entries.extend_from_slice(&rest.get(..length)?[..length.min(room)]);
            Some(2 + length)
        }
        LINEAR => {
            let (from, to) = (f64::from(*entries.last()?), f64::from(*rest.first()?));
            let step = (to - from) / length as f64;
            entries.extend((1..=length).take(room).map(|number| (from + step * number as f64).round() as u16));
            Some(3)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn segments_are_copied_drawn_and_repeated() {
        let numbers = [0, 2, 10, 20, 1, 4, 100, 2, 2, 0, 0, 0, 1, 7];
        let expected = [10, 20, 40, 60, 80, 100, 10, 20, 40, 60, 80, 100, 7];
        assert_eq!(expand(&numbers, 2, 13).unwrap(), expected);
        // The same of bytes: the place takes four of them.
        let numbers = [0, 2, 10, 20, 1, 4, 100, 2, 2, 0, 0, 0, 0, 0, 1, 7];
        assert_eq!(expand(&numbers, 4, 13).unwrap(), expected);
        assert_eq!(expand(&numbers, 4, 3).unwrap(), expected[..3], "no more than there is room for");
    }

    #[test]
    fn a_ramp_may_fall_and_ends_where_it_should() {
        assert_eq!(expand(&[0, 1, 65_535, 1, 3, 0], 2, 4).unwrap(), [65_535, 43_690, 21_845, 0]);
    }

    #[test]
    fn segments_that_make_no_sense_are_refused() {
        for numbers in [
            &[0, 3, 1, 2][..],
            &[1, 3, 7],
            &[0, 0, 0, 0],
            &[9, 1, 1],
            &[0, 1, 5, 2, 1, 3, 0],
            &[0, 1, 5, 2, 2, 0, 0],
            &[0, 1, 5, 2, 1, 0],
            &[],
        ] {
            assert_eq!(expand(numbers, 2, 4), None, "{numbers:?}");
        }
    }

    proptest! {
        #[test]
        fn no_numbers_break_it(numbers in prop::collection::vec(0_u16..6, 0..60), place in prop::sample::select(vec![2_usize, 4])) {
            let entries = expand(&numbers, place, 300);
            prop_assert!(entries.is_none_or(|entries| entries.len() == 300));
        }
    }
}
