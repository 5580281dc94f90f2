//! Texts for users use the words of the field: help, descriptions, documents, recipes, pages and messages hold no retired
//! word, and what a renamed flag was called is still understood.

mod table;

use crate::setting::{dataset, done, run};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use table::{ALLOWED, RETIRED};

/// A text that a user meets, and where it stands.
struct Text {
    place: String,
    words: String,
}

/// Lower case, with single spaces: a phrase may go on over the end of a line.
fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Byte offsets at which a phrase stands as whole words.
fn places(text: &str, phrase: &str) -> Vec<usize> {
    let is_inside = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let stands = |at: &usize| {
        !is_inside(text[..*at].chars().next_back()) && !is_inside(text[at + phrase.len()..].chars().next())
    };
    text.match_indices(phrase).map(|(at, _)| at).filter(stands).collect()
}

/// Retired words of a text, each with what stands around it and what to write instead; notes which contexts it needed.
fn retired_words(text: &str, used: &mut BTreeSet<&'static str>) -> Vec<String> {
    let text = plain(text);
    let allowed: Vec<(&str, String)> = ALLOWED.iter().map(|(context, _)| (*context, plain(context))).collect();
    let mut found = Vec::new();
    for (word, write) in RETIRED.iter().flat_map(|row| row.words.iter().map(|word| (*word, row.write))) {
        for at in places(&text, word) {
            let covers = |context: &str| {
                text.match_indices(context).any(|(from, _)| from <= at && at + word.len() <= from + context.len())
            };
            if let Some((context, _)) = allowed.iter().find(|(_, context)| covers(context)) {
                used.insert(*context);
                continue;
            }
            let from = text[..at].char_indices().rev().nth(40).map_or(0, |(from, _)| from);
            let to = text[at..].char_indices().nth(60).map_or(text.len(), |(to, _)| at + to);
            found.push(format!("{word:?} in \"{}\"; write: {write}", &text[from..to]));
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> Text {
    Text { place: path.display().to_string(), words: std::fs::read_to_string(path).unwrap() }
}

/// The help of a command and of every command below it.
fn help(command: &[String], texts: &mut Vec<Text>) {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), command.iter().map(String::as_str).chain(["--help"]));
    assert_eq!(said.code, Some(0), "{command:?} --help: {}", said.err);
    let below = said.out.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names: Vec<String> =
        below.filter(is_name).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    texts.push(Text { place: format!("hico {} --help", command.join(" ")), words: said.out });
    for name in names.into_iter().filter(|name| name != "help") {
        let mut command = command.to_vec();
        command.push(name);
        help(&command, texts);
    }
}

/// README and the pages of `docs`.
fn documents() -> Vec<Text> {
    let pages = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let is_read = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix == "md");
    let mut pages: Vec<PathBuf> = pages.filter(is_read).collect();
    pages.push(root().join("README.md"));
    pages.iter().map(|path| read(path)).collect()
}

/// Every recipe as `hico recipe` shows it, and their list.
fn recipes() -> Vec<Text> {
    let folder = tempfile::tempdir().unwrap();
    let list = done(folder.path(), "recipe list").out;
    let names = list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    let mut texts: Vec<Text> = names
        .map(|name| Text {
            words: done(folder.path(), &format!("recipe show {name}")).out,
            place: format!("recipe {name}"),
        })
        .collect();
    assert!(texts.len() > 5, "{list}");
    texts.push(Text { place: "recipe list".to_owned(), words: list });
    texts
}

/// Files below a folder, tests left out.
fn files_below(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(files_below(&path, suffix));
        } else if name.ends_with(suffix) && !name.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// A literal without what is filled in.
fn without_placeholders(literal: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = String::new();
    for letter in literal.chars() {
        depth = if letter == '}' { depth.saturating_sub(1) } else { depth };
        if depth == 0 {
            kept.push(letter);
        }
        depth += usize::from(letter == '{');
    }
    kept
}

/// The rest of a literal up to `end`, and whether it is raw.
fn literal(letters: &mut std::str::Chars<'_>, end: &str, raw: bool) -> String {
    let mut found = String::new();
    while !letters.as_str().starts_with(end) {
        match letters.next() {
            Some('\\') if !raw => match letters.next() {
                Some('\n') => *letters = letters.as_str().trim_start().chars(),
                Some('n') => found.push('\n'),
                escaped => found.extend(escaped),
            },
            Some(letter) => found.push(letter),
            None => return found,
        }
    }
    *letters = letters.as_str()[end.len()..].chars();
    found
}

