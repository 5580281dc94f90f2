//! Rows of features on a plane, by t-SNE and by UMAP.

use super::{Embedding, RowId, tsne, umap};
use crate::rows::unit;

/// Rows that are placed, at most; of more, evenly spaced ones are.
pub const MOST_ROWS: usize = 2000;

/// Rows that are placed, at least.
pub const FEWEST_ROWS: usize = 5;

/// Rows and where they lie; only nearness means anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Whose each row is.
    pub ids: Vec<RowId>,
    /// By t-SNE.
    pub tsne: Vec<[f64; 2]>,
    /// By UMAP.
    pub umap: Vec<[f64; 2]>,
}

/// Places rows by the angles between them, the same for the same rows; nothing for fewer than [`FEWEST_ROWS`], or where
/// one holds what is no number.
#[must_use]
pub fn place(embedding: &Embedding) -> Option<Picture> {
    let count = embedding.rows.len().min(MOST_ROWS);
    if count < FEWEST_ROWS || !embedding.rows.iter().flatten().all(|value| value.is_finite()) {
        return None;
    }
    let chosen = (0..count).map(|at| at * embedding.rows.len() / count);
    let rows: Vec<Vec<f32>> = chosen.clone().map(|row| unit(&embedding.rows[row])).collect();
    let ids = chosen.map(|row| embedding.ids[row].clone()).collect();
    Some(Picture { ids, tsne: tsne::place(&rows), umap: umap::place(&rows) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::Seed;
    use rand::RngExt as _;

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
        let embedding = Embedding { ids: (0..60).map(id).collect(), rows, made_by: None };
        let picture = place(&embedding).unwrap();
        assert_eq!(Some(&picture), place(&embedding).as_ref());
        let apart = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
        for places in [&picture.tsne, &picture.umap] {
            assert_eq!(places.len(), 60);
            for one in 0..60 {
                let others = (0..60).filter(|other| *other != one);
                let nearest =
                    others.min_by(|a, b| apart(places[one], places[*a]).total_cmp(&apart(places[one], places[*b])));
                assert_eq!(nearest.unwrap() % 3, one % 3, "{places:?}");
            }
        }
        let mut odd = embedding.clone();
        odd.rows[7][1] = f32::NAN;
        assert_eq!(place(&odd), None, "a row of no numbers has no place");
        assert!(
            place(&Embedding { ids: embedding.ids[..4].to_vec(), rows: embedding.rows[..4].to_vec(), made_by: None })
                .is_none()
        );
    }
}
