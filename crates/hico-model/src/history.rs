//! Where a network comes from: the weights it began with, what it was fine-tuned on, and what it reached on patients that it
//! never saw. Every file that is made from a network carries this along, so that a card, a page and a later test know it.

use crate::estimate::Estimate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Where a file of weights carries its history in its metadata.
pub const HISTORY: &str = "hico.history";

/// What a network has been through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The weights that it began with.
    pub beginning: Beginning,
    /// How it was fine-tuned; absent for an encoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningFacts>,
    /// What it reached on groups that training did not see; absent where it was never tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestFacts>,
}

/// The weights that a network began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beginning {
    /// Random ones.
    Random,
    /// Those of a pretraining run.
    Run(Box<PretrainingFacts>),
    /// Those of another network that was fine-tuned.
    Network(Box<History>),
    /// Those of a file that does not say where they come from.
    File {
        /// Last part of its path.
        name: String,
    },
}

/// A pretraining run, as far as its weights have to tell of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PretrainingFacts {
    /// Name of the run's folder.
    pub run: String,
    /// Version of the program that began it.
    pub version: String,
    /// The method.
    pub method: String,
    /// Name of the recipe's file; absent where the method's own recipe was taken.
    pub recipe: Option<String>,
    /// The seed.
    pub seed: u64,
    /// Epochs that the recipe asks for.
    pub epochs: usize,
    /// Hash of the data set's table.
    pub data: String,
    /// Clips learnt from.
    pub clips: usize,
    /// The fold that was kept out.
    pub holdout_fold: Option<usize>,
    /// The file of weights that the run itself began with; random ones where absent.
    #[serde(alias = "first_weights")]
    pub init_weights: Option<String>,
    /// Groups that those weights had seen before; absent where nothing is known of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_before: Option<SeenBefore>,
    /// Groups learnt from.
    pub learnt: Groups,
    /// Groups that chose the best epoch.
    #[serde(alias = "watched")]
    pub validation: Groups,
}

/// Groups that weights had seen before a run began with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenBefore {
    /// Those that are known.
    pub groups: Groups,
    /// Whether those are all.
    pub all: bool,
}

/// A fine-tuning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuningFacts {
    /// Hash of the data set's table.
    pub data: String,
    /// The fold that was kept out; absent where no patient was.
    pub fold: Option<usize>,
    /// The seed.
    pub seed: u64,
    /// Epochs.
    pub epochs: usize,
    /// Clips learnt from, and clips that chose the epoch.
    pub clips: [usize; 2],
    /// Groups learnt from.
    pub learnt: Groups,
    /// Groups that chose the epoch.
    #[serde(alias = "watched")]
    pub validation: Groups,
}

/// What a network reached on groups that training did not see, a clip the unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestFacts {
    /// The fold that was tested.
    pub fold: usize,
    /// Clips tested.
    pub clips: usize,
    /// Groups that they belong to.
    pub groups: usize,
    /// Tested clips of each class.
    pub clips_per_class: Vec<usize>,
    /// Mean over classes of the share of that class classified right.
    pub balanced_accuracy: Estimate,
    /// Share of clips classified right.
    pub accuracy: Estimate,
    /// Balanced accuracy of always naming one class.
    pub chance: f64,
    /// Tested groups of each class; files of earlier versions do not tell.
    #[serde(default)]
    pub groups_per_class: Vec<usize>,
    /// Tested groups that the pretraining had seen: the figures are then too good.
    #[serde(default)]
    pub seen_in_pretraining: usize,
}

/// Groups, by name where their names may be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// How many.
    pub count: usize,
    /// Their names, sorted; absent where they are kept secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
}

impl Groups {
    /// Groups whose names may be told.
    #[must_use]
    pub fn named<'a>(names: impl IntoIterator<Item = &'a String>) -> Self {
        let names: BTreeSet<&String> = names.into_iter().collect();
        Self { count: names.len(), names: Some(names.into_iter().cloned().collect()) }
    }
}

