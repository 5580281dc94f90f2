//! What may choose between methods: a linear probe within the training groups of a fold, the test fold untouched.

use super::labels::Labels;
use hico_data::split::hold_out;
use hico_data::{Dataset, Seed};
use hico_train::plan::groups_of;
use rand::seq::SliceRandom as _;
use std::collections::BTreeSet;

/// How often the training groups are parted anew.
const ROUNDS: u64 = 10;

/// Share of the groups of each class that is asked about where all other labels are known.
const ASKED: f64 = 0.2;

/// One parting of the training clips of a fold; no group stands on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Round {
    /// Clips whose labels are learnt from.
    pub(super) fit: Vec<usize>,
    /// Clips that are asked about.
    pub(super) asked: Vec<usize>,
}

/// The rounds of one fold, the same for every method: with all labels a fifth of the groups is asked about; with those of
/// few groups of each class, all other groups are.
///
/// - `training`: labelled clips outside the fold
pub(super) fn rounds(dataset: &Dataset, training: &[usize], labels: Labels, seed: Seed) -> Vec<Round> {
    let round = |number: u64| {
        let seed = seed.derive("round", &[number]);
        let learnt: BTreeSet<String> = match labels {
            Labels::All => {
                let row = |clip: &usize| (dataset.row(*clip).group.clone(), dataset.label(*clip));
                let asked = hold_out(&training.iter().map(row).collect::<Vec<_>>(), ASKED, seed);
                groups_of(dataset, training).difference(&asked).cloned().collect()
            }
            Labels::Groups(_) | Labels::Thousandths(_) => {
                let of_class = |class: usize| {
                    let clips = training.iter().copied().filter(|clip| dataset.label(*clip) == Some(class));
                    let mut drawn: Vec<String> = groups_of(dataset, &clips.collect::<Vec<_>>()).into_iter().collect();
                    drawn.shuffle(&mut seed.stream("few", &[class as u64]));
                    drawn.truncate(labels.of(drawn.len()));
                    drawn
                };
                (0..dataset.classes().len()).flat_map(of_class).collect()
            }
        };
        let (fit, asked) = training.iter().copied().partition(|clip| learnt.contains(&dataset.row(*clip).group));
        Round { fit, asked }
    };
    (0..ROUNDS).map(round).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_model::test_data;

    #[test]
    fn groups_stand_on_one_side_and_few_labels_leave_the_others_to_ask_about() {
        let names: Vec<String> = (0..20).map(|group| format!("p{group:02}")).collect();
        let rows: Vec<_> = (0..20).flat_map(|group| vec![(names[group].as_str(), Some(group % 2), 0); 2]).collect();
        let data = test_data::spots(&rows);
        // Four groups are tested elsewhere.
        let training: Vec<usize> = (8..40).collect();
        for (labels, learnt) in [(Labels::All, 12..=14), (Labels::Groups(3), 6..=6), (Labels::Groups(1), 2..=2)] {
            let found = rounds(&data, &training, labels, Seed(1));
            assert_eq!(found.len(), 10);
            for Round { fit, asked } in &found {
                let sides = [fit, asked].map(|clips| groups_of(&data, clips));
                assert!(sides[0].is_disjoint(&sides[1]) && learnt.contains(&sides[0].len()), "{labels} {sides:?}");
                let mut all = [fit.as_slice(), asked].concat();
                all.sort_unstable();
                assert_eq!(all, training);
                assert!((0..2).all(|class| fit.iter().any(|clip| data.label(*clip) == Some(class))));
            }
            assert!(found.windows(2).any(|pair| pair[0] != pair[1]));
            assert_eq!(found, rounds(&data, &training, labels, Seed(1)));
        }
    }
}
