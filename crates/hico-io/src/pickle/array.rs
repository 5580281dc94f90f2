//! A numpy array as a pickle has it: kind of numbers, shape, steps, and where its bytes are.

use super::data::{Data, Encoding};
use crate::pickle_fault::PickleFault;
use crate::words::quoted;

/// Most axes of an array.
pub(super) const MOST_AXES: usize = 8;

/// Says what the elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
    /// Letters of four bytes each.
    Unicode,
    /// Bytes.
    Text,
    /// Other Python objects.
    Object,
}

/// Kind, size and order of the bytes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dtype {
    pub(super) kind: Kind,
    /// Bytes of an element.
    pub(super) size: usize,
    pub(super) big_endian: bool,
}

impl Dtype {
    /// Reads a code as numpy writes it: `u1`, `<f4`, `U12`.
    pub(super) fn parse(code: &str) -> Result<Self, PickleFault> {
        let unknown =
            || PickleFault::Array { said: format!("of kind {}, which is none of pictures or labels", quoted(code)) };
        let big_endian = code.starts_with('>');
        let plain = code.trim_start_matches(['<', '>', '|', '=']);
        let mut letters = plain.chars();
        let letter = letters.next().ok_or_else(unknown)?;
        let count: usize = match letters.as_str() {
            "" if letter == '?' => 1,
            digits => digits.parse().map_err(|_| unknown())?,
        };
        let (kind, size) = match (letter, count) {
            ('b' | '?', 1) => (Kind::Bool, 1),
            ('i', 1 | 2 | 4 | 8) => (Kind::Signed, count),
            ('u', 1 | 2 | 4 | 8) => (Kind::Unsigned, count),
            ('f', 4 | 8) => (Kind::Float, count),
            ('U', 1..=1024) => (Kind::Unicode, 4 * count),
            ('S', 1..=1024) => (Kind::Text, count),
            ('O', 4 | 8) => (Kind::Object, count),
            _ => return Err(unknown()),
        };
        Ok(Self { kind, size, big_endian })
    }

    pub(super) const fn is_number(self) -> bool {
        matches!(self.kind, Kind::Bool | Kind::Signed | Kind::Unsigned | Kind::Float)
    }

    /// One element as a number; whole numbers beyond 2^53 are rounded. 0 where it is none or too short.
    pub(super) fn number(self, bytes: &[u8]) -> f64 {
        let mut wide = [0; 8];
        for (place, byte) in wide.iter_mut().zip(bytes.iter().take(self.size.min(8))) {
            *place = *byte;
        }
        if self.big_endian {
            wide[..self.size.min(8)].reverse();
        }
        let unsigned = u64::from_le_bytes(wide);
        let [a, b, c, d, ..] = wide;
        match (self.kind, self.size) {
            (Kind::Bool, _) => f64::from(wide[0] != 0),
            (Kind::Signed, size) => {
                let unused = 64 - 8 * u32::try_from(size.clamp(1, 8)).unwrap_or(8);
                ((unsigned << unused).cast_signed() >> unused) as f64
            }
            (Kind::Unsigned, _) => unsigned as f64,
            (Kind::Float, 4) => f64::from(f32::from_le_bytes([a, b, c, d])),
            (Kind::Float, _) => f64::from_bits(unsigned),
            (Kind::Unicode | Kind::Text | Kind::Object, _) => 0.0,
        }
    }

    /// One element as words, without the zeros that fill it up.
    pub(super) fn words(self, bytes: &[u8]) -> String {
        let letters = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
        let words = match self.kind {
            Kind::Unicode => bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|letter| if self.big_endian { u32::from_be_bytes(*letter) } else { u32::from_le_bytes(*letter) })
                .map(|letter| char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
            _ => letters(bytes),
        };
        words.trim_end_matches('\0').to_owned()
    }
}

/// Says which axis runs fastest in the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// The last one.
    C,
    /// The first one, as after numpy's `transpose`.
    Fortran,
    /// The bytes are an array in the order of C whose axes were then put in this order.
    Turned(Vec<usize>),
}

/// An array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Array {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// Elements from one place of an axis to the next one.
    pub(super) steps: Vec<usize>,
    pub(super) data: Data,
}

