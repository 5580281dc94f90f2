//! Resizing as PIL does it: a triangle filter, widened when shrinking (antialiased), on bytes, in two passes.
//!
//! The convolution is `fast_image_resize`'s, which goes down first and then across, where PIL goes across first; each
//! rounds to bytes between the passes, so the two differ by at most one grey level.

use crate::clip::{Channels, Frame, Size};
use fast_image_resize::images::{CroppedImage, Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
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
#[expect(clippy::expect_used, reason = "the assertions above each call exclude every error it can return")]
pub fn bilinear(frame: &Frame, window: Window, size: Size) -> Cow<'_, Frame> {
    let Window { top, left, size: from } = window;
    assert_eq!(frame.pixels.len(), bytes(frame.size, frame.channels), "a frame's bytes");
    assert!(from.height > 0 && top + from.height <= frame.size.height, "{window:?} in {:?}", frame.size);
    assert!(from.width > 0 && left + from.width <= frame.size.width, "{window:?} in {:?}", frame.size);
    if window == Window::whole(size) && frame.size == size {
        return Cow::Borrowed(frame);
    }
    let kind = match frame.channels {
        Channels::Grey => PixelType::U8,
        Channels::Rgb => PixelType::U8x3,
    };
    let source =
        ImageRef::new(pixels(frame.size.width), pixels(frame.size.height), &frame.pixels, kind).expect("checked size");
    let source =
        CroppedImage::new(&source, pixels(left), pixels(top), pixels(from.width), pixels(from.height)).expect("inside");
    let mut resized = Image::new(pixels(size.width), pixels(size.height), kind);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false);
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize(&source, &mut resized, &options))
        .expect("both pictures have one pixel type");
    Cow::Owned(Frame { size, channels: frame.channels, pixels: resized.into_vec() })
}

const fn bytes(size: Size, channels: Channels) -> usize {
    size.height * size.width * channels.count()
}

/// A length in pixels; one beyond `u32` cannot belong to a frame that is in memory.
fn pixels(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
