//! A column of numbers → classes: the ejection fraction, a score, an age, cut at thresholds.

use std::str::FromStr;

/// Thresholds, ascending; without any the cells of the column are the classes.
///
/// `n` thresholds make `n + 1` classes, whose names begin with their number so that they sort as their values do:
/// `40,50` makes `0-below-40`, `1-from-40-below-50` and `2-from-50`. A value on a threshold belongs above it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LabelBins(Vec<f64>);

/// Why these are no thresholds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?}: {reason}; write ascending numbers, as 40,50")]
pub struct LabelBinsError {
    given: String,
    reason: &'static str,
}

/// Most thresholds; more classes than that are a regression.
const MOST: usize = 99;

impl FromStr for LabelBins {
    type Err = LabelBinsError;

    fn from_str(text: &str) -> Result<Self, LabelBinsError> {
        let broken = |reason| LabelBinsError { given: text.to_owned(), reason };
        let numbers = text.split(',').map(|number| number.trim().parse().ok().filter(|it: &f64| it.is_finite()));
        let bins = numbers.collect::<Option<Vec<f64>>>().ok_or_else(|| broken("not all of it are numbers"))?;
        if bins.len() > MOST {
            return Err(broken("more than 99 thresholds"));
        }
        if bins.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(broken("the numbers do not ascend"));
        }
        Ok(Self(bins))
    }
}

impl LabelBins {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The class of a cell; the cell itself where there are no thresholds, `None` where it is no number and there are.
    pub(crate) fn class(&self, cell: &str) -> Option<String> {
        if self.is_empty() {
            return Some(cell.to_owned());
        }
        let value: f64 = cell.parse().ok().filter(|value: &f64| value.is_finite())?;
        let class = self.0.iter().filter(|cut| **cut <= value).count();
        let digits = self.0.len().to_string().len();
        let bounds = match (class.checked_sub(1).and_then(|below| self.0.get(below)), self.0.get(class)) {
            (None, Some(end)) => format!("below-{end}"),
            (Some(begin), Some(end)) => format!("from-{begin}-below-{end}"),
            (Some(begin), None) => format!("from-{begin}"),
            (None, None) => String::new(),
        };
        Some(format!("{class:0digits$}-{bounds}"))
    }

    /// For the record: the thresholds in words, if there are any.
    pub(crate) fn words(&self) -> Option<String> {
        let bins: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        (!bins.is_empty()).then(|| bins.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_threshold_belongs_above_it_and_classes_sort_as_values() {
        let bins: LabelBins = "40, 50".parse().unwrap();
        let classes: Vec<_> = ["-3", "39.99", "40", "49", "50.0", "78"].map(|cell| bins.class(cell).unwrap()).into();
        let expected =
            ["0-below-40", "0-below-40", "1-from-40-below-50", "1-from-40-below-50", "2-from-50", "2-from-50"];
        assert_eq!(classes, expected);
        assert!(classes.is_sorted());
        for cell in ["", "high", "NaN", "inf"] {
            assert_eq!(bins.class(cell), None, "{cell}");
        }
        assert_eq!(LabelBins::default().class("high").as_deref(), Some("high"));
    }

    #[test]
    fn more_than_nine_thresholds_still_sort() {
        let bins: LabelBins = "1,2,3,4,5,6,7,8,9,10".parse().unwrap();
        let classes: Vec<_> = (0..12).map(|value| bins.class(&value.to_string()).unwrap()).collect();
        assert!(classes.is_sorted(), "{classes:?}");
    }

    #[test]
    fn what_does_not_ascend_is_refused() {
        for (text, word) in [("50,40", "ascend"), ("4,4", "ascend"), ("4,x", "numbers"), ("", "numbers"), ("inf", "n")]
        {
            let error = text.parse::<LabelBins>().unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
