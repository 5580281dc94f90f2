//! One root seed, and a named stream of random numbers for every use of it.
//!
//! Streams depend only on the seed, the name and the indices, never on the order in which threads ask for them.
//! So the same seed gives the same bytes whatever the number of threads.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The root of every random choice of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The random stream for one use, for instance `seed.stream("view", &[epoch, clip])`.
    ///
    /// - `name`: what the numbers are for
    /// - `indices`: which of the many uses of that kind
    #[must_use]
    pub fn stream(self, name: &str, indices: &[u64]) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.digest(name, indices))
    }

    /// A seed of its own for a part of the work, for instance one fold of a cross-validation.
    #[must_use]
    pub fn derive(self, name: &str, indices: &[u64]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = self.digest(name, indices);
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    fn digest(self, name: &str, indices: &[u64]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        for index in indices {
            hash.update(index.to_le_bytes());
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt as _;

    #[test]
    fn a_stream_depends_on_seed_name_and_indices_and_on_nothing_else() {
        let first = |seed: u64, name: &str, indices: &[u64]| Seed(seed).stream(name, indices).random::<u64>();
        let reference = first(1, "view", &[2, 3]);
        assert_eq!(reference, first(1, "view", &[2, 3]));
        assert_ne!(reference, first(2, "view", &[2, 3]));
        assert_ne!(reference, first(1, "flip", &[2, 3]));
        assert_ne!(reference, first(1, "view", &[3, 2]));
    }
}
