//! A body that can be read to its end by someone else: who is refused hears why only after sending all of it.

use axum::body::{Body, BodyDataStream, Bytes};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// What is read of a body that is refused, at most; who sends more may find the connection broken.
const BYTES: u64 = 16 << 20;
const TIME: Duration = Duration::from_secs(2);

/// A body in two hands.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Mutex<BodyDataStream>>);

impl Shared {
    pub(crate) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(body.into_data_stream())))
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        match self.0.lock() {
            Ok(mut body) => Pin::new(&mut *body).poll_next(context),
            // Whoever held it panicked, and reads no more.
            Err(_) => Poll::Ready(None),
        }
    }

    /// Reads and forgets what is left, within bounds.
    pub(crate) async fn forget(&self) {
        let mut left = BYTES;
        let reading = async {
            while let Some(Ok(bytes)) = poll_fn(|context| self.poll(context)).await {
                left = left.saturating_sub(bytes.len() as u64);
                if left == 0 {
                    break;
                }
            }
        };
        tokio::time::timeout(TIME, reading).await.ok();
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}
