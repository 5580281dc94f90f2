//! A body of `multipart/form-data` → files in a temporary folder, without ever holding much of it in memory.

use crate::api_error::{ApiError, of_system};
use crate::config::Limits;
use axum::RequestExt as _;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, Multipart, Request};
use axum::http::{StatusCode, header};
use futures_core::Stream;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

/// Name of the part that holds a file.
const FIELD: &str = "file";

/// Bytes of the names and headers of one part, at most: what tells of a file is short.
const HEADERS: u64 = 16 << 10;

/// An uploaded clip: one file, or the frames of one clip in their order.
#[derive(Debug)]
pub(crate) struct Upload {
    /// How the sender calls the (first) file; for the answer alone.
    pub(crate) name: String,
    /// What was stored, below `folder`.
    pub(crate) files: Vec<PathBuf>,
    /// Bytes of all files.
    pub(crate) bytes: u64,
    /// Where it lies; removed with it.
    pub(crate) folder: TempDir,
}

/// Stores what a request brings.
pub(crate) async fn receive(request: Request, limits: Limits) -> Result<Upload, ApiError> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limits.body_bytes) {
        return Err(too_long(limits));
    }
    let allowed = Arc::new(AtomicU64::new(HEADERS));
    let measured = |body: Body| Measured { body: body.into_data_stream(), allowed: Arc::clone(&allowed), rest: false };
    let mut request = request.map(|body| Body::from_stream(measured(body)));
    DefaultBodyLimit::max(usize::try_from(limits.body_bytes).unwrap_or(usize::MAX)).apply(&mut request);
    let mut form: Multipart = request.extract().await.map_err(|_| {
        ApiError::request("the body is no multipart/form-data", "for instance: curl -F file=@clip.mp4 URL")
    })?;
    let broken = |error: MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_long(limits),
        _ => ApiError::request("the body is no whole multipart/form-data", "send it again; it may have been cut short"),
    };
    let folder = TempDir::with_prefix("hico-upload-").map_err(|error| unstored(&error))?;
    let mut upload = Upload { name: String::new(), files: Vec::new(), bytes: 0, folder };
    loop {
        allowed.store(HEADERS, Ordering::Relaxed);
        let Some(mut field) = form.next_field().await.map_err(broken)? else { break };
        allowed.store(u64::MAX, Ordering::Relaxed);
        if field.name() != Some(FIELD) {
            let hint = "send clips as parts of this name, and everything else in the query";
            return Err(ApiError::request(format!("a part is not named {FIELD:?}"), hint));
        }
        if upload.files.len() >= limits.frames {
            return Err(ApiError::too_large(format!("more than {} files", limits.frames)));
        }
        if upload.files.is_empty() {
            upload.name = field.file_name().unwrap_or(FIELD).to_owned();
        }
        // Numbers keep the order, and nothing of a name but its suffix reaches the disk.
        let name = format!("{:06}{}", upload.files.len(), suffix(field.file_name().unwrap_or_default()));
        let path = upload.folder.path().join(name);
        let mut file = tokio::fs::File::create_new(&path).await.map_err(|error| unstored(&error))?;
        while let Some(bytes) = field.chunk().await.map_err(broken)? {
            upload.bytes += bytes.len() as u64;
            file.write_all(&bytes).await.map_err(|error| unstored(&error))?;
        }
        file.flush().await.map_err(|error| unstored(&error))?;
        upload.files.push(path);
    }
    if upload.files.is_empty() {
        return Err(ApiError::request(
            format!("no part is named {FIELD:?}"),
            "for instance: curl -F file=@clip.mp4 URL",
        ));
    }
    Ok(upload)
}

/// As [`receive`], of a body that is there already.
pub(crate) async fn of_pieces(content_type: &str, pieces: Vec<Vec<u8>>, limits: Limits) -> Result<usize, String> {
    let body = Body::from_stream(Pieces(pieces.into_iter()));
    let request = Request::builder().header(header::CONTENT_TYPE, content_type).body(body);
    let upload = receive(request.map_err(|error| error.to_string())?, limits).await.map_err(|error| error.words())?;
    Ok(upload.files.len())
}

/// A body that comes in these pieces.
struct Pieces(std::vec::IntoIter<Vec<u8>>);

impl Stream for Pieces {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(|piece| Ok(piece.into())))
    }
}

/// The suffix of a name with its dot, in small letters; none where it is no plain word.
fn suffix(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, word)) if (1..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            format!(".{}", word.to_ascii_lowercase())
        }
        _ => String::new(),
    }
}

fn unstored(error: &io::Error) -> ApiError {
    ApiError::internal(format!("the upload cannot be stored: {}", of_system(error)))
}

fn too_long(limits: Limits) -> ApiError {
    ApiError::too_large(format!("the body has more than {} bytes", limits.body_bytes))
}

/// A body that ends where the headers of a part are too long, and pauses after each piece: the form's reader takes all that is
/// ready before it hands on any, and would gather a whole file in memory.
struct Measured {
    body: BodyDataStream,
    /// Bytes that may come before the next file begins.
    allowed: Arc<AtomicU64>,
    /// Whether the last answer was a piece.
    rest: bool,
}

impl Stream for Measured {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rest) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = ready!(Pin::new(&mut self.body).poll_next(context));
        let Some(Ok(piece)) = &next else { return Poll::Ready(next) };
        self.rest = true;
        // The piece that ends the headers may begin a file, so it is let through whole; the next is not.
        let allowed = self.allowed.load(Ordering::Relaxed);
        if allowed == 0 {
            return Poll::Ready(Some(Err(axum::Error::new(io::Error::other("headers too long")))));
        }
        if allowed != u64::MAX {
            self.allowed.store(allowed.saturating_sub(piece.len() as u64), Ordering::Relaxed);
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use super::suffix;

    #[test]
    fn of_a_name_nothing_but_a_plain_suffix_is_kept() {
        assert_eq!(suffix("Doe^Jane.MP4"), ".mp4");
        for name in ["", "IM0001", "a.", "a.b/c", "a.mp4\\0", "../x", "a.waytoolongone"] {
            assert_eq!(suffix(name), "", "{name}");
        }
    }
}
