//! An uploaded clip → what the network says, where it looks, and its features.

use crate::Service;
use crate::api_error::{ApiError, of_system};
use crate::config::Limits;
use crate::upload::{self, Upload};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hico_data::clip::evenly_spaced;
use hico_data::ingest::{Limits as ClipLimits, PrepareOptions};
use hico_data::{Dataset, Job};
use hico_model::Error;
use hico_model::embed::{Look, Per, embed};
use hico_model::explain::Map;
use hico_model::explain::cam::Level;
use hico_model::explain::clip::{Explained, Explanation, explain};
use hico_model::explain::picture::{jpeg, plain, png, row};
use hico_model::frames::Context;
use hico_model::predict::clip::{Asking, ClipAnswer, FrameAnswer, NamedClip};
use hico_model::predict::model::Model;
use hico_model::predict::sources::each_clip;
use image::RgbImage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Frames that are explained at once, at most.
const MOST_EXPLAINED: usize = 24;

/// Pictures of a clip that go with an answer, at most.
const MOST_PICTURES: usize = 400;

/// Name of the occlusion map, beside those of the levels.
const OCCLUSION: &str = "occlusion";

/// What of a clip to look at.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictQuery {
    /// Reads every Nth frame; earlier versions called it `every`.
    #[serde(default = "one", alias = "every")]
    frame_stride: NonZeroUsize,
    /// Pictures of evenly spaced frames to send along.
    #[serde(default)]
    pictures: usize,
}

const fn one() -> NonZeroUsize {
    NonZeroUsize::MIN
}

/// What the network says of a clip.
#[derive(Serialize)]
pub(crate) struct Prediction {
    classes: Vec<String>,
    clip: ClipAnswer,
    frames: Vec<FrameAnswer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pictures: Vec<Picture>,
}

/// A frame as a picture.
#[derive(Serialize)]
struct Picture {
    frame: usize,
    image: String,
}

/// `POST /predict`
pub(crate) async fn predict(
    State(service): State<Arc<Service>>,
    query: Result<Query<PredictQuery>, QueryRejection>,
    request: Request,
) -> Result<Json<Prediction>, ApiError> {
    let PredictQuery { frame_stride, pictures } = known(query)?;
    with_clip(&service, request, move |service, clip, job| {
        let asking = Asking { frame_stride: frame_stride.get(), job };
        let mut frames = Vec::new();
        let answer = service.model.ask(clip, asking, |frame| frames.push(frame.clone()))?;
        let dataset = clip.dataset;
        service.metrics.frames.inc_by(frames.len() as u64);
        let shown = evenly_spaced(dataset.row(0).frames, pictures.min(MOST_PICTURES));
        let picture = |frame: usize| -> Result<Picture, ApiError> {
            let drawn = plain(&dataset.read_frame(0, frame).map_err(Error::from)?);
            let bytes = jpeg(&drawn).map_err(|_| ApiError::internal("a picture cannot be written"))?;
            Ok(Picture { frame, image: data_uri("image/jpeg", &bytes) })
        };
        Ok(Prediction {
            classes: service.model.classes().to_vec(),
            clip: answer,
            frames,
            pictures: shown.into_iter().map(picture).collect::<Result<_, _>>()?,
        })
    })
    .await
}

/// Which frames to explain, and which class.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainQuery {
    /// One frame, from 0; `count` evenly spaced ones if absent.
    frame: Option<usize>,
    count: Option<NonZeroUsize>,
    /// By name; the likeliest of the clip if absent.
    class: Option<String>,
}

/// An explanation with its maps.
#[derive(Serialize)]
pub(crate) struct ExplainedClip {
    #[serde(flatten)]
    explanation: Explanation,
    maps: Vec<FrameMaps>,
}

/// The maps of one frame.
#[derive(Serialize)]
struct FrameMaps {
    frame: usize,
    probability: f64,
    image: String,
    /// By level, and by occlusion.
    levels: BTreeMap<&'static str, Heat>,
}

