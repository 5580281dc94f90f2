use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico export-data data --to webdataset --out shards
  hico export-data data --to webdataset --sample frame --val-fold 0 --test-fold 1 --out shards
  hico export-data data --to image-folder --test-fold 0 --out tree
  hico ingest tree --labels tree/labels.csv --side 0 --out again

Frames are PNG, bit for bit as they are stored. labels.csv holds label, patient, group and fold of every clip, and with it the tree (or
the unpacked shards) is taken in again as it was; classes.txt holds the classes in the order of their numbers.

webdataset: each clip has a folder of its own in the tar. With --sample clip the files clip.00000.png, clip.00001.png, ..., clip.json and,
where there is a label, clip.cls are one sample; with --sample frame 00000.png, 00000.json and 00000.cls are. Clips are in a seeded order.

image-folder: CLASS/CLIP/00000.png, below train, val and test where folds are named. Clips without a label are left out.

Every file has its name only once it is whole. Interrupted, the same command goes on where it was.")]
pub(crate) struct ExportDataArgs {
    /// The data set
    #[arg(value_name = "DATASET")]
    pub(crate) data: PathBuf,
    /// What to write
    #[arg(long, value_enum)]
    pub(crate) to: FormatArg,
    /// Folder to write; new or empty, or an export to go on with
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Fold that becomes the part val
    #[arg(long, value_name = "N")]
    pub(crate) val_fold: Option<usize>,
    /// Fold that becomes the part test
    #[arg(long, value_name = "N")]
    pub(crate) test_fold: Option<usize>,
    /// What a sample of a shard is
    #[arg(long, value_enum, default_value_t = SampleArg::Clip)]
    pub(crate) sample: SampleArg,
    /// Most megabytes of frames in a shard before compression; a larger clip is a shard of its own
    #[arg(long, value_name = "MB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) shard_size: u64,
    /// Seed of the order of clips in shards
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FormatArg {
    /// Tar files of samples
    Webdataset,
    /// A folder a class, in it a folder a clip
    ImageFolder,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SampleArg {
    /// A clip with all its frames
    Clip,
    /// A frame
    Frame,
}