/// String literals of code that hold more than one word, without what is filled in; `quotes` delimit them.
fn sentences(code: &str, quotes: &[char]) -> Vec<String> {
    let is_rust = quotes == ['"'];
    let mut found = Vec::new();
    let mut letters = code.chars();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let rest = letters.as_str();
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        if letter == '/' && rest.starts_with('/') {
            letters.by_ref().find(|letter| *letter == '\n');
        } else if is_rust && letter == '\'' && rest.starts_with('\\') {
            // A character that is escaped, as the quote may be.
            literal(&mut letters, "'", false);
        } else if is_rust && letter == '\'' && rest.chars().nth(1) == Some('\'') {
            letters.nth(1);
        } else if is_rust && letter == 'r' && !before.is_alphanumeric() && rest[hashes..].starts_with('"') {
            letters.nth(hashes);
            found.push(literal(&mut letters, &format!("\"{}", "#".repeat(hashes)), true));
        } else if quotes.contains(&letter) {
            found.push(literal(&mut letters, &letter.to_string(), false));
        }
        before = letter;
    }
    let found = found.iter().map(|literal| without_placeholders(literal));
    found.filter(|literal| literal.trim().contains(char::is_whitespace)).collect()
}

/// Messages in the sources of the program and its libraries.
fn messages() -> Vec<Text> {
    let mut texts = Vec::new();
    for name in ["hico-cli", "hico-data", "hico-serve", "hico"] {
        for file in files_below(&root().join("crates").join(name).join("src"), ".rs") {
            let place = file.strip_prefix(root().join("crates")).unwrap().to_string_lossy().replace('\\', "/");
            let code = std::fs::read_to_string(&file).unwrap();
            let code = code.split("\nmod tests {").next().unwrap();
            // Names of random streams and reasons of lints are not shown, nor are assertions about our own code.
            let unseen = ["reason = ", "stream(", "derive(\"", "assert!(", "assert_eq!("];
            let is_unseen = |line: &str| {
                line.matches('"').count().is_multiple_of(2) && unseen.iter().any(|word| line.contains(word))
            };
            let shown: String = code.lines().filter(|line| !is_unseen(line)).flat_map(|line| [line, "\n"]).collect();
            texts.push(Text { place, words: sentences(&shown, &['"']).join("\n\n") });
        }
    }
    texts
}

/// What the page of `hico serve` shows: the text of its HTML, and the sentences of its script.
fn page() -> Vec<Text> {
    let folder = root().join("crates/hico-serve/src/page");
    let Text { place, words } = read(&folder.join("index.html"));
    let text: String =
        words.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect::<Vec<_>>().join(" ");
    let script = read(&folder.join("page.js"));
    let said = sentences(&script.words, &['"', '`']).join("\n\n");
    vec![Text { place, words: text }, Text { place: script.place, words: said }]
}

/// Everything that is read.
fn texts() -> Vec<Text> {
    let mut texts = Vec::new();
    help(&[], &mut texts);
    texts.extend(documents());
    texts.extend(recipes());
    texts.extend(messages());
    texts.extend(page());
    texts.push(read(&root().join("crates/hico-serve/src/api.json")));
    texts
}

