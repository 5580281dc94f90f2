//! A backbone and MLPs on its averaged maps: the network of methods that compare whole images.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use hico_model::batch_norm::{BatchNorm, Tail};
use hico_model::init::{Distribution, Init};
use hico_model::layers::{Linear, average, relu, unit_rows};
use hico_model::{BackboneName, BackboneNetwork, Mode, Pass};

/// What is kept after pretraining: a backbone without a pyramid, by the same names as in [`hico_model::Encoder`].
#[derive(Module, Debug)]
pub struct PlainEncoder {
    /// The backbone.
    pub backbone: BackboneNetwork,
}

/// Two linear layers with a ReLU between them, after a batch norm where the method wants one.
#[derive(Module, Debug)]
pub struct Mlp {
    hidden: Linear,
    norm: Option<BatchNorm>,
    output: Linear,
}

/// Lengths of the vectors of an MLP, and whether its hidden one is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MlpDims {
    /// Of the hidden vector.
    pub hidden: usize,
    /// Of the result.
    pub output: usize,
    /// Whether a batch norm follows the hidden layer.
    pub normalised: bool,
}

impl Mlp {
    /// An MLP with random weights.
    #[must_use]
    pub fn new(init: &Init<'_>, inputs: usize, widths: MlpDims) -> Self {
        Self {
            hidden: Linear::new(&init.at("hidden"), inputs, widths.hidden),
            norm: widths.normalised.then(|| BatchNorm::new(&init.at("norm"), widths.hidden)),
            output: Linear::new(&init.at("output"), widths.hidden, widths.output),
        }
    }

    /// - `x`: `[batch, inputs]`, of one view
    /// - returns: `[batch, outputs]`, not normalised
    #[must_use]
    pub fn forward(&self, x: Tensor<2>, mode: Mode) -> Tensor<2> {
        let hidden = self.hidden.forward(x); // [batch, hidden]
        let hidden = match &self.norm {
            None => relu(hidden),
            Some(norm) => {
                let [batch, width] = hidden.dims();
                norm.forward(hidden.reshape([batch, width, 1, 1]), mode, Tail::Relu).reshape([batch, width])
            }
        };
        self.output.forward(hidden)
    }
}

/// Backbone and projector, with a predictor or a classifier where the method has one.
#[derive(Module, Debug)]
pub struct Projected {
    /// What is kept after pretraining.
    pub encoder: PlainEncoder,
    /// Pooled features → what the loss compares.
    pub projector: Mlp,
    /// One view's projection → the other's (Grill et al. 2020).
    pub predictor: Option<Mlp>,
    /// Projection → classes (Chen et al. 2021, USCL).
    pub classifier: Option<Linear>,
    /// Directions that projections are compared with.
    pub prototypes: Option<Prototypes>,
}

/// Learnt directions; a vector's score is its cosine with each (Caron et al. 2021, a weight-normalised last layer).
#[derive(Module, Debug)]
pub struct Prototypes {
    weight: Param<Tensor<2>>,
}

impl Prototypes {
    /// Random directions.
    #[must_use]
    pub fn new(init: &Init<'_>, inputs: usize, count: usize) -> Self {
        Self { weight: init.parameter("weight", [inputs, count], Distribution::Normal(0.02)) }
    }

    /// - `x`: `[batch, inputs]`, any scale
    /// - returns: `[batch, count]`, cosines
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        unit_rows(x).matmul(unit_rows(self.weight.val().transpose()).transpose())
    }
}

/// What the network says of one view.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Averaged C5, `[batch, features]`.
    pub pooled: Tensor<2>,
    /// Its projection, `[batch, outputs]`, not normalised.
    pub projection: Tensor<2>,
}

