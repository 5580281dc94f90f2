//! Where tensors live and are computed: the CPU, or a GPU that this build was made for.

use crate::Error;
use burn::tensor::Device;
use std::fmt;
use std::str::FromStr;

/// A device as a person names it: `auto`, `cpu`, `wgpu`, `wgpu:1`, `cuda`, `cuda:1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeviceChoice {
    /// The first GPU that this build can reach, else the CPU.
    #[default]
    Auto,
    /// The CPU; the only choice whose results are the same bit for bit on every run.
    Cpu,
    /// A GPU by WebGPU or Vulkan, counted from 0 among the discrete ones; `None` is the system's own choice.
    Wgpu(Option<usize>),
    /// An NVIDIA GPU, counted from 0.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownDevice(text.to_owned());
        let (name, index) = match text.split_once(':') {
            Some((name, index)) => (name, Some(index.parse::<usize>().map_err(|_| unknown())?)),
            None => (text, None),
        };
        match (name, index) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("wgpu", index) => Ok(Self::Wgpu(index)),
            ("cuda", index) => Ok(Self::Cuda(index.unwrap_or(0))),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Cpu => formatter.write_str("cpu"),
            Self::Wgpu(None) => formatter.write_str("wgpu"),
            Self::Wgpu(Some(index)) => write!(formatter, "wgpu:{index}"),
            Self::Cuda(index) => write!(formatter, "cuda:{index}"),
        }
    }
}

impl DeviceChoice {
    /// The choice with `auto` settled: what [`Self::open`] opens, and what a run's record should name.
    #[must_use]
    pub fn resolve(self) -> Self {
        match self {
            Self::Auto if count_cuda() > 0 => Self::Cuda(0),
            Self::Auto if count_wgpu() > 0 => Self::Wgpu(None),
            Self::Auto => Self::Cpu,
            chosen => chosen,
        }
    }

    /// Opens the device, without automatic differentiation; call `.autodiff()` on it to train.
    ///
    /// # Errors
    /// When this build or this machine has no such device.
    pub fn open(self) -> Result<Device, Error> {
        match self.resolve() {
            Self::Auto | Self::Cpu => Ok(Device::flex()),
            chosen @ Self::Wgpu(index) => wgpu(chosen, index),
            chosen @ Self::Cuda(index) => cuda(chosen, index),
        }
    }
}

#[cfg(feature = "wgpu")]
fn count_wgpu() -> usize {
    Device::enumerate(burn::tensor::DeviceType::Wgpu).len()
}

#[cfg(not(feature = "wgpu"))]
const fn count_wgpu() -> usize {
    0
}

#[cfg(feature = "cuda")]
fn count_cuda() -> usize {
    Device::enumerate(burn::tensor::DeviceType::Cuda).len()
}

#[cfg(not(feature = "cuda"))]
const fn count_cuda() -> usize {
    0
}

#[cfg(feature = "wgpu")]
fn wgpu(device: DeviceChoice, index: Option<usize>) -> Result<Device, Error> {
    use burn::tensor::DeviceKind;
    let found = count_wgpu();
    if index.unwrap_or(0) >= found {
        return Err(Error::DeviceNotFound { device: device.to_string(), found });
    }
    Ok(Device::wgpu(index.map_or(DeviceKind::DefaultDevice, DeviceKind::DiscreteGpu)))
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(device: DeviceChoice, _index: Option<usize>) -> Result<Device, Error> {
    Err(Error::DeviceNotBuilt { device: device.to_string(), feature: "wgpu" })
}

#[cfg(feature = "cuda")]
fn cuda(device: DeviceChoice, index: usize) -> Result<Device, Error> {
    let found = count_cuda();
    if index >= found {
        return Err(Error::DeviceNotFound { device: device.to_string(), found });
    }
    Ok(Device::cuda(index))
}

#[cfg(not(feature = "cuda"))]
fn cuda(device: DeviceChoice, _index: usize) -> Result<Device, Error> {
    Err(Error::DeviceNotBuilt { device: device.to_string(), feature: "cuda" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_written_as_it_is_read() {
        for name in ["auto", "cpu", "wgpu", "wgpu:1", "cuda:0", "cuda:3"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
    }

    #[test]
    fn a_name_that_is_no_device_is_refused_with_what_it_may_be() {
        for name in ["", "gpu", "cpu:1", "cuda:", "cuda:-1", "wgpu:x"] {
            let error = name.parse::<DeviceChoice>().unwrap_err();
            assert!(error.to_string().contains("must be auto, cpu"), "{error}");
        }
    }

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "wgpu")))]
    fn a_device_that_was_not_built_in_is_refused_with_the_feature_it_needs() {
        let error = DeviceChoice::Cuda(0).open().unwrap_err();
        let Error::DeviceNotBuilt { device, feature } = error else { panic!("{error}") };
        assert_eq!((device.as_str(), feature), ("cuda:0", "cuda"));
        assert_eq!(DeviceChoice::Auto.resolve(), DeviceChoice::Cpu);
    }
}
