//! Writes compressed frames, each by the plainest encoder there can be, and little JPEG 2000 streams as they are.

/// RLE: each byte plane as literal runs.
///
/// - `planes`: `[samples * bytes, pixels]`, high bytes first
pub(crate) fn rle(planes: &[Vec<u8>]) -> Vec<u8> {
    let packed: Vec<Vec<u8>> = planes
        .iter()
        .map(|plane| {
            let runs =
                plane.chunks(128).flat_map(|run| std::iter::once(run.len() as u8 - 1).chain(run.iter().copied()));
            let mut bytes: Vec<u8> = runs.collect();
            bytes.resize(bytes.len().next_multiple_of(2), 0);
            bytes
        })
        .collect();
    let mut header = vec![planes.len() as u32];
    let mut at = 64;
    for bytes in &packed {
        header.push(at);
        at += bytes.len() as u32;
    }
    header.resize(16, 0);
    header.iter().flat_map(|word| word.to_le_bytes()).chain(packed.concat()).collect()
}

/// A lossless JPEG (process 14, predictor 1), all categories coded in 5 bits.
///
/// - `values`: `[height, width, samples]`
/// - `names`: of the samples
pub(crate) fn lossless(values: &[u16], width: usize, precision: u32, names: &[u8]) -> Vec<u8> {
    let samples = names.len();
    let height = values.len() / width / samples;
    let mut data = vec![0xff, 0xd8, 0xff, 0xc4, 0, 36, 0, 0, 0, 0, 0, 17];
    data.extend([0; 11]);
    data.extend(0..17);
    data.extend([
        0xff,
        0xc3,
        0,
        8 + 3 * samples as u8,
        precision as u8,
        0,
        height as u8,
        0,
        width as u8,
        samples as u8,
    ]);
    names.iter().for_each(|name| data.extend([*name, 0x11, 0]));
    data.extend([0xff, 0xda, 0, 6 + 2 * samples as u8, samples as u8]);
    names.iter().for_each(|name| data.extend([*name, 0]));
    data.extend([1, 0, 0]);
    let mut bits = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let (pixel, back) = (at / samples, |pixels: usize| values[at - pixels * samples]);
        let predicted = match (pixel % width, pixel / width) {
            (0, 0) => 1 << (precision - 1),
            (0, _) => back(width),
            _ => back(1),
        };
        let difference = value.wrapping_sub(predicted) as i16;
        let category = 16 - difference.unsigned_abs().leading_zeros();
        bits.extend((0..5).rev().map(|bit| category >> bit & 1 == 1));
        if category < 16 {
            let low = if difference < 0 { difference - 1 } else { difference };
            bits.extend((0..category).rev().map(|bit| low >> bit & 1 == 1));
        }
    }
    bits.resize(bits.len().next_multiple_of(8), true);
    for byte in bits.chunks(8) {
        let byte = byte.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        data.push(byte);
        data.extend((byte == 0xff).then_some(0));
    }
    data.extend([0xff, 0xd9]);
    data
}

/// 16x16 pixels, `9 row + 6 column`, in one tile: lossless JPEG 2000.
pub(crate) const ONE: &str = "ff4fff510029000000000010000000100000000000000000000000100000001000000000000000000001070101ff52000c00000001000204040001ff5c000a4040484850484850ff90000a0000000000420001ff93df8088120f3502cfe2c2c4ea1dd2cff8ba889e7fc0f90241f38400221877bf037fb42fc07c2240f9030036a1843f3da6345b10dbffd9";

/// The same in four tiles.
pub(crate) const TILES: &str = "ff4fff510029000000000010000000100000000000000000000000080000000800000000000000000001070101ff52000c00000001000104040001ff5c00074040484850ff90000a00000000002f0001ff93df8080120bce6bff4d9cf6c9efa7d987b0b65fc07c21c0f902002218af037fdd5fff90000a00010000002e0001ff93cfb43c125c492a9ef378fac1b8a0392be43fc07c21c0f902002218af037fdd5fff90000a00020000002d0001ff93c7d41c10e22b4f3cf056c94a1e23481d1fc07c21c0f902002218af037fdd5fff90000a00030000002d0001ff93cfb4381f384078d10d5eb0fe3b03a8777ac07c21c0f902002218af037fdd5fffd9";

/// 16x16 pixels, the left half (200, 40, 30), the right one (20, 60, 220), lossy, mixed to luma and chroma.
pub(crate) const LOSSY: &str = "ff4fff51002f000000000010000000100000000000000000000000100000001000000000000000000003070101070101070101ff52000c00000001010204040000ff5c0011425f5250055005504757d357d35762ff90000a0000000000530001ff93c7c6242167f34749cf2ae8f7c7c6242213faa7216187ae68c7ca2813ff490bb070ce26af1480c38300172b9fc3830017d7a180c3e30c00216e0d18053ec3e014221a0f1805ffd9";

/// Bytes of hexadecimal digits.
pub(crate) fn bytes(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The same stream without the length of its last tile part.
pub(crate) fn open(stream: &[u8]) -> Vec<u8> {
    let mut stream = stream.to_vec();
    let at = stream.windows(4).rposition(|word| word == [0xff, 0x90, 0, 10]).unwrap();
    stream[at + 6..at + 10].fill(0);
    stream
}