impl PretrainingFacts {
    /// The run in one clause.
    #[must_use]
    pub fn words(&self) -> String {
        let recipe = self.recipe.as_deref().unwrap_or("its default recipe");
        let mut words = format!(
            "pretrained by {} (run {}, {recipe}, seed {}, {}, {} of {}, data {})",
            self.method,
            self.run,
            self.seed,
            counted(self.epochs, "epoch"),
            counted(self.clips, "clip"),
            counted(self.learnt.count, "patient"),
            short(&self.data),
        );
        if let Some(file) = &self.init_weights {
            // Writing to a string cannot fail.
            write!(words, ", which began with {file}").ok();
        }
        words
    }
}

impl TuningFacts {
    /// The fine-tuning in one clause.
    #[must_use]
    pub fn words(&self) -> String {
        let chosen = match self.clips[1] {
            0 => "the last epoch".to_owned(),
            clips => {
                format!("epoch chosen on {} of {}", counted(clips, "clip"), counted(self.validation.count, "patient"))
            }
        };
        let folds = match (self.fold, self.clips[1]) {
            (Some(fold), _) => format!("all folds but {fold}"),
            (None, 0) => "every patient".to_owned(),
            (None, _) => "every patient but those that chose its epoch".to_owned(),
        };
        format!(
            "fine-tuned on {folds} (seed {}, {}, {} of {}, {chosen}, data {})",
            self.seed,
            counted(self.epochs, "epoch"),
            counted(self.clips[0], "clip"),
            counted(self.learnt.count, "patient"),
            short(&self.data),
        )
    }
}

impl TestFacts {
    /// What it reached, in one sentence.
    #[must_use]
    pub fn words(&self) -> String {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let interval = match self.balanced_accuracy.interval() {
            Ok([low, high]) => {
                let alone = self.groups_per_class.iter().filter(|groups| **groups == 1).count();
                let caveat = match alone {
                    0 => String::new(),
                    1 => ", which knows nothing of 1 class, tested on one patient".to_owned(),
                    _ => format!(", which knows nothing of {alone} classes, tested on one patient each"),
                };
                format!("95 % interval {:.1} to {}{caveat}", low * 100.0, percent(high))
            }
            Err(why) => why.words().to_owned(),
        };
        let unseen = match self.seen_in_pretraining {
            0 => "it never saw".to_owned(),
            seen => format!("its fine-tuning did not see, but its pretraining {seen} of them"),
        };
        format!(
            "On {} of {} {unseen} (fold {}) it reached a balanced accuracy of {} per clip ({interval}); chance is {}.",
            counted(self.clips, "clip"),
            counted(self.groups, "patient"),
            self.fold,
            percent(self.balanced_accuracy.mean),
            percent(self.chance),
        )
    }

    /// What a user of the network must be warned of.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let figure = &self.balanced_accuracy;
        if self.seen_in_pretraining > 0 {
            let seen = counted(self.seen_in_pretraining, "tested patient");
            return Some(format!(
                "its pretraining saw {seen}: the figure is too good, and what it is worth is not known"
            ));
        }
        // The same share may differ in its last bits.
        if figure.mean <= self.chance + 1e-9 {
            return Some("this network is no better than naming one class always: do not use its answers".to_owned());
        }
        let shown = figure.interval().map_or(true, |[low, _]| low > self.chance);
        (!shown)
            .then(|| "the interval includes chance: that this network separates the classes is not shown".to_owned())
    }
}

/// What is said of a network that was never tested, or whose file does not tell.
pub const NEVER_TESTED: &str = "this network was never tested on patients that it had not seen, or its file does not say so: what it is worth is unknown";

/// What a network reached on patients that it never saw, as every place that shows its answers says it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reached {
    /// In one sentence, also where it was never tested.
    pub words: String,
    /// What a user must be warned of.
    pub warning: Option<String>,
    /// The figures; absent where it was never tested.
    pub test: Option<TestFacts>,
}

impl Reached {
    /// - `test`: what its file tells
    #[must_use]
    pub fn of(test: Option<&TestFacts>) -> Self {
        match test {
            Some(test) => Self { words: test.words(), warning: test.warning(), test: Some(test.clone()) },
            None => {
                Self { words: "It was never tested.".to_owned(), warning: Some(NEVER_TESTED.to_owned()), test: None }
            }
        }
    }
}

impl History {
    /// That of random weights.
    #[must_use]
    pub const fn random() -> Self {
        Self { beginning: Beginning::Random, tuning: None, test: None }
    }

