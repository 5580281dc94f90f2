use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico export-data data --to webdataset --out shards
  hico export-data data --to webdataset --sample frame --val-fold 0 --test-fold 1 --out shards
  hico export-data data --to image-folder --test-fold 0 --out tree
  hico ingest tree --labels tree/labels.csv --image-size 0 --out again

Frames are PNG, bit for bit as they are stored. labels.csv holds label, patient, group and fold of every clip; with it, \
`hico ingest` reads the tree (or the unpacked shards) back unchanged. classes.txt holds the classes in the order of \
their numbers.

webdataset: each clip has its own folder in the tar. With --sample clip one sample is the files clip.00000.png, \
clip.00001.png, ..., clip.json and, where there is a label, clip.cls; with --sample frame it is 00000.png, 00000.json \
and 00000.cls. The order of the clips is shuffled with the seed.

image-folder: CLASS/CLIP/00000.png, below train, val and test where folds are named. Clips without a label are left out.

A file gets its final name only when it is complete. After an interruption the same command continues.")]
pub(crate) struct ExportDataArgs {
    /// Export this data set
    #[arg(value_name = "DATASET")]
    pub(crate) data: PathBuf,
    /// Write this format
    #[arg(long, value_enum)]
    pub(crate) to: FormatArg,
    /// Write into this folder: new, empty, or an interrupted export
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Export this fold as val; none by default
    #[arg(long, value_name = "N")]
    pub(crate) val_fold: Option<usize>,
    /// Export this fold as test; none by default
    #[arg(long, value_name = "N")]
    pub(crate) test_fold: Option<usize>,
    /// Store a clip or a frame as one sample
    #[arg(long, help_heading = SHARDS, value_enum, default_value_t = SampleArg::Clip)]
    pub(crate) sample: SampleArg,
    /// Limit the frames in a shard to this many megabytes before compression; a larger clip gets its own shard
    #[arg(long, help_heading = SHARDS, value_name = "MB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) shard_size: u64,
    /// Set the random seed of the order of clips in shards
    #[arg(long, help_heading = SHARDS, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

const SHARDS: &str = "Shards";

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FormatArg {
    /// Tar files of samples
    Webdataset,
    /// One folder for each class, and in it one for each clip
    ImageFolder,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SampleArg {
    /// A clip with all its frames
    Clip,
    /// A frame
    Frame,
}
