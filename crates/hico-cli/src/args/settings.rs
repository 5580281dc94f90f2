//! The flags of `hico crossval` and `hico finetune`, by the settings that they ask for.

/// The flag that takes the batch of a pretraining inside each fold.
pub(crate) const PRETRAIN_BATCH: &str = "--pretrain-batch";

/// The flag that asks for a setting, by its key in a study; `None` where there is none.
pub(crate) fn flag_of(key: &str) -> Option<&'static str> {
    Some(match key {
        "evaluation.finetune_epochs" => "--epochs",
        "evaluation.finetune_batch" => "--batch",
        "evaluation.finetune_learning_rate" => "--learning-rate",
        "evaluation.finetune_weight_decay" => "--weight-decay",
        "evaluation.features" => "--features",
        "evaluation.frames_per_clip" => "--frames-per-clip",
        "evaluation.inner_fraction" => "--val-fraction",
        "evaluation.model_selection" | "evaluation.test_fold_selection" => "--model-selection",
        "evaluation.probe_strength" => "--probe-strength",
        "evaluation.metric" => "--metric",
        "evaluation.class_balance" => "--class-balance",
        "evaluation.head_init" => "--head-init",
        "evaluation.early_stopping" => "--early-stopping",
        "evaluation.trainable" => "--trainable",
        "view.image_size" | "recipe.view.image_size" => "--image-size",
        "backbone" => "--backbone",
        "recipe.train.epochs" => "--pretrain-epochs",
        "recipe.train.batch" => PRETRAIN_BATCH,
        _ => return None,
    })
}
