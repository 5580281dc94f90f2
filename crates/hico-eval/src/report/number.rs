//! How figures are written: the same figure looks the same in the terminal and on the page.

use crate::compare::summary::DataFacts;
use hico_model::estimate::Estimate;

/// What stands where there is no figure.
pub(crate) const NONE: &str = "n/a";

/// A share, 0 to 1, as `71.2 %`; the space does not break.
pub(crate) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{}\u{a0}%", signless(share * 100.0, 1)) } else { NONE.to_owned() }
}

/// A share that may be absent.
pub(crate) fn percent_or_none(share: Option<f64>) -> String {
    share.map_or_else(|| NONE.to_owned(), percent)
}

/// A difference of shares in percentage points with its sign, as `+5.1` or `−0.4`.
pub(crate) fn points(difference: f64) -> String {
    if !difference.is_finite() {
        return NONE.to_owned();
    }
    let text = signless(difference * 100.0, 1);
    if text.starts_with(MINUS) || text == "0.0" { text } else { format!("+{text}") }
}

/// The bootstrap interval of a share, as `64.1 to 78.0 %`, or in two or three words why there is none.
pub(crate) fn interval(estimate: &Estimate) -> String {
    match estimate.interval() {
        Ok([low, high]) if low.is_finite() && high.is_finite() => {
            format!("{} to {}", signless(low * 100.0, 1), percent(high))
        }
        Ok(_) => NONE.to_owned(),
        Err(why) => why.short().to_owned(),
    }
}

/// The bootstrap interval of a share in a sentence, as `95 % interval 64.1 to 78.0 %`, or why there is none.
pub(crate) fn interval_in_words(estimate: &Estimate) -> String {
    match estimate.interval() {
        Ok(_) => format!("95\u{a0}% interval {}", interval(estimate)),
        Err(why) => why.words().to_owned(),
    }
}

/// The bootstrap interval of a difference in a sentence, as `95 % interval −2.1 to +8.8 points`, or why there is none.
pub(crate) fn points_interval_in_words(estimate: &Estimate) -> String {
    match estimate.interval() {
        Ok([low, high]) => format!("95\u{a0}% interval {} to {} points", points(low), points(high)),
        Err(why) => why.words().to_owned(),
    }
}

/// The ends of an interval in percent, where a chart can draw them.
pub(crate) fn interval_on_chart(estimate: &Estimate) -> Option<[f64; 2]> {
    estimate.interval().ok().map(|ends| ends.map(|end| end * 100.0))
}

/// The standard deviation over seeds in percentage points, as `± 1.4`; absent with one seed.
pub(crate) fn spread(estimate: &Estimate) -> Option<String> {
    estimate.sd.map(|sd| format!("±\u{a0}{}", decimal(sd * 100.0, 1)))
}

/// A p value, as `p = 0.021` or `p < 0.001`.
pub(crate) fn p_value(p: f64) -> String {
    match p {
        p if !p.is_finite() => format!("p {NONE}"),
        p if p < 0.001 => "p\u{a0}<\u{a0}0.001".to_owned(),
        p => format!("p\u{a0}=\u{a0}{p:.3}"),
    }
}

/// A number with a fixed count of decimals and a true minus sign.
pub(crate) fn decimal(value: f64, decimals: usize) -> String {
    if value.is_finite() { signless(value, decimals) } else { NONE.to_owned() }
}

/// A number with three significant digits, in powers of ten where it is very small or large.
pub(crate) fn significant(value: f64) -> String {
    let magnitude = value.abs();
    match magnitude {
        _ if !value.is_finite() => NONE.to_owned(),
        0.0 => "0".to_owned(),
        m if !(1e-3..1e5).contains(&m) => {
            let text = format!("{value:.2e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
            format!("{mantissa}e{exponent}").replace('-', MINUS)
        }
        m if m >= 100.0 => signless(value, 0),
        m if m >= 10.0 => signless(value, 1),
        m if m >= 1.0 => signless(value, 2),
        m if m >= 0.1 => signless(value, 3),
        _ => signless(value, 4),
    }
}

/// A count, as `23,231`; a mean of counts over seeds with one decimal where it needs one.
pub(crate) fn count(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = if (value - value.round()).abs() < 0.05 { format!("{value:.0}") } else { format!("{value:.1}") };
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let digits: Vec<char> = whole.chars().collect();
    let mut grouped = String::new();
    for (index, digit) in digits.iter().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits[index - 1] != '-' {
            grouped.push(',');
        }
        grouped.push(*digit);
    }
    rest.map_or_else(|| grouped.clone(), |rest| format!("{grouped}.{rest}"))
}

