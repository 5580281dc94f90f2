//! Between burn's tensors and slices: taking tensors of the CPU engine apart, and putting results back into the graph.

use burn::tensor::Tensor;
use burn_autodiff::Autodiff;
use burn_backend::{AutodiffBackend, DType};
use burn_dispatch::{BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind};
use burn_flex::{Flex, FlexTensor, Layout};
use burn_std::{Bytes, Shape};

/// A tensor that a gradient may flow through.
pub(crate) type Tracked = <Autodiff<Flex> as burn_backend::BackendTypes>::FloatTensorPrimitive;

/// A tensor of the CPU engine, with or without differentiation.
#[derive(Debug, Clone)]
pub(crate) enum Handle {
    Plain(FlexTensor),
    Tracked(Tracked),
}

impl Handle {
    /// A plain tensor is a constant of the graph.
    pub(crate) fn tracked(self) -> Tracked {
        match self {
            Self::Plain(tensor) => <Autodiff<Flex> as AutodiffBackend>::from_inner(tensor),
            Self::Tracked(tensor) => tensor,
        }
    }

    /// The numbers alone.
    pub(crate) fn plain(self) -> FlexTensor {
        match self {
            Self::Plain(tensor) => tensor,
            Self::Tracked(tensor) => tensor.into_primitive(),
        }
    }
}

/// What [`open`] found besides the numbers.
pub(crate) type Context = DispatchAutodiffContext;

/// Takes a tensor apart; `None` where it is not one of 32-bit numbers on the CPU engine.
pub(crate) fn open<const D: usize>(tensor: Tensor<D>) -> Option<(Handle, Context)> {
    let DispatchTensor { kind, autodiff } = tensor.into_dispatch();
    let handle = match kind {
        DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => Handle::Plain(tensor),
        DispatchTensorKind::Autodiff(inner) => match *inner {
            DispatchTensorKind::Flex(BackendTensor::Autodiff(tensor)) => Handle::Tracked(tensor),
            _ => return None,
        },
        _ => return None,
    };
    (dtype(&handle) == DType::F32).then_some((handle, autodiff))
}

fn dtype(handle: &Handle) -> DType {
    use burn_backend::TensorMetadata as _;
    match handle {
        Handle::Plain(tensor) => tensor.dtype(),
        Handle::Tracked(tensor) => tensor.dtype(),
    }
}

/// Puts a tensor together again.
pub(crate) fn close<const D: usize>(handle: Handle, autodiff: Context) -> Tensor<D> {
    let kind = match handle {
        Handle::Plain(tensor) => DispatchTensorKind::Flex(BackendTensor::Float(tensor)),
        Handle::Tracked(tensor) => {
            DispatchTensorKind::Autodiff(Box::new(DispatchTensorKind::Flex(BackendTensor::Autodiff(tensor))))
        }
    };
    Tensor::from_dispatch(DispatchTensor { kind, autodiff })
}

/// The values, one after the other in the order of the indices.
pub(crate) fn contiguous(tensor: &FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

/// As [`contiguous`], without a second handle on values that are so already: they may then be overwritten in place.
pub(crate) fn own(tensor: FlexTensor) -> FlexTensor {
    let layout = tensor.layout();
    let all = layout.num_elements() * size_of::<f32>() == tensor.bytes().len();
    if all && layout.start_offset() == 0 && layout.is_contiguous() { tensor } else { contiguous(&tensor) }
}

/// A tensor of these values.
pub(crate) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape)), DType::F32)
}

/// The lengths of a tensor's axes.
pub(crate) fn dims<const D: usize>(tensor: &FlexTensor) -> [usize; D] {
    let shape = tensor.layout().shape();
    std::array::from_fn(|axis| shape[axis])
}
