//! What cannot be done is refused in one line, with a remedy, an exit code that is not 0, and nothing written over.

use crate::setting::{Said, dataset, done, hico, run, snapshot};
use std::path::Path;
use std::process::Command;

/// The error is one line that holds every one of `words`, and a hint follows it.
pub(crate) fn assert_refused(said: &Said, words: &[&str]) {
    let lines: Vec<&str> = said.err.lines().filter(|line| !line.starts_with("warning: ")).collect();
    assert_eq!(said.code, Some(1), "{}", said.err);
    let [error, hint] = lines.as_slice() else { panic!("not an error and a hint: {}", said.err) };
    assert!(error.starts_with("error: "), "{error}");
    assert!(hint.starts_with("hint: ") && hint.len() > 12, "{hint}");
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
}

/// Runs it in `folder`, asserts that it is refused, and that no file there is new, changed or gone.
pub(crate) fn refuse(folder: &Path, line: &str, words: &[&str]) {
    let before = snapshot(folder);
    assert_refused(&run(folder, line.split_whitespace()), words);
    assert!(snapshot(folder) == before, "hico {line}: something was written");
}

pub(crate) fn phantom() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path(), "--patients 9 --frames 2 --seed 2");
    folder
}

#[cfg(unix)]
#[test]
fn orders_to_the_terminal_in_the_name_of_a_file_are_spelt_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, "phantom --out clips --quiet --side 32 --patients 2 --frames 2");
    std::fs::write(folder.join("clips/\u{1b}]0;owned\u{7}.gif"), "no picture").unwrap();
    for args in [["ingest", "clips", "--out", "data"], ["ingest", "clips", "--out", "\u{1b}[2Jdata"]] {
        let said = run(folder, args);
        assert!(said.err.contains(r"\u{1b}]0;owned\u{7}.gif"), "{}", said.err);
        assert!(!format!("{}{}", said.out, said.err).contains('\u{1b}'), "{:?} {:?}", said.out, said.err);
    }
}

#[test]
fn what_is_not_there_is_called_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for line in [
        "pretrain nodata --out run",
        "finetune random --data nodata --holdout-fold 0 --out run",
        "crossval nodata --out study",
        "split nodata --folds 3",
        "inspect nodata",
        "export-data nodata --to webdataset --out shards",
    ] {
        refuse(folder, line, &["nodata", "no clips.csv"]);
    }
    refuse(folder, "ingest nowhere --out data", &["nowhere"]);
    refuse(folder, "report norun", &["norun"]);
}

#[test]
fn flags_of_layouts_that_do_not_go_together_are_refused() {
    let folder = phantom();
    let folder = folder.path();
    for (flags, words) in [
        ("--layout image-folder --label-map us4", ["--label-map", "--layout uscl"]),
        ("--layout uscl --classes a,b", ["--classes", "--layout pickles"]),
        ("--label-map us4 --transpose", ["--label-map", "--layout uscl"]),
        ("--label-map absent.csv", ["absent.csv", "cannot be read"]),
    ] {
        refuse(folder, &format!("ingest clips --out new {flags}"), &words);
    }
    std::fs::write(folder.join("patients.csv"), "patient,label\nP001,x\n").unwrap();
    refuse(folder, "ingest clips --labels patients.csv --out new", &["patients.csv", "--patient-in-name"]);
    refuse(folder, "export-data data --to image-folder --test-fold 9 --out tree", &["fold 9", "folds 0, 1"]);
    refuse(folder, "export-data data --to image-folder --out clips", &["clips: exists"]);
}

#[test]
fn a_batch_larger_than_the_clips_is_refused_with_the_largest_that_fits() {
    let folder = phantom();
    refuse(folder.path(), "pretrain data --batch 500 --out run", &["500 clips", "larger than"]);
}

#[test]
fn a_batch_larger_than_a_fold_is_refused_before_any_work_by_the_flag_that_was_given_and_else_lowered() {
    let folder = phantom();
    let folder = folder.path();
    let flags = "--pretrain-inside --pretrain-epochs 1 --side 32 --epochs 1 --frames-per-clip 1 --cheap-floors";
    let before = snapshot(folder);
    let line = format!("crossval data {flags} --out study");
    let said = run(folder, format!("{line} --pretrain-batch 500").split_whitespace());
    assert_refused(&said, &["fold 0", "500 clips", "larger than"]);
    assert!(snapshot(folder) == before, "something was written");
    let fits = said.err.split("hint: use ").nth(1).unwrap().split(" or less").next().unwrap().to_owned();
    assert!(fits.starts_with("--pretrain-batch "), "{}", said.err);
    // The remedy works, for the fold that it was told of; and without the flag nothing is refused.
    done(folder, &format!("{line} --folds 0 --quiet {fits}"));
    let said = done(folder, &format!("crossval data {flags} --out other"));
    let lowered = said.err.lines().filter(|line| line.contains("the batch is lowered from 32")).count();
    assert_eq!(lowered, 2, "{}", said.err);
    let said = done(folder, "pretrain data --side 32 --epochs 1 --out run");
    assert!(said.err.contains("the batch is lowered from 32"), "{}", said.err);
}

