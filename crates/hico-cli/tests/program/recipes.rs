//! Recipes at the command line: where they come from, which keys they may have, and the names that keys and flags had.

use crate::refusals::{assert_refused, phantom, refuse};
use crate::setting::{done, run};
use std::path::Path;

#[test]
fn a_recipe_with_a_fault_is_refused_by_line_or_key() {
    let folder = phantom();
    let folder = folder.path();
    for (recipe, words) in [
        ("[loss]\ntemprature = 0.5\n", ["r.toml", "line 2", "temprature"]),
        ("[loss]\ntemperature = -0.5\n", ["r.toml", "loss.temperature = -0.5", "above 0"]),
        ("[train]\nbatch = 1\n", ["r.toml", "train.batch = 1", "2 or more"]),
        ("[loss]\ntemperature = nan\n", ["r.toml", "loss.temperature = NaN", "above 0"]),
        ("[view]\nmean = inf\n", ["r.toml", "view.mean = inf", "a number"]),
        (
            "[method]\nname = \"moco\"\npeer_weight = 0.5\n",
            ["r.toml", "line 3: method.peer_weight", "moco does not read"],
        ),
        ("[method]\nname = \"dino\"\ntemperature = 0.1\n", ["r.toml", "line 3", "student_temperature or teacher_temp"]),
        ("[loss\n", ["r.toml", "line 1", "]"]),
    ] {
        std::fs::write(folder.join("r.toml"), recipe).unwrap();
        refuse(folder, "pretrain data --recipe r.toml --out run", &words);
        refuse(folder, "crossval data --pretrain-inside --recipe r.toml --out study", &words);
    }
    for odd in ["nan", "inf", "-inf"] {
        refuse(
            folder,
            &format!("pretrain data --label-fraction={odd} --out run"),
            &["train.label_fraction", "at most 1"],
        );
        refuse(
            folder,
            &format!("pretrain data --clip-fraction={odd} --out run"),
            &["train.clip_fraction", "at most 1"],
        );
    }
    refuse(folder, "pretrain data --recipe absent.toml --out run", &["absent.toml", "No such file"]);
}

#[test]
fn a_recipe_is_taken_by_its_name_and_an_absent_file_of_that_name_says_so() {
    let folder = phantom();
    let folder = folder.path();
    let listed = done(folder, "recipe list").out;
    assert_eq!(done(folder, "recipe").out, listed, "as earlier versions");
    for name in ["hico", "hico-plus", "simclr", "ivpp"] {
        assert!(listed.lines().any(|line| line.split_whitespace().next() == Some(name)), "{listed}");
    }
    let plus = done(folder, "recipe show hico-plus").out;
    assert!(plus.contains("aligned_mix = true"));
    assert_eq!(done(folder, "recipe hico-plus").out, plus, "as earlier versions");
    assert_refused(&run(folder, ["recipe", "show", "nothing"]), &["nothing", "no recipe of that name"]);
    for command in ["pretrain data --out run", "crossval data --pretrain-inside --out study"] {
        let said = run(folder, format!("{command} --recipe recipes/hico-plus.toml").split_whitespace());
        assert_refused(&said, &["recipes/hico-plus.toml", "No such file"]);
        assert!(said.err.contains("hint: `--recipe hico-plus`"), "{}", said.err);
    }
    done(folder, "pretrain data --recipe hico-plus --side 32 --epochs 1 --lr 0.001 --quiet --out run");
    let recipe = std::fs::read_to_string(folder.join("run/recipe.toml")).unwrap();
    assert!(recipe.contains("aligned_mix = true") && recipe.contains("learning_rate = 0.001"), "{recipe}");
}

#[test]
fn earlier_names_of_keys_and_flags_are_read_and_the_names_of_today_are_written() {
    let folder = phantom();
    let folder = folder.path();
    let recipe = |run: &str| std::fs::read_to_string(folder.join(run).join("recipe.toml")).unwrap();
    let pretrain = "pretrain data --method moco --batch 4 --epochs 1 --quiet";
    done(folder, &format!("{pretrain} --side 32 --recompute-activations --out before"));
    done(folder, &format!("{pretrain} --image-size 32 --gradient-checkpointing --out now"));
    assert_eq!(recipe("before"), recipe("now"));
    for line in ["image_size = 32", "gradient_checkpointing = true", "val_fraction = 0.2", "weight_decay_mode = \"l2\""]
    {
        assert!(recipe("now").contains(&format!("\n{line}\n")), "{}", recipe("now"));
    }
    // A run's recipe as an earlier version wrote it, with the keys of every method.
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hico-train/tests/records");
    std::fs::copy(records.join("recipe-moco.toml"), folder.join("old.toml")).unwrap();
    done(folder, "pretrain data --recipe old.toml --epochs 1 --batch 4 --gradient-checkpointing --quiet --out old");
    // Such a version knew no groups.
    let now = recipe("now").replace("groups_apart = true", "groups_apart = false");
    assert_eq!(recipe("old"), now.replace("own_group = \"hidden\"", "own_group = \"kept\""));
    done(
        folder,
        "finetune random --data data --side 32 --holdout-fold 0 --epochs 1 --frames-per-clip 1 --quiet --out t",
    );
    // A method has one recipe, by whichever flag it is asked for.
    std::fs::write(folder.join("line.toml"), "[method]\nname = \"moco\"\n").unwrap();
    let flags = "--image-size 32 --batch 4 --epochs 1 --gradient-checkpointing --quiet";
    for (asked, run) in [("--recipe line.toml", "line"), ("--recipe moco", "named")] {
        done(folder, &format!("pretrain data {asked} {flags} --out {run}"));
        assert_eq!(recipe(run), recipe("now"), "{asked}");
    }
}
