//! Records that hold a recipe among other things, as earlier versions wrote them.

use serde_json::Value;

/// Brings views up to date: their size has another name.
pub fn view_of_record(view: &mut Value) {
    let Some(keys) = view.as_object_mut() else { return };
    if let Some(side) = keys.remove("side") {
        keys.insert("image_size".to_owned(), side);
    }
}
