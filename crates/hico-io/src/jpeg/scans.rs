//! Tells whether every block of a JPEG is there: its scans are walked code by code (ITU-T T.81, annexes F and G), and
//! no number is reckoned. Decoders fill what is missing before the end marker with grey, or with what came last, and
//! say nothing.

use crate::jpeg::huffman::{self, Huffman};
use crate::jpeg::markers::{Segment, Segments};
use crate::jpeg::standard::TABLES;
use crate::jpeg::walk::{BLOCK, Band, NO_TABLE, Walk};

/// Scans of one picture; a progressive one has some ten.
const MOST_SCANS: usize = 1000;

/// Holds what is told of a picture that has more compressed bytes than pixels.
pub(crate) const SURPLUS: &str =
    "a JPEG holds compressed bytes that belong to no pixel: its height may be wrong, or its bytes damaged";

/// A coefficient that no scan had so far.
const NEVER: u8 = u8::MAX;

/// Checks that each block of each component is there, in all its bits; returns whether there are compressed bytes that
/// belong to none.
///
/// Pictures of processes without such scans (lossless, arithmetic) are left to their decoders.
///
/// - `data`: from the start marker to the end marker
pub(crate) fn check(data: &[u8]) -> Result<bool, String> {
    let mut tables: Tables = [const { [const { None }; 4] }; 2];
    let (mut frame, mut restart, mut scans, mut surplus) = (None, 0, 0, false);
    let mut segments = Segments::new(data)?;
    while let Some(segment) = segments.next() {
        let Segment { marker, body, tail } = segment?;
        match marker {
            0xc4 => take_tables(body, &mut tables)?,
            0xdd => restart = body.first_chunk::<2>().map_or(0, |word| usize::from(u16::from_be_bytes(*word))),
            0xc0..=0xc2 => frame = Some(Frame::read(body, marker == 0xc2)?),
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Ok(false),
            0xda => {
                let frame = frame.as_mut().ok_or("a scan before its frame header")?;
                // Its height follows the first scan.
                if frame.height == 0 {
                    return Ok(false);
                }
                scans += 1;
                if scans > MOST_SCANS {
                    return Err(format!("more than {MOST_SCANS} scans"));
                }
                if tables.iter().flatten().all(Option::is_none) {
                    take_tables(TABLES, &mut tables)?;
                }
                let mut walk = Walk::new(tail, restart);
                frame.scan(body, &tables, &mut walk)?;
                let (rest, is_surplus) = walk.end();
                surplus |= is_surplus;
                segments.go_on(rest);
            }
            _ => {}
        }
    }
    match frame {
        Some(frame) if frame.components.iter().any(|it| it.missing.iter().any(|bits| *bits > 0)) => {
            Err("its last scans are missing".to_owned())
        }
        _ => Ok(surplus),
    }
}

/// Those of DC and of AC.
type Tables = [[Option<Huffman>; 4]; 2];

/// Ways of writing that the decoder of the pixels shows wrong without a word; why, where a picture is written so.
pub(crate) fn misread(data: &[u8]) -> Option<&'static str> {
    let mut frame = None;
    for segment in Segments::new(data).ok()? {
        let Segment { marker, body, .. } = segment.ok()?;
        match marker {
            0xc0..=0xc2 => frame = Some(Frame::read(body, marker == 0xc2).ok()?),
            0xda => {
                let frame: Frame = frame?;
                let is_full = |component: &Component| component.density == frame.most;
                if !frame.components.first().is_some_and(is_full) {
                    return Some("a JPEG whose luma is coarser than its chroma is not read: save it again as PNG");
                }
                let is_split = usize::from(*body.first()?) < frame.components.len() && !frame.is_progressive;
                let is_thinned = !frame.components.iter().all(is_full);
                return (is_split && is_thinned).then_some(
                    "a JPEG of several scans with thinned-out chroma is not read: save it again as PNG, or as a JPEG of one scan",
                );
            }
            _ => {}
        }
    }
    None
}

/// Takes over the tables of a segment.
fn take_tables(body: &[u8], tables: &mut Tables) -> Result<(), String> {
    for (class, place, table) in huffman::tables(body)? {
        let place = tables.get_mut(usize::from(class)).and_then(|tables| tables.get_mut(place));
        *place.ok_or("a Huffman table that no scan can name")? = Some(table);
    }
    Ok(())
}

/// Holds what the frame header says, and what of it was there so far.
struct Frame {
    is_progressive: bool,
    height: usize,
    width: usize,
    /// The largest densities.
    most: [usize; 2],
    components: Vec<Component>,
}

