use super::taking::{each_clip, exit_code};
use crate::args::{EmbedArgs, LookingArgs, PerArg, SimilarArgs};
use crate::hints;
use crate::output::{HintExt as _, Output};
use anyhow::bail;
use hico_data::{Job, atomic};
use hico_eval::report;
use hico_model::embed::file::Format;
use hico_model::embed::lens::Lens;
use hico_model::embed::{Embedding, Per, RowId, Similar, picture};
use hico_train::pretrained;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What came of it.
#[derive(Serialize)]
struct Written {
    rows: usize,
    features: usize,
    refused: usize,
    files: Vec<PathBuf>,
}

/// `hico embed RUN|FILE DATASET... --out FILE`: features of clips, for other programs.
pub(crate) fn run(args: &EmbedArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let Some(format) = Format::of(&args.out) else {
        return Err(anyhow::anyhow!("{}: its suffix names no format", args.out.display()))
            .hint(|| "end it in .safetensors, .npy or .parquet".to_owned());
    };
    for path in [Some(&args.out), args.page.as_ref()].into_iter().flatten() {
        if path.exists() {
            return Err(anyhow::anyhow!("{}: exists", path.display())).hint(|| "choose another name".to_owned());
        }
    }
    let looker = Looker::new(&args.encoder, &args.looking, output)?;
    let (embedding, refused) = output.work("embed", |job| looker.look_at(&args.sources, output, job))??;
    if embedding.rows.is_empty() {
        bail!("no clip could be taken in");
    }
    let mut files = vec![(args.out.clone(), embedding.to_bytes(format).map_err(anyhow::Error::msg)?)];
    if format == Format::Npy {
        files.push((args.out.with_extension("npy.ids.csv"), embedding.ids_csv()));
    }
    if let Some(page) = &args.page {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let what: Vec<String> = args.sources.iter().map(|path| name(path)).collect();
        let Some(placed) = picture::place(&embedding) else {
            let (rows, least) = (embedding.rows.len(), picture::FEWEST_ROWS);
            bail!("{rows} rows are too few to plot in two dimensions; at least {least} are needed");
        };
        let title = format!("{} seen by {}", what.join(", "), name(&args.encoder));
        files.push((page.clone(), report::embedding::page(&title, &placed, embedding.rows.len()).into_bytes()));
    }
    atomic::write_all(&files)
        .map_err(|(path, error)| anyhow::anyhow!("{}: cannot be written: {error}", path.display()))
        .hint(|| "choose a name in a folder that exists, can be written and has room".to_owned())?;
    let files = files.into_iter().map(|(path, _)| path).collect();
    let written = Written { rows: embedding.rows.len(), features: embedding.width(), refused, files };
    output.result(&written, |written| {
        let files: Vec<String> = written.files.iter().map(|path| path.display().to_string()).collect();
        format!("{} rows of {} features in {}", written.rows, written.features, files.join(", "))
    })?;
    Ok(exit_code(refused, embedding.rows.len()))
}

/// The clips most like one row.
#[derive(Serialize)]
struct Found<'a> {
    of: &'a RowId,
    similar: Vec<Similar>,
}

/// `hico similar RUN|FILE FILE... --among DATASET`: which clips are like these.
pub(crate) fn similar(args: &SimilarArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let looker = Looker::new(&args.encoder, &args.looking, output)?;
    let among = if args.among.is_file() {
        Embedding::read(&args.among).hint(|| "`hico embed RUN DATASET --out FILE.safetensors` makes one".to_owned())?
    } else {
        let among = std::slice::from_ref(&args.among);
        output.work("similar", |job| looker.look_at(among, output, job))??.0
    };
    let (asked, refused) = output.work("similar", |job| looker.look_at(&args.sources, output, job))??;
    comparable(&asked, &among, &args.among)?;
    let found: Vec<Found<'_>> = asked
        .ids
        .iter()
        .zip(&asked.rows)
        .map(|(of, row)| Found { of, similar: among.similar(row, args.count.get()) })
        .collect();
    output.result(&found, |found| found.iter().map(words).collect::<Vec<_>>().join("\n"))?;
    Ok(exit_code(refused, asked.rows.len()))
}

/// Refuses to hold rows against each other that were not made alike.
fn comparable(asked: &Embedding, among: &Embedding, file: &Path) -> anyhow::Result<()> {
    let file = file.display();
    if let (Some(now), Some(there)) = (&asked.made_by, &among.made_by) {
        if now.sha256 != there.sha256 {
            return Err(anyhow::anyhow!("{file}: was embedded by another encoder"))
                .hint(|| "`hico embed` embeds it by this one".to_owned());
        }
        if now.features != there.features {
            let (now, there) = (now.features, there.features);
            return Err(anyhow::anyhow!("{file}: has the features {there}, these are {now}"))
                .hint(|| format!("read the same: --features {there}"));
        }
        if now.image_size != there.image_size {
            let (now, there) = (now.image_size, there.image_size);
            return Err(anyhow::anyhow!("{file}: is of images of {there} pixels, these have {now}"))
                .hint(|| format!("show the same: --image-size {there}"));
        }
    }
    match asked.rows.first().zip(among.rows.first()) {
        Some((a, b)) if a.len() != b.len() => {
            Err(anyhow::anyhow!("{file}: has {} features a row, this encoder {}", b.len(), a.len()))
                .hint(|| "embed it again by the same encoder".to_owned())
        }
        _ => Ok(()),
    }
}

fn words(found: &Found<'_>) -> String {
    let row = |id: &RowId| id.frame.map_or_else(|| id.clip.clone(), |frame| format!("{}, frame {frame}", id.clip));
    let line = |similar: &Similar| {
        let label = if similar.id.label.is_empty() { "no label" } else { &similar.id.label };
        format!("  {:.3}  {} ({label}; {})", similar.similarity, row(&similar.id), similar.id.group)
    };
    let lines = found.similar.iter().map(line);
    std::iter::once(row(found.of)).chain(lines).collect::<Vec<_>>().join("\n")
}

/// An encoder, and how a person wants clips shown to it.
struct Looker<'a> {
    lens: Lens,
    args: &'a LookingArgs,
}

impl<'a> Looker<'a> {
    fn new(path: &Path, args: &'a LookingArgs, output: &Output) -> anyhow::Result<Self> {
        let source = hints::hinted(pretrained::source(path, &args.weights_of), hints::encoder)?;
        output.note(&source.pretrained.report().words());
        let source = match args.features {
            Some(features) => hints::hinted(source.with_features(features), hints::features)?,
            None => source,
        };
        let lens = Lens::new(&source, args.image_size.map(usize::from), args.taking.device)?;
        Ok(Self { lens, args })
    }

    /// Rows of everything that was named, and how much was refused.
    fn look_at(&self, paths: &[PathBuf], output: &Output, job: Job<'_>) -> anyhow::Result<(Embedding, usize)> {
        let mut all = Embedding::default();
        let per = if self.args.per == PerArg::Clip { Per::Clip } else { Per::Frame };
        let frames = self.args.frames_per_clip.get();
        let refused = each_clip(paths, self.lens.preprocessing, &self.args.taking, job, output, |clip| {
            let Embedding { made_by, ids, rows } = self.lens.look_at(clip, frames, per, job)?;
            all.made_by = made_by;
            all.ids.extend(ids);
            all.rows.extend(rows);
            Ok(())
        })?;
        Ok((all, refused))
    }
}