    /// The history that weights carry.
    ///
    /// # Errors
    /// When it is there and cannot be understood.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// What a network has been through, in clauses.
    #[must_use]
    pub fn words(&self) -> String {
        let beginning = match &self.beginning {
            Beginning::Random => "from random weights".to_owned(),
            Beginning::Run(run) => run.words(),
            Beginning::Network(before) => before.words(),
            Beginning::File { name } => format!("pretrained elsewhere, from {name}"),
        };
        let tuning = self.tuning.as_ref().map(TuningFacts::words);
        [Some(beginning), tuning].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// The pretraining run that it goes back to, where there is one.
    #[must_use]
    pub fn pretraining(&self) -> Option<&PretrainingFacts> {
        match &self.beginning {
            Beginning::Run(run) => Some(run),
            Beginning::Network(before) => before.pretraining(),
            Beginning::Random | Beginning::File { .. } => None,
        }
    }

    /// Groups that were seen on the way, as far as their names are known, and whether those are all.
    #[must_use]
    pub fn seen(&self) -> (BTreeSet<String>, bool) {
        let (mut names, mut all) = match &self.beginning {
            Beginning::Random => (BTreeSet::new(), true),
            Beginning::Network(before) => before.seen(),
            Beginning::File { .. } => (BTreeSet::new(), false),
            Beginning::Run(_) => (BTreeSet::new(), true),
        };
        if let Beginning::Run(run) = &self.beginning {
            match &run.seen_before {
                Some(before) => {
                    all &= before.all;
                    add(&before.groups, &mut names, &mut all);
                }
                // Weights that the run began with may have seen anything.
                None => all &= run.init_weights.is_none(),
            }
            [&run.learnt, &run.validation].into_iter().for_each(|groups| add(groups, &mut names, &mut all));
        }
        if let Some(tuning) = &self.tuning {
            [&tuning.learnt, &tuning.validation].into_iter().for_each(|groups| add(groups, &mut names, &mut all));
        }
        (names, all)
    }

    /// Hash of the table of the last data set that it learnt from.
    #[must_use]
    pub fn data(&self) -> Option<&str> {
        let tuning = self.tuning.as_ref().map(|tuning| tuning.data.as_str());
        tuning.or_else(|| match &self.beginning {
            Beginning::Run(run) => Some(run.data.as_str()),
            Beginning::Network(before) => before.data(),
            Beginning::Random | Beginning::File { .. } => None,
        })
    }

    /// The same without the names of groups.
    #[must_use]
    pub fn without_names(mut self) -> Self {
        match &mut self.beginning {
            Beginning::Run(run) => {
                let before = run.seen_before.iter_mut().map(|before| &mut before.groups);
                [&mut run.learnt, &mut run.validation].into_iter().chain(before).for_each(|groups| groups.names = None);
            }
            Beginning::Network(before) => **before = before.as_ref().clone().without_names(),
            Beginning::Random | Beginning::File { .. } => {}
        }
        if let Some(tuning) = &mut self.tuning {
            [&mut tuning.learnt, &mut tuning.validation].into_iter().for_each(|groups| groups.names = None);
        }
        self
    }
}

fn add(groups: &Groups, names: &mut BTreeSet<String>, all: &mut bool) {
    match &groups.names {
        Some(known) => names.extend(known.iter().cloned()),
        None => *all &= groups.count == 0,
    }
}

/// The beginning of a hash, by which a person tells data sets apart.
fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::NoInterval;

