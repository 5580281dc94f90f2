//! What an encoder makes of clips, as numbers that other programs read, and which clips are alike.
//!
//! - [`Embedding`]: rows of features with the clips that they are of
//! - [`lens`]: an encoder and how clips are shown to it
//! - [`mod@file`]: safetensors, `.npy` and Parquet
//! - [`picture`]: the rows on a plane, by t-SNE and by UMAP

pub mod file;
pub mod lens;
mod tsne;
pub mod umap;
pub mod picture;

use crate::frame_ref::frames_of;
use crate::frames::{Context, Views};
use crate::predict::clip::NamedClip;
use crate::rows::{best_of_each, cosine, unit};
use crate::{Encoder, Error, FeatureSet};
use hico_data::Seed;
use hico_data::view::ViewRecipe;
use serde::{Deserialize, Serialize};

/// Whose features a row holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowId {
    /// The clip, or the file as it was named.
    pub clip: String,
    /// The frame, from 0; absent where a row is the mean over a clip.
    pub frame: Option<usize>,
    /// Its group; empty where it is not known.
    pub group: String,
    /// Its class; empty where it has none.
    pub label: String,
}

/// What rows were made by: those of two embeddings can be held against each other only where it is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeBy {
    /// SHA-256 of the file of weights, hexadecimal.
    pub sha256: String,
    /// What of the encoder was read.
    pub features: FeatureSet,
    /// Height and width of the images, pixels.
    pub image_size: usize,
}

/// Rows of features.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embedding {
    /// What made them; files of earlier versions do not tell.
    pub made_by: Option<MadeBy>,
    /// Whose each row is.
    pub ids: Vec<RowId>,
    /// `[rows][features]`
    pub rows: Vec<Vec<f32>>,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// The mean over a clip's frames.
    Clip,
    /// One frame.
    Frame,
}

/// A row and how alike it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Similar {
    /// Whose row it is.
    #[serde(flatten)]
    pub id: RowId,
    /// Cosine of the angle between the rows, 1 where they are alike.
    pub similarity: f64,
}

/// How clips become rows.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The encoder.
    pub encoder: &'a Encoder,
    /// The views it is shown.
    pub view: &'a ViewRecipe,
    /// What of it is read.
    pub features: FeatureSet,
    /// Evenly spaced frames of a clip, at most; [`usize::MAX`] is all.
    pub frames_per_clip: usize,
    /// What a row stands for.
    pub per: Per,
}

/// Features of evenly spaced frames of a clip.
///
/// # Errors
/// When frames cannot be read, or it is asked to stop.
pub fn embed(
    NamedClip { dataset, clip, source }: NamedClip<'_>,
    Look { encoder, view, features, frames_per_clip, per }: Look<'_>,
    context: Context<'_>,
) -> Result<Embedding, Error> {
    let views = Views { dataset, view, seed: Seed(0), context };
    let row = dataset.row(clip);
    let id = |frame: Option<usize>| {
        let label = row.label.clone().unwrap_or_default();
        RowId { clip: source.to_owned(), frame, group: row.group.clone(), label }
    };
    let frames = frames_of(dataset, &[clip], frames_per_clip);
    let sets = views.features(encoder, &[features], &frames).map_err(|error| match error {
        // The clip has a name, and its index is of no use to who named it.
        Error::FrameNotFinite { frame, .. } => Error::AnswerNotFinite { frame },
        error => error,
    })?;
    let rows = sets.concat();
    let (ids, rows) = match per {
        Per::Frame => (frames.iter().map(|frame| id(Some(frame.frame))).collect(), rows),
        Per::Clip => (vec![id(None)], vec![mean(&rows)]),
    };
    Ok(Embedding { made_by: None, ids, rows })
}

/// Mean of rows, in 64 bits.
fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sum.into_iter().map(|sum: f64| (sum / rows.len().max(1) as f64) as f32).collect()
}

impl Embedding {
    /// The clips most like a row of features, each by its most similar row, the most similar first.
    ///
    /// - `query`: `[features]`
    #[must_use]
    pub fn similar(&self, query: &[f32], count: usize) -> Vec<Similar> {
        let query = unit(query);
        let named = self.ids.iter().zip(&self.rows).map(|(id, row)| (id.clip.as_str(), cosine(&unit(row), &query)));
        let similar = |(place, similarity): (usize, f64)| Similar { id: self.ids[place].clone(), similarity };
        best_of_each(named, count).into_iter().map(similar).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example() -> Embedding {
        let id = |clip: &str, frame, label: &str| RowId {
            clip: clip.to_owned(),
            frame: Some(frame),
            group: format!("of {clip}"),
            label: label.to_owned(),
        };
        Embedding {
            made_by: Some(MadeBy { sha256: "ab".to_owned(), features: FeatureSet::C5, image_size: 64 }),
            ids: vec![id("a", 0, "x"), id("a", 7, "x"), id("b, \"c\"", 0, ""), id("d", 2, "y")],
            rows: vec![vec![1.0, 0.0, 0.5], vec![0.0, 2.0, 0.0], vec![-3.0, 0.0, 0.25], vec![0.0, 1.0, 1.0]],
        }
    }

    #[test]
    fn the_most_similar_row_of_every_clip_counts() {
        // Directions are kept in 32 bits.
        let found = example().similar(&[0.0, 5.0, 0.0], 2);
        let named: Vec<_> = found.iter().map(|similar| (similar.id.clip.as_str(), similar.id.frame)).collect();
        assert_eq!(named, [("a", Some(7)), ("d", Some(2))]);
        assert!((found[0].similarity - 1.0).abs() < 1e-6 && (found[1].similarity - 0.5_f64.sqrt()).abs() < 1e-6);
    }
}