#[test]
fn another_setting_in_a_folder_of_an_evaluation_is_told_by_its_one_key_and_the_remedy_works() {
    let folder = phantom();
    let folder = folder.path();
    let line = "crossval data --pretrain-inside --pretrain-epochs 1 --pretrain-batch 4 --side 32 --epochs 1 \
                --frames-per-clip 1 --cheap-floors --quiet --out study";
    done(folder, line);
    let said = run(folder, line.replace("--pretrain-batch 4", "--pretrain-batch 3").split_whitespace());
    assert_refused(&said, &["recipe.train.batch = 4 of the method hico, now asked for 3"]);
    assert!(said.err.len() < 400 && said.err.contains("say --pretrain-batch 4"), "{}", said.err);
    done(folder, line);
}

#[test]
fn a_run_goes_on_by_its_own_records_also_from_a_moved_data_set_and_longer() {
    let folder = phantom();
    let folder = folder.path();
    done(folder, "pretrain data --side 32 --batch 4 --epochs 1 --seed 7 --holdout-fold 1 --quiet --out run");
    done(folder, "pretrain --resume --quiet --out run");
    let said = done(folder, "pretrain --resume --out run --epochs 2");
    assert!(said.err.contains("begun with 1 epochs and now has 2"), "{}", said.err);
    refuse(folder, "pretrain --resume --out run --epochs 1", &["2 epochs are begun or finished", "1"]);
    // Other folds with the same clips held out are told; others are not gone on with, and why is said.
    let table = std::fs::read_to_string(folder.join("data/clips.csv")).unwrap();
    done(folder, "split data --folds 3 --seed 5 --force");
    refuse(folder, "pretrain --resume --out run --epochs 3", &["before `hico split` made other folds"]);
    std::fs::write(folder.join("data/clips.csv"), table).unwrap();
    std::fs::rename(folder.join("data"), folder.join("moved")).unwrap();
    let said = run(folder, "pretrain --resume --out run --epochs 3".split_whitespace());
    assert_refused(&said, &["data"]);
    assert!(said.err.contains("hico pretrain DATASET --resume --out run"), "{}", said.err);
    done(folder, "pretrain moved --resume --out run --epochs 3 --quiet");
    assert_refused(&run(folder, ["pretrain", "--resume", "--out", "none"]), &["none", "holds no run"]);
}

#[test]
fn a_run_that_holds_no_fold_out_goes_on_after_a_split() {
    let folder = phantom();
    let folder = folder.path();
    done(folder, "pretrain data --side 32 --batch 4 --epochs 1 --quiet --out run");
    done(folder, "split data --folds 3 --seed 5 --force");
    let said = done(folder, "pretrain --resume --out run --epochs 2");
    assert!(said.err.contains("made anew since this run began; the run holds none out, so it goes on"), "{}", said.err);
    done(folder, "split data --unlabel normal --folds 2 --force");
    let said = run(folder, "pretrain --resume --out run --epochs 3".split_whitespace());
    assert_refused(&said, &["begun with data set"]);
    assert!(said.err.contains("as it was then"), "{}", said.err);
}

#[test]
fn a_folder_keeps_the_network_of_its_fold_and_a_study_begins_in_no_other_folder() {
    let folder = phantom();
    let folder = folder.path();
    let line = "finetune random --data data --side 32 --epochs 1 --batch 4 --frames-per-clip 1 --quiet --out tuned";
    done(folder, &format!("{line} --holdout-fold 0"));
    let before = std::fs::read(folder.join("tuned/summary.json")).unwrap();
    refuse(folder, &format!("{line} --holdout-fold 1"), &["tuned: holds the network of fold 0"]);
    assert!(std::fs::read(folder.join("tuned/summary.json")).unwrap() == before);
    let study = "title = \"t\"\nseeds = [1]\n[budget]\nimages = 8\n[evaluation]\nprobe = [\"all\"]\n[[data]]\nname = \"d\"\n\
                 folder = \"data\"\n[[method]]\nname = \"random\"\n";
    std::fs::write(folder.join("study.toml"), study).unwrap();
    refuse(folder, "compare study.toml --out data", &["clips.csv"]);
    assert!(!folder.join("data/study.json").exists());
    let before = snapshot(&folder.join("tuned"));
    refuse(folder, "compare study.toml --out tuned", &["tuned: begun with budget"]);
    assert!(snapshot(&folder.join("tuned")) == before);
}

