use clap::Args;
use hico_train::CheckpointEvery;
use std::num::NonZeroU64;
use std::time::Duration;

/// Flags of every command that trains.
#[derive(Debug, Args)]
pub(crate) struct CheckpointArgs {
    /// Write a checkpoint every N minutes (`10m`) or N steps (`200`), besides the end of each epoch
    #[arg(long, value_name = "Nm|N", default_value = "10m", value_parser = checkpoint_every)]
    pub(crate) checkpoint_every: CheckpointEvery,
}

/// Says how often checkpoints are written.
pub(crate) fn in_words(every: CheckpointEvery) -> String {
    let of =
        |count: u64, word: &str| if count == 1 { format!("every {word}") } else { format!("every {count} {word}s") };
    match every {
        CheckpointEvery::Steps(steps) => format!("a checkpoint {}", of(steps.get(), "step")),
        CheckpointEvery::Time(time) => format!("a checkpoint {}", of(time.as_secs() / 60, "minute")),
    }
}

/// The flag's value for a process of our own.
pub(crate) fn as_flag(every: CheckpointEvery) -> String {
    match every {
        CheckpointEvery::Steps(steps) => steps.to_string(),
        CheckpointEvery::Time(time) => format!("{}m", time.as_secs() / 60),
    }
}

fn checkpoint_every(text: &str) -> Result<CheckpointEvery, String> {
    let number = text.strip_suffix('m').unwrap_or(text);
    let number: NonZeroU64 =
        number.parse().map_err(|_| "must be a number of steps (`200`) or of minutes (`10m`), 1 or more".to_owned())?;
    if number.get() > 1_000_000_000 {
        return Err("must be at most 1000000000".to_owned());
    }
    Ok(match text.strip_suffix('m') {
        Some(_) => CheckpointEvery::Time(Duration::from_secs(60 * number.get())),
        None => CheckpointEvery::Steps(number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_counted_in_steps_or_minutes() {
        assert_eq!(checkpoint_every("10m"), Ok(CheckpointEvery::Time(Duration::from_secs(600))));
        assert_eq!(checkpoint_every("3"), Ok(CheckpointEvery::Steps(NonZeroU64::new(3).unwrap())));
        for wrong in ["0", "m", "-1", "1.5m", "5s", "99999999999999999999m"] {
            assert!(checkpoint_every(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn how_often_is_said_and_passed_on() {
        for (text, words) in [
            ("10m", "a checkpoint every 10 minutes"),
            ("1m", "a checkpoint every minute"),
            ("3", "a checkpoint every 3 steps"),
        ] {
            let every = checkpoint_every(text).unwrap();
            assert_eq!((as_flag(every).as_str(), in_words(every).as_str()), (text, words));
        }
    }
}
