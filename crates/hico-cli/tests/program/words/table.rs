//! The words that texts for users no longer use, and where one of them is right all the same.

/// A retired word or phrase, and what is written instead.
pub(super) struct Retired {
    /// In lower case; matched as whole words, whatever the case and the spaces between them.
    pub(super) words: &'static [&'static str],
    /// The word of the field.
    pub(super) write: &'static str,
}

const fn retired(words: &'static [&'static str], write: &'static str) -> Retired {
    Retired { words, write }
}

/// One row for each idea.
#[rustfmt::skip]
pub(super) const RETIRED: &[Retired] = &[
    retired(&["watch", "watched", "watches", "watching", "watch_fraction", "watch_loss", "watched_groups", "watched_clips"],
        "validation, val_fraction, val_loss"),
    retired(&["floor", "floors"], "baseline"),
    retired(&["looks"], "model selection: inner-validation or test-fold"),
    retired(&["judge", "judged", "judges", "judging", "judgement", "question", "questions"], "evaluation, evaluate"),
    retired(&["side", "sides"], "image size, image_size"),
    retired(&["share", "shares", "budget"], "fraction, label_fraction, clip_fraction"),
    retired(&["slowly following", "how much of itself it keeps"], "momentum (EMA) teacher, momentum"),
    retired(&["recompute activations", "recompute-activations", "recompute_activations", "maps computed again"],
        "gradient checkpointing, gradient caching"),
    retired(&["root of every random choice", "root of all"], "seed"),
    retired(&["done"], "preprocessing; finished"),
    retired(&["veil", "veils", "veiled", "hashed whose"], "pseudonym, pseudonymise"),
    retired(&["nobody"], "placeholder"),
    retired(&["familiar", "unfamiliar", "familiarity", "strange", "usual", "usually"],
        "in-distribution, out-of-distribution, ood_score, threshold; default"),
    retired(&["hiding"], "occlusion"),
    retired(&["film", "films"], "animation, --gif"),
    retired(&["manieth", "so many"], "--frame-stride N"),
    retired(&["cuts", "label-cuts", "label_cuts"], "--label-bins"),
    retired(&["tell", "tells", "told", "to be called"], "predict, classify; say, report"),
    retired(&["spoil", "spoils", "spoilt", "just not the same"], "leakage, duplicate, confounder"),
    retired(&["sitting", "sittings"], "run"),
    retired(&["desk", "door"], "concurrency limit, auth"),
];

/// Words around a retired one in which it is right, and why. Each is used.
#[rustfmt::skip]
pub(super) const ALLOWED: &[(&str, &str)] = &[
    ("~/.local/share/", "a folder of the system"),
    ("`view.image_size` (`side`)", "the earlier name of a key, which is still read"),
    ("`train.val_fraction` (`watch_fraction`)", "the earlier name of a key, which is still read"),
    ("(`recompute_activations`)", "the earlier name of a key, which is still read"),
    ("[budget]", "a table of study files: what a pretraining may use up, not how many labels are known"),
];