struct Component {
    name: u8,
    /// Blocks of a unit of all components, across and down.
    density: [usize; 2],
    /// Low bits of each coefficient that are still to come.
    missing: [u8; BLOCK],
    /// A bit for each coefficient of each block that is not 0 so far, where that decides what follows.
    nonzero: Vec<u64>,
}

/// Place of a component, and its tables.
type Part<'a> = (usize, [Option<&'a Huffman>; 2]);

impl Frame {
    fn read(body: &[u8], is_progressive: bool) -> Result<Self, String> {
        let [_, h0, h1, w0, w1, count, components @ ..] = body else {
            return Err("its frame header is cut short".to_owned());
        };
        let size = |a: &u8, b: &u8| usize::from(u16::from_be_bytes([*a, *b]));
        let components = components.as_chunks::<3>().0.iter().take(usize::from(*count));
        let components: Vec<Component> = components
            .map(|[name, density, _]| Component {
                name: *name,
                density: [usize::from(density >> 4), usize::from(density & 15)],
                missing: [NEVER; BLOCK],
                nonzero: Vec::new(),
            })
            .collect();
        if !(1..=4).contains(&components.len()) || components.len() != usize::from(*count) {
            return Err(format!("{count} samples a pixel"));
        }
        if components.iter().flat_map(|it| it.density).any(|density| !(1..=4).contains(&density)) {
            return Err("a density that makes no sense".to_owned());
        }
        let most = [0, 1].map(|axis| components.iter().map(|it| it.density[axis]).max().unwrap_or(1));
        Ok(Self { is_progressive, height: size(h0, h1), width: size(w0, w1), most, components })
    }

    /// Blocks of a component alone, across and down (T.81, A.2.2).
    fn blocks(&self, component: usize) -> usize {
        let density = self.components[component].density;
        let along = |axis: usize, side: usize| (side * density[axis]).div_ceil(self.most[axis]).div_ceil(8);
        along(0, self.width) * along(1, self.height)
    }

