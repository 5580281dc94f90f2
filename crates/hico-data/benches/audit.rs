//! How the search for near-duplicates grows with the number of clips: a table from 1,000 to 100,000.
//!
//!     cargo bench -p hico-data --bench audit            # up to 100,000 clips, some minutes
//!     cargo bench -p hico-data --bench audit -- 10000   # up to 10,000
//!
//! Clips of one frame. A frame is a patch of a frame of the phantom blended into a patch of another one, with noise, so
//! that all are different and all look like ultrasound. One clip in a hundred is a copy of an earlier one: mirrored,
//! noisier and brighter.

#![expect(clippy::print_stdout, reason = "what it prints is its result")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on should end there")]

use hico_data::Job;
use hico_data::audit::candidates::{ALL_PAIRS, Search, candidates};
use hico_data::audit::signature::{FrameHashes, Signature, hashes};
use hico_data::phantom::{PhantomRecipe, generate};
use hico_data::view::planes::Planes;
use hico_data::view::resize::{Window, bilinear};
use hico_data::{Channels, Dataset, Frame, Seed, Size};
use rand::{Rng, RngExt as _};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::time::Instant;

/// Side of a frame, pixels.
const SIDE: usize = 128;

/// One clip in so many is a copy.
const COPIES: usize = 100;

/// Frames that are in memory at a time.
const PIECE: usize = 1024;

fn main() {
    let most = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(100_000);
    let recipe =
        PhantomRecipe { patients: 300, clips_per_patient: [2, 2], frames: 2, side: SIDE, ..PhantomRecipe::default() };
    let phantoms = generate(&recipe);
    println!("| clips | hash, s | search | s | CPU µs a clip | candidates | planted | found | peak memory, MB |");
    println!("| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for clips in [1000, 3000, 10_000, 30_000, 100_000].into_iter().filter(|clips| *clips <= most) {
        let (signatures, hashed) = signatures(&phantoms, clips);
        for (name, all_pairs) in [("all pairs", usize::MAX), ("forest", 0)] {
            if clips <= ALL_PAIRS || all_pairs == 0 {
                row(name, &signatures, all_pairs, hashed);
            }
        }
    }
}

fn row(name: &str, signatures: &[Signature], all_pairs: usize, hashed: f64) {
    let clips = signatures.len();
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let found = candidates(signatures, Search { radius: 88, all_pairs }, Job::default()).unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let pairs: BTreeSet<(usize, usize)> = found.iter().map(|it| (it.a.min(it.b), it.a.max(it.b))).collect();
    let planted: Vec<usize> = (0..clips).filter(|clip| origin(*clip).is_some()).collect();
    let seen = planted.iter().filter(|&&clip| pairs.contains(&(origin(clip).unwrap(), clip))).count();
    println!(
        "| {clips} | {hashed:.1} | {name} | {seconds:.2} | {} | {} | {} | {seen} | {} |",
        cpu.zip(cpu_seconds())
            .map_or_else(|| "?".to_owned(), |(before, after)| format!("{:.0}", (after - before) / clips as f64 * 1e6)),
        found.len(),
        planted.len(),
        peak_memory().map_or_else(|| "?".to_owned(), |megabytes| megabytes.to_string()),
    );
}

/// The clip of which this one is a copy.
fn origin(clip: usize) -> Option<usize> {
    (clip % COPIES == COPIES - 1).then(|| clip / 2 / COPIES * COPIES)
}

/// The signatures of all clips, and the seconds that they took without the seconds that it took to make the frames.
fn signatures(phantoms: &Dataset, clips: usize) -> (Vec<Signature>, f64) {
    let (mut signatures, mut seconds) = (Vec::with_capacity(clips), 0.0);
    for begin in (0..clips).step_by(PIECE) {
        let piece = (begin..clips.min(begin + PIECE)).into_par_iter();
        let frames: Vec<Frame> = piece.map(|clip| frame(phantoms, clip)).collect();
        let began = Instant::now();
        signatures.par_extend(frames.par_iter().map(signature));
        seconds += began.elapsed().as_secs_f64();
    }
    (signatures, seconds)
}

fn signature(frame: &Frame) -> Signature {
    let hashes = hashes(frame).map(|parts| FrameHashes { frame: 0, parts });
    Signature { frames: hashes.into_iter().collect(), ..Signature::default() }
}

/// The frame of a clip.
fn frame(phantoms: &Dataset, clip: usize) -> Frame {
    let mut frame = picture(phantoms, origin(clip).unwrap_or(clip));
    if origin(clip).is_some() {
        let mut random = Seed(2).stream("copy", &[clip as u64]);
        let rows = frame.pixels.chunks_exact(SIDE);
        frame.pixels = rows.flat_map(|row| row.iter().rev()).map(|value| noisy(*value, 12, &mut random)).collect();
    }
    frame
}

/// A frame that no other clip has.
fn picture(phantoms: &Dataset, clip: usize) -> Frame {
    let mut random = Seed(1).stream("picture", &[clip as u64]);
    let [here, there] = [(); 2].map(|()| patch(phantoms, &mut random));
    let (turn, centre) = (random.random_range(0.0..std::f32::consts::TAU), random.random_range(-0.3..0.3_f32));
    let mix = |at: usize| {
        let (y, x) = ((at / SIDE) as f32 / SIDE as f32 - 0.5, (at % SIDE) as f32 / SIDE as f32 - 0.5);
        (0.5 + 4.0 * (x * turn.cos() + y * turn.sin() - centre)).clamp(0.0, 1.0)
    };
    let blend = |at: usize| mix(at) * f32::from(here[at]) + (1.0 - mix(at)) * f32::from(there[at]);
    let pixels = (0..SIDE * SIDE).map(|at| noisy(blend(at) as u8, 6, &mut random)).collect();
    Frame { size: Size { height: SIDE, width: SIDE }, channels: Channels::Grey, pixels }
}

/// A part of some frame, at least half as high and wide, in grey.
fn patch(phantoms: &Dataset, random: &mut impl Rng) -> Vec<u8> {
    let clip = random.random_range(0..phantoms.len());
    let frame = phantoms.read_frame(clip, random.random_range(0..phantoms.row(clip).frames)).unwrap();
    let mut side = || random.random_range(SIDE / 2..=SIDE);
    let size = Size { height: side(), width: side() };
    let (top, left) = (random.random_range(0..=SIDE - size.height), random.random_range(0..=SIDE - size.width));
    let frame = Planes::of(&frame);
    let patch = bilinear(&frame, Window { top, left, size }, Size { height: SIDE, width: SIDE });
    patch.values[..SIDE * SIDE].to_vec()
}

fn noisy(value: u8, most: u8, random: &mut impl Rng) -> u8 {
    value.saturating_add(random.random_range(0..=most))
}

/// Seconds of all cores that this process used, on systems that tell: other programs do not disturb it.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold anything; user and system time are the 12th and 13th after it.
    let ticks = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Some(ticks.collect::<Result<Vec<_>, _>>().ok()?.iter().sum::<f64>() / 100.0)
}

/// Most memory that this process had, on systems that tell.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}
