//! Planted neighbours among random hashes.

use super::*;
use crate::audit::signature::PARTS;
use crate::seed::Seed;
use proptest::prelude::*;

fn random_hash(random: &mut impl rand::Rng) -> PictureHash {
    PictureHash([(); 4].map(|()| random.random()))
}

/// With this many bits turned, drawn without replacement.
fn turned(hash: PictureHash, bits: usize, random: &mut impl rand::Rng) -> PictureHash {
    let mut hash = hash;
    for bit in rand::seq::index::sample(random, 256, bits) {
        hash.0[bit / 64] ^= 1 << (bit % 64);
    }
    hash
}

fn clip(hash: PictureHash, random: &mut impl rand::Rng) -> Signature {
    let mut parts = [(); PARTS.len()].map(|()| random_hash(random));
    parts[0] = hash;
    Signature { frames: vec![FrameHashes { frame: 0, parts }], ..Signature::default() }
}

fn found(signatures: &[Signature], all_pairs: usize) -> Vec<Candidate> {
    candidates(signatures, Search { radius: 60, all_pairs }, Job::default()).unwrap()
}

#[test]
fn a_pair_is_found_in_a_mirror_and_by_an_inner_part() {
    let mut random = Seed(1).stream("hashes", &[]);
    let mut signatures: Vec<Signature> = (0..50).map(|_| clip(random_hash(&mut random), &mut random)).collect();
    let whole = signatures[7].frames[0].parts[0];
    signatures[31] = clip(turned(whole.mirrored(), 20, &mut random), &mut random);
    signatures[40].frames[0].parts[2] = turned(signatures[3].frames[0].parts[0], 10, &mut random);
    let found = found(&signatures, 1000);
    let [crop, mirror] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((crop.a, crop.b, crop.sighting.part, crop.sighting.mirrored), (40, 3, 2, false));
    assert_eq!((mirror.a.min(mirror.b), mirror.a.max(mirror.b), mirror.sighting.distance), (7, 31, 20));
    assert!(mirror.sighting.mirrored && mirror.sighting.part == 0);
}

#[test]
fn a_crowd_of_copies_makes_few_pairs_and_leaves_nobody_out() {
    let mut random = Seed(2).stream("hashes", &[]);
    let same = random_hash(&mut random);
    let signatures: Vec<Signature> = (0..500).map(|_| clip(same, &mut random)).collect();
    for all_pairs in [1000, 0] {
        let found = found(&signatures, all_pairs);
        assert!(found.len() <= 500 * KEPT, "{}", found.len());
        let seen: std::collections::BTreeSet<usize> = found.iter().flat_map(|pair| [pair.a, pair.b]).collect();
        assert_eq!(seen.len(), 500);
    }
}

#[test]
fn the_forest_finds_nearly_all_that_differ_in_an_eighth_of_the_bits() {
    let mut random = Seed(3).stream("hashes", &[]);
    let mut signatures: Vec<Signature> = (0..8000).map(|_| clip(random_hash(&mut random), &mut random)).collect();
    for pair in 0..200 {
        let hash = turned(signatures[pair].frames[0].parts[0], 32, &mut random);
        signatures[4000 + pair] = clip(hash, &mut random);
    }
    let found = found(&signatures, 0);
    let planted = found.iter().filter(|pair| pair.a.abs_diff(pair.b) == 4000).count();
    assert!(planted >= 190, "{planted} of 200");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn what_the_forest_finds_the_exhaustive_search_finds_too(seed: u64, turns in 0_usize..60) {
        let mut random = Seed(seed).stream("hashes", &[]);
        let mut signatures: Vec<Signature> = (0..300).map(|_| clip(random_hash(&mut random), &mut random)).collect();
        let near = turned(signatures[0].frames[0].parts[0], turns, &mut random);
        signatures[1] = clip(near, &mut random);
        let all = found(&signatures, 1000);
        prop_assert!(all.iter().any(|pair| (pair.a, pair.b) == (0, 1)));
        for pair in found(&signatures, 0) {
            prop_assert!(all.contains(&pair));
        }
    }
}
