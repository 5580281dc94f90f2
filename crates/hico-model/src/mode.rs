//! How batch norms work.

/// Which batch norms use, and learn, the statistics of the batch before them; the others use their running statistics.
///
/// A device with automatic differentiation changes nothing here, unlike in burn's own layers: the caller says what it
/// wants, at every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// All of them.
    Train,
    /// All of them, on a batch of so many views one after the other, each of which has statistics of its own: the same
    /// as one forward in [`Self::Train`] a view, in that order.
    TrainViews(usize),
    /// Only those of the backbone's last block, for fine-tuning it on a frozen network.
    TrainLastBlock,
    /// None: the result for one image does not depend on the others.
    Eval,
}

impl Mode {
    /// The mode of everything before the last block.
    pub(crate) const fn before_last_block(self) -> Self {
        match self {
            Self::Train | Self::TrainViews(_) => self,
            Self::TrainLastBlock | Self::Eval => Self::Eval,
        }
    }

    /// The views of a batch whose statistics a batch norm uses and learns, where it does.
    pub(crate) const fn views(self) -> Option<usize> {
        match self {
            Self::Train => Some(1),
            Self::TrainViews(views) => Some(views),
            Self::TrainLastBlock | Self::Eval => None,
        }
    }

    /// The mode for `views` views in one batch.
    pub(crate) const fn for_views(self, views: usize) -> Self {
        match self {
            Self::Train => Self::TrainViews(views),
            Self::TrainViews(_) | Self::TrainLastBlock | Self::Eval => self,
        }
    }
}
