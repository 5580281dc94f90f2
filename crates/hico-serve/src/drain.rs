//! Drains request bodies that nobody reads to their end, so that clients that send all before they read get the response.

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// What is read of such a body, at most; who sends more may find the connection broken.
const BYTES: u64 = 16 << 20;
const TIME: Duration = Duration::from_secs(2);

/// The same body; what is left of it when it is dropped is read and forgotten, within bounds.
pub(crate) fn drained(body: Body) -> Body {
    Body::from_stream(Drained(Some(body.into_data_stream())))
}

struct Drained(Option<BodyDataStream>);

impl Stream for Drained {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_next(context))
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let (Some(mut body), Ok(runtime)) = (self.0.take(), Handle::try_current()) else { return };
        if body.is_end_stream() {
            return;
        }
        runtime.spawn(timeout(TIME, async move {
            let mut left = BYTES;
            while left > 0
                && let Some(Ok(bytes)) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await
            {
                left = left.saturating_sub(bytes.len() as u64);
            }
        }));
    }
}