    /// Walks over one scan.
    fn scan(&mut self, body: &[u8], tables: &Tables, walk: &mut Walk<'_>) -> Result<(), String> {
        let (count, rest) = body.split_first().ok_or("its scan header is cut short")?;
        let (names, rest) = rest.split_at_checked(2 * usize::from(*count)).ok_or("its scan header is cut short")?;
        let [first, last, bits, ..] = rest else { return Err("its scan header is cut short".to_owned()) };
        let table = |class: usize, place: u8| tables[class].get(usize::from(place)).and_then(Option::as_ref);
        let parts = names.as_chunks::<2>().0.iter().map(|[name, places]| {
            let component = self.components.iter().position(|it| it.name == *name);
            let component = component.ok_or("a scan of an unknown component")?;
            Ok((component, [table(0, places >> 4), table(1, places & 15)]))
        });
        let parts: Vec<Part<'_>> = parts.collect::<Result<_, &str>>()?;
        let band = if self.is_progressive {
            let band = Band { first: usize::from(*first), last: usize::from(*last), is_refined: bits >> 4 > 0 };
            let is_one = if band.first == 0 { band.last == 0 } else { parts.len() == 1 };
            if !is_one || band.last < band.first || band.last >= BLOCK {
                return Err("a scan of coefficients that make no sense".to_owned());
            }
            band
        } else {
            Band { first: 0, last: BLOCK - 1, is_refined: false }
        };
        let [high, low] = if self.is_progressive { [bits >> 4, bits & 15] } else { [0, 0] };
        for (component, _) in &parts {
            let missing = &self.components[*component].missing;
            // A first scan of a band comes once, a further one after that with a bit more; and no band before the first number.
            let before = if high == 0 { NEVER } else { high };
            let is_due = missing[band.first..=band.last].iter().all(|bits| *bits == before);
            if self.is_progressive && (!is_due || (band.first > 0 && missing[0] == NEVER)) {
                return Err("one of its scans is missing".to_owned());
            }
        }
        match parts[..] {
            [] => return Err("a scan of no component".to_owned()),
            [(component, [_, ac])] if band.first > 0 => {
                let blocks = self.blocks(component);
                let nonzero = &mut self.components[component].nonzero;
                nonzero.resize(blocks, 0);
                walk.band(nonzero, ac.ok_or(NO_TABLE)?, &band)?;
            }
            [(component, tables)] => walk.units(self.blocks(component), &[tables], &band)?,
            _ => {
                let units = self.width.div_ceil(8 * self.most[0]) * self.height.div_ceil(8 * self.most[1]);
                let blocks = parts.iter().flat_map(|(component, tables)| {
                    let [across, down] = self.components[*component].density;
                    std::iter::repeat_n(*tables, across * down)
                });
                walk.units(units, &blocks.collect::<Vec<_>>(), &band)?;
            }
        }
        for (component, _) in &parts {
            self.components[*component].missing[band.first..=band.last].fill(low);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use image::{Rgb, RgbImage};

    /// 24x24 pixels, chroma for two by two of them, in ten scans.
    const PROGRESSIVE: &str = "ffd8ffdb0043000d090a0b0a080d0b0a0b0e0e0d0f13201513121213271c1e17202e2931302e292d2c333a4a3e333646372c2d405741464c4e525352323e5a615a50604a51524fffdb0043010e0e0e131113261515264f352d354f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4fffc20011080018001803012200021101031101ffc4001800010101010100000000000000000000000004030501ffc40017010003010000000000000000000000000002040503ffda000c03010002100310000001e151450b9e0e89c7fca0891b51530fffc40017100101010100000000000000000000000002000111ffda0008010100010502c16088b058222c16096707ffc4001b11000201050000000000000000000000000002030104111221ffda0008010301013f0189c57e1154bc91b7c1ffc4001a110002020300000000000000000000000000010203042122ffda0008010201013f015690b7429331df27ffc400161000030000000000000000000000000000000130ffda0008010100063f02833fffc400191000010500000000000000000000000000000111303141ffda0008010100013f21828a29d9b487ffda000c03010002000300000010372fbcffc40017110101010100000000000000000000000001001110ffda0008010301013f10e69e180e197fffc4001811000203000000000000000000000000000021011011ffda0008010201013f10750d848e7fffc4001c10000202020300000000000000000000000021013111615181b1ffda0008010100013f10d0548a11a0a914234152306a945989ccf1ef47ffd9";

    /// 32x24 grey pixels, a restart after every second block.
    const RESTARTS: &str = "ffd8ffdb004300140e0f120f0d14121012171514181e32211e1c1c1e3d2c2e243249404c4b47404645505a736250556d5645466488656d777b8182814e608d978c7d96737e817cffc0000b080018002001011100ffc400190000020301000000000000000000000000030601020405ffc4002d100001040102030606030000000000000001020304111200210522411323315161811415324262827191b2ffdd00040002ffda0008010100003f005f8d139c6da68818c188eca58043482aa2ac723d05fa9dbdf5ffd00c047c370394bc32b6fb3abafab96fdaef5a9b0d264f0f697c9d8b6a756a550484923afea75fffd1a4689ce36d1f8eba1a84c4242bbc7d414b48a3c83cfa8b355fc1d7ffd2898da530a0c72939b8f660d6d49147fd0d5e5a807e707a9286a30652403be49daff65d6bffd3ec331d2ddadc212848b52946801e674bcb91f35e32b7d3bb49eedadbed1d7c0789b3bf9d6bffd423c3b6e3ad3233c63b694907c323cc48f629feb59f2655165ad16a44a954da80fcf2b37e835fffd9";

    fn bytes(digits: &str) -> Vec<u8> {
        let digits = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    fn baseline() -> Vec<u8> {
        let mut data = Vec::new();
        let noise = RgbImage::from_fn(40, 24, |x, y| Rgb([(x * y) as u8, (x * 7) as u8, (y * 13) as u8]));
        JpegEncoder::new_with_quality(&mut data, 60).encode_image(&noise).unwrap();
        data
    }

    fn places(data: &[u8], marker: u8) -> Vec<usize> {
        (0..data.len() - 1).filter(|at| data[*at..*at + 2] == [0xff, marker]).collect()
    }

    #[test]
    fn whole_pictures_are_whole() {
        for data in [baseline(), bytes(PROGRESSIVE), bytes(RESTARTS)] {
            assert_eq!(check(&data), Ok(false));
        }
        assert_eq!(places(&bytes(PROGRESSIVE), 0xda).len(), 10);
    }

    #[test]
    fn a_picture_that_stops_early_and_has_an_end_marker_is_refused() {
        for data in [baseline(), bytes(PROGRESSIVE), bytes(RESTARTS)] {
            let begin = places(&data, 0xda)[0];
            for length in begin..data.len() - 2 {
                let cut = [&data[..length], &[0xff, 0xd9]].concat();
                assert!(check(&cut).is_err(), "{length}: {:?}", check(&cut));
            }
        }
    }

    #[test]
    fn a_progressive_picture_without_any_one_of_its_scans_is_refused() {
        let data = bytes(PROGRESSIVE);
        let scans = places(&data, 0xda);
        for (number, from) in scans.iter().enumerate() {
            // From its header to the next marker that is no restart.
            let next = (from + 2..data.len() - 1).find(|at| data[*at] == 0xff && data[at + 1] > 0).unwrap();
            let without = [&data[..*from], &data[next..]].concat();
            assert!(check(&without).is_err(), "scan {number}");
        }
    }

    #[test]
    fn ways_of_writing_that_are_shown_wrong_are_known() {
        let read = |data: &[u8]| misread(data).unwrap_or_default();
        for data in [baseline(), bytes(PROGRESSIVE), bytes(RESTARTS)] {
            assert_eq!(read(&data), "");
        }
        // Three components, of which luma has the most samples or not; a first scan of all or of one.
        let jpeg = |densities: [u8; 3], scan: &[u8], frame: u8| {
            let mut data = vec![0xff, 0xd8, 0xff, frame, 0, 17, 8, 0, 8, 0, 8, 3];
            densities.iter().enumerate().for_each(|(at, density)| data.extend([at as u8 + 1, *density, 0]));
            data.extend([0xff, 0xda, 0, 6 + 2 * scan.len() as u8, scan.len() as u8]);
            scan.iter().for_each(|name| data.extend([*name, 0]));
            [&data[..], &[0, 63, 0, 0xff, 0xd9]].concat()
        };
        assert_eq!(read(&jpeg([0x22, 0x11, 0x11], &[1, 2, 3], 0xc0)), "");
        assert_eq!(read(&jpeg([0x11, 0x11, 0x11], &[1], 0xc0)), "");
        assert_eq!(read(&jpeg([0x22, 0x11, 0x11], &[1], 0xc2)), "");
        assert!(read(&jpeg([0x22, 0x11, 0x11], &[1], 0xc0)).contains("several scans"));
        assert!(read(&jpeg([0x11, 0x22, 0x11], &[1, 2, 3], 0xc0)).contains("coarser"));
        assert!(read(&jpeg([0x21, 0x12, 0x11], &[1, 2, 3], 0xc2)).contains("coarser"));
    }

    #[test]
    fn what_is_cut_out_in_the_middle_is_missed() {
        let data = bytes(RESTARTS);
        let restarts = places(&data, 0xd0).into_iter().chain(places(&data, 0xd1)).chain(places(&data, 0xd2));
        let restarts: Vec<usize> = restarts.collect();
        let without = |from: usize, to: usize| check(&[&data[..from], &data[to..]].concat());
        assert_eq!(without(restarts[0], restarts[1]).unwrap_err(), "a part between two restarts is missing");
        assert!(without(restarts[0], restarts[0] + 2).is_err());
        let data = baseline();
        let begin = places(&data, 0xda)[0] + 14;
        for at in (begin..data.len() - 202).step_by(11) {
            let missing = check(&[&data[..at], &data[at + 200..]].concat());
            assert!(missing.is_err(), "{at}");
        }
    }

    #[test]
    fn bytes_that_belong_to_no_pixel_are_told_and_padding_is_not() {
        for data in [baseline(), bytes(PROGRESSIVE), bytes(RESTARTS)] {
            let end = data.len() - 2;
            let with = |more: &[u8]| check(&[&data[..end], more, &data[end..]].concat());
            assert_eq!((with(&[0; 40]), with(&[0xff; 3])), (Ok(false), Ok(false)));
            assert_eq!((with(&[1, 2, 3]), with(&[7; 900])), (Ok(true), Ok(true)));
        }
    }

    #[test]
    fn tables_that_are_left_out_are_the_usual_ones() {
        let mut data = baseline();
        while let Some(at) = places(&data, 0xc4).first() {
            let length = usize::from(u16::from_be_bytes([data[at + 2], data[at + 3]]));
            data.drain(*at..at + 2 + length);
        }
        assert_eq!(check(&data), Ok(false));
    }

    #[test]
    fn any_byte_turned_ends_well() {
        for data in [baseline(), bytes(PROGRESSIVE), bytes(RESTARTS)] {
            for at in 2..data.len() {
                for value in [0, 0x11, 0x7f, 0xff, data[at] ^ 1] {
                    let mut turned = data.clone();
                    turned[at] = value;
                    drop(check(&turned));
                }
            }
        }
    }
}
