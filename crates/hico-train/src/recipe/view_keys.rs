//! `[view]` as a method reads it: without the keys that its draw never asks for, and every value in its range.

use super::fault::fault;
use super::{MethodName, MethodRecipe};
use crate::Error;
use crate::method::Unfit;
use crate::settings::views::OF_SOME;
use hico_data::view::{ViewFault, ViewRecipe};

/// Writes views as a table, with the keys that a method reads.
pub(super) fn written(view: &ViewRecipe, method: MethodName) -> Result<toml::Table, toml::ser::Error> {
    let mut table = toml::Table::try_from(view)?;
    for key in OF_SOME.iter().filter(|key| !method.view_keys().contains(key)) {
        table.remove(*key);
    }
    Ok(table)
}

/// Turns off what a method does not draw.
pub(super) fn drawn_by(mut view: ViewRecipe, method: MethodName) -> ViewRecipe {
    let keys = method.view_keys();
    view.mixup = if keys.contains(&"mixup") { view.mixup } else { 0.0 };
    view.aligned_mix &= keys.contains(&"aligned_mix");
    view.pair_within = if keys.contains(&"pair_within") { view.pair_within } else { 0.0 };
    view.pair_across_clips = if keys.contains(&"pair_across_clips") { view.pair_across_clips } else { 0.0 };
    view
}

/// Refuses views that a method does not draw: what it does not read must be off.
pub(super) fn check_of_method(view: &ViewRecipe, method: MethodName) -> Result<(), Error> {
    let drawn = drawn_by(view.clone(), method);
    let off = format!("off: the method {method} does not read it");
    check("view.mixup", view.mixup, drawn.mixup == view.mixup, &off)?;
    check("view.aligned_mix", view.aligned_mix, drawn.aligned_mix == view.aligned_mix, &off)?;
    check("view.pair_within", view.pair_within, drawn.pair_within == view.pair_within, &off)?;
    let across = view.pair_across_clips;
    check("view.pair_across_clips", across, drawn.pair_across_clips == across, &off)
}

/// Refuses keys of a method that do not fit each other or the views.
pub(super) fn check_together(method: &MethodRecipe, view: &ViewRecipe) -> Result<(), Error> {
    let refuse = |Unfit { key, value, expected }| fault(format!("method.{key}"), value, format!("must be {expected}"));
    method.check(view).map_err(refuse)
}

/// Refuses views that cannot be made.
pub(super) fn check_view(view: &ViewRecipe) -> Result<(), Error> {
    view.check().map_err(|ViewFault { key, value, expected }| {
        fault(format!("view.{key}"), value, format!("must be {expected}"))
    })
}

fn check(key: &str, value: impl ToString, holds: bool, expected: &str) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(fault(key, value.to_string(), format!("must be {expected}")))
}
