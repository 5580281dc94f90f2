//! What the table of methods says, against what the methods do.

use super::*;
use crate::recipe::Recipe;
use hico_data::view::ViewRecipe;
use hico_data::{Channels, Clip, ClipRow, Dataset, Manifest, Seed, Size};

/// Two clips of frames that differ.
fn clips(frames: usize) -> Dataset {
    let size = Size { height: 32, width: 32 };
    let pixels = |clip: usize| {
        (0..frames * 32 * 32).map(|place| ((place * place + place / 1024 * 37 + clip * 5) % 251) as u8).collect()
    };
    let clip = |clip| Clip { size, channels: Channels::Grey, pixels: pixels(clip), fps: None };
    let row = |clip| ClipRow { fps: Some(10.0), ..ClipRow::new(format!("clip {clip}"), frames, size, Channels::Grey) };
    Dataset::in_memory(Manifest { rows: vec![row(0), row(1)] }, vec![clip(0), clip(1)])
}

fn draw(recipe: &Recipe, source: &ViewSource<'_>) -> Views {
    recipe.method().draw(source, recipe.train()).unwrap()
}

#[test]
fn a_budget_counts_the_images_that_a_method_draws_of_a_clip() {
    let data = clips(12);
    for name in MethodName::all() {
        let recipe = Recipe::of_method(name).with_image_size(112).unwrap();
        let views = draw(&recipe, &ViewSource::new(&data, 0, recipe.view(), Seed(1), 250).unwrap());
        let area: usize = views.images.iter().map(Vec::len).sum();
        let images = area.div_ceil(3 * 112 * 112);
        assert_eq!(images, recipe.method().images_a_clip(), "{name}: an area of {area}");
    }
    let recipe = Recipe::parse("[method]\nlocal_crops = true\n[view]\nimage_size = 112\n").unwrap();
    let source = ViewSource::new(&data, 0, recipe.view(), Seed(1), 250).unwrap();
    let small = draw(&recipe, &source).images;
    let area: usize = small.iter().map(Vec::len).sum();
    assert_eq!((small.len(), area.div_ceil(3 * 112 * 112)), (4, recipe.method().images_a_clip()));
}

#[test]
fn a_key_of_the_views_changes_them_where_the_table_says_that_it_is_read_and_nowhere_else() {
    let data = clips(12);
    for name in MethodName::all() {
        let recipe = Recipe::of_method(name).with_image_size(32).unwrap();
        let drawn = |recipe: &Recipe| -> Vec<Views> {
            let source =
                |epoch| ViewSource::new(&data, 0, recipe.view(), Seed(1), epoch).unwrap().with_partner(&[0, 1]);
            (240..250).map(|epoch| draw(recipe, &source(epoch))).collect()
        };
        let before = drawn(&recipe);
        let view = recipe.view();
        for (key, changed) in [
            ("mixup", ViewRecipe { mixup: 3.0, ..view.clone() }),
            ("aligned_mix", ViewRecipe { aligned_mix: true, ..view.clone() }),
            ("pair_within", ViewRecipe { pair_within: 0.25, ..view.clone() }),
            ("pair_across_clips", ViewRecipe { pair_across_clips: 1.0, ..view.clone() }),
        ] {
            // Past the check, which would refuse it.
            let moved = drawn(&recipe.clone().with_any_view(changed)) != before;
            assert_eq!(moved, name.view_keys().contains(&key), "{name}: {key}");
        }
        // What every method reads.
        for changed in [
            ViewRecipe { flip: 1.0 - view.flip * 0.1, ..view.clone() },
            ViewRecipe { depth_gain: 0.5, ..view.clone() },
            ViewRecipe { speckle: 0.5, ..view.clone() },
            ViewRecipe { std: 0.3, ..view.clone() },
            ViewRecipe { crop_scale: [0.5, 0.6], ..view.clone() },
        ] {
            let other = recipe.clone().with_view(changed.clone()).unwrap();
            assert!(drawn(&other) != before, "{name}: {changed:?}");
        }
    }
}