impl Array {
    /// An array whose bytes are as many as its shape says, as far as that can be known without decoding them.
    pub(super) fn new(dtype: Dtype, shape: Vec<usize>, order: &Order, data: Data) -> Result<Self, PickleFault> {
        let array = Self { dtype, shape, steps: Vec::new(), data };
        let wrong = || PickleFault::Array { said: format!("of shape {:?} with another number of bytes", array.shape) };
        let bytes = array.bytes().filter(|_| array.shape.len() <= MOST_AXES).ok_or_else(wrong)?;
        let fits = match &array.data {
            Data::Held(held) => held.len() as u64 == bytes,
            Data::InFile(extent) if extent.encoding == Encoding::Raw => extent.stored == bytes,
            // An encoding takes one to six bytes for one.
            Data::InFile(extent) => extent.stored >= bytes && extent.stored / 6 <= bytes,
        };
        if !fits {
            return Err(wrong());
        }
        let (steps, shape) = match order {
            Order::C => (steps(&array.shape), array.shape),
            Order::Fortran => {
                let turned: Vec<usize> = array.shape.iter().rev().copied().collect();
                (steps(&turned).into_iter().rev().collect(), array.shape)
            }
            Order::Turned(axes) => {
                let mut sorted = axes.clone();
                sorted.sort_unstable();
                if !sorted.into_iter().eq(0..array.shape.len()) {
                    return Err(PickleFault::Array { said: format!("with its axes in the order {axes:?}") });
                }
                let steps = steps(&array.shape);
                (axes.iter().map(|axis| steps[*axis]).collect(), axes.iter().map(|axis| array.shape[*axis]).collect())
            }
        };
        Ok(Self { shape, steps, ..array })
    }

    /// Tells whether the places of the first axis lie one after the other, each in one stretch.
    pub(super) fn is_stacked(&self) -> bool {
        self.len() <= 1 || self.steps.first() == Some(&self.shape[1..].iter().product())
    }

    /// Bytes that the shape asks for; `None` where not even its other axes could be multiplied were one of them 0.
    pub(super) fn bytes(&self) -> Option<u64> {
        let bytes = |axis: fn(&usize) -> usize| {
            self.shape.iter().map(axis).try_fold(self.dtype.size, usize::checked_mul).map(|bytes| bytes as u64)
        };
        bytes(|axis| (*axis).max(1)).and_then(|_| bytes(|axis| *axis))
    }

    /// Length of the first axis.
    pub(super) fn len(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }
}

/// Steps of a shape in the order of C; products of axes that [`Array::bytes`] has multiplied.
fn steps(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_size_and_order_are_read() {
        let number = |code: &str, bytes: &[u8]| Dtype::parse(code).unwrap().number(bytes);
        assert_eq!(number("u1", &[200]), 200.0);
        assert_eq!(number("|i1", &[0xfe]), -2.0);
        assert_eq!(number("<i2", &[0xfe, 0xff]), -2.0);
        assert_eq!(number(">i4", &[0xff, 0xff, 0xff, 0xfd]), -3.0);
        assert_eq!(number("i8", &(-5_i64).to_le_bytes()), -5.0);
        assert_eq!(number("<u8", &7_u64.to_le_bytes()), 7.0);
        assert_eq!(number(">f4", &0.5_f32.to_be_bytes()), 0.5);
        assert_eq!(number("f8", &(-0.25_f64).to_le_bytes()), -0.25);
        assert_eq!(number("b1", &[1]), 1.0);
        assert_eq!(Dtype::parse("<U2").unwrap().words(&[b'a', 0, 0, 0, 0, 0, 0, 0]), "a");
        assert_eq!(Dtype::parse("S3").unwrap().words(b"ab\0"), "ab");
        for code in ["", "M8[ns]", "f2", "U", "U999999999999999999999", "c8", "V4", "i3"] {
            assert!(Dtype::parse(code).is_err(), "{code}");
        }
    }

    #[test]
    fn a_shape_that_its_bytes_do_not_fill_is_refused() {
        let make = |shape: Vec<usize>, bytes: usize| {
            Array::new(Dtype::parse("u1").unwrap(), shape, &Order::C, Data::Held(vec![0; bytes].into()))
        };
        assert!(make(vec![2, 3], 6).is_ok());
        assert!(make(vec![2, 3], 5).is_err());
        assert!(make(vec![usize::MAX, usize::MAX, 2], 6).is_err());
        assert!(make(vec![0, usize::MAX, 2], 0).is_err());
        assert!(make(vec![1; 9], 1).is_err());
    }

    #[test]
    fn steps_follow_the_order() {
        let make = |order: &Order| {
            let array = Array::new(Dtype::parse("u1")?, vec![2, 3, 4], order, Data::Held(vec![0; 24].into()))?;
            Ok::<_, PickleFault>((array.is_stacked(), array.shape, array.steps))
        };
        assert_eq!(make(&Order::C).unwrap(), (true, vec![2, 3, 4], vec![12, 4, 1]));
        assert_eq!(make(&Order::Fortran).unwrap(), (false, vec![2, 3, 4], vec![1, 2, 6]));
        assert_eq!(make(&Order::Turned(vec![0, 2, 1])).unwrap(), (true, vec![2, 4, 3], vec![12, 1, 4]));
        assert_eq!(make(&Order::Turned(vec![1, 0, 2])).unwrap(), (false, vec![3, 2, 4], vec![4, 12, 1]));
        for axes in [vec![0, 1], vec![0, 1, 1], vec![0, 1, 3], vec![0, 1, 2, 3]] {
            assert!(make(&Order::Turned(axes)).is_err());
        }
    }
}