#[test]
fn a_split_says_which_patients_stand_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, "phantom --out clips --patients 6 --frames 2 --side 32 --quiet");
    let table = std::fs::read_to_string(folder.join("clips/labels.csv")).unwrap();
    let rows = table.lines().skip(1).filter(|row| !row.is_empty()).enumerate();
    let rows: String = rows.map(|(at, row)| format!("{},x,one,g{at}\n", row.split(',').next().unwrap())).collect();
    std::fs::write(folder.join("torn.csv"), format!("file,label,patient,group\n{rows}")).unwrap();
    done(folder, "ingest clips --labels torn.csv --out data --side 0 --quiet");
    for line in ["split data --folds 2", "split data --check"] {
        let said = done(folder, line);
        assert!(said.err.contains("1 patient in several folds (first: one)"), "{}", said.err);
    }
}

#[test]
fn one_class_is_nothing_to_judge() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, "phantom --out clips --patients 6 --frames 2 --side 32 --quiet");
    let table = std::fs::read_to_string(folder.join("clips/labels.csv")).unwrap();
    let one = table.replace("b_lines", "normal").replace("consolidation", "normal");
    std::fs::write(folder.join("one.csv"), one).unwrap();
    done(folder, "ingest clips --labels one.csv --out data --side 0 --quiet");
    done(folder, "split data --folds 2");
    refuse(folder, "crossval data --out study", &["1 class", "two or more"]);
    refuse(folder, "finetune random --data data --holdout-fold 0 --out study", &["1 class"]);
    refuse(folder, "pretrain data --supervision full --out run", &["2 classes or more"]);
}

#[test]
fn a_fold_without_a_class_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, "phantom --out clips --patients 9 --frames 2 --side 32 --quiet");
    let table = std::fs::read_to_string(folder.join("clips/labels.csv")).unwrap();
    let mut lines = table.lines();
    let mut folded = format!("{},fold\n", lines.next().unwrap());
    for line in lines {
        folded.push_str(&format!("{line},{}\n", u8::from(line.contains("consolidation"))));
    }
    std::fs::write(folder.join("folds.csv"), folded).unwrap();
    done(folder, "ingest clips --labels folds.csv --out data --side 0 --quiet");
    for line in
        ["crossval data --out study", "finetune random --data data --holdout-fold 0 --out study", "split data --check"]
    {
        refuse(folder, line, &["fold 1 has no clip of class \"b_lines\""]);
    }
    refuse(folder, "split data --folds 3", &["has folds already"]);
}

#[test]
fn a_run_is_not_written_over_nor_continued_as_another() {
    let folder = phantom();
    let folder = folder.path();
    let command = "pretrain data --side 32 --batch 4 --epochs 1 --quiet --out run";
    done(folder, command);
    refuse(folder, command, &["run: holds a run already"]);
    let other = command.replace("--batch 4", "--batch 3");
    refuse(folder, &format!("{other} --resume"), &["--batch", "train.batch = 4", "now asked for 3"]);
    refuse(folder, "pretrain --resume --out run --seed 5", &["--seed", "train.seed = 1", "5"]);
    refuse(folder, "pretrain --resume --out run --holdout-fold 1", &["--holdout-fold", "none", "1"]);

    let record = folder.join("run/run.json");
    let text = std::fs::read_to_string(&record).unwrap();
    let ours = format!("\"version\": {:?}", env!("CARGO_PKG_VERSION"));
    std::fs::write(&record, text.replace(&ours, "\"version\": \"99.0.0\"")).unwrap();
    for line in [
        &format!("{command} --resume"),
        "finetune run --data data --holdout-fold 0 --out tuned",
        "crossval data --pretrain run --out study",
        "report run --out r.html",
    ] {
        refuse(folder, line, &["99.0.0", env!("CARGO_PKG_VERSION")]);
    }
    std::fs::write(&record, text).unwrap();

    for (file, line, words) in [
        ("last", format!("{command} --resume"), ["run/last.safetensors", "cut short: 100000 of"]),
        (
            "best",
            "finetune run --data data --holdout-fold 0 --out tuned".to_owned(),
            ["run/best.safetensors", "not a whole"],
        ),
    ] {
        let path = folder.join(format!("run/{file}.safetensors"));
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..100_000]).unwrap();
        refuse(folder, &line, &words);
        std::fs::write(&path, whole).unwrap();
    }
}