/// A map, and the picture of it over the frame.
#[derive(Serialize)]
struct Heat {
    height: usize,
    width: usize,
    values: Vec<f32>,
    image: String,
}

/// `POST /explain`
pub(crate) async fn explained(
    State(service): State<Arc<Service>>,
    query: Result<Query<ExplainQuery>, QueryRejection>,
    request: Request,
) -> Result<Json<ExplainedClip>, ApiError> {
    let query = known(query)?;
    let count = match (query.frame, query.count) {
        (Some(_), Some(_)) => return Err(ApiError::request("both frame and count are given", "leave one out")),
        (_, count) => count.map_or(6, NonZeroUsize::get).min(MOST_EXPLAINED),
    };
    let class = query.class.map(|name| class_of(&service.model, &name)).transpose()?;
    with_clip(&service, request, move |service, clip, job| {
        let frames = clip.dataset.row(0).frames;
        let chosen = match query.frame {
            Some(frame) if frame < frames => vec![frame],
            Some(frame) => {
                let hint = format!("it has {frames}, counted from 0");
                return Err(ApiError::clip(format!("the clip has no frame {frame}"), hint));
            }
            None => evenly_spaced(frames, count),
        };
        let (explanation, frames) = explain(&service.model, clip, class, chosen, job)?;
        service.metrics.frames.inc_by(frames.len() as u64);
        let maps = frames.iter().map(maps_of).collect::<Result<_, _>>()?;
        Ok(ExplainedClip { explanation, maps })
    })
    .await
}

fn maps_of(explained: &Explained) -> Result<FrameMaps, ApiError> {
    let [whole, local, medium, global, hiding] = row(explained);
    let Explained { frame, probability, cams, hidden, .. } = explained;
    let names = Level::ALL.into_iter().map(Level::word).chain([OCCLUSION]);
    let maps = cams.iter().chain([hidden]).zip([local, medium, global, hiding]);
    let heat = |(map, drawn): (&Map, RgbImage)| -> Result<Heat, ApiError> {
        let Map { height, width, values } = map.clone();
        Ok(Heat { height, width, values, image: drawn_png(&drawn)? })
    };
    let levels = names.zip(maps).map(|(name, map)| Ok((name, heat(map)?))).collect::<Result<_, ApiError>>()?;
    Ok(FrameMaps { frame: *frame, probability: *probability, image: drawn_png(&whole)?, levels })
}

/// What a row of features is about.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmbedQuery {
    #[serde(default)]
    per: PerWord,
    /// Frames of the clip, evenly spaced.
    #[serde(default = "eight")]
    frames_per_clip: NonZeroUsize,
}

/// [`Per`] as it is written.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PerWord {
    #[default]
    Clip,
    Frame,
}

fn eight() -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(7)
}

/// Features of a clip.
#[derive(Serialize)]
pub(crate) struct Features {
    source: String,
    rows: Vec<Row>,
}

/// Averaged C5 of one frame, or of the clip where the frame is absent.
#[derive(Serialize)]
struct Row {
    frame: Option<usize>,
    features: Vec<f32>,
}

/// `POST /embed`
pub(crate) async fn embedded(
    State(service): State<Arc<Service>>,
    query: Result<Query<EmbedQuery>, QueryRejection>,
    request: Request,
) -> Result<Json<Features>, ApiError> {
    let EmbedQuery { per, frames_per_clip } = known(query)?;
    let per = match per {
        PerWord::Clip => Per::Clip,
        PerWord::Frame => Per::Frame,
    };
    with_clip(&service, request, move |service, clip, job| {
        let saved = &service.model.saved;
        let context = Context { device: &service.model.device, job };
        let look = Look {
            encoder: &saved.classifier.encoder,
            view: &saved.facts.view,
            features: saved.facts.features,
            frames_per_clip: frames_per_clip.get(),
            per,
        };
        let embedding = embed(clip, look, context)?;
        service.metrics.frames.inc_by(clip.dataset.row(0).frames.min(frames_per_clip.get()) as u64);
        let row = |(id, features): (hico_model::embed::RowId, Vec<f32>)| Row { frame: id.frame, features };
        let rows = embedding.ids.into_iter().zip(embedding.rows).map(row).collect();
        Ok(Features { source: clip.source.to_owned(), rows })
    })
    .await
}

