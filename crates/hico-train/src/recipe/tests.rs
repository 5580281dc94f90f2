use super::*;
use crate::method::{
    Dino, DinoRecipe, Hico, Ivpp, IvppRecipe, Moco, MocoRecipe, SimClr, Uscl, UsclRecipe, VicReg, VicRegRecipe,
};
use hico_model::BackboneName;

fn keys<M: crate::method::Method>(recipe: &Recipe) -> &M::Keys {
    recipe.method().keys::<M>().unwrap()
}

fn parse(toml: &str) -> Recipe {
    Recipe::parse(toml).unwrap()
}

fn refusal(toml: &str) -> String {
    Recipe::parse(toml).unwrap_err().to_string()
}

/// A file that an earlier version wrote.
fn record(name: &str) -> String {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let of = if name.starts_with("study-") { "hico-eval" } else { "hico-train" };
    std::fs::read_to_string(crates.join(of).join("tests/records").join(name)).unwrap()
}

fn with_view(method: MethodName, view: ViewRecipe) -> Recipe {
    Recipe::of_method(method).with_view(view).unwrap()
}

#[test]
fn an_empty_recipe_is_the_papers() {
    let recipe = parse("");
    assert_eq!(recipe, Recipe::default());
    assert_eq!(recipe.train().epochs.get(), 300);
    let own = keys::<Hico>(&recipe);
    assert_eq!((own.cross_pairs, own.temperature.get()), (CrossPairs::AcrossViews, 0.5));
    assert_eq!(recipe.view(), &ViewRecipe::default());
}

#[test]
fn the_recipes_we_hand_out_are_the_two_readings() {
    let [paper, authors] = ["hico", "hico-authors"].map(|name| Shipped::named(name).unwrap().recipe());
    assert_eq!(paper, Recipe::default());
    let own = keys::<Hico>(&authors);
    assert_eq!((own.cross_pairs, own.projector), (CrossPairs::SameView, Projector::Flattened));
    assert_eq!((own.medium_from, own.soft_target), (MediumFrom::P3, SoftTarget::OverLabelled));
}

#[test]
fn every_method_has_its_own_keys_and_shares_optimiser_and_schedule() {
    for method in MethodName::all() {
        let recipe = parse(&format!("[method]\nname = \"{method}\"\n"));
        assert_eq!(recipe.method(), &MethodRecipe::of(method));
        assert_eq!(
            (recipe.train(), recipe.model().backbone),
            (&TrainRecipe::default(), BackboneName::RESNET18),
            "{method}"
        );
    }
    let recipe = Recipe::of_method(MethodName::of::<Moco>());
    let own = keys::<Moco>(&recipe);
    assert_eq!((own.temperature.get(), own.momentum.get(), own.queue.get()), (0.2, 0.99, 512));
    let recipe = Recipe::of_method(MethodName::of::<Dino>());
    let own = keys::<Dino>(&recipe);
    assert_eq!((own.student_temperature.get(), own.teacher_temperature.get()), (0.1, 0.04));
    assert_eq!(Recipe::of_method(MethodName::of::<Ivpp>()).view().pair_within, 1.0);
    assert_eq!(Recipe::of_method(MethodName::of::<SimClr>()).view().mixup, 0.0);
}

#[test]
fn a_recipe_survives_being_written_and_read_and_writes_no_key_of_another_method() {
    let shipped = SHIPPED.iter().map(|shipped| shipped.recipe());
    let odd = parse("[method]\ncross_pairs = \"same_view\"\nsupervision = \"self\"\n[train]\nclip_norm = 1.5\n");
    for recipe in shipped.chain([odd]) {
        let written = toml::to_string(&recipe).unwrap();
        assert_eq!(parse(&written), recipe, "{written}");
        assert_eq!(Recipe::of_record(&written).unwrap(), recipe, "{written}");
        let json = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe, "{json}");
        assert_eq!(written.contains("mixup"), recipe.method().name().view_keys().contains(&"mixup"));
        assert_eq!(written.contains("queue"), recipe.method().name() == MethodName::of::<Moco>());
    }
}

