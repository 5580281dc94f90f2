//! A network that follows another: the mean teacher of MoCo, BYOL, DINO, latent prediction, and of HiCo where it has one.

use crate::Error;
use crate::model::{GlobalBranch, HicoModel, Projected};
use burn::module::Module;
use burn::tensor::Tensor;
use hico_model::weights::{self, NamedTensor, Naming};
use hico_model::{Mode, Pass};

/// A network that a teacher can follow.
pub(super) trait Taught: Module {
    /// The part of it that a teacher has; its tensors have the same names.
    type Teacher: Module;

    /// Copies that part, outside of differentiation.
    fn as_teacher(&self) -> Self::Teacher;
}

impl Taught for Projected {
    type Teacher = Self;

    fn as_teacher(&self) -> Self {
        Self { predictor: None, classifier: None, ..self.valid() }
    }
}

impl Taught for HicoModel {
    type Teacher = GlobalBranch;

    fn as_teacher(&self) -> GlobalBranch {
        self.global_branch()
    }
}

/// A network that gradients never move: after each step every weight and running statistic goes `1 - momentum` of the way to
/// the student's (He et al. 2020, eq. 2).
#[derive(Debug)]
pub(super) struct Teacher<N: Taught> {
    network: N::Teacher,
    momentum: f64,
}

/// Prefix of its tensors in checkpoints.
const PREFIX: &str = "teacher.";

impl Teacher<Projected> {
    /// Projections of each view, `[batch, outputs]`, without a graph.
    ///
    /// In training they are normalised by the statistics of the batch; its own, which are learnt from the student, are
    /// for [`Mode::Eval`].
    pub(super) fn projections(&self, views: &[Tensor<4>], mode: Mode) -> Vec<Tensor<2>> {
        let seen = self.forgetful().views(&without_graph(views), &Pass::keeping(mode));
        seen.into_iter().map(|seen| seen.projection).collect()
    }

    /// Projections of the two views of a pair, as [`Self::projections`].
    pub(super) fn pair(&self, views: &[Tensor<4>], mode: Mode) -> [Tensor<2>; 2] {
        self.forgetful().pair(&without_graph(views), &Pass::keeping(mode)).map(|seen| seen.projection)
    }

    /// Projection of one view, as [`Self::projections`].
    pub(super) fn projection(&self, view: &Tensor<4>, mode: Mode) -> Tensor<2> {
        self.forgetful().view(&view.clone().without_autodiff(), &Pass::keeping(mode)).projection
    }

    /// A copy: what its batch norms learn is forgotten.
    fn forgetful(&self) -> Projected {
        self.network.clone()
    }

    /// Scores of each view's projection by the prototypes, `[batch, prototypes]`, as [`Self::projections`].
    pub(super) fn scores(&self, views: &[Tensor<4>], mode: Mode) -> Vec<Tensor<2>> {
        self.projections(views, mode).into_iter().map(|projection| self.network.scores(projection)).collect()
    }
}

fn without_graph(views: &[Tensor<4>]) -> Vec<Tensor<4>> {
    views.iter().map(|view| view.clone().without_autodiff()).collect()
}

impl<N: Taught> Teacher<N> {
    /// A teacher that begins as the student is.
    pub(super) fn of(student: &N, momentum: f64) -> Self {
        Self { network: student.as_teacher(), momentum }
    }

    /// Begins anew as the student is.
    pub(super) fn on_init_weights(&mut self, student: &N) {
        *self = Self::of(student, self.momentum);
    }

    /// Returns its network as it is now.
    pub(super) const fn network(&self) -> &N::Teacher {
        &self.network
    }

    /// Goes a part of the way to the student.
    pub(super) fn follow(&mut self, student: &N) {
        let mut own = self.tensors();
        weights::approach(&mut own, &weights::to_tensors(&student.as_teacher(), Naming::Ours), self.momentum);
        self.take(&own);
    }

    fn tensors(&self) -> Vec<NamedTensor> {
        weights::to_tensors(&self.network, Naming::Ours)
    }

    #[expect(clippy::expect_used, reason = "they are its own tensors with other values")]
    fn take(&mut self, tensors: &[NamedTensor]) {
        self.network = weights::from_tensors(self.network.clone(), tensors, Naming::Ours).expect("its own tensors");
    }

    /// All that it is, for a checkpoint.
    pub(super) fn state(&self) -> Vec<NamedTensor> {
        let named = |tensor: NamedTensor| NamedTensor { name: format!("{PREFIX}{}", tensor.name), ..tensor };
        self.tensors().into_iter().map(named).collect()
    }

    /// Takes back what [`Self::state`] gave; other tensors are passed over.
    pub(super) fn restore(&mut self, state: &[NamedTensor]) -> Result<(), Error> {
        let own = |tensor: &NamedTensor| {
            let name = tensor.name.strip_prefix(PREFIX)?.to_owned();
            Some(NamedTensor { name, ..tensor.clone() })
        };
        let tensors: Vec<NamedTensor> = state.iter().filter_map(own).collect();
        self.network = weights::from_tensors(self.network.clone(), &tensors, Naming::Ours)?;
        Ok(())
    }
}
