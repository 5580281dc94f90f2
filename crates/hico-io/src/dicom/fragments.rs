//! Compressed pixels: items of a file → the pieces of each frame (DICOM PS3.5, annex A.4).

use super::source::ReadSeek;
use crate::dicom_fault::Fault;
use std::io::SeekFrom;

/// Items of one file.
const MOST: usize = 1 << 20;

/// Bytes of a table of offsets.
const LONGEST_TABLE: u64 = 4 << 20;

/// Says where some bytes lie in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// The items of a file behind the table of offsets.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// The basic offset table; empty where none is given.
    offsets: Vec<u64>,
    /// The place where the first item behind the table begins.
    base: u64,
    pub(super) pieces: Vec<Piece>,
    /// True where the file ends within them.
    pub(super) cut: bool,
}

impl Fragments {
    /// - `offset`: of the first item
    pub(super) fn read(source: &mut dyn ReadSeek, offset: u64) -> Result<Self, Fault> {
        let said = |error: std::io::Error| Fault::Pixels { said: error.to_string() };
        let end = source.seek(SeekFrom::End(0)).map_err(said)?;
        let mut fragments = Self::default();
        let (mut at, mut is_table) = (offset, true);
        loop {
            let mut head = [0; 8];
            if at + 8 > end {
                fragments.cut = true;
                return Ok(fragments);
            }
            source.seek(SeekFrom::Start(at)).map_err(said)?;
            source.read_exact(&mut head).map_err(said)?;
            let [a, b, c, d, l0, l1, l2, l3] = head;
            let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
            match [a, b, c, d] {
                [0xfe, 0xff, 0x00, 0xe0] => {}
                [0xfe, 0xff, 0xdd, 0xe0] => return Ok(fragments),
                _ if is_table => return Err(Fault::Pixels { said: "they are not in items".to_owned() }),
                _ => return Err(Fault::Pixels { said: format!("no item begins at byte {at}") }),
            }
            let piece = Piece { offset: at + 8, length: length.min(end - at - 8) };
            fragments.cut |= piece.length < length;
            at = piece.offset + piece.length;
            if is_table {
                fragments.base = at;
                if length <= LONGEST_TABLE && !fragments.cut {
                    let mut table = vec![0; length as usize];
                    source.read_exact(&mut table).map_err(said)?;
                    let offset = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
                    fragments.offsets = table.as_chunks::<4>().0.iter().map(offset).collect();
                }
                is_table = false;
            } else if !fragments.cut {
                fragments.pieces.push(piece);
            }
            if fragments.pieces.len() > MOST {
                return Err(Fault::Pixels { said: format!("more than {MOST} items") });
            }
        }
    }

    /// The pieces of each frame.
    ///
    /// - `frames`: announced, if they are
    /// - `extended`: the extended offset table, if there is one
    /// - `begins`: whether a piece begins as a frame does
    pub(super) fn frames(
        &self,
        frames: Option<usize>,
        extended: &[u64],
        mut begins: impl FnMut(Piece) -> bool,
    ) -> Result<Vec<Vec<Piece>>, Fault> {
        for table in [extended, &self.offsets] {
            if let Some(found) =
                self.by_offsets(table).filter(|found| frames.is_none_or(|frames| frames <= found.len()))
            {
                return Ok(found);
            }
        }
        if frames == Some(1) && !self.pieces.is_empty() {
            return Ok(vec![self.pieces.clone()]);
        }
        // A file that is cut short may hold the pieces of fewer frames.
        if frames.is_some_and(|frames| frames == self.pieces.len()) {
            return Ok(self.pieces.iter().map(|piece| vec![*piece]).collect());
        }
        let mut found: Vec<Vec<Piece>> = Vec::new();
        for piece in &self.pieces {
            match (begins(*piece), found.last_mut()) {
                (false, Some(frame)) => frame.push(*piece),
                (true, _) => found.push(vec![*piece]),
                (false, None) => return Err(Fault::Pixels { said: "their first item begins no frame".to_owned() }),
            }
        }
        Ok(found)
    }

