//! The parameters of layers, by the names that the description gives them and in its order, as burn's modules.

use super::layer::{After, ConvNorm, Layer, Named};
use burn::module::{Module, ModuleMapper, ModuleVisitor};
use burn::tensor::Device;

/// Is shown each layer with parameters.
pub(super) trait Look {
    fn look<M: Module>(&mut self, layer: &Named<M>);
}

/// Puts another in the place of each layer with parameters.
pub(super) trait Change {
    fn change<M: Module>(&mut self, layer: Named<M>) -> Named<M>;
}

/// Shows layers in the order of the description.
pub(super) fn look(layers: &[Layer], see: &mut impl Look) {
    for layer in layers {
        match layer {
            Layer::ConvNorm(layer) => {
                see.look(&layer.conv);
                see.look(&layer.norm);
            }
            Layer::Conv(conv) => see.look(conv),
            Layer::BatchNorm(norm) => see.look(norm),
            Layer::ChannelNorm(norm) => see.look(norm),
            Layer::Linear(linear) => see.look(linear),
            Layer::Scale(scale) => see.look(scale),
            Layer::Relu | Layer::Gelu | Layer::MaxPool(_) | Layer::Add(_) => {}
        }
        if let Some(branch) = layer.branch() {
            look(branch, see);
        }
    }
}

/// Changes layers in the order of the description.
pub(super) fn change(layers: Vec<Layer>, by: &mut impl Change) -> Vec<Layer> {
    let mut changed = Vec::with_capacity(layers.len());
    for layer in layers {
        changed.push(match layer {
            Layer::ConvNorm(layer) => {
                let ConvNorm { conv, norm, after, folded } = *layer;
                let (conv, norm) = (by.change(conv), by.change(norm));
                let after = match after {
                    After::AddRelu(branch) => After::AddRelu(change(branch, by)),
                    after @ (After::Nothing | After::Relu) => after,
                };
                Layer::ConvNorm(Box::new(ConvNorm { conv, norm, after, folded }))
            }
            Layer::Conv(conv) => Layer::Conv(by.change(conv)),
            Layer::BatchNorm(norm) => Layer::BatchNorm(Box::new(by.change(*norm))),
            Layer::ChannelNorm(norm) => Layer::ChannelNorm(by.change(norm)),
            Layer::Linear(linear) => Layer::Linear(by.change(linear)),
            Layer::Scale(scale) => Layer::Scale(by.change(scale)),
            Layer::Add(branch) => Layer::Add(change(branch, by)),
            other @ (Layer::Relu | Layer::Gelu | Layer::MaxPool(_)) => other,
        });
    }
    changed
}

/// What burn's visitors are told that holds a layer; its name is what counts.
const CONTAINER: &str = "Backbone";

pub(super) struct Visit<'v, V>(pub(super) &'v mut V);

impl<V: ModuleVisitor> Look for Visit<'_, V> {
    fn look<M: Module>(&mut self, Named { name, layer }: &Named<M>) {
        name.split('.').for_each(|part| self.0.enter_module(part, CONTAINER));
        layer.visit(self.0);
        name.rsplit('.').for_each(|part| self.0.exit_module(part, CONTAINER));
    }
}

pub(super) struct Map<'m, V>(pub(super) &'m mut V);

impl<V: ModuleMapper> Change for Map<'_, V> {
    fn change<M: Module>(&mut self, Named { name, layer }: Named<M>) -> Named<M> {
        name.split('.').for_each(|part| self.0.enter_module(part, CONTAINER));
        let layer = layer.map(self.0);
        name.rsplit('.').for_each(|part| self.0.exit_module(part, CONTAINER));
        Named { name, layer }
    }
}

pub(super) struct Devices(pub(super) Vec<Device>);

impl Look for Devices {
    fn look<M: Module>(&mut self, named: &Named<M>) {
        self.0 = named.layer.collect_devices(std::mem::take(&mut self.0));
    }
}

/// What [`Module`] asks of a whole network, asked of each layer.
pub(super) enum Each<'d> {
    Fork(&'d Device),
    ToDevice(&'d Device),
    Valid,
    Train,
    Materialize,
}

impl Change for Each<'_> {
    fn change<M: Module>(&mut self, Named { name, layer }: Named<M>) -> Named<M> {
        let layer = match self {
            Self::Fork(device) => layer.fork(device),
            Self::ToDevice(device) => layer.to_device(device),
            Self::Valid => layer.valid(),
            Self::Train => layer.train(),
            Self::Materialize => layer.materialize(),
        };
        Named { name, layer }
    }
}

/// Makes a burn module of what has `look(&self, &mut impl Look)` and `change(self, &mut impl Change) -> Self`.
macro_rules! module_of_layers {
    ($type:ident) => {
        impl burn::module::Module for $type {
            fn collect_devices(&self, devices: Vec<burn::tensor::Device>) -> Vec<burn::tensor::Device> {
                let mut all = $crate::network::parameters::Devices(devices);
                self.look(&mut all);
                all.0
            }

            fn fork(self, device: &burn::tensor::Device) -> Self {
                self.change(&mut $crate::network::parameters::Each::Fork(device))
            }

            fn to_device(self, device: &burn::tensor::Device) -> Self {
                self.change(&mut $crate::network::parameters::Each::ToDevice(device))
            }

            fn valid(&self) -> Self {
                self.clone().change(&mut $crate::network::parameters::Each::Valid)
            }

            fn train(self) -> Self {
                self.change(&mut $crate::network::parameters::Each::Train)
            }

            fn materialize(self) -> Self {
                self.change(&mut $crate::network::parameters::Each::Materialize)
            }

            fn visit<V: burn::module::ModuleVisitor>(&self, visitor: &mut V) {
                self.look(&mut $crate::network::parameters::Visit(visitor));
            }

            fn map<M: burn::module::ModuleMapper>(self, mapper: &mut M) -> Self {
                self.change(&mut $crate::network::parameters::Map(mapper))
            }
        }

        impl burn::module::ModuleDisplayDefault for $type {
            fn content(&self, content: burn::module::Content) -> Option<burn::module::Content> {
                content.add_formatted(&stringify!($type)).optional()
            }
        }

        impl burn::module::ModuleDisplay for $type {}
    };
}

pub(super) use module_of_layers;
