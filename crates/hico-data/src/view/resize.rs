//! Resizing as PIL does it: a triangle filter, widened when shrinking (antialiased), on bytes, in two passes.
//!
//! The convolution is `fast_image_resize`'s, which goes down first and then across, where PIL goes across first; each
//! rounds to bytes between the passes, so the two differ by at most one grey level.

use crate::clip::{Channels, Frame, Size};
use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use std::borrow::Cow;
use std::cell::RefCell;

/// A rectangle of pixels in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows and columns.
    pub size: Size,
}

impl Window {
    /// The whole frame.
    #[must_use]
    pub const fn whole(size: Size) -> Self {
        Self { top: 0, left: 0, size }
    }
}

thread_local! {
    /// Holds the buffer between the two passes, so that it is allocated once a thread and not once a frame.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// The pixels of `window`, resized to `size`; nothing outside the window has any influence.
///
/// # Panics
/// When the frame's bytes are not `height * width * channels`, or the window is empty or not inside the frame.
#[must_use]
pub fn bilinear(frame: &Frame, window: Window, size: Size) -> Cow<'_, Frame> {
    let Window { top, left, size: from } = window;
    assert_eq!(frame.pixels.len(), bytes(frame.size, frame.channels), "a frame's bytes");
    assert!(from.height > 0 && top + from.height <= frame.size.height, "{window:?} in {:?}", frame.size);
    assert!(from.width > 0 && left + from.width <= frame.size.width, "{window:?} in {:?}", frame.size);
    if window == Window::whole(size) && frame.size == size {
        return Cow::Borrowed(frame);
    }
    let pixels = match frame.channels {
        Channels::Grey => resized::<U8>(&frame.pixels, frame.size, window, size),
        Channels::Rgb => resized::<U8x3>(&frame.pixels, frame.size, window, size),
    };
    Cow::Owned(Frame { size, channels: frame.channels, pixels })
}

/// Only the two kinds of pixel that there are: the untyped interface would compile the filter for every kind it knows.
#[expect(clippy::expect_used, reason = "the assertions of the caller exclude every error it can return")]
fn resized<P: PixelTrait>(bytes: &[u8], of: Size, window: Window, to: Size) -> Vec<u8> {
    let Window { top, left, size: from } = window;
    let source = TypedImageRef::<P>::from_buffer(pixels(of.width), pixels(of.height), bytes).expect("checked size");
    let source =
        TypedCroppedImage::from_ref(&source, pixels(left), pixels(top), pixels(from.width), pixels(from.height));
    let source = source.expect("inside");
    let mut bytes = vec![0; to.height * to.width * P::size()];
    let mut target = TypedImage::<P>::from_buffer(pixels(to.width), pixels(to.height), &mut bytes).expect("its size");
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false);
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize_typed(&source, &mut target, &options))
        .expect("a convolution of whole pictures");
    bytes
}

const fn bytes(size: Size, channels: Channels) -> usize {
    size.height * size.width * channels.count()
}

/// A length in pixels; one beyond `u32` cannot belong to a frame that is in memory.
fn pixels(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