#[test]
fn texts_for_users_hold_no_retired_word() {
    let texts = texts();
    assert!(texts.iter().filter(|text| text.place.ends_with("--help")).count() > 15, "not every command was found");
    let mut used = BTreeSet::new();
    let found: Vec<String> = texts
        .iter()
        .flat_map(|text| {
            retired_words(&text.words, &mut used)
                .into_iter()
                .map(|found| format!("{}: {found}", text.place))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{} retired words:\n{}", found.len(), found.join("\n"));
    let unused: Vec<&str> = ALLOWED.iter().map(|(context, _)| *context).filter(|of| !used.contains(of)).collect();
    assert!(unused.is_empty(), "contexts that no text has: {unused:#?}");
    assert!(ALLOWED.iter().all(|(_, reason)| reason.len() > 10), "a context without a reason");
}

#[test]
fn a_planted_retired_word_is_found_wherever_it_may_stand() {
    let found = |text: &str| retired_words(text, &mut BTreeSet::new()).len();
    for planted in [
        "Set the side of a frame",
        "hico ingest clips --side 128 --out data",
        "{\"familiarity\": null}",
        "the Floors, and more",
        "root of every\n    random choice",
        "watch_fraction = 0.2",
        "**Sides**",
    ] {
        assert_eq!(found(planted), 1, "{planted}");
    }
    for fine in ["inside", "besides", "residential", "watchdog", "side_effects", "shared", "the seed"] {
        assert_eq!(found(fine), 0, "{fine}");
    }
    let code = r##"let words = format!("a {side} of \"nobody\" \
        here"); // "nobody"
        let key = "side"; let quote = '"'; let other = '\''; let more = "the other side"; let raw = r#"a "floor""#;"##;
    assert_eq!(sentences(code, &['"']), ["a {} of \"nobody\" here", "the other side", "a \"floor\""]);
    let script = "say(`the film of ${name}`); const key = \"film\";";
    assert_eq!(sentences(script, &['"', '`']), ["the film of ${}"]);
}

/// Keys of an object and of all below it.
fn keys(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(object) => object.iter().for_each(|(key, value)| {
            found.insert(key.clone());
            keys(value, found);
        }),
        serde_json::Value::Array(all) => all.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn keys_and_columns_of_results_are_no_retired_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    dataset(path, "--patients 9 --frames 2 --seed 2");
    let json = |text: &str, found: &mut BTreeSet<String>| {
        let values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
        values.for_each(|value| keys(&value.unwrap(), found));
    };
    let mut found = BTreeSet::new();
    for line in [
        "phantom --image-size 32 --patients 2 --out more",
        "ingest clips --labels clips/labels.csv --out again",
        "inspect data",
        "split data --check",
        "audit data",
        "audit clips --phi",
        "export-data data --to webdataset --out shards",
        "pretrain data --image-size 32 --batch 4 --epochs 1 --out run",
        "export run --to torchvision --out encoder.safetensors",
    ] {
        json(&done(path, &format!("{line} --json --quiet")).out, &mut found);
    }
    for file in ["run/run.json", "run/journal.jsonl", "again/ingest.jsonl"] {
        json(&std::fs::read_to_string(path.join(file)).unwrap(), &mut found);
    }
    let table = std::fs::read_to_string(path.join("data/clips.csv")).unwrap();
    found.extend(table.lines().next().unwrap().split(',').map(str::to_owned));
    assert!(
        ["val_loss", "val_groups", "image_size", "patient", "pairs"].iter().all(|key| found.contains(*key)),
        "{found:?}"
    );
    let retired: BTreeSet<&str> = RETIRED.iter().flat_map(|row| row.words).copied().collect();
    let wrong: Vec<&String> =
        found.iter().filter(|key| key.split(['_', '-']).any(|word| retired.contains(word))).collect();
    // The column is part of the format of data sets, as `provenance` of them; `watched` is in histories of networks, which
    // the evaluation writes.
    assert!(wrong.iter().all(|key| ["done", "watched"].contains(&key.as_str())), "{wrong:?}");
}

/// Flags as earlier versions called them, each in a command that then fails for another reason.
#[rustfmt::skip]
const EARLIER_FLAGS: &[(&str, &str)] = &[
    ("--side", "phantom --side 0 --out clips"),
    ("--side", "ingest absent --side 64 --out data"),
    ("--label-cuts", "ingest absent --labels absent.csv --label-cuts 40,50 --out data"),
    ("--side", "inspect absent --side 80"),
    ("--copy", "audit absent --copy 0.9"),
    ("--same-view", "audit absent --same-view 0.7"),
    ("--no-confounds", "audit absent --no-confounds"),
    ("--phi-score", "audit absent --phi --phi-score 0.2"),
    ("--side", "pretrain absent --side 64 --out run"),
    ("--recompute-activations", "pretrain absent --recompute-activations --out run"),
    ("--every", "predict absent absent --every 2"),
    ("--film", "explain absent absent --film --out why"),
    ("--side", "embed absent absent --side 64 --out f.npy"),
    ("--side", "similar absent absent --among absent --side 64"),
    ("--side", "export absent --to onnx --side 64 --out f.onnx"),
];

#[test]
fn flags_of_earlier_versions_are_understood_and_no_longer_shown() {
    let folder = tempfile::tempdir().unwrap();
    for (flag, line) in EARLIER_FLAGS {
        let said = run(folder.path(), line.split(' '));
        assert_eq!(said.code, Some(1), "hico {line}: {}", said.err);
        let command = line.split(' ').next().unwrap();
        let help = done(folder.path(), &format!("{command} --help")).out;
        let shown = |line: &&str| line.split([' ', ',', '=']).any(|word| word == *flag);
        assert!(!help.lines().any(|line| shown(&line)), "hico {command} --help shows {flag}");
    }
    let unknown = run(folder.path(), ["phantom", "--sides", "64", "--out", "clips"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.err);
}

/// Lines of a help text that a person broke: one after another, both at the margin.
fn broken_lines(text: &str) -> Vec<(&str, &str)> {
    let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ') && !line.ends_with(':');
    let lines: Vec<&str> = text.lines().collect();
    lines.windows(2).filter(|two| two.iter().all(|line| is_prose(line))).map(|two| (two[0], two[1])).collect()
}

#[test]
fn help_texts_are_broken_into_lines_by_the_terminal_alone_and_begin_with_examples() {
    let args = root().join("crates/hico-cli/src/args");
    let mut seen = 0;
    for file in files_below(&args, ".rs") {
        let place = file.to_string_lossy().replace('\\', "/");
        let code = std::fs::read_to_string(&file).unwrap();
        for help in code.split("after_help = ").skip(1) {
            let help = &sentences(help, &['"'])[0];
            assert_eq!(broken_lines(help), [], "{place}");
            assert!(help.starts_with("Examples:\n  "), "{place}: {help}");
            let examples = help.lines().skip(1).take_while(|line| line.starts_with("  ")).count();
            assert!((2..=4).contains(&examples), "{place}: {examples} examples");
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen} help texts");
    assert_eq!(broken_lines("Examples:\n  hico\n\nA line\nand its end."), [("A line", "and its end.")]);
}
