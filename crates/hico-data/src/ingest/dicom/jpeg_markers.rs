//! The segments of a JPEG stream (ITU-T T.81, annex B), the same for every JPEG process and for JPEG-LS.

/// One marker segment.
pub(super) struct Segment<'a> {
    /// Second byte of the marker.
    pub(super) marker: u8,
    /// What follows the length; empty for markers without.
    pub(super) body: &'a [u8],
    /// Everything behind the segment.
    pub(super) tail: &'a [u8],
}

/// Segment after segment until the end of the picture; entropy-coded bytes between them are skipped.
pub(super) struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    pub(super) fn new(data: &'a [u8]) -> Result<Self, String> {
        match data {
            [0xff, 0xd8, rest @ ..] => Ok(Self { rest }),
            _ => Err("it does not begin as a JPEG picture".to_owned()),
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // Stuffed bytes (0), fill bytes (ff) and restarts (d0 to d7) belong to what is skipped; in JPEG-LS all
            // below 80 do.
            let at = self.rest.windows(2).position(|pair| {
                pair[0] == 0xff && pair[1] >= 0x80 && pair[1] != 0xff && !(0xd0..=0xd7).contains(&pair[1])
            })?;
            let (marker, after) = (self.rest[at + 1], &self.rest[at + 2..]);
            if marker == 0xd9 {
                return None;
            }
            if marker == 0xd8 {
                self.rest = after;
                continue;
            }
            let length = after.get(..2).map(|bytes| usize::from(u16::from_be_bytes([bytes[0], bytes[1]])));
            let body = length.and_then(|length| after.get(2..length));
            let Some(body) = body else {
                self.rest = &[];
                return Some(Err("a segment is cut short".to_owned()));
            };
            self.rest = &after[2 + body.len()..];
            return Some(Ok(Segment { marker, body, tail: self.rest }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_found_and_what_lies_between_is_skipped() {
        let data = [0xff, 0xd8, 0xff, 0xda, 0, 3, 7, 1, 2, 0xff, 0, 0xff, 0xd0, 0xff, 0xff, 0xfe, 0, 2, 0xff, 0xd9, 5];
        let seen: Vec<_> = Segments::new(&data).unwrap().map(|it| it.map(|it| (it.marker, it.body.to_vec()))).collect();
        assert_eq!(seen, [Ok((0xda, vec![7])), Ok((0xfe, vec![]))]);
        assert!(Segments::new(b"abc").is_err());
        let cut = Segments::new(&data[..6]).unwrap().next();
        assert!(cut.is_some_and(|segment| segment.is_err()));
    }
}
