//! Records that hold a recipe among other things, as earlier versions wrote them.

use super::Recipe;
use serde_json::Value;

/// Brings the plan of an evaluation up to date: the recipe of its pretraining, which stands in it as text, gets the keys
/// that this version writes, and so do the views of its fine-tuning.
#[must_use]
pub(crate) fn plan_of_record(mut plan: Value) -> Value {
    if let Some(view) = plan.pointer_mut("/finetune/view") {
        view_of_record(view);
    }
    if let Some(Value::String(text)) = plan.get_mut("encoder") {
        // Other encoders are known by a hash or a word.
        let recipe = serde_json::from_str::<Recipe>(text);
        if let Some(now) = recipe.ok().and_then(|recipe| serde_json::to_string(&recipe).ok()) {
            *text = now;
        }
    }
    plan
}

/// Brings views up to date: their size has another name.
pub(crate) fn view_of_record(view: &mut Value) {
    let Some(keys) = view.as_object_mut() else { return };
    if let Some(side) = keys.remove("side") {
        keys.insert("image_size".to_owned(), side);
    }
}
