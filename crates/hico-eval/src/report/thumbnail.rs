//! Example frames of a data set as small PNG pictures inside the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hico_data::{Channels, Dataset, Frame, inspect};
use image::codecs::png::{CompressionType, FilterType as Filter, PngEncoder};
use image::imageops::{FilterType, resize};
use image::{ExtendedColorType, ImageBuffer, ImageEncoder as _, Luma, Rgb};

/// Longest side of a thumbnail, pixels.
const SIDE: u32 = 112;

/// One example.
#[derive(Debug)]
pub(crate) struct Example {
    /// The clip.
    pub(crate) clip: String,
    /// Its group.
    pub(crate) group: String,
    /// A `data:` address.
    pub(crate) picture: String,
}

/// The middle frames of up to `most` clips of a class (`None`: without a label), each of another group where there are
/// enough. Clips that cannot be read are passed over.
pub(crate) fn examples(dataset: &Dataset, class: Option<&str>, most: usize) -> Vec<Example> {
    let picked = inspect::examples(dataset, class, most.saturating_mul(2)).into_iter();
    picked.filter_map(|clip| example(dataset, clip)).take(most).collect()
}

/// The middle frame of one clip.
pub(crate) fn example(dataset: &Dataset, clip: usize) -> Option<Example> {
    let row = dataset.row(clip);
    let frame = dataset.read_frame(clip, row.frames / 2).ok()?;
    Some(Example { clip: row.clip.clone(), group: row.group.clone(), picture: picture(frame, SIDE)? })
}

/// A frame, shrunk and written as PNG, as a `data:` address; `None` where it has no pixels.
///
/// - `most`: its longest side, pixels
pub(crate) fn picture(frame: Frame, most: u32) -> Option<String> {
    let [height, width] = [frame.size.height, frame.size.width].map(|side| u32::try_from(side).ok());
    let (height, width) = (height?, width?);
    let longest = height.max(width);
    if height == 0 || width == 0 {
        return None;
    }
    let shrunk = |side: u32| if longest > most { (side * most / longest).max(1) } else { side };
    let (small_width, small_height) = (shrunk(width), shrunk(height));
    let (bytes, colour) = match frame.channels {
        Channels::Grey => {
            let grey = ImageBuffer::<Luma<u8>, _>::from_raw(width, height, frame.pixels)?;
            (resize(&grey, small_width, small_height, FilterType::Triangle).into_raw(), ExtendedColorType::L8)
        }
        Channels::Rgb => {
            let rgb = ImageBuffer::<Rgb<u8>, _>::from_raw(width, height, frame.pixels)?;
            (resize(&rgb, small_width, small_height, FilterType::Triangle).into_raw(), ExtendedColorType::Rgb8)
        }
    };
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, Filter::Adaptive);
    encoder.write_image(&bytes, small_width, small_height, colour).ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(png)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::Size;

    #[test]
    fn a_thumbnail_is_a_png_of_the_same_proportions() {
        let frame = |height, width, channels: Channels| Frame {
            size: Size { height, width },
            channels,
            pixels: vec![128; height * width * channels.count()],
        };
        for (height, width, channels, expected) in [
            (200, 400, Channels::Grey, (112, 56)),
            (300, 150, Channels::Rgb, (56, 112)),
            (8, 5, Channels::Grey, (5, 8)),
        ] {
            let picture = picture(frame(height, width, channels), SIDE).unwrap();
            let png = STANDARD.decode(picture.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
            let image = image::load_from_memory(&png).unwrap();
            assert_eq!((image.width(), image.height()), expected);
            assert!(image.to_luma8().pixels().all(|pixel| pixel.0[0] == 128));
        }
        assert!(picture(frame(0, 4, Channels::Grey), SIDE).is_none());
    }
}
