//! Rows of features on a plane (van der Maaten and Hinton 2008, t-SNE), coloured by label and by group.

use super::{Embedding, RowId};
use crate::evaluate::rows::unit;
use bhtsne::tSNE;
use hico_data::Seed;
use rand::RngExt as _;

/// Rows that are placed, at most; of more, evenly spaced ones are.
pub const MOST_ROWS: usize = 2000;

/// Epochs of the search.
const EPOCHS: usize = 1000;

/// Neighbours that a row's place depends on, where there are enough rows.
const PERPLEXITY: f64 = 30.0;

/// A row on the plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Whose row it is.
    pub id: RowId,
    /// Where it lies; only nearness means anything.
    pub place: [f64; 2],
}

/// Places rows by t-SNE of the cosines of their features, the same for the same rows; nothing for fewer than five rows.
#[must_use]
pub fn place(embedding: &Embedding) -> Vec<Placed> {
    let count = embedding.rows.len().min(MOST_ROWS);
    if count < 5 {
        return Vec::new();
    }
    let chosen: Vec<usize> = (0..count).map(|at| at * embedding.rows.len() / count).collect();
    let rows: Vec<Vec<f32>> = chosen.iter().map(|row| unit(&embedding.rows[*row])).collect();
    let mut random = Seed(0).stream("t-sne", &[]);
    let begin: Vec<f64> = (0..2 * count).map(|_| 1e-4 * (random.random::<f64>() - 0.5)).collect();
    let apart = |a: &Vec<f32>, b: &Vec<f32>| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    let search = || {
        let mut search: tSNE<'_, f64, Vec<f32>> = tSNE::new(&rows);
        let perplexity = PERPLEXITY.min((count - 1) as f64 / 3.1);
        search.perplexity(perplexity).epochs(EPOCHS).initial_embedding(begin).exact(apart);
        search.embedding()
    };
    // Several threads would add up in another order every time, and the places with them.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let places = alone.map_or_else(|_| Vec::new(), |alone| alone.install(search));
    let placed = |(row, place): (&usize, &[f64; 2])| Placed { id: embedding.ids[*row].clone(), place: *place };
    chosen.iter().zip(places.as_chunks::<2>().0).map(placed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_alike_lie_together_and_the_same_rows_always_alike() {
        let mut random = Seed(5).stream("rows", &[]);
        let row = |at: usize| {
            let direction = [[5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 5.0]][at % 3];
            direction.map(|value: f32| value + random.random_range(-0.5..0.5)).to_vec()
        };
        let rows: Vec<Vec<f32>> = (0..60).map(row).collect();
        let id =
            |at: usize| RowId { clip: at.to_string(), frame: None, group: String::new(), label: (at % 3).to_string() };
        let embedding = Embedding { ids: (0..60).map(id).collect(), rows };
        let placed = place(&embedding);
        assert_eq!(placed, place(&embedding));
        let apart = |a: &Placed, b: &Placed| (a.place[0] - b.place[0]).hypot(a.place[1] - b.place[1]);
        for one in &placed {
            let others = placed.iter().filter(|other| other.id != one.id);
            let nearest = others.min_by(|a, b| apart(one, a).total_cmp(&apart(one, b))).unwrap();
            assert_eq!(nearest.id.label, one.id.label);
        }
        assert!(place(&Embedding { ids: embedding.ids[..4].to_vec(), rows: embedding.rows[..4].to_vec() }).is_empty());
    }
}
