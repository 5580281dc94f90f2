//! Every way to lay pixels out against a closed form that is written here from the standard, and not with the program.

use crate::coded::{lossless, rle};
use crate::made::{DicomFile, RLE, US, ds};
use crate::study::{Study, options};
use hico_data::Dataset;
use hico_data::ingest::{Identity, IngestOptions};
use std::collections::BTreeMap;

const WIDTH: usize = 5;
const HEIGHT: usize = 3;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG: &str = "1.2.840.10008.1.2.2";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const LOSSLESS: &str = "1.2.840.10008.1.2.4.70";

/// Bits allocated, bits stored, high bit.
const DEPTHS: [[u32; 3]; 9] =
    [[8, 8, 7], [8, 6, 5], [8, 6, 7], [16, 16, 15], [16, 12, 11], [16, 12, 15], [16, 10, 12], [16, 8, 7], [16, 8, 15]];

/// One way to write a file.
#[derive(Debug, Clone, Copy)]
struct Way {
    photometric: &'static str,
    planar: bool,
    depth: [u32; 3],
    signed: bool,
    syntax: &'static str,
    /// Whether a compressed stream holds the stored bits alone, and not all that are allocated.
    bare_stream: bool,
    windowed: bool,
}

/// Numbers that look random, the same in each run.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

impl Way {
    fn samples(&self) -> usize {
        if self.photometric.starts_with("MONO") || self.photometric.starts_with("PALETTE") { 1 } else { 3 }
    }

    fn is_shared(&self) -> bool {
        self.photometric == "YBR_FULL_422" && ![RLE, LOSSLESS].contains(&self.syntax)
    }

    /// Stored words, bits that mean nothing filled with noise: `[pixels, samples]`; pairs share chroma where they must.
    fn words(&self, draws: &mut Draws) -> Vec<u16> {
        let [allocated, ..] = self.depth;
        let samples = self.samples();
        let mut words: Vec<u16> =
            (0..WIDTH * HEIGHT * samples).map(|_| (draws.next() & ((1 << allocated) - 1)) as u16).collect();
        if self.is_shared() {
            for pixel in (0..WIDTH * HEIGHT).filter(|pixel| pixel % WIDTH % 2 == 1) {
                words[3 * pixel + 1] = words[3 * pixel - 2];
                words[3 * pixel + 2] = words[3 * pixel - 1];
            }
        }
        words
    }

    /// The number that a stored word means.
    fn value(&self, word: u16) -> i64 {
        let [_, stored, high] = self.depth;
        let value = (i64::from(word) >> (high + 1 - stored)) % (1 << stored);
        // A sign means nothing in colours.
        if self.signed && self.samples() == 1 && value >= 1 << (stored - 1) { value - (1 << stored) } else { value }
    }