/// Runs it with a file system of its own at `mnt`; `None` where this machine lets nobody mount one.
fn on_a_disk_of_its_own(folder: &Path, options: &str, line: &str) -> Option<Said> {
    let mount = format!("mount -t tmpfs -o {options} tmpfs mnt");
    let inside = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script]).current_dir(folder);
        command
    };
    if !inside(&mount).output().is_ok_and(|output| output.status.success()) {
        return None;
    }
    let program = hico(folder).get_program().to_string_lossy().into_owned();
    Some(Said::new(&inside(&format!("{mount} && exec {program} {line}")).output().unwrap()))
}

#[test]
fn a_disk_that_is_full_or_cannot_be_written_is_told() {
    let folder = phantom();
    let folder = folder.path();
    std::fs::create_dir(folder.join("mnt")).unwrap();
    done(folder, "pretrain data --side 32 --batch 4 --epochs 1 --quiet --out run");
    let writers = [
        ("pretrain data --side 32 --batch 4 --epochs 1 --quiet --out mnt/run", "size=8m"),
        ("ingest clips --side 512 --quiet --out mnt/data", "size=4m"),
        ("phantom --side 256 --frames 60 --quiet --out mnt/clips", "size=4m"),
        ("crossval data --cheap-floors --side 32 --quiet --out mnt/study", "nr_inodes=2"),
        ("report run --out mnt/r.html", "size=4k"),
        ("inspect data --quiet --sheet mnt/sheet.png", "size=4k"),
        ("export-data data --to webdataset --quiet --out mnt/shards", "size=16k"),
        ("export-data data --to image-folder --quiet --out mnt/tree", "size=16k"),
        ("demo --quiet --out mnt/demo", "size=100k"),
    ];
    for (line, small) in writers {
        for (options, words) in
            [(small, ["o space left", "no storage space"]), ("ro", ["ead-only file system", "read-only filesystem"])]
        {
            let Some(said) = on_a_disk_of_its_own(folder, options, line) else {
                println!(
                    "skipped: full and read-only disks, for `unshare -rm` and `mount -t tmpfs` are not allowed here"
                );
                return;
            };
            assert_refused(&said, &["mnt"]);
            assert!(words.iter().any(|word| said.err.contains(word)), "{options}: {line}: {}", said.err);
        }
    }
}

#[test]
fn weights_with_a_value_that_is_no_number_are_refused_at_every_door_by_file_and_tensor() {
    use hico_model::weights::{read_with_metadata, to_safetensors};
    let folder = phantom();
    let folder = folder.path();
    let tune = "--data data --side 32 --batch 8 --epochs 1 --holdout-fold 0 --quiet";
    done(folder, &format!("finetune random {tune} --out tuned"));
    done(folder, "pretrain data --method simclr --side 32 --batch 4 --epochs 1 --out run --quiet");
    let odd = |from: &Path, to: &Path, value: f32| {
        let (mut tensors, words) = read_with_metadata(from).unwrap();
        let name = "encoder.backbone.layer2.0.bn1.weight";
        tensors.iter_mut().find(|tensor| tensor.name == name).unwrap().values[3] = value;
        std::fs::write(to, to_safetensors(&tensors, &words).unwrap()).unwrap();
    };
    let tuned = std::fs::read_dir(folder.join("tuned")).unwrap().map(|entry| entry.unwrap().path());
    let tuned = tuned.into_iter().find(|path| path.extension().is_some_and(|suffix| suffix == "safetensors")).unwrap();
    odd(&tuned, &folder.join("odd.safetensors"), f32::NAN);
    odd(&folder.join("run/last.safetensors"), &folder.join("run/last.safetensors"), f32::NEG_INFINITY);
    let words = ["odd.safetensors", "tensor encoder.backbone.layer2.0.bn1.weight", "NaN at index 3"];
    for line in [
        "predict odd.safetensors clips/P001-1",
        "explain odd.safetensors clips/P001-1 --out why",
        "serve odd.safetensors --listen 127.0.0.1:0",
        "embed odd.safetensors data --out e.npy",
        "similar odd.safetensors clips/P001-1 --among data",
        "export odd.safetensors --to torchvision --out e.safetensors",
        "pretrain data --init odd.safetensors --out begun",
        &format!("finetune odd.safetensors {tune} --out again"),
        "crossval data --pretrain odd.safetensors --out study --side 32",
    ] {
        refuse(folder, line, &words);
    }
    let words = ["last.safetensors", "tensor encoder.backbone.layer2.0.bn1.weight", "-inf at index 3"];
    refuse(folder, "pretrain data --method simclr --side 32 --batch 4 --epochs 1 --out run --resume", &words);
}
