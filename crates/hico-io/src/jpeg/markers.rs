//! The segments of a JPEG stream (ITU-T T.81, annex B), the same for every JPEG process and for JPEG-LS.

/// One marker segment.
pub(crate) struct Segment<'a> {
    /// Second byte of the marker.
    pub(crate) marker: u8,
    /// The bytes behind the length; empty for markers without.
    pub(crate) body: &'a [u8],
    /// Everything behind the segment.
    pub(crate) tail: &'a [u8],
}

/// Segment after segment until the end of the picture; entropy-coded bytes between them are skipped.
pub(crate) struct Segments<'a> {
    rest: &'a [u8],
    /// True where the marker that ends the picture was met.
    ended: bool,
}

impl<'a> Segments<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Result<Self, String> {
        match data {
            [0xff, 0xd8, rest @ ..] => Ok(Self { rest, ended: false }),
            _ => Err("it does not begin as a JPEG picture".to_owned()),
        }
    }

    /// Goes on from here: the rest of what lies behind a segment, without the compressed bytes that were passed.
    pub(crate) const fn go_on(&mut self, rest: &'a [u8]) {
        self.rest = rest;
    }

    /// Goes on to the end of the picture; returns what lies behind it, `None` where it has no end.
    pub(crate) fn behind(mut self) -> Option<&'a [u8]> {
        for segment in self.by_ref() {
            segment.ok()?;
        }
        self.ended.then_some(self.rest)
    }
}

/// The picture without what lies behind its end: padding of any length, or another picture. The end marker of a thumbnail
/// within a segment is none of the picture.
pub(crate) fn whole(data: &[u8]) -> Result<&[u8], String> {
    let behind = Segments::new(data)?.behind().ok_or("its end is missing")?;
    Ok(&data[..data.len() - behind.len()])
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        loop {
            // Stuffed bytes (0), fill bytes (ff) and restarts (d0 to d7) belong to what is skipped; in JPEG-LS all
            // below 80 do.
            let at = self.rest.windows(2).position(|pair| {
                pair[0] == 0xff && pair[1] >= 0x80 && pair[1] != 0xff && !(0xd0..=0xd7).contains(&pair[1])
            })?;
            let (marker, after) = (self.rest[at + 1], &self.rest[at + 2..]);
            if marker == 0xd9 {
                (self.rest, self.ended) = (after, true);
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

/// The frame header of a process without transform, where all samples are of one density.
pub(crate) struct Frame {
    /// Bits a sample, 2 to 16.
    pub(crate) precision: u32,
    /// Names of the components.
    pub(crate) components: Vec<u8>,
}

impl Frame {
    /// - `expected`: height, width and samples
    pub(crate) fn read(body: &[u8], expected: [usize; 3]) -> Result<Self, String> {
        let [precision, h0, h1, w0, w1, samples, components @ ..] = body else {
            return Err("its frame header is cut short".to_owned());
        };
        let size = |a: &u8, b: &u8| usize::from(u16::from_be_bytes([*a, *b]));
        let (height, width, samples) = (size(h0, h1), size(w0, w1), usize::from(*samples));
        if [height, width, samples] != expected || components.len() < 3 * samples {
            return Err(format!("{height}x{width} pixels of {samples} samples, the header says {expected:?}"));
        }
        if !(2..=16).contains(precision) {
            return Err(format!("{precision} bits a sample"));
        }
        if components.chunks_exact(3).any(|component| component[1] != 0x11) {
            return Err("its samples are of different density".to_owned());
        }
        let components = components.chunks_exact(3).map(|component| component[0]).collect();
        Ok(Self { precision: u32::from(*precision), components })
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
        assert_eq!(whole(&data), Ok(&data[..20]));
        assert!(whole(&data[..19]).is_err(), "it ends before its end");
        let cut = Segments::new(&data[..6]).unwrap().next();
        assert!(cut.is_some_and(|segment| segment.is_err()));
    }
}
