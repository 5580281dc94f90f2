//! Parameters by name, out of and into a network and files, in PyTorch's names and layout.
//!
//! Our names follow the fields of the model, and inside the backbone its description, which for a ResNet has torchvision's:
//! `encoder.backbone.layer1.0.conv1.weight`, `encoder.pyramid.smooth2.bias`, `local.hidden.weight`. Running statistics
//! are among them; linear weights are `[outputs, inputs]`.

mod finite;
mod naming;
mod find;
mod pth;
mod recognise;
mod safetensors;
mod sha256;

pub use find::WeightsOf;
pub use finite::{finite, finite_in};
pub use naming::Naming;
pub use pth::read_pth;
pub use recognise::{LoadReport, Recognised, by_our_names, recognise};
pub use safetensors::{read_safetensors, read_words, to_safetensors};
pub use sha256::{hex, sha256};

use crate::Error;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// A tensor on the CPU, in PyTorch's layout.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Its name.
    pub name: String,
    /// Its shape; empty for a single number.
    pub shape: Vec<usize>,
    /// Its values, the last dimension fastest.
    pub values: Vec<f32>,
}

/// A parameter of a model, without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedParameter {
    /// Our name for it.
    pub name: String,
    /// burn's mark of it, by which optimisers keep their state.
    pub id: ParamId,
    /// Its shape in PyTorch's layout.
    pub shape: Vec<usize>,
    /// Whether an optimiser changes it; false for running statistics and for what is frozen.
    pub trainable: bool,
}

/// Reads weights from a file of either kind: PyTorch's (`.pth`, `.pt`) or safetensors; its content says which.
///
/// # Errors
/// When the file cannot be read, is neither, or is broken.
pub fn read(path: &Path) -> Result<Vec<NamedTensor>, Error> {
    read_with_metadata(path).map(|(tensors, _)| tensors)
}

/// As [`read`], with the words that a safetensors file carries.
///
/// # Errors
/// As [`read`].
pub fn read_with_metadata(path: &Path) -> Result<(Vec<NamedTensor>, BTreeMap<String, String>), Error> {
    is_file(path)?;
    match pth::is_pth(path)? {
        true => Ok((read_pth(path)?, BTreeMap::new())),
        false => read_safetensors(path),
    }
}

/// Refuses what is no file, for instance a device that never ends.
fn is_file(path: &Path) -> Result<(), Error> {
    let found = std::fs::metadata(path).map_err(|source| Error::WeightsFile { path: path.to_owned(), source })?;
    let reason = "it is no file".to_owned();
    if found.is_file() { Ok(()) } else { Err(Error::BrokenWeights { path: path.to_owned(), reason }) }
}

/// Every tensor of a model, running statistics included, in the order in which the model holds them.
#[must_use]
pub fn to_tensors<M: Module>(module: &M, naming: Naming) -> Vec<NamedTensor> {
    let mut tensors = Vec::new();
    visit(module, |name, tensor| {
        let Data { shape, values } = tensor.read();
        tensors.push(NamedTensor { name: naming.name(name), shape, values });
    });
    tensors
}

/// Lets tensors go a part of the way to those of the same name; others stay.
///
/// - `momentum`: the share of themselves that they keep
pub fn approach(tensors: &mut [NamedTensor], others: &[NamedTensor], momentum: f64) {
    let others: HashMap<&str, &[f32]> =
        others.iter().map(|tensor| (tensor.name.as_str(), tensor.values.as_slice())).collect();
    for tensor in tensors {
        let Some(values) = others.get(tensor.name.as_str()) else { continue };
        for (own, new) in tensor.values.iter_mut().zip(*values) {
            *own = momentum.mul_add(f64::from(*own), (1.0 - momentum) * f64::from(*new)) as f32;
        }
    }
}

/// Hands out what [`to_tensors`] gives, by our names, a piece after the other, so that none of the tensors is copied
/// whole.
///
/// - `largest`: values of a piece, if one row of a matrix has no more
pub fn each_piece<M: Module>(module: &M, largest: usize, mut each: impl FnMut(&str, &[f32])) {
    visit(module, |name, tensor| tensor.read_pieces(largest, &mut |values| each(name, values)));
}

