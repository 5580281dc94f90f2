//! The bytes of one frame → its values, by whichever decoder they are for.

use super::colour::{Colour, Photometric};
use super::jpeg_colour::Marks;
use super::layout::Layout;
use super::stored::Values;
use super::syntax::{Coding, Syntax, Writing};
use super::told::Told;
use super::{jpeg, jpeg_extended, jpeg_lossless, jpeg_ls, jpeg2000, native, rle};

/// Says what is learnt of a clip while its frames are decoded.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    pub(super) told: Told,
    /// Holds what the samples of a JPEG are, where only their values tell.
    colour: Option<Colour>,
}

/// Decodes one frame, colour to interleaved RGB.
pub(super) fn decode(bytes: Vec<u8>, layout: &Layout, syntax: Syntax, learnt: &mut Learnt) -> Result<Values, String> {
    let (shape, samples) = (layout.shape(), layout.samples());
    let header = layout.photometric.colour();
    match syntax.coding {
        Coding::Native => {
            let expected = layout.frame_bytes();
            if bytes.len() < expected {
                return Err(format!("{} bytes, expected {expected}", bytes.len()));
            }
            let mut bytes = bytes;
            bytes.truncate(expected);
            Ok(native::decode(bytes, layout, syntax.writing == Writing::ExplicitBig))
        }
        Coding::Rle => {
            let (planes, has_surplus) = rle::decode(&bytes, samples * layout.bytes, layout.pixels())?;
            if has_surplus {
                learnt.told.tell("RLE segments hold more bytes than there are pixels: they may be damaged");
            }
            Ok(native::of_planes(&planes, layout))
        }
        Coding::Jpeg if jpeg_extended::is_12_bits(&bytes) => {
            Ok(native::of_words(fitting(jpeg_extended::decode(&bytes, shape)?, 12, layout)?, layout, false))
        }
        Coding::Jpeg => {
            let picture = jpeg::decode(&bytes, shape, header, &mut learnt.colour)?;
            if samples == 3 {
                learnt.compare(header, picture.colour, "JPEG");
            }
            picture.told.into_iter().for_each(|fact| learnt.told.tell(fact));
            Ok(match layout.bytes {
                1 => Values::Bytes(picture.pixels),
                _ => Values::Words(picture.pixels.into_iter().map(u16::from).collect()),
            })
        }
        Coding::JpegLossless => {
            let picture = jpeg_lossless::decode(&bytes, shape)?;
            let ybr = learnt.is_ybr(&bytes, layout, "lossless JPEG");
            Ok(native::of_words(fitting(picture.values, picture.bits, layout)?, layout, ybr))
        }
        Coding::JpegLs => {
            let (values, bits) = jpeg_ls::decode(&bytes, shape)?;
            let ybr = learnt.is_ybr(&bytes, layout, "JPEG-LS");
            Ok(native::of_words(fitting(values, bits, layout)?, layout, ybr))
        }
        Coding::Jpeg2000 => {
            let picture = jpeg2000::decode(&bytes, shape)?;
            let values = fitting(picture.values, picture.bits, layout)?;
            let ybr = layout.photometric.is_ybr() && !picture.transformed;
            match (layout.photometric, picture.transformed) {
                // The decoder undoes the transform; what the header calls the samples is what they were in the stream.
                (Photometric::YbrFull | Photometric::YbrFull422, true) => {
                    learnt.compare(Colour::Ybr, Colour::Rgb, "JPEG 2000");
                }
                (Photometric::Rgb, true) => {
                    learnt
                        .told
                        .tell("the header says RGB, the JPEG 2000 holds YBR_RCT or YBR_ICT: read by the JPEG 2000");
                }
                (Photometric::YbrOfJpeg2000, false) => {
                    learnt
                        .told
                        .tell("the header says YBR_RCT or YBR_ICT, the JPEG 2000 is not transformed: read as RGB");
                }
                _ => {}
            }
            Ok(native::of_words(values, layout, ybr))
        }
        Coding::Video(name) => Err(format!("{name} is decoded as a whole")),
    }
}

/// Refuses values for which the header has no room.
fn fitting(values: Vec<u16>, bits: u32, layout: &Layout) -> Result<Vec<u16>, String> {
    let room = layout.bytes * 8;
    if bits as usize > room {
        return Err(format!("{bits} bits a sample, the header has room for {room}"));
    }
    Ok(values)
}

impl Learnt {
    /// - `told`: what the header told
    pub(super) fn beyond(told: Told) -> Self {
        Self { told, colour: None }
    }

    /// Tells where header and stream differ.
    fn compare(&mut self, header: Colour, stream: Colour, what: &str) {
        if header != stream {
            let (header, stream) = (header.name(), stream.name());
            self.told.tell(format!("the header says {header}, the {what} holds {stream}: read as {stream}"));
        }
    }

    /// Tells whether the samples of a lossless stream are luma and chroma; told where the header says another thing.
    fn is_ybr(&mut self, stream: &[u8], layout: &Layout, what: &str) -> bool {
        if layout.samples() != 3 {
            return false;
        }
        let header = if layout.photometric.is_ybr() { Colour::Ybr } else { Colour::Rgb };
        let found = Marks::of_lossless(stream).colour(header).unwrap_or(header);
        self.compare(header, found, what);
        found == Colour::Ybr
    }
}