impl Projected {
    /// A network with random weights; the backbone's are those that every method starts from with this seed.
    ///
    /// - `init`: of the root, on a device `.autodiff()` to train
    #[must_use]
    pub fn new(init: &Init<'_>, depth: BackboneName, projector: MlpDims) -> Self {
        let features = depth.channels()[3];
        Self {
            encoder: PlainEncoder { backbone: BackboneNetwork::new(&init.at("encoder").at("backbone"), depth) },
            projector: Mlp::new(&init.at("projector"), features, projector),
            predictor: None,
            classifier: None,
            prototypes: None,
        }
    }

    /// The same with a classifier on the projections.
    #[must_use]
    pub fn with_classifier(self, init: &Init<'_>, projector: MlpDims, classes: usize) -> Self {
        let classifier = Linear::new(&init.at("classifier"), projector.output, classes.max(1));
        Self { classifier: Some(classifier), ..self }
    }

    /// The same with a predictor on the projections.
    #[must_use]
    pub fn with_predictor(self, init: &Init<'_>, projector: MlpDims) -> Self {
        let predictor = Mlp::new(&init.at("predictor"), projector.output, projector);
        Self { predictor: Some(predictor), ..self }
    }

    /// The same with prototypes for the projections.
    #[must_use]
    pub fn with_prototypes(self, init: &Init<'_>, projector: MlpDims, count: usize) -> Self {
        Self { prototypes: Some(Prototypes::new(&init.at("prototypes"), projector.output, count)), ..self }
    }

    /// Scores of projections, `[batch, outputs]`, by the prototypes; the projections themselves where it has none.
    #[must_use]
    pub fn scores(&self, projections: Tensor<2>) -> Tensor<2> {
        match &self.prototypes {
            Some(prototypes) => prototypes.forward(projections),
            None => projections,
        }
    }

    /// Computes what it says of each view; batch statistics are those of one view.
    ///
    /// - `views`: `[batch, 3, side, side]` each
    #[must_use]
    pub fn views<'n>(&'n self, views: &[Tensor<4>], pass: &Pass<'n>) -> Vec<Seen> {
        (0..views.len()).map(self.seen(views, pass)).collect()
    }

    /// Computes what it says of one view, as [`Self::views`].
    #[must_use]
    pub fn view<'n>(&'n self, view: &Tensor<4>, pass: &Pass<'n>) -> Seen {
        self.seen(std::slice::from_ref(view), pass)(0)
    }

    /// Computes what it says of the two views of a pair, as [`Self::views`].
    #[must_use]
    pub fn pair<'n>(&'n self, views: &[Tensor<4>], pass: &Pass<'n>) -> [Seen; 2] {
        std::array::from_fn(self.seen(views, pass))
    }

    fn seen<'n>(&'n self, views: &[Tensor<4>], pass: &Pass<'n>) -> impl FnMut(usize) -> Seen {
        let [batch, ..] = views[0].dims();
        let pooled = average(pass.backbone(&self.encoder.backbone, views).c5);
        let mode = pass.mode();
        move |view| {
            let pooled = pooled.clone().narrow(0, view * batch, batch);
            Seen { projection: self.projector.forward(pooled.clone(), mode), pooled }
        }
    }

    /// Classifies projections, `[batch, outputs]`; the projections themselves where it has no classifier.
    #[must_use]
    pub fn classified(&self, projections: Tensor<2>) -> Tensor<2> {
        match &self.classifier {
            Some(classifier) => classifier.forward(projections),
            None => projections,
        }
    }

    /// Predicts from projections of one view, `[batch, outputs]`, those of the other; the projections themselves where it has no
    /// predictor.
    #[must_use]
    pub fn predicted(&self, projections: Tensor<2>, mode: Mode) -> Tensor<2> {
        match &self.predictor {
            Some(predictor) => predictor.forward(projections, mode),
            None => projections,
        }
    }

    /// Averaged C5, `[batch, features]`, without the statistics of the batch.
    #[must_use]
    pub fn features(&self, images: Tensor<4>) -> Tensor<2> {
        average(self.encoder.backbone.forward(images, Mode::Eval).c5)
    }
}
