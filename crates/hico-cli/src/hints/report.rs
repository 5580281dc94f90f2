//! Remedies for errors of `hico report` and `hico demo`.

use super::data;
use super::evaluation::evaluation;
use hico_eval::Error;

/// The remedy where a report cannot be made.
pub(crate) const fn report(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::NoFolder(_) | Error::NothingToReport { .. } => {
            "give the --out folder of `hico pretrain`, `hico finetune --holdout-fold`, `hico crossval` or `hico compare`"
        }
        Error::OldEvaluation { .. } => {
            "make the report with that version, or evaluate again with this one, in another --out"
        }
        Error::Read { .. } => "check that you may read it",
        Error::TooLarge { .. } => "this is no file of hico; give another folder",
        Error::FileVersion { .. } => "make the report with the version that wrote it, or run it again with this one",
        Error::Broken { .. } => "the file was changed or cut short; run the command that writes it again",
        Error::JournalLine { .. } => "the journal was changed; remove the line that is named",
        _ => return None,
    })
}

/// The remedy where a summary that was named, or lies beside a network, cannot be read.
pub(crate) const fn summary(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Read { .. } => "name a folder written by `hico crossval`, `hico finetune` or `hico compare`",
        _ => "make the evaluation again, or leave it out",
    })
}

/// The remedy in `hico demo`.
pub(crate) fn demo(error: &Error) -> Option<String> {
    let hint = match error {
        Error::DemoTaken(_) => "choose another --out",
        Error::DemoFile { .. } => "choose an --out on a disk with room that you may write to",
        Error::Train(hico_train::Error::Data(error)) => data::demo(error)?,
        error => match report(error) {
            Some(hint) => hint,
            None => return evaluation(error),
        },
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn whatever_a_report_is_refused_for_has_a_remedy() {
        let path = || PathBuf::from("run");
        let words = || "9.1.0".to_owned();
        for error in [
            Error::NoFolder(path()),
            Error::NothingToReport { folder: path(), wanted: ["a", "b", "c"] },
            Error::OldEvaluation { folder: path(), file: "evaluation.json" },
            Error::FileVersion { path: path(), found: words() },
            Error::Broken { path: path(), reason: words() },
            Error::JournalLine { path: path(), line: 2, reason: words() },
            Error::TooLarge { path: path(), bytes: 2, most: 1 },
        ] {
            assert!(report(&error).is_some() && demo(&error).is_some(), "{error}");
        }
    }
}
