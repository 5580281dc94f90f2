//! `hico audit --phi` on pictures with and without letters.

use crate::setting::{done, run, snapshot};
use std::path::Path;

const HEIGHT: usize = 120;
const WIDTH: usize = 200;

/// Rows of the letters D, O and E, five by seven pixels.
const LETTERS: [[u8; 7]; 3] = [
    [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110],
    [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111],
];

/// A picture as an uncompressed bitmap file: a dim slope, and with `words` two lines of letters on it.
fn picture(path: &Path, words: bool) {
    let mut pixels = vec![0_u8; HEIGHT * WIDTH * 3];
    for at in 0..HEIGHT * WIDTH {
        pixels[3 * at..3 * at + 3].fill((at % WIDTH / 4) as u8);
    }
    for (place, letter) in LETTERS.iter().cycle().take(if words { 18 } else { 0 }).enumerate() {
        for (row, bits) in letter.iter().enumerate() {
            for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                let (y, x) = (20 + 15 * (place / 9) + row, 10 + 7 * (place % 9) + column);
                pixels[3 * (y * WIDTH + x)..][..3].fill(240);
            }
        }
    }
    let mut file = b"BM".to_vec();
    let header = [(54 + pixels.len()) as u32, 0, 54, 40, WIDTH as u32, HEIGHT as u32, 1 | 24 << 16];
    file.extend(header.into_iter().chain([0, pixels.len() as u32, 0, 0, 0, 0]).flat_map(u32::to_le_bytes));
    // Bitmaps are written from the lowest row up.
    file.extend(pixels.chunks(WIDTH * 3).rev().flatten());
    std::fs::write(path, file).unwrap();
}

#[test]
fn a_picture_with_letters_is_suspected_in_its_folder_alone_and_in_a_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("clips")).unwrap();
    picture(&folder.join("clips/with.bmp"), true);
    picture(&folder.join("clips/without.bmp"), false);
    std::fs::write(folder.join("clips/broken.dcm"), [0; 20]).unwrap();
    let before = snapshot(folder);
    let seen = run(folder, ["audit", "clips", "--phi", "--strict", "--quiet"]);
    assert_eq!(seen.code, Some(3), "{}{}", seen.out, seen.err);
    assert!(seen.out.contains("2 clips, text suspected in 1, headers that identify 0, not searched 1"), "{}", seen.out);
    assert!(seen.out.contains("with.bmp") && !seen.out.contains("without.bmp"), "{}", seen.out);
    assert_eq!(snapshot(folder), before, "looking writes nothing");

    let alone = done(folder, "--json audit clips/without.bmp --phi --strict");
    assert!(alone.out.contains("\"suspected\": 0"), "{}", alone.out);
    done(folder, "audit clips/with.bmp --phi --html phi.html --sheet phi.png --quiet");
    let page = std::fs::read_to_string(folder.join("phi.html")).unwrap();
    assert!(page.contains("Text suspected in") && page.contains("data:image/png"));
    assert!(std::fs::read(folder.join("phi.png")).unwrap().starts_with(b"\x89PNG"));
    let again = run(folder, ["audit", "clips/with.bmp", "--phi", "--sheet", "phi.png"]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("phi.png: exists"), "{}", again.err);

    run(folder, ["ingest", "clips", "--stills", "each", "--side", "0", "--out", "data", "--quiet"]);
    let stored = run(folder, ["audit", "data", "--phi", "--strict"]);
    assert_eq!(stored.code, Some(3), "{}{}", stored.out, stored.err);
    assert!(stored.err.contains("the stored frames are searched"), "{}", stored.err);
}