    fn file(&self, words: &[u16]) -> DicomFile {
        let [allocated, stored, high] = self.depth;
        let samples = self.samples();
        let mut file = DicomFile::grey(HEIGHT as u16, WIDTH as u16, &[])
            .in_syntax(self.syntax)
            .with(0x0028, 0x0002, "US", &US(samples as u16))
            .with(0x0028, 0x0004, "CS", self.photometric.as_bytes())
            .with(0x0028, 0x0006, "US", &US(u16::from(self.planar)))
            .with(0x0028, 0x0100, "US", &US(allocated as u16))
            .with(0x0028, 0x0101, "US", &US(stored as u16))
            .with(0x0028, 0x0102, "US", &US(high as u16))
            .with(0x0028, 0x0103, "US", &US(u16::from(self.signed)));
        if self.windowed {
            file = file
                .with(0x0028, 0x1050, "DS", &ds("300"))
                .with(0x0028, 0x1051, "DS", &ds("401"))
                .with(0x0028, 0x1052, "DS", &ds("-7"))
                .with(0x0028, 0x1053, "DS", &ds("1.5"));
        }
        if self.photometric == "PALETTE COLOR" {
            let big = self.syntax == BIG;
            let write = |words: &[u16]| -> Vec<u8> {
                words.iter().flat_map(|word| if big { word.to_be_bytes() } else { word.to_le_bytes() }).collect()
            };
            for colour in 0..3 {
                let entries: Vec<u16> = (0..256).map(|index| palette(index, colour)).collect();
                let first = if self.signed { -100_i16 as u16 } else { 20 };
                let descriptor: Vec<u8> = [256, first, 16].iter().flat_map(|word: &u16| word.to_le_bytes()).collect();
                file = file.with(0x0028, 0x1101 + colour, "US", &descriptor).with(
                    0x0028,
                    0x1201 + colour,
                    "OW",
                    &write(&entries),
                );
            }
        }
        let plane = |sample: usize| words.iter().skip(sample).step_by(samples).copied().collect::<Vec<u16>>();
        match self.syntax {
            RLE => {
                let planes: Vec<Vec<u8>> = (0..samples)
                    .flat_map(|sample| {
                        let shifts: &[u32] = if allocated == 16 { &[8, 0] } else { &[0] };
                        let plane = plane(sample);
                        shifts.iter().map(move |shift| plane.iter().map(|word| (word >> shift) as u8).collect())
                    })
                    .collect();
                file.in_items(&[], &[rle(&planes)])
            }
            LOSSLESS => {
                let (bits, shift) = if self.bare_stream { (stored, high + 1 - stored) } else { (allocated, 0) };
                let values: Vec<u16> =
                    words.iter().map(|word| ((u32::from(*word) >> shift) & ((1 << bits) - 1)) as u16).collect();
                file.in_items(&[], &[lossless(&values, WIDTH, bits, &[1, 2, 3][..samples])])
            }
            _ => {
                let stored: Vec<u16> = if self.is_shared() {
                    words.chunks(3 * WIDTH).flat_map(shared_row).collect()
                } else if self.planar {
                    (0..samples).flat_map(plane).collect()
                } else {
                    words.to_vec()
                };
                let bytes: Vec<u8> = match (allocated, self.syntax) {
                    (8, _) => stored.iter().map(|word| *word as u8).collect(),
                    (_, BIG) => stored.iter().flat_map(|word| word.to_be_bytes()).collect(),
                    _ => stored.iter().flat_map(|word| word.to_le_bytes()).collect(),
                };
                file.with(0x7fe0, 0x0010, if allocated == 8 { "OB" } else { "OW" }, &bytes)
            }
        }
    }

    /// The clip that has to come of it: one byte a pixel of grey, three of colour.
    fn expected(&self, words: &[u16]) -> Vec<u8> {
        let stored = self.depth[1];
        let values: Vec<i64> = words.iter().map(|word| self.value(*word)).collect();
        match self.photometric {
            "MONOCHROME1" | "MONOCHROME2" => {
                let (low, high) = (*values.iter().min().unwrap() as f64, *values.iter().max().unwrap() as f64);
                let grey = |value: &i64| {
                    let value = *value as f64;
                    let share = match (self.windowed, stored <= 8 && !self.signed) {
                        // PS3.3, C.11.2.1.2: centre 300, width 401, over 1.5 v - 7.
                        (true, _) => (1.5 * value - 7.0 - 299.5) / 400.0 + 0.5,
                        (false, true) => value / ((1 << stored) - 1) as f64,
                        (false, false) => (value - low) / (high - low),
                    };
                    let grey = (share.clamp(0.0, 1.0) * 255.0).round() as u8;
                    if self.photometric == "MONOCHROME1" { 255 - grey } else { grey }
                };
                values.iter().map(grey).collect()
            }
            "PALETTE COLOR" => {
                let first = if self.signed { -100 } else { 20 };
                let colours = values.iter().flat_map(|value| {
                    let index = (value - first).clamp(0, 255) as u16;
                    (0..3).map(move |colour| (palette(index, colour) >> 8) as u8)
                });
                colours.collect()
            }
            photometric => {
                let rgb = values.chunks(3).flat_map(|pixel| match photometric {
                    "RGB" => [pixel[0], pixel[1], pixel[2]],
                    _ => rgb_of([pixel[0], pixel[1], pixel[2]], stored),
                });
                rgb.map(|value| as_byte(value, stored)).collect()
            }
        }
    }
}