    /// Pieces gathered by a table of offsets, if it points at pieces, one after the other.
    fn by_offsets(&self, offsets: &[u64]) -> Option<Vec<Vec<Piece>>> {
        let begin = |offset: &u64| {
            let at = self.base.checked_add(*offset)?.checked_add(8)?;
            self.pieces.binary_search_by_key(&at, |piece| piece.offset).ok()
        };
        // Offsets into what was cut off are those of the last frames.
        let mut begins = Vec::new();
        for offset in offsets {
            match begin(offset) {
                Some(place) if begins.last().is_none_or(|last| *last < place) => begins.push(place),
                None if self.cut && !begins.is_empty() => break,
                _ => return None,
            }
        }
        if begins.first() != Some(&0) {
            return None;
        }
        let ends = begins.iter().skip(1).copied().chain([self.pieces.len()]);
        Some(begins.iter().zip(ends).map(|(begin, end)| self.pieces[*begin..end].to_vec()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// Items of these bytes, the first one the table, and a delimiter.
    fn items(table: &[u32], pieces: &[&[u8]]) -> Vec<u8> {
        let table: Vec<u8> = table.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        let mut bytes = Vec::new();
        for item in std::iter::once(table.as_slice()).chain(pieces.iter().copied()) {
            bytes.extend([0xfe, 0xff, 0x00, 0xe0]);
            bytes.extend((item.len() as u32).to_le_bytes());
            bytes.extend(item);
        }
        bytes.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
        bytes
    }

    fn counts(bytes: &[u8], frames: Option<usize>, extended: &[u64]) -> Result<Vec<usize>, Fault> {
        let fragments = Fragments::read(&mut Cursor::new(bytes.to_vec()), 0)?;
        let begins = |piece: Piece| bytes[piece.offset as usize] == b'J';
        Ok(fragments.frames(frames, extended, begins)?.iter().map(Vec::len).collect())
    }

    const PIECES: [&[u8]; 4] = [b"J1", b"..", b"..", b"J2"];

    #[test]
    fn frames_are_gathered_by_any_table_or_by_how_they_begin() {
        let filled = items(&[0, 30], &PIECES);
        let empty = items(&[], &PIECES);
        for frames in [None, Some(2)] {
            assert_eq!(counts(&filled, frames, &[]).unwrap(), [3, 1]);
            assert_eq!(counts(&empty, frames, &[]).unwrap(), [3, 1]);
            assert_eq!(counts(&empty, frames, &[0, 30]).unwrap(), [3, 1]);
        }
        assert_eq!(counts(&empty, Some(1), &[]).unwrap(), [4]);
        assert_eq!(counts(&empty, Some(4), &[]).unwrap(), [1, 1, 1, 1]);
    }

    #[test]
    fn one_frame_may_be_in_several_pieces_whatever_is_announced() {
        let pieces = &PIECES[..3];
        for table in [&[][..], &[0]] {
            assert_eq!(counts(&items(table, pieces), None, &[]).unwrap(), [3]);
            assert_eq!(counts(&items(table, pieces), Some(1), &[]).unwrap(), [3]);
        }
    }

    #[test]
    fn a_table_that_points_elsewhere_is_not_believed() {
        assert_eq!(counts(&items(&[0, 31], &PIECES), Some(2), &[]).unwrap(), [3, 1]);
        assert_eq!(counts(&items(&[0, u32::MAX], &PIECES), Some(2), &[u64::MAX, 0]).unwrap(), [3, 1]);
    }

    #[test]
    fn a_file_cut_anywhere_keeps_its_whole_pieces() {
        let bytes = items(&[0, 30], &PIECES);
        for length in 0..bytes.len() {
            let fragments = Fragments::read(&mut Cursor::new(bytes[..length].to_vec()), 0).unwrap();
            assert!(fragments.cut);
            assert_eq!(fragments.pieces.len(), length.saturating_sub(16) / 10, "{length}");
        }
        assert!(Fragments::read(&mut Cursor::new(b"no items at all".to_vec()), 0).is_err());
    }
}