/// What every tensor of a model is called, in the order of [`to_tensors`].
#[must_use]
pub fn parameters<M: Module>(module: &M) -> Vec<NamedParameter> {
    let mut parameters = Vec::new();
    visit(module, |name, tensor| {
        parameters.push(NamedParameter {
            name: name.to_owned(),
            id: tensor.id(),
            shape: tensor.shape(),
            trainable: tensor.trainable(),
        });
    });
    parameters
}

/// Puts tensors into a model by name; tensors that the model does not have are left alone.
///
/// What was frozen stays frozen, and the model stays on its device.
///
/// # Errors
/// When a tensor that the model has is missing or has another shape.
pub fn from_tensors<M: Module>(module: M, tensors: &[NamedTensor], naming: Naming) -> Result<M, Error> {
    load(module, tensors, naming, Absent::Fails)
}

/// As [`from_tensors`], but what is not among the tensors stays as it is.
///
/// # Errors
/// When a tensor has another shape.
pub fn put<M: Module>(module: M, tensors: &[NamedTensor], naming: Naming) -> Result<M, Error> {
    load(module, tensors, naming, Absent::Stays)
}

fn load<M: Module>(module: M, tensors: &[NamedTensor], naming: Naming, absent: Absent) -> Result<M, Error> {
    let by_name = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let mut loader = Loader { path: Vec::new(), by_name, naming, absent, failure: None };
    let module = module.map(&mut loader);
    match loader.failure {
        Some(error) => Err(error),
        None => Ok(module),
    }
}

/// Freezes the parameters whose name (ours) `frozen` answers true for, and makes the others trainable.
#[must_use]
pub fn freeze<M: Module>(module: M, frozen: impl Fn(&str) -> bool) -> M {
    module.map(&mut Freezer { path: Vec::new(), frozen })
}

/// Shape and values in PyTorch's layout.
struct Data {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// A parameter of whatever rank.
trait AnyParameter {
    fn id(&self) -> ParamId;
    fn shape(&self) -> Vec<usize>;
    fn trainable(&self) -> bool;
    fn read(&self) -> Data;
    fn read_pieces(&self, largest: usize, each: &mut dyn FnMut(&[f32]));
}

impl<const D: usize> AnyParameter for Param<Tensor<D>> {
    fn id(&self) -> ParamId {
        self.id
    }

    fn shape(&self) -> Vec<usize> {
        turned(self.val().dims().to_vec())
    }

    fn trainable(&self) -> bool {
        self.val().is_require_grad()
    }

    fn read(&self) -> Data {
        data_of(self.val())
    }

    fn read_pieces(&self, largest: usize, each: &mut dyn FnMut(&[f32])) {
        let tensor = self.val();
        // Only matrices are large; their columns are rows in PyTorch's layout.
        let &[inputs, outputs] = &tensor.dims()[..] else { return each(&data_of(tensor).values) };
        let step = (largest / inputs.max(1)).max(1);
        for begin in (0..outputs).step_by(step) {
            let columns = step.min(outputs - begin);
            each(&data_of(tensor.clone().narrow(1, begin, columns)).values);
        }
    }
}

/// Linear weights, the only tensors of two dimensions, are stored the other way round than PyTorch's.
fn turned(mut shape: Vec<usize>) -> Vec<usize> {
    if shape.len() == 2 {
        shape.reverse();
    }
    shape
}

/// A tensor as it stands in a file: linear weights `[outputs, inputs]`.
#[must_use]
pub fn to_named<const D: usize>(name: &str, tensor: Tensor<D>) -> NamedTensor {
    let Data { shape, values } = data_of(tensor);
    NamedTensor { name: name.to_owned(), shape, values }
}

/// The reverse of [`to_named`]; the shape must have `D` dimensions.
///
/// # Errors
/// When it has not.
pub fn from_named<const D: usize>(tensor: &NamedTensor, device: &burn::tensor::Device) -> Result<Tensor<D>, Error> {
    let shape = turned(tensor.shape.clone());
    let wrong = || Error::TensorShape { name: tensor.name.clone(), found: tensor.shape.clone(), expected: vec![0; D] };
    let dims: [usize; D] = tensor.shape.clone().try_into().map_err(|_| wrong())?;
    if dims.iter().product::<usize>() != tensor.values.len() {
        return Err(wrong());
    }
    let values = turn(&tensor.values, &tensor.shape);
    Ok(Tensor::from_data(TensorData::new(values.into_owned(), shape), device))
}

fn data_of<const D: usize>(tensor: Tensor<D>) -> Data {
    let shape = tensor.dims().to_vec();
    let values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
    Data { values: turn(&values, &shape).into_owned(), shape: turned(shape) }
}

/// Transposes the values of a matrix of `shape`; other tensors stay as they are.
fn turn<'a>(values: &'a [f32], shape: &[usize]) -> Cow<'a, [f32]> {
    let &[rows, columns] = shape else { return Cow::Borrowed(values) };
    let mut result = vec![0.0; values.len()];
    // Tiles keep both sides in the cache; the flattened projectors are large.
    const TILE: usize = 64;
    for first_row in (0..rows).step_by(TILE) {
        for first_column in (0..columns).step_by(TILE) {
            for row in first_row..rows.min(first_row + TILE) {
                for column in first_column..columns.min(first_column + TILE) {
                    result[column * rows + row] = values[row * columns + column];
                }
            }
        }
    }
    Cow::Owned(result)
}

