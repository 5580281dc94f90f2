//! The objects that a pickle of arrays makes.

use super::array::{Array, Dtype};
use super::data::Data;
use crate::pickle_fault::PickleFault;

/// Number of an object.
pub(super) type Id = usize;

/// An object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Text; held as UTF-8.
    Text(Data),
    Bytes(Data),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Dtype(Dtype),
    /// An array without its content.
    Blank,
    Array(Box<Array>),
}

/// All that a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    Reconstruct,
    FromBuffer,
    Scalar,
    Ndarray,
    Dtype,
    Encode,
    Bytes,
}

impl Global {
    pub(super) fn named(module: &str, name: &str) -> Result<Self, PickleFault> {
        match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Ok(Self::Reconstruct),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Ok(Self::Scalar),
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Ok(Self::FromBuffer),
            ("numpy", "ndarray") => Ok(Self::Ndarray),
            ("numpy", "dtype") => Ok(Self::Dtype),
            ("_codecs", "encode") => Ok(Self::Encode),
            ("__builtin__" | "builtins", "bytes") => Ok(Self::Bytes),
            _ => {
                let name = format!("{module}.{name}");
                let plain = |letter: char| if letter.is_control() { '?' } else { letter };
                Err(PickleFault::Forbidden { name: name.chars().take(80).map(plain).collect() })
            }
        }
    }
}

/// The objects of a pickle, and which of them it is. Several pickles in one file are a list of them.
#[derive(Debug)]
pub(super) struct Objects {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Id,
}