#[test]
fn a_key_that_the_method_does_not_read_is_refused_in_one_line_with_the_method_and_the_remedy() {
    for (toml, words) in [
        (
            "[method]\nname = \"moco\"\npeer_weight = 0.5\n",
            "line 3: method.peer_weight = 0.5: the method moco does not read it; leave it out, or choose a method that \
             does: hico does",
        ),
        (
            "[method]\nname = \"dino\"\n[loss]\ntemperature = 0.1\n",
            "line 4: loss.temperature = 0.1: the method dino does not read it; write student_temperature or \
             teacher_temperature below [method]",
        ),
        (
            "method.name = \"simclr\"\nmethod.teacher_temperature = 0.04\n",
            "line 2: method.teacher_temperature = 0.04: the method simclr does not read it; write temperature below \
             [method]",
        ),
        (
            "[method]\nname = \"byol\"\ntemperature = 0.5\n",
            "line 3: method.temperature = 0.5: the method byol does not read it; leave it out, or choose a method that \
             does: hico, simclr, uscl, moco, ucl and ivpp do",
        ),
        (
            "[method]\nname = \"simclr\"\nsupervision = \"semi\"\n",
            "line 3: method.supervision = \"semi\": the method simclr does not read it; leave it out, or choose a \
             method that does: hico and uscl do",
        ),
        (
            "[method]\nname = \"moco\"\n[view]\nmixup = 0.5\n",
            "line 4: view.mixup = 0.5: the method moco does not read it; leave it out, or choose a method that does: \
             hico and uscl do",
        ),
        (
            "[method]\nname = \"ucl\"\n[view]\naligned_mix = true\n",
            "line 4: view.aligned_mix = true: the method ucl does not read it; leave it out, or choose a method that \
             does: hico and uscl do",
        ),
        (
            "[view]\npair_within = 1.0\n[method]\nname = \"vicreg\"\n",
            "line 2: view.pair_within = 1: the method vicreg does not read it; leave it out, or choose a method that \
             does: hico, uscl, ucl and ivpp do",
        ),
        (
            "[model]\nprojector = \"pooled\"\n[method]\nname = \"ivpp\"\n",
            "line 2: model.projector = \"pooled\": the method ivpp does not read it; leave it out, or choose a method \
             that does: hico does",
        ),
    ] {
        assert_eq!(refusal(toml), words);
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_that_is_known() {
    for (toml, words) in [
        (
            "[loss]\ntemprature = 0.1\n",
            "line 2: loss.temprature = 0.1: there is no such key of the method hico; did you mean temperature below \
             [method]?",
        ),
        (
            "[method]\nname = \"moco\"\n[train]\nlearning-rate = 0.1\n",
            "line 4: train.learning-rate = 0.1: there is no such key of the method moco; did you mean learning_rate \
             below [train]?",
        ),
        (
            "[train]\nwarmup = 3\n",
            "line 2: train.warmup = 3: there is no such key of the method hico; did you mean warmup_epochs below [train]?",
        ),
        (
            "[train]\nside = 64\n",
            "line 2: train.side = 64: there is no such key of the method hico; did you mean image_size below [view]?",
        ),
        (
            "[method]\nqueues = 64\n",
            "line 2: method.queues = 64: there is no such key of the method hico; did you mean queue below [method]? moco \
             reads it",
        ),
        (
            "[method]\nlearner = 1\n",
            "line 2: method.learner = 1: there is no such key of the method hico; leave it out",
        ),
        ("[method]\nname = \"simclrr\"\n", "method.name = \"simclrr\": there is no such method; did you mean simclr?"),
        (
            "[method]\nname = \"mae\"\n",
            "method.name = \"mae\": must be one of hico, simclr, uscl, moco, byol, vicreg, dino, ucl, ivpp, latent",
        ),
        (
            "depth = \"r18\"\n",
            "line 1: depth = \"r18\": must stand below a section: [method], [model], [view] or [train]",
        ),
    ] {
        assert_eq!(refusal(toml), words);
    }
}

#[test]
fn a_backbone_is_named_and_the_depth_of_earlier_versions_is_read() {
    for toml in ["[model]\nbackbone = \"resnet50\"\n", "[model]\ndepth = \"r50\"\n"] {
        let recipe = parse(toml);
        assert_eq!(recipe.model().backbone, BackboneName::RESNET50);
        let written = toml::to_string(&recipe).unwrap();
        assert!(written.contains("backbone = \"resnet50\"") && !written.contains("depth ="), "{written}");
    }
}

#[test]
fn a_value_out_of_range_is_named_as_it_was_written_with_what_it_may_be() {
    let words = "loss.temperature = -1: must be a number above 0, from 0.0001 to 10000";
    assert_eq!(refusal("[loss]\ntemperature = -1.0"), words);
    let words = "method.temperature = -1: must be a number above 0, from 0.0001 to 10000";
    assert_eq!(refusal("[method]\ntemperature = -1"), words);
    assert_eq!(
        refusal("[train]\nepochs = 1.5"),
        "train.epochs = 1.5: invalid type: floating point `1.5`, expected a \
                                                 whole number, 0 or more"
    );
    let words =
        "model.depth = \"r20\": no backbone is called \"r20\"; there are resnet18, resnet34, resnet50, convnext_tiny";
    assert!(refusal("[model]\ndepth = \"r20\"").starts_with(words));
    assert_eq!(
        refusal("[view]\ncrop_scale = [0.5, 1.5]"),
        "view.crop_scale = [0.5, 1.5]: must be two numbers above 0, the smaller first, the larger at most 1"
    );
    for toml in [
        "[train]\nbatch = 1",
        "[view]\nside = 31",
        "[view]\ncrop_scale = [0.9, 0.8]",
        "[method]\nsmoothing = nan",
        "[train]\nclip_norm = 0.0",
        "[method]\nname = \"moco\"\nqueue = 0",
    ] {
        assert!(refusal(toml).contains(": must be "), "{toml}");
    }
}

#[test]
fn a_value_out_of_range_is_refused_with_the_method_whose_recipe_it_is() {
    let method = |error: Error| match error {
        Error::RecipeKey(fault) => fault.method,
        other => panic!("{other}"),
    };
    for (toml, name) in [
        ("[method]\nname = \"moco\"\nqueue = 99999999999\n", "moco"),
        ("[method]\nname = \"dino\"\n[view]\nside = 31\n", "dino"),
        ("[train]\nepochs = 0\n", "hico"),
    ] {
        assert_eq!(method(Recipe::parse(toml).unwrap_err()), Some(name), "{toml}");
    }
    let simclr = || Recipe::of_method(MethodName::of::<SimClr>());
    assert_eq!(method(simclr().with_batch(1).unwrap_err()), Some("simclr"));
    assert_eq!(method(simclr().with_image_size(31).unwrap_err()), Some("simclr"));
}

#[test]
fn keys_that_moved_are_read_where_they_stood_but_not_twice() {
    let old = "[method]\nteacher_momentum = 0.9\nname = \"moco\"\n[loss]\ntemperature = 0.3\n";
    let new = "[method]\nname = \"moco\"\nmomentum = 0.9\ntemperature = 0.3\n";
    assert_eq!(parse(old), parse(new));
    let old = "[model]\nprojector = \"flattened\"\nmedium_from = \"p3\"\n[loss]\npeer_weight = 0.1\nsmoothing = 0.1\n\
               label_weight = 0.1\ncross_pairs = \"same_view\"\nsoft_target = \"over_labelled\"\n";
    let new = format!("[method]\n{}", old.replace("[model]\n", "").replace("[loss]\n", ""));
    assert_eq!(parse(old), parse(&new));
    let twice = "[method]\ntemperature = 0.3\n[loss]\ntemperature = 0.3\n";
    let words = "loss.temperature = 0.3: it says the same as method.temperature: leave one of them out";
    assert_eq!(refusal(twice), words);
}

#[test]
fn keys_that_have_another_name_are_read_by_their_earlier_one() {
    let old = "[view]\nside = 64\n[train]\nwatch_fraction = 0.1\nrecompute_activations = true\ndecay = \"decoupled\"\n";
    let new = "[view]\nimage_size = 64\n[train]\nval_fraction = 0.1\ngradient_checkpointing = true\n\
               weight_decay_mode = \"decoupled\"\n";
    assert_eq!(parse(old), parse(new));
    let written = toml::to_string(&parse(old)).unwrap();
    assert!(new.lines().skip(1).filter(|line| line.contains('=')).all(|line| written.contains(line)), "{written}");
    assert!(
        old.lines().filter(|line| line.contains('=')).all(|line| !written.contains(&format!("\n{line}"))),
        "{written}"
    );
    // Files of classifiers hold views too.
    let view: ViewRecipe = serde_json::from_str("{\"side\": 64}").unwrap();
    assert_eq!((view.side, serde_json::to_value(&view).unwrap()["image_size"].as_u64()), (64, Some(64)));
    assert_eq!(refusal("[view]\nside = 3"), "view.side = 3: must be from 32 to 512 pixels");
    let words = "train.watch_fraction = 0.1: it says the same as train.val_fraction: leave one of them out";
    assert_eq!(refusal("[train]\nval_fraction = 0.1\nwatch_fraction = 0.1\n"), words);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let dense = "[method]\ndense_weight = 0.5\n[view]\n";
    for view in ["aligned_mix = true\npair_within = 0.2\n", "mixup = 0.0\npair_within = 0.2\n"] {
        assert!(Recipe::parse(&format!("{dense}{view}")).is_ok(), "{view}");
    }
    for view in ["", "pair_within = 0.2\n", "aligned_mix = true\n", "mixup = 0.0\n"] {
        let words = refusal(&format!("{dense}{view}"));
        assert!(words.starts_with("method.dense_weight = 0.5: must be 0, unless view.aligned_mix is true"), "{words}");
    }
    let across = "mixup = 0.0\npair_within = 0.2\npair_across_clips = 0.1\n";
    assert!(refusal(&format!("{dense}{across}")).ends_with("and view.pair_across_clips is 0"));
    let flattened = "[method]\nlocal_crops = true\nprojector = \"flattened\"\n";
    let words =
        "method.local_crops = true: must be false with projector = \"flattened\", which fits maps of one size only";
    assert_eq!(refusal(flattened), words);
    let recipe = parse("[method]\ndense_weight = 0.5\n[view]\nmixup = 0.0\npair_within = 0.2\n");
    let apart = ViewRecipe { pair_within: 0.0, ..recipe.view().clone() };
    assert!(recipe.with_view(apart).is_err());
}

#[test]
fn a_key_that_turns_off_what_the_method_does_not_do_is_read_over() {
    let neutral = "[method]\nname = \"simclr\"\nsupervision = \"self\"\n[view]\nmixup = 0.0\naligned_mix = false\n\
                   pair_within = 0\npair_across_clips = 0\n";
    assert_eq!(parse(neutral), Recipe::of_method(MethodName::of::<SimClr>()));
}

#[test]
fn records_of_earlier_versions_are_read_with_what_their_method_read() {
    for (name, method) in [
        ("recipe-hico.toml", MethodName::of::<Hico>()),
        ("recipe-moco.toml", MethodName::of::<Moco>()),
        ("recipe-dino.toml", MethodName::of::<Dino>()),
        ("recipe-simclr.toml", MethodName::of::<SimClr>()),
    ] {
        // They are of `--epochs 2 --side 32 --batch 8`.
        let expected = Recipe::of_method(method).with_epochs(2).and_then(|recipe| recipe.with_image_size(32));
        let expected = expected.unwrap().with_batch(8).unwrap();
        // Defaults that came later, as they were then.
        let train = TrainRecipe { groups_apart: false, ..*expected.train() };
        let expected = expected.with_train(train);
        let older = match method.name() {
            "hico" => {
                let own = HicoRecipe { projector: Projector::Pooled, ..*keys::<Hico>(&expected) };
                Some(MethodRecipe::with_keys::<Hico>(own))
            }
            "moco" => {
                let own = MocoRecipe { own_group: OwnGroup::Kept, ..*keys::<Moco>(&expected) };
                Some(MethodRecipe::with_keys::<Moco>(own))
            }
            "dino" => {
                let prototypes = Fitted::Fixed(Width::known(1024));
                let clip_norm = NonNegative::known(0.0);
                Some(MethodRecipe::with_keys::<Dino>(DinoRecipe { prototypes, clip_norm, ..*keys::<Dino>(&expected) }))
            }
            _ => None,
        };
        let expected = match older {
            Some(older) => expected.with_method(older),
            None => expected,
        };
        assert_eq!(Recipe::of_record(&record(name)).unwrap(), expected, "{name}");
        // Named as a recipe it is known for what it is.
        assert_eq!(Recipe::parse(&record(name)).unwrap(), expected, "{name}");
    }
    let dino = record("recipe-dino.toml").replace("temperature = 0.1", "temperature = 0.3");
    let recipe = Recipe::of_record(&dino).unwrap();
    let own = keys::<Dino>(&recipe);
    assert_eq!((own.student_temperature.get(), own.teacher_temperature.get()), (0.3, 0.04));
    let authors = Recipe::of_record(&record("recipe-hico-authors.toml")).unwrap();
    assert_eq!(authors.method(), Shipped::named("hico-authors").unwrap().recipe().method());
    // Before short batches were trained on, nobody wrote that they were left out.
    let older = record("recipe-moco.toml").replace("drop_last = false\n", "");
    assert!(Recipe::of_record(&older).unwrap().train().drop_last);
    for (record, method) in [
        (
            "[method]\nname = \"uscl\"\n",
            MethodRecipe::with_keys::<Uscl>(UsclRecipe { projection: Width::known(128), ..UsclRecipe::default() }),
        ),
        (
            "[method]\nname = \"vicreg\"\n",
            MethodRecipe::with_keys::<VicReg>(VicRegRecipe { width: Fitted::Fixed(Width::known(512)) }),
        ),
        (
            "[method]\nname = \"ivpp\"\n",
            MethodRecipe::with_keys::<Ivpp>(IvppRecipe { weight_unit: WeightUnit::Seconds, ..IvppRecipe::default() }),
        ),
    ] {
        assert_eq!(*Recipe::of_record(record).unwrap().method(), method);
        // What a person writes has today's defaults.
        assert_eq!(*parse(record).method(), MethodRecipe::of(method.name()));
    }
    assert!(Recipe::of_record("[method]\nmomentom = 0.9\n").is_err(), "what no version wrote");
}

#[test]
fn studies_of_earlier_versions_hold_recipes_that_read() {
    let mut read = 0;
    for study in ["hico-plus", "lung-breast", "breast-to-lung", "held-out-origin"] {
        let ledger: serde_json::Value = serde_json::from_str(&record(&format!("study-{study}.json"))).unwrap();
        for method in ledger["methods"].as_object().unwrap().values().filter(|method| method.is_object()) {
            let Some(old) = method.get("recipe") else { continue };
            let recipe: Recipe = serde_json::from_value(old.clone()).unwrap();
            assert_eq!(serde_json::to_value(recipe.method().name()).unwrap(), old["method"]["name"]);
            assert_eq!(recipe.view().side, 64);
            assert!(recipe.train().drop_last);
            read += 1;
        }
    }
    assert!(read > 20, "{read}");
}

#[test]
fn a_layer_overrules_those_below_it_wherever_its_key_stands() {
    let table = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
    let file = table("[method]\nname = \"moco\"\n[loss]\ntemperature = 0.3\n[view]\nside = 96\n");
    let over = table("method.temperature = 0.4\ntrain.batch = 16\n");
    let recipe = Recipe::of_layers(&[&file, &over]).unwrap();
    let own = keys::<Moco>(&recipe);
    assert_eq!((own.temperature.get(), recipe.view().side, recipe.train().batch.get()), (0.4, 96, 16));
    let error = Recipe::of_layers(&[&file, &table("method.smoothing = 0.1\n")]).unwrap_err().to_string();
    assert!(error.starts_with("method.smoothing = 0.1: the method moco does not read it"), "{error}");
}

#[test]
fn what_is_derived_is_checked() {
    let recipe = Recipe::default();
    let longer = recipe.clone().with_epochs(30).unwrap();
    assert_eq!((longer.train().epochs.get(), longer.train().warmup_epochs), (30, 1));
    assert!(recipe.clone().with_epochs(0).is_err() && recipe.clone().with_batch(1).is_err());
    assert!(recipe.clone().with_image_size(31).is_err() && recipe.clone().with_learning_rate(f64::NAN).is_err());
    let simclr = Recipe::of_method(MethodName::of::<SimClr>());
    let error = simclr.clone().with_supervision(Supervision::Full).unwrap_err().to_string();
    assert!(error.starts_with("method.supervision = \"full\": the method simclr does not read it"), "{error}");
    assert_eq!(simclr.clone().with_supervision(Supervision::SelfOnly).unwrap(), simclr);
    assert!(simclr.clone().with_view(ViewRecipe::default()).is_err(), "it does not mix");
    // A method that does not mix leaves nothing of mixing behind.
    let switched = recipe.with_method(MethodRecipe::of(MethodName::of::<Moco>()));
    assert_eq!(switched, with_view(MethodName::of::<Moco>(), ViewRecipe { mixup: 0.0, ..ViewRecipe::default() }));
}