/// A time, as `4.2 s`, `3 min 05 s` or `2 h 14 min`.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() || s < 0.0 => NONE.to_owned(),
        s if s < 59.95 => format!("{s:.1}\u{a0}s"),
        s if s < 3599.5 => format!("{:.0}\u{a0}min {:02.0}\u{a0}s", (s.round() / 60.0).floor(), s.round() % 60.0),
        s => {
            let minutes = (s / 60.0).round();
            format!("{:.0}\u{a0}h {:02.0}\u{a0}min", (minutes / 60.0).floor(), minutes % 60.0)
        }
    }
}

/// `1 clip`, `2 clips`, `1 class`, `2 classes`.
pub(crate) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{}\u{a0}{}", count(number as f64), if number == 1 { one } else { many })
}

/// How much was tested of how much there is, as `10 clips of 6 patients (42 clips have a label, 3 clips have no label)`.
/// Clips without a label are left out.
pub(crate) fn tested(data: &DataFacts) -> String {
    let labelled: usize = data.classes.iter().map(|class| class.clips).sum();
    let with_label = format!("{} a label", counted(labelled, "clip has", "clips have"));
    let more = match data.unlabelled {
        0 if labelled == data.tested_clips => String::new(),
        0 => format!(" ({with_label})"),
        none if labelled == data.tested_clips => format!(" ({} no label)", counted(none, "clip has", "clips have")),
        none => format!(" ({with_label}, {} no label)", counted(none, "clip has", "clips have")),
    };
    let groups = counted(data.tested_groups.len(), "patient", "patients");
    format!("{} of {groups}{more}", counted(data.tested_clips, "clip", "clips"))
}

const MINUS: &str = "\u{2212}";

/// Fixed decimals; what rounds to zero has no sign.
fn signless(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        Some(rest) => format!("{MINUS}{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_model::estimate::NoInterval;

    const PART: Estimate = Estimate {
        mean: 0.5,
        sd: Some(0.0141),
        low: Some(-0.0213),
        high: Some(0.0879),
        se_groups: None,
        se_seeds: None,
        no_interval: None,
    };

    #[test]
    fn figures_are_written_one_way() {
        assert_eq!(percent(0.7123), "71.2\u{a0}%");
        assert_eq!(percent(f64::NAN), "n/a");
        assert_eq!(points(0.0512), "+5.1");
        assert_eq!(points(-0.0512), "\u{2212}5.1");
        assert_eq!(points(-0.0004), "0.0", "what rounds to zero has no sign");
        assert_eq!(points_interval_in_words(&PART), "95\u{a0}% interval \u{2212}2.1 to +8.8 points");
        assert_eq!(interval(&PART), "\u{2212}2.1 to 8.8\u{a0}%");
        assert_eq!(spread(&PART).as_deref(), Some("±\u{a0}1.4"));
        assert_eq!(p_value(0.0206), "p\u{a0}=\u{a0}0.021");
        assert_eq!(p_value(0.0001), "p\u{a0}<\u{a0}0.001");
    }

    #[test]
    fn an_interval_of_no_width_is_none_and_says_why() {
        let flat = |ends: Option<f64>, no_interval| Estimate { low: ends, high: ends, no_interval, ..PART };
        let said = |estimate: Estimate| [interval(&estimate), interval_in_words(&estimate)];
        let one = flat(None, Some(NoInterval::OneGroup));
        assert_eq!(said(one), ["one patient", "one patient: no interval"]);
        assert_eq!(points_interval_in_words(&one), "one patient: no interval");
        // As evaluations of earlier versions have it.
        assert_eq!(said(flat(Some(0.167), None))[0], "no spread");
        assert_eq!((interval_on_chart(&one), interval_on_chart(&PART).is_some()), (None, true));
    }

    #[test]
    fn small_and_large_numbers_keep_three_digits() {
        let cases = [(0.0003, "3e\u{2212}4"), (0.0125, "0.0125"), (0.5, "0.500"), (2.0, "2.00"), (12.34, "12.3")];
        for (value, text) in cases {
            assert_eq!(significant(value), text);
        }
        assert_eq!(significant(123_456.0), "1.23e5");
        assert_eq!(significant(0.0), "0");
    }

    #[test]
    fn counts_have_groups_of_three_digits_and_a_decimal_only_where_needed() {
        for (value, text) in
            [(0.0, "0"), (999.0, "999"), (23_231.0, "23,231"), (1_000_000.0, "1,000,000"), (12.4, "12.4")]
        {
            assert_eq!(count(value), text);
        }
        assert_eq!(counted(1, "class", "classes"), "1\u{a0}class");
    }

    #[test]
    fn times_are_rounded_without_sixty_seconds() {
        for (seconds, text) in [
            (4.23, "4.2\u{a0}s"),
            (59.96, "1\u{a0}min 00\u{a0}s"),
            (185.4, "3\u{a0}min 05\u{a0}s"),
            (8040.0, "2\u{a0}h 14\u{a0}min"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