/// Two lumas and the chroma of the first of two pixels; a last one alone has a luma of nothing beside it.
fn shared_row(row: &[u16]) -> Vec<u16> {
    row.chunks(6).flat_map(|pair| [pair[0], pair.get(3).copied().unwrap_or(0), pair[1], pair[2]]).collect()
}

fn palette(index: u16, colour: u16) -> u16 {
    [index * 257, (255 - index) * 257, (index * 7 % 256) * 257][usize::from(colour)]
}

/// PS3.3, C.7.6.3.1.2 in whole numbers, halves up: luma, and chroma around the middle, of so many bits.
fn rgb_of([y, cb, cr]: [i64; 3], bits: u32) -> [i64; 3] {
    let middle = 1 << (bits - 1);
    let (cb, cr) = (cb - middle, cr - middle);
    let rounded = |numerator: i64, denominator: i64| (2 * numerator + denominator).div_euclid(2 * denominator);
    let rgb = [
        rounded(1000 * y + 1402 * cr, 1000),
        rounded(587_000 * y - 202_008 * cb - 419_198 * cr, 587_000),
        rounded(1000 * y + 1772 * cb, 1000),
    ];
    rgb.map(|value| value.clamp(0, (1 << bits) - 1))
}

/// The highest 8 bits; fewer are spread over all.
fn as_byte(value: i64, bits: u32) -> u8 {
    if bits >= 8 {
        (value >> (bits - 8)) as u8
    } else {
        (value as f64 * 255.0 / ((1 << bits) - 1) as f64).round() as u8
    }
}

fn ways() -> Vec<Way> {
    let mut ways = Vec::new();
    for photometric in ["MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR"] {
        for syntax in [IMPLICIT, EXPLICIT, BIG, DEFLATED, RLE, LOSSLESS] {
            for depth in DEPTHS {
                for flags in 0..16 {
                    let [planar, signed, bare_stream, windowed] = [1, 2, 4, 8].map(|flag| flags & flag != 0);
                    let way = Way { photometric, planar, depth, signed, syntax, bare_stream, windowed };
                    let is_grey = photometric.starts_with("MONO");
                    let makes_sense = (!planar || way.samples() == 3 && photometric != "YBR_FULL_422")
                        && (!windowed || is_grey)
                        && (!bare_stream || syntax == LOSSLESS)
                        && (!signed || way.samples() == 1 || depth == [8, 8, 7]);
                    ways.extend(makes_sense.then_some(way));
                }
            }
        }
    }
    ways
}

#[test]
fn every_layout_comes_out_as_the_standard_says() {
    let ways = ways();
    let study = Study::new(&[]);
    let mut expected = BTreeMap::new();
    let mut draws = Draws(7);
    for (number, way) in ways.iter().enumerate() {
        let words = way.words(&mut draws);
        let name = format!("{number:04}");
        study.add(&name, &way.file(&words));
        expected.insert(name, (way, way.expected(&words)));
    }
    let report = study.ingest(&IngestOptions { identity: Identity::Kept, ..options() }).unwrap();
    assert_eq!(report.refused, [], "{:?}", report.refused.first().map(|clip| expected[&clip.source].0));
    assert_eq!(report.clips, ways.len());
    assert_eq!(report.warnings, [] as [String; 0]);
    let data = Dataset::open(&study.out()).unwrap();
    for clip in 0..data.manifest().rows.len() {
        let (way, expected) = &expected[&data.row(clip).source];
        assert_eq!(&data.read_clip(clip).unwrap().pixels, expected, "{way:?}");
    }
    println!("{} layouts", ways.len());
}
