//! t-SNE (van der Maaten and Hinton 2008).

use bhtsne::tSNE;
use hico_data::Seed;
use rand::RngExt as _;

/// Epochs of the search.
const EPOCHS: usize = 1000;

/// Neighbours that a row's place depends on, where there are enough rows.
const PERPLEXITY: f64 = 30.0;

/// Places rows by their distances, the same for the same rows.
///
/// - `rows`: five and more
pub(super) fn place(rows: &[Vec<f32>]) -> Vec<[f64; 2]> {
    let mut random = Seed(0).stream("t-sne", &[]);
    let begin: Vec<f64> = (0..2 * rows.len()).map(|_| 1e-4 * (random.random::<f64>() - 0.5)).collect();
    let apart = |a: &Vec<f32>, b: &Vec<f32>| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    let search = || {
        let mut search: tSNE<'_, f64, Vec<f32>> = tSNE::new(rows);
        let perplexity = PERPLEXITY.min((rows.len() - 1) as f64 / 3.1);
        search.perplexity(perplexity).epochs(EPOCHS).initial_embedding(begin).exact(apart);
        search.embedding()
    };
    // Several threads would add up in another order every time, and the places with them.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let places = alone.map_or_else(|_| Vec::new(), |alone| alone.install(search));
    places.as_chunks::<2>().0.to_vec()
}