    fn groups(names: &[&str]) -> Groups {
        Groups::named(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    fn history() -> History {
        let run = PretrainingFacts {
            run: "a".into(),
            version: "0.1.0".into(),
            method: "hico".into(),
            recipe: Some("short.toml".into()),
            seed: 7,
            epochs: 20,
            data: "00112233445566".into(),
            clips: 5,
            holdout_fold: Some(0),
            init_weights: None,
            seen_before: None,
            learnt: groups(&["p2", "p1"]),
            validation: groups(&["p3"]),
        };
        let tuning = TuningFacts {
            data: "ffeeddccbbaa99".into(),
            fold: Some(0),
            seed: 1,
            epochs: 3,
            clips: [4, 1],
            learnt: groups(&["p1", "p4"]),
            validation: groups(&["p5"]),
        };
        History { beginning: Beginning::Run(Box::new(run)), tuning: Some(tuning), test: None }
    }

    fn test(mean: f64, interval: Option<[f64; 2]>) -> TestFacts {
        let (low, high) = (interval.map(|ends| ends[0]), interval.map(|ends| ends[1]));
        let no_interval = interval.is_none().then_some(NoInterval::OneGroup);
        let figure = Estimate { mean, low, high, no_interval, ..Estimate::default() };
        TestFacts {
            fold: 0,
            clips: 10,
            groups: 1,
            clips_per_class: vec![4, 3, 3],
            groups_per_class: Vec::new(),
            balanced_accuracy: figure,
            accuracy: figure,
            chance: 1.0 / 3.0,
            seen_in_pretraining: 0,
        }
    }

    #[test]
    fn patients_that_pretraining_saw_are_not_called_unseen() {
        let mut test = test(0.5, Some([0.4, 0.6]));
        assert!(test.words().starts_with("On 10 clips of 1 patient it never saw (fold 0)"), "{}", test.words());
        test.seen_in_pretraining = 1;
        assert!(
            test.words().contains("its fine-tuning did not see, but its pretraining 1 of them"),
            "{}",
            test.words()
        );
        test.groups_per_class = vec![2, 1, 1];
        assert!(
            test.words().contains("which knows nothing of 2 classes, tested on one patient each"),
            "{}",
            test.words()
        );
    }

    #[test]
    fn everybody_who_was_seen_on_the_way_is_known() {
        let history = history();
        let (seen, all) = history.seen();
        assert_eq!(
            (seen.into_iter().collect::<Vec<_>>(), all),
            (["p1", "p2", "p3", "p4", "p5"].map(str::to_owned).into(), true)
        );
        assert_eq!(history.data(), Some("ffeeddccbbaa99"));
        // A network that was made from this one has seen them too, and one from elsewhere may have seen more.
        let tuning = history.tuning.clone();
        let again = History { beginning: Beginning::Network(Box::new(history.clone())), tuning: None, test: None };
        assert_eq!(again.seen(), history.seen());
        assert_eq!(again.pretraining(), history.pretraining());
        let elsewhere = History { beginning: Beginning::File { name: "w.pth".into() }, tuning, test: None };
        assert_eq!((elsewhere.seen().0.len(), elsewhere.seen().1), (3, false));
    }

    #[test]
    fn names_that_are_kept_secret_leave_their_number() {
        let secret = history().without_names();
        let text = serde_json::to_string(&secret).unwrap();
        assert!(!text.contains("\"p1\"") && text.contains("\"count\":2"), "{text}");
        assert_eq!(secret.seen(), (BTreeSet::new(), false));
        assert_eq!(History::parse(&text).unwrap(), secret);
        assert_eq!(secret.words(), history().words());
    }

    #[test]
    fn a_history_is_told_in_words() {
        assert_eq!(
            history().words(),
            "pretrained by hico (run a, short.toml, seed 7, 20 epochs, 5 clips of 2 patients, data 001122334455); \
             fine-tuned on all folds but 0 (seed 1, 3 epochs, 4 clips of 2 patients, epoch chosen on 1 clip of 1 patient, \
             data ffeeddccbbaa)"
        );
        let words = test(0.167, None).words();
        assert!(
            words.contains("10 clips of 1 patient") && words.contains("16.7 % per clip (one patient: no interval)"),
            "{words}"
        );
    }

    #[test]
    fn a_network_that_is_no_better_than_chance_is_warned_of() {
        let warning = |mean, interval| test(mean, interval).warning();
        assert!(warning(0.167, None).unwrap().contains("no better"));
        assert!(warning(1.0 / 3.0, Some([0.3, 0.4])).unwrap().contains("no better"));
        assert!(warning(0.5, Some([0.3, 0.7])).unwrap().contains("includes chance"));
        assert_eq!(warning(0.5, Some([0.4, 0.7])), None);
        assert_eq!(warning(0.5, None), None);
        let spoilt = TestFacts { seen_in_pretraining: 2, ..test(0.9, Some([0.8, 1.0])) };
        assert!(spoilt.warning().unwrap().contains("2 tested patients"));
    }
}
