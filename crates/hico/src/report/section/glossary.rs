//! What the words on the page mean.

use super::Section;
use maud::html;

const WORDS: [(&str, &str); 10] = [
    (
        "balanced accuracy",
        "The mean over classes of the share of that class that is called right. Guessing reaches one over the number of \
         classes, however unequal the classes are; plain accuracy flatters whoever always names the largest.",
    ),
    (
        "group",
        "A patient, or several whose pictures are near-copies. Groups are never split: all clips of one lie in one fold.",
    ),
    (
        "baseline",
        "What costs little or nothing: the largest class, neighbours on tiny thumbnails, a probe on an untrained encoder, \
         the same network trained from scratch. Pretraining has shown something only above the best of them.",
    ),
    (
        "interval",
        "95\u{a0}% of figures recomputed on groups drawn with replacement lie in it. Few groups make it wide, and with a \
         handful of groups a class it is still too narrow.",
    ),
    ("spread (\u{b1})", "Standard deviation of the figure over seeds: how much chance in training alone moves it."),
    (
        "paired difference and p",
        "Two candidates on the same clips. p is the fraction of random swaps of the two, group by group or seed by seed, that \
         differ at least as much; the larger counts. It is not corrected for several comparisons.",
    ),
    (
        "model selection",
        "Which epoch of a fine-tuning is evaluated: the last one, after learning from every training group, or the one that is best on \
         inner validation groups taken from the training part. The test fold chooses nothing.",
    ),
    (
        "best on test fold",
        "As in the literature of this field: the epoch that is best on the test fold. Shown to compare with papers only.",
    ),
    (
        "selection bias (optimism)",
        "The figure of the epoch that is best on the test fold minus the other: what choosing on the test fold adds.",
    ),
    (
        "contamination",
        "A group that pretraining saw is tested on. Its figure says how well the encoder remembers, not how well it will do.",
    ),
];

/// The glossary.
pub(crate) fn section() -> Section {
    let body = html! {
        dl .glossary {
            @for (word, meaning) in WORDS {
                div { dt { (word) } dd { (meaning) } }
            }
        }
    };
    Section { id: "words".to_owned(), title: "What the words mean".to_owned(), body }
}
