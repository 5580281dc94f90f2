//! What the words on a study's page mean.

use crate::report::section::Section;
use crate::report::tables::{facts, text};
use maud::Markup;

/// What the words of a study's page mean.
pub(in crate::report) fn glossary() -> Section {
    let rows = [
        (
            "group",
            "a patient, or several whose pictures are near-copies; never split: all clips of one lie in one fold",
        ),
        (
            "baseline",
            "what costs little or nothing: the largest class, neighbours on tiny thumbnails, confounders alone, the same network \
             from random weights. Pretraining has shown something only above the best of them",
        ),
        ("per patient", "the mean probability of a patient's clips, each the mean of its frames; every figure but two"),
        ("balanced accuracy", "mean over classes of the recall"),
        ("macro AUC", "mean over classes of the area under the one-against-rest ROC curve"),
        ("log loss", "mean of minus the logarithm of the probability of the true class, nats"),
        ("Brier score", "mean squared distance of the probabilities from the truth, summed over classes; 0 to 2"),
        (
            "calibration error",
            "distance of confidence from the fraction that is right, five bins of equal mass, less what chance adds to it",
        ),
        (
            "interval",
            "95 % of 2,000 draws of patients, within each class, and of seeds, with replacement; folds pooled. With few \
             patients it is too narrow; below each table stands how often it held the truth in simulated studies",
        ),
        ("±", "standard deviation over seeds"),
        (
            "p",
            "the larger of two sign-flip tests: over what each patient adds to the difference, and over seeds, where each has a \
             pretraining of its own. Other patients and other seeds would have shown it too",
        ),
        ("Holm", "p corrected for all comparisons of the study (Holm 1979)"),
        (
            "power 0.8",
            "the smallest difference that a test at 5 % finds in four studies of five, by the standard errors of patients and \
             seeds found here",
        ),
        (
            "contamination",
            "a group that pretraining saw is tested on: the figure says how well the encoder remembers, not how well it will do",
        ),
        (
            "best on test fold",
            "the best epoch on the test fold per frame, as often reported, and what that choice adds",
        ),
    ];
    let rows: Vec<(&str, Markup)> = rows.into_iter().map(|(name, words)| (name, text(words))).collect();
    Section { id: "glossary".to_owned(), title: "Words".to_owned(), body: facts(&rows) }
}
