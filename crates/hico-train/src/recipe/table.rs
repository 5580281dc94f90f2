//! The table of methods, one line each.

/// Hands every line of the table of methods to the macro `$then`.
///
/// Of each: its name in the code, which is that of its enum variants and of its type in `method`; its recipe;
/// its word in files and flags; one sentence; and its facts.
macro_rules! method_table {
    ($then:ident) => {
        $then! {
            Hico, HicoRecipe, "hico", "Frames of a clip at three levels and across them, and labels (Zhang et al. 2022)",
                MethodFacts { reads_labels: true, losses_compare: true, images_a_clip: 2, view_keys: MIXED, view: mixed };
            SimClr, SimClrRecipe, "simclr", "Two augmented views of one frame (Chen et al. 2020)",
                MethodFacts { reads_labels: false, losses_compare: true, images_a_clip: 2, view_keys: PAIRED, view: one_frame };
            Uscl, UsclRecipe, "uscl", "Mixed frames of a clip, and labels (Chen et al. 2021)",
                MethodFacts { reads_labels: true, losses_compare: true, images_a_clip: 2, view_keys: MIXED, view: mixed };
            Moco, MocoRecipe, "moco", "Momentum contrast with a queue, version 2 (He et al. 2020)",
                MethodFacts { reads_labels: false, losses_compare: false, images_a_clip: 2, view_keys: PAIRED, view: one_frame };
            Byol, ByolRecipe, "byol", "A momentum (EMA) teacher, no negatives (Grill et al. 2020)",
                MethodFacts { reads_labels: false, losses_compare: false, images_a_clip: 2, view_keys: PAIRED, view: one_frame };
            VicReg, VicRegRecipe, "vicreg", "Variance, invariance and covariance (Bardes et al. 2022)",
                MethodFacts { reads_labels: false, losses_compare: true, images_a_clip: 2, view_keys: PAIRED, view: one_frame };
            Dino, DinoRecipe, "dino", "A momentum (EMA) teacher of crops, no negatives (Caron et al. 2021)",
                MethodFacts { reads_labels: false, losses_compare: false, images_a_clip: 3, view_keys: &[], view: crops };
            Ucl, UclRecipe, "ucl", "Momentum contrast whose hard negatives are far frames of the clip (Basu et al. 2022)",
                MethodFacts { reads_labels: false, losses_compare: false, images_a_clip: 5, view_keys: NEAR, view: three_frames };
            Ivpp, IvppRecipe, "ivpp", "Frames close in time, weighted by how close (VanBerlo et al. 2024)",
                MethodFacts { reads_labels: false, losses_compare: true, images_a_clip: 2, view_keys: NEAR, view: a_second };
            Latent, LatentRecipe, "latent", "A momentum (EMA) teacher's features behind hidden blocks (after Assran et al. 2023)",
                MethodFacts { reads_labels: false, losses_compare: false, images_a_clip: 2, view_keys: &[], view: one_frame };
        }
    };
}

pub(crate) use method_table;