fn visit<M: Module>(module: &M, each: impl FnMut(&str, &dyn AnyParameter)) {
    struct Visitor<F> {
        path: Vec<String>,
        each: F,
    }
    impl<F: FnMut(&str, &dyn AnyParameter)> ModuleVisitor for Visitor<F> {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            (self.each)(&self.path.join("."), param);
        }
    }
    module.visit(&mut Visitor { path: Vec::new(), each });
}

/// What a parameter does for which there is no tensor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    Fails,
    Stays,
}

struct Loader<'a> {
    path: Vec<String>,
    by_name: HashMap<&'a str, &'a NamedTensor>,
    naming: Naming,
    absent: Absent,
    failure: Option<Error>,
}

impl Loader<'_> {
    /// `None` where the parameter stays as it is.
    fn load<const D: usize>(&self, param: &Param<Tensor<D>>) -> Result<Option<Tensor<D>>, Error> {
        let name = self.naming.name(&self.path.join("."));
        let Some(tensor) = self.by_name.get(name.as_str()) else {
            return if self.absent == Absent::Stays { Ok(None) } else { Err(Error::NoTensor { name }) };
        };
        let expected = turned(param.val().dims().to_vec());
        if tensor.shape != expected {
            return Err(Error::TensorShape { name, found: tensor.shape.clone(), expected });
        }
        from_named(tensor, &param.val().device()).map(Some)
    }
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failure.is_some() {
            return param;
        }
        match self.load(&param) {
            Ok(None) => param,
            Ok(Some(tensor)) => {
                let id = param.id;
                param.transform_for_load(tensor, id)
            }
            Err(error) => {
                self.failure = Some(error);
                param
            }
        }
    }
}

struct Freezer<F> {
    path: Vec<String>,
    frozen: F,
}

impl<F: Fn(&str) -> bool> ModuleMapper for Freezer<F> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let frozen = (self.frozen)(&self.path.join("."));
        param.set_require_grad(!frozen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::Init;
    use crate::layers::Linear;
    use burn::tensor::Device;
    use hico_data::Seed;

    #[test]
    fn pieces_are_the_tensors_in_their_order() {
        let linear = Linear::new(&Init::new(&Device::flex(), Seed(3)), 5, 7);
        let whole: Vec<f32> = to_tensors(&linear, Naming::Ours).into_iter().flat_map(|tensor| tensor.values).collect();
        for largest in [1, 5, 14, 17, 35, 1000] {
            let (mut pieces, mut longest) = (Vec::new(), 0);
            each_piece(&linear, largest, |_, values| {
                longest = longest.max(values.len());
                pieces.extend_from_slice(values);
            });
            assert_eq!(pieces, whole, "{largest}");
            assert!(longest <= largest.max(7), "{longest} of {largest}");
        }
    }
}