/// Receives a clip, waits for its turn, prepares it in memory and asks `ask` about it; the upload is removed before the answer
/// goes out.
async fn with_clip<T, A>(service: &Arc<Service>, request: Request, ask: A) -> Result<Json<T>, ApiError>
where
    T: Send + 'static,
    A: FnOnce(&Service, NamedClip<'_>, Job<'_>) -> Result<T, ApiError> + Send + 'static,
{
    let limits = service.config.limits;
    let permit = service.concurrency.enter(limits)?;
    let upload = permit.in_time("receiving the clip", upload::receive(request, limits)).await?;
    service.metrics.uploaded.inc_by(upload.bytes);
    tracing::debug!(files = upload.files.len(), bytes = upload.bytes, "upload received");
    let work = move |service: &Service, stop: &AtomicBool| {
        let job = Job::new(stop).with_threads(service.config.threads);
        let dataset = prepare(&service.model, &upload, limits, job)?;
        let answer = ask(service, NamedClip { dataset: &dataset, clip: 0, source: &upload.name }, job);
        upload
            .folder
            .close()
            .map_err(|error| ApiError::internal(format!("the upload cannot be removed: {}", of_system(&error))))?;
        answer
    };
    permit.work(service, work).await.map(Json)
}

/// Prepares the clip of an upload as the training clips were.
fn prepare(model: &Model, upload: &Upload, limits: Limits, job: Job<'_>) -> Result<Arc<Dataset>, ApiError> {
    let limits = ClipLimits { frames: limits.frames, seconds: limits.seconds, ..ClipLimits::default() };
    let options =
        PrepareOptions { preprocessing: model.saved.facts.preprocessing, limits, ..PrepareOptions::default() };
    // Several pictures are one clip; a single file may be anything.
    let paths = match upload.files.as_slice() {
        [only] => vec![only.clone()],
        _ => vec![upload.folder.path().to_owned()],
    };
    let mut prepared = None;
    let mut clips = 0;
    let outcome = each_clip(&paths, &options, job, |clip| {
        let clip = clip.map_err(|refused| {
            if refused.beyond_limits {
                ApiError::too_large(&refused.reason)
            } else {
                ApiError::clip(&refused.reason, without_flags(&refused.hint))
            }
        })?;
        clips += 1;
        prepared.get_or_insert_with(|| Arc::clone(clip.dataset));
        Ok::<(), ApiError>(())
    });
    outcome?;
    match prepared {
        Some(dataset) if clips == 1 => Ok(dataset),
        Some(_) => Err(ApiError::clip(format!("{clips} clips"), "send one at a time; only pictures may be several")),
        None => Err(ApiError::no_clip()),
    }
}

/// A hint less what only a command line can do: who sends a clip has none.
fn without_flags(hint: &str) -> String {
    let left: Vec<&str> = hint.split(", or ").filter(|part| !part.contains("--")).collect();
    if left.is_empty() { "check that the clip opens in a viewer".to_owned() } else { left.join(", or ") }
}

fn class_of(model: &Model, name: &str) -> Result<usize, ApiError> {
    let index = model.classes().iter().position(|class| class == name);
    index.ok_or_else(|| {
        ApiError::request("there is no such class", format!("the classes are {}", model.classes().join(", ")))
    })
}

fn known<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    let wrong = |error: QueryRejection| ApiError::request(error.body_text(), "/openapi.json lists the parameters");
    query.map(|Query(query)| query).map_err(wrong)
}

fn drawn_png(picture: &RgbImage) -> Result<String, ApiError> {
    let failed = |_| ApiError::internal("a picture cannot be written");
    png(picture).map(|bytes| data_uri("image/png", &bytes)).map_err(failed)
}

fn data_uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}
